//! One [`Record`] per request feeds everything that shows requests: the access log and the golden metrics.
//!
//! A record is begun when a request arrives and finished when the last byte of its answer has passed, or when whoever asked has gone.

mod access_log;
mod connection;
pub mod metrics;
mod record;
mod series;
mod session;
mod timestamp;

use std::path::Path;
use std::sync::Arc;

use protocol::name::{Role, SpiffeId};

pub(crate) use connection::ConnectionRecord;
pub(crate) use record::Record;
pub(crate) use session::{Carried, SessionRecord};

use access_log::AccessLog;
use metrics::tcp::ConnectionSeries;
pub(crate) use metrics::tcp::Meter;
use metrics::udp::SessionSeries;
use record::Facts;
use series::{Series, SeriesTable};

/// Where records go.
#[derive(Debug)]
pub(crate) struct Observer {
    log: Option<AccessLog>,
    series: SeriesTable<Series>,
    connections: SeriesTable<ConnectionSeries>,
    sessions: SeriesTable<SessionSeries>,
}

/// Which half of a node a request passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    Outbound,
    Inbound,
}

impl Direction {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}

impl Observer {
    /// Writes the access log into `data_dir`. Without a log, requests are still served: the disk may be full.
    pub(crate) fn new(data_dir: &Path) -> Self {
        let log = AccessLog::open(data_dir.join("access.log"))
            .inspect_err(|error| tracing::warn!(%error, "there is no access log"))
            .ok();
        Self {
            log,
            series: SeriesTable::default(),
            connections: SeriesTable::default(),
            sessions: SeriesTable::default(),
        }
    }

    /// A request of a workload here.
    pub(crate) fn outbound(
        self: &Arc<Self>,
        source: &SpiffeId,
        label: Arc<str>,
        method: http::Method,
    ) -> Record {
        Record::begin(
            Arc::clone(self),
            Facts::new(Direction::Outbound, source.clone(), label, method),
        )
    }

    /// A request of a caller elsewhere.
    pub(crate) fn inbound(
        self: &Arc<Self>,
        caller: &SpiffeId,
        label: Arc<str>,
        peer: Arc<str>,
        method: http::Method,
    ) -> Record {
        let mut facts = Facts::new(Direction::Inbound, caller.clone(), label, method);
        facts.peer = peer;
        Record::begin(Arc::clone(self), facts)
    }
}

/// An identity as metrics say it: `namespace/service-account` for a workload, else its path.
pub(crate) fn label_of(id: &SpiffeId) -> Arc<str> {
    match id.role() {
        Role::Workload {
            namespace,
            service_account,
        } => format!("{namespace}/{service_account}").into(),
        Role::Node(_) | Role::Gateway(_) | Role::Controller | Role::Other => {
            id.path().trim_start_matches('/').into()
        }
    }
}
