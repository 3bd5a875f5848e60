//! Heads: what stands before a body.
//!
//! ```text
//! request   version u8 | flags u8 | namespace s8 | service s8 | method s8 | authority s16 | path s16 | fields
//! response  version u8 | status u16 | fields
//! version   10, 11, 20: HTTP/1.0, HTTP/1.1, HTTP/2       flags   bit 0: the caller asks for an upgrade
//!                                                        s8, s16: length u8 or u16, then the bytes
//! ```

use bytes::{BufMut, Bytes, BytesMut};
use http::{Method, StatusCode};

use super::{Fields, FrameError, FrameType, put_checked_header};
use crate::name::{Label, ServiceName};

/// How the application at this end speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    #[default]
    Http11,
    /// HTTP/2, or 3.
    Http2,
}

/// The head of a request, as the source's node sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// The service that the source means. The destination's node checks it against what the tunnel's identity serves.
    pub service: ServiceName,
    /// What the caller speaks.
    pub version: HttpVersion,
    /// Case-sensitive.
    pub method: Method,
    /// As the application wrote it.
    pub authority: String,
    /// Path and query, as the application wrote them.
    pub path: String,
    /// End-to-end fields only; `upgrade` among them if the caller asks for one.
    pub fields: Fields,
    /// The caller asks for another protocol on this connection (RFC 9110 section 7.8), named by `upgrade`.
    pub upgrade: bool,
}

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// What the application speaks.
    pub version: HttpVersion,
    /// Final (200 to 599), 101 on a stream whose request asked for an upgrade, or 1xx in an INTERIM frame.
    pub status: StatusCode,
    /// End-to-end fields only; `upgrade` among them with 101.
    pub fields: Fields,
}

const UPGRADE: u8 = 1;

impl HttpVersion {
    const fn byte(self) -> u8 {
        match self {
            Self::Http10 => 10,
            Self::Http11 => 11,
            Self::Http2 => 20,
        }
    }

    fn from_byte(byte: u8) -> Result<Self, FrameError> {
        match byte {
            10 => Ok(Self::Http10),
            11 => Ok(Self::Http11),
            20 => Ok(Self::Http2),
            _ => Err(FrameError::Field("version")),
        }
    }
}

impl RequestHead {
    /// Encodes the whole frame; `end` says that no body comes after it.
    ///
    /// # Errors
    /// When a part is longer than its length can say, or the whole over the limits.
    pub fn encode(&self, end: bool) -> Result<Bytes, FrameError> {
        let (namespace, name) = (self.service.namespace.as_str(), self.service.name.as_str());
        let method = self.method.as_str();
        let length = 2
            + 3
            + 4
            + namespace.len()
            + name.len()
            + method.len()
            + self.authority.len()
            + self.path.len()
            + self.fields.encoded_len();
        let mut out = BytesMut::with_capacity(length + 5);
        put_checked_header(&mut out, FrameType::Head, end, length)?;
        out.put_u8(self.version.byte());
        out.put_u8(if self.upgrade { UPGRADE } else { 0 });
        put_s8(&mut out, namespace.as_bytes())?;
        put_s8(&mut out, name.as_bytes())?;
        put_s8(&mut out, method.as_bytes())?;
        put_s16(&mut out, self.authority.as_bytes())?;
        put_s16(&mut out, self.path.as_bytes())?;
        self.fields.put(&mut out);
        Ok(out.freeze())
    }

    /// Decodes the payload of a HEAD frame.
    ///
    /// # Errors
    /// Anything that is not exactly one well-formed head.
    pub fn decode(payload: &Bytes) -> Result<Self, FrameError> {
        let mut input = Input(payload);
        let version = HttpVersion::from_byte(input.u8()?)?;
        let upgrade = match input.u8()? {
            0 => false,
            UPGRADE => true,
            _ => return Err(FrameError::Field("flags")),
        };
        let namespace = label(input.s8()?)?;
        let name = label(input.s8()?)?;
        let method = Method::from_bytes(input.s8()?).map_err(|_| FrameError::Field("method"))?;
        let authority = visible(input.s16()?, "authority")?;
        let path = visible(input.s16()?, "path")?;
        Ok(Self {
            service: ServiceName { namespace, name },
            version,
            method,
            authority,
            path,
            fields: input.fields(payload)?,
            upgrade,
        })
    }
}

impl ResponseHead {
    /// Encodes the whole frame, INTERIM for 1xx but 101; `end` says that no body comes after it.
    ///
    /// # Errors
    /// When the fields are over the limits.
    pub fn encode(&self, end: bool) -> Result<Bytes, FrameError> {
        let length = 3 + self.fields.encoded_len();
        let mut out = BytesMut::with_capacity(length + 5);
        if self.is_interim() {
            put_checked_header(&mut out, FrameType::Interim, false, length)?;
        } else {
            put_checked_header(&mut out, FrameType::Head, end, length)?;
        }
        out.put_u8(self.version.byte());
        out.put_u16(self.status.as_u16());
        self.fields.put(&mut out);
        Ok(out.freeze())
    }

    /// An answer before the answer. 101 isn't: what follows it is another protocol.
    #[must_use]
    pub fn is_interim(&self) -> bool {
        self.status.is_informational() && self.status != StatusCode::SWITCHING_PROTOCOLS
    }

    /// Decodes the payload of a HEAD (`interim` false) or INTERIM frame.
    ///
    /// # Errors
    /// Anything that is not exactly one well-formed head with a status that may stand there.
    pub fn decode(payload: &Bytes, interim: bool) -> Result<Self, FrameError> {
        let mut input = Input(payload);
        let version = HttpVersion::from_byte(input.u8()?)?;
        let status = StatusCode::from_u16(input.u16()?).map_err(|_| FrameError::Field("status"))?;
        let head = Self {
            version,
            status,
            fields: input.fields(payload)?,
        };
        if head.is_interim() != interim || status.as_u16() >= 600 {
            return Err(FrameError::Field("status"));
        }
        Ok(head)
    }
}

pub(super) fn put_s8(out: &mut BytesMut, bytes: &[u8]) -> Result<(), FrameError> {
    out.put_u8(u8::try_from(bytes.len()).map_err(|_| FrameError::Length)?);
    out.put_slice(bytes);
    Ok(())
}

fn put_s16(out: &mut BytesMut, bytes: &[u8]) -> Result<(), FrameError> {
    out.put_u16(u16::try_from(bytes.len()).map_err(|_| FrameError::Length)?);
    out.put_slice(bytes);
    Ok(())
}

pub(super) fn label(bytes: &[u8]) -> Result<Label, FrameError> {
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(FrameError::Field("service"))
}

/// Printable ASCII without blanks: what an authority or a path may hold on the wire.
fn visible(bytes: &[u8], what: &'static str) -> Result<String, FrameError> {
    if !bytes.iter().all(u8::is_ascii_graphic) {
        return Err(FrameError::Field(what));
    }
    String::from_utf8(bytes.to_vec()).map_err(|_| FrameError::Field(what))
}

pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(FrameError::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u8(&mut self) -> Result<u8, FrameError> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16, FrameError> {
        let bytes = self.take(2)?;
        Ok(u16::from(bytes[0]) << 8 | u16::from(bytes[1]))
    }

    pub(super) fn s8(&mut self) -> Result<&'a [u8], FrameError> {
        let length = self.u8()?;
        self.take(usize::from(length))
    }

    fn s16(&mut self) -> Result<&'a [u8], FrameError> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    /// Whatever is left, which must be fields.
    fn fields(&self, payload: &Bytes) -> Result<Fields, FrameError> {
        Fields::decode(payload.slice(payload.len() - self.0.len()..))
    }
}
