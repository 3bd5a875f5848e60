//! Frames on their way into a stream.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use protocol::frame::data_header;

use crate::encoding::bytes::ByteSend;
use crate::encoding::turn::Turn;
use crate::encoding::{MessageError, StreamCode};
use crate::tunnel::ActiveStream;

/// The sending half. What was started and not flushed waits in `pending`.
#[derive(Debug)]
pub(crate) struct Send {
    stream: Option<quinn::SendStream>,
    pending: [Bytes; 2],
    within: bool,
    /// What waits is the end of its message.
    ends: bool,
    turn: Turn,
    active: Option<ActiveStream>,
}

impl Send {
    pub(crate) fn new(stream: quinn::SendStream, active: Option<ActiveStream>) -> Self {
        Self {
            stream: Some(stream),
            pending: [Bytes::new(), Bytes::new()],
            within: false,
            ends: false,
            turn: Turn::default(),
            active,
        }
    }

    /// Sends a whole frame that isn't DATA.
    pub(crate) async fn frame(&mut self, frame: Bytes, end: bool) -> Result<(), MessageError> {
        self.start_frame(frame, end);
        self.flush().await
    }

    pub(crate) fn start_frame(&mut self, frame: Bytes, end: bool) {
        self.within = true;
        self.ends = end;
        self.pending = [frame, Bytes::new()];
    }

    pub(crate) fn start_data(&mut self, data: Bytes, end: bool) {
        if data.is_empty() && !end {
            return;
        }
        self.ends = end;
        self.pending = [data_header(data.len(), end), data];
    }

    /// Sends one packet of a UDP session as a frame; it may be empty.
    pub(super) async fn packet(&mut self, packet: Bytes) -> Result<(), MessageError> {
        self.pending = [data_header(packet.len(), false), packet];
        self.flush().await
    }

    /// Hands what was started to QUIC. Nothing is lost when this is dropped and asked again.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), MessageError>> {
        while self.pending.iter().any(|chunk| !chunk.is_empty()) {
            let stream = self.stream.as_mut().ok_or(MessageError::Reset)?;
            let written = ready!(pin!(stream.write_chunks(&mut self.pending)).poll(cx));
            let written = written.map_err(gone)?;
            self.turn.wrote(stream, written.bytes);
        }
        if std::mem::take(&mut self.ends) {
            self.within = false;
            self.turn.next_message();
        }
        Poll::Ready(Ok(()))
    }

    pub(crate) async fn flush(&mut self) -> Result<(), MessageError> {
        std::future::poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// What was begun is complete: dropped from here on, the stream ends as it should.
    pub(super) const fn end(&mut self) {
        self.within = false;
    }

    pub(crate) const fn begin(&mut self) {
        self.within = true;
    }

    pub(crate) const fn is_message_over(&self) -> bool {
        !self.within
    }

    pub(crate) fn break_off(&mut self, code: StreamCode) {
        if let Some(mut stream) = self.stream.take()
            && stream.reset(code.number()).is_err()
        {
            tracing::trace!("the stream had ended already");
        }
    }

    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + std::marker::Send + 'static {
        let stopped = self.stream.as_ref().map(quinn::SendStream::stopped);
        async move {
            // An answer without a code means that all was received: nobody has stopped anything then.
            if let Some(stopped) = stopped
                && let Ok(None) = stopped.await
            {
                std::future::pending::<()>().await;
            }
        }
    }

    pub(crate) fn into_bytes(mut self) -> ByteSend {
        self.within = false;
        debug_assert!(!self.ends, "bytes follow a message that is under way");
        ByteSend::new(self.stream.take(), self.active.take())
    }
}

impl Drop for Send {
    fn drop(&mut self) {
        if self.within {
            self.break_off(StreamCode::Cancelled);
        }
        // Between two messages quinn finishes the stream: no later request was read.
    }
}

pub(crate) fn gone(error: quinn::WriteError) -> MessageError {
    match error {
        quinn::WriteError::ConnectionLost(_) => MessageError::TunnelLost,
        _ => MessageError::Reset,
    }
}
