//! To a peer's controller through one of its gateways.

use std::net::SocketAddr;
use std::time::Duration;

use identity::X509Svid;
use identity::tls::Expect;
use protocol::cid::{Capability, Handle};
use protocol::name::HostPort;
use tunnel::{Alpn, Dial, DialError, Tunnel};

use crate::controller::Parts;

/// How long one attempt through one gateway may take.
const WITHIN: Duration = Duration::from_secs(3);

/// Whom to reach, and how.
pub(crate) struct Route<'a> {
    pub(crate) gateways: &'a [HostPort],
    pub(crate) capability: &'a Capability,
    pub(crate) handle: Handle,
    pub(crate) server_name: &'static str,
    pub(crate) source: Option<&'a X509Svid>,
    pub(crate) expect: Expect,
    pub(crate) alpn: Alpn,
}

/// Why nobody was reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RouteError {
    #[error("no gateway is known")]
    NoGateway,
    #[error("the gateway {gateway} cannot be resolved: {source}")]
    Resolve {
        gateway: HostPort,
        source: std::io::Error,
    },
    #[error("through the gateway {gateway}: {source}{}", cause(.source))]
    Dial {
        gateway: HostPort,
        source: DialError,
    },
}

fn cause(error: &DialError) -> String {
    std::error::Error::source(error)
        .map(|source| format!(": {source}"))
        .unwrap_or_default()
}

impl RouteError {
    /// Whether the other side answered, and its answer was no.
    pub(crate) fn is_refusal(&self) -> bool {
        use tunnel::{CloseCode, CloseReason};
        match self {
            Self::Dial {
                source: DialError::Handshake { reason, .. },
                ..
            } => {
                matches!(
                    reason,
                    CloseReason::There(Some(CloseCode::Refused)) | CloseReason::Transport(_)
                )
            }
            _ => false,
        }
    }
}

/// Tries the gateways in turn, beginning with number `first`.
pub(crate) async fn through_gateways(
    parts: &Parts,
    route: &Route<'_>,
    first: usize,
) -> Result<Tunnel, RouteError> {
    let mut last = RouteError::NoGateway;
    for turn in 0..route.gateways.len() {
        let gateway = &route.gateways[(first + turn) % route.gateways.len()];
        match through(parts, route, gateway).await {
            Ok(tunnel) => return Ok(tunnel),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn through(
    parts: &Parts,
    route: &Route<'_>,
    gateway: &HostPort,
) -> Result<Tunnel, RouteError> {
    let remote = resolve(parts, gateway).await?;
    let dial = Dial {
        remote,
        capability: route.capability,
        handle: route.handle,
        server_name: route.server_name,
        source: route.source,
        expect: route.expect.clone(),
        trust: &parts.trust,
        alpn: route.alpn,
        within: WITHIN,
    };
    parts
        .endpoint
        .dial(dial)
        .await
        .map_err(|source| RouteError::Dial {
            gateway: gateway.clone(),
            source,
        })
}

/// Finds an address of the family that the controller's socket has.
async fn resolve(parts: &Parts, gateway: &HostPort) -> Result<SocketAddr, RouteError> {
    let failed = |source| RouteError::Resolve {
        gateway: gateway.clone(),
        source,
    };
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((gateway.host.as_str(), gateway.port))
        .await
        .map_err(failed)?
        .collect();
    let ours = parts.endpoint.local_addr().is_ipv4();
    let fitting = addresses
        .iter()
        .find(|address| address.is_ipv4() == ours)
        .or(addresses.first());
    fitting.copied().ok_or_else(|| {
        failed(std::io::Error::new(
            std::io::ErrorKind::NotFound,
            "it has no address",
        ))
    })
}
