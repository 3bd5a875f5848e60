//! A stream whose bytes have no frames: a TCP connection, or what follows an upgrade.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::turn::Turn;
use super::{MessageError, StreamCode};
use crate::tunnel::ActiveStream;

/// The sending half. Dropped before [`finish`](Self::finish), it resets the stream.
#[derive(Debug)]
pub struct ByteSend {
    stream: Option<quinn::SendStream>,
    turn: Turn,
    _active: Option<ActiveStream>,
}

/// The receiving half. Dropped before its end, it stops the stream.
#[derive(Debug)]
pub struct ByteRecv {
    stream: Option<quinn::RecvStream>,
    rest: VecDeque<Bytes>,
}

impl ByteSend {
    pub(crate) fn new(stream: Option<quinn::SendStream>, active: Option<ActiveStream>) -> Self {
        Self {
            stream,
            turn: Turn::default(),
            _active: active,
        }
    }

    /// Sends all of `data`. Waits while the other end's windows are full.
    ///
    /// # Errors
    /// When the other end wants no more, or the tunnel is gone.
    pub async fn write(&mut self, data: Bytes) -> Result<(), MessageError> {
        let mut chunks = [data];
        std::future::poll_fn(|cx| self.poll_write(cx, &mut chunks)).await
    }

    /// Hands all of `chunks` to the tunnel; what was taken is empty afterwards, so that nothing is lost when this is asked again.
    ///
    /// # Errors
    /// When the other end wants no more, or the tunnel is gone.
    pub fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        chunks: &mut [Bytes],
    ) -> Poll<Result<(), MessageError>> {
        while chunks.iter().any(|chunk| !chunk.is_empty()) {
            let stream = self.stream.as_mut().ok_or(MessageError::Reset)?;
            let written = ready!(pin!(stream.write_chunks(chunks)).poll(cx));
            let written = written.map_err(super::weft1::gone)?;
            self.turn.wrote(stream, written.bytes);
        }
        Poll::Ready(Ok(()))
    }

    /// Says that nothing more will come: a half close.
    pub fn finish(&mut self) {
        if let Some(mut stream) = self.stream.take()
            && stream.finish().is_err()
        {
            tracing::trace!("the stream had ended already");
        }
    }

    /// Breaks off.
    pub fn reset(&mut self, code: StreamCode) {
        if let Some(mut stream) = self.stream.take()
            && stream.reset(code.number()).is_err()
        {
            tracing::trace!("the stream had ended already");
        }
    }

    /// Resolves when the other end wants no more, or the tunnel is gone; never when all was received.
    pub fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let stopped = self.stream.as_ref().map(quinn::SendStream::stopped);
        async move {
            if let Some(stopped) = stopped
                && let Ok(None) = stopped.await
            {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Drop for ByteSend {
    fn drop(&mut self) {
        self.reset(StreamCode::Broken);
    }
}

impl ByteRecv {
    pub(crate) const fn new(stream: quinn::RecvStream, rest: VecDeque<Bytes>) -> Self {
        Self {
            stream: Some(stream),
            rest,
        }
    }

    /// Fills `chunks` from the front with all that is there, and says how many; `None` at the end. Waits until something is there.
    ///
    /// # Errors
    /// When the other end broke off, or the tunnel is gone.
    pub async fn read(&mut self, chunks: &mut [Bytes]) -> Result<Option<usize>, MessageError> {
        std::future::poll_fn(|cx| self.poll_read(cx, chunks)).await
    }

    /// See [`read`](Self::read).
    pub fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        chunks: &mut [Bytes],
    ) -> Poll<Result<Option<usize>, MessageError>> {
        if !self.rest.is_empty() {
            let count = chunks.len().min(self.rest.len());
            for (chunk, rest) in chunks.iter_mut().zip(self.rest.drain(..count)) {
                *chunk = rest;
            }
            return Poll::Ready(Ok(Some(count)));
        }
        let Some(stream) = self.stream.as_mut() else {
            return Poll::Ready(Ok(None));
        };
        // A `read_chunks` future holds nothing but the borrow, so a new one for each poll loses nothing.
        let read = ready!(pin!(stream.read_chunks(chunks)).poll(cx));
        match read {
            Ok(Some(count)) => Poll::Ready(Ok(Some(count))),
            Ok(None) => {
                self.stream = None;
                Poll::Ready(Ok(None))
            }
            Err(error) => {
                self.stream = None;
                Poll::Ready(Err(match error {
                    quinn::ReadError::Reset(_) => MessageError::Reset,
                    _ => MessageError::TunnelLost,
                }))
            }
        }
    }

    /// Wants no more.
    pub fn stop(&mut self, code: StreamCode) {
        self.rest.clear();
        if let Some(mut stream) = self.stream.take()
            && stream.stop(code.number()).is_err()
        {
            tracing::trace!("the stream had ended already");
        }
    }
}

impl Drop for ByteRecv {
    fn drop(&mut self) {
        self.stop(StreamCode::Broken);
    }
}
