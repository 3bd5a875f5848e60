//! What an app's connection speaks, told by its first bytes.

use std::time::Duration;

use protocol::view::Protocol;
use tokio::time::timeout;

use crate::io::Io;

/// How long a connection whose protocol isn't declared may say nothing before it is opened as TCP: its server may be the one to speak.
const SILENCE: Duration = Duration::from_millis(100);

/// What an app speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    Http1,
    Http2,
    /// Anything else.
    Bytes,
}

/// How a connection began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    Speaks(Speaks),
    /// With nothing: its server may have to speak first.
    Silence,
    /// It is gone.
    Gone,
}

/// The beginning of HTTP/2's preface (RFC 9113 section 3.4). `PRI` is no method of HTTP/1.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";
/// The longest method that is taken for one, IANA's longest being 17 letters.
const METHOD_BYTES: usize = 24;

/// Reads the first bytes of a connection to a service that speaks this.
pub(super) async fn beginning(io: &mut Io, protocol: Protocol) -> Beginning {
    match protocol {
        Protocol::Tcp => Beginning::Speaks(Speaks::Bytes),
        Protocol::Auto => {
            let first = timeout(SILENCE, first_bytes(io)).await;
            first.unwrap_or(Beginning::Silence)
        }
        Protocol::Http | Protocol::Http2 | Protocol::Grpc | Protocol::Udp => {
            until_certain(io, version).await
        }
    }
}

/// Reads until it is certain what is spoken; what was read stays in `io`.
pub(super) async fn first_bytes(io: &mut Io) -> Beginning {
    until_certain(io, speaks).await
}

async fn until_certain(io: &mut Io, look: fn(&[u8]) -> Option<Speaks>) -> Beginning {
    loop {
        if let Some(speaks) = look(&io.buf) {
            return Beginning::Speaks(speaks);
        }
        let filled = std::future::poll_fn(|cx| io.poll_fill(cx)).await;
        if !matches!(filled, Ok(1..)) {
            return Beginning::Gone;
        }
    }
}

/// Which HTTP these bytes are the beginning of; `None` while that isn't certain.
fn version(bytes: &[u8]) -> Option<Speaks> {
    let length = bytes.len().min(PREFACE.len());
    if bytes[..length] != PREFACE[..length] {
        Some(Speaks::Http1)
    } else if length == PREFACE.len() {
        Some(Speaks::Http2)
    } else {
        None
    }
}

/// What these bytes are the beginning of; `None` while that isn't certain. HTTP/1 begins with a method, one space, and a target.
fn speaks(bytes: &[u8]) -> Option<Speaks> {
    if bytes.starts_with(&PREFACE[..bytes.len().min(4)]) {
        return match version(bytes) {
            Some(Speaks::Http1) => Some(Speaks::Bytes),
            certain => certain,
        };
    }
    let Some(method) = bytes.iter().position(|byte| !is_token(*byte)) else {
        return (bytes.len() > METHOD_BYTES).then_some(Speaks::Bytes);
    };
    if method == 0 || method > METHOD_BYTES || bytes[method] != b' ' {
        return Some(Speaks::Bytes);
    }
    let is_connect = bytes.starts_with(b"CONNECT ");
    is_target(&bytes[method + 1..], is_connect).map(|is_target| {
        if is_target {
            Speaks::Http1
        } else {
            Speaks::Bytes
        }
    })
}

/// Whether these bytes begin a request's target (RFC 9112 section 3.2); `None` while that isn't certain.
fn is_target(bytes: &[u8], is_connect: bool) -> Option<bool> {
    let first = *bytes.first()?;
    if first == b'/' || (is_connect && (first.is_ascii_alphanumeric() || first == b'[')) {
        return Some(true);
    }
    for form in [&b"http://"[..], b"https://", b"* HTTP/"] {
        let length = bytes.len().min(form.len());
        if bytes[..length].eq_ignore_ascii_case(&form[..length]) {
            return (length == form.len()).then_some(true);
        }
    }
    Some(false)
}

/// RFC 9110 section 5.6.2, less what no method has: `*` begins the commands of Redis.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'!' | b'+' | b'$' | b'%')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn requests_are_told_from_everything_else() {
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1\r\n"[..], Some(Speaks::Http1)),
            (b"VERSION-CONTROL /x", Some(Speaks::Http1)),
            (b"GET http://pay.shop/", Some(Speaks::Http1)),
            (b"OPTIONS * HTTP/1.1", Some(Speaks::Http1)),
            (b"CONNECT pay.shop:80 HTTP/1.1", Some(Speaks::Http1)),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(Speaks::Http2)),
            (b"*1\r\n$4\r\nPING\r\n", Some(Speaks::Bytes)),
            (b"PING\r\n", Some(Speaks::Bytes)),
            (b"get key\r\n", Some(Speaks::Bytes)),
            (b"SSH-2.0-OpenSSH_9.2p1 Debian", Some(Speaks::Bytes)),
            (b"CONNECT {\"verbose\":false}", Some(Speaks::Bytes)),
            (b"\x16\x03\x01\x02", Some(Speaks::Bytes)),
            (b"\0\0\0\x08\x04\xd2\x16\x2f", Some(Speaks::Bytes)),
            (b" GET / HTTP/1.1\r\n", Some(Speaks::Bytes)),
            (b"PRI vate\r\n", Some(Speaks::Bytes)),
            (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", Some(Speaks::Bytes)),
            (b"GET", None),
            (b"GET ", None),
            (b"GET ht", None),
            (b"PRI * HT", None),
            (b"", None),
        ] {
            assert_eq!(
                speaks(bytes),
                expected,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    proptest! {
        /// However the bytes come: what was certain stays so.
        #[test]
        fn more_bytes_change_no_certainty(bytes in "[GETPRI */ht:CONNECT\\[\r\n.0-9]{0,30}", cut in 0usize..30) {
            let bytes = bytes.as_bytes();
            let before = speaks(&bytes[..cut.min(bytes.len())]);
            if before.is_some() {
                prop_assert_eq!(speaks(bytes), before);
            }
        }
    }
}
