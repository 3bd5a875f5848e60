//! The HTTP/1.1 shop on hyper: answers who it is and what it was asked, as JSON.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::Instance;
use crate::commands::demo::{load::ID_HEADER, trouble::DemoError};

/// Serves connections until the process is killed.
pub(super) async fn serve(listener: TcpListener, instance: Arc<Instance>) -> Result<(), DemoError> {
    loop {
        let (stream, _) = listener
            .accept()
            .await
            .map_err(|error| DemoError::io("accept", error))?;
        stream
            .set_nodelay(true)
            .map_err(|error| DemoError::io("accept", error))?;
        tokio::spawn(connection(stream, Arc::clone(&instance)));
    }
}

async fn connection(stream: TcpStream, instance: Arc<Instance>) {
    let service = service_fn(move |request| answer(Arc::clone(&instance), request));
    let outcome = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = outcome {
        tracing::debug!(%error, "connection ended");
    }
}

async fn answer(
    instance: Arc<Instance>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/healthz" {
        return Ok(Response::new(Full::new(Bytes::from_static(b"ok\n"))));
    }
    let id = request
        .headers()
        .get(ID_HEADER)
        .and_then(|id| id.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let (method, path) = (
        request.method().to_string(),
        request.uri().path().to_owned(),
    );
    let Some(bytes) = drained(request.into_body()).await else {
        return Ok(empty(StatusCode::BAD_REQUEST));
    };
    if instance.records.note(&id).is_err() {
        return Ok(empty(StatusCode::INTERNAL_SERVER_ERROR));
    }
    let answer = serde_json::json!({
        "cluster": instance.cluster, "instance": instance.name, "id": id,
        "method": method, "path": path, "bytes": bytes,
    });
    let mut response = Response::new(Full::new(Bytes::from(format!("{answer}\n"))));
    response.headers_mut().insert(
        http::header::CONTENT_TYPE,
        http::HeaderValue::from_static("application/json"),
    );
    Ok(response)
}

/// The length of a body read to its end, of any size.
async fn drained(mut body: Incoming) -> Option<u64> {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame.ok()?.data_ref().map_or(0, |data| data.len() as u64);
    }
    Some(bytes)
}

fn empty(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
