//! Which endpoints belong to a place, seen from where this node stands. Pure.

use protocol::name::Locality;
use protocol::view::{Endpoint, PlaceKind};

/// Whether an endpoint is in a place.
pub(crate) fn is_in(place: &PlaceKind, endpoint: &Endpoint, here: &Locality) -> bool {
    match place {
        PlaceKind::Local => endpoint.peer.is_none(),
        PlaceKind::Peer(peer) => endpoint.peer.as_ref() == Some(peer),
        PlaceKind::SameZone => endpoint.peer.is_none() && here.same_zone(&endpoint.locality),
        PlaceKind::SameRegion => endpoint.peer.is_none() && here.same_region(&endpoint.locality),
        PlaceKind::Cloud(cloud) => endpoint.locality.cloud() == Some(cloud.as_str()),
    }
}

/// Whether a place is this cluster, or a part of it.
pub(crate) fn is_home(place: &PlaceKind) -> bool {
    match place {
        PlaceKind::Local | PlaceKind::SameZone | PlaceKind::SameRegion => true,
        PlaceKind::Peer(_) | PlaceKind::Cloud(_) => false,
    }
}
