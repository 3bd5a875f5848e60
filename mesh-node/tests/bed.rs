//! Two clusters in one process: fake controllers that say what the test wants, real nodes, real tunnels, real apps.
#![allow(
    dead_code,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    reason = "shared by several tests, which may panic"
)]

pub mod app;
pub mod cluster;

use std::time::Duration;

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

/// Only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Waits until `what` holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !holds().await {
        assert!(tokio::time::Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// One request to a listener on this host.
pub async fn get(port: u16, path: &str) -> (u16, String) {
    let request = Request::get(format!("http://127.0.0.1:{port}{path}"))
        .body(Full::default())
        .unwrap();
    let response = send(request).await.unwrap();
    (response.status().as_u16(), text(response).await)
}

pub async fn send(
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>, hyper_util::client::legacy::Error> {
    Client::builder(TokioExecutor::new())
        .build_http()
        .request(request)
        .await
}

pub async fn text(response: Response<Incoming>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8_lossy(&bytes).into_owned()
}
