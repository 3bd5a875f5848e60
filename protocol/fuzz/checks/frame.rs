//! `weft/1`: a stream cut anywhere into chunks gives the same frames as in one piece, and what decodes encodes again.

use bytes::Bytes;
use protocol::frame::{FrameEvent, FrameReader, RequestHead, ResponseHead, decode_service};

/// `where to cut [2] | a stream`
pub(crate) fn check(input: &[u8]) {
    let Some((cut, stream)) = input.split_first_chunk() else {
        return;
    };
    let stream = Bytes::copy_from_slice(stream);
    let cut = usize::from(u16::from_be_bytes(*cut)).min(stream.len());
    let whole = read(std::slice::from_ref(&stream));
    let parts = read(&[stream.slice(..cut), stream.slice(cut..)]);
    assert_eq!(whole, parts);
}

/// Heads, refusals, trailers and the body's bytes, and whether the stream came to a good end.
fn read(chunks: &[Bytes]) -> (Vec<u8>, bool) {
    let mut reader = FrameReader::default();
    let mut seen = Vec::new();
    for chunk in chunks {
        reader.push(chunk.clone());
        loop {
            match reader.next_event() {
                Ok(Some(event)) => {
                    let opens = matches!(event, FrameEvent::Service(..) | FrameEvent::Opened);
                    note(event, &mut seen);
                    if opens {
                        reader.expect_packets();
                    }
                }
                Ok(None) => break,
                Err(_) => return (seen, false),
            }
        }
    }
    (seen, reader.end().is_ok())
}

fn note(event: FrameEvent, seen: &mut Vec<u8>) {
    match event {
        FrameEvent::Head(payload) | FrameEvent::Interim(payload) => {
            if let Ok(head) = RequestHead::decode(&payload) {
                let encoded = head.encode(false).expect("what was decoded can be encoded");
                assert!(!encoded.is_empty());
            }
            for interim in [false, true] {
                if let Ok(head) = ResponseHead::decode(&payload, interim) {
                    assert!(head.encode(true).is_ok());
                }
            }
            seen.extend_from_slice(&payload);
        }
        FrameEvent::Data(data) => seen.extend_from_slice(&data),
        FrameEvent::Refused(refusal) => seen.extend_from_slice(format!("{refusal:?}").as_bytes()),
        FrameEvent::Trailers(fields) => seen.extend_from_slice(format!("{fields:?}").as_bytes()),
        FrameEvent::Service(kind, payload) => {
            _ = decode_service(&payload);
            seen.extend_from_slice(format!("{kind:?}{payload:?}").as_bytes());
        }
        FrameEvent::Opened => seen.extend_from_slice(b"opened"),
    }
}
