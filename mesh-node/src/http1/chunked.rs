//! The chunked coding (RFC 9112 section 7.1), read strictly: what could be read in two ways breaks the message (P-15).

use bytes::{Buf, Bytes, BytesMut};
use tunnel::{Fields, FieldsBuilder};

use super::head::check_lines;
use crate::http::{MAX_FIELDS, MAX_HEAD_BYTES};

/// Most bytes of a chunk's size line, extensions included; those are dropped.
const MAX_LINE: usize = 256;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Data(Bytes),
    /// The last chunk, and the fields after it.
    End(Fields),
}

/// Where in a chunked body the reader stands.
#[derive(Debug, Default)]
pub(crate) struct Chunked(State);

#[derive(Debug, Default)]
enum State {
    #[default]
    Size,
    Data(u64),
    DataEnd,
    Trailers,
}

impl Chunked {
    /// Takes what can be taken from the front of `buf`; `None` while more is needed.
    pub(crate) fn next(&mut self, buf: &mut BytesMut) -> Result<Option<Piece>, &'static str> {
        loop {
            match self.0 {
                State::Size => {
                    let Some(line) = line(buf)? else {
                        return Ok(None);
                    };
                    let size = size(&line)?;
                    self.0 = if size == 0 {
                        State::Trailers
                    } else {
                        State::Data(size)
                    };
                }
                State::Data(0) => self.0 = State::DataEnd,
                State::Data(left) => {
                    if buf.is_empty() {
                        return Ok(None);
                    }
                    let length =
                        usize::try_from(left).map_or(buf.len(), |left| left.min(buf.len()));
                    self.0 = State::Data(left - length as u64);
                    return Ok(Some(Piece::Data(buf.split_to(length).freeze())));
                }
                State::DataEnd => match buf.get(..2) {
                    None => return Ok(None),
                    Some(b"\r\n") => {
                        buf.advance(2);
                        self.0 = State::Size;
                    }
                    Some(_) => return Err("a chunk is longer than its size"),
                },
                State::Trailers => return Ok(trailers(buf)?.map(Piece::End)),
            }
        }
    }
}

/// The next line without its end.
fn line(buf: &mut BytesMut) -> Result<Option<BytesMut>, &'static str> {
    let window = &buf[..buf.len().min(MAX_LINE)];
    let Some(end) = window.iter().position(|byte| *byte == b'\n') else {
        return if buf.len() >= MAX_LINE {
            Err("a chunk's size line is too long")
        } else {
            Ok(None)
        };
    };
    if end == 0 || buf[end - 1] != b'\r' {
        return Err("a chunk's size line ends in LF without CR");
    }
    let line = buf.split_to(end - 1);
    buf.advance(2);
    Ok(Some(line))
}

/// `1a` or `1a;extension`: hexadecimal digits, then nothing or something printable.
fn size(line: &[u8]) -> Result<u64, &'static str> {
    let digits = line
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let (number, extension) = line.split_at(digits);
    if !(1..=15).contains(&digits) {
        return Err("a chunk's size is no number");
    }
    let is_extension = match extension.trim_ascii_start().first() {
        None => extension.is_empty(),
        Some(b';') => extension
            .iter()
            .all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\t')),
        Some(_) => false,
    };
    if !is_extension {
        return Err("something other than an extension follows a chunk's size");
    }
    std::str::from_utf8(number)
        .ok()
        .and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or("a chunk's size is no number")
}

fn trailers(buf: &mut BytesMut) -> Result<Option<Fields>, &'static str> {
    let mut room = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let parsed =
        httparse::parse_headers(buf, &mut room).map_err(|_| "the trailers are malformed")?;
    let (length, headers) = match parsed {
        httparse::Status::Complete(parsed) => parsed,
        httparse::Status::Partial if buf.len() > MAX_HEAD_BYTES => {
            return Err("the trailers are too long");
        }
        httparse::Status::Partial => return Ok(None),
    };
    check_lines(&buf[..length]).map_err(|_| "the trailers are malformed")?;
    let mut fields = FieldsBuilder::default();
    for header in headers {
        fields
            .push(header.name.as_bytes(), header.value.trim_ascii())
            .map_err(|_| "the trailers are malformed")?;
    }
    buf.advance(length);
    Ok(Some(fields.build()))
}

/// The line before a chunk of so many bytes.
pub(crate) fn size_line(length: usize) -> Bytes {
    Bytes::from(format!("{length:x}\r\n"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use proptest::prelude::*;

    fn read(parts: &[&[u8]]) -> Result<(Vec<u8>, Option<Fields>), &'static str> {
        let (mut chunked, mut buf, mut body, mut end) =
            (Chunked::default(), BytesMut::new(), Vec::new(), None);
        for part in parts {
            buf.extend_from_slice(part);
            while end.is_none()
                && let Some(piece) = chunked.next(&mut buf)?
            {
                match piece {
                    Piece::Data(data) => body.extend_from_slice(&data),
                    Piece::End(fields) => end = Some(fields),
                }
            }
        }
        Ok((body, end))
    }

    #[test]
    fn chunks_extensions_and_trailers_are_read() {
        let (body, end) = read(&[b"4\r\nWeft\r\n5;a=b\r\n mesh\r\n0\r\nX-Sum: 1\r\n\r\n"]).unwrap();
        assert_eq!(body, b"Weft mesh");
        assert_eq!(end.unwrap().get("x-sum"), Some(&b"1"[..]));
        assert_eq!(read(&[b"0\r\n\r\n"]).unwrap().1.unwrap().len(), 0);
    }

    // P-15
    #[test]
    fn what_could_be_read_in_two_ways_breaks() {
        for bytes in [
            "4\nWeft\r\n0\r\n\r\n",
            "4\r\nWeftx\r\n0\r\n\r\n",
            "\r\n0\r\n\r\n",
            "0x4\r\nWeft\r\n",
            "+4\r\nWeft\r\n",
            "-1\r\n",
            "4 5\r\nWeft\r\n",
            "1000000000000000\r\n",
            "4;\u{1}\r\nWeft\r\n",
            "0\r\nA: 1\n\r\n",
            "0\r\n a: folded\r\n\r\n",
        ] {
            assert!(read(&[bytes.as_bytes()]).is_err(), "{bytes:?}");
        }
        assert!(read(&[&[b'1'; 300]]).is_err());
    }

    proptest! {
        #[test]
        fn any_cut_reads_the_same(sizes in proptest::collection::vec(1usize..50, 0..6), cut in 0usize..300) {
            let mut bytes = Vec::new();
            for size in &sizes {
                bytes.extend_from_slice(&size_line(*size));
                bytes.extend(std::iter::repeat_n(b'x', *size));
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\nA: b\r\n\r\n");
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let (body, end) = read(&[first, second]).unwrap();
            prop_assert_eq!(body.len(), sizes.iter().sum::<usize>());
            prop_assert!(end.is_some());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(read(&[&bytes]));
        }
    }
}
