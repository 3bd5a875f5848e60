//! Reads requests of one app's connection, HTTP/1.1 or HTTP/2 with prior knowledge, within limits that are on by default.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use http_body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{BoxError, MAX_FIELDS, MAX_HEAD_BYTES};

/// How long a head may take. hyper counts the idle time before a head too, so a kept connection lives as long between requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Calls at once on one HTTP/2 connection; more wait at the app.
const MAX_STREAMS: u32 = 1024;

/// How long a kept HTTP/1.1 connection that is to end waits for one more request. One that is on its way would be lost if the
/// connection ended at once, and clients can't tell whether it was.
const LAST_REQUEST: Duration = Duration::from_secs(1);

/// What the connection's two sides tell each other.
#[derive(Debug, Default)]
struct State {
    is_http2: AtomicBool,
    ends: AtomicBool,
}

/// Serves one connection until it ends; told to stop, it finishes what has begun, and says so: GOAWAY, or `connection: close` with the
/// next answer.
pub(crate) async fn serve<H, F, B>(stream: TcpStream, handler: H, stop: CancellationToken)
where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let builder = settings();
    let state = Arc::new(State::default());
    let noted = Arc::clone(&state);
    let service = service_fn(move |request: Request<Incoming>| {
        let is_http2 = request.version() == Version::HTTP_2;
        noted.is_http2.store(is_http2, Ordering::Relaxed);
        let (answer, noted) = (handler(request), Arc::clone(&noted));
        async move {
            let mut response = answer.await;
            if noted.ends.load(Ordering::Relaxed) && !is_http2 {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(CONNECTION, close);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            state.ends.store(true, Ordering::Relaxed);
            let wait = if state.is_http2.load(Ordering::Relaxed) { Duration::ZERO } else { LAST_REQUEST };
            match timeout(wait, connection.as_mut()).await {
                Ok(ended) => ended,
                Err(_) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "an app's connection broke");
    }
}

fn settings() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .half_close(false)
        .keep_alive(true)
        .pipeline_flush(true)
        .max_headers(MAX_FIELDS)
        .max_buf_size(MAX_HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(16 << 20)
        .max_send_buf_size(256 << 10)
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}
