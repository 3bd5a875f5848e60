//! The node: the data plane on one host. [`Node::start`] wires the parts from top to bottom, [`Node::run`] runs them until told to stop.
//!
//! ```text
//!                      Membership ── Views ──┬─> Credentials   SVIDs of the workloads here
//!                         ^                  ├─> Health        are they well?
//!           health, acks  │                  ├─> Inbound       tunnels in  -> apps
//!                         └──────────────────┤
//!                                            ├─> Outbound      requests out -> tunnels   ┐ each shard has
//!                                            └─> Capture       apps -> requests          ┘ its own, Inbound too
//! ```
//! The first shard runs on the thread that runs the node; with one shard there is no other. What is not of a shard stays here:
//! the link to the controller, credentials, health, readiness. A View is in force when it is on every shard.

mod crew;
mod heartbeat;
mod http3;
mod shard;

use std::net::SocketAddr;
use std::num::NonZeroU8;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use identity::tls::{self, ClientAuth, ServerCertificates};
use protocol::invitation::JoinToken;
use protocol::name::{HostPort, Label, Locality};
use protocol::view::View;
use protocol::wire::v1;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tunnel::{Alpn, CloseCode, Endpoint, Seat, Sockets};

use crate::capture::PortShare;
use crate::control::{JoinError, Membership, MembershipSettings};
use crate::credentials::Credentials;
use crate::health::Health;
use crate::inbound::limit::Limits;
use crate::observe::{Observer, metrics};
use crate::view::CurrentView;
pub use crew::ShardError;
use crew::{Crew, Endings};
pub use http3::Http3;
use shard::{Common, Shard};

/// How a node starts.
#[derive(Debug)]
pub struct NodeSettings {
    /// Everything that must survive a restart.
    pub data_dir: PathBuf,
    /// Its name in the cluster.
    pub name: Label,
    /// Its UDP address.
    pub bind: SocketAddr,
    /// Where others reach that, when it isn't the bound address.
    pub advertise: Option<HostPort>,
    /// Where it stands.
    pub locality: Option<Locality>,
    /// Needed once.
    pub join: Option<JoinToken>,
    /// The controller's address, when it isn't the token's.
    pub controller: Option<HostPort>,
    /// What an earlier process left, and who keeps this one's sockets for the next.
    pub sockets: Sockets,
    /// What its tunnels may use, and who decides how much they have on their way.
    pub limits: tunnel::Limits,
    /// Threads that carry requests, the one that runs the node among them.
    pub shards: NonZeroU8,
    /// HTTP/3, with whom and where.
    pub http3: Http3,
}

/// Why a node didn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It isn't, and didn't become, a member of a cluster.
    #[error(transparent)]
    Join(#[from] JoinError),
    /// One of its shards couldn't begin.
    #[error("a shard couldn't start")]
    Shard(#[from] ShardError),
}

/// A shard has ended that should not have: it panicked, or its socket failed. What it served, nobody serves.
#[derive(Debug, thiserror::Error)]
#[error("a shard of the node ended by itself; the log says why")]
pub struct ShardLost;

/// A running node.
#[derive(Debug)]
pub struct Node {
    membership: Membership,
    view: CurrentView,
    credentials: Arc<Credentials>,
    health: Arc<Health>,
    /// The first, which runs here.
    shard: Shard,
    /// The others.
    crew: Crew,
    endings: Endings,
    /// Where strangers may dial.
    open: Option<Endpoint>,
    applied: watch::Sender<u64>,
    ready: watch::Sender<bool>,
}

/// How long requests under way may take to end after the node was told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long callers are given to hear that the node leaves, before the port closes.
const FAREWELL: Duration = Duration::from_millis(200);

/// One shard where there are two cores or fewer, as apps want one of them; else one for each core.
#[must_use]
pub fn default_shards() -> NonZeroU8 {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let shards = if cores <= 2 { 1 } else { cores };
    u8::try_from(shards)
        .ok()
        .and_then(NonZeroU8::new)
        .unwrap_or(NonZeroU8::MAX)
}

impl Node {
    /// Joins or goes on, binds, and serves the last View at once if there is one.
    pub async fn start(settings: NodeSettings) -> Result<Self, StartError> {
        let observer = Arc::new(Observer::new(&prepared(&settings.data_dir)?));
        let credentials = Arc::new(Credentials::new(settings.data_dir.join("workloads")));
        let here = settings.locality.clone().unwrap_or_default();
        let ports = PortShare::first(settings.shards, settings.sockets.clone());
        let (http3, sockets) = (settings.http3, settings.sockets.clone());
        let data_dir = settings.data_dir.clone();
        let (membership, seats) = Self::join(settings, Arc::clone(&credentials)).await?;
        let open = http3.open(&data_dir, &sockets, membership.trust(), &credentials)?;
        let common = Common {
            here,
            trust: Arc::clone(membership.trust()),
            credentials: Arc::clone(&credentials),
            health: Arc::default(),
            observer,
            limits: Limits::default(),
            ports,
            encoding: http3.outward(),
        };
        let shard = Shard::new(&common, 0, membership.endpoint());
        let (crew, endings) = crew::start(seats, &common).await?;
        let all = [shard.clone()].into_iter().chain(crew.shards().cloned());
        let all: Vec<_> = all.map(|shard| shard.outbound).collect();
        membership.set_heartbeat(move || heartbeat::merged(all.iter().map(|out| out.heartbeat())));
        let node = Self {
            view: CurrentView::default(),
            credentials,
            health: common.health,
            shard,
            crew,
            endings,
            open,
            applied: watch::Sender::new(0),
            ready: watch::Sender::new(false),
            membership,
        };
        let cached = node.membership.views().borrow().clone();
        if let Some(view) = cached {
            node.apply(view).await;
        }
        Ok(node)
    }

    async fn join(
        settings: NodeSettings,
        credentials: Arc<Credentials>,
    ) -> Result<(Membership, Vec<Seat>), JoinError> {
        let membership = MembershipSettings {
            data_dir: settings.data_dir,
            role: v1::Role::Node,
            name: settings.name,
            bind: settings.bind,
            advertise: settings.advertise,
            locality: settings.locality,
            join: settings.join,
            controller: settings.controller,
            sockets: settings.sockets,
            limits: settings.limits,
            shards: settings.shards,
        };
        let certificates: Arc<dyn ServerCertificates> = credentials;
        Membership::establish_serving(membership, |trust| {
            // P-3: nobody is let in without a certificate.
            tls::server(
                certificates,
                Arc::clone(trust),
                ClientAuth::Required,
                vec![Alpn::Weft1.id().to_vec(), Alpn::H3.id().to_vec()],
            )
        })
        .await
    }

    /// Whether it has a View in force and an SVID for every workload here.
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Its place in the cluster.
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// The View in force.
    pub fn view(&self) -> &CurrentView {
        &self.view
    }

    /// Its UDP address.
    pub fn local_addr(&self) -> SocketAddr {
        self.membership.endpoint().local_addr()
    }

    /// Runs until told to stop, then drains. An error if a shard ends before that: what can still be said is said, then it is over.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) -> Result<(), ShardLost> {
        let stop = CancellationToken::new();
        let mut endings = std::mem::take(&mut self.endings);
        let work = async {
            tokio::join!(
                self.membership.run(stop.clone()),
                self.credentials
                    .run(&self.membership, self.applied.subscribe(), || self
                        .note_readiness()),
                self.health.run(),
                self.tell_health(),
                self.follow(),
                self.tick(),
                self.admit_strangers(),
            );
        };
        let told = async {
            shutdown.await;
            self.drain().await;
        };
        // The work goes on while the node drains: requests under way need it.
        let outcome = tokio::select! {
            () = work => Ok(()),
            () = told => Ok(()),
            () = self.shard.run() => Err(ShardLost),
            () = endings.first() => Err(ShardLost),
        };
        if let Err(lost) = &outcome {
            tracing::error!("{lost}");
        }
        stop.cancel();
        self.crew.stop();
        let farewell = async {
            if let Some(open) = &self.open {
                open.close(CloseCode::Draining).await;
            }
        };
        tokio::join!(self.shard.close(), endings.all(), farewell);
        outcome
    }

    /// Accepts at the open listener, on the first shard.
    async fn admit_strangers(&self) {
        if let Some(open) = &self.open {
            self.shard.inbound.run(open).await;
        }
    }

    /// Where HTTP/3 callers that aren't Weft nodes dial, if they may.
    pub fn open_addr(&self) -> Option<SocketAddr> {
        self.open.as_ref().map(Endpoint::local_addr)
    }

    fn shards(&self) -> impl Iterator<Item = &Shard> {
        [&self.shard].into_iter().chain(self.crew.shards())
    }

    /// Requests under way at all shards.
    fn under_way(&self) -> usize {
        self.shard.inbound.under_way()
    }

    /// Not ready, nothing new, what has begun ends within the grace, then goodbye.
    async fn drain(&self) {
        tracing::info!("draining");
        self.shards().for_each(|shard| shard.inbound.drain());
        self.ready.send_replace(false);
        self.membership.report_health(self.health.farewell());
        let quiet = async {
            tokio::join!(self.shard.capture.drain(), self.crew.drain());
            while self.under_way() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            tokio::time::sleep(FAREWELL).await;
        };
        if timeout(GRACE, quiet).await.is_err() {
            tracing::warn!(
                under_way = self.under_way(),
                "the grace is over; what is left is cut off"
            );
        }
    }

    /// Applies View after View.
    async fn follow(&self) {
        let mut views = self.membership.views();
        while views.changed().await.is_ok() {
            let view = views.borrow_and_update().clone();
            if let Some(view) = view {
                self.apply(view).await;
            }
        }
    }

    /// Puts a View in force, on all shards. Trust and routing are, already; a revocation is complete when this returns.
    async fn apply(&self, view: Arc<View>) {
        self.view.swap(Arc::clone(&view));
        self.credentials.apply(&view);
        self.health.apply(&view);
        let on_others = self.crew.apply(&view);
        self.shard.apply(&view);
        on_others.await;
        self.applied.send_replace(view.version);
        self.membership.acknowledge(view.version, Ok(()));
        metrics::view_version(view.version);
        self.note_readiness();
        tracing::debug!(version = view.version, "a View is in force");
    }

    fn note_readiness(&self) {
        // The farewell brings a View back, which must not call a draining node ready again.
        let ready_now = !self.shard.inbound.is_draining()
            && self
                .view
                .current()
                .is_some_and(|view| self.credentials.is_complete(&view));
        self.ready
            .send_if_modified(|ready| std::mem::replace(ready, ready_now) != ready_now);
        for (id, ends) in self.credentials.expiries() {
            metrics::certificate(&id, ends);
        }
        metrics::certificate(self.membership.id(), self.membership.svid().not_after());
    }

    async fn tell_health(&self) {
        loop {
            let report = self.health.news().await;
            self.membership.report_health(report);
        }
    }

    /// What is told now and then.
    async fn tick(&self) {
        let mut ticks = interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            metrics::controller_linked(self.membership.is_linked());
            metrics::datagrams(&self.membership.endpoint().counts());
        }
    }
}

/// The data directory, made if need be.
fn prepared(data_dir: &std::path::Path) -> Result<PathBuf, JoinError> {
    identity::key::create_private_dir(data_dir).map_err(|source| JoinError::DataDir {
        path: data_dir.to_owned(),
        source,
    })?;
    Ok(data_dir.to_owned())
}
