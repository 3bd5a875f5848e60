//! `weft/1`: a stream cut anywhere into chunks gives the same frames as in one piece, and what decodes encodes again.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use protocol::frame::{FrameEvent, FrameReader, RequestHead, ResponseHead};

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, stream) = input;
    let stream = Bytes::copy_from_slice(stream);
    let cut = usize::from(cut).min(stream.len());
    let (whole, whole_ended) = read(&[stream.clone()]);
    let (parts, parts_ended) = read(&[stream.slice(..cut), stream.slice(cut..)]);
    assert_eq!((whole, whole_ended), (parts, parts_ended));
});

/// Heads, refusals, trailers and the body's bytes, and whether the stream came to a good end.
fn read(chunks: &[Bytes]) -> (Vec<u8>, bool) {
    let mut reader = FrameReader::default();
    let mut seen = Vec::new();
    for chunk in chunks {
        reader.push(chunk.clone());
        loop {
            match reader.next_event() {
                Ok(Some(event)) => note(event, &mut seen),
                Ok(None) => break,
                Err(_) => return (seen, false),
            }
        }
    }
    (seen, reader.end().is_ok())
}

fn note(event: FrameEvent, seen: &mut Vec<u8>) {
    match event {
        FrameEvent::Head(payload) => {
            if let Ok(head) = RequestHead::decode(&payload) {
                let encoded = head.encode(false).expect("what was decoded can be encoded");
                assert!(!encoded.is_empty());
            }
            _ = ResponseHead::decode(&payload);
            seen.extend_from_slice(&payload);
        }
        FrameEvent::Data(data) => seen.extend_from_slice(&data),
        FrameEvent::Refused(refusal) => seen.extend_from_slice(format!("{refusal:?}").as_bytes()),
        FrameEvent::Trailers(fields) => seen.extend_from_slice(format!("{fields:?}").as_bytes()),
    }
}
