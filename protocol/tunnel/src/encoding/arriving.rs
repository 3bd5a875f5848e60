//! The listener's half: take streams, learn what each is, answer or refuse.

use std::sync::Arc;

use protocol::frame::{Refusal, RequestHead, encode_opened};
use protocol::name::ServiceName;

use super::body::TunnelBody;
use super::bytes::{ByteRecv, ByteSend};
use super::h3;
use super::halves::Halves;
use super::message::{Event, MessageError, MessageRecv, MessageSend, Recv, Send};
use super::udp::UdpArrival;
use super::weft1::{self, First};
use crate::alpn::Alpn;
use crate::tunnel::Tunnel;

/// A stream whose first frame has not been read yet.
#[derive(Debug)]
pub struct Arriving(Begun);

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "the large one is the usual one")]
enum Begun {
    Weft1(Tunnel, weft1::Send, weft1::Recv),
    H3(Box<h3::Arriving>),
}

/// What a stream turned out to be.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "taken apart where it is made")]
pub enum Opening {
    /// HTTP: this exchange, and others after it.
    Http(Exchange),
    /// A TCP connection to a service.
    Tcp(ServiceName, ByteArrival),
    /// A UDP session with a service.
    Udp(ServiceName, UdpArrival),
}

/// A request whose head has been read, and the stream that it came on. Dropped without an answer, it breaks the request off.
#[derive(Debug)]
pub struct Exchange {
    /// The request's head.
    pub head: RequestHead,
    /// Takes the answer.
    pub send: MessageSend,
    /// Gives the rest of the request.
    pub recv: MessageRecv,
}

/// A TCP connection that waits for an answer.
#[derive(Debug)]
pub struct ByteArrival {
    send: weft1::Send,
    recv: weft1::Recv,
}

impl Tunnel {
    /// Waits for the next stream. `None` once the tunnel has ended.
    pub async fn accept_stream(&self) -> Option<Arriving> {
        if self.alpn() == Alpn::H3 {
            let arriving = h3::accept(self).await?;
            return Some(Arriving(Begun::H3(Box::new(arriving))));
        }
        let (send, recv) = self.connection.accept_bi().await.ok()?;
        let send = weft1::Send::new(send, Some(self.enter_stream()));
        let recv = weft1::Recv::new(recv, weft1::Side::Listener);
        Some(Arriving(Begun::Weft1(self.clone(), send, recv)))
    }
}

impl Arriving {
    /// Reads the first frame; `None` when the caller has thought better of it.
    ///
    /// # Errors
    /// When the caller broke off, or what came is no beginning; the stream is reset then.
    pub async fn open(self) -> Result<Option<Opening>, MessageError> {
        let (tunnel, mut send, mut recv) = match self.0 {
            Begun::Weft1(tunnel, send, recv) => (tunnel, send, recv),
            Begun::H3(arriving) => return arriving.open().await,
        };
        let first = match recv.first().await {
            Ok(Some(first)) => first,
            Ok(None) => return Ok(None),
            Err(error) => {
                send.break_off(super::StreamCode::Malformed);
                return Err(error);
            }
        };
        send.begin();
        Ok(Some(match first {
            First::Http(head) => Opening::Http(Exchange {
                head,
                send: MessageSend(Send::Weft1(send)),
                recv: MessageRecv(Recv::Weft1(recv)),
            }),
            First::Tcp(service) => Opening::Tcp(service, ByteArrival { send, recv }),
            First::Udp(service) => Opening::Udp(service, UdpArrival::new(&tunnel, send, recv)),
        }))
    }
}

impl Exchange {
    /// Whether anything comes after the request's head.
    #[must_use]
    pub fn has_body(&self) -> bool {
        !self.recv.is_message_over()
    }

    /// The next exchange on the same stream; `None` when the caller has ended it.
    ///
    /// # Errors
    /// When a message on it isn't complete, the caller broke off, or what came is no request.
    pub async fn next(
        mut send: MessageSend,
        mut recv: MessageRecv,
    ) -> Result<Option<Self>, MessageError> {
        if !send.is_message_over() || !recv.is_message_over() {
            return Ok(None);
        }
        match recv.event().await? {
            None => Ok(None),
            Some(Event::Request(head)) => {
                send.begin();
                Ok(Some(Self { head, send, recv }))
            }
            Some(_) => Err(MessageError::Malformed(
                protocol::frame::FrameError::Truncated,
            )),
        }
    }
}

impl ByteArrival {
    /// Takes it.
    ///
    /// # Errors
    /// When the caller has gone.
    pub async fn accept(mut self) -> Result<(ByteSend, ByteRecv), MessageError> {
        self.send.frame(encode_opened(), false).await?;
        let recv = self.recv.into_bytes().ok_or(MessageError::Reset)?;
        Ok((self.send.into_bytes(), recv))
    }

    /// Says that no byte reached an application.
    pub async fn refuse(mut self, refusal: Refusal) {
        let refused = protocol::frame::encode_refused(refusal);
        if let Err(error) = self.send.frame(refused, true).await {
            tracing::trace!(%error, "a refusal was not heard");
        }
    }
}

/// A request's body that outlives the exchange's own task, as whoever sends it on may hold it; it comes back when it is complete.
#[derive(Debug)]
pub struct Lent(Arc<Halves>);

impl MessageRecv {
    /// Lends the rest of a message as a body.
    #[must_use]
    pub fn lend(self) -> (TunnelBody, Lent) {
        let home = Halves::new(None);
        (
            TunnelBody::new(self, Some(Arc::clone(&home)), None),
            Lent(home),
        )
    }
}

impl Lent {
    /// The half that was lent, if its message is complete.
    #[must_use]
    pub fn back(self) -> Option<MessageRecv> {
        self.0.take_recv()
    }
}
