//! How a host belongs to its cluster: it enrols once, then follows its controller for as long as it lives.
//!
//! Node and gateway share this. A [`Membership`] holds what enrolment gave (identity, handle, routing keys), keeps the host's
//! own SVID fresh, and hands out one [`View`] after another. With no controller in reach the last View, kept on disk, goes on
//! serving; nothing here ever becomes more permissive for want of news.
//!
//! ```text
//!   join token ──> enrol ──> data_dir ──> Membership ──> views(): cached first, then news
//!                                            │   ^
//!                                            v   │ acknowledge, health, heartbeat
//!                                          link ── controller
//! ```

pub mod cache;
pub mod enrol;
mod link;
mod outbox;
mod renew;
mod store;

use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use identity::{Bundles, Trust, X509Svid};
use protocol::cid::{Capability, Handle};
use protocol::invitation::JoinToken;
use protocol::name::{ClusterName, HostPort, Label, Locality, SpiffeId, TrustDomain};
use protocol::view::View;
use protocol::wire::v1;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use tunnel::{Endpoint, NodeSecret, Routing, Seat, Sockets};

pub use enrol::JoinError;
use outbox::Outbox;
use store::Stored;

/// How a host joins its cluster and where it listens.
#[derive(Debug)]
pub struct MembershipSettings {
    /// Everything that must survive a restart; made 0700.
    pub data_dir: PathBuf,
    /// Whether this host is a node or a gateway.
    pub role: v1::Role,
    /// The host's name in its cluster.
    pub name: Label,
    /// The UDP address to bind.
    pub bind: SocketAddr,
    /// Where others of the cluster reach that UDP port, when it isn't the bound address itself.
    pub advertise: Option<HostPort>,
    /// Where the host stands.
    pub locality: Option<Locality>,
    /// What lets the host in; needed once.
    pub join: Option<JoinToken>,
    /// The controller's address, when it isn't the token's.
    pub controller: Option<HostPort>,
    /// What an earlier process left, and who keeps this one's sockets for the next.
    pub sockets: Sockets,
    /// What its tunnels may use.
    pub limits: tunnel::Limits,
    /// Endpoints on that UDP port.
    pub shards: NonZeroU8,
}

/// A host's place in its cluster. Cheap to clone; all clones are the same membership.
#[derive(Clone)]
pub struct Membership {
    inner: Arc<Inner>,
}

struct Inner {
    data_dir: PathBuf,
    role: v1::Role,
    address: String,
    locality: String,
    id: SpiffeId,
    trust_domain: TrustDomain,
    cluster: ClusterName,
    handle: Handle,
    controller_handle: Handle,
    controller_override: Option<HostPort>,
    controller_stored: HostPort,
    local: ArcSwap<Capability>,
    svid: ArcSwap<X509Svid>,
    renewed: Notify,
    trust: Trust,
    routing: Arc<Routing>,
    endpoint: Endpoint,
    views: watch::Sender<Option<Arc<View>>>,
    outbox: Outbox,
    channel: ArcSwapOption<Channel>,
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Membership")
            .field("id", &self.inner.id)
            .finish_non_exhaustive()
    }
}

/// Why a new SVID couldn't be had.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// There is no link to the controller.
    #[error("no controller in reach")]
    NoController,
    /// The controller took too long.
    #[error("the controller gave no answer within {0:?}")]
    Timeout(Duration),
    /// The controller refused.
    #[error("the controller refused: {0}")]
    Refused(Box<tonic::Status>),
}

/// How long an SVID request may take.
const ISSUE_TIMEOUT: Duration = Duration::from_secs(10);

impl Membership {
    /// Joins with the token, or goes on with what an earlier start left in `data_dir`. Accepts no tunnels.
    pub async fn establish(settings: MembershipSettings) -> Result<Self, JoinError> {
        let (membership, _no_seats) = Self::establish_with(settings, |_| None).await?;
        Ok(membership)
    }

    /// Like [`establish`](Self::establish), for a host that accepts tunnels: `server` makes the TLS settings out of the trust. The
    /// seats are those of the shards beside the first, whose endpoint is the membership's.
    pub async fn establish_serving(
        settings: MembershipSettings,
        server: impl FnOnce(&Trust) -> Arc<ServerConfig>,
    ) -> Result<(Self, Vec<Seat>), JoinError> {
        Self::establish_with(settings, |trust| Some(server(trust))).await
    }

    async fn establish_with(
        settings: MembershipSettings,
        server: impl FnOnce(&Trust) -> Option<Arc<ServerConfig>>,
    ) -> Result<(Self, Vec<Seat>), JoinError> {
        let data_dir = settings.data_dir.clone();
        identity::key::create_private_dir(&data_dir)
            .map_err(|source| JoinError::data_dir(&data_dir, source))?;
        let trust: Trust = identity::bundle::trust(Bundles::new());
        let routing = Arc::new(Routing::new_unenrolled());
        let secret =
            NodeSecret::load_or_create(&data_dir.join("node.secret")).map_err(JoinError::Secret)?;
        let (endpoint, seats) =
            link::bind(&settings, &secret, Arc::clone(&routing), server(&trust))?;
        let address = link::advertised(&settings, endpoint.local_addr());
        let (stored, svid) = match store::load(&data_dir, settings.role)? {
            Some(found) => {
                if let Some(token) = &settings.join {
                    store::check_same_cluster(&found.0, token, &data_dir)?;
                    tracing::info!(dir = %data_dir.display(), "already enrolled; the join token is not used");
                }
                found
            }
            None => enrol::enrol(&settings, &address, &endpoint, &routing, &trust).await?,
        };
        let membership = Self::assemble(settings, address, stored, svid, trust, routing, endpoint)?;
        Ok((membership, seats))
    }

    fn assemble(
        settings: MembershipSettings,
        address: String,
        stored: Stored,
        svid: X509Svid,
        trust: Trust,
        routing: Arc<Routing>,
        endpoint: Endpoint,
    ) -> Result<Self, JoinError> {
        let facts = stored.facts()?;
        routing.install(facts.handle, facts.routing_keys, facts.selectors);
        trust.store(Arc::new(link::bundles_of([&facts.bundle])));
        let membership = Self {
            inner: Arc::new(Inner {
                address,
                locality: settings.locality.map(|l| l.to_string()).unwrap_or_default(),
                id: svid.id().clone(),
                trust_domain: svid.id().trust_domain().clone(),
                cluster: facts.cluster,
                handle: facts.handle,
                controller_handle: facts.controller_handle,
                controller_override: settings.controller,
                controller_stored: facts.controller,
                local: ArcSwap::from_pointee(facts.local),
                svid: ArcSwap::from_pointee(svid),
                renewed: Notify::new(),
                trust,
                routing,
                endpoint,
                views: watch::channel(None).0,
                outbox: Outbox::default(),
                channel: ArcSwapOption::empty(),
                data_dir: settings.data_dir,
                role: settings.role,
            }),
        };
        membership.restore_cached_view();
        Ok(membership)
    }

    /// The Views: the cached one first when there is one, then each that the controller sends.
    pub fn views(&self) -> watch::Receiver<Option<Arc<View>>> {
        self.inner.views.subscribe()
    }

    /// Tells the controller that a View is in force here, or why nothing was changed.
    pub fn acknowledge(&self, version: u64, outcome: Result<(), String>) {
        self.inner.outbox.acknowledge(version, outcome);
    }

    /// Tells the controller how the workloads here are, all of them.
    pub fn report_health(&self, workloads: Vec<v1::WorkloadHealth>) {
        self.inner.outbox.report_health(workloads);
    }

    /// Sets what is asked for the contents of each heartbeat.
    pub fn set_heartbeat(&self, source: impl Fn() -> v1::Heartbeat + Send + Sync + 'static) {
        self.inner.outbox.set_heartbeat(Box::new(source));
    }

    /// Asks the controller for an SVID for `id`, whose key made `csr`; leaf first.
    pub async fn issue(
        &self,
        csr: Vec<u8>,
        id: &SpiffeId,
    ) -> Result<Vec<CertificateDer<'static>>, IssueError> {
        let channel = self
            .inner
            .channel
            .load_full()
            .ok_or(IssueError::NoController)?;
        let mut client =
            tunnel::rpc::v1::control_client::ControlClient::new(Channel::clone(&channel));
        let request = v1::IssueRequest {
            spiffe_id: id.to_string(),
            csr,
        };
        let answer = tokio::time::timeout(ISSUE_TIMEOUT, client.issue(request))
            .await
            .map_err(|_| IssueError::Timeout(ISSUE_TIMEOUT))?
            .map_err(|status| IssueError::Refused(Box::new(status)))?;
        Ok(answer
            .into_inner()
            .certificates
            .into_iter()
            .map(CertificateDer::from)
            .collect())
    }

    /// Follows the controller and renews the host's SVID until told to stop.
    pub async fn run(&self, shutdown: CancellationToken) {
        tokio::select! {
            () = link::follow(self) => {}
            () = renew::run(self) => {}
            () = shutdown.cancelled() => {}
        }
    }

    /// The UDP endpoint that this host dials from, and accepts at.
    pub fn endpoint(&self) -> Endpoint {
        self.inner.endpoint.clone()
    }

    /// The host's SPIFFE ID.
    pub fn id(&self) -> &SpiffeId {
        &self.inner.id
    }

    /// The host's number in its cluster.
    pub fn handle(&self) -> Handle {
        self.inner.handle
    }

    /// The cluster that the host belongs to.
    pub fn cluster(&self) -> &ClusterName {
        &self.inner.cluster
    }

    /// The cluster's trust domain.
    pub fn trust_domain(&self) -> &TrustDomain {
        &self.inner.trust_domain
    }

    /// The bundles in force.
    pub fn trust(&self) -> &Trust {
        &self.inner.trust
    }

    /// The routing keys and selectors in force.
    pub fn routing(&self) -> &Arc<Routing> {
        &self.inner.routing
    }

    /// The host's own SVID.
    pub fn svid(&self) -> Arc<X509Svid> {
        self.inner.svid.load_full()
    }

    /// Whether the controller is in reach.
    pub fn is_linked(&self) -> bool {
        self.inner.channel.load().is_some()
    }

    /// Where this host keeps what must survive.
    pub fn data_dir(&self) -> &Path {
        &self.inner.data_dir
    }

    /// Puts the cached View in force. A cache that is missing or damaged leaves the host without a View: not ready.
    fn restore_cached_view(&self) {
        let path = self.inner.data_dir.join(cache::VIEW_FILE);
        match cache::load_view(&path) {
            Ok(None) => {}
            Ok(Some(view)) => match self.adopt(view) {
                Ok(version) => tracing::info!(version, "serving from the cached View"),
                Err(reason) => {
                    tracing::warn!(%reason, "the cached View is not usable; waiting for the controller")
                }
            },
            Err(error) => {
                tracing::warn!(%error, "the cached View is not usable; waiting for the controller")
            }
        }
    }
}
