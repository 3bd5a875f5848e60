//! Chunks of a stream in, frames out, without a copy of body bytes.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use super::{
    Fields, FrameError, FrameType, MAX_DATA_BYTES, MAX_HEAD_BYTES, MAX_INTERIM, Refusal, varint,
};

/// What the reader found next.
#[derive(Debug, PartialEq, Eq)]
pub enum FrameEvent {
    /// The payload of a HEAD frame, for `RequestHead::decode` or `ResponseHead::decode`.
    Head(Bytes),
    /// The payload of an INTERIM frame, for `ResponseHead::decode`.
    Interim(Bytes),
    /// The other side handed nothing to an application.
    Refused(Refusal),
    /// A part of the body; empty only at its end, or as an empty packet.
    Data(Bytes),
    /// The fields after the body.
    Trailers(Fields),
    /// The payload of a TCP or UDP frame, for `decode_service`; nothing after it has been read as a frame.
    Service(FrameType, Bytes),
    /// The TCP connection or UDP session stands; nothing after it has been read as a frame.
    Opened,
}

/// A stream's state: where in which frame it stands. After each event [`is_message_over`](Self::is_message_over) says whether the
/// message is complete; the next frame begins the next one.
#[derive(Debug, Default)]
pub struct FrameReader {
    chunks: VecDeque<Bytes>,
    buffered: usize,
    state: State,
    order: Order,
    /// The frame at hand is the last of its message.
    last: bool,
    interim: u32,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Header,
    Data(u64),
    Whole(FrameType, usize),
}

/// What has been seen, and so what may come.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
enum Order {
    /// Nothing yet.
    #[default]
    Start,
    /// A message is under way.
    Body,
    /// A message is complete.
    Over,
    /// TCP, UDP or OPENED has been seen.
    Raw,
    /// A UDP session: each DATA frame is a packet.
    Packets,
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
                State::Data(0) => {
                    self.state = State::Header;
                    if self.last {
                        // An empty frame says that the body has ended.
                        self.order = Order::Over;
                    }
                    if self.last || self.order == Order::Packets {
                        return Ok(Some(FrameEvent::Data(Bytes::new())));
                    }
                }
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
    /// `Truncated` when it ended within a message or before any.
    pub fn end(&self) -> Result<(), FrameError> {
        let between = matches!(self.state, State::Header) && self.buffered == 0;
        if between && matches!(self.order, Order::Over | Order::Raw | Order::Packets) {
            Ok(())
        } else {
            Err(FrameError::Truncated)
        }
    }

    /// Whether the message whose frames were given out last is complete.
    #[must_use]
    pub fn is_message_over(&self) -> bool {
        self.order == Order::Over
    }

    /// Whether no byte has come at all.
    #[must_use]
    pub fn is_untouched(&self) -> bool {
        self.order == Order::Start && matches!(self.state, State::Header) && self.buffered == 0
    }

    /// What has been pushed and not read: the beginning of the bytes after TCP, OPENED or an upgrade.
    pub fn into_rest(self) -> VecDeque<Bytes> {
        self.chunks
    }

    /// Goes on after OPENED with one DATA frame for each packet of a UDP session.
    pub fn expect_packets(&mut self) {
        self.order = Order::Packets;
    }

    /// Reads a frame's type and length; false while bytes are missing.
    fn header(&mut self) -> Result<bool, FrameError> {
        if self.order == Order::Raw {
            return Ok(false);
        }
        let mut start = [0u8; 9];
        let have = match self.chunks.front() {
            // Nearly always the header lies in one chunk.
            Some(chunk) if chunk.len() >= start.len() => {
                start.copy_from_slice(&chunk[..9]);
                start.len()
            }
            _ => {
                let bytes = self.chunks.iter().flat_map(|chunk| chunk.iter());
                start
                    .iter_mut()
                    .zip(bytes)
                    .map(|(to, from)| *to = *from)
                    .count()
            }
        };
        if have == 0 {
            return Ok(false);
        }
        let (kind, last) =
            FrameType::from_byte(start[0]).ok_or(FrameError::UnknownType(start[0]))?;
        let Some((length, size)) = varint::read(&start[1..have]) else {
            return Ok(false);
        };
        self.admit(kind, last)?;
        let limit = if kind == FrameType::Data {
            MAX_DATA_BYTES
        } else {
            MAX_HEAD_BYTES as u64
        };
        if length > limit {
            return Err(FrameError::TooLong { length, limit });
        }
        self.skip(1 + size);
        self.last = last;
        self.state = if kind == FrameType::Data {
            State::Data(length)
        } else {
            State::Whole(kind, length as usize)
        };
        Ok(true)
    }

    /// Whether such a frame may stand here; what ends a message must say so, and what can't must not.
    fn admit(&mut self, kind: FrameType, last: bool) -> Result<(), FrameError> {
        let begins = matches!(self.order, Order::Start | Order::Over);
        let fits = match kind {
            FrameType::Head => begins,
            FrameType::Interim => begins && !last,
            FrameType::Refused => begins && last,
            FrameType::Data => self.order == Order::Body || (self.order == Order::Packets && !last),
            FrameType::Trailers => self.order == Order::Body && last,
            FrameType::Tcp | FrameType::Udp | FrameType::Opened => {
                self.order == Order::Start && !last
            }
        };
        if kind == FrameType::Interim {
            self.interim += 1;
        }
        if fits && self.interim <= MAX_INTERIM {
            Ok(())
        } else {
            Err(FrameError::Unexpected(kind))
        }
    }

    fn whole(&mut self, kind: FrameType, payload: Bytes) -> Result<FrameEvent, FrameError> {
        let (event, order) = match kind {
            FrameType::Head => {
                self.interim = 0;
                let order = if self.last { Order::Over } else { Order::Body };
                (FrameEvent::Head(payload), order)
            }
            FrameType::Interim => (FrameEvent::Interim(payload), self.order),
            FrameType::Trailers => (FrameEvent::Trailers(Fields::decode(payload)?), Order::Over),
            FrameType::Refused => match payload.as_ref() {
                [code] => {
                    let refusal = Refusal::from_code(*code).ok_or(FrameError::Field("refusal"))?;
                    (FrameEvent::Refused(refusal), Order::Over)
                }
                _ => return Err(FrameError::Length),
            },
            FrameType::Tcp | FrameType::Udp => (FrameEvent::Service(kind, payload), Order::Raw),
            FrameType::Opened if payload.is_empty() => (FrameEvent::Opened, Order::Raw),
            FrameType::Opened => return Err(FrameError::Length),
            FrameType::Data => return Err(FrameError::Unexpected(kind)),
        };
        self.order = order;
        Ok(event)
    }

    fn data(&mut self, left: u64) -> Option<Bytes> {
        let chunk = self.chunks.front_mut()?;
        let length = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
        let data = chunk.split_to(length);
        if chunk.is_empty() {
            self.chunks.pop_front();
        }
        self.buffered -= length;
        let left = left - length as u64;
        self.state = State::Data(left);
        if left == 0 {
            self.state = State::Header;
            if self.last {
                self.order = Order::Over;
            }
        }
        Some(data)
    }

    /// Whether the DATA frame at hand has been given out to its end.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self.state, State::Header)
    }

    fn take(&mut self, length: usize) -> Bytes {
        if let Some(first) = self.chunks.front_mut()
            && first.len() >= length
        {
            self.buffered -= length;
            let whole = first.split_to(length);
            if first.is_empty() {
                self.chunks.pop_front();
            }
            return whole;
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
