//! Heads: what stands before a body.
//!
//! ```text
//! request   namespace s8 | service s8 | method s8 | authority s16 | path s16 | fields
//! response  status u16 | fields
//! fields    count u16 | (name s16 | value s16)*          s8, s16: length u8 or u16, then the bytes
//! ```

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::{FrameError, FrameType, MAX_FIELDS, frame};
use crate::name::{Label, ServiceName};

/// The head of a request, as the source's node sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// The service that the source means. The destination's node checks it against what the tunnel's identity serves.
    pub service: ServiceName,
    /// Case-sensitive.
    pub method: Method,
    /// As the application wrote it.
    pub authority: String,
    /// Path and query, as the application wrote them.
    pub path: String,
    /// End-to-end fields only.
    pub headers: HeaderMap,
}

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// Final: 200 to 599.
    pub status: StatusCode,
    /// End-to-end fields only.
    pub headers: HeaderMap,
}

impl RequestHead {
    /// Encodes the whole frame; `only` says that nothing comes after it.
    ///
    /// # Errors
    /// When a part is longer than its length can say, or the whole over the limits.
    pub fn encode(&self, only: bool) -> Result<Bytes, FrameError> {
        let mut payload = BytesMut::with_capacity(256);
        put_s8(&mut payload, self.service.namespace.as_str().as_bytes())?;
        put_s8(&mut payload, self.service.name.as_str().as_bytes())?;
        put_s8(&mut payload, self.method.as_str().as_bytes())?;
        put_s16(&mut payload, self.authority.as_bytes())?;
        put_s16(&mut payload, self.path.as_bytes())?;
        put_fields(&mut payload, &self.headers)?;
        frame(head_type(only), &payload)
    }

    /// Decodes the payload of a HEAD frame.
    ///
    /// # Errors
    /// Anything that is not exactly one well-formed head.
    pub fn decode(payload: &[u8]) -> Result<Self, FrameError> {
        let mut input = Input(payload);
        let namespace = label(input.s8()?)?;
        let name = label(input.s8()?)?;
        let method = Method::from_bytes(input.s8()?).map_err(|_| FrameError::Field("method"))?;
        let authority = visible(input.s16()?, "authority")?;
        let path = visible(input.s16()?, "path")?;
        let headers = input.fields()?;
        input.end()?;
        Ok(Self {
            service: ServiceName { namespace, name },
            method,
            authority,
            path,
            headers,
        })
    }
}

impl ResponseHead {
    /// Encodes the whole frame; `only` says that nothing comes after it.
    ///
    /// # Errors
    /// When the fields are over the limits.
    pub fn encode(&self, only: bool) -> Result<Bytes, FrameError> {
        let mut payload = BytesMut::with_capacity(256);
        payload.put_u16(self.status.as_u16());
        put_fields(&mut payload, &self.headers)?;
        frame(head_type(only), &payload)
    }

    /// Decodes the payload of a HEAD frame.
    ///
    /// # Errors
    /// Anything that is not exactly one well-formed head with a final status.
    pub fn decode(payload: &[u8]) -> Result<Self, FrameError> {
        let mut input = Input(payload);
        let status = StatusCode::from_u16(input.u16()?).map_err(|_| FrameError::Field("status"))?;
        if !(200..600).contains(&status.as_u16()) {
            return Err(FrameError::Field("status"));
        }
        let headers = input.fields()?;
        input.end()?;
        Ok(Self { status, headers })
    }
}

const fn head_type(only: bool) -> FrameType {
    if only {
        FrameType::HeadOnly
    } else {
        FrameType::Head
    }
}

/// Decodes the payload of a TRAILERS frame.
pub(super) fn decode_trailers(payload: &[u8]) -> Result<HeaderMap, FrameError> {
    let mut input = Input(payload);
    let fields = input.fields()?;
    input.end()?;
    Ok(fields)
}

pub(super) fn put_fields(out: &mut BytesMut, fields: &HeaderMap) -> Result<(), FrameError> {
    if fields.len() > MAX_FIELDS {
        return Err(FrameError::Field("number of fields"));
    }
    out.put_u16(fields.len() as u16);
    for (name, value) in fields {
        put_s16(out, name.as_str().as_bytes())?;
        put_s16(out, value.as_bytes())?;
    }
    Ok(())
}

fn put_s8(out: &mut BytesMut, bytes: &[u8]) -> Result<(), FrameError> {
    out.put_u8(u8::try_from(bytes.len()).map_err(|_| FrameError::Length)?);
    out.put_slice(bytes);
    Ok(())
}

fn put_s16(out: &mut BytesMut, bytes: &[u8]) -> Result<(), FrameError> {
    out.put_u16(u16::try_from(bytes.len()).map_err(|_| FrameError::Length)?);
    out.put_slice(bytes);
    Ok(())
}

fn label(bytes: &[u8]) -> Result<Label, FrameError> {
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

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(FrameError::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    fn u16(&mut self) -> Result<u16, FrameError> {
        let bytes = self.take(2)?;
        Ok(u16::from(bytes[0]) << 8 | u16::from(bytes[1]))
    }

    fn s8(&mut self) -> Result<&'a [u8], FrameError> {
        let length = self.take(1)?[0];
        self.take(usize::from(length))
    }

    fn s16(&mut self) -> Result<&'a [u8], FrameError> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    fn fields(&mut self) -> Result<HeaderMap, FrameError> {
        let count = usize::from(self.u16()?);
        if count > MAX_FIELDS {
            return Err(FrameError::Field("number of fields"));
        }
        let mut fields = HeaderMap::with_capacity(count);
        for _ in 0..count {
            let name = HeaderName::from_lowercase(self.s16()?)
                .map_err(|_| FrameError::Field("field name"))?;
            let value = HeaderValue::from_bytes(self.s16()?)
                .map_err(|_| FrameError::Field("field value"))?;
            fields.append(name, value);
        }
        Ok(fields)
    }

    fn end(&self) -> Result<(), FrameError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(FrameError::Length)
        }
    }
}
