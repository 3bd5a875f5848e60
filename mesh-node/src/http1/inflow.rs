//! A body from a TCP connection into the tunnel.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep};
use tunnel::{Fields, MessageSend};

use super::FlowError;
use super::chunked::{Chunked, Piece};
use crate::http::fields::clean_trailers;
use crate::io::Io;

/// How long a body may bring nothing (`SECURITY` section 4).
pub(crate) const BODY_IDLE: Duration = Duration::from_secs(300);

/// Where a body ends (RFC 9112 section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    Nothing,
    /// After so many bytes.
    Length(u64),
    /// Where its chunks say so.
    Chunked,
    /// With the connection; answers only.
    UntilClose,
}

/// A body on its way in.
#[derive(Debug)]
pub(crate) struct Inflow {
    state: State,
    /// What has passed.
    pub(crate) bytes: u64,
    idle: Idle,
}

#[derive(Debug)]
enum State {
    Length(u64),
    Chunked(Chunked),
    UntilClose,
    Over,
}

/// A piece of a body.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// Bytes; `true`: the last ones.
    Data(Bytes, bool),
    /// The fields after the body, which end it.
    Trailers(Fields),
}

impl Inflow {
    pub(crate) fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Nothing => State::Over,
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::Chunked(Chunked::default()),
            Framing::UntilClose => State::UntilClose,
        };
        Self {
            state,
            bytes: 0,
            idle: Idle::default(),
        }
    }

    /// Whether all of it has been read.
    pub(crate) const fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// The next part. Not to be asked once it is over.
    pub(crate) fn poll_part(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Io,
    ) -> Poll<Result<Part, FlowError>> {
        loop {
            if let Some(part) = self.take(io)? {
                return Poll::Ready(Ok(part));
            }
            match io.poll_fill(cx) {
                Poll::Ready(filled) => {
                    self.idle.reset();
                    if filled? == 0 {
                        return Poll::Ready(self.at_close());
                    }
                }
                Poll::Pending => {
                    ready!(self.idle.poll(cx));
                    return Poll::Ready(Err(FlowError::Idle));
                }
            }
        }
    }

    /// What the buffer holds of the body.
    fn take(&mut self, io: &mut Io) -> Result<Option<Part>, FlowError> {
        let part = match &mut self.state {
            State::Over => Some(Part::Data(Bytes::new(), true)),
            _ if io.buf.is_empty() => None,
            State::UntilClose => Some(Part::Data(io.buf.split().freeze(), false)),
            State::Length(left) => {
                let length =
                    usize::try_from(*left).map_or(io.buf.len(), |left| left.min(io.buf.len()));
                *left -= length as u64;
                let end = *left == 0;
                if end {
                    self.state = State::Over;
                }
                Some(Part::Data(io.buf.split_to(length).freeze(), end))
            }
            State::Chunked(chunked) => match chunked.next(&mut io.buf) {
                Ok(None) => None,
                Ok(Some(Piece::Data(data))) => Some(Part::Data(data, false)),
                Ok(Some(Piece::End(fields))) => {
                    self.state = State::Over;
                    Some(if fields.is_empty() {
                        Part::Data(Bytes::new(), true)
                    } else {
                        Part::Trailers(clean_trailers(&fields))
                    })
                }
                Err(error) => return Err(FlowError::Malformed(error)),
            },
        };
        if let Some(Part::Data(data, _)) = &part {
            self.bytes += data.len() as u64;
        }
        Ok(part)
    }

    fn at_close(&mut self) -> Result<Part, FlowError> {
        if matches!(self.state, State::UntilClose) {
            self.state = State::Over;
            Ok(Part::Data(Bytes::new(), true))
        } else {
            Err(FlowError::Io(std::io::ErrorKind::UnexpectedEof.into()))
        }
    }

    /// Moves what there is towards the tunnel, and is ready when all of it has been handed over.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut Io,
        send: &mut MessageSend,
    ) -> Poll<Result<(), FlowError>> {
        loop {
            ready!(send.poll_flush(cx))?;
            if send.is_message_over() {
                return Poll::Ready(Ok(()));
            }
            match ready!(self.poll_part(cx, io))? {
                Part::Data(data, end) => send.start_data(data, end),
                Part::Trailers(fields) => send.start_trailers(&fields)?,
            }
        }
    }
}

/// A timer that is made only once something has to be waited for.
#[derive(Debug, Default)]
pub(crate) struct Idle(Option<std::pin::Pin<Box<Sleep>>>);

impl Idle {
    /// Something came.
    pub(crate) fn reset(&mut self) {
        self.0 = None;
    }

    /// Ready when nothing has come for too long.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + BODY_IDLE)));
        sleep.as_mut().poll(cx)
    }
}
