//! From somebody who dials to a tunnel whose other end is proven, or a typed error.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use identity::bundle::Trust;
use identity::verify::VerifyError;
use quinn::crypto::rustls::HandshakeData;

use crate::alpn::Alpn;
use crate::close::{CloseCode, CloseReason};
use crate::dial::certificates;
use crate::endpoint::{Counts, Endpoint};
use crate::limits::{Limits, Role};
use crate::tunnel::Tunnel;

/// Somebody dials; nothing is proven yet.
#[derive(Debug)]
pub struct Arrival {
    incoming: quinn::Incoming,
    config: Option<Arc<quinn::ServerConfig>>,
    limits: Arc<Limits>,
    waiting: Waiting,
}

/// What an arrival turned out to be.
#[derive(Debug)]
pub enum Accepted {
    /// The other end is proven.
    Tunnel(Tunnel),
    /// ALPN `weft-enrol/1`: has no SVID, and is nobody until it shows a secret.
    Stranger(Stranger),
}

/// A connection whose other end has proven nothing. It can only be served as gRPC, for enrolment.
#[derive(Debug)]
pub struct Stranger {
    pub(crate) connection: quinn::Connection,
    /// Where it comes from.
    pub remote: SocketAddr,
}

/// Why an arrival became nothing.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The handshake failed, on either side.
    #[error("the handshake with {remote} failed: {reason}")]
    Handshake {
        /// Who.
        remote: SocketAddr,
        /// How it ended.
        reason: CloseReason,
    },
    /// It did not finish in time.
    #[error("the handshake with {remote} did not finish in time")]
    TooSlow {
        /// Who.
        remote: SocketAddr,
    },
    /// No certificate where one must be (P-3).
    #[error("{remote} showed no certificate")]
    NoCertificate {
        /// Who.
        remote: SocketAddr,
    },
    /// The certificates don't prove an identity that is trusted.
    #[error("{remote} has not proven an identity")]
    Unproven {
        /// Who.
        remote: SocketAddr,
        /// What is wrong with its SVID.
        #[source]
        source: VerifyError,
    },
}

impl Stranger {
    /// Closes the connection: dropping this doesn't, as whatever serves it holds it too.
    pub fn close(&self) {
        self.connection
            .close(CloseCode::Refused.number().into(), b"");
    }
}

impl Arrival {
    pub(crate) fn new(endpoint: &Endpoint, incoming: quinn::Incoming) -> Self {
        Self {
            config: endpoint.accepting(incoming.remote_address()),
            incoming,
            limits: Arc::clone(&endpoint.limits),
            waiting: Waiting::enter(&endpoint.counts),
        }
    }

    /// Where it comes from, as far as it says.
    #[must_use]
    pub fn remote(&self) -> SocketAddr {
        self.incoming.remote_address()
    }

    /// Finishes the handshake and proves the other end. Run it in a task of its own: others dial meanwhile.
    ///
    /// # Errors
    /// When the handshake fails, takes too long, or proves nobody.
    pub async fn prove(self, trust: &Trust) -> Result<Accepted, AcceptError> {
        let remote = self.incoming.remote_address();
        let handshake = |error: &quinn::ConnectionError| AcceptError::Handshake {
            remote,
            reason: CloseReason::of(error),
        };
        let connecting = match self.config {
            Some(config) => self.incoming.accept_with(config),
            None => self.incoming.accept(),
        };
        let connecting = connecting.map_err(|error| handshake(&error))?;
        let connection = tokio::time::timeout(self.limits.handshake, connecting)
            .await
            .map_err(|_| AcceptError::TooSlow { remote })?
            .map_err(|error| handshake(&error))?;
        let (alpn, server_name) = negotiated(&connection);
        let refuse = |error| {
            connection.close(CloseCode::Refused.number().into(), b"");
            Err(error)
        };
        let accepted = match (alpn, certificates(&connection)) {
            (Some(Alpn::Enrol), None) => Accepted::Stranger(Stranger {
                remote,
                connection: connection.clone(),
            }),
            (Some(alpn), Some(chain)) => {
                match identity::verify::verify(&chain, &trust.load(), SystemTime::now()) {
                    Ok(proven) => {
                        let limits = Arc::clone(&self.limits);
                        let tunnel =
                            Tunnel::accepted(connection.clone(), alpn, server_name, proven, limits);
                        tokio::time::timeout(self.limits.handshake, tunnel.begin(Role::Listener))
                            .await
                            .map_err(|_| AcceptError::TooSlow { remote })?
                            .map_err(|reason| AcceptError::Handshake { remote, reason })?;
                        Accepted::Tunnel(tunnel)
                    }
                    Err(source) => return refuse(AcceptError::Unproven { remote, source }),
                }
            }
            _ => return refuse(AcceptError::NoCertificate { remote }),
        };
        self.waiting.counts.accepted.fetch_add(1, Ordering::Relaxed);
        Ok(accepted)
    }
}

fn negotiated(connection: &quinn::Connection) -> (Option<Alpn>, Option<String>) {
    let Some(data) = connection
        .handshake_data()
        .and_then(|data| data.downcast::<HandshakeData>().ok())
    else {
        return (None, None);
    };
    (
        data.protocol.as_deref().and_then(Alpn::from_id),
        data.server_name,
    )
}

/// Counts a handshake while it waits.
#[derive(Debug)]
struct Waiting {
    counts: Arc<Counts>,
}

impl Waiting {
    fn enter(counts: &Arc<Counts>) -> Self {
        counts.waiting.fetch_add(1, Ordering::Relaxed);
        Self {
            counts: Arc::clone(counts),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.counts.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
