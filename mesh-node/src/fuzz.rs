//! What the fuzz targets in `mesh-node/fuzz` check, so that ordinary tests replay their corpora through the same code.

use bytes::BytesMut;
use http::Method;
use tunnel::RequestHead;

use crate::http::target::Target;
use crate::http1::chunked::Chunked;
use crate::http1::request::{self, Request};
use crate::http1::{Form, Framing, response, write};

/// `what | cut | bytes`: a request's head, an answer's head, or a chunked body; read whole and in two pieces, it is the same. A request
/// that is taken says the same when it is written and read again, and nothing is left over for a second one (P-15).
///
/// # Panics
/// When that doesn't hold.
pub fn http1(input: &[u8]) {
    let [what, cut, bytes @ ..] = input else {
        return;
    };
    let cut = usize::from(*cut).min(bytes.len());
    match what % 3 {
        0 => {
            let whole = both(bytes, cut, |buf| {
                request::parse(buf).map_err(|e| e.to_string())
            });
            if let Some(request) = whole {
                written_again(request);
            }
        }
        1 => {
            both(bytes, cut, |buf| {
                response::parse(buf, &Method::GET).map_err(|e| e.to_string())
            });
        }
        _ => chunks(bytes, cut),
    }
}

/// Parses in one piece and in two; what is taken must be the same, and so must what is refused.
fn both<T: std::fmt::Debug>(
    bytes: &[u8],
    cut: usize,
    parse: impl Fn(&mut BytesMut) -> Result<Option<T>, String>,
) -> Option<T> {
    let mut buf = BytesMut::from(bytes);
    let whole = parse(&mut buf);
    let mut parts = BytesMut::from(&bytes[..cut]);
    let first = parse(&mut parts);
    let second = match first {
        Ok(None) => {
            parts.extend_from_slice(&bytes[cut..]);
            parse(&mut parts)
        }
        // What is whole, or wrong, already in its beginning.
        early => {
            parts.extend_from_slice(&bytes[cut..]);
            early
        }
    };
    match (&whole, &second) {
        (Ok(whole), Ok(second)) => {
            assert_eq!(format!("{whole:?}"), format!("{second:?}"));
            assert_eq!(buf, parts);
        }
        // A beginning can be refused for less than the whole.
        (Err(_), Err(_)) => {}
        (whole, second) => panic!("{whole:?} in one piece, {second:?} in two"),
    }
    whole.ok().flatten()
}

fn written_again(request: Request) {
    let Ok(target) = Target::of_http1(&request) else {
        return;
    };
    let Ok(service) = "fuzz/fuzz".parse() else {
        return;
    };
    let form = match request.framing {
        Framing::Nothing | Framing::UntilClose => Form::Nothing,
        Framing::Length(length) => Form::Length(length),
        Framing::Chunked => Form::Chunked,
    };
    let head = RequestHead {
        service,
        version: request.version,
        method: request.method,
        authority: target.authority,
        path: target.path,
        fields: request.fields,
        upgrade: request.upgrade,
    };
    let mut text = BytesMut::from(&write::request(&head, &head.fields, form)[..]);
    let again = request::parse(&mut text);
    let again = again.expect("what is written is HTTP/1").expect("whole");
    assert!(text.is_empty(), "something is left over: {text:?}");
    assert_eq!(again.framing, request.framing);
    assert_eq!((again.method, again.target), (head.method, head.path));
    let fields = |fields: &tunnel::Fields| {
        let all = fields
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case(b"upgrade"));
        all.map(|(name, value)| (name.to_vec(), value.to_vec()))
            .collect::<Vec<_>>()
    };
    assert_eq!(fields(&again.fields), fields(&head.fields));
}

fn chunks(bytes: &[u8], cut: usize) {
    let read = |pieces: &[&[u8]]| {
        let (mut chunked, mut buf, mut seen) = (Chunked::default(), BytesMut::new(), Vec::new());
        for piece in pieces {
            buf.extend_from_slice(piece);
            loop {
                match chunked.next(&mut buf) {
                    Ok(Some(crate::http1::chunked::Piece::Data(data))) => {
                        seen.extend_from_slice(&data)
                    }
                    Ok(Some(crate::http1::chunked::Piece::End(fields))) => {
                        return Ok(Some((seen, fields)));
                    }
                    Ok(None) => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(None)
    };
    let (whole, parts) = (read(&[bytes]), read(&[&bytes[..cut], &bytes[cut..]]));
    assert_eq!(whole.is_err(), parts.is_err());
    if let (Ok(whole), Ok(parts)) = (whole, parts) {
        assert_eq!(whole, parts);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    /// Each file of the corpus, each beginning of it, and each with one bit changed.
    #[test]
    fn every_file_of_the_corpus_passes_its_check() {
        let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/http1");
        let mut files = 0;
        for file in std::fs::read_dir(corpus).unwrap() {
            let input = std::fs::read(file.unwrap().path()).unwrap();
            files += 1;
            super::http1(&input);
            for at in 0..input.len() {
                super::http1(&input[..at]);
                let mut changed = input.clone();
                changed[at] ^= 1 << (at % 8);
                super::http1(&changed);
            }
        }
        assert!(files > 10);
    }
}
