//! To one of the apps here that serve a service under an identity: a healthy one, and the next when it takes no connection.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;
use http::header::{CONTENT_TYPE, HOST, HeaderValue, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri, Version};
use protocol::name::{ServiceName, SpiffeId};
use protocol::view::{Protocol, View};
use tunnel::RequestHead;

use crate::health::{Health, WorkloadKey};
use crate::http::body::AppBody;
use crate::http::send::{App, AppAnswer, SendError, Speaks};

/// The apps behind this node.
#[derive(Debug)]
pub(super) struct Apps {
    health: Arc<Health>,
    table: ArcSwap<Table>,
    turn: AtomicUsize,
}

type Table = BTreeMap<(ServiceName, SpiffeId), Vec<Instance>>;

/// One workload's port for one service.
#[derive(Debug, Clone)]
struct Instance {
    workload: WorkloadKey,
    app: Arc<App>,
}

/// Why no app answered.
#[derive(Debug)]
pub(super) enum AppError {
    /// None got a byte.
    Unavailable(String),
    /// One may have.
    Broken { detail: String, is_grpc: bool },
}

impl Apps {
    pub(super) fn new(health: Arc<Health>) -> Self {
        Self {
            health,
            table: ArcSwap::default(),
            turn: AtomicUsize::new(0),
        }
    }

    /// Takes over what a View says; connections to ports that stay are kept.
    pub(super) fn apply(&self, view: &View) {
        let before = self.table.load();
        let known = |port, speaks| {
            let mut apps = before.values().flatten().map(|instance| &instance.app);
            apps.find(|app| app.port() == port && app.speaks() == speaks)
                .cloned()
        };
        let mut table = Table::new();
        for workload in &view.workloads {
            let id = workload.spiffe_id(&view.trust_domain);
            for serves in &workload.serves {
                let speaks = match serves.protocol {
                    Protocol::Http | Protocol::Auto => Speaks::Http1,
                    Protocol::Http2 | Protocol::Grpc => Speaks::Http2,
                    Protocol::Tcp | Protocol::Udp => continue,
                };
                let app = known(serves.port, speaks)
                    .unwrap_or_else(|| Arc::new(App::new(serves.port, speaks)));
                let instance = Instance {
                    workload: WorkloadKey::of(workload),
                    app,
                };
                table
                    .entry((serves.service.clone(), id.clone()))
                    .or_default()
                    .push(instance);
            }
        }
        self.table.store(Arc::new(table));
    }

    /// Sends a request to one instance after another, until one takes it.
    pub(super) async fn send(
        &self,
        shown: &SpiffeId,
        head: RequestHead,
        is_chunked: bool,
        body: AppBody,
    ) -> Result<Response<AppAnswer>, AppError> {
        let is_grpc = head
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
        let instances = self.instances(&head.service, shown);
        let mut request =
            request(head, body).map_err(|error| AppError::Unavailable(error.to_string()))?;
        let mut last = "no healthy instance is here".to_owned();
        for instance in instances {
            prepare(&mut request, instance.app.speaks(), is_chunked);
            let unsent = match instance.app.send(request).await {
                Ok(response) => return Ok(response),
                Err(unsent) => unsent,
            };
            if matches!(unsent.error, SendError::NoConnection { .. }) {
                self.health.refused(&instance.workload);
            }
            last = unsent.error.to_string();
            match unsent.request {
                Some(back) => request = back,
                None => {
                    return Err(AppError::Broken {
                        detail: last,
                        is_grpc,
                    });
                }
            }
        }
        Err(AppError::Unavailable(last))
    }

    /// The healthy instances, each request beginning with another.
    fn instances(&self, service: &ServiceName, shown: &SpiffeId) -> Vec<Instance> {
        let table = self.table.load();
        let all = table
            .get(&(service.clone(), shown.clone()))
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut healthy: Vec<_> = all
            .iter()
            .filter(|instance| self.health.may_serve(&instance.workload))
            .cloned()
            .collect();
        if healthy.len() > 1 {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed) % healthy.len();
            healthy.rotate_left(turn);
        }
        healthy
    }
}

/// The request as every protocol needs it: method, headers, absolute target.
fn request(head: RequestHead, body: AppBody) -> Result<Request<AppBody>, http::Error> {
    let mut request = Request::new(body);
    *request.method_mut() = head.method;
    *request.headers_mut() = head.headers;
    let authority = Authority::try_from(head.authority.as_str())?;
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.path_and_query = Some(PathAndQuery::try_from(head.path.as_str())?);
    request
        .headers_mut()
        .insert(HOST, HeaderValue::try_from(authority.as_str())?);
    parts.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(parts)?;
    Ok(request)
}

/// Gives the request the form of one protocol.
fn prepare(request: &mut Request<AppBody>, speaks: Speaks, is_chunked: bool) {
    match speaks {
        Speaks::Http1 => {
            *request.version_mut() = Version::HTTP_11;
            if let Some(path) = request.uri().path_and_query().cloned() {
                *request.uri_mut() = Uri::from(path);
            }
            if is_chunked {
                // hyper takes a GET for one without body unless it is told.
                request
                    .headers_mut()
                    .insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
            }
        }
        Speaks::Http2 => {
            *request.version_mut() = Version::HTTP_2;
            request.headers_mut().remove(HOST);
        }
    }
}
