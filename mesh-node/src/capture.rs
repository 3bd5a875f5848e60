//! How an app's bytes reach this node: explicit listeners and an HTTP proxy, both on loopback, both ending in the same place.
//!
//! Listeners come and go as Views change; one that stays goes on accepting, and only where it leads is swapped. A port that can't be
//! had is tried again each second: it doesn't keep the rest of a View from being applied, least of all a revocation.

mod http_proxy;
mod listener;

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use protocol::name::MeshHost;
use protocol::view::View;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tunnel::Sockets;

use crate::observe::label_of;
use crate::outbound::{Outbound, Source};
use listener::Bound;

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

/// All ports that apps can reach this node by.
#[derive(Debug)]
pub(crate) struct Capture {
    outbound: Arc<Outbound>,
    sockets: Sockets,
    ports: Mutex<Ports>,
    /// Ends connections kindly.
    stop: CancellationToken,
    connections: TaskTracker,
}

#[derive(Debug, Default)]
struct Ports {
    wanted: BTreeMap<u16, Lead>,
    bound: BTreeMap<u16, Bound>,
    tasks: JoinSet<()>,
    drained: bool,
}

impl Capture {
    pub(crate) fn new(outbound: Arc<Outbound>, sockets: Sockets) -> Self {
        Self {
            outbound,
            sockets,
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
                self.sockets.release(&listener::kept_as(*port));
            }
            stays
        });
        for (port, lead) in wanted {
            if bound.contains_key(port) {
                continue;
            }
            match listener::bind(&self.sockets, *port, lead.clone()) {
                Ok((listener, accepting)) => {
                    tracing::debug!(port, lead = %lead, "listening");
                    bound.insert(*port, listener);
                    tasks.spawn(accepting.run(
                        Arc::clone(&self.outbound),
                        self.stop.clone(),
                        self.connections.clone(),
                    ));
                }
                Err(error) if tell => {
                    tracing::warn!(port, lead = %lead, %error, "a listener's port can't be had; trying on")
                }
                Err(_) => {}
            }
        }
        while tasks.try_join_next().is_some() {}
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
fn leads(view: &View) -> BTreeMap<u16, Lead> {
    let mut leads = BTreeMap::new();
    for workload in &view.workloads {
        let id = workload.spiffe_id(&view.trust_domain);
        let source = Arc::new(Source {
            label: label_of(&id),
            id,
        });
        let listeners = workload
            .listeners
            .iter()
            .map(|listener| (listener.port, To::Host(listener.host.clone())));
        let proxy = workload.proxy_port.map(|port| (port, To::Named));
        for (port, to) in listeners.chain(proxy) {
            let lead = Lead {
                source: Arc::clone(&source),
                to,
            };
            leads.entry(port).or_insert(lead);
        }
    }
    leads
}

impl std::fmt::Display for Lead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.to {
            To::Host(host) => write!(f, "{} -> {host}", self.source.label),
            To::Named => write!(f, "{} -> proxy", self.source.label),
        }
    }
}
