//! A body on its way into a stream.

use std::pin::Pin;

use bytes::Bytes;
use http_body::{Body, Frame};
use protocol::frame::{data_header, encode_trailers};

use super::StreamCode;

/// How the sending of a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// Whole.
    Finished,
    /// The other end wants no more of it, or the tunnel is gone.
    Unwanted,
    /// The body itself broke off.
    Broken,
}

/// A stream that is reset unless it was finished.
#[derive(Debug)]
pub(super) struct SendGuard {
    stream: quinn::SendStream,
    finished: bool,
    code: StreamCode,
}

/// The task that sends a request's body while its response is awaited; it ends with its owner.
#[derive(Debug)]
pub(super) struct Upload(tokio::task::JoinHandle<()>);

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl SendGuard {
    pub(super) fn new(stream: quinn::SendStream) -> Self {
        Self {
            stream,
            finished: false,
            code: StreamCode::Cancelled,
        }
    }

    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<(), quinn::WriteError> {
        self.stream.write_chunk(bytes).await
    }

    /// Sends what stands, and says that this was all.
    pub(super) fn finish(&mut self) {
        self.finished = true;
        if self.stream.finish().is_err() {
            tracing::trace!("the stream had ended already");
        }
    }

    /// Resets the stream with `code` when this is dropped.
    pub(super) const fn break_off(&mut self, code: StreamCode) {
        self.code = code;
    }

    /// Waits until the other end wants no more, or the tunnel is gone.
    pub(super) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let stopped = self.stream.stopped();
        async move {
            // An answer without a code means that all was received: nobody has stopped anything then.
            if let Ok(None) = stopped.await {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Sends a body to its end. While the body has nothing to send, the other end's wish to stop is heard.
    pub(super) async fn send<B>(&mut self, body: B) -> Sent
    where
        B: Body<Data = Bytes>,
    {
        let mut body = std::pin::pin!(body);
        let mut stopped = std::pin::pin!(self.stopped());
        loop {
            if body.is_end_stream() {
                self.finish();
                return Sent::Finished;
            }
            let frame = tokio::select! {
                biased;
                frame = next_frame(body.as_mut()) => frame,
                () = &mut stopped => return Sent::Unwanted,
            };
            let Some(frame) = frame else {
                self.finish();
                return Sent::Finished;
            };
            let Ok(frame) = frame else {
                self.code = StreamCode::Broken;
                return Sent::Broken;
            };
            if self.send_frame(frame).await.is_err() {
                return Sent::Unwanted;
            }
        }
    }

    async fn send_frame(&mut self, frame: Frame<Bytes>) -> Result<(), quinn::WriteError> {
        match frame.into_data() {
            Ok(data) if data.is_empty() => Ok(()),
            Ok(data) => {
                let mut chunks = [data_header(data.len()), data];
                self.stream.write_all_chunks(&mut chunks).await
            }
            Err(other) => match other
                .into_trailers()
                .ok()
                .map(|fields| encode_trailers(&fields))
            {
                Some(Ok(trailers)) => self.write(trailers).await,
                Some(Err(error)) => {
                    tracing::debug!(%error, "trailers are over the limits; the stream is broken off");
                    Err(quinn::WriteError::ClosedStream)
                }
                None => Ok(()),
            },
        }
    }

    /// Goes on in a task of its own.
    pub(super) fn send_in_background<B>(mut self, body: B) -> Upload
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Send,
    {
        Upload(tokio::spawn(async move {
            let sent = self.send(body).await;
            tracing::trace!(?sent, "request body");
        }))
    }
}

impl Drop for SendGuard {
    fn drop(&mut self) {
        if !self.finished && self.stream.reset(self.code.number()).is_err() {
            tracing::trace!("the stream had ended already");
        }
    }
}

/// The next frame of a pinned body, as a future.
async fn next_frame<B: Body>(mut body: Pin<&mut B>) -> Option<Result<Frame<B::Data>, B::Error>> {
    std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await
}
