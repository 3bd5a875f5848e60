//! The payload of TCP and UDP frames: which service is meant.

use bytes::{BufMut, Bytes, BytesMut};

use super::head::{Input, label, put_s8};
use super::{FrameError, FrameType, put_header};
use crate::name::ServiceName;

/// Encodes a TCP or UDP frame.
///
/// # Errors
/// When `kind` names no service, which is a mistake of the caller's.
pub fn encode_service(kind: FrameType, service: &ServiceName) -> Result<Bytes, FrameError> {
    if !matches!(kind, FrameType::Tcp | FrameType::Udp) {
        return Err(FrameError::Unexpected(kind));
    }
    let mut payload = BytesMut::with_capacity(64);
    put_s8(&mut payload, service.namespace.as_str().as_bytes())?;
    put_s8(&mut payload, service.name.as_str().as_bytes())?;
    let mut out = BytesMut::with_capacity(payload.len() + 3);
    put_header(&mut out, kind, false, payload.len());
    out.put_slice(&payload);
    Ok(out.freeze())
}

/// Decodes the payload of a TCP or UDP frame.
///
/// # Errors
/// Anything that is not exactly one service's name.
pub fn decode_service(payload: &[u8]) -> Result<ServiceName, FrameError> {
    let mut input = Input(payload);
    let namespace = label(input.s8()?)?;
    let name = label(input.s8()?)?;
    if !input.0.is_empty() {
        return Err(FrameError::Length);
    }
    Ok(ServiceName { namespace, name })
}
