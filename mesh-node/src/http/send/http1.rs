//! Kept HTTP/1 connections: the one used last is used next, so that idle ones age out.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use parking_lot::Mutex;

use super::open;
use crate::io::Io;

/// Most idle connections to one port.
const MAX_IDLE: usize = 256;
/// How long one may stay idle. Below the 5 s after which some servers (Node.js) close theirs.
const IDLE: Duration = Duration::from_secs(4);

/// Connections to one port.
#[derive(Debug)]
pub(crate) struct Kept {
    port: u16,
    idle: Arc<Idle>,
}

#[derive(Debug, Default)]
struct Idle(Mutex<Vec<(Io, Instant)>>);

/// A connection in use. Dropped, it is closed; given back, it is used again.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) io: Io,
    idle: Arc<Idle>,
}

impl Kept {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            idle: Arc::default(),
        }
    }

    /// A kept connection that the app has not closed meanwhile, or a new one.
    pub(crate) async fn connection(&self) -> io::Result<Connection> {
        let io = match self.idle.take() {
            Some(io) => io,
            None => Io::new(open(self.port).await?, BytesMut::new()),
        };
        Ok(Connection {
            io,
            idle: Arc::clone(&self.idle),
        })
    }
}

impl Connection {
    /// The exchange is through, and the app may be asked again.
    pub(crate) fn give_back(self) {
        self.idle.put(self.io);
    }

    /// No HTTP any more.
    pub(crate) fn into_io(self) -> Io {
        self.io
    }
}

impl Idle {
    fn take(&self) -> Option<Io> {
        let mut idle = self.0.lock();
        while let Some((mut io, since)) = idle.pop() {
            if since.elapsed() > IDLE {
                // Those below are older still.
                idle.clear();
                return None;
            }
            // Whatever comes unasked, an end included, makes it useless.
            let mut context = Context::from_waker(Waker::noop());
            if io.buf.is_empty() && matches!(io.poll_fill(&mut context), Poll::Pending) {
                return Some(io);
            }
        }
        None
    }

    fn put(&self, mut io: Io) {
        let mut idle = self.0.lock();
        if idle.len() < MAX_IDLE && io.buf.is_empty() {
            io.buf = BytesMut::new();
            idle.push((io, Instant::now()));
        }
    }
}
