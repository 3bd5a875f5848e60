//! HTTP/1.1 as an application speaks it: connections kept alive, a new one whenever none is idle.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

use super::{Door, Flow, ID_HEADER, Kind, Outcome};

/// No answer in the demo is longer.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

type Connection = SendRequest<Full<Bytes>>;

/// Idle connections by port.
#[derive(Debug, Default)]
pub(in super::super) struct Http(Mutex<HashMap<u16, Vec<Connection>>>);

/// A whole answer.
#[derive(Debug)]
pub(in super::super) struct Answer {
    /// Its status.
    pub(in super::super) status: StatusCode,
    /// Its headers.
    pub(in super::super) headers: HeaderMap,
    /// Its body.
    pub(in super::super) body: Bytes,
}

/// What the shop answers.
#[derive(Deserialize)]
struct Served {
    cluster: String,
    instance: String,
    id: String,
    bytes: usize,
}

impl Http {
    /// Makes a flow's call.
    pub(super) async fn call(&self, flow: &Flow, id: &str) -> Outcome {
        let (method, body) = match flow.kind {
            Kind::Post => (Method::POST, Bytes::from(id.repeat(64))),
            Kind::Get | Kind::Charge | Kind::Statement | Kind::Deposit | Kind::Converse => {
                (Method::GET, Bytes::new())
            }
        };
        let sent = body.len();
        match self
            .request(method, flow.door, flow.host, "/basket", Some(id), body)
            .await
        {
            Ok(answer) => outcome(&answer, id, sent),
            Err(why) => Outcome::Failed(why),
        }
    }

    /// Sends one request through a door of the application's node.
    pub(in super::super) async fn request(
        &self,
        method: Method,
        door: Door,
        host: &str,
        path: &str,
        id: Option<&str>,
        body: Bytes,
    ) -> Result<Answer, String> {
        let target = match door {
            Door::Proxy(_) => format!("http://{host}{path}"),
            Door::Listener(_) => path.to_owned(),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header(header::HOST, host);
        if let Some(id) = id {
            request = request.header(ID_HEADER, id);
        }
        let request = request
            .body(Full::new(body))
            .map_err(|error| error.to_string())?;
        self.send(door.port(), request).await
    }

    /// Fetches a page of a process itself, as from its metrics port.
    pub(in super::super) async fn fetch(&self, port: u16, path: &str) -> Result<Answer, String> {
        let host = format!("127.0.0.1:{port}");
        self.request(
            Method::GET,
            Door::Listener(port),
            &host,
            path,
            None,
            Bytes::new(),
        )
        .await
    }

    async fn send(&self, port: u16, mut request: Request<Full<Bytes>>) -> Result<Answer, String> {
        loop {
            let (mut connection, kept) = match self.idle(port) {
                Some(connection) => (connection, true),
                None => (connect(port).await?, false),
            };
            match connection.try_send_request(request).await {
                Ok(response) => {
                    let (head, body) = response.into_parts();
                    let body = Limited::new(body, LONGEST_ANSWER).collect().await;
                    let body = body
                        .map_err(|error| format!("answer broken off: {error}"))?
                        .to_bytes();
                    self.keep(port, connection);
                    return Ok(Answer {
                        status: head.status,
                        headers: head.headers,
                        body,
                    });
                }
                Err(mut error) => match error.take_message() {
                    // An idle connection that the node had closed: nothing was sent on it.
                    Some(unsent) if kept => request = unsent,
                    _ => {
                        return Err(format!(
                            "connection broken: {}",
                            crate::failure::chain(error.error())
                        ));
                    }
                },
            }
        }
    }

    fn idle(&self, port: u16) -> Option<Connection> {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let connections = idle.get_mut(&port)?;
        while let Some(connection) = connections.pop() {
            if connection.is_ready() {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, port: u16, connection: Connection) {
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.entry(port).or_default().push(connection);
    }
}

async fn connect(port: u16) -> Result<Connection, String> {
    let refused = |error: &dyn std::error::Error| format!("connect to 127.0.0.1:{port}: {error}");
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .map_err(|error| refused(&error))?;
    stream.set_nodelay(true).map_err(|error| refused(&error))?;
    let (mut sender, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(|error| refused(&error))?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "connection ended");
        }
    });
    sender.ready().await.map_err(|error| refused(&error))?;
    Ok(sender)
}

/// The shop says who it is; whatever else answers is the mesh.
fn outcome(answer: &Answer, id: &str, sent: usize) -> Outcome {
    let text = || {
        String::from_utf8_lossy(&answer.body)
            .trim()
            .chars()
            .take(200)
            .collect::<String>()
    };
    if answer.status.is_client_error() || answer.status.is_server_error() {
        return Outcome::Refused(format!("{} {}", answer.status, text()));
    }
    match serde_json::from_slice::<Served>(&answer.body) {
        Ok(served) if served.id == id && served.bytes == sent => Outcome::Served {
            cluster: served.cluster,
            instance: served.instance,
        },
        Ok(served) => Outcome::Failed(format!(
            "answer for {} with {} of {sent} bytes",
            served.id, served.bytes
        )),
        Err(error) => Outcome::Failed(format!("answer not understood: {error}: {}", text())),
    }
}
