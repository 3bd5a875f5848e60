//! How an app's bytes reach this node: explicit listeners and an HTTP proxy, both on loopback, both ending in the same place.
//!
//! Listeners come and go as Views change; one that stays goes on accepting, and only where it leads is swapped. A port that can't be
//! had is tried again each second: it doesn't keep the rest of a View from being applied, least of all a revocation.

mod connect;
mod detect;
mod http1;
mod http2;
mod http_proxy;
mod listener;
mod port_share;
mod tcp;
mod udp;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;
use protocol::name::MeshHost;
use protocol::view::{Protocol, View};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::observe::label_of;
use crate::outbound::{Outbound, Source};
pub(crate) use port_share::PortShare;

/// Where a port leads, and for whom it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lead {
    source: Arc<Source>,
    to: To,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum To {
    /// To one host.
    Host(MeshHost),
    /// To whatever host the request names.
    Named,
}

/// What a port is for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Connections(Lead),
    Packets(udp::Lead),
}

/// A port that is listened on.
#[derive(Debug)]
enum Bound {
    Connections(listener::Bound),
    Packets(udp::Bound),
}

impl Bound {
    /// Lets the port lead elsewhere; false when it is for something else.
    fn lead_to(&self, wanted: &Wanted) -> bool {
        match (self, wanted) {
            (Self::Connections(bound), Wanted::Connections(lead)) => bound.lead_to(lead),
            (Self::Packets(bound), Wanted::Packets(lead)) => bound.lead_to(lead),
            (Self::Connections(_), Wanted::Packets(_))
            | (Self::Packets(_), Wanted::Connections(_)) => false,
        }
    }

    fn close(&self) {
        match self {
            Self::Connections(bound) => bound.close(),
            Self::Packets(bound) => bound.close(),
        }
    }
}

/// All ports that apps can reach this node by.
#[derive(Debug)]
pub(crate) struct Capture {
    outbound: Arc<Outbound>,
    share: PortShare,
    ports: Mutex<Ports>,
    /// Ends connections kindly.
    stop: CancellationToken,
    connections: TaskTracker,
}

#[derive(Debug, Default)]
struct Ports {
    wanted: BTreeMap<u16, Wanted>,
    bound: BTreeMap<u16, Bound>,
    tasks: JoinSet<()>,
    drained: bool,
}

impl Capture {
    pub(crate) fn new(outbound: Arc<Outbound>, share: PortShare) -> Self {
        Self {
            outbound,
            share,
            ports: Mutex::default(),
            stop: CancellationToken::new(),
            connections: TaskTracker::new(),
        }
    }

    /// Takes over what a View says.
    pub(crate) fn apply(&self, view: &View) {
        let mut ports = self.ports.lock();
        ports.wanted = leads(view);
        self.settle(&mut ports, true);
    }

    /// Tries the ports again that couldn't be had; called once a second.
    pub(crate) fn retry(&self) {
        let mut ports = self.ports.lock();
        if ports.bound.len() < ports.wanted.len() {
            self.settle(&mut ports, false);
        }
    }

    fn settle(&self, ports: &mut Ports, tell: bool) {
        if ports.drained {
            return;
        }
        let Ports {
            wanted,
            bound,
            tasks,
            ..
        } = ports;
        bound.retain(|port, listener| {
            let stays = wanted.get(port).is_some_and(|lead| listener.lead_to(lead));
            if !stays {
                listener.close();
                self.share.release(*port);
            }
            stays
        });
        for (port, lead) in wanted {
            if bound.contains_key(port) {
                continue;
            }
            match self.bind(*port, lead, tasks) {
                Ok(listener) => {
                    tracing::debug!(port, lead = %lead, "listening");
                    bound.insert(*port, listener);
                }
                Err(error) if tell => {
                    tracing::warn!(port, lead = %lead, %error, "a listener's port can't be had; trying on")
                }
                Err(_) => {}
            }
        }
        while tasks.try_join_next().is_some() {}
    }

    /// Binds a port, and listens on it in a task.
    fn bind(&self, port: u16, wanted: &Wanted, tasks: &mut JoinSet<()>) -> io::Result<Bound> {
        let (outbound, connections) = (Arc::clone(&self.outbound), self.connections.clone());
        match wanted {
            Wanted::Connections(lead) => {
                let (bound, accepting) =
                    listener::bind(&self.share, port, lead.clone(), &self.stop)?;
                tasks.spawn(accepting.run(outbound, connections));
                Ok(Bound::Connections(bound))
            }
            Wanted::Packets(lead) => {
                let (bound, receiving) = udp::bind(&self.share, port, lead.clone(), &self.stop)?;
                tasks.spawn(receiving.run(outbound, connections));
                Ok(Bound::Packets(bound))
            }
        }
    }

    /// Accepts nothing more, lets requests under way end, and comes back when the last connection has.
    pub(crate) async fn drain(&self) {
        {
            let mut ports = self.ports.lock();
            ports.drained = true;
            std::mem::take(&mut ports.bound)
                .into_values()
                .for_each(|listener| listener.close());
        }
        self.stop.cancel();
        self.connections.close();
        self.connections.wait().await;
    }
}

/// Every port that the View wants. Of two workloads that want the same, the first in the View has it.
fn leads(view: &View) -> BTreeMap<u16, Wanted> {
    let mut leads = BTreeMap::new();
    for workload in &view.workloads {
        let id = workload.spiffe_id(&view.trust_domain);
        let source = Arc::new(Source {
            label: label_of(&id),
            id,
        });
        let lead = |to| {
            Wanted::Connections(Lead {
                source: Arc::clone(&source),
                to,
            })
        };
        for listener in &workload.listeners {
            let host = listener.host.clone();
            let service = view.services.get(&host.service);
            let wanted = if service.is_some_and(|service| service.protocol == Protocol::Udp) {
                Wanted::Packets(udp::Lead {
                    source: Arc::clone(&source),
                    host,
                })
            } else {
                lead(To::Host(host))
            };
            leads.entry(listener.port).or_insert(wanted);
        }
        if let Some(port) = workload.proxy_port {
            leads.entry(port).or_insert_with(|| lead(To::Named));
        }
    }
    leads
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connections(lead) => lead.fmt(f),
            Self::Packets(lead) => write!(f, "{} -> {} over UDP", lead.source.label, lead.host),
        }
    }
}

impl std::fmt::Display for Lead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.to {
            To::Host(host) => write!(f, "{} -> {host}", self.source.label),
            To::Named => write!(f, "{} -> proxy", self.source.label),
        }
    }
}
