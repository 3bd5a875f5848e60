//! Cuts what comes on a stream at the edges of its HTTP/3 frames, before the `h3` crate reads it.
//!
//! The crate buffers a whole frame of any length, reads on while small frames wait, takes an empty DATA frame for the end of a body,
//! and panics when a stream ends within one. So it gets one piece at a time: a frame's header, or a part of a payload, of frames that
//! it knows and that are within the limits; and a stream that ends within a frame is an error here.

use bytes::{Buf, Bytes, BytesMut};

/// Most bytes of any frame but DATA. Twice what a head may be: the crate answers 431 to heads between the two.
const MAX_FRAME_BYTES: u64 = 2 * protocol::frame::MAX_HEAD_BYTES as u64;

const DATA: u64 = 0x0;
/// Frame types up to here have a meaning, if only that they may not come.
const LAST_KNOWN: u64 = 0xd;
/// Has no length; belongs to WebTransport, which we never offer.
const WEBTRANSPORT: u64 = 0x41;
const CONTROL_STREAM: u64 = 0x0;

/// What is wrong with a stream's frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SieveError {
    #[error("a frame of type {kind:#x} has {length} bytes")]
    TooLong { kind: u64, length: u64 },
    #[error("a WebTransport frame was never agreed on")]
    WebTransport,
    #[error("the stream ended within a frame")]
    Truncated,
}

/// The reading side of one stream.
#[derive(Debug)]
pub(super) struct Sieve {
    input: Bytes,
    /// A type, or a type and a length, as far as they have come.
    begun: BytesMut,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The first number of a one-way stream says what it carries.
    StreamType,
    Header,
    Payload {
        left: u64,
        wanted: bool,
    },
    /// A stream without frames.
    Raw,
}

impl Sieve {
    /// For a stream of requests.
    pub(super) fn of_requests() -> Self {
        Self::new(State::Header)
    }

    /// For a one-way stream.
    pub(super) fn of_one_way() -> Self {
        Self::new(State::StreamType)
    }

    fn new(state: State) -> Self {
        Self {
            input: Bytes::new(),
            begun: BytesMut::new(),
            state,
        }
    }

    /// Takes what the stream brought; only when `next` has given `None`.
    pub(super) fn push(&mut self, bytes: Bytes) {
        self.input = bytes;
    }

    /// The next piece that the crate may see.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, SieveError> {
        while !self.input.is_empty() {
            match &mut self.state {
                State::Raw => return Ok(Some(std::mem::take(&mut self.input))),
                State::Payload { left, wanted } => {
                    let length = usize::try_from(*left)
                        .map_or(self.input.len(), |left| left.min(self.input.len()));
                    let piece = self.input.split_to(length);
                    let wanted = *wanted;
                    *left -= length as u64;
                    if *left == 0 {
                        self.state = State::Header;
                    }
                    if wanted {
                        return Ok(Some(piece));
                    }
                }
                State::StreamType => {
                    self.begun.extend_from_slice(&[self.input.get_u8()]);
                    if let Some((kind, _)) = varint(&self.begun) {
                        self.state = if kind == CONTROL_STREAM {
                            State::Header
                        } else {
                            State::Raw
                        };
                        return Ok(Some(self.begun.split().freeze()));
                    }
                }
                State::Header => {
                    self.begun.extend_from_slice(&[self.input.get_u8()]);
                    if let Some(header) = self.header()? {
                        return Ok(Some(header));
                    }
                }
            }
        }
        Ok(None)
    }

    /// Looks whether a frame's header is whole; gives it out if the crate shall see it.
    fn header(&mut self) -> Result<Option<Bytes>, SieveError> {
        let Some((kind, size)) = varint(&self.begun) else {
            return Ok(None);
        };
        if kind == WEBTRANSPORT {
            return Err(SieveError::WebTransport);
        }
        let Some((length, _)) = varint(&self.begun[size..]) else {
            return Ok(None);
        };
        if kind != DATA && length > MAX_FRAME_BYTES {
            return Err(SieveError::TooLong { kind, length });
        }
        let header = self.begun.split().freeze();
        let wanted = kind <= LAST_KNOWN && (kind != DATA || length > 0);
        self.state = if length == 0 {
            State::Header
        } else {
            State::Payload {
                left: length,
                wanted,
            }
        };
        Ok(wanted.then_some(header))
    }

    /// Checks that the stream may end here.
    pub(super) fn end(&self) -> Result<(), SieveError> {
        match self.state {
            State::Payload { .. } => Err(SieveError::Truncated),
            State::Header if !self.begun.is_empty() => Err(SieveError::Truncated),
            State::Header | State::StreamType | State::Raw => Ok(()),
        }
    }
}

/// A variable-length integer (RFC 9000 section 16) and its size; `None` while bytes are missing.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let size = 1usize << (first >> 6);
    let rest = bytes.get(1..size)?;
    let value = rest.iter().fold(u64::from(first & 0x3f), |value, byte| {
        value << 8 | u64::from(*byte)
    });
    Some((value, size))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    fn sift(sieve: &mut Sieve, bytes: &[u8]) -> Result<Vec<u8>, SieveError> {
        let mut out = Vec::new();
        sieve.push(Bytes::copy_from_slice(bytes));
        while let Some(piece) = sieve.next()? {
            out.extend_from_slice(&piece);
        }
        Ok(out)
    }

    fn frame(kind: u8, length: u16) -> Vec<u8> {
        let [high, low] = (length | 0x4000).to_be_bytes();
        let mut frame = vec![kind, high, low];
        frame.extend(std::iter::repeat_n(kind, usize::from(length)));
        frame
    }

    proptest! {
        #[test]
        fn known_frames_pass_in_any_cut_and_the_rest_does_not(cuts in proptest::collection::vec(1usize..30, 0..60)) {
            let known = [frame(1, 70), frame(0, 300), frame(0, 1), frame(1, 9)].concat();
            let sent = [frame(1, 70), frame(0, 300), frame(0, 0), frame(0x21, 40), frame(0, 1), frame(1, 9), frame(0x3f, 0)].concat();
            let (mut sieve, mut rest, mut got) = (Sieve::of_requests(), sent.as_slice(), Vec::new());
            for cut in cuts {
                let (part, after) = rest.split_at(cut.min(rest.len()));
                got.extend(sift(&mut sieve, part).unwrap());
                rest = after;
            }
            got.extend(sift(&mut sieve, rest).unwrap());
            prop_assert_eq!(got, known);
            prop_assert_eq!(sieve.end(), Ok(()));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), one_way in any::<bool>()) {
            let mut sieve = if one_way { Sieve::of_one_way() } else { Sieve::of_requests() };
            if sift(&mut sieve, &bytes).is_ok() {
                prop_assert!(matches!(sieve.end(), Ok(()) | Err(SieveError::Truncated)));
            }
        }
    }

    #[test]
    fn header_and_payload_are_pieces_of_their_own() {
        let mut sieve = Sieve::of_requests();
        sieve.push(Bytes::from([frame(0, 2), frame(0, 2)].concat()));
        let mut sizes = Vec::new();
        while let Some(piece) = sieve.next().unwrap() {
            sizes.push(piece.len());
        }
        assert_eq!(sizes, [3, 2, 3, 2]);
    }

    #[test]
    fn limits_and_ends_are_kept() {
        let huge = [1, 0xc0, 0, 0, 1, 0, 0, 0, 0];
        let mut sieve = Sieve::of_requests();
        assert!(matches!(
            sift(&mut sieve, &huge),
            Err(SieveError::TooLong { kind: 1, .. })
        ));
        let mut sieve = Sieve::of_requests();
        assert_eq!(
            sift(&mut sieve, &[0x40, 0x41, 0]),
            Err(SieveError::WebTransport)
        );
        for cut in [&frame(0, 9)[..3], &frame(0, 9)[..1], &frame(1, 9)[..7]] {
            let mut sieve = Sieve::of_requests();
            sift(&mut sieve, cut).unwrap();
            assert_eq!(sieve.end(), Err(SieveError::Truncated), "{cut:?}");
        }
    }

    #[test]
    fn one_way_streams_are_cut_only_where_they_have_frames() {
        let settings = [vec![0], frame(4, 5)].concat();
        let mut control = Sieve::of_one_way();
        assert_eq!(sift(&mut control, &settings).unwrap(), settings);
        let mut control = Sieve::of_one_way();
        assert!(sift(&mut control, &[0, 4, 0xc0, 0, 0, 1, 0, 0, 0, 0]).is_err());
        let mut encoder = Sieve::of_one_way();
        assert_eq!(sift(&mut encoder, &[2, 1, 2, 3]).unwrap(), [2, 1, 2, 3]);
    }
}
