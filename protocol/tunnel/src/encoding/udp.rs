//! UDP sessions, whatever the encoding: packets both ways, each whole or not at all.
//!
//! ```text
//! caller    Tunnel::udp_session ──> UdpSession ── opened ── split ──> UdpSend, UdpRecv
//! listener  UdpArrival ── accept ──> UdpSession          └─ refuse
//! ```

use std::time::Duration;

use bytes::Bytes;
use protocol::frame::Refusal;
use protocol::name::ServiceName;

use super::message::MessageError;
use super::request::RequestError;
use super::{StreamCode, h3, weft1};
use crate::alpn::Alpn;
use crate::tunnel::Tunnel;

/// How long a packet that goes on the session's stream may wait for room there: who reads so slowly has no use for UDP.
const STALL: Duration = Duration::from_secs(5);

/// A UDP session with a service.
#[derive(Debug)]
pub struct UdpSession {
    send: UdpSend,
    recv: UdpRecv,
}

/// The sending half. Dropped before [`finish`](Self::finish), it breaks the session off.
#[derive(Debug)]
pub struct UdpSend(Send);

#[derive(Debug)]
enum Send {
    Weft1(weft1::PacketSend),
    H3(h3::PacketSend),
}

/// The receiving half.
#[derive(Debug)]
pub struct UdpRecv(Recv);

#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "one for each session")]
enum Recv {
    Weft1(weft1::PacketRecv),
    H3(h3::PacketRecv),
}

/// A session that a caller wants. Dropped without an answer, it is broken off.
#[derive(Debug)]
pub struct UdpArrival {
    send: Send,
    recv: Recv,
}

impl Tunnel {
    /// Begins a UDP session with a service. The other end's answer is awaited by [`UdpSession::opened`].
    ///
    /// # Errors
    /// When the tunnel is gone or carries something else.
    pub async fn udp_session(&self, service: &ServiceName) -> Result<UdpSession, RequestError> {
        match self.alpn() {
            Alpn::Weft1 => {
                let (send, recv) = weft1::udp::begin(self, service).await?;
                Ok(UdpSession::new(Send::Weft1(send), Recv::Weft1(recv)))
            }
            Alpn::H3 => {
                let (send, recv) = h3::udp::begin(self, service).await?;
                Ok(UdpSession::new(Send::H3(send), Recv::H3(recv)))
            }
            Alpn::Control | Alpn::Enrol => Err(RequestError::WrongTunnel),
        }
    }
}

impl UdpSession {
    const fn new(send: Send, recv: Recv) -> Self {
        Self {
            send: UdpSend(send),
            recv: UdpRecv(recv),
        }
    }

    /// Waits for the other end's answer. Packets may be sent before: if it refuses, no app got any of them.
    ///
    /// # Errors
    /// When the other end refuses, or the tunnel ends.
    pub async fn opened(&mut self) -> Result<(), RequestError> {
        match &mut self.recv.0 {
            Recv::Weft1(recv) => recv.opened().await,
            Recv::H3(recv) => recv.opened().await,
        }
    }

    /// The sending half, before they are [`split`](Self::split).
    pub const fn sender(&mut self) -> &mut UdpSend {
        &mut self.send
    }

    /// Both halves.
    #[must_use]
    pub fn split(self) -> (UdpSend, UdpRecv) {
        (self.send, self.recv)
    }
}

impl UdpSend {
    /// Sends a packet: as a datagram, or on the session's stream when it is too large for one. Only the latter waits, for as long as
    /// the other end reads slowly, within limits.
    ///
    /// # Errors
    /// When the session has ended.
    pub async fn send(&mut self, packet: Bytes) -> Result<(), MessageError> {
        let offered = match &mut self.0 {
            Send::Weft1(send) => send.offer(packet),
            Send::H3(send) => send.offer(packet),
        };
        let Some(packet) = offered? else {
            return Ok(());
        };
        let on_stream = async {
            match &mut self.0 {
                Send::Weft1(send) => send.send_on_stream(packet).await,
                Send::H3(send) => send.send_on_stream(packet).await,
            }
        };
        match tokio::time::timeout(STALL, on_stream).await {
            Ok(sent) => sent,
            Err(_) => {
                match &mut self.0 {
                    Send::Weft1(send) => send.break_off(StreamCode::Cancelled),
                    Send::H3(send) => send.break_off(StreamCode::Cancelled),
                }
                Err(MessageError::Reset)
            }
        }
    }

    /// How often an older packet of this tunnel went for one of these, the path being slower than what was sent.
    #[must_use]
    pub const fn displaced(&self) -> u64 {
        match &self.0 {
            Send::Weft1(send) => send.displaced(),
            Send::H3(send) => send.displaced(),
        }
    }

    /// Ends the session as it should end.
    pub fn finish(self) {
        match self.0 {
            Send::Weft1(send) => send.finish(),
            Send::H3(send) => send.finish(),
        }
    }

    /// Breaks the session off, telling the other end why.
    pub fn break_off(self, code: StreamCode) {
        match self.0 {
            Send::Weft1(mut send) => send.break_off(code),
            Send::H3(mut send) => send.break_off(code),
        }
    }
}

impl UdpRecv {
    /// Waits for the next packet; `None` when the other end has ended the session. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the other end broke the session off, or the tunnel is gone.
    pub async fn recv(&mut self) -> Result<Option<Bytes>, MessageError> {
        match &mut self.0 {
            Recv::Weft1(recv) => std::future::poll_fn(|cx| recv.poll_recv(cx)).await,
            Recv::H3(recv) => std::future::poll_fn(|cx| recv.poll_recv(cx)).await,
        }
    }

    /// The next packet that came as a datagram, if there is one.
    pub fn try_recv(&mut self) -> Option<Bytes> {
        match &mut self.0 {
            Recv::Weft1(recv) => recv.try_recv(),
            Recv::H3(recv) => recv.try_recv(),
        }
    }

    /// How many packets went because nobody received them in time.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        match &self.0 {
            Recv::Weft1(recv) => recv.overflowed(),
            Recv::H3(recv) => recv.overflowed(),
        }
    }
}

impl UdpArrival {
    /// A session whose first frame has been read.
    pub(super) fn new(tunnel: &Tunnel, send: weft1::Send, recv: weft1::Recv) -> Self {
        let (send, recv) = weft1::udp::arrived(tunnel, send, recv);
        Self {
            send: Send::Weft1(send),
            recv: Recv::Weft1(recv),
        }
    }

    /// A session that was asked for by CONNECT-UDP.
    pub(super) const fn of_h3(send: h3::PacketSend, recv: h3::PacketRecv) -> Self {
        Self {
            send: Send::H3(send),
            recv: Recv::H3(recv),
        }
    }

    /// Takes the session.
    ///
    /// # Errors
    /// When the caller has gone already.
    pub async fn accept(mut self) -> Result<UdpSession, MessageError> {
        match &mut self.send {
            Send::Weft1(send) => send.open().await?,
            Send::H3(send) => send.open().await?,
        }
        Ok(UdpSession::new(self.send, self.recv))
    }

    /// Says that no app gets a packet.
    pub async fn refuse(self, refusal: Refusal) {
        match self.send {
            Send::Weft1(send) => send.refuse(refusal).await,
            Send::H3(send) => send.refuse(refusal).await,
        }
    }
}
