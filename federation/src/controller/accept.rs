//! Who dials the controller: hosts and peers' controllers with SVIDs, strangers with secrets.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use identity::Trust;
use identity::tls::ClientAuth;
use protocol::name::SpiffeId;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tonic::service::Routes;
use tunnel::rpc::v1::{
    control_server::ControlServer, enrolment_server::EnrolmentServer,
    federation_server::FederationServer,
};
use tunnel::{Accepted, Alpn, Arrival, CloseCode, Stranger, Tunnel, rpc};

use super::Parts;
use crate::authority::{Authority, issue};
use crate::enrol::EnrolmentService;
use crate::peer::sync::FederationService;
use crate::push::ControlService;
use crate::state::State;

/// Strangers that are served at once; the others wait.
const STRANGERS: usize = 64;
/// How long a stranger may take, the waiting for its place included.
const STRANGER_WITHIN: Duration = Duration::from_secs(30);
/// How long an SVID is taken past its end, since clocks differ (P-9).
const SKEW: Duration = Duration::from_secs(60);

/// The TLS settings: who shows a certificate must prove it, and who comes to enrol has none.
pub(super) fn tls(authority: Arc<Authority>, trust: Trust) -> Arc<rustls::ServerConfig> {
    let alpns = [Alpn::Control, Alpn::Enrol].map(|alpn| alpn.id().to_vec());
    identity::tls::server(authority, trust, ClientAuth::Optional, alpns.to_vec())
}

/// Accepts until the endpoint is closed.
pub(super) async fn run(parts: Arc<Parts>) {
    let door = Arc::new(Door {
        known: Routes::new(ControlServer::new(ControlService(Arc::clone(&parts)))).add_service(
            FederationServer::new(FederationService::new(Arc::clone(&parts))),
        ),
        strangers: Routes::new(EnrolmentServer::new(EnrolmentService(Arc::clone(&parts)))),
        places: Semaphore::new(STRANGERS),
        parts,
    });
    let mut tunnels = JoinSet::new();
    while let Some(arrival) = door.parts.endpoint.accept().await {
        while tunnels.try_join_next().is_some() {}
        tunnels.spawn(Arc::clone(&door).admit(arrival));
    }
}

struct Door {
    parts: Arc<Parts>,
    known: Routes,
    strangers: Routes,
    places: Semaphore,
}

impl Door {
    async fn admit(self: Arc<Self>, arrival: Arrival) {
        match arrival.prove(&self.parts.trust).await {
            Ok(Accepted::Tunnel(tunnel))
                if tunnel.alpn() == Alpn::Control
                    && has_business(&self.parts.state(), tunnel.remote().id()) =>
            {
                self.serve(tunnel).await
            }
            Ok(Accepted::Tunnel(tunnel)) => {
                tracing::debug!(id = %tunnel.remote().id(), "a caller has no business with the controller");
                tunnel.close(CloseCode::Refused);
            }
            Ok(Accepted::Stranger(stranger)) => self.serve_stranger(stranger).await,
            Err(error) => tracing::debug!(%error, "an arrival came to nothing"),
        }
    }

    /// Serves until the tunnel ends, its SVID does, or its trust domain isn't trusted any more (P-8).
    async fn serve(&self, tunnel: Tunnel) {
        let id = tunnel.remote().id().clone();
        tracing::debug!(%id, "a tunnel is up");
        let left = tunnel
            .expires()
            .duration_since(SystemTime::now())
            .unwrap_or_default();
        let code = tokio::select! {
            () = rpc::serve(&tunnel, self.known.clone()) => CloseCode::Done,
            () = distrusted(&self.parts, &tunnel) => CloseCode::Refused,
            () = tokio::time::sleep(left + SKEW) => CloseCode::Expired,
        };
        tracing::debug!(%id, code = code.word(), "a tunnel has ended");
        tunnel.close(code);
    }

    async fn serve_stranger(&self, stranger: Stranger) {
        let served = async {
            let Ok(_place) = self.places.acquire().await else {
                return;
            };
            rpc::serve_stranger(&stranger, self.strangers.clone()).await;
        };
        if tokio::time::timeout(STRANGER_WITHIN, served).await.is_err() {
            tracing::debug!(remote = %stranger.remote, "a stranger took too long");
        }
        // Its connection would live on by keep-alives alone, and cost whoever was never proven nothing.
        stranger.close();
    }
}

/// Whether the caller is a host of this cluster or the controller of a peer. Workloads are trusted too, but not here (P-11).
fn has_business(state: &State, caller: &SpiffeId) -> bool {
    issue::host_of(state, caller).is_some()
        || state
            .peer_of(caller.trust_domain())
            .is_some_and(|(_, peer)| *caller == SpiffeId::controller(&peer.trust_domain))
}

/// Waits until what the caller has proven isn't trusted any more.
async fn distrusted(parts: &Parts, tunnel: &Tunnel) {
    let mut compiled = parts.compiled.subscribe();
    loop {
        if let Err(error) = tunnel
            .remote()
            .verify_again(&parts.trust.load(), SystemTime::now())
        {
            tracing::info!(id = %tunnel.remote().id(), %error, "a caller is not trusted any more");
            return;
        }
        if compiled.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Change;
    use crate::state::tests::{founded, peer};

    /// P-11: what is trusted for calls between workloads opens no door here.
    #[test]
    fn only_hosts_and_peers_controllers_have_business_here() {
        let mut state = founded();
        state.apply(Change::PutPeer(peer("west", "west.example", 40)));
        let admitted = |id: &str| has_business(&state, &SpiffeId::parse(id).expect("an id"));
        assert!(admitted("spiffe://west.example/weft/controller"));
        for other in [
            "spiffe://west.example/weft/node/n1",
            "spiffe://west.example/ns/shop/sa/cart",
            "spiffe://east.example/ns/shop/sa/cart",
            "spiffe://east.example/weft/node/unknown",
            "spiffe://north.example/weft/controller",
        ] {
            assert!(!admitted(other), "{other}");
        }
    }
}
