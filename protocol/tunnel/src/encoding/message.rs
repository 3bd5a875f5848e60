//! Messages of HTTP on a stream, whatever the encoding: heads, bodies, trailers, one exchange after another.

use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::Either;
use protocol::frame::{Fields, FrameError, Refusal, RequestHead, ResponseHead};

use super::bytes::{ByteRecv, ByteSend};
use super::{StreamCode, h3, weft1};

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A request begins.
    Request(RequestHead),
    /// An answer before the answer.
    Interim(ResponseHead),
    /// The answer begins.
    Response(ResponseHead),
    /// The destination's node handed nothing to an application.
    Refused(Refusal),
    /// A part of the body; may be empty at its end.
    Data(Bytes),
    /// The fields after the body.
    Trailers(Fields),
}

/// Why a message ended before its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The other end broke off.
    #[error("the other end broke off")]
    Reset,
    /// The tunnel is gone.
    #[error("the tunnel ended within a message")]
    TunnelLost,
    /// What came isn't what the encoding allows.
    #[error("the message is malformed")]
    Malformed(#[source] FrameError),
    /// A head or trailers can't be sent.
    #[error("the head can't be sent")]
    Unsendable(#[source] FrameError),
}

/// The sending half of a stream. Dropped within a message, it resets the stream.
#[derive(Debug)]
pub struct MessageSend(pub(crate) Send);

#[derive(Debug)]
pub(crate) enum Send {
    Weft1(weft1::Send),
    H3(Box<h3::Send>),
}

/// The receiving half of a stream. Dropped within a message, it stops the stream.
#[derive(Debug)]
pub struct MessageRecv(pub(crate) Recv);

#[derive(Debug)]
pub(crate) enum Recv {
    Weft1(weft1::Recv),
    H3(Box<h3::Recv>),
}

impl MessageSend {
    /// Sends a request's head; `end`: it has no body.
    ///
    /// # Errors
    /// When the head is over the limits, or the stream or tunnel is gone.
    pub async fn request(&mut self, head: &RequestHead, end: bool) -> Result<(), MessageError> {
        match &mut self.0 {
            Send::Weft1(send) => {
                let frame = head.encode(end).map_err(MessageError::Unsendable)?;
                send.frame(frame, end).await
            }
            Send::H3(send) => send.request(head, end).await,
        }
    }

    /// Sends an answer's head, or an interim one; `end`: it has no body.
    ///
    /// # Errors
    /// When the head is over the limits, or the stream or tunnel is gone.
    pub async fn response(&mut self, head: &ResponseHead, end: bool) -> Result<(), MessageError> {
        match &mut self.0 {
            Send::Weft1(send) => {
                let frame = head.encode(end).map_err(MessageError::Unsendable)?;
                send.frame(frame, end && !head.is_interim()).await
            }
            Send::H3(send) => send.response(head, end).await,
        }
    }

    /// Says that no byte reached an application; that ends the answer.
    ///
    /// # Errors
    /// When the stream or tunnel is gone.
    pub async fn refuse(&mut self, refusal: Refusal) -> Result<(), MessageError> {
        match &mut self.0 {
            Send::Weft1(send) => {
                send.frame(protocol::frame::encode_refused(refusal), true)
                    .await
            }
            Send::H3(send) => send.refuse(refusal).await,
        }
    }

    /// Sends a part of the body; `end`: it is the last. Waits while the other end's windows are full.
    ///
    /// # Errors
    /// When the stream or tunnel is gone.
    pub async fn data(&mut self, data: Bytes, end: bool) -> Result<(), MessageError> {
        self.start_data(data, end);
        self.flush().await
    }

    /// Sends the fields after the body, which end the message.
    ///
    /// # Errors
    /// When they are over the limits, or the stream or tunnel is gone.
    pub async fn trailers(&mut self, fields: &Fields) -> Result<(), MessageError> {
        self.start_trailers(fields)?;
        self.flush().await
    }

    /// Begins to send a part of the body. Before anything else is started, flush.
    pub fn start_data(&mut self, data: Bytes, end: bool) {
        match &mut self.0 {
            Send::Weft1(send) => send.start_data(data, end),
            Send::H3(send) => send.start_data(data, end),
        }
    }

    /// Begins to send the fields after the body. Before anything else is started, flush.
    ///
    /// # Errors
    /// When they are over the limits.
    pub fn start_trailers(&mut self, fields: &Fields) -> Result<(), MessageError> {
        match &mut self.0 {
            Send::Weft1(send) => {
                let frame =
                    protocol::frame::encode_trailers(fields).map_err(MessageError::Unsendable)?;
                send.start_frame(frame, true);
                Ok(())
            }
            Send::H3(send) => send.start_trailers(fields),
        }
    }

    /// Hands what was started on. Nothing is lost when this is asked again later.
    ///
    /// # Errors
    /// When the stream or tunnel is gone.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), MessageError>> {
        match &mut self.0 {
            Send::Weft1(send) => send.poll_flush(cx),
            Send::H3(send) => send.poll_flush(cx),
        }
    }

    async fn flush(&mut self) -> Result<(), MessageError> {
        std::future::poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// The message that is under way, or that the other end has asked for, breaks when this is dropped.
    pub fn begin(&mut self) {
        match &mut self.0 {
            Send::Weft1(send) => send.begin(),
            Send::H3(send) => send.begin(),
        }
    }

    /// Whether what was begun has been ended.
    #[must_use]
    pub fn is_message_over(&self) -> bool {
        match &self.0 {
            Send::Weft1(send) => send.is_message_over(),
            Send::H3(send) => send.is_message_over(),
        }
    }

    /// Whether another message may follow on the same stream.
    pub(crate) const fn is_reusable(&self) -> bool {
        match &self.0 {
            Send::Weft1(_) => true,
            Send::H3(_) => false,
        }
    }

    /// Breaks the message under way off, telling the other end why.
    pub fn break_off(self, code: StreamCode) {
        match self.0 {
            Send::Weft1(mut send) => send.break_off(code),
            Send::H3(mut send) => send.break_off(code),
        }
    }

    /// Resolves when the other end wants no more of what is sent, or the tunnel is gone.
    pub fn stopped(&self) -> impl Future<Output = ()> + std::marker::Send + 'static {
        match &self.0 {
            Send::Weft1(send) => Either::Left(send.stopped()),
            Send::H3(send) => Either::Right(send.stopped()),
        }
    }

    /// Bytes without frames from here on: after an upgrade, or on a TCP stream. `None` where the encoding can't.
    #[must_use]
    pub fn into_bytes(self) -> Option<ByteSend> {
        match self.0 {
            Send::Weft1(send) => Some(send.into_bytes()),
            Send::H3(_) => None,
        }
    }
}

impl MessageRecv {
    /// The next event; `None` when the stream has ended between two messages.
    ///
    /// # Errors
    /// When the message broke off or is malformed. The stream is of no use then.
    pub async fn event(&mut self) -> Result<Option<Event>, MessageError> {
        std::future::poll_fn(|cx| self.poll_event(cx)).await
    }

    /// See [`event`](Self::event).
    pub fn poll_event(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Event>, MessageError>> {
        match &mut self.0 {
            Recv::Weft1(recv) => recv.poll_event(cx),
            Recv::H3(recv) => recv.poll_event(cx),
        }
    }

    /// Whether the message whose events were given out last is complete.
    #[must_use]
    pub fn is_message_over(&self) -> bool {
        match &self.0 {
            Recv::Weft1(recv) => recv.is_message_over(),
            Recv::H3(recv) => recv.is_message_over(),
        }
    }

    /// Wants no more; the other end hears why.
    pub fn stop(self, code: StreamCode) {
        match self.0 {
            Recv::Weft1(mut recv) => recv.stop(code),
            Recv::H3(mut recv) => recv.stop(code),
        }
    }

    /// Bytes without frames from here on: after an upgrade, or on a TCP stream. `None` where the encoding can't, or at the end.
    #[must_use]
    pub fn into_bytes(self) -> Option<ByteRecv> {
        match self.0 {
            Recv::Weft1(recv) => recv.into_bytes(),
            Recv::H3(_) => None,
        }
    }
}
