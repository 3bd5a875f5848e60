//! The node: the data plane on one host. [`Node::start`] wires the parts from top to bottom, [`Node::run`] runs them until told to stop.
//!
//! ```text
//!                      Membership ── Views ──┬─> Credentials   SVIDs of the workloads here
//!                         ^                  ├─> Health        are they well?
//!           health, acks  │                  ├─> Inbound       tunnels in  -> apps
//!                         └──────────────────┤
//!                                            ├─> Outbound      requests out -> tunnels
//!                                            └─> Capture       apps -> requests
//! ```

use std::net::SocketAddr;
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
use tunnel::{Alpn, CloseCode, Sockets};

use crate::capture::Capture;
use crate::control::{JoinError, Membership, MembershipSettings};
use crate::credentials::Credentials;
use crate::health::Health;
use crate::inbound::Inbound;
use crate::observe::{Observer, metrics};
use crate::outbound::Outbound;
use crate::view::CurrentView;

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
}

/// Why a node didn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It isn't, and didn't become, a member of a cluster.
    #[error(transparent)]
    Join(#[from] JoinError),
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    membership: Membership,
    view: CurrentView,
    credentials: Arc<Credentials>,
    health: Arc<Health>,
    outbound: Arc<Outbound>,
    inbound: Arc<Inbound>,
    capture: Capture,
    applied: watch::Sender<u64>,
    ready: watch::Sender<bool>,
}

/// How long requests under way may take to end after the node was told to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How long callers are given to hear that the node leaves, before the port closes.
const FAREWELL: Duration = Duration::from_millis(200);

impl Node {
    /// Joins or goes on, binds, and serves the last View at once if there is one.
    pub async fn start(settings: NodeSettings) -> Result<Self, StartError> {
        let observer = Arc::new(Observer::new(&prepared(&settings.data_dir)?));
        let credentials = Arc::new(Credentials::new(settings.data_dir.join("workloads")));
        let here = settings.locality.clone().unwrap_or_default();
        let sockets = settings.sockets.clone();
        let membership = Self::join(settings, Arc::clone(&credentials)).await?;
        let health = Arc::new(Health::default());
        let trust = Arc::clone(membership.trust());
        let outbound = Arc::new(Outbound::new(
            here,
            membership.endpoint(),
            Arc::clone(&trust),
            Arc::clone(&credentials),
            Arc::clone(&observer),
        ));
        let inbound = Arc::new(Inbound::new(
            trust,
            Arc::clone(&credentials),
            Arc::clone(&health),
            observer,
        ));
        let capture = Capture::new(Arc::clone(&outbound), sockets);
        let heart = Arc::clone(&outbound);
        membership.set_heartbeat(move || heart.heartbeat());
        let node = Self {
            view: CurrentView::default(),
            credentials,
            health,
            outbound,
            inbound,
            capture,
            applied: watch::Sender::new(0),
            ready: watch::Sender::new(false),
            membership,
        };
        let cached = node.membership.views().borrow().clone();
        if let Some(view) = cached {
            node.apply(view);
        }
        Ok(node)
    }

    async fn join(
        settings: NodeSettings,
        credentials: Arc<Credentials>,
    ) -> Result<Membership, JoinError> {
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
        };
        let certificates: Arc<dyn ServerCertificates> = credentials;
        Membership::establish_serving(membership, |trust| {
            // P-3: nobody is let in without a certificate.
            tls::server(
                certificates,
                Arc::clone(trust),
                ClientAuth::Required,
                vec![Alpn::Weft1.id().to_vec()],
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

    /// Runs until told to stop, then drains.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let stop = CancellationToken::new();
        let endpoint = self.membership.endpoint();
        let work = async {
            tokio::join!(
                self.membership.run(stop.clone()),
                self.credentials
                    .run(&self.membership, self.applied.subscribe(), || self
                        .note_readiness()),
                self.health.run(),
                self.tell_health(),
                self.inbound.run(&endpoint),
                self.follow(),
                self.tick(),
            );
        };
        tokio::pin!(work);
        let told = async {
            shutdown.await;
            self.drain().await;
        };
        // The work goes on while the node drains: requests under way need it.
        tokio::select! {
            () = &mut work => {}
            () = told => {}
        }
        stop.cancel();
        self.outbound.close();
        endpoint.close(CloseCode::Draining).await;
    }

    /// Not ready, nothing new, what has begun ends within the grace, then goodbye.
    async fn drain(&self) {
        tracing::info!("draining");
        self.inbound.drain();
        self.ready.send_replace(false);
        self.membership.report_health(self.health.farewell());
        let quiet = async {
            self.capture.drain().await;
            while self.inbound.under_way() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            tokio::time::sleep(FAREWELL).await;
        };
        if timeout(GRACE, quiet).await.is_err() {
            tracing::warn!(
                under_way = self.inbound.under_way(),
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
                self.apply(view);
            }
        }
    }

    /// Puts a View in force. Trust and routing are, already; a revocation is complete when this returns.
    fn apply(&self, view: Arc<View>) {
        self.view.swap(Arc::clone(&view));
        self.credentials.apply(&view);
        self.health.apply(&view);
        self.inbound.apply(&view);
        self.outbound.apply(&view);
        self.capture.apply(&view);
        self.applied.send_replace(view.version);
        self.membership.acknowledge(view.version, Ok(()));
        metrics::view_version(view.version);
        self.note_readiness();
        tracing::debug!(version = view.version, "a View is in force");
    }

    fn note_readiness(&self) {
        // The farewell brings a View back, which must not call a draining node ready again.
        let ready_now = !self.inbound.is_draining()
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

    /// What must happen now and then.
    async fn tick(&self) {
        let mut ticks = interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.outbound.sweep();
            self.inbound.sweep();
            self.capture.retry();
            metrics::controller_linked(self.membership.is_linked());
            metrics::dropped_datagrams(self.membership.endpoint().counts().datagrams_dropped);
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
