//! `weft/1`: the lean framing between Weft nodes. A stream carries HTTP exchanges one after another, or one TCP connection, or
//! belongs to one UDP session; its first frame says which.
//!
//! ```text
//! HTTP      request   HEAD  DATA*  TRAILERS?          again and again; FIN after a whole message
//!           response  INTERIM*  HEAD  DATA*  TRAILERS?  |  REFUSED
//! TCP       TCP  bytes…                                answer: OPENED  bytes…   |  REFUSED
//! UDP       UDP  DATA*                                 answer: OPENED  DATA*    |  REFUSED
//!
//! frame     type u8 | length QUIC varint | payload     the type's high bit: the last frame of its message
//! ```
//!
//! A FIN within a message, or a reset, breaks it. This module is the pure half: it turns bytes into heads and back, and never holds
//! a body.

use bytes::{BufMut, Bytes, BytesMut};

mod fields;
mod head;
mod reader;
mod service;
pub(crate) mod varint;

pub use fields::{Fields, FieldsBuilder};
pub use head::{HttpVersion, RequestHead, ResponseHead};
pub use reader::{FrameEvent, FrameReader};
pub use service::{decode_service, encode_service};

/// Most bytes of a head or of trailers (`SECURITY` section 4: decoded header list).
pub const MAX_HEAD_BYTES: usize = 64 * 1024;
/// Most fields of a head or of trailers (`SECURITY` section 4: header count).
pub const MAX_FIELDS: usize = 100;
/// Most bytes that one DATA frame may announce.
pub const MAX_DATA_BYTES: u64 = 1 << 30;
/// Most interim answers to one request: more are a flood.
pub const MAX_INTERIM: u32 = 16;

/// The bit of a type byte that says «the last frame of its message».
const END: u8 = 0x80;

/// The type of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameType {
    /// Bytes of a body; in a UDP session one packet.
    Data,
    /// The head of a request or response.
    Head,
    /// The fields after the body; always the last of a message.
    Trailers,
    /// No byte reached an application, and why; always the last of a message.
    Refused,
    /// An answer before the answer (1xx).
    Interim,
    /// The stream is a TCP connection to a service.
    Tcp,
    /// The stream is a UDP session with a service.
    Udp,
    /// The TCP connection or UDP session stands.
    Opened,
}

impl FrameType {
    const ALL: [Self; 8] = [
        Self::Data,
        Self::Head,
        Self::Trailers,
        Self::Refused,
        Self::Interim,
        Self::Tcp,
        Self::Udp,
        Self::Opened,
    ];

    const fn byte(self, end: bool) -> u8 {
        self as u8 | if end { END } else { 0 }
    }

    fn from_byte(byte: u8) -> Option<(Self, bool)> {
        let kind = *Self::ALL.get(usize::from(byte & !END))?;
        Some((kind, byte & END != 0))
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
    /// The stream ended within a message.
    #[error("the stream ended within a message")]
    Truncated,
}

/// The header of a DATA frame of `length` bytes; `end`: it is the last of its message.
#[must_use]
pub fn data_header(length: usize, end: bool) -> Bytes {
    let mut out = BytesMut::with_capacity(9);
    put_header(&mut out, FrameType::Data, end, length);
    out.freeze()
}

/// Encodes a refusal.
#[must_use]
pub fn encode_refused(refusal: Refusal) -> Bytes {
    Bytes::copy_from_slice(&[FrameType::Refused.byte(true), 1, refusal.code()])
}

/// Encodes «it stands».
#[must_use]
pub const fn encode_opened() -> Bytes {
    const OPENED: [u8; 2] = [FrameType::Opened.byte(false), 0];
    Bytes::from_static(&OPENED)
}

/// Encodes the fields after a body, which end the message.
///
/// # Errors
/// When they are longer than a frame may hold.
pub fn encode_trailers(fields: &Fields) -> Result<Bytes, FrameError> {
    let mut out = BytesMut::with_capacity(fields.encoded_len() + 8);
    put_checked_header(&mut out, FrameType::Trailers, true, fields.encoded_len())?;
    fields.put(&mut out);
    Ok(out.freeze())
}

fn put_header(out: &mut BytesMut, kind: FrameType, end: bool, length: usize) {
    out.put_u8(kind.byte(end));
    varint::put(out, length as u64);
}

fn put_checked_header(
    out: &mut BytesMut,
    kind: FrameType,
    end: bool,
    length: usize,
) -> Result<(), FrameError> {
    if length > MAX_HEAD_BYTES {
        return Err(FrameError::TooLong {
            length: length as u64,
            limit: MAX_HEAD_BYTES as u64,
        });
    }
    put_header(out, kind, end, length);
    Ok(())
}

#[cfg(test)]
mod tests;
