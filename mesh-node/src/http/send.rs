//! Connections to one app's port: kept ones for HTTP/1, a few shared ones for HTTP/2 with prior knowledge.
//!
//! What matters here is telling «the app got no byte» from «it may have»: only the former may be tried again by anybody.

pub(crate) mod http1;
pub(crate) mod http2;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long an app may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Why an app gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// No connection: the app saw nothing.
    #[error("the app takes no connection on port {port}")]
    NoConnection {
        port: u16,
        #[source]
        source: std::io::Error,
    },
    /// Its connection is of no use.
    #[error("the app's connection broke before it answered: {0}")]
    Broken(#[source] h2::Error),
}

/// Connections to one app's port.
#[derive(Debug)]
pub(crate) struct App {
    port: u16,
    http1: http1::Kept,
    http2: http2::Shared,
}

impl App {
    pub(crate) fn new(port: u16) -> Self {
        Self {
            port,
            http1: http1::Kept::new(port),
            http2: http2::Shared::new(port),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn http1(&self) -> &http1::Kept {
        &self.http1
    }

    pub(crate) fn http2(&self) -> &http2::Shared {
        &self.http2
    }
}

/// A connection to an app.
pub(crate) async fn open(port: u16) -> std::io::Result<TcpStream> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let connected = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
    let stream = connected.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))?;
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    Ok(stream)
}

/// Counts something as in flight for as long as it lives.
#[derive(Debug)]
pub(crate) struct Busy(Arc<AtomicUsize>);

impl Busy {
    pub(crate) fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
