//! The head of an answer as an app wrote it, read once.

use bytes::{Buf, BytesMut};
use http::{Method, StatusCode};
use tunnel::{HttpVersion, ResponseHead};

use super::head::{self, HeadError, MALFORMED, check_lines, check_partial, refused};
use super::inflow::Framing;
use crate::http::MAX_FIELDS;
use crate::http::fields::Class;

/// An answer's head.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) head: ResponseHead,
    pub(crate) framing: Framing,
    /// Another request may go on this connection.
    pub(crate) keep_alive: bool,
}

/// Takes an answer's head from the front of `buf`; `None` while it isn't whole. `method`: what was asked, as that decides on a body.
///
/// # Errors
/// What can't be taken; the connection is of no use then.
pub(crate) fn parse(buf: &mut BytesMut, method: &Method) -> Result<Option<Response>, HeadError> {
    let mut room = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut parsed = httparse::Response::new(&mut room);
    let length = match parsed.parse(buf).map_err(refused)? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return check_partial(buf.len()).map(|()| None),
    };
    check_partial(length)?;
    check_lines(&buf[..length])?;
    let (Some(status), Some(version)) = (parsed.code, parsed.version) else {
        return Err(MALFORMED);
    };
    let response = read(status, version, parsed.headers, method)?;
    buf.advance(length);
    Ok(Some(response))
}

fn read(
    status: u16,
    version: u8,
    headers: &[httparse::Header<'_>],
    method: &Method,
) -> Result<Response, HeadError> {
    let status = StatusCode::from_u16(status).map_err(|_| MALFORMED)?;
    if status.as_u16() >= 600 {
        return Err(MALFORMED);
    }
    let version = if version == 0 {
        HttpVersion::Http10
    } else {
        HttpVersion::Http11
    };
    let parsed = head::read(headers, |class| class == Class::Private, |_| Ok(()))?;
    let bodiless = status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
        || *method == Method::HEAD;
    let framing = match (bodiless, parsed.chunked, parsed.length) {
        (true, ..) | (_, false, Some(0)) => Framing::Nothing,
        (_, true, _) => Framing::Chunked,
        (_, _, Some(length)) => Framing::Length(length),
        (_, _, None) => Framing::UntilClose,
    };
    let keep_alive = match version {
        HttpVersion::Http10 => parsed.keep_alive && !parsed.close,
        _ => !parsed.close,
    } && framing != Framing::UntilClose;
    Ok(Response {
        head: ResponseHead {
            version,
            status,
            fields: parsed.fields,
        },
        framing,
        keep_alive,
    })
}
