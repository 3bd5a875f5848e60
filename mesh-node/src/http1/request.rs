//! The head of a request as an app wrote it, read once.

use bytes::{Buf, BytesMut};
use http::Method;
use tunnel::{Fields, HttpVersion};

use super::head::{self, HeadError, MALFORMED, check_lines, check_partial, refused};
use super::inflow::Framing;
use crate::http::MAX_FIELDS;
use crate::http::fields::Class;

/// A request's head, unambiguous in its framing. What it asks for is checked by `http::target`.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// As written: origin form, absolute form, authority form or `*`.
    pub(crate) target: String,
    /// `Http10` or `Http11`.
    pub(crate) version: HttpVersion,
    /// The Host field's value.
    pub(crate) host: Option<String>,
    /// End-to-end fields in order, those that claim an identity left out (P-14).
    pub(crate) fields: Fields,
    pub(crate) framing: Framing,
    /// Another request may follow on this connection.
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    pub(crate) is_grpc: bool,
}

/// Takes a request's head from the front of `buf`; `None` while it isn't whole.
///
/// # Errors
/// What can't be taken; the connection is of no use then.
pub(crate) fn parse(buf: &mut BytesMut) -> Result<Option<Request>, HeadError> {
    let mut room = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut room);
    let length = match parsed.parse(buf).map_err(refused)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return check_partial(buf.len()).map(|()| None),
    };
    check_partial(length)?;
    check_lines(&buf[..length])?;
    let (Some(method), Some(target), Some(version)) = (parsed.method, parsed.path, parsed.version)
    else {
        return Err(MALFORMED);
    };
    let request = read(method, target, version, parsed.headers)?;
    buf.advance(length);
    Ok(Some(request))
}

fn read(
    method: &str,
    target: &str,
    version: u8,
    headers: &[httparse::Header<'_>],
) -> Result<Request, HeadError> {
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| MALFORMED)?;
    let version = if version == 0 {
        HttpVersion::Http10
    } else {
        HttpVersion::Http11
    };
    let mut host = None;
    let parsed = head::read(
        headers,
        |class| matches!(class, Class::Identity | Class::Private),
        |value| {
            let text = std::str::from_utf8(value).map_err(|_| MALFORMED)?;
            match host.replace(text.to_owned()) {
                None => Ok(()),
                Some(_) => Err(HeadError::Malformed("host stands more than once")),
            }
        },
    )?;
    if parsed.chunked && version == HttpVersion::Http10 {
        return Err(HeadError::Malformed("HTTP/1.0 has no transfer-encoding"));
    }
    let framing = match (parsed.chunked, parsed.length) {
        (true, _) => Framing::Chunked,
        (false, None | Some(0)) => Framing::Nothing,
        (false, Some(length)) => Framing::Length(length),
    };
    let upgrade = parsed.upgrade && version == HttpVersion::Http11;
    if upgrade && framing != Framing::Nothing {
        return Err(HeadError::Malformed("a request for an upgrade has a body"));
    }
    Ok(Request {
        method,
        target: target.to_owned(),
        version,
        host,
        fields: parsed.fields,
        framing,
        keep_alive: match version {
            HttpVersion::Http10 => parsed.keep_alive && !parsed.close,
            _ => !parsed.close,
        },
        upgrade,
        is_grpc: parsed.is_grpc,
    })
}

#[cfg(test)]
mod tests;
