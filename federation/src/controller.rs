//! The controller: start, run, drain.
//!
//! ```text
//!   start: data_dir ─> store ─> authority ─> found (once) ─> UDP endpoint ─> Start ─> socket
//!   run:   accept │ api │ compile │ links to peers │ upkeep, until told to stop or the disk fails
//! ```

mod accept;
mod error;
mod found;
mod parts;
mod settings;
mod upkeep;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use protocol::cid::Handle;
use protocol::name::HostPort;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tunnel::{CloseCode, Endpoint, EndpointConfig, Limits, NodeSecret, Routing};

pub use error::{RunError, StartError};
pub(crate) use parts::{Parts, unix_now};
pub use settings::ControllerSettings;

use crate::api::socket;
use crate::authority::Authority;
use crate::metrics;
use crate::peer::{Contacts, link};
use crate::push::{self, Roster};
use crate::state::{Change, HostKey, HostRole, Outcome};
use crate::store::{Owner, Store};

/// A controller that is bound to its ports and files.
pub struct Controller {
    parts: Arc<Parts>,
    listener: UnixListener,
    ready: watch::Sender<bool>,
}

impl std::fmt::Debug for Controller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Controller({} of {})",
            self.parts.settings.name,
            self.parts.cluster()
        )
    }
}

impl Controller {
    /// Opens the data directory, or founds a cluster in it, and binds the UDP port and the socket.
    pub async fn start(settings: ControllerSettings) -> Result<Self, StartError> {
        let data_dir = settings.data_dir.clone();
        identity::key::create_private_dir(&data_dir).map_err(|source| StartError::DataDir {
            path: data_dir.clone(),
            source,
        })?;
        let owner = Owner {
            cluster: settings.cluster.clone(),
            trust_domain: settings.trust_domain.clone(),
        };
        let store = Store::open(&data_dir.join("state.redb"), owner).await?;
        let authority_dir = data_dir.join("authority");
        let authority = Arc::new(Authority::open(
            &authority_dir,
            store.incarnation(),
            &settings.trust_domain,
            settings.svid_lifetime,
            SystemTime::now(),
        )?);
        found::found(&store, &settings, &authority, &authority_dir).await?;
        let trust = identity::bundle::trust(identity::Bundles::new());
        let routing = Arc::new(Routing::new_unenrolled());
        let secret = NodeSecret::load_or_create(&data_dir.join("node.secret"))?;
        let config = EndpointConfig {
            bind: settings.bind,
            secret: &secret,
            routing: Arc::clone(&routing),
            server: Some(accept::tls(Arc::clone(&authority), Arc::clone(&trust))),
            limits: limits(),
        };
        let endpoint = Endpoint::bind_in(config, &settings.sockets, "controller.udp")?;
        let advertised = settings.advertised(endpoint.local_addr());
        let handle = come_up(&store, &settings, &advertised).await?;
        let compiled = push::compile_first(&store.state()).ok_or(StartError::NotFounded)?;
        let socket_path = data_dir.join("weft.sock");
        let listener = socket::bind(&socket_path).map_err(|source| StartError::Socket {
            path: socket_path,
            source,
        })?;
        let parts = Parts {
            settings,
            advertised,
            store,
            authority,
            trust,
            routing,
            endpoint,
            handle,
            roster: Roster::new(Instant::now()),
            contacts: Contacts::default(),
            compiled: watch::channel(Arc::new(compiled)).0,
        };
        push::install(&parts, &parts.state(), &parts.compiled.borrow());
        Ok(Self {
            parts: Arc::new(parts),
            listener,
            ready: watch::channel(false).0,
        })
    }

    /// Where its UDP port is.
    pub fn local_addr(&self) -> std::net::SocketAddr {
        self.parts.endpoint.local_addr()
    }

    /// Watches whether it serves.
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.subscribe()
    }

    /// Serves until `shutdown`, or until its disk fails.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
        let Self {
            parts,
            listener,
            ready,
        } = self;
        metrics::describe();
        let mut tasks = JoinSet::new();
        tasks.spawn(push::run(Arc::clone(&parts)));
        tasks.spawn(link::run(Arc::clone(&parts)));
        tasks.spawn(upkeep::run(Arc::clone(&parts)));
        tasks.spawn(accept::run(Arc::clone(&parts)));
        tasks.spawn(serve_api(Arc::clone(&parts), listener));
        ready.send_replace(true);
        tracing::info!(cluster = %parts.cluster(), trust_domain = %parts.trust_domain(), address = %parts.endpoint.local_addr(), "the controller is ready");
        let ended = tokio::select! {
            () = shutdown => Ok(()),
            why = parts.store.failed() => Err(RunError::Store(why)),
            _ = tasks.join_next() => Err(RunError::TaskEnded),
        };
        ready.send_replace(false);
        parts.endpoint.stop_accepting();
        parts.endpoint.close(CloseCode::Draining).await;
        tasks.shutdown().await;
        parts.store.close().await;
        ended
    }
}

/// Links say often that they live: so that one to a controller that was killed and is back is dialed anew within a second or two.
fn limits() -> Limits {
    Limits {
        keep_alive: Duration::from_secs(1),
        idle: Duration::from_secs(12),
        ..Limits::default()
    }
}

/// This replica's start is a change of the state: Views of before are older than any that come (see `push::version`).
async fn come_up(
    store: &Store,
    settings: &ControllerSettings,
    advertised: &HostPort,
) -> Result<Handle, StartError> {
    let start = || Change::Start {
        host: HostKey {
            role: HostRole::Controller,
            name: settings.name.clone(),
        },
        handle: Handle::new(rand::random()),
        address: advertised.clone(),
    };
    match store.propose_drawn(start).await? {
        Outcome::Handle(handle) => Ok(handle),
        _ => Err(StartError::NotFounded),
    }
}

async fn serve_api(parts: Arc<Parts>, listener: UnixListener) {
    if let Err(error) = socket::serve(parts, listener).await {
        tracing::error!(%error, "the API socket failed");
    }
}
