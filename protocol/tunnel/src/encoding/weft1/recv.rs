//! Frames as they come out of a stream.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use protocol::frame::{
    FrameError, FrameEvent, FrameReader, FrameType, RequestHead, ResponseHead, decode_service,
};
use protocol::name::ServiceName;

use crate::encoding::bytes::ByteRecv;
use crate::encoding::{Event, MessageError, StreamCode};

/// Most chunks that one read of the stream gathers.
const GATHER: usize = 16;

/// Which end of the stream this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Caller,
    Listener,
}

/// The receiving half.
#[derive(Debug)]
pub(crate) struct Recv {
    stream: Option<quinn::RecvStream>,
    id: quinn::StreamId,
    reader: FrameReader,
    side: Side,
}

/// What a stream's first frame says that it is.
pub(crate) enum First {
    Http(RequestHead),
    Tcp(ServiceName),
    Udp(ServiceName),
}

impl Recv {
    pub(crate) fn new(stream: quinn::RecvStream, side: Side) -> Self {
        Self {
            id: stream.id(),
            stream: Some(stream),
            reader: FrameReader::default(),
            side,
        }
    }

    pub(crate) fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Event>, MessageError>> {
        let Some(event) = ready!(self.poll_frame(cx))? else {
            return Poll::Ready(Ok(None));
        };
        Poll::Ready(match self.decode(event) {
            Ok(event) => Ok(Some(event)),
            Err(error) => Err(self.malformed(error)),
        })
    }

    /// The first frame of a stream, at the listener.
    pub(crate) async fn first(&mut self) -> Result<Option<First>, MessageError> {
        let frame = std::future::poll_fn(|cx| self.poll_frame(cx)).await?;
        let first = match frame {
            None => return Ok(None),
            Some(FrameEvent::Head(payload)) => RequestHead::decode(&payload).map(First::Http),
            Some(FrameEvent::Service(FrameType::Tcp, payload)) => {
                decode_service(&payload).map(First::Tcp)
            }
            Some(FrameEvent::Service(_, payload)) => decode_service(&payload).map(First::Udp),
            Some(_) => Err(FrameError::Unexpected(FrameType::Opened)),
        };
        first.map(Some).map_err(|error| self.malformed(error))
    }

    /// The answer to a TCP or UDP frame, at the caller: nothing if it stands.
    pub(crate) async fn opened(
        &mut self,
    ) -> Result<Result<(), protocol::frame::Refusal>, MessageError> {
        match std::future::poll_fn(|cx| self.poll_frame(cx)).await? {
            Some(FrameEvent::Opened) => Ok(Ok(())),
            Some(FrameEvent::Refused(refusal)) => Ok(Err(refusal)),
            None => Err(MessageError::Reset),
            Some(_) => Err(self.malformed(FrameError::Unexpected(FrameType::Head))),
        }
    }

    /// The next frame as it is.
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<FrameEvent>, MessageError>> {
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
            let read = ready!(pin!(stream.read_chunks(&mut chunks)).poll(cx));
            match read {
                Ok(Some(count)) => chunks
                    .into_iter()
                    .take(count)
                    .for_each(|chunk| self.reader.push(chunk)),
                Ok(None) => {
                    self.stream = None;
                    // Before any frame: the caller has thought better of it.
                    return Poll::Ready(match self.reader.end() {
                        Err(error) if !self.reader.is_untouched() => {
                            Err(MessageError::Malformed(error))
                        }
                        _ => Ok(None),
                    });
                }
                Err(error) => {
                    self.stream = None;
                    return Poll::Ready(Err(match error {
                        quinn::ReadError::Reset(_) => MessageError::Reset,
                        _ => MessageError::TunnelLost,
                    }));
                }
            }
        }
    }

    fn decode(&self, event: FrameEvent) -> Result<Event, FrameError> {
        let listener = self.side == Side::Listener;
        Ok(match event {
            FrameEvent::Head(payload) if listener => Event::Request(RequestHead::decode(&payload)?),
            FrameEvent::Head(payload) => Event::Response(ResponseHead::decode(&payload, false)?),
            FrameEvent::Interim(payload) if !listener => {
                Event::Interim(ResponseHead::decode(&payload, true)?)
            }
            FrameEvent::Refused(refusal) if !listener => Event::Refused(refusal),
            FrameEvent::Data(data) => Event::Data(data),
            FrameEvent::Trailers(fields) => Event::Trailers(fields),
            FrameEvent::Interim(_) => return Err(FrameError::Unexpected(FrameType::Interim)),
            FrameEvent::Refused(_) => return Err(FrameError::Unexpected(FrameType::Refused)),
            FrameEvent::Service(kind, _) => return Err(FrameError::Unexpected(kind)),
            FrameEvent::Opened => return Err(FrameError::Unexpected(FrameType::Opened)),
        })
    }

    pub(crate) fn is_message_over(&self) -> bool {
        self.reader.is_message_over()
    }

    /// Names the stream within its tunnel.
    pub(super) fn stream_id(&self) -> u64 {
        quinn::VarInt::from(self.id).into_inner()
    }

    /// Goes on with one DATA frame for each packet of a UDP session.
    pub(super) fn expect_packets(&mut self) {
        self.reader.expect_packets();
    }

    /// Whether the DATA frame at hand has been given out to its end.
    pub(super) const fn is_whole(&self) -> bool {
        self.reader.is_whole()
    }

    pub(super) fn malformed(&mut self, error: FrameError) -> MessageError {
        self.stop(StreamCode::Malformed);
        MessageError::Malformed(error)
    }

    pub(crate) fn stop(&mut self, code: StreamCode) {
        if let Some(mut stream) = self.stream.take()
            && stream.stop(code.number()).is_err()
        {
            tracing::trace!("the stream had ended already");
        }
    }

    pub(crate) fn into_bytes(mut self) -> Option<ByteRecv> {
        let stream = self.stream.take()?;
        let reader = std::mem::take(&mut self.reader);
        Some(ByteRecv::new(stream, reader.into_rest()))
    }
}

impl Drop for Recv {
    fn drop(&mut self) {
        self.stop(StreamCode::Cancelled);
    }
}
