//! An app's request on its way out: service → place and endpoint → tunnel, as often as it may be tried.
//!
//! The steps stand in [`Outbound::request`]; each is a module. Time-outs, retries and budgets live here only: the inbound half at the
//! other end knows nothing of them, and shares no state.

mod attempt;
pub(crate) mod balance;
pub(crate) mod budget;
pub(crate) mod failover;
mod locality;
pub(crate) mod outlier;
pub(crate) mod pick;
pub(crate) mod pool;
mod replay;
pub(crate) mod rescue;
mod retry;
pub(crate) mod service;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use http::header::{CONTENT_TYPE, HOST, HeaderMap};
use http::{Method, Request, Response};
use hyper::body::Incoming;
use identity::Trust;
use protocol::name::{Locality, MeshHost, ServiceName, SpiffeId};
use protocol::view::View;
use protocol::wire::v1;
use tokio::time::{Instant, sleep};
use tunnel::{RequestHead, TunnelBody};

use crate::credentials::Credentials;
use crate::http::body::{Answer, Cleaned, Counted};
use crate::http::hop_headers;
use crate::http::send::Busy;
use crate::http::target::{self, Target, TargetError};
use crate::http::{APP_BROKE_OFF, REASON};
use crate::observe::{Observer, Open, Record};
use attempt::{Failed, Trying};
use pick::{Draws, Picked};
use pool::{InUse, Pool};
use replay::Replay;
use rescue::OutboundError;
use retry::{Attempts, Next, Repeatable};
use service::{Directory, Endpoint, Service};

/// Who sends: a workload here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// Its identity.
    pub(crate) id: SpiffeId,
    /// As metrics say it: `namespace/service-account`.
    pub(crate) label: Arc<str>,
}

/// The outbound half of a node.
#[derive(Debug)]
pub(crate) struct Outbound {
    here: Locality,
    directory: ArcSwapOption<Directory>,
    pool: Arc<Pool>,
    observer: Arc<Observer>,
}

/// The answer's body, on whose end the request's record is written.
pub(crate) type OutboundBody = Counted<Answer, Open<(Option<InUse>, Option<Busy>)>>;

/// An answer's head and what it holds open.
struct Answered {
    response: Response<TunnelBody>,
    tunnel: InUse,
    busy: Busy,
}

impl Outbound {
    pub(crate) fn new(
        here: Locality,
        endpoint: tunnel::Endpoint,
        trust: Trust,
        credentials: Arc<Credentials>,
        observer: Arc<Observer>,
    ) -> Self {
        let pool = Arc::new(Pool::new(endpoint, trust, credentials));
        Self {
            here,
            directory: ArcSwapOption::empty(),
            pool,
            observer,
        }
    }

    /// Puts a View in force; tunnels that it no longer allows close at once.
    pub(crate) fn apply(&self, view: &View) {
        let before = self.directory.load_full();
        let directory = Arc::new(Directory::build(
            view,
            &self.here,
            before.as_deref(),
            &self.pool,
        ));
        self.directory.store(Some(Arc::clone(&directory)));
        let sources: Vec<SpiffeId> = view
            .workloads
            .iter()
            .map(|workload| workload.spiffe_id(&view.trust_domain))
            .collect();
        self.pool.apply(&directory, &sources);
    }

    /// Lets go what isn't needed, and closes what isn't trusted any more; called once a second.
    pub(crate) fn sweep(&self) {
        self.pool.sweep();
    }

    /// Closes every tunnel.
    pub(crate) fn close(&self) {
        self.pool.close();
    }

    /// What the controller is to know.
    pub(crate) fn heartbeat(&self) -> v1::Heartbeat {
        let standings = self
            .directory
            .load()
            .as_ref()
            .map(|d| d.standings(std::time::Instant::now()))
            .unwrap_or_default();
        let state = |s: service::FailoverStanding| v1::FailoverState {
            service: s.service,
            place: s.place,
            share_away: s.share_away,
        };
        v1::Heartbeat {
            tunnels: self.pool.peer_tunnels(),
            failovers: standings.into_iter().map(state).collect(),
        }
    }

    /// Answers one request of `source`; `fixed` is the host that the listener leads to, else the request names its own.
    pub(crate) async fn request(
        &self,
        source: &Arc<Source>,
        fixed: Option<&MeshHost>,
        request: Request<Incoming>,
    ) -> Response<OutboundBody> {
        let mut record = self
            .observer
            .outbound(&source.id, Arc::clone(&source.label), &request);
        let is_grpc = is_grpc(request.headers());
        match self.route(source, fixed, request, &mut record).await {
            Ok(answered) => {
                let (mut parts, body) = answered.response.into_parts();
                hop_headers::strip_hop(&mut parts.headers);
                hop_headers::strip_private(&mut parts.headers);
                record.status(parts.status);
                let open = record.open((Some(answered.tunnel), Some(answered.busy)));
                Response::from_parts(parts, Counted::new(Answer::Tunnel(body), open))
            }
            Err(error) => {
                let response = error.answer(is_grpc);
                record.failed(response.status(), error.reason(), &error);
                let open = record.open((None, None));
                response.map(|body| Counted::new(body, open))
            }
        }
    }

    /// The steps.
    async fn route(
        &self,
        source: &Arc<Source>,
        fixed: Option<&MeshHost>,
        request: Request<Incoming>,
        record: &mut Record,
    ) -> Result<Answered, OutboundError> {
        let target = Target::parse(
            request.method(),
            request.uri(),
            request.version(),
            request.headers(),
        )?;
        let directory = self.directory.load_full().ok_or(OutboundError::NotReady)?;
        let unknown = || OutboundError::UnknownHost(target.host.clone());
        let named = if fixed.is_some() {
            None
        } else {
            MeshHost::parse(&target.host)
        };
        let host = fixed.or(named.as_ref()).ok_or_else(unknown)?;
        record.path(&target.path);
        let (service, plan) = service::find(&directory, host)
            .ok_or_else(|| OutboundError::UnknownHost(host.to_string()))?;
        record.service(&service.label);
        // P-16: what the listener leads to and what the request says must agree, unless it speaks of no service at all.
        let is_known = |named: &ServiceName| directory.knows(named);
        if fixed.is_some() && target::names_another(&target.host, &host.service, is_known) {
            return Err(TargetError::AnotherService.into());
        }
        let (parts, body) = request.into_parts();
        let head = head(target, host, &service, parts.method, parts.headers);
        let trying = Trying {
            source,
            service: &service,
            plan: &plan,
            head,
            body: Replay::new(body, record.received()),
        };
        self.try_until_answered(&directory, trying, record).await
    }

    /// Attempt after attempt, until one is answered or no other may be made.
    async fn try_until_answered(
        &self,
        directory: &Arc<Directory>,
        trying: Trying<'_>,
        record: &mut Record,
    ) -> Result<Answered, OutboundError> {
        trying.service.budget.lock().deposit();
        let harmless = retry::is_idempotent(&trying.head.method)
            || trying.service.facts.is_idempotent(&trying.head.path);
        let mut attempts = Attempts::new(Instant::now());
        let mut tried: Vec<Arc<Endpoint>> = Vec::new();
        loop {
            attempts.begin();
            record.attempts(attempts.made());
            // A View may have come since the last attempt; the plan stays the request's, trust is always the newest.
            let failed = match self
                .attempt(directory, &trying, &tried, attempts.deadline(), record)
                .await
            {
                Ok(answered) => return Ok(answered),
                Err((failed, picked)) => {
                    tried.extend(picked);
                    failed
                }
            };
            let repeatable = Repeatable {
                body: trying.body.is_replayable(),
                harmless,
            };
            match attempts.settle(failed.failure, repeatable, Instant::now()) {
                Next::Again(pause) if pause.is_zero() => {}
                Next::Again(pause) => sleep(pause).await,
                Next::IfPaid if trying.service.budget.lock().withdraw() => {}
                Next::IfPaid | Next::GiveUp => return Err(failed.error),
            }
        }
    }

    /// One attempt: an endpoint, a tunnel, the request.
    async fn attempt(
        &self,
        directory: &Arc<Directory>,
        trying: &Trying<'_>,
        tried: &[Arc<Endpoint>],
        deadline: Instant,
        record: &mut Record,
    ) -> Result<Answered, (Failed, Option<Arc<Endpoint>>)> {
        let picked = pick::endpoint(trying.plan, std::time::Instant::now(), Draws::new(), tried)
            .map_err(|nowhere| (trying.nowhere(nowhere), None))?;
        record.endpoint(&picked.endpoint.facts.spiffe_id, &picked.endpoint.cluster);
        picked.endpoint.counters.attempts.increment(1);
        let busy = Busy::new(&picked.endpoint.state.in_flight);
        let outcome = self.send(directory, trying, &picked, deadline).await;
        match outcome {
            Ok((response, tunnel)) => {
                trying.answered(&picked, response.status().as_u16(), response.headers());
                Ok(Answered {
                    response,
                    tunnel,
                    busy,
                })
            }
            Err(failed) => {
                trying.failed(&picked, &failed);
                Err((failed, Some(picked.endpoint)))
            }
        }
    }

    async fn send(
        &self,
        directory: &Arc<Directory>,
        trying: &Trying<'_>,
        picked: &Picked,
        deadline: Instant,
    ) -> Result<(Response<TunnelBody>, InUse), Failed> {
        let tunnel = self
            .pool
            .tunnel_to(&trying.source.id, &picked.endpoint, directory, deadline)
            .await
            .map_err(|error| trying.no_tunnel(&error))?;
        let body = Cleaned(trying.body.attempt());
        match tunnel.request(&trying.head, body).await {
            Ok(response)
                if response
                    .headers()
                    .get(REASON)
                    .is_some_and(|reason| reason == APP_BROKE_OFF) =>
            {
                Err(trying.broken("the application broke off"))
            }
            Ok(response) => Ok((response, tunnel)),
            Err(error) => Err(trying.no_answer(error)),
        }
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// The head as it goes on the tunnel: end-to-end fields, none that claims an identity.
fn head(
    target: Target,
    host: &MeshHost,
    service: &Service,
    method: Method,
    mut headers: HeaderMap,
) -> RequestHead {
    hop_headers::strip_hop(&mut headers);
    // P-14: on entry.
    hop_headers::strip_identity(&mut headers);
    headers.remove(HOST);
    let authority = if target.authority.is_empty() {
        host.to_string()
    } else {
        target.authority
    };
    RequestHead {
        service: service.facts.name.clone(),
        method,
        authority,
        path: target.path,
        headers,
    }
}
