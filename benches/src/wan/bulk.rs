//! One transfer that never ends, and how fast it arrives.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::ground::{Ground, Side};
use crate::weft::AUTHORITY;

/// A running download; dropped, it is broken off.
#[derive(Debug)]
pub(super) struct Bulk {
    arrived: Arc<AtomicU64>,
    socket: TcpStream,
    reader: Option<JoinHandle<()>>,
}

impl Bulk {
    /// Asks for `/endless` through a way's entry.
    ///
    /// # Errors
    /// When nobody answers.
    pub(super) fn start(ground: &Ground, entry: SocketAddr) -> io::Result<Self> {
        let mut socket = ground.on(Side::Near, || {
            TcpStream::connect_timeout(&entry, Duration::from_secs(5))
        })?;
        write!(socket, "GET /endless HTTP/1.1\r\nHost: {AUTHORITY}\r\n\r\n")?;
        let arrived = Arc::new(AtomicU64::new(0));
        let (counted, mut stream) = (Arc::clone(&arrived), socket.try_clone()?);
        let reader = std::thread::spawn(move || {
            let mut buffer = vec![0; 256 << 10];
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                counted.fetch_add(length as u64, Ordering::Relaxed);
            }
        });
        Ok(Self {
            arrived,
            socket,
            reader: Some(reader),
        })
    }

    /// Megabits a second that arrive while `work` runs, and what it gives.
    ///
    /// # Panics
    /// When the transfer has ended by itself.
    #[allow(clippy::cast_precision_loss, reason = "bytes of seconds")]
    pub(super) fn while_running<T>(&self, work: impl FnOnce() -> T) -> (f64, T) {
        let (begun, before) = (Instant::now(), self.arrived.load(Ordering::Relaxed));
        let done = work();
        let bytes = self.arrived.load(Ordering::Relaxed) - before;
        let mbits = bytes as f64 * 8.0 / 1e6 / begun.elapsed().as_secs_f64();
        let ended = self.reader.as_ref().is_none_or(JoinHandle::is_finished);
        assert!(!ended, "the bulk transfer was broken off");
        (mbits, done)
    }
}

impl Drop for Bulk {
    fn drop(&mut self) {
        drop(self.socket.shutdown(std::net::Shutdown::Both));
        if let Some(reader) = self.reader.take() {
            drop(reader.join());
        }
    }
}
