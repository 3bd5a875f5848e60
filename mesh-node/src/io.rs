//! A TCP connection with what has been read and not used, and what is to be written.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio_util::io::poll_read_buf;

/// What a read asks for; grows while reads fill it.
const READ: usize = 8 << 10;
/// The most that a read asks for.
const MAX_READ: usize = 64 << 10;
/// Slices that one write gathers.
const SLICES: usize = 64;
/// What may wait to be written before more is taken in.
const FULL: usize = 64 << 10;

/// A connection.
#[derive(Debug)]
pub(crate) struct Io {
    stream: TcpStream,
    /// Read and not used.
    pub(crate) buf: BytesMut,
    out: VecDeque<Bytes>,
    out_bytes: usize,
    next_read: usize,
    /// What was written in all: whether that grows tells whether the other end still reads.
    pub(crate) written: u64,
}

impl Io {
    /// `buf` has been read from it already.
    pub(crate) fn new(stream: TcpStream, buf: BytesMut) -> Self {
        Self {
            stream,
            buf,
            out: VecDeque::new(),
            out_bytes: 0,
            next_read: READ,
            written: 0,
        }
    }

    /// Whether the other end has reset the connection, though bytes that came before may wait to be read.
    pub(crate) fn has_broken(&self) -> bool {
        !matches!(self.stream.take_error(), Ok(None))
    }

    /// The other end gets a reset instead of an end: what it had did not come to an end either.
    pub(crate) fn reset(&self) {
        if let Err(error) = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)) {
            tracing::debug!(%error, "a connection ends where it should break");
        }
    }

    pub(crate) fn stream_mut(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// The connection and what was read ahead; what was not written is lost.
    pub(crate) fn into_parts(self) -> (TcpStream, BytesMut) {
        (self.stream, self.buf)
    }

    /// Reads more; 0 is the end. While there is nothing to read, an empty buffer takes no memory.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.buf.is_empty() {
            self.buf = BytesMut::new();
            ready!(self.stream.poll_read_ready(cx))?;
        }
        self.buf.reserve(self.next_read);
        let asked = self.next_read;
        let mut limited = (&mut self.buf).limit(asked);
        let filled = ready!(poll_read_buf(Pin::new(&mut self.stream), cx, &mut limited))?;
        self.next_read = if filled == asked {
            (asked * 2).min(MAX_READ)
        } else if filled < asked / 4 {
            READ
        } else {
            self.next_read
        };
        Poll::Ready(Ok(filled))
    }

    /// Puts bytes behind those that wait.
    pub(crate) fn push(&mut self, data: Bytes) {
        if !data.is_empty() {
            self.out_bytes += data.len();
            self.out.push_back(data);
        }
    }

    /// Whether so much waits to be written that no more should be taken in.
    pub(crate) const fn is_full(&self) -> bool {
        self.out_bytes >= FULL
    }

    /// Whether nothing waits.
    pub(crate) const fn is_flushed(&self) -> bool {
        self.out_bytes == 0
    }

    /// Writes all that waits, gathered.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.out_bytes > 0 {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let count = self.out.len().min(SLICES);
            for (slice, data) in slices.iter_mut().zip(&self.out) {
                *slice = IoSlice::new(data);
            }
            let written =
                ready!(Pin::new(&mut self.stream).poll_write_vectored(cx, &slices[..count]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.drop_written(written);
        }
        Poll::Ready(Ok(()))
    }

    /// See [`poll_flush`](Self::poll_flush).
    pub(crate) async fn flush(&mut self) -> io::Result<()> {
        std::future::poll_fn(|cx| self.poll_flush(cx)).await
    }

    fn drop_written(&mut self, mut written: usize) {
        self.out_bytes -= written;
        self.written += written as u64;
        while written > 0 {
            let Some(first) = self.out.front_mut() else {
                return;
            };
            let part = first.len().min(written);
            first.advance(part);
            written -= part;
            if first.is_empty() {
                self.out.pop_front();
            }
        }
    }
}
