//! Heads as they are written to a TCP connection.

use bytes::{BufMut, Bytes, BytesMut};
use http::{Method, StatusCode};
use tunnel::{Fields, HttpVersion, RequestHead, ResponseHead};

use super::Form;

/// A request's head for an app.
pub(crate) fn request(head: &RequestHead, fields: &Fields, form: Form) -> Bytes {
    let mut out = BytesMut::with_capacity(512);
    out.put_slice(head.method.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(head.path.as_bytes());
    out.put_slice(b" HTTP/1.1\r\nHost: ");
    out.put_slice(head.authority.as_bytes());
    out.put_slice(b"\r\n");
    put_fields(&mut out, fields);
    if head.upgrade {
        out.put_slice(b"Connection: Upgrade\r\n");
    }
    if form == Form::Chunked {
        out.put_slice(b"Transfer-Encoding: chunked\r\n");
    }
    out.put_slice(b"\r\n");
    out.freeze()
}

/// How an answer's body is written for an app that asked with `method`, speaks `version`; `over`: the answer has no body.
pub(crate) fn form(
    head: &ResponseHead,
    method: &Method,
    version: HttpVersion,
    over: bool,
) -> Option<Form> {
    let status = head.status;
    if status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
        || *method == Method::HEAD
    {
        return Some(Form::Nothing);
    }
    let mut lengths = head.fields.all("content-length");
    match (lengths.next(), lengths.next()) {
        // Two lengths would be read in two ways (P-15).
        (Some(_), Some(_)) => None,
        (Some(length), None) => length_of(length).map(Form::Length),
        (None, _) if over => Some(Form::Length(0)),
        (None, _) if version == HttpVersion::Http10 => Some(Form::UntilClose),
        (None, _) => Some(Form::Chunked),
    }
}

fn length_of(value: &[u8]) -> Option<u64> {
    if !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// An answer's head for an app. `version`: what that app speaks; `keep`: the connection goes on.
pub(crate) fn response(
    head: &ResponseHead,
    fields: &Fields,
    form: Form,
    version: HttpVersion,
    keep: bool,
) -> Bytes {
    let mut out = BytesMut::with_capacity(512);
    put_status(&mut out, head.status);
    put_fields(&mut out, fields);
    let has_length = fields.get("content-length").is_some();
    match form {
        Form::Chunked => out.put_slice(b"Transfer-Encoding: chunked\r\n"),
        Form::Length(0) if !has_length => out.put_slice(b"Content-Length: 0\r\n"),
        _ => {}
    }
    match (version, keep) {
        (HttpVersion::Http10, true) => out.put_slice(b"Connection: keep-alive\r\n"),
        (_, false) => out.put_slice(b"Connection: close\r\n"),
        _ => {}
    }
    out.put_slice(b"\r\n");
    out.freeze()
}

/// The head of an interim answer, or of 101.
pub(crate) fn interim(head: &ResponseHead, fields: &Fields) -> Bytes {
    let mut out = BytesMut::with_capacity(256);
    put_status(&mut out, head.status);
    put_fields(&mut out, fields);
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        out.put_slice(b"Connection: Upgrade\r\n");
    }
    out.put_slice(b"\r\n");
    out.freeze()
}

/// A whole answer that the mesh gives itself.
pub(crate) fn own(
    answer: &http::Response<Bytes>,
    version: HttpVersion,
    keep: bool,
    bodiless: bool,
) -> Bytes {
    let mut out = BytesMut::with_capacity(512);
    put_status(&mut out, answer.status());
    for (name, value) in answer.headers() {
        out.put_slice(name.as_str().as_bytes());
        out.put_slice(b": ");
        out.put_slice(value.as_bytes());
        out.put_slice(b"\r\n");
    }
    let body = answer.body();
    out.put_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    match (version, keep) {
        (HttpVersion::Http10, true) => out.put_slice(b"connection: keep-alive\r\n"),
        (_, false) => out.put_slice(b"connection: close\r\n"),
        _ => {}
    }
    out.put_slice(b"\r\n");
    if !bodiless {
        out.put_slice(body);
    }
    out.freeze()
}

fn put_status(out: &mut BytesMut, status: StatusCode) {
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(status.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.put_slice(b"\r\n");
}

fn put_fields(out: &mut BytesMut, fields: &Fields) {
    for (name, value) in fields.iter() {
        out.put_slice(name);
        out.put_slice(b": ");
        out.put_slice(value);
        out.put_slice(b"\r\n");
    }
}
