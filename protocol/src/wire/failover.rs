//! Failover orders.

use std::time::Duration;

use super::{InvalidMessage, field, v1};
use crate::{
    resource::Percent,
    view::{Failover, Place, PlaceKind, WeightedPlace},
};
use v1::weighted_place::Kind;

impl From<&Failover> for v1::Failover {
    fn from(failover: &Failover) -> Self {
        Self {
            places: field::messages(&failover.places),
            healthy_below_percent: failover.healthy_below.number(),
            consecutive_errors: failover.consecutive_errors,
            spill_max_percent: failover.spill_max.number(),
            hold_millis: millis(failover.hold),
            step_percents: failover.steps.iter().map(|s| s.number()).collect(),
            step_millis: millis(failover.step),
        }
    }
}

impl TryFrom<v1::Failover> for Failover {
    type Error = InvalidMessage;
    fn try_from(message: v1::Failover) -> Result<Self, InvalidMessage> {
        if message.places.is_empty() {
            return Err(InvalidMessage::new("places", "there is none"));
        }
        let step = |(i, percent)| field::check(&format!("step_percents[{i}]"), percent);
        Ok(Self {
            places: field::each("places", message.places)?,
            healthy_below: field::check("healthy_below_percent", message.healthy_below_percent)?,
            consecutive_errors: message.consecutive_errors,
            spill_max: field::check("spill_max_percent", message.spill_max_percent)?,
            hold: Duration::from_millis(message.hold_millis),
            steps: message
                .step_percents
                .into_iter()
                .enumerate()
                .map(step)
                .collect::<Result<Vec<Percent>, _>>()?,
            step: Duration::from_millis(message.step_millis),
        })
    }
}

impl From<&Place> for v1::Place {
    fn from(place: &Place) -> Self {
        Self {
            among: field::messages(&place.among),
        }
    }
}

impl TryFrom<v1::Place> for Place {
    type Error = InvalidMessage;
    fn try_from(message: v1::Place) -> Result<Self, InvalidMessage> {
        if message.among.is_empty() {
            return Err(InvalidMessage::new("among", "there is none"));
        }
        Ok(Self {
            among: field::each("among", message.among)?,
        })
    }
}

impl From<&WeightedPlace> for v1::WeightedPlace {
    fn from(place: &WeightedPlace) -> Self {
        let kind = match &place.kind {
            PlaceKind::Local => Kind::Local(true),
            PlaceKind::Peer(peer) => Kind::Peer(peer.to_string()),
            PlaceKind::SameZone => Kind::SameZone(true),
            PlaceKind::SameRegion => Kind::SameRegion(true),
            PlaceKind::Cloud(cloud) => Kind::Cloud(cloud.clone()),
        };
        Self {
            weight: place.weight,
            kind: Some(kind),
        }
    }
}

impl TryFrom<v1::WeightedPlace> for WeightedPlace {
    type Error = InvalidMessage;
    fn try_from(message: v1::WeightedPlace) -> Result<Self, InvalidMessage> {
        let kind = match message
            .kind
            .ok_or_else(|| InvalidMessage::new("kind", "it is missing"))?
        {
            Kind::Local(true) => PlaceKind::Local,
            Kind::Peer(peer) => PlaceKind::Peer(field::parse("peer", &peer)?),
            Kind::SameZone(true) => PlaceKind::SameZone,
            Kind::SameRegion(true) => PlaceKind::SameRegion,
            Kind::Cloud(cloud) if !cloud.is_empty() => PlaceKind::Cloud(cloud),
            Kind::Local(false)
            | Kind::SameZone(false)
            | Kind::SameRegion(false)
            | Kind::Cloud(_) => {
                return Err(InvalidMessage::new("kind", "it names no place"));
            }
        };
        if message.weight == 0 {
            return Err(InvalidMessage::new("weight", "it is 0"));
        }
        Ok(Self {
            kind,
            weight: message.weight,
        })
    }
}

/// A duration as a message has it; what doesn't fit is as good as for ever.
pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
