//! The services that can be called from here, with the state that choices need; rebuilt with each View, its state carried over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use protocol::cid::Capability;
use protocol::name::{ClusterName, Locality, MeshHost, Scope, ServiceName};
use protocol::view::{self, Failover as FailoverFacts, PeerRoute, Place, PlaceKind, View};

use super::budget::Budget;
use super::failover::{Failover, Health, Policy};
use super::locality;
use super::outlier::Outlier;
use super::pool::{Destination, DestinationKey, Pool};
use crate::observe::metrics::EndpointCounters;

/// Everything that can be called from here.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) local: Capability,
    pub(crate) peers: BTreeMap<ClusterName, PeerRoute>,
    services: BTreeMap<ServiceName, Arc<Service>>,
}

/// One service.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) facts: view::Service,
    pub(crate) label: Arc<str>,
    pub(crate) budget: Arc<Mutex<Budget>>,
    plans: BTreeMap<Scope, Arc<Plan>>,
    endpoints: Vec<Arc<Endpoint>>,
}

/// One endpoint: what the View says of it, and what was seen of it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) facts: view::Endpoint,
    /// The cluster it is in, as metrics say it.
    pub(crate) cluster: Arc<str>,
    pub(crate) counters: EndpointCounters,
    pub(crate) state: Arc<EndpointState>,
}

/// What was seen of an endpoint; outlives Views.
#[derive(Debug)]
pub(crate) struct EndpointState {
    pub(crate) in_flight: Arc<AtomicUsize>,
    pub(crate) outlier: Mutex<Outlier>,
    pub(crate) destination: Arc<Destination>,
}

/// The order of places for one scope of a service.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) places: Vec<PlacePlan>,
    pub(crate) failover: Mutex<Failover>,
    /// An endpoint is ejected after so many failures in a row.
    pub(crate) consecutive_errors: u32,
}

/// One place of the order.
#[derive(Debug)]
pub(crate) struct PlacePlan {
    pub(crate) name: String,
    /// Several share by weight.
    pub(crate) members: Vec<Member>,
}

/// One of the places that share a position in the order.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) weight: u32,
    pub(crate) endpoints: Vec<Arc<Endpoint>>,
}

/// How a service stands, for the controller.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FailoverStanding {
    pub(crate) service: String,
    pub(crate) place: String,
    pub(crate) share_away: f64,
}

/// Finds the service and the plan that a host means.
pub(crate) fn find(directory: &Directory, host: &MeshHost) -> Option<(Arc<Service>, Arc<Plan>)> {
    let service = directory.services.get(&host.service)?;
    let plan = service.plans.get(&host.scope)?;
    Some((Arc::clone(service), Arc::clone(plan)))
}

impl Directory {
    /// Builds the directory of a View; what `before` knew of the same endpoints and places goes on.
    pub(crate) fn build(view: &View, here: &Locality, before: Option<&Self>, pool: &Pool) -> Self {
        let services = view
            .services
            .values()
            .map(|facts| {
                let known = before.and_then(|directory| directory.services.get(&facts.name));
                (
                    facts.name.clone(),
                    Arc::new(Service::build(
                        facts,
                        view,
                        here,
                        known.map(Arc::as_ref),
                        pool,
                    )),
                )
            })
            .collect();
        Self {
            local: view.local.clone(),
            peers: view.peers.clone(),
            services,
        }
    }

    /// Whether there is such a service, in whatever cluster.
    pub(crate) fn knows(&self, service: &ServiceName) -> bool {
        self.services.contains_key(service)
    }

    /// All tunnels that some endpoint still needs.
    pub(crate) fn destinations(&self) -> impl Iterator<Item = &Arc<Destination>> {
        self.services.values().flat_map(|service| {
            service
                .endpoints
                .iter()
                .map(|endpoint| &endpoint.state.destination)
        })
    }

    /// Where each service with a choice of places goes at present.
    pub(crate) fn standings(&self, now: Instant) -> Vec<FailoverStanding> {
        let with_choice = |service: &&Arc<Service>| {
            service
                .plans
                .get(&Scope::Local)
                .is_some_and(|plan| plan.places.len() > 1)
        };
        self.services
            .values()
            .filter(with_choice)
            .filter_map(|service| service.standing(now))
            .collect()
    }
}

impl Service {
    fn build(
        facts: &view::Service,
        view: &View,
        here: &Locality,
        known: Option<&Self>,
        pool: &Pool,
    ) -> Self {
        let endpoints: Vec<_> = facts
            .endpoints
            .iter()
            // P-17: nobody serves under another trust domain than his own.
            .filter(|endpoint| belongs(endpoint, view))
            .map(|endpoint| Arc::new(Endpoint::build(&facts.name, endpoint, view, known, pool)))
            .collect();
        let mut service = Self {
            label: facts.name.to_string().into(),
            budget: known
                .map(|known| Arc::clone(&known.budget))
                .unwrap_or_default(),
            plans: BTreeMap::new(),
            endpoints,
            facts: facts.clone(),
        };
        for (scope, failover) in service.scopes() {
            let before = known.and_then(|known| known.plans.get(&scope));
            let plan = Plan::build(&failover, &service.endpoints, here, before.map(Arc::as_ref));
            service.plans.insert(scope, Arc::new(plan));
        }
        service
    }

    /// Every scope in which this service can be called, and its order of places.
    fn scopes(&self) -> Vec<(Scope, FailoverFacts)> {
        let mut peers: Vec<_> = self
            .endpoints
            .iter()
            .filter_map(|endpoint| endpoint.facts.peer.clone())
            .collect();
        peers.sort();
        peers.dedup();
        let mut scopes = vec![
            (Scope::Merged, self.merged(&peers)),
            (Scope::Local, self.facts.failover.clone()),
        ];
        for peer in peers {
            let only = FailoverFacts {
                spill_max: whole(),
                ..FailoverFacts::through(vec![Place::only(PlaceKind::Peer(peer.clone()))])
            };
            scopes.push((Scope::Peer(peer), only));
        }
        scopes
    }

    /// All clusters that have it: by policy if one says how, else this one first, and the others alike after it.
    fn merged(&self, peers: &[ClusterName]) -> FailoverFacts {
        if self.facts.failover != FailoverFacts::default() || peers.is_empty() {
            return self.facts.failover.clone();
        }
        let among = peers
            .iter()
            .map(|peer| view::WeightedPlace {
                kind: PlaceKind::Peer(peer.clone()),
                weight: 1,
            })
            .collect();
        FailoverFacts {
            spill_max: whole(),
            ..FailoverFacts::through(vec![Place::only(PlaceKind::Local), Place { among }])
        }
    }

    fn standing(&self, now: Instant) -> Option<FailoverStanding> {
        let plan = self.plans.get(&Scope::Local)?;
        let mut failover = plan.failover.lock();
        let (shares, _) = failover.shares(now, &plan.health(now));
        let most = shares
            .iter()
            .enumerate()
            .max_by(|a, b| a.1.total_cmp(b.1))
            .map_or(0, |(place, _)| place);
        Some(FailoverStanding {
            service: self.label.to_string(),
            place: plan.places.get(most)?.name.clone(),
            share_away: failover.share_away(&shares),
        })
    }
}

fn whole() -> protocol::resource::Percent {
    protocol::resource::Percent::HUNDRED
}

/// Whether an endpoint's identity is of the trust domain that its cluster has.
fn belongs(endpoint: &view::Endpoint, view: &View) -> bool {
    let trust_domain = match &endpoint.peer {
        None => Some(&view.trust_domain),
        Some(peer) => view.peers.get(peer).map(|route| &route.trust_domain),
    };
    trust_domain == Some(endpoint.spiffe_id.trust_domain())
}

impl Endpoint {
    fn build(
        service: &ServiceName,
        facts: &view::Endpoint,
        view: &View,
        known: Option<&Service>,
        pool: &Pool,
    ) -> Self {
        let same = |other: &&Arc<Self>| {
            let other = &other.facts;
            other.peer == facts.peer
                && other.handle == facts.handle
                && other.spiffe_id == facts.spiffe_id
                && other.workload == facts.workload
        };
        let before = known.and_then(|service| service.endpoints.iter().find(same));
        let state = match before {
            Some(before) => {
                if facts.healthy && !before.facts.healthy {
                    // Its own node has found it well: that outweighs what was seen from here.
                    before.state.outlier.lock().succeeded();
                }
                Arc::clone(&before.state)
            }
            None => Arc::new(EndpointState {
                in_flight: Arc::default(),
                outlier: Mutex::default(),
                destination: pool.destination(DestinationKey {
                    peer: facts.peer.clone(),
                    handle: facts.handle,
                    id: facts.spiffe_id.clone(),
                }),
            }),
        };
        let cluster: Arc<str> = facts
            .peer
            .as_ref()
            .unwrap_or(&view.cluster)
            .to_string()
            .into();
        let counters = EndpointCounters::new(&service.to_string(), &cluster);
        Self {
            facts: facts.clone(),
            cluster,
            counters,
            state,
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.state.in_flight.load(Ordering::Relaxed)
    }

    /// Whether it could serve, as far as anybody knows.
    pub(crate) fn counts_as_healthy(&self, now: Instant) -> bool {
        self.facts.healthy && self.state.outlier.lock().counts_as_healthy(now)
    }
}

impl Plan {
    fn build(
        facts: &FailoverFacts,
        endpoints: &[Arc<Endpoint>],
        here: &Locality,
        before: Option<&Self>,
    ) -> Self {
        let places: Vec<_> = facts
            .places
            .iter()
            .map(|place| PlacePlan::build(place, endpoints, here))
            .collect();
        let home = facts
            .places
            .iter()
            .map(|place| {
                place
                    .among
                    .iter()
                    .all(|member| locality::is_home(&member.kind))
            })
            .collect();
        let policy = Policy {
            healthy_below: facts.healthy_below.fraction(),
            spill_max: facts.spill_max.fraction(),
            hold: facts.hold,
            steps: facts
                .steps
                .iter()
                .map(|percent| percent.fraction())
                .collect(),
            step: facts.step,
        };
        let failover = before
            .map(|before| before.failover.lock().clone())
            .filter(|failover| failover.is_for(&policy, places.len()))
            .unwrap_or_else(|| Failover::new(policy, home));
        Self {
            places,
            failover: Mutex::new(failover),
            consecutive_errors: facts.consecutive_errors.max(1),
        }
    }

    /// The health of every place.
    pub(crate) fn health(&self, now: Instant) -> Vec<Health> {
        self.places.iter().map(|place| place.health(now)).collect()
    }
}

impl PlacePlan {
    fn build(place: &Place, endpoints: &[Arc<Endpoint>], here: &Locality) -> Self {
        let name = place
            .among
            .iter()
            .map(|member| member.kind.to_string())
            .collect::<Vec<_>>()
            .join(",");
        let members = place
            .among
            .iter()
            .map(|member| Member {
                weight: member.weight.max(1),
                endpoints: endpoints
                    .iter()
                    .filter(|e| locality::is_in(&member.kind, &e.facts, here))
                    .cloned()
                    .collect(),
            })
            .collect();
        Self { name, members }
    }

    fn health(&self, now: Instant) -> Health {
        let all = || self.members.iter().flat_map(|member| &member.endpoints);
        Health {
            healthy: all()
                .filter(|endpoint| endpoint.counts_as_healthy(now))
                .count(),
            total: all().count(),
        }
    }
}
