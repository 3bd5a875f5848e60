//! A body as it comes out of a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Frame;
use protocol::frame::{FrameError, FrameType};

use super::halves::Halves;
use super::message::{Event, MessageError, MessageRecv};
use super::upload::Upload;

/// The rest of a message, read as it is asked for. Dropped before its end, it stops the stream.
#[derive(Debug)]
pub struct TunnelBody {
    recv: Option<MessageRecv>,
    home: Option<Arc<Halves>>,
    /// The request that this is the response to is still being sent; it ends with this body.
    _upload: Option<Upload>,
}

impl TunnelBody {
    pub(super) fn new(
        recv: MessageRecv,
        home: Option<Arc<Halves>>,
        upload: Option<Upload>,
    ) -> Self {
        let mut body = Self {
            recv: Some(recv),
            home,
            _upload: upload,
        };
        body.settle();
        body
    }

    /// The half that it reads from, unless the message is complete.
    #[must_use]
    pub fn into_recv(mut self) -> Option<MessageRecv> {
        self.recv.take()
    }

    /// Gives the half back once the message is complete.
    fn settle(&mut self) {
        if self.recv.as_ref().is_some_and(MessageRecv::is_message_over)
            && let Some(recv) = self.recv.take()
            && let Some(home) = self.home.take()
        {
            home.put_recv(recv);
        }
    }
}

impl http_body::Body for TunnelBody {
    type Data = Bytes;
    type Error = MessageError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, MessageError>>> {
        let this = self.get_mut();
        let Some(recv) = &mut this.recv else {
            return Poll::Ready(None);
        };
        let event = match ready!(recv.poll_event(cx)) {
            Ok(event) => event,
            Err(error) => {
                this.recv = None;
                return Poll::Ready(Some(Err(error)));
            }
        };
        this.settle();
        Poll::Ready(match event {
            Some(Event::Data(data)) if data.is_empty() && this.recv.is_none() => None,
            Some(Event::Data(data)) => Some(Ok(Frame::data(data))),
            Some(Event::Trailers(fields)) => Some(Ok(Frame::trailers(fields.to_map()))),
            None => Some(Err(MessageError::Malformed(FrameError::Truncated))),
            // The encodings let no head stand within a message.
            Some(
                Event::Request(_) | Event::Response(_) | Event::Interim(_) | Event::Refused(_),
            ) => Some(Err(MessageError::Malformed(FrameError::Unexpected(
                FrameType::Head,
            )))),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.recv.is_none()
    }
}
