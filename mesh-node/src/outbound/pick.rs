//! One endpoint for one attempt: place → health → load.

use std::sync::Arc;
use std::time::Instant;

use super::balance::{self, Load};
use super::failover::Placement;
use super::outlier::Admission;
use super::service::{Endpoint, PlacePlan, Plan};

/// Randomness for one choice, handed in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draws {
    pub(crate) place: f64,
    pub(crate) member: u32,
    pub(crate) endpoint: [u32; 2],
}

impl Draws {
    pub(crate) fn new() -> Self {
        Self {
            place: rand::random(),
            member: rand::random(),
            endpoint: rand::random(),
        }
    }
}

/// A choice.
#[derive(Debug, Clone)]
pub(crate) struct Picked {
    pub(crate) endpoint: Arc<Endpoint>,
    /// Whether the request leaves home.
    pub(crate) spilled: bool,
}

/// Why there is nobody to send to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Nowhere {
    /// No place has any endpoint.
    NoEndpoint,
    /// The spill cap keeps the request at home, and nobody is there.
    Shed,
}

/// Picks an endpoint, one that `tried` doesn't hold if there is any.
pub(crate) fn endpoint(
    plan: &Plan,
    now: Instant,
    draws: Draws,
    tried: &[Arc<Endpoint>],
) -> Result<Picked, Nowhere> {
    let placement = plan
        .failover
        .lock()
        .place(now, &plan.health(now), draws.place);
    let Placement::At { place, spilled } = placement else {
        let any = plan.places.iter().any(|place| {
            place
                .members
                .iter()
                .any(|member| !member.endpoints.is_empty())
        });
        return Err(if any {
            Nowhere::Shed
        } else {
            Nowhere::NoEndpoint
        });
    };
    let chosen = plan
        .places
        .get(place)
        .and_then(|place| choose(place, now, draws, tried));
    let endpoint = chosen.ok_or(Nowhere::NoEndpoint)?;
    endpoint.state.outlier.lock().sent(now);
    Ok(Picked { endpoint, spilled })
}

fn choose(
    place: &PlacePlan,
    now: Instant,
    draws: Draws,
    tried: &[Arc<Endpoint>],
) -> Option<Arc<Endpoint>> {
    let is_fresh = |endpoint: &Arc<Endpoint>| {
        !tried
            .iter()
            .any(|other| Arc::ptr_eq(&other.state, &endpoint.state))
    };
    // A probe is worth a request as long as somebody else can take it over.
    let mut probes = place.members.iter().flat_map(|member| &member.endpoints);
    let is_due = |endpoint: &&Arc<Endpoint>| {
        endpoint.facts.healthy
            && admission(endpoint, now) == Admission::ProbeDue
            && is_fresh(endpoint)
    };
    if let Some(probe) = probes.find(is_due) {
        return Some(Arc::clone(probe));
    }
    let admitted = |endpoint: &Arc<Endpoint>| {
        endpoint.facts.healthy && admission(endpoint, now) == Admission::In
    };
    among(place, draws, |endpoint| {
        admitted(endpoint) && is_fresh(endpoint)
    })
    .or_else(|| among(place, draws, admitted))
    // Panic: everybody is out, so nobody is: an endpoint that was wrongly ejected beats none.
    .or_else(|| {
        among(place, draws, |endpoint| {
            endpoint.facts.healthy && is_fresh(endpoint)
        })
    })
    .or_else(|| among(place, draws, is_fresh))
    .or_else(|| among(place, draws, |_| true))
}

fn admission(endpoint: &Endpoint, now: Instant) -> Admission {
    endpoint.state.outlier.lock().admission(now)
}

/// A member by weight, then the less busy of two of its endpoints.
fn among(
    place: &PlacePlan,
    draws: Draws,
    fits: impl Fn(&Arc<Endpoint>) -> bool,
) -> Option<Arc<Endpoint>> {
    let candidates: Vec<(u32, Vec<&Arc<Endpoint>>)> = place
        .members
        .iter()
        .map(|member| {
            (
                member.weight,
                member
                    .endpoints
                    .iter()
                    .filter(|endpoint| fits(endpoint))
                    .collect::<Vec<_>>(),
            )
        })
        .filter(|(_, endpoints)| !endpoints.is_empty())
        .collect();
    let total: u64 = candidates
        .iter()
        .map(|(weight, _)| u64::from(*weight))
        .sum();
    let mut left = (u64::from(draws.member) * total) >> 32;
    for (weight, endpoints) in &candidates {
        if left < u64::from(*weight) {
            let loads: Vec<Load> = endpoints
                .iter()
                .map(|e| Load {
                    in_flight: e.in_flight(),
                    weight: e.facts.weight,
                })
                .collect();
            return balance::choose(&loads, draws.endpoint).map(|at| Arc::clone(endpoints[at]));
        }
        left -= u64::from(*weight);
    }
    None
}
