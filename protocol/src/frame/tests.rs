//! `weft/1` frames round trip, in any cut, and nothing malformed gets through.
#![allow(clippy::unwrap_used, reason = "a test may end by panicking")]

use bytes::Bytes;
use http::{Method, StatusCode};
use proptest::prelude::*;

use super::*;

fn head() -> RequestHead {
    RequestHead {
        service: "shop/payments".parse().unwrap(),
        version: HttpVersion::Http11,
        method: Method::POST,
        authority: "payments.shop".into(),
        path: "/charge?x=1".into(),
        fields: fields(&[("X-A", "1"), ("b", "2"), ("x-a", "3")]),
        upgrade: false,
    }
}

fn fields(all: &[(&str, &str)]) -> Fields {
    let mut fields = FieldsBuilder::default();
    for (name, value) in all {
        fields.push(name.as_bytes(), value.as_bytes()).unwrap();
    }
    fields.build()
}

fn message() -> (Vec<u8>, Vec<u8>) {
    let trailers = fields(&[("grpc-status", "0")]);
    let body = vec![7u8; 700];
    let mut bytes = head().encode(false).unwrap().to_vec();
    for part in body.chunks(300) {
        bytes.extend_from_slice(&data_header(part.len(), false));
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
        let bytes = Bytes::from(bytes);
        drop((RequestHead::decode(&bytes), ResponseHead::decode(&bytes, false), ResponseHead::decode(&bytes, true)));
    }
}

/// Two messages on one stream.
fn two() -> Vec<u8> {
    let mut bytes = message().0;
    bytes.extend_from_slice(&head().encode(true).unwrap());
    bytes
}

#[test]
fn a_strict_prefix_is_truncated_unless_it_ends_with_a_message() {
    let bytes = two();
    let ends: Vec<usize> = (0..bytes.len())
        .filter(|length| {
            let mut reader = FrameReader::default();
            reader.push(Bytes::copy_from_slice(&bytes[..*length]));
            read_all(&mut reader, &mut Vec::new()).unwrap();
            reader.end().is_ok()
        })
        .collect();
    assert_eq!(ends, [message().0.len()], "only between the two messages");
}

#[test]
fn a_body_may_end_with_its_last_bytes_or_after_them() {
    for (parts, expected) in [
        (vec![(3, true)], 1),
        (vec![(3, false), (0, true)], 2),
        (vec![(0, false), (3, true)], 1),
    ] {
        let mut reader = FrameReader::default();
        reader.push(head().encode(false).unwrap());
        for (length, end) in &parts {
            reader.push(data_header(*length, *end));
            reader.push(Bytes::from(vec![1; *length]));
        }
        let mut events = Vec::new();
        read_all(&mut reader, &mut events).unwrap();
        assert_eq!(events.len(), 1 + expected, "{parts:?}");
        assert!(reader.is_message_over());
        reader.end().unwrap();
    }
}

#[test]
fn order_and_limits_are_kept() {
    let refused = |frames: &[Bytes]| {
        let mut reader = FrameReader::default();
        frames.iter().for_each(|frame| reader.push(frame.clone()));
        read_all(&mut reader, &mut Vec::new()).unwrap_err()
    };
    let begun = head().encode(false).unwrap();
    let trailers = encode_trailers(&Fields::new()).unwrap();
    let data = data_header(0, false);
    let unexpected = FrameError::Unexpected;
    assert_eq!(
        refused(std::slice::from_ref(&data)),
        unexpected(FrameType::Data)
    );
    assert_eq!(
        refused(&[begun.clone(), trailers, data]),
        unexpected(FrameType::Data)
    );
    assert_eq!(
        refused(&[begun.clone(), begun.clone()]),
        unexpected(FrameType::Head)
    );
    assert_eq!(
        refused(&[begun, encode_opened()]),
        unexpected(FrameType::Opened)
    );
    let unended_refusal = Bytes::from_static(&[3, 1, 1]);
    assert_eq!(refused(&[unended_refusal]), unexpected(FrameType::Refused));
    let huge = Bytes::from_static(&[1, 0xc0, 0, 0, 0, 1, 0, 0, 0]);
    assert!(matches!(refused(&[huge]), FrameError::TooLong { .. }));
    assert_eq!(
        refused(&[Bytes::from_static(&[8, 0])]),
        FrameError::UnknownType(8)
    );
}

#[test]
fn interim_answers_come_before_the_answer_and_are_few() {
    let interim = ResponseHead {
        version: HttpVersion::Http11,
        status: StatusCode::CONTINUE,
        fields: Fields::new(),
    };
    let mut reader = FrameReader::default();
    for _ in 0..MAX_INTERIM {
        reader.push(interim.encode(false).unwrap());
        let Ok(Some(FrameEvent::Interim(payload))) = reader.next_event() else {
            panic!("an interim answer was pushed")
        };
        assert_eq!(ResponseHead::decode(&payload, true).unwrap(), interim);
        assert!(ResponseHead::decode(&payload, false).is_err());
    }
    reader.push(interim.encode(false).unwrap());
    assert_eq!(
        reader.next_event(),
        Err(FrameError::Unexpected(FrameType::Interim))
    );
}

#[test]
fn heads_refuse_what_http_cannot_hold() {
    let payload = |head: &RequestHead| {
        let mut reader = FrameReader::default();
        reader.push(head.encode(false).unwrap());
        match reader.next_event() {
            Ok(Some(FrameEvent::Head(payload))) => payload,
            other => panic!("{other:?}"),
        }
    };
    let mut spaced = head();
    spaced.path = "/a b".into();
    assert_eq!(
        RequestHead::decode(&payload(&spaced)),
        Err(FrameError::Field("path"))
    );
    for (name, value) in [
        ("a b", "1"),
        ("", "1"),
        ("a:", "1"),
        ("a", "1\r\nb: 2"),
        ("a", " 1"),
        ("a", "1\0"),
    ] {
        let pushed = FieldsBuilder::default().push(name.as_bytes(), value.as_bytes());
        assert!(
            matches!(pushed, Err(FrameError::Field(_))),
            "{name:?}: {value:?}"
        );
    }
    // What this side would not send, another might: fields are checked on arrival too.
    let mut bytes = payload(&head()).to_vec();
    let at = bytes.windows(3).position(|three| three == b"X-A").unwrap();
    bytes[at + 1] = b'\n';
    assert_eq!(
        RequestHead::decode(&bytes.into()),
        Err(FrameError::Field("field name"))
    );
}

#[test]
fn fields_keep_order_case_and_repeats() {
    let all = [
        ("Host-Like", "a"),
        ("accept", "*/*"),
        ("ACCEPT", ""),
        ("x", "\u{e4}"),
    ];
    let fields = fields(&all);
    let read: Vec<_> = fields.iter().collect();
    let wanted: Vec<_> = all
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    assert_eq!(read, wanted);
    assert_eq!(fields.all("Accept").count(), 2);
    assert_eq!(Fields::from_map(&fields.to_map()).unwrap().len(), all.len());
}

#[test]
fn services_and_packets_pass() {
    let service = "shop/db".parse().unwrap();
    let mut reader = FrameReader::default();
    reader.push(encode_service(FrameType::Udp, &service).unwrap());
    reader.push(data_header(0, false));
    let Ok(Some(FrameEvent::Service(FrameType::Udp, payload))) = reader.next_event() else {
        panic!("a service was pushed")
    };
    assert_eq!(decode_service(&payload).unwrap(), service);
    assert_eq!(
        reader.next_event(),
        Ok(None),
        "what follows isn't read as a frame"
    );
    reader.expect_packets();
    assert_eq!(
        reader.next_event(),
        Ok(Some(FrameEvent::Data(Bytes::new())))
    );
    assert!(encode_service(FrameType::Head, &service).is_err());
    let mut long = payload.to_vec();
    long.push(0);
    assert_eq!(decode_service(&long), Err(FrameError::Length));
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
