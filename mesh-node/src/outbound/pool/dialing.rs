//! Dialing one destination: its own address, or its peer's gateways in turn, until one proves to be whom the catalog names.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use identity::tls::Expect;
use protocol::cid::Capability;
use protocol::name::{HostPort, SpiffeId};
use protocol::view;
use tokio::time::{Instant, sleep};
use tunnel::{Alpn, CloseCode, CloseReason, Dial, DialError, Tunnel};

use super::{Live, NoTunnel, Pool};
use crate::observe::metrics;
use crate::outbound::service::Directory;

/// How long one attempt may take (TRANSPORT section 5).
const ATTEMPT: Duration = Duration::from_secs(1);
/// Between rounds over all addresses.
const PAUSE: Duration = Duration::from_millis(50);

/// From whom to whom.
pub(super) struct DialPlan {
    pub(super) source: SpiffeId,
    pub(super) facts: view::Endpoint,
    pub(super) cluster: Arc<str>,
    pub(super) directory: Arc<Directory>,
    pub(super) alpn: Alpn,
}

/// The way there.
struct Way<'a> {
    at: Vec<&'a HostPort>,
    capability: &'a Capability,
}

impl DialPlan {
    /// Attempts until one succeeds or the time is over; each one with a first connection ID of its own.
    pub(super) async fn dial(&self, pool: &Pool, deadline: Instant) -> Result<Arc<Live>, NoTunnel> {
        let way = self.way()?;
        let mut last = "no address is known".to_owned();
        let mut tries = 0usize;
        loop {
            let addresses = resolve(&way.at).await;
            for remote in rotate(addresses, tries) {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(NoTunnel::Failed(last));
                }
                match self
                    .attempt(pool, way.capability, remote, ATTEMPT.min(left))
                    .await?
                {
                    Ok(tunnel) => return Ok(self.open(tunnel)),
                    Err(error) => {
                        let refused = is_refusal(&error);
                        last = with_causes(&error);
                        tracing::debug!(destination = %self.facts.spiffe_id, %remote, reason = %last, "a dial failed");
                        if refused {
                            return Err(NoTunnel::Refused(last));
                        }
                    }
                }
                tries += 1;
            }
            let pause = PAUSE.saturating_mul(1 << tries.min(3));
            if Instant::now() + pause >= deadline {
                return Err(NoTunnel::Failed(last));
            }
            sleep(pause).await;
        }
    }

    fn way(&self) -> Result<Way<'_>, NoTunnel> {
        let no_route = || NoTunnel::NoRoute(self.cluster.to_string());
        match &self.facts.peer {
            None => {
                let at = self.facts.address.as_ref().ok_or_else(no_route)?;
                Ok(Way {
                    at: vec![at],
                    capability: &self.directory.local,
                })
            }
            Some(peer) => {
                let route = self.directory.peers.get(peer).ok_or_else(no_route)?;
                Ok(Way {
                    at: route.gateways.iter().collect(),
                    capability: &route.capability,
                })
            }
        }
    }

    async fn attempt(
        &self,
        pool: &Pool,
        capability: &Capability,
        remote: SocketAddr,
        within: Duration,
    ) -> Result<Result<Tunnel, DialError>, NoTunnel> {
        let svid = pool
            .credentials
            .svid_of(&self.source)
            .ok_or_else(|| NoTunnel::NoSvid(self.source.clone()))?;
        // P-3: exactly the identity that the catalog gives.
        let expect = Expect::Id(self.facts.spiffe_id.clone());
        let dial = Dial {
            remote,
            capability,
            handle: self.facts.handle,
            server_name: &self.facts.server_name,
            source: Some(&svid),
            expect,
            trust: &pool.trust,
            alpn: self.alpn,
            within,
        };
        Ok(pool.endpoint.dial(dial).await)
    }

    fn open(&self, tunnel: Tunnel) -> Arc<Live> {
        metrics::tunnel_opened(metrics::Role::Caller, &self.cluster, tunnel.alpn());
        let live = Arc::new(Live::new(tunnel.clone(), SystemTime::now()));
        let cluster = Arc::clone(&self.cluster);
        tokio::spawn(async move {
            let reason = tunnel.closed().await;
            metrics::tunnel_closed(metrics::Role::Caller, &cluster, reason.word());
            tracing::debug!(cluster = %cluster, %reason, "a tunnel out has closed");
        });
        live
    }
}

/// Whether somebody answered, and another attempt would end the same way: one of the two wants nothing of the other.
fn is_refusal(error: &DialError) -> bool {
    match error {
        DialError::Unproven { .. } | DialError::NoCertificate { .. } | DialError::CipherSuite => {
            true
        }
        DialError::Handshake { reason, .. } => match reason {
            CloseReason::Transport(_) | CloseReason::There(Some(CloseCode::Refused)) => true,
            CloseReason::There(_)
            | CloseReason::Here
            | CloseReason::TimedOut
            | CloseReason::Reset => false,
        },
        DialError::Unable { .. } | DialError::NoAnswer { .. } => false,
    }
}

async fn resolve(at: &[&HostPort]) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for place in at {
        match place.socket_addr() {
            Some(address) => addresses.push(address),
            None => match tokio::net::lookup_host((place.host.as_str(), place.port)).await {
                Ok(found) => addresses.extend(found),
                Err(error) => {
                    tracing::debug!(host = %place.host, %error, "a name does not resolve")
                }
            },
        }
    }
    addresses
}

fn rotate(mut addresses: Vec<SocketAddr>, by: usize) -> Vec<SocketAddr> {
    if !addresses.is_empty() {
        let by = by % addresses.len();
        addresses.rotate_left(by);
    }
    addresses
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
