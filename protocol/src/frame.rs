//! `weft/1`: the lean framing of HTTP between Weft nodes, one request a stream.
//!
//! ```text
//! request stream    HEAD  DATA*  TRAILERS?  FIN    | HEAD-ONLY FIN
//! response stream   HEAD  DATA*  TRAILERS?  FIN    | HEAD-ONLY FIN
//!                                                  | REFUSED FIN        no byte reached an application
//!
//! frame             type u8 | length QUIC varint | payload
//! ```
//!
//! A FIN between frames ends the message; a FIN within one, or a reset, breaks it. This module is the pure half: it turns bytes
//! into heads and back, and never holds a body.

use bytes::{BufMut, Bytes, BytesMut};

mod head;
mod reader;
mod varint;

pub use head::{RequestHead, ResponseHead};
pub use reader::{FrameEvent, FrameReader};

/// Most bytes of a head or of trailers (`SECURITY` section 4: decoded header list).
pub const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Most fields of a head or of trailers (`SECURITY` section 4: header count).
pub const MAX_FIELDS: usize = 100;
/// Most bytes that one DATA frame may announce.
pub const MAX_DATA_BYTES: u64 = 1 << 30;

/// The type byte of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameType {
    /// Bytes of the body.
    Data,
    /// The head of a request or response.
    Head,
    /// A head after which nothing comes: told apart from an empty body, as gRPC's clients do.
    HeadOnly,
    /// The fields after the body.
    Trailers,
    /// No byte reached an application, and why.
    Refused,
}

impl FrameType {
    const fn byte(self) -> u8 {
        match self {
            Self::Data => 0,
            Self::Head => 1,
            Self::Trailers => 2,
            Self::Refused => 3,
            Self::HeadOnly => 4,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Data),
            1 => Some(Self::Head),
            2 => Some(Self::Trailers),
            3 => Some(Self::Refused),
            4 => Some(Self::HeadOnly),
            _ => None,
        }
    }
}

/// Why the destination's node handed nothing to an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The caller may not have this, or it doesn't exist here: one answer for both (P-16).
    Forbidden,
    /// The application takes no connection.
    Unavailable,
    /// The node is at a limit.
    Overloaded,
    /// The node takes no new work.
    Draining,
    /// The request can't be passed on unambiguously (P-13, P-15).
    Malformed,
}

impl Refusal {
    const ALL: [Self; 5] = [
        Self::Forbidden,
        Self::Unavailable,
        Self::Overloaded,
        Self::Draining,
        Self::Malformed,
    ];

    /// The byte on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Forbidden => 1,
            Self::Unavailable => 2,
            Self::Overloaded => 3,
            Self::Draining => 4,
            Self::Malformed => 5,
        }
    }

    /// Reads the byte on the wire.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.code() == code)
    }

    /// Whether another endpoint may answer otherwise.
    #[must_use]
    pub const fn is_worth_another_endpoint(self) -> bool {
        matches!(self, Self::Unavailable | Self::Overloaded | Self::Draining)
    }

    /// The word in logs and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
            Self::Draining => "draining",
            Self::Malformed => "malformed",
        }
    }
}

/// What is wrong with received bytes. Each ends the stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// No frame has this type.
    #[error("unknown frame type {0}")]
    UnknownType(u8),
    /// A frame that may not stand here.
    #[error("a {0:?} frame may not stand here")]
    Unexpected(FrameType),
    /// Longer than allowed.
    #[error("a frame of {length} bytes is over the limit of {limit}")]
    TooLong {
        /// As announced.
        length: u64,
        /// As allowed.
        limit: u64,
    },
    /// The payload ended within a field, or went on after the last.
    #[error("the head is cut short or too long")]
    Length,
    /// A field can't be in HTTP.
    #[error("the {0} is malformed")]
    Field(&'static str),
    /// The stream ended within a frame.
    #[error("the stream ended within a frame")]
    Truncated,
}

/// Puts the header of a DATA frame of `length` bytes.
#[must_use]
pub fn data_header(length: usize) -> Bytes {
    let mut out = BytesMut::with_capacity(9);
    out.put_u8(FrameType::Data.byte());
    varint::put(&mut out, length as u64);
    out.freeze()
}

/// Encodes a refusal.
#[must_use]
pub fn encode_refused(refusal: Refusal) -> Bytes {
    Bytes::copy_from_slice(&[FrameType::Refused.byte(), 1, refusal.code()])
}

/// Encodes the fields after a body.
///
/// # Errors
/// When they are more or longer than a frame may hold.
pub fn encode_trailers(fields: &http::HeaderMap) -> Result<Bytes, FrameError> {
    let mut payload = BytesMut::new();
    head::put_fields(&mut payload, fields)?;
    frame(FrameType::Trailers, &payload)
}

fn frame(kind: FrameType, payload: &[u8]) -> Result<Bytes, FrameError> {
    if payload.len() > MAX_HEAD_BYTES {
        return Err(FrameError::TooLong {
            length: payload.len() as u64,
            limit: MAX_HEAD_BYTES as u64,
        });
    }
    let mut out = BytesMut::with_capacity(payload.len() + 5);
    out.put_u8(kind.byte());
    varint::put(&mut out, payload.len() as u64);
    out.put_slice(payload);
    Ok(out.freeze())
}

#[cfg(test)]
mod tests;
