//! An app's HTTP/2 connection with prior knowledge: hyper reads it, within limits that are on by default.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;

use crate::http::{BoxError, MAX_HEAD_BYTES};
use crate::io::Io;

/// Calls at once on one HTTP/2 connection; more wait at the app.
const MAX_STREAMS: u32 = 1024;

/// Serves one connection until it ends; told to stop, it says so (GOAWAY) and finishes what has begun.
pub(super) async fn serve<H, F, B>(io: Io, handler: H, stop: CancellationToken)
where
    H: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let (stream, read) = io.into_parts();
    let (from, to) = stream.into_split();
    // What was read to tell the protocol comes first.
    let stream = tokio::io::join(std::io::Cursor::new(read.freeze()).chain(from), to);
    let builder = settings();
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = handler(request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(error = %error, "an app's connection broke");
    }
}

fn settings() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
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
