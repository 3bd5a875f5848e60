//! Heads that are taken, and heads that must not be (P-13, P-15).
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Result<Option<Request>, HeadError> {
    parse(&mut BytesMut::from(text))
}

fn one(text: &str) -> Request {
    read(text).unwrap().unwrap()
}

#[test]
fn fields_cross_in_order_and_in_their_case() {
    let text = "POST /a?b=c HTTP/1.1\r\nHost: pay.shop\r\nX-Order: 1\r\nAccept:  */* \r\nx-order: 2\r\nContent-Length: 3\r\n\r\nabcGET";
    let mut buf = BytesMut::from(text);
    let request = parse(&mut buf).unwrap().unwrap();
    let all: Vec<_> = request
        .fields
        .iter()
        .map(|(name, value)| {
            (
                std::str::from_utf8(name).unwrap(),
                std::str::from_utf8(value).unwrap(),
            )
        })
        .collect();
    assert_eq!(
        all,
        [
            ("X-Order", "1"),
            ("Accept", "*/*"),
            ("x-order", "2"),
            ("Content-Length", "3")
        ]
    );
    assert_eq!(request.target, "/a?b=c");
    assert_eq!(request.host.as_deref(), Some("pay.shop"));
    assert_eq!(request.framing, Framing::Length(3));
    assert_eq!(&buf[..], b"abcGET");
}

#[test]
fn what_belongs_to_a_hop_or_claims_an_identity_does_not_cross() {
    let request = one(
        "GET / HTTP/1.1\r\nHost: a.b\r\nConnection: keep-alive, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nProxy-Authorization: x\r\nTE: gzip, trailers\r\nUpgrade: h2c\r\nX-Forwarded-For: 1\r\nx_forwarded_client_cert: 2\r\nX-Weft-Error: 3\r\nCookie: kept\r\n\r\n",
    );
    let names: Vec<_> = request
        .fields
        .iter()
        .map(|(name, value)| {
            (
                std::str::from_utf8(name).unwrap(),
                std::str::from_utf8(value).unwrap(),
            )
        })
        .collect();
    assert_eq!(names, [("TE", "trailers"), ("Cookie", "kept")]);
}

#[test]
fn connections_are_kept_as_the_version_says() {
    assert!(one("GET / HTTP/1.1\r\nHost: a\r\n\r\n").keep_alive);
    assert!(!one("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n").keep_alive);
    assert!(!one("GET / HTTP/1.0\r\n\r\n").keep_alive);
    assert!(one("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
}

#[test]
fn an_upgrade_is_told_from_a_mere_field() {
    let text = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    let request = one(text);
    assert!(request.upgrade);
    assert_eq!(request.fields.get("upgrade"), Some(&b"websocket"[..]));
    assert!(!one(&text.replace("HTTP/1.1", "HTTP/1.0")).upgrade);
}

// P-15
#[test]
fn what_could_be_read_in_two_ways_is_refused() {
    for head in [
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\ncontent_length: 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 1\r\n\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        "G\u{7f}T / HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        assert!(read(head).is_err(), "{head:?}");
    }
}

#[test]
fn limits_are_exceeded_before_the_head_is_whole() {
    let many: String = (0..101).map(|n| format!("x{n}: 1\r\n")).collect();
    let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{many}\r\n");
    assert_eq!(read(&head).unwrap_err(), HeadError::TooLarge);
    let long = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "a".repeat(64 << 10));
    assert_eq!(read(&long).unwrap_err(), HeadError::TooLarge);
    assert!(read("GET / HTTP/1.1\r\nHost: a\r\nX: a").unwrap().is_none());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(parse(&mut BytesMut::from(&bytes[..])));
    }

    /// What is taken says the same when it is written and read again.
    #[test]
    fn a_head_in_pieces_reads_as_in_one(cut in 0usize..120) {
        let text = "PUT /x HTTP/1.1\r\nHost: a.b\r\nContent-Length: 5\r\nA: b\r\nC-D: e f\r\n\r\n";
        let mut buf = BytesMut::from(&text[..cut.min(text.len())]);
        if cut < text.len() {
            prop_assert!(parse(&mut buf).unwrap().is_none());
            buf.extend_from_slice(&text.as_bytes()[cut..]);
        }
        let request = parse(&mut buf).unwrap().unwrap();
        prop_assert_eq!(request.fields.len(), 3);
    }
}
