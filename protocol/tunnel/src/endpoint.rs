//! One UDP socket, one quinn endpoint.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use quinn::Runtime as _;
use quinn::crypto::rustls::QuicServerConfig;

use crate::accept::Arrival;
use crate::cid_generator::CidGenerator;
use crate::close::CloseCode;
use crate::door::Door;
use crate::limits::{Limits, Role};
use crate::node_secret::NodeSecret;
use crate::routing::Routing;
use crate::sockets::Sockets;

/// What an endpoint is made of.
#[derive(Debug)]
pub struct EndpointConfig<'a> {
    /// Where to listen; port 0 lets the system choose.
    pub bind: SocketAddr,
    /// Makes stateless resets and Retry tokens.
    pub secret: &'a NodeSecret,
    /// Makes and opens connection IDs.
    pub routing: Arc<Routing>,
    /// Present where others may dial.
    pub server: Option<Arc<rustls::ServerConfig>>,
    /// What may be used.
    pub limits: Limits,
}

/// Why there is no endpoint.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address can't be had.
    #[error("can't listen on UDP {address}")]
    Socket {
        /// As asked for.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The TLS settings lack QUIC's first cipher suite.
    #[error("the TLS settings have no AES-128-GCM, which QUIC starts with")]
    CipherSuite,
}

/// Dials and accepts tunnels on one UDP port. Clones share it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub(crate) quinn: quinn::Endpoint,
    pub(crate) limits: Arc<Limits>,
    pub(crate) counts: Arc<Counts>,
    dropped: Arc<AtomicU64>,
    local: SocketAddr,
}

/// Handshakes as they happened.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) dialed: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) waiting: AtomicU64,
}

/// What an endpoint has seen since it was bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointCounts {
    /// Handshakes that this side began and finished.
    pub handshakes_dialed: u64,
    /// Handshakes that others began and both finished.
    pub handshakes_accepted: u64,
    /// Datagrams whose connection ID didn't open.
    pub datagrams_dropped: u64,
}

/// As much as the system gives, up to 4 MB: removes self-made loss (PERFORMANCE section 8, 9).
const SOCKET_BUFFER_BYTES: usize = 4 << 20;

impl Endpoint {
    /// Binds the port.
    ///
    /// # Errors
    /// When the port can't be had or the TLS settings don't suit QUIC.
    pub fn bind(config: EndpointConfig<'_>) -> Result<Self, BindError> {
        Self::bind_in(config, &Sockets::default(), "udp")
    }

    /// Goes on with the socket `name` that an earlier process left, or binds the port.
    ///
    /// # Errors
    /// When the port can't be had or the TLS settings don't suit QUIC.
    pub fn bind_in(
        config: EndpointConfig<'_>,
        sockets: &Sockets,
        name: &str,
    ) -> Result<Self, BindError> {
        let socket = sockets
            .udp(name, config.bind, || bind_socket(config.bind))
            .map_err(|source| BindError::Socket {
                address: config.bind,
                source,
            })?;
        let wrapped = quinn::TokioRuntime
            .wrap_udp_socket(socket)
            .map_err(|source| BindError::Socket {
                address: config.bind,
                source,
            })?;
        let local = wrapped.local_addr().map_err(|source| BindError::Socket {
            address: config.bind,
            source,
        })?;
        let dropped = Arc::new(AtomicU64::new(0));
        let door = Door {
            inner: wrapped,
            routing: Arc::clone(&config.routing),
            dropped: Arc::clone(&dropped),
        };
        let server = config
            .server
            .map(|tls| server_config(tls, config.secret, &config.limits))
            .transpose()?;
        let quinn = quinn::Endpoint::new_with_abstract_socket(
            endpoint_config(config.secret, config.routing),
            server,
            Arc::new(door),
            Arc::new(quinn::TokioRuntime),
        )
        .map_err(|source| BindError::Socket {
            address: config.bind,
            source,
        })?;
        Ok(Self {
            quinn,
            limits: Arc::new(config.limits),
            counts: Arc::default(),
            dropped,
            local,
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Waits for somebody to dial. `None` once the endpoint is closed.
    pub async fn accept(&self) -> Option<Arrival> {
        loop {
            let incoming = self.quinn.accept().await?;
            let waiting = self.counts.waiting.load(Ordering::Relaxed);
            if waiting >= self.limits.waiting_handshakes as u64 {
                // quinn's own bound counts those not yet taken from it; taken ones are held to it here. No answer costs nothing.
                incoming.ignore();
                continue;
            }
            let crowded = waiting > self.limits.retry_above as u64;
            if crowded && !incoming.remote_address_validated() && incoming.may_retry() {
                if incoming.retry().is_err() {
                    tracing::debug!("a retry could not be sent");
                }
                continue;
            }
            return Some(Arrival::new(self, incoming));
        }
    }

    /// What has been seen so far.
    #[must_use]
    pub fn counts(&self) -> EndpointCounts {
        EndpointCounts {
            handshakes_dialed: self.counts.dialed.load(Ordering::Relaxed),
            handshakes_accepted: self.counts.accepted.load(Ordering::Relaxed),
            datagrams_dropped: self.dropped.load(Ordering::Relaxed),
        }
    }

    /// Takes no new tunnels; those that are open go on.
    pub fn stop_accepting(&self) {
        self.quinn.set_server_config(None);
    }

    /// Closes all tunnels with `code` and waits at most a second for the other ends to hear it.
    pub async fn close(&self, code: CloseCode) {
        self.quinn.close(code.number().into(), b"");
        if tokio::time::timeout(Duration::from_secs(1), self.quinn.wait_idle())
            .await
            .is_err()
        {
            tracing::debug!("some tunnels did not acknowledge their close");
        }
    }
}

fn bind_socket(address: SocketAddr) -> std::io::Result<std::net::UdpSocket> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::DGRAM,
        Some(socket2::Protocol::UDP),
    )?;
    for enlarged in [
        socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES),
        socket.set_send_buffer_size(SOCKET_BUFFER_BYTES),
    ] {
        if let Err(error) = enlarged {
            tracing::debug!(%error, "socket buffers stay as they are");
        }
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn endpoint_config(secret: &NodeSecret, routing: Arc<Routing>) -> quinn::EndpointConfig {
    let mut config = quinn::EndpointConfig::new(secret.reset_key());
    config
        .cid_generator(move || Box::new(CidGenerator(Arc::clone(&routing))))
        // A first byte below 0x40 must say "not QUIC" (TRANSPORT finding 10).
        .grease_quic_bit(false)
        .min_reset_interval(Duration::from_millis(1));
    config
}

fn server_config(
    tls: Arc<rustls::ServerConfig>,
    secret: &NodeSecret,
    limits: &Limits,
) -> Result<quinn::ServerConfig, BindError> {
    let crypto = QuicServerConfig::try_from(tls).map_err(|_| BindError::CipherSuite)?;
    let mut tokens = quinn::ValidationTokenConfig::default();
    // No NEW_TOKEN: behind a gateway every caller has the gateway's address (TRANSPORT finding 12).
    tokens.sent(0);
    let mut config = quinn::ServerConfig::new(Arc::new(crypto), secret.token_key());
    config
        .transport_config(limits.transport(Role::Listener))
        .validation_token_config(tokens)
        .migration(true)
        .max_incoming(limits.waiting_handshakes)
        .incoming_buffer_size(64 << 10)
        .incoming_buffer_size_total(8 << 20);
    Ok(config)
}
