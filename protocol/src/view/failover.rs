//! Where a service is sought, in which order, and how traffic leaves a place and comes back.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    name::ClusterName,
    resource::{Percent, defaults},
};

/// The order of places and the conditions of moving between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failover {
    /// In the order of preference.
    pub places: Vec<Place>,
    /// A place is left when fewer of its endpoints are healthy.
    pub healthy_below: Percent,
    /// An endpoint is ejected after so many errors in a row.
    pub consecutive_errors: u32,
    /// The share of requests that may leave the first place; 100 %: no cap.
    pub spill_max: Percent,
    /// How long a place must be well before traffic returns.
    pub hold: Duration,
    /// The shares in which it returns, rising to 100 %.
    pub steps: Vec<Percent>,
    /// How long each step lasts.
    pub step: Duration,
}

impl Failover {
    /// Orders `places` with everything else as the defaults table says.
    pub fn through(places: Vec<Place>) -> Self {
        Self {
            places,
            healthy_below: defaults::HEALTHY_BELOW,
            consecutive_errors: defaults::CONSECUTIVE_ERRORS,
            spill_max: defaults::SPILL_MAX,
            hold: defaults::FAILBACK_HOLD,
            steps: defaults::FAILBACK_STEPS.to_vec(),
            step: defaults::FAILBACK_EVERY,
        }
    }
}

impl Default for Failover {
    /// What holds for a service without a policy: this cluster only.
    fn default() -> Self {
        Self::through(vec![Place::only(PlaceKind::Local)])
    }
}

/// One entry of the order: one place, or several that share by weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Never empty; weights count when there are several.
    pub among: Vec<WeightedPlace>,
}

impl Place {
    /// Makes an entry of one place.
    pub fn only(kind: PlaceKind) -> Self {
        Self {
            among: vec![WeightedPlace { kind, weight: 1 }],
        }
    }
}

/// A place and its share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightedPlace {
    /// Which place.
    pub kind: PlaceKind,
    /// Its share among those of its entry; never 0.
    pub weight: u32,
}

/// A set of endpoints, seen from the caller's node.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PlaceKind {
    /// This cluster.
    Local,
    /// What a peer exports.
    Peer(ClusterName),
    /// The caller's zone.
    SameZone,
    /// The caller's region.
    SameRegion,
    /// A cloud, in any cluster.
    Cloud(String),
}

impl std::fmt::Display for PlaceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Peer(peer) => write!(f, "peer:{peer}"),
            Self::SameZone => f.write_str("zone"),
            Self::SameRegion => f.write_str("region"),
            Self::Cloud(cloud) => write!(f, "cloud:{cloud}"),
        }
    }
}
