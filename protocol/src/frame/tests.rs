//! `weft/1` frames round trip, in any cut, and nothing malformed gets through.
#![allow(clippy::unwrap_used, reason = "a test may end by panicking")]

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use proptest::prelude::*;

use super::*;

fn head() -> RequestHead {
    let mut headers = HeaderMap::new();
    headers.append("x-a", HeaderValue::from_static("1"));
    headers.append("x-a", HeaderValue::from_static("2"));
    RequestHead {
        service: "shop/payments".parse().unwrap(),
        method: Method::POST,
        authority: "payments.shop".into(),
        path: "/charge?x=1".into(),
        headers,
    }
}

fn message() -> (Vec<u8>, Vec<u8>) {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let body = vec![7u8; 700];
    let mut bytes = head().encode(false).unwrap().to_vec();
    for part in body.chunks(300) {
        bytes.extend_from_slice(&data_header(part.len()));
        bytes.extend_from_slice(part);
    }
    bytes.extend_from_slice(&encode_trailers(&trailers).unwrap());
    (bytes, body)
}

fn read_all(reader: &mut FrameReader, events: &mut Vec<FrameEvent>) -> Result<(), FrameError> {
    while let Some(event) = reader.next_event()? {
        events.push(event);
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_cut_of_a_message_reads_the_same(cuts in proptest::collection::vec(1usize..40, 0..80)) {
        let (bytes, body) = message();
        let (mut reader, mut events, mut rest) = (FrameReader::default(), Vec::new(), bytes.as_slice());
        for cut in cuts {
            let (part, after) = rest.split_at(cut.min(rest.len()));
            reader.push(Bytes::copy_from_slice(part));
            read_all(&mut reader, &mut events).unwrap();
            rest = after;
        }
        reader.push(Bytes::copy_from_slice(rest));
        read_all(&mut reader, &mut events).unwrap();
        reader.end().unwrap();
        let mut got = Vec::new();
        for event in &events {
            if let FrameEvent::Data(data) = event {
                got.extend_from_slice(data);
            }
        }
        prop_assert_eq!(got, body);
        let FrameEvent::Head(payload) = &events[0] else { panic!("{events:?}") };
        prop_assert_eq!(RequestHead::decode(payload).unwrap(), head());
        prop_assert!(matches!(events.last(), Some(FrameEvent::Trailers(_))));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut reader = FrameReader::default();
        reader.push(Bytes::from(bytes.clone()));
        while let Ok(Some(_)) = reader.next_event() {}
        drop((RequestHead::decode(&bytes), ResponseHead::decode(&bytes)));
    }
}

#[test]
fn every_strict_prefix_is_truncated_or_ends_between_frames() {
    let (bytes, _) = message();
    let mut ends = 0;
    for length in 0..bytes.len() {
        let mut reader = FrameReader::default();
        reader.push(Bytes::copy_from_slice(&bytes[..length]));
        read_all(&mut reader, &mut Vec::new()).unwrap();
        ends += usize::from(reader.end().is_ok());
    }
    assert_eq!(
        ends, 4,
        "after the head and after each of three DATA frames"
    );
}

#[test]
fn order_and_limits_are_kept() {
    let mut data_first = FrameReader::default();
    data_first.push(data_header(1));
    assert_eq!(
        data_first.next_event(),
        Err(FrameError::Unexpected(FrameType::Data))
    );

    let mut after_trailers = FrameReader::default();
    after_trailers.push(head().encode(false).unwrap());
    after_trailers.push(encode_trailers(&HeaderMap::new()).unwrap());
    after_trailers.push(data_header(1));
    let mut events = Vec::new();
    assert_eq!(
        read_all(&mut after_trailers, &mut events),
        Err(FrameError::Unexpected(FrameType::Data))
    );

    let mut huge = FrameReader::default();
    huge.push(Bytes::from_static(&[1, 0xc0, 0, 0, 0, 1, 0, 0, 0]));
    assert!(matches!(huge.next_event(), Err(FrameError::TooLong { .. })));
}

#[test]
fn heads_refuse_what_http_cannot_hold() {
    let mut spaced = head();
    spaced.path = "/a b".into();
    let encoded = spaced.encode(false).unwrap();
    let mut reader = FrameReader::default();
    reader.push(encoded);
    let Ok(Some(FrameEvent::Head(payload))) = reader.next_event() else {
        panic!("a head was pushed")
    };
    assert_eq!(
        RequestHead::decode(&payload),
        Err(FrameError::Field("path"))
    );

    let interim = ResponseHead {
        status: StatusCode::CONTINUE,
        headers: HeaderMap::new(),
    }
    .encode(false)
    .unwrap();
    assert_eq!(
        ResponseHead::decode(&interim[2..]),
        Err(FrameError::Field("status"))
    );
}

#[test]
fn a_head_alone_ends_the_message() {
    let mut reader = FrameReader::default();
    reader.push(head().encode(true).unwrap());
    assert!(!reader.has_ended());
    assert!(matches!(reader.next_event(), Ok(Some(FrameEvent::Head(_)))));
    assert!(reader.has_ended());
    reader.push(data_header(1));
    assert_eq!(
        reader.next_event(),
        Err(FrameError::Unexpected(FrameType::Data))
    );
}

#[test]
fn refusals_round_trip() {
    for code in 0..=255u8 {
        let Some(refusal) = Refusal::from_code(code) else {
            continue;
        };
        let mut reader = FrameReader::default();
        reader.push(encode_refused(refusal));
        assert_eq!(reader.next_event(), Ok(Some(FrameEvent::Refused(refusal))));
        reader.end().unwrap();
    }
}
