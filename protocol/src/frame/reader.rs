//! Chunks of a stream in, frames out, without a copy of body bytes.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;

use super::head::decode_trailers;
use super::{FrameError, FrameType, MAX_DATA_BYTES, MAX_HEAD_BYTES, Refusal, varint};

/// What the reader found next.
#[derive(Debug, PartialEq, Eq)]
pub enum FrameEvent {
    /// The payload of a HEAD or HEAD-ONLY frame, for `RequestHead::decode` or `ResponseHead::decode`.
    Head(Bytes),
    /// The other side handed nothing to an application.
    Refused(Refusal),
    /// A part of the body.
    Data(Bytes),
    /// The fields after the body; nothing but the end may follow.
    Trailers(HeaderMap),
}

/// A stream's state: where in which frame it stands.
#[derive(Debug, Default)]
pub struct FrameReader {
    chunks: VecDeque<Bytes>,
    buffered: usize,
    state: State,
    order: Order,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Header,
    Data(u64),
    Whole(FrameType, usize),
}

/// What has been seen, and so what may come.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd)]
enum Order {
    #[default]
    Start,
    Body,
    Ended,
}

impl FrameReader {
    /// Takes the next chunk of the stream.
    pub fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.buffered += chunk.len();
            self.chunks.push_back(chunk);
        }
    }

    /// The next frame, or `None` while more bytes are needed.
    ///
    /// # Errors
    /// What breaks the stream; nothing may be read from it then.
    pub fn next_event(&mut self) -> Result<Option<FrameEvent>, FrameError> {
        loop {
            match self.state {
                State::Header => {
                    if !self.header()? {
                        return Ok(None);
                    }
                }
                State::Data(0) => self.state = State::Header,
                State::Data(left) => return Ok(self.data(left).map(FrameEvent::Data)),
                State::Whole(kind, length) => {
                    if self.buffered < length {
                        return Ok(None);
                    }
                    let payload = self.take(length);
                    self.state = State::Header;
                    return self.whole(kind, payload).map(Some);
                }
            }
        }
    }

    /// Checks that the stream may end here.
    ///
    /// # Errors
    /// `Truncated` when it ended within a frame or before any.
    pub fn end(&self) -> Result<(), FrameError> {
        let between = matches!(self.state, State::Header | State::Data(0)) && self.buffered == 0;
        if between && self.order != Order::Start {
            Ok(())
        } else {
            Err(FrameError::Truncated)
        }
    }

    /// Whether the last frame that may come has been given out.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.order == Order::Ended && matches!(self.state, State::Header)
    }

    /// Reads a frame's type and length; false while bytes are missing.
    fn header(&mut self) -> Result<bool, FrameError> {
        let mut start = [0u8; 9];
        let mut have = 0;
        for byte in self
            .chunks
            .iter()
            .flat_map(|chunk| chunk.iter())
            .take(start.len())
        {
            start[have] = *byte;
            have += 1;
        }
        if have == 0 {
            return Ok(false);
        }
        let kind = FrameType::from_byte(start[0]).ok_or(FrameError::UnknownType(start[0]))?;
        let Some((length, size)) = varint::read(&start[1..have]) else {
            return Ok(false);
        };
        self.admit(kind)?;
        let limit = if kind == FrameType::Data {
            MAX_DATA_BYTES
        } else {
            MAX_HEAD_BYTES as u64
        };
        if length > limit {
            return Err(FrameError::TooLong { length, limit });
        }
        self.skip(1 + size);
        self.state = if kind == FrameType::Data {
            State::Data(length)
        } else {
            State::Whole(kind, length as usize)
        };
        Ok(true)
    }

    fn admit(&mut self, kind: FrameType) -> Result<(), FrameError> {
        let next = match (&self.order, kind) {
            (Order::Start, FrameType::Head) | (Order::Body, FrameType::Data) => Order::Body,
            (Order::Start, FrameType::Refused | FrameType::HeadOnly)
            | (Order::Body, FrameType::Trailers) => Order::Ended,
            _ => return Err(FrameError::Unexpected(kind)),
        };
        self.order = next;
        Ok(())
    }

    fn whole(&self, kind: FrameType, payload: Bytes) -> Result<FrameEvent, FrameError> {
        match kind {
            FrameType::Head | FrameType::HeadOnly => Ok(FrameEvent::Head(payload)),
            FrameType::Trailers => decode_trailers(&payload).map(FrameEvent::Trailers),
            FrameType::Refused => match payload.as_ref() {
                [code] => Refusal::from_code(*code)
                    .map(FrameEvent::Refused)
                    .ok_or(FrameError::Field("refusal")),
                _ => Err(FrameError::Length),
            },
            FrameType::Data => Err(FrameError::Unexpected(kind)),
        }
    }

    fn data(&mut self, left: u64) -> Option<Bytes> {
        let chunk = self.chunks.front_mut()?;
        let length = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
        let data = chunk.split_to(length);
        if chunk.is_empty() {
            self.chunks.pop_front();
        }
        self.buffered -= length;
        self.state = State::Data(left - length as u64);
        Some(data)
    }

    fn take(&mut self, length: usize) -> Bytes {
        if let Some(first) = self.chunks.front_mut()
            && first.len() > length
        {
            self.buffered -= length;
            return first.split_to(length);
        }
        let mut whole = BytesMut::with_capacity(length);
        while whole.len() < length {
            let Some(mut chunk) = self.chunks.pop_front() else {
                break;
            };
            let part = chunk.split_to(chunk.len().min(length - whole.len()));
            whole.extend_from_slice(&part);
            if !chunk.is_empty() {
                self.chunks.push_front(chunk);
            }
        }
        self.buffered -= whole.len();
        whole.freeze()
    }

    fn skip(&mut self, mut length: usize) {
        self.buffered -= length;
        while length > 0 {
            let Some(chunk) = self.chunks.front_mut() else {
                return;
            };
            let part = chunk.len().min(length);
            chunk.advance(part);
            length -= part;
            if chunk.is_empty() {
                self.chunks.pop_front();
            }
        }
    }
}
