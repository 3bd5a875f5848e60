//! One check: a TCP connect to each port, or a GET that must answer 2xx.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http_body_util::Empty;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether every port answers as it should.
pub(super) async fn all(ports: &[u16], http_path: Option<&str>) -> bool {
    for port in ports {
        if !matches!(timeout(PATIENCE, one(*port, http_path)).await, Ok(true)) {
            return false;
        }
    }
    true
}

async fn one(port: u16, http_path: Option<&str>) -> bool {
    let Ok(stream) = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await else {
        return false;
    };
    match http_path {
        None => true,
        Some(path) => get(stream, port, path)
            .await
            .is_some_and(|status| status.is_success()),
    }
}

async fn get(stream: TcpStream, port: u16, path: &str) -> Option<http::StatusCode> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .ok()?;
    let request = Request::get(path)
        .header(HOST, format!("127.0.0.1:{port}"))
        .header("user-agent", "weft-health")
        .body(Empty::<Bytes>::new())
        .ok()?;
    // The connection is driven here and ends with this check.
    tokio::select! {
        response = sender.send_request(request) => response.ok().map(|response| response.status()),
        _ = connection => None,
    }
}
