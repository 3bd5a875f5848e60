//! A body as it comes out of a stream.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use protocol::frame::{FrameError, FrameEvent, FrameReader};

use super::StreamCode;
use super::upload::Upload;

/// Most chunks that one read of the stream gathers.
const GATHER: usize = 32;

/// Frames of a body, read as they are asked for. Dropped before its end, it stops the stream.
#[derive(Debug)]
pub struct TunnelBody {
    stream: Option<quinn::RecvStream>,
    reader: FrameReader,
    /// The request that this is the response to is still being sent; it ends with this body.
    _upload: Option<Upload>,
}

/// Why a body ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The other end broke off.
    #[error("the other end broke the body off")]
    Reset,
    /// The tunnel is gone.
    #[error("the tunnel ended within a body")]
    TunnelLost,
    /// What came was not `weft/1`.
    #[error("the body is malformed")]
    Malformed(#[source] FrameError),
}

impl TunnelBody {
    pub(super) fn new(stream: quinn::RecvStream) -> Self {
        Self {
            stream: Some(stream),
            reader: FrameReader::default(),
            _upload: None,
        }
    }

    pub(super) fn with_upload(mut self, upload: Option<Upload>) -> Self {
        self._upload = upload;
        self
    }

    /// The first frame of the stream: a head or a refusal.
    pub(super) async fn first(&mut self) -> Result<Option<FrameEvent>, BodyError> {
        std::future::poll_fn(|cx| self.poll_event(cx)).await
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<FrameEvent>, BodyError>> {
        loop {
            match self.reader.next_event() {
                Ok(Some(event)) => return Poll::Ready(Ok(Some(event))),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Err(self.malformed(error))),
            }
            let Some(stream) = self.stream.as_mut() else {
                return Poll::Ready(Ok(None));
            };
            let mut chunks: [Bytes; GATHER] = Default::default();
            // A `read_chunks` future holds nothing but the borrow, so a new one for each poll loses nothing.
            let read = std::task::ready!(pin!(stream.read_chunks(&mut chunks)).poll(cx));
            match read {
                Ok(Some(count)) => chunks
                    .into_iter()
                    .take(count)
                    .for_each(|chunk| self.reader.push(chunk)),
                Ok(None) => {
                    self.stream = None;
                    if let Err(error) = self.reader.end() {
                        return Poll::Ready(Err(BodyError::Malformed(error)));
                    }
                    return Poll::Ready(Ok(None));
                }
                Err(error) => {
                    self.stream = None;
                    return Poll::Ready(Err(match error {
                        quinn::ReadError::Reset(_) => BodyError::Reset,
                        _ => BodyError::TunnelLost,
                    }));
                }
            }
        }
    }

    fn malformed(&mut self, error: FrameError) -> BodyError {
        self.stop(StreamCode::Malformed);
        BodyError::Malformed(error)
    }

    fn stop(&mut self, code: StreamCode) {
        if let Some(mut stream) = self.stream.take()
            && stream.stop(code.number()).is_err()
        {
            tracing::trace!("the stream had ended already");
        }
    }
}

impl Drop for TunnelBody {
    fn drop(&mut self) {
        if !self.reader.has_ended() {
            self.stop(StreamCode::Cancelled);
        }
    }
}

impl http_body::Body for TunnelBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let event = match std::task::ready!(self.poll_event(cx)) {
            Ok(event) => event,
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        Poll::Ready(match event {
            None => None,
            Some(FrameEvent::Data(data)) => Some(Ok(Frame::data(data))),
            Some(FrameEvent::Trailers(fields)) => Some(Ok(Frame::trailers(fields))),
            // The reader lets neither stand after the first frame.
            Some(FrameEvent::Head(_) | FrameEvent::Refused(_)) => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_none() || self.reader.has_ended()
    }
}
