//! The reading half of a stream.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h3::error::Code;
use h3::quic::{self, StreamErrorIncoming, StreamId};

use super::super::sieve::Sieve;
use super::{connection_error, lost, number, stream_id};

/// Reads a stream piece by piece. Dropped before its end, it stops the stream.
pub(in super::super) struct RecvStream {
    stream: quinn::RecvStream,
    sieve: Sieve,
    /// It has ended, was reset or was stopped.
    over: bool,
    /// Why it is stopped when it is dropped before that.
    unwanted: Code,
}

impl RecvStream {
    pub(super) fn of_requests(stream: quinn::RecvStream, unwanted: Code) -> Self {
        Self::new(stream, Sieve::of_requests(), unwanted)
    }

    pub(super) fn of_one_way(stream: quinn::RecvStream) -> Self {
        Self::new(stream, Sieve::of_one_way(), Code::H3_STREAM_CREATION_ERROR)
    }

    const fn new(stream: quinn::RecvStream, sieve: Sieve, unwanted: Code) -> Self {
        Self {
            stream,
            sieve,
            over: false,
            unwanted,
        }
    }

    fn stop(&mut self, code: u64) {
        if !self.over {
            self.over = true;
            if self.stream.stop(number(code)).is_err() {
                tracing::trace!("the stream had ended already");
            }
        }
    }

    fn malformed(&mut self, error: super::super::sieve::SieveError) -> StreamErrorIncoming {
        self.stop(Code::H3_FRAME_ERROR.value());
        StreamErrorIncoming::Unknown(Box::new(error))
    }
}

impl quic::RecvStream for RecvStream {
    type Buf = Bytes;

    fn poll_data(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, StreamErrorIncoming>> {
        loop {
            match self.sieve.next() {
                Ok(Some(piece)) => return Poll::Ready(Ok(Some(piece))),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Err(self.malformed(error))),
            }
            if self.over {
                return Poll::Ready(Ok(None));
            }
            // The future holds nothing but the borrow, so a new one for each poll loses nothing.
            let read = ready!(pin!(self.stream.read_chunk(usize::MAX, true)).poll(cx));
            match read {
                Ok(Some(chunk)) => self.sieve.push(chunk.bytes),
                Ok(None) => {
                    self.over = true;
                    if let Err(error) = self.sieve.end() {
                        return Poll::Ready(Err(StreamErrorIncoming::Unknown(Box::new(error))));
                    }
                    return Poll::Ready(Ok(None));
                }
                Err(error) => {
                    self.over = true;
                    return Poll::Ready(Err(match error {
                        quinn::ReadError::Reset(code) => StreamErrorIncoming::StreamTerminated {
                            error_code: code.into_inner(),
                        },
                        quinn::ReadError::ConnectionLost(error) => lost(connection_error(error)),
                        other => StreamErrorIncoming::Unknown(Box::new(other)),
                    }));
                }
            }
        }
    }

    fn stop_sending(&mut self, error_code: u64) {
        self.stop(error_code);
    }

    fn recv_id(&self) -> StreamId {
        stream_id(self.stream.id())
    }
}

impl Drop for RecvStream {
    fn drop(&mut self) {
        self.stop(self.unwanted.value());
    }
}
