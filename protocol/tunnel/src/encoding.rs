//! What runs on a tunnel's streams, in whichever encoding the tunnel speaks.
//!
//! ```text
//!   caller    Tunnel::request ── open_messages ──┐                      ┌── accept_stream ── Arriving::open   listener
//!                                 MessageSend ───┼──── one stream ──────┼──> MessageRecv
//!                                 MessageRecv <──┴──── weft/1, h3 ──────┴─── MessageSend
//! ```
//!
//! Whoever drops one half within a message resets the stream, so that the other end hears of it; an end is only what was ended on
//! purpose. A stream whose messages are both complete goes back to its tunnel for the next exchange.

mod arriving;
mod body;
mod bytes;
pub(crate) mod h3;
mod halves;
mod message;
mod request;
mod tcp;
mod turn;
mod udp;
mod upload;
pub(crate) mod weft1;

pub use arriving::{Arriving, ByteArrival, Exchange, Lent, Opening};
pub use body::TunnelBody;
pub use bytes::{ByteRecv, ByteSend};
pub use message::{Event, MessageError, MessageRecv, MessageSend};
pub use request::RequestError;
pub use tcp::TcpAnswer;
pub use udp::{UdpArrival, UdpRecv, UdpSend, UdpSession};
pub use upload::send_body;

pub(crate) use halves::Idle;

/// Why a stream is reset or stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamCode {
    /// Whoever wanted it no longer does.
    Cancelled,
    /// The application broke off.
    Broken,
    /// What came was not what the encoding allows.
    Malformed,
}

impl StreamCode {
    pub(crate) const fn number(self) -> quinn::VarInt {
        quinn::VarInt::from_u32(match self {
            Self::Cancelled => 1,
            Self::Broken => 2,
            Self::Malformed => 3,
        })
    }
}
