//! One UDP socket, one quinn endpoint.

use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use quinn::Runtime as _;
use quinn::crypto::rustls::QuicServerConfig;

use crate::accept::Arrival;
use crate::cid_generator::CidGenerator;
use crate::close::CloseCode;
use crate::door::Door;
use crate::limits::{Limits, Role};
use crate::node_secret::NodeSecret;
use crate::path_mtu;
use crate::routing::Routing;
use crate::shard::{Place, Seat, Settings, Switchboard, bind_first};
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

/// Dials and accepts tunnels on one UDP port, or is one of the shards that do. Clones share it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub(crate) quinn: quinn::Endpoint,
    pub(crate) limits: Arc<Limits>,
    pub(crate) counts: Arc<Counts>,
    place: Place,
    local: SocketAddr,
    /// For callers toward whom the link carries jumbo packets.
    wide: Option<Arc<quinn::ServerConfig>>,
}

/// What happens at one port, all shards together.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) dialed: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) waiting: AtomicU64,
    dropped: Arc<AtomicU64>,
    /// Of the next dial: goes round the shards of whoever is dialed.
    any: AtomicU8,
}

/// What a port has seen since it was bound, all shards together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndpointCounts {
    /// Handshakes that this side began and finished.
    pub handshakes_dialed: u64,
    /// Handshakes that others began and both finished.
    pub handshakes_accepted: u64,
    /// Datagrams whose connection ID didn't open.
    pub datagrams_dropped: u64,
    /// Datagrams that arrived at one shard and were another's.
    pub datagrams_handed_over: u64,
    /// Those of them that made way for newer ones, as their shard didn't keep up.
    pub datagrams_lost: u64,
}

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
        Self::bind_shards(config, NonZeroU8::MIN, sockets, name).map(|(endpoint, _)| endpoint)
    }

    /// Binds the port for `shards` endpoints. The first is opened here; the others' seats are for the threads that run them.
    ///
    /// # Errors
    /// When the port can't be had or the TLS settings don't suit QUIC.
    pub fn bind_shards(
        config: EndpointConfig<'_>,
        shards: NonZeroU8,
        sockets: &Sockets,
        name: &str,
    ) -> Result<(Self, Vec<Seat>), BindError> {
        let failed = |source| BindError::Socket {
            address: config.bind,
            source,
        };
        let socket = sockets
            .udp(name, config.bind, || bind_first(config.bind))
            .map_err(failed)?;
        let server = config
            .server
            .map(|tls| server_config(tls, config.secret, &config.limits, shards))
            .transpose()?;
        let counts = Counts {
            any: AtomicU8::new(rand::random()),
            ..Counts::default()
        };
        let settings = Settings {
            address: socket.local_addr().map_err(failed)?,
            server,
            limits: Arc::new(config.limits),
            counts: Arc::new(counts),
            routing: config.routing,
            quic: endpoint_config(config.secret),
        };
        let first = Arc::new(socket.try_clone().map_err(failed)?);
        let mut places = Switchboard::places(shards);
        let here = places.remove(0);
        let seats = places
            .into_iter()
            .map(|place| Seat {
                settings: settings.clone(),
                first: Arc::clone(&first),
                sockets: sockets.clone(),
                name: name.to_owned(),
                place,
            })
            .collect();
        let endpoint = Self::open(socket, settings, here)?;
        Ok((endpoint, seats))
    }

    /// Opens one shard's endpoint on a socket of its own.
    pub(crate) fn open(
        socket: std::net::UdpSocket,
        settings: Settings,
        place: Place,
    ) -> Result<Self, BindError> {
        let failed = |source| BindError::Socket {
            address: settings.address,
            source,
        };
        let (mut quic, routing) = (settings.quic, Arc::clone(&settings.routing));
        let maker = place.clone();
        quic.cid_generator(move || {
            Box::new(CidGenerator {
                routing: Arc::clone(&routing),
                place: maker.clone(),
            })
        });
        let inner = quinn::TokioRuntime
            .wrap_udp_socket(socket)
            .map_err(failed)?;
        let door = Door {
            inner,
            routing: Arc::clone(&settings.routing),
            place: place.clone(),
            dropped: Arc::clone(&settings.counts.dropped),
            max_payload: quic.get_max_udp_payload_size() as usize,
        };
        let limits = settings.limits;
        let wide = settings.server.clone().map(|mut server| {
            server.transport_config(limits.transport(Role::Listener, path_mtu::LARGEST));
            Arc::new(server)
        });
        let quinn = quinn::Endpoint::new_with_abstract_socket(
            quic,
            settings.server,
            Arc::new(door),
            Arc::new(quinn::TokioRuntime),
        )
        .map_err(failed)?;
        Ok(Self {
            quinn,
            limits,
            counts: settings.counts,
            place,
            local: settings.address,
            wide,
        })
    }

    /// How to accept somebody from there, when it isn't in the ordinary way.
    pub(crate) fn accepting(&self, remote: SocketAddr) -> Option<Arc<quinn::ServerConfig>> {
        let wide = self.wide.as_ref()?;
        (path_mtu::bound(remote) > path_mtu::ORDINARY).then(|| Arc::clone(wide))
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
        let (handed_over, lost) = self.place.board().counts();
        EndpointCounts {
            handshakes_dialed: self.counts.dialed.load(Ordering::Relaxed),
            handshakes_accepted: self.counts.accepted.load(Ordering::Relaxed),
            datagrams_dropped: self.counts.dropped.load(Ordering::Relaxed),
            datagrams_handed_over: handed_over,
            datagrams_lost: lost,
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

impl Counts {
    /// Which of its shards the next one dialed shall take the connection on; never 0, which leaves it to chance: behind a gateway,
    /// and from one node to another, chance is one address and so always the same shard.
    pub(crate) fn next_any(&self) -> u8 {
        match self.any.fetch_add(1, Ordering::Relaxed) {
            0 => self.any.fetch_add(1, Ordering::Relaxed),
            any => any,
        }
    }
}

fn endpoint_config(secret: &NodeSecret) -> quinn::EndpointConfig {
    let mut config = quinn::EndpointConfig::new(secret.reset_key());
    config
        // A first byte below 0x40 must say "not QUIC" (TRANSPORT finding 10).
        .grease_quic_bit(false)
        .min_reset_interval(Duration::from_millis(1));
    // Memory for it is only touched where such packets come.
    if let Err(error) = config.max_udp_payload_size(path_mtu::LARGEST) {
        tracing::debug!(%error, "no jumbo packets");
    }
    config
}

fn server_config(
    tls: Arc<rustls::ServerConfig>,
    secret: &NodeSecret,
    limits: &Limits,
    shards: NonZeroU8,
) -> Result<quinn::ServerConfig, BindError> {
    let crypto = QuicServerConfig::try_from(tls).map_err(|_| BindError::CipherSuite)?;
    let mut tokens = quinn::ValidationTokenConfig::default();
    // No NEW_TOKEN: behind a gateway every caller has the gateway's address (TRANSPORT finding 12).
    tokens.sent(0);
    let mut config = quinn::ServerConfig::new(Arc::new(crypto), secret.token_key());
    config
        .transport_config(limits.transport(Role::Listener, path_mtu::ORDINARY))
        .validation_token_config(tokens)
        .migration(true)
        // What all take in together is held to the limit again, in `accept`.
        .max_incoming(limits.waiting_handshakes.div_ceil(shards.get().into()))
        .incoming_buffer_size(64 << 10)
        .incoming_buffer_size_total(8 << 20);
    Ok(config)
}
