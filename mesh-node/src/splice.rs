//! Bytes both ways between a TCP connection and a stream of a tunnel, whatever they mean, until both directions have ended.
//!
//! One task drives both. What the tunnel has ready goes to TCP in one gathered write; a half close is passed on as a half close, a
//! break as a break, and whoever reads slowly slows down whoever writes, by the windows of both sides.

use std::fmt;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tunnel::{ByteRecv, ByteSend, MessageError, StreamCode};

use crate::http1::request_line::RequestLine;
use crate::io::Io;
use crate::observe::{Direction, Meter};

/// Chunks that one write to TCP gathers.
const GATHER: usize = 64;

/// What has passed: from the TCP connection, and to it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// Which side broke off.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpliceError {
    /// The TCP connection here.
    #[error("the application's connection broke")]
    Tcp(#[from] std::io::Error),
    /// The tunnel, or whoever is behind it.
    #[error(transparent)]
    Tunnel(#[from] MessageError),
    /// What came from the tunnel is a request of HTTP (P-14).
    #[error("a request came where the application gets bytes that nobody looks at")]
    Request,
    /// It was told to stop.
    #[error("it may not go on")]
    Stopped,
}

impl SpliceError {
    /// The word for logs and metrics.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "app-broke-off",
            Self::Tunnel(MessageError::TunnelLost) => "tunnel-lost",
            Self::Tunnel(_) => "remote-broke-off",
            Self::Request => "request",
            Self::Stopped => "forbidden",
        }
    }
}

/// A splice under way. Dropped before its end, it breaks both sides off.
pub(crate) struct Splice {
    io: Io,
    send: ByteSend,
    recv: ByteRecv,
    passed: Passed,
    waiting: [Bytes; 1],
    up: bool,
    down: Down,
    over: bool,
    meter: Option<(Direction, Meter)>,
    guard: Option<RequestLine>,
    /// Asked once nothing more comes from there: that the other end wants no more either shows in nothing else.
    unwanted: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// The direction to TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Down {
    Flowing,
    Closing,
    Ended,
}

/// Carries bytes both ways until both directions have ended. `io` may hold bytes that were read already.
pub(crate) async fn splice(
    io: Io,
    send: ByteSend,
    recv: ByteRecv,
) -> (Passed, Result<(), SpliceError>) {
    Splice::new(io, send, recv).run().await
}

impl Splice {
    /// `io` may hold bytes that were read already.
    pub(crate) const fn new(io: Io, send: ByteSend, recv: ByteRecv) -> Self {
        Self {
            io,
            send,
            recv,
            passed: Passed { from: 0, to: 0 },
            waiting: [Bytes::new()],
            up: true,
            down: Down::Flowing,
            over: false,
            meter: None,
            guard: None,
            unwanted: None,
        }
    }

    /// Counts what passes, as it passes.
    pub(crate) fn metered(mut self, direction: Direction, meter: Meter) -> Self {
        self.meter = Some((direction, meter));
        self
    }

    /// Breaks where a request of HTTP comes from the tunnel.
    pub(crate) fn without_requests(mut self) -> Self {
        self.guard = Some(RequestLine::default());
        self
    }

    /// Runs until both directions have ended.
    pub(crate) async fn run(self) -> (Passed, Result<(), SpliceError>) {
        self.run_until(std::future::pending()).await
    }

    /// Runs until both directions have ended, or `stop` breaks them off.
    pub(crate) async fn run_until(
        mut self,
        stop: impl Future<Output = ()>,
    ) -> (Passed, Result<(), SpliceError>) {
        let mut stop = pin!(stop);
        let ended = std::future::poll_fn(|cx| {
            if let Poll::Ready(ended) = self.poll(cx) {
                return Poll::Ready(ended);
            }
            stop.as_mut().poll(cx).map(|()| Err(SpliceError::Stopped))
        })
        .await;
        self.over = ended.is_ok();
        (self.passed, ended)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SpliceError>> {
        if self.up && self.poll_up(cx)?.is_ready() {
            self.up = false;
            self.send.finish();
        }
        if self.down != Down::Ended && self.poll_down(cx)?.is_ready() {
            self.down = Down::Ended;
            self.unwanted = self.up.then(|| Box::pin(self.send.stopped()) as _);
        }
        if !self.up && self.down == Down::Ended {
            return Poll::Ready(Ok(()));
        }
        if self.up
            && let Some(unwanted) = &mut self.unwanted
        {
            ready!(unwanted.as_mut().poll(cx));
            return Poll::Ready(Err(MessageError::Reset.into()));
        }
        Poll::Pending
    }

    fn count(&mut self, from: usize, to: usize) {
        let (from, to) = (from as u64, to as u64);
        self.passed.from += from;
        self.passed.to += to;
        match &self.meter {
            Some((Direction::Outbound, meter)) => meter.count(from, to),
            Some((Direction::Inbound, meter)) => meter.count(to, from),
            None => {}
        }
    }

    /// From TCP into the tunnel; ready at the end.
    fn poll_up(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SpliceError>> {
        loop {
            ready!(self.send.poll_write(cx, &mut self.waiting))?;
            if self.io.buf.is_empty() && ready!(self.io.poll_fill(cx))? == 0 {
                return Poll::Ready(Ok(()));
            }
            let data = self.io.buf.split().freeze();
            self.count(data.len(), 0);
            self.waiting = [data];
        }
    }

    /// From the tunnel to TCP; ready when the end has been passed on.
    fn poll_down(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SpliceError>> {
        loop {
            if self.down == Down::Closing {
                ready!(self.io.poll_flush(cx))?;
                let stream = Pin::new(self.io.stream_mut());
                ready!(tokio::io::AsyncWrite::poll_shutdown(stream, cx))?;
                return Poll::Ready(Ok(()));
            }
            if self.io.is_full() {
                ready!(self.io.poll_flush(cx))?;
            }
            let mut chunks = [const { Bytes::new() }; GATHER];
            match self.recv.poll_read(cx, &mut chunks) {
                Poll::Ready(read) => match read? {
                    Some(count) => {
                        for chunk in chunks.into_iter().take(count) {
                            if let Some(guard) = &mut self.guard
                                && guard.is_completed_by(&chunk)
                            {
                                return Poll::Ready(Err(SpliceError::Request));
                            }
                            self.count(0, chunk.len());
                            self.io.push(chunk);
                        }
                    }
                    None => self.down = Down::Closing,
                },
                Poll::Pending => {
                    ready!(self.io.poll_flush(cx))?;
                    return Poll::Pending;
                }
            }
        }
    }
}

impl Drop for Splice {
    fn drop(&mut self) {
        if !self.over {
            self.send.reset(StreamCode::Broken);
            self.recv.stop(StreamCode::Broken);
            self.io.reset();
        }
    }
}

impl fmt::Debug for Splice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Splice")
            .field("io", &self.io)
            .field("passed", &self.passed)
            .field("up", &self.up)
            .field("down", &self.down)
            .finish_non_exhaustive()
    }
}
