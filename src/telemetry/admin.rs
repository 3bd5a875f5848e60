//! The admin server: `/metrics`, `/livez`, `/readyz`, read-only, on this machine's loopback by default.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

use super::readiness::Readiness;
use crate::failure::Failure;
use crate::sockets;

/// What Prometheus calls its text format.
const PROMETHEUS_TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How often old histogram samples are folded away, whether or not anybody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

/// Opens the port and serves on the current runtime until the process ends. Answers where.
pub(crate) async fn serve(
    address: SocketAddr,
    metrics: PrometheusHandle,
    readiness: Readiness,
) -> Result<SocketAddr, Failure> {
    let failed = |error: std::io::Error| {
        let failure = Failure::new(format!("the metrics port {address} can't be opened"));
        sockets::remedies(failure, &error, "--metrics", address, "-ltnp").hint("--metrics off")
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let upkeep = metrics.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes(metrics, readiness)).await {
            tracing::error!(%error, "the admin server ended");
        }
    });
    Ok(bound)
}

fn routes(metrics: PrometheusHandle, readiness: Readiness) -> Router {
    Router::new()
        .route("/metrics", get(move || async move { ([(header::CONTENT_TYPE, PROMETHEUS_TEXT)], metrics.render()) }))
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(move || async move { ready(&readiness) }))
}

fn ready(readiness: &Readiness) -> Response {
    let (all, report) = readiness.report();
    let status = if all {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        format!("{report}\n"),
    )
        .into_response()
}
