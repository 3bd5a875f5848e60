//! The parts of a running controller, wired once and shared by its tasks.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use identity::Trust;
use protocol::cid::Handle;
use protocol::name::{ClusterName, HostPort, TrustDomain};
use tokio::sync::watch;
use tunnel::{Endpoint, Routing};

use super::ControllerSettings;
use crate::authority::Authority;
use crate::compile::Compiled;
use crate::peer::Contacts;
use crate::push::Roster;
use crate::state::{State, UnixSeconds};
use crate::store::Store;

/// What the controller's tasks work with.
pub(crate) struct Parts {
    pub(crate) settings: ControllerSettings,
    /// Where hosts of this cluster reach this replica.
    pub(crate) advertised: HostPort,
    pub(crate) store: Store,
    pub(crate) authority: Arc<Authority>,
    pub(crate) trust: Trust,
    pub(crate) routing: Arc<Routing>,
    pub(crate) endpoint: Endpoint,
    /// This replica's handle.
    pub(crate) handle: Handle,
    pub(crate) roster: Roster,
    pub(crate) contacts: Contacts,
    /// The newest compilation of all that is known.
    pub(crate) compiled: watch::Sender<Arc<Compiled>>,
}

impl Parts {
    pub(crate) fn state(&self) -> Arc<State> {
        self.store.state()
    }

    pub(crate) fn cluster(&self) -> &ClusterName {
        &self.settings.cluster
    }

    pub(crate) fn trust_domain(&self) -> &TrustDomain {
        &self.settings.trust_domain
    }

    /// Where peers reach this cluster: the gateways it was told to advertise.
    pub(crate) fn gateways(&self) -> &[HostPort] {
        &self.settings.gateways
    }
}

/// The wall clock, for expiries that people and certificates speak of; everything else runs on the monotonic one.
pub(crate) fn unix_now() -> UnixSeconds {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
