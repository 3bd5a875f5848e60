//! A body on its way into a stream.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http_body::{Body, Frame};
use protocol::frame::Fields;

use super::StreamCode;
use super::halves::Halves;
use super::message::{MessageError, MessageSend};

/// The task that sends a request's body while its response is awaited; it ends with its owner.
#[derive(Debug)]
pub(super) struct Upload(tokio::task::JoinHandle<()>);

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Upload {
    /// Sends in a task of its own; afterwards the half goes home.
    pub(super) fn begin<B>(mut send: MessageSend, body: B, home: Arc<Halves>) -> Self
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Send,
    {
        Self(tokio::spawn(async move {
            match send_body(&mut send, body).await {
                Ok(true) => home.put_send(send),
                Ok(false) => send.break_off(StreamCode::Broken),
                Err(error) => tracing::trace!(%error, "a body was not wanted to its end"),
            }
        }))
    }
}

/// Sends a body to its end; false when the body itself broke off. While it has nothing to send, the other end's wish to stop is heard.
///
/// # Errors
/// When the other end wants no more, or the tunnel is gone.
pub async fn send_body<B>(send: &mut MessageSend, body: B) -> Result<bool, MessageError>
where
    B: Body<Data = Bytes>,
{
    let mut body = std::pin::pin!(body);
    let mut stopped = std::pin::pin!(send.stopped());
    loop {
        if body.is_end_stream() {
            send.data(Bytes::new(), true).await?;
            return Ok(true);
        }
        let frame = tokio::select! {
            biased;
            frame = next_frame(body.as_mut()) => frame,
            () = &mut stopped => return Err(MessageError::Reset),
        };
        match frame.map(|frame| frame.map(Frame::into_data)) {
            None => {
                send.data(Bytes::new(), true).await?;
                return Ok(true);
            }
            Some(Err(_)) => return Ok(false),
            Some(Ok(Ok(data))) => {
                let end = body.is_end_stream();
                send.data(data, end).await?;
                if end {
                    return Ok(true);
                }
            }
            Some(Ok(Err(other))) => {
                if let Ok(trailers) = other.into_trailers() {
                    let fields = Fields::from_map(&trailers).map_err(MessageError::Unsendable)?;
                    send.trailers(&fields).await?;
                    return Ok(true);
                }
            }
        }
    }
}

/// The next frame of a pinned body, as a future.
async fn next_frame<B: Body>(mut body: Pin<&mut B>) -> Option<Result<Frame<B::Data>, B::Error>> {
    std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await
}
