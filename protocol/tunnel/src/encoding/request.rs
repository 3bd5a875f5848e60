//! The caller's half: send a request, await the head of its response.

use bytes::Bytes;
use http_body::Body;
use protocol::frame::{FrameError, Refusal, RequestHead, ResponseHead};

use super::body::TunnelBody;
use super::halves::Halves;
use super::message::{Event, MessageError, MessageRecv, MessageSend, Recv, Send};
use super::upload::Upload;
use super::{h3, weft1};
use crate::alpn::Alpn;
use crate::close::CloseReason;
use crate::tunnel::Tunnel;

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The destination's node handed no byte to an application.
    #[error("the destination's node refused: {}", .0.word())]
    Refused(Refusal),
    /// The tunnel was gone before the request stood on it.
    #[error("the tunnel is gone: {0}")]
    NotSent(CloseReason),
    /// The other end had ended the stream before it read the request: another stream will do.
    #[error("the stream had ended before it was used again")]
    Stale,
    /// The request's head can't be sent.
    #[error("the request's head can't be sent")]
    Head(#[source] FrameError),
    /// An application may have got the request; its response never came.
    #[error("no response came")]
    Broken(#[source] MessageError),
    /// The tunnel carries something else.
    #[error("this tunnel carries no requests")]
    WrongTunnel,
}

impl RequestError {
    /// Whether it is certain that no application got a byte.
    #[must_use]
    pub const fn is_undelivered(&self) -> bool {
        match self {
            Self::Refused(_)
            | Self::NotSent(_)
            | Self::Stale
            | Self::Head(_)
            | Self::WrongTunnel => true,
            Self::Broken(_) => false,
        }
    }
}

impl Tunnel {
    /// A stream for one exchange of messages: an idle one, or a new one. Give it back when both messages are complete.
    ///
    /// # Errors
    /// When the tunnel is gone or carries something else.
    pub async fn open_messages(&self) -> Result<(MessageSend, MessageRecv), RequestError> {
        match self.alpn() {
            Alpn::Weft1 => {}
            Alpn::H3 => {
                let (send, recv) = h3::open(self);
                let (send, recv) = (Send::H3(Box::new(send)), Recv::H3(Box::new(recv)));
                return Ok((MessageSend(send), MessageRecv(recv)));
            }
            Alpn::Control | Alpn::Enrol => return Err(RequestError::WrongTunnel),
        }
        if let Some(halves) = self.idle().take() {
            return Ok(halves);
        }
        let (send, recv) = self
            .connection
            .open_bi()
            .await
            .map_err(|error| RequestError::NotSent(CloseReason::of(&error)))?;
        Ok((
            MessageSend(Send::Weft1(weft1::Send::new(send, None))),
            MessageRecv(Recv::Weft1(weft1::Recv::new(recv, weft1::Side::Caller))),
        ))
    }

    /// Takes a stream back for the next exchange; one whose messages aren't complete is broken off instead.
    pub fn give_back(&self, send: MessageSend, recv: MessageRecv) {
        if send.is_reusable() && send.is_message_over() && recv.is_message_over() {
            self.idle().give(send, recv);
        }
    }

    /// Sends a request's head on a stream; what failed before it stood there is told apart from what may have been read.
    ///
    /// # Errors
    /// When the head can't be sent, or the tunnel or stream is gone.
    pub async fn send_request(
        &self,
        send: &mut MessageSend,
        head: &RequestHead,
        end: bool,
    ) -> Result<(), RequestError> {
        send.request(head, end).await.map_err(|error| match error {
            MessageError::Unsendable(error) => RequestError::Head(error),
            MessageError::TunnelLost => RequestError::NotSent(self.why_closed()),
            // Stopped at the end of the last exchange: nobody reads this stream any more.
            MessageError::Reset | MessageError::Malformed(_) => RequestError::Stale,
        })
    }

    /// Waits for the answer's head or an interim one. An end instead of an answer means that the request was not read.
    ///
    /// # Errors
    /// See [`RequestError::is_undelivered`] for what may be tried elsewhere.
    pub async fn answer(recv: &mut MessageRecv) -> Result<ResponseHead, RequestError> {
        match recv.event().await.map_err(RequestError::Broken)? {
            Some(Event::Response(head) | Event::Interim(head)) => Ok(head),
            Some(Event::Refused(refusal)) => Err(RequestError::Refused(refusal)),
            None => Err(RequestError::Stale),
            Some(Event::Data(_) | Event::Trailers(_) | Event::Request(_)) => Err(
                RequestError::Broken(MessageError::Malformed(FrameError::Truncated)),
            ),
        }
    }

    /// Sends a request and waits for the head of its response. The body is sent meanwhile, and goes on being sent while the
    /// response's body is read; it ends with that. Interim answers are passed over.
    ///
    /// Dropping the future, or the response's body, cancels the request at the other end.
    ///
    /// # Errors
    /// See [`RequestError::is_undelivered`] for what may be tried elsewhere.
    pub async fn request<B>(
        &self,
        head: &RequestHead,
        body: B,
    ) -> Result<(ResponseHead, TunnelBody), RequestError>
    where
        B: Body<Data = Bytes> + std::marker::Send + 'static,
        B::Error: std::marker::Send,
    {
        let end = body.is_end_stream();
        let (mut send, mut recv) = self.open_messages().await?;
        self.send_request(&mut send, head, end).await?;
        let home = Halves::new(Some(self.clone()));
        let upload = if end {
            home.put_send(send);
            None
        } else {
            Some(Upload::begin(send, body, std::sync::Arc::clone(&home)))
        };
        loop {
            let head = Self::answer(&mut recv).await?;
            if !head.is_interim() {
                return Ok((head, TunnelBody::new(recv, Some(home), upload)));
            }
        }
    }
}
