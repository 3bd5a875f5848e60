//! `protocol::frame` on QUIC streams: one request a stream, bodies both ways with QUIC's own back-pressure.
//!
//! Whoever drops a request or response before its end resets the stream, so that the other end hears of it; an end is only what
//! was finished on purpose.

mod body;
mod request;
mod serve;
mod upload;

pub use body::{BodyError, TunnelBody};
pub use request::RequestError;
pub use serve::{IncomingRequest, Responder};

/// Why a stream was reset or stopped.
#[derive(Debug, Clone, Copy)]
enum StreamCode {
    /// Whoever wanted it no longer does.
    Cancelled,
    /// The application broke off.
    Broken,
    /// What came was not `weft/1`.
    Malformed,
}

impl StreamCode {
    const fn number(self) -> quinn::VarInt {
        quinn::VarInt::from_u32(match self {
            Self::Cancelled => 1,
            Self::Broken => 2,
            Self::Malformed => 3,
        })
    }
}
