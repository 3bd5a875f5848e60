//! Hands requests to one app's port: HTTP/1.1 over kept connections, or HTTP/2 with prior knowledge over a few shared ones.
//!
//! What matters here is telling «the app got no byte» from «it may have»: only the former may be tried again by anybody.

mod http1;
mod http2;

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::BoxError;
use super::body::AppBody;

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
    /// It may have seen the request, unless that came back.
    #[error("the app's connection broke before it answered")]
    Broken(#[source] hyper::Error),
}

/// A failure, and the request when no byte of it was sent.
#[derive(Debug)]
pub(crate) struct Unsent {
    pub(crate) error: SendError,
    pub(crate) request: Option<Request<AppBody>>,
}

/// What an app's port speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    Http1,
    Http2,
}

/// Connections to one app's port.
#[derive(Debug)]
pub(crate) struct App {
    port: u16,
    connections: Connections,
}

#[derive(Debug)]
enum Connections {
    Http1(http1::Kept),
    Http2(http2::Shared),
}

impl App {
    pub(crate) fn new(port: u16, speaks: Speaks) -> Self {
        let connections = match speaks {
            Speaks::Http1 => Connections::Http1(http1::Kept::default()),
            Speaks::Http2 => Connections::Http2(http2::Shared::default()),
        };
        Self { port, connections }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn speaks(&self) -> Speaks {
        match self.connections {
            Connections::Http1(_) => Speaks::Http1,
            Connections::Http2(_) => Speaks::Http2,
        }
    }

    /// Sends one request, and answers with the app's head and a body that streams.
    pub(crate) async fn send(
        &self,
        request: Request<AppBody>,
    ) -> Result<Response<AppAnswer>, Unsent> {
        match &self.connections {
            Connections::Http1(kept) => {
                Ok(kept.send(self.port, request).await?.map(AppAnswer::Http1))
            }
            Connections::Http2(shared) => {
                let answer = shared.send(self.port, request).await?;
                Ok(answer.map(|(body, busy)| AppAnswer::Http2 { body, _busy: busy }))
            }
        }
    }
}

async fn connect(port: u16) -> Result<TcpStream, SendError> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let connected = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await;
    let stream = connected
        .unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()))
        .map_err(|source| SendError::NoConnection { port, source })?;
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

/// An app's answer.
#[derive(Debug)]
pub(crate) enum AppAnswer {
    Http1(http1::Returning),
    Http2 { body: Incoming, _busy: Busy },
}

impl Body for AppAnswer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Http1(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Http2 { body, .. } => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Http1(body) => body.is_end_stream(),
            Self::Http2 { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http1(body) => body.size_hint(),
            Self::Http2 { body, .. } => body.size_hint(),
        }
    }
}
