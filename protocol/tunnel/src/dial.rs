//! To a tunnel whose other end is proven, or a typed error.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use identity::bundle::Trust;
use identity::svid::X509Svid;
use identity::tls::Expect;
use identity::verify::VerifyError;
use protocol::cid::{Capability, Handle};
use quinn::crypto::rustls::QuicClientConfig;

use crate::alpn::Alpn;
use crate::close::CloseReason;
use crate::endpoint::Endpoint;
use crate::limits::Role;
use crate::path_mtu;
use crate::tunnel::Tunnel;

/// Whom to dial, and as whom.
#[derive(Debug, Clone)]
pub struct Dial<'a> {
    /// A node's own address, or its gateway's.
    pub remote: SocketAddr,
    /// Makes the first connection ID; a fresh one for each attempt (TRANSPORT finding 1).
    pub capability: &'a Capability,
    /// Which node.
    pub handle: Handle,
    /// What the catalog gave for the service; readable on the way, so opaque.
    pub server_name: &'a str,
    /// Who we are; `None` only where we have no SVID yet.
    pub source: Option<&'a X509Svid>,
    /// Who the other end must prove to be.
    pub expect: Expect,
    /// The bundles that prove it.
    pub trust: &'a Trust,
    /// What the tunnel shall carry.
    pub alpn: Alpn,
    /// How long this one attempt may take.
    pub within: Duration,
}

/// Why there is no tunnel.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The TLS settings lack QUIC's first cipher suite.
    #[error("the TLS settings have no AES-128-GCM, which QUIC starts with")]
    CipherSuite,
    /// quinn wouldn't try.
    #[error("can't dial {remote}")]
    Unable {
        /// Whom.
        remote: SocketAddr,
        /// Why.
        #[source]
        source: quinn::ConnectError,
    },
    /// Nothing came back in time.
    #[error("{remote} did not answer within {within:?}")]
    NoAnswer {
        /// Whom.
        remote: SocketAddr,
        /// As allowed.
        within: Duration,
    },
    /// The handshake failed, on either side.
    #[error("the handshake with {remote} failed: {reason}")]
    Handshake {
        /// Whom.
        remote: SocketAddr,
        /// How it ended.
        reason: CloseReason,
    },
    /// The other end's certificates don't prove what they must.
    #[error("{remote} is not whom it should be")]
    Unproven {
        /// Whom.
        remote: SocketAddr,
        /// What is wrong with its SVID.
        #[source]
        source: VerifyError,
    },
    /// The other end showed no certificate.
    #[error("{remote} showed no certificate")]
    NoCertificate {
        /// Whom.
        remote: SocketAddr,
    },
}

impl Endpoint {
    /// Dials once. Trying again is the caller's decision; each attempt is a new connection with a new first ID.
    ///
    /// # Errors
    /// When nobody answers, the handshake fails, or the other end isn't proven (P-3).
    pub async fn dial(&self, dial: Dial<'_>) -> Result<Tunnel, DialError> {
        let remote = dial.remote;
        let (tls, refusal) = identity::tls::client_explained(
            dial.source,
            dial.expect.clone(),
            Arc::clone(dial.trust),
            dial.alpn.id(),
        );
        let crypto = QuicClientConfig::try_from(tls).map_err(|_| DialError::CipherSuite)?;
        let mut config = quinn::ClientConfig::new(Arc::new(crypto));
        let token =
            dial.capability
                .route_token_spread(dial.handle, self.counts.next_any(), rand::random());
        let first = quinn::ConnectionId::new(&token);
        config
            .initial_dst_cid_provider(Arc::new(move || first))
            .transport_config(self.limits.transport(Role::Caller, path_mtu::bound(remote)));
        let connecting = self
            .quinn
            .connect_with(config, remote, dial.server_name)
            .map_err(|source| DialError::Unable { remote, source })?;
        let connection = tokio::time::timeout(dial.within, connecting)
            .await
            .map_err(|_| DialError::NoAnswer {
                remote,
                within: dial.within,
            })?
            .map_err(|error| match refusal.take() {
                Some(source) => DialError::Unproven { remote, source },
                None => DialError::Handshake {
                    remote,
                    reason: CloseReason::of(&error),
                },
            })?;
        // TLS has refused or accepted this chain by the same verifier; this turns it into the proof that the tunnel keeps.
        let chain = certificates(&connection).ok_or(DialError::NoCertificate { remote })?;
        let proven = dial
            .expect
            .verify(&chain, &dial.trust.load(), SystemTime::now())
            .map_err(|source| DialError::Unproven { remote, source })?;
        self.counts.dialed.fetch_add(1, Ordering::Relaxed);
        let source_expires = dial.source.map(|svid| svid.not_after());
        let tunnel = Tunnel::dialed(
            connection,
            dial.alpn,
            proven,
            source_expires,
            Arc::clone(&self.limits),
        );
        tokio::time::timeout(dial.within, tunnel.begin(Role::Caller))
            .await
            .map_err(|_| DialError::NoAnswer {
                remote,
                within: dial.within,
            })?
            .map_err(|reason| DialError::Handshake { remote, reason })?;
        Ok(tunnel)
    }
}

pub(crate) fn certificates(
    connection: &quinn::Connection,
) -> Option<Vec<rustls_pki_types::CertificateDer<'static>>> {
    let shown = connection.peer_identity()?;
    let chain = shown
        .downcast::<Vec<rustls_pki_types::CertificateDer<'static>>>()
        .ok()?;
    (!chain.is_empty()).then_some(*chain)
}
