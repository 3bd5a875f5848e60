//! What request heads and answer heads have in common: where a head ends, and what its fields say of framing.

use tunnel::{Fields, FieldsBuilder};

use crate::http::MAX_HEAD_BYTES;
use crate::http::fields::{self, Class};

/// Why a head can't be taken. Nothing else is read from the connection then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeadError {
    /// It isn't HTTP/1, or could be read in two ways (P-15).
    #[error("{0}")]
    Malformed(&'static str),
    /// Over the limits of `SECURITY` section 4.
    #[error("the head is longer than 64 KiB or has more than 100 fields")]
    TooLarge,
    /// Another version than 1.0 and 1.1.
    #[error("only HTTP/1.0, HTTP/1.1 and HTTP/2 are spoken here")]
    Version,
    /// It did not come whole in time.
    #[error("the head did not come within 10 s")]
    Slow,
    /// A transfer coding other than chunked.
    #[error("the transfer coding isn't supported: only chunked is")]
    Coding,
}

pub(super) const MALFORMED: HeadError = HeadError::Malformed("the head is malformed");

/// How a failed parse is told.
pub(super) fn refused(error: httparse::Error) -> HeadError {
    match error {
        httparse::Error::TooManyHeaders => HeadError::TooLarge,
        httparse::Error::Version => HeadError::Version,
        httparse::Error::HeaderName => HeadError::Malformed("a field's name is malformed"),
        httparse::Error::HeaderValue => HeadError::Malformed("a field's value is malformed"),
        httparse::Error::NewLine | httparse::Error::Token | httparse::Error::Status => MALFORMED,
    }
}

/// Whether so much has come that a head that isn't whole yet is too long.
pub(super) fn check_partial(have: usize) -> Result<(), HeadError> {
    if have > MAX_HEAD_BYTES {
        Err(HeadError::TooLarge)
    } else {
        Ok(())
    }
}

/// P-15: every line ends in CR LF; a lone LF, or a CR within a line, is read differently by different readers.
pub(super) fn check_lines(head: &[u8]) -> Result<(), HeadError> {
    let mut before = 0;
    for byte in head {
        match byte {
            b'\n' if before != b'\r' => {
                return Err(HeadError::Malformed("a line ends in LF without CR"));
            }
            b'\n' => {}
            _ if before == b'\r' => return Err(HeadError::Malformed("a CR stands within a line")),
            _ => {}
        }
        before = *byte;
    }
    Ok(())
}

/// What a head's fields say, besides what crosses.
#[derive(Debug)]
pub(super) struct Parsed {
    /// What crosses.
    pub(super) fields: Fields,
    pub(super) length: Option<u64>,
    pub(super) chunked: bool,
    pub(super) close: bool,
    pub(super) keep_alive: bool,
    pub(super) upgrade: bool,
    pub(super) is_grpc: bool,
}

/// Reads framing out of the fields and keeps what crosses. `host` hears of each Host field.
pub(super) fn read(
    headers: &[httparse::Header<'_>],
    drop_class: impl Fn(Class) -> bool,
    mut host: impl FnMut(&[u8]) -> Result<(), HeadError>,
) -> Result<Parsed, HeadError> {
    let mut parsed = Parsed {
        fields: Fields::new(),
        length: None,
        chunked: false,
        close: false,
        keep_alive: false,
        upgrade: false,
        is_grpc: false,
    };
    let nominated = fields::Nominated::of(
        headers
            .iter()
            .filter(|header| header.name.eq_ignore_ascii_case("connection"))
            .map(|header| header.value),
    );
    parsed.close = nominated.has("close");
    parsed.keep_alive = nominated.has("keep-alive");
    let wants_upgrade = nominated.has("upgrade");
    let mut kept = FieldsBuilder::with_capacity(512);
    for header in headers {
        let (name, value) = (header.name.as_bytes(), trimmed(header.value));
        let class = fields::class(name);
        match class {
            Class::Host => {
                host(value)?;
                continue;
            }
            Class::ContentLength => {
                if parsed.length.is_some() {
                    return Err(HeadError::Malformed("content-length stands more than once"));
                }
                parsed.length = Some(digits(value)?);
            }
            Class::TransferEncoding => {
                if parsed.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(HeadError::Coding);
                }
                parsed.chunked = true;
                continue;
            }
            Class::Upgrade => {
                parsed.upgrade = wants_upgrade;
                if !wants_upgrade {
                    continue;
                }
            }
            Class::Te => {
                if fields::has_trailers(value) {
                    push(&mut kept, name, b"trailers")?;
                }
                continue;
            }
            Class::ContentType => {
                parsed.is_grpc = value.starts_with(b"application/grpc");
            }
            Class::Hop => continue,
            Class::Plain | Class::Identity | Class::Private => {}
        }
        if !drop_class(class) && !nominated.takes(name, class) {
            push(&mut kept, name, value)?;
        }
    }
    if parsed.chunked && parsed.length.is_some() {
        return Err(HeadError::Malformed(
            "content-length and transfer-encoding stand both",
        ));
    }
    parsed.fields = kept.build();
    Ok(parsed)
}

fn push(kept: &mut FieldsBuilder, name: &[u8], value: &[u8]) -> Result<(), HeadError> {
    kept.push(name, value)
        .map_err(|_| HeadError::Malformed("a field's value is malformed"))
}

/// Blanks around a value aren't part of it (RFC 9112 section 5.1).
fn trimmed(value: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !blank(byte));
    let end = value.iter().rposition(|byte| !blank(byte));
    match (start, end) {
        (Some(start), Some(end)) => &value[start..=end],
        _ => &[],
    }
}

fn digits(value: &[u8]) -> Result<u64, HeadError> {
    let malformed = HeadError::Malformed("content-length is no number");
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(malformed);
    }
    std::str::from_utf8(value)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(malformed)
}
