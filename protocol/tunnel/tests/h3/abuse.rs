//! What a hostile or sloppy HTTP/3 client may send: none of it hurts anybody but its own stream or connection.

use quinn::{Connection, VarInt};
use tunnel::{MessageError, Opening, Tunnel};

use super::world::{PAYMENTS_HOST, World};
use super::{LIMIT, echo};

/// The `h3` codes that are looked for.
const EXCESSIVE_OR_FRAME: [u32; 2] = [0x106, 0x107];

fn varint(value: usize) -> Vec<u8> {
    (value as u32 | 0x8000_0000).to_be_bytes().to_vec()
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    [vec![kind], varint(payload.len()), payload.to_vec()].concat()
}

/// A field with its name in full, not compressed (RFC 9204 section 4.5.6).
fn field(name: &str, value: &str) -> Vec<u8> {
    fn prefixed(first: u8, bits: u32, length: usize) -> Vec<u8> {
        let most = (1usize << bits) - 1;
        if length < most {
            return vec![first | length as u8];
        }
        let (mut out, mut rest) = (vec![first | most as u8], length - most);
        while rest >= 128 {
            out.push((rest % 128) as u8 | 0x80);
            rest /= 128;
        }
        out.push(rest as u8);
        out
    }
    [
        prefixed(0x20, 3, name.len()),
        name.as_bytes().to_vec(),
        prefixed(0, 7, value.len()),
        value.as_bytes().to_vec(),
    ]
    .concat()
}

fn headers(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut section = vec![0, 0];
    for (name, value) in fields {
        section.extend(field(name, value));
    }
    frame(1, &section)
}

fn request(more: &[(&str, &str)]) -> Vec<u8> {
    let mut fields = vec![
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", PAYMENTS_HOST),
        (":path", "/"),
    ];
    fields.extend_from_slice(more);
    headers(&fields)
}

/// Sends bytes on a stream of their own and ends it; gives what came back, or the code that it was reset with.
async fn exchange(connection: &Connection, bytes: &[u8]) -> Result<Vec<u8>, VarInt> {
    let (mut send, mut recv) = connection.open_bi().await.unwrap();
    // The other end may have stopped it already.
    drop(send.write_all(bytes).await);
    drop(send.finish());
    let reading = recv.read_to_end(1 << 20);
    match tokio::time::timeout(LIMIT, reading).await.unwrap() {
        Ok(answer) => Ok(answer),
        Err(quinn::ReadToEndError::Read(quinn::ReadError::Reset(code))) => Err(code),
        Err(other) => panic!("{other}"),
    }
}

/// The status of an answer, if it is one that QPACK has a number for (RFC 9204 appendix A).
fn status(answer: &[u8]) -> Option<u16> {
    let section = match answer {
        [1, length, section @ ..] if *length < 0x40 => section,
        [1, length, _, section @ ..] if *length < 0x80 => section,
        _ => return None,
    };
    match section {
        [0, 0, 0xd9, ..] => Some(200),
        [0, 0, 0xff, 4, ..] => Some(400),
        [0, 0, 0xff, 5, ..] => Some(403),
        _ => None,
    }
}

async fn settings(connection: &Connection) {
    let mut control = connection.open_uni().await.unwrap();
    control.write_all(&[0, 4, 0]).await.unwrap();
    // It lives as long as the connection.
    let connection = connection.clone();
    tokio::spawn(async move {
        connection.closed().await;
        drop(control);
    });
}

/// A connection whose other end echoes.
async fn world() -> (Connection, impl Sized) {
    let (connection, tunnel, endpoints) = World::new().raw().await;
    settings(&connection).await;
    (connection, (echo(tunnel), endpoints))
}

async fn still_serves(connection: &Connection) {
    let sound = [request(&[]), frame(0, b"sound")].concat();
    let answer = exchange(connection, &sound).await.unwrap();
    assert!(answer.ends_with(b"sound"), "{answer:?}");
}

#[tokio::test]
async fn a_stream_that_ends_within_a_body_is_broken_and_nothing_else_is() {
    let (connection, _kept) = world().await;
    let mut cut = [request(&[]), vec![0], varint(100)].concat();
    for _ in 0..3 {
        drop(exchange(&connection, &cut).await);
        still_serves(&connection).await;
        cut.push(b'x');
    }
}

#[tokio::test]
async fn empty_and_unknown_frames_change_nothing() {
    let (connection, _kept) = world().await;
    let sent = [
        request(&[]),
        frame(0, b""),
        frame(0, b"one"),
        frame(0x21, b"grease"),
        frame(0, b""),
        frame(0, b"two"),
        headers(&[("x-after", "1")]),
    ];
    let answer = exchange(&connection, &sent.concat()).await.unwrap();
    let at = |part: &[u8]| answer.windows(part.len()).position(|window| window == part);
    let (one, two) = (at(b"one").unwrap(), at(b"two").unwrap());
    // Nothing but the two parts has come back as a body, and a head follows them.
    assert!(one < two && answer[two + 3] == 1, "{answer:?}");
    assert_eq!(answer.iter().filter(|byte| **byte == b'o').count(), 2);
}

#[tokio::test]
async fn heads_over_the_limits_are_refused() {
    let (connection, _kept) = world().await;
    // More fields than a head may have: malformed, 400.
    let many: Vec<(String, String)> = (0..101).map(|n| (format!("x-{n}"), "1".into())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let answer = exchange(&connection, &request(&many)).await.unwrap();
    assert_eq!(status(&answer), Some(400));
    // Longer than a head may be, though not absurdly: 431, answered by the crate; QPACK has no number for it.
    let long = "x".repeat(90_000);
    let answer = exchange(&connection, &request(&[("x-long", &long)]))
        .await
        .unwrap();
    assert!(
        !answer.is_empty() && status(&answer).is_none(),
        "{answer:?}"
    );
    // A frame that says it is absurdly long is not waited for.
    let absurd = [vec![1], varint(1 << 28), vec![0; 100]].concat();
    let (mut send, _recv) = connection.open_bi().await.unwrap();
    send.write_all(&absurd).await.unwrap();
    let stopped = tokio::time::timeout(LIMIT, send.stopped()).await.unwrap();
    let code = stopped.unwrap().unwrap();
    assert!(
        EXCESSIVE_OR_FRAME.map(VarInt::from_u32).contains(&code),
        "{code}"
    );
    still_serves(&connection).await;
}

#[tokio::test]
async fn fields_of_one_connection_two_hosts_and_plain_connect_are_refused() {
    let (connection, _kept) = world().await;
    for fields in [
        [("connection", "close")],
        [("transfer-encoding", "chunked")],
        [("te", "gzip")],
        [("upgrade", "websocket")],
    ] {
        let answer = exchange(&connection, &request(&fields)).await.unwrap();
        assert_eq!(status(&answer), Some(400), "{fields:?}");
    }
    let malformed = VarInt::from_u32(0x10e);
    let hosts = request(&[("host", "secrets.shop")]);
    assert_eq!(exchange(&connection, &hosts).await, Err(malformed));
    let upper = request(&[("X-Upper", "1")]);
    assert_eq!(exchange(&connection, &upper).await, Err(malformed));
    let connect = headers(&[(":method", "CONNECT"), (":authority", "payments.shop:80")]);
    let answer = exchange(&connection, &connect).await;
    assert!(
        answer.as_ref().is_ok_and(|answer| status(answer).is_none()) || answer == Err(malformed),
        "{answer:?}"
    );
    still_serves(&connection).await;
}

#[tokio::test]
async fn cookies_in_crumbs_are_one_cookie_again() {
    let (connection, tunnel, _endpoints) = World::new().raw().await;
    settings(&connection).await;
    let (mut send, _recv) = connection.open_bi().await.unwrap();
    let crumbs = request(&[("cookie", "a=1"), ("x", "y"), ("cookie", "b=2")]);
    send.write_all(&crumbs).await.unwrap();
    let head = opened(&tunnel).await.unwrap();
    let cookies: Vec<_> = head.fields.all("cookie").collect();
    assert_eq!(cookies, [b"a=1; b=2"]);
}

/// The head of the next request.
async fn opened(tunnel: &Tunnel) -> Result<tunnel::RequestHead, MessageError> {
    match tunnel.accept_stream().await.unwrap().open().await?.unwrap() {
        Opening::Http(exchange) => Ok(exchange.head),
        other => panic!("{other:?}"),
    }
}

/// Small frames on a stream whose reader is slow: what waits stays within QUIC's window, however many frames there are.
#[tokio::test]
async fn a_flood_of_small_frames_waits_at_its_sender() {
    let (connection, tunnel, _endpoints) = World::new().raw().await;
    settings(&connection).await;
    let (mut send, _recv) = connection.open_bi().await.unwrap();
    send.write_all(&request(&[])).await.unwrap();
    let arriving = tunnel.accept_stream().await.unwrap();
    let Some(Opening::Http(mut exchange)) = arriving.open().await.unwrap() else {
        panic!("a request was sent")
    };
    let chunk = frame(0, b"x").repeat(1 << 15);
    let flood = async {
        for _ in 0..(64 << 20) / chunk.len() {
            send.write_all(&chunk).await.unwrap();
        }
    };
    let slow = async {
        for _ in 0..100_000 {
            exchange.recv.event().await.unwrap();
        }
    };
    tokio::select! {
        biased;
        () = flood => panic!("64 MiB were taken for 100,000 frames of 6 bytes"),
        () = slow => {}
    }
}
