//! The writing half of a stream.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h3::error::Code;
use h3::quic::{self, StreamErrorIncoming, StreamId, WriteBuf};

use super::{Desk, connection_error, lost, number, stream_id};

/// Writes frames. Dropped before anything or in the middle of a frame, it resets the stream, as quinn would end it as if all was said.
pub(in super::super) struct SendStream {
    stream: quinn::SendStream,
    /// Frames that were given and not written yet; a write that was given up halfway goes on with the next.
    waiting: VecDeque<WriteBuf<Bytes>>,
    has_written: bool,
    over: bool,
    desk: Option<Desk>,
}

impl SendStream {
    pub(super) fn new(stream: quinn::SendStream, desk: Option<Desk>) -> Self {
        if let Some(desk) = &desk {
            let stopped = stream.stopped();
            let stopped = Box::pin(async move {
                // An answer without a code means that all was received: nobody has stopped anything then.
                if let Ok(None) = stopped.await {
                    std::future::pending::<()>().await;
                }
            });
            let id = quinn::VarInt::from(stream.id()).into_inner();
            desk.0.lock().insert(id, stopped);
        }
        Self {
            stream,
            waiting: VecDeque::new(),
            has_written: false,
            over: false,
            desk,
        }
    }
}

impl quic::SendStream<Bytes> for SendStream {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        while let Some(frame) = self.waiting.front_mut() {
            while frame.has_remaining() {
                let written = ready!(Pin::new(&mut self.stream).poll_write(cx, frame.chunk()))
                    .map_err(write_error)?;
                self.has_written = true;
                frame.advance(written);
            }
            self.waiting.pop_front();
        }
        Poll::Ready(Ok(()))
    }

    fn send_data<T: Into<WriteBuf<Bytes>>>(&mut self, data: T) -> Result<(), StreamErrorIncoming> {
        self.waiting.push_back(data.into());
        Ok(())
    }

    fn poll_finish(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamErrorIncoming>> {
        ready!(self.poll_ready(cx))?;
        if !self.over {
            self.over = true;
            if self.stream.finish().is_err() {
                tracing::trace!("the stream had ended already");
            }
        }
        Poll::Ready(Ok(()))
    }

    fn reset(&mut self, reset_code: u64) {
        if !self.over {
            self.over = true;
            self.waiting.clear();
            if self.stream.reset(number(reset_code)).is_err() {
                tracing::trace!("the stream had ended already");
            }
        }
    }

    fn send_id(&self) -> StreamId {
        stream_id(self.stream.id())
    }
}

impl Drop for SendStream {
    fn drop(&mut self) {
        if let Some(desk) = &self.desk {
            drop(desk.take(stream_id(self.stream.id())));
        }
        if !self.has_written || !self.waiting.is_empty() {
            quic::SendStream::reset(self, Code::H3_REQUEST_CANCELLED.value());
        }
    }
}

fn write_error(error: quinn::WriteError) -> StreamErrorIncoming {
    match error {
        quinn::WriteError::Stopped(code) => StreamErrorIncoming::StreamTerminated {
            error_code: code.into_inner(),
        },
        quinn::WriteError::ConnectionLost(error) => lost(connection_error(error)),
        other => StreamErrorIncoming::Unknown(Box::new(other)),
    }
}
