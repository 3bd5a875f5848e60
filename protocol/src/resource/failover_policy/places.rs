//! The places of a failover order: `{zone: same}`, `{region: same}`, `{cluster: local}`, `{peer: NAME}`, `{cloud: NAME}`, or
//! several of them under `weighted`.

use crate::{
    resource::{defaults, field::Field, fields::Fields, node::Node},
    view::{Place, PlaceKind, WeightedPlace},
};

const KINDS: [&str; 5] = ["zone", "region", "cluster", "peer", "cloud"];

/// Reads the order: at least one place, none of them twice.
pub(super) fn check(field: &Field<'_>) -> Option<Vec<Place>> {
    let places = field.some(place)?;
    let mut seen = Vec::new();
    for kind in places.iter().flat_map(|p| &p.among).map(|w| &w.kind) {
        if seen.contains(&kind) {
            field.wrong(format!("the place {kind} is there twice"));
        }
        seen.push(kind);
    }
    Some(places)
}

fn place(field: &Field<'_>) -> Option<Place> {
    let fields = field.fields(&["zone", "region", "cluster", "peer", "cloud", "weighted"])?;
    let Some(weighted) = fields.optional("weighted") else {
        return kind(&fields).map(Place::only);
    };
    if !fields.present(&KINDS).is_empty() {
        fields.wrong("weighted stands alone");
    }
    Some(Place {
        among: weighted.some(weighted_place)?,
    })
}

fn weighted_place(field: &Field<'_>) -> Option<WeightedPlace> {
    let fields = field.fields(&["zone", "region", "cluster", "peer", "cloud", "weight"])?;
    let weight = fields.or("weight", Field::count, defaults::WEIGHT);
    Some(WeightedPlace {
        kind: kind(&fields)?,
        weight,
    })
}

fn kind(fields: &Fields<'_>) -> Option<PlaceKind> {
    let [name] = fields.present(&KINDS)[..] else {
        fields.wrong(format!("exactly one of {} is expected", KINDS.join(", ")));
        return None;
    };
    let value = fields.optional(name)?;
    match name {
        "zone" => only(&value, "same", PlaceKind::SameZone),
        "region" => only(&value, "same", PlaceKind::SameRegion),
        "cluster" => only(&value, "local", PlaceKind::Local),
        "peer" => value.parse().map(PlaceKind::Peer),
        _ => cloud(&value),
    }
}

fn only(field: &Field<'_>, word: &str, kind: PlaceKind) -> Option<PlaceKind> {
    if field.text()? == word {
        return Some(kind);
    }
    let hint = match kind {
        PlaceKind::Local => format!("write {word}; another cluster is {{peer: NAME}}"),
        _ => format!("write {word}"),
    };
    field.wrong_try("there is no such place", hint);
    None
}

/// A cloud is called as in localities.
fn cloud(field: &Field<'_>) -> Option<PlaceKind> {
    let locality: crate::name::Locality = field.parse()?;
    match locality.cloud() {
        Some(cloud) if locality.region().is_none() && locality.zone().is_none() => {
            Some(PlaceKind::Cloud(cloud.to_owned()))
        }
        _ => {
            field.wrong("the name of a cloud is expected");
            None
        }
    }
}

/// Writes the order.
pub(super) fn to_node(places: &[Place]) -> Node {
    Node::list(places.iter().map(|place| match place.among.as_slice() {
        [
            WeightedPlace {
                kind,
                weight: defaults::WEIGHT,
            },
        ] => Node::map([kind_entry(kind)]),
        among => Node::map([(
            "weighted",
            Some(Node::list(among.iter().map(weighted_node))),
        )]),
    }))
}

fn weighted_node(place: &WeightedPlace) -> Node {
    Node::map([
        kind_entry(&place.kind),
        ("weight", Some(place.weight.into())),
    ])
}

fn kind_entry(kind: &PlaceKind) -> (&'static str, Option<Node>) {
    let (key, value) = match kind {
        PlaceKind::Local => ("cluster", Node::text("local")),
        PlaceKind::Peer(peer) => ("peer", Node::text(peer)),
        PlaceKind::SameZone => ("zone", Node::text("same")),
        PlaceKind::SameRegion => ("region", Node::text("same")),
        PlaceKind::Cloud(cloud) => ("cloud", Node::text(cloud)),
    };
    (key, Some(value))
}
