//! An app's HTTP/2 connection with prior knowledge: one task for each call, within limits that are on by default.

use std::io::Cursor;
use std::pin::pin;
use std::task::Poll;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Builder, SendResponse};
use http::Request;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::http::MAX_HEAD_BYTES;
use crate::http2::{CONNECTION_WINDOW, SEND_BUFFER, STREAM_WINDOW};
use crate::io::Io;

/// Calls at once on one HTTP/2 connection; more wait at the app.
const MAX_STREAMS: u32 = 1024;

/// Serves one connection until it ends; told to stop, it says so (GOAWAY) and finishes what has begun.
pub(super) async fn serve<H, F>(io: Io, handler: H, stop: CancellationToken)
where
    H: Fn(Request<RecvStream>, SendResponse<Bytes>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let (stream, read) = io.into_parts();
    let (from, to) = stream.into_split();
    // What was read to tell the protocol comes first.
    let stream = tokio::io::join(Cursor::new(read.freeze()).chain(from), to);
    if let Err(error) = calls(stream, handler, stop).await {
        tracing::debug!(%error, "an app's connection broke");
    }
}

/// Hands each call on, and moves the bytes of all.
async fn calls<T, H, F>(stream: T, handler: H, stop: CancellationToken) -> Result<(), h2::Error>
where
    T: AsyncRead + AsyncWrite + Unpin,
    H: Fn(Request<RecvStream>, SendResponse<Bytes>) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let mut stopped = pin!(stop.cancelled());
    let mut connection = tokio::select! {
        connection = settings().handshake::<_, Bytes>(stream) => connection?,
        () = stopped.as_mut() => return Ok(()),
    };
    let mut leaving = false;
    std::future::poll_fn(|cx| {
        loop {
            match connection.poll_accept(cx) {
                Poll::Ready(Some(Ok((request, respond)))) => {
                    tokio::spawn(handler(request, respond));
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending if !leaving && stopped.as_mut().poll(cx).is_ready() => {
                    leaving = true;
                    connection.graceful_shutdown();
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await
}

/// Floods of resets are bounded by what h2 takes by default.
fn settings() -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER);
    builder
}
