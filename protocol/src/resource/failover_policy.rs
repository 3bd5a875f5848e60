//! `FailoverPolicy`: in which order the places of a service are tried, and how traffic comes back.

mod places;

use super::{
    Metadata, Percent, defaults, field::Field, fields::Fields, format_duration, node::Node,
    target_ref,
};
use crate::{name::ServiceName, view::Failover};

/// A failover policy for some services of its namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailoverPolicy {
    /// Its name.
    pub metadata: Metadata,
    /// The services that it is for.
    pub targets: Vec<ServiceName>,
    /// What it says.
    pub failover: Failover,
}

impl FailoverPolicy {
    pub(super) fn check(metadata: Metadata, envelope: &Fields<'_>) -> Option<Self> {
        let spec = envelope.required("spec")?.fields(&[
            "targetRefs",
            "places",
            "leave",
            "spill",
            "failback",
        ])?;
        let targets = target_ref::check(&spec, &metadata.namespace);
        let places = spec.required("places").and_then(|f| places::check(&f));
        let mut failover = Failover::through(Vec::new());
        leave(&spec, &mut failover);
        spill(&spec, &mut failover);
        failback(&spec, &mut failover);
        Some(Self {
            metadata,
            targets: targets?,
            failover: Failover {
                places: places?,
                ..failover
            },
        })
    }

    pub(super) fn spec(&self) -> Node {
        let failover = &self.failover;
        let leave = [
            ("healthyBelow", Some(Node::text(failover.healthy_below))),
            (
                "consecutiveErrors",
                Some(failover.consecutive_errors.into()),
            ),
        ];
        let spill = (failover.spill_max != defaults::SPILL_MAX)
            .then(|| Node::map([("max", Some(Node::text(failover.spill_max)))]));
        let failback = [
            ("hold", Some(Node::text(format_duration(failover.hold)))),
            ("steps", Some(Node::texts(&failover.steps))),
            ("every", Some(Node::text(format_duration(failover.step)))),
        ];
        Node::map([
            ("targetRefs", Some(target_ref::to_node(&self.targets))),
            ("places", Some(places::to_node(&failover.places))),
            ("leave", Some(Node::map(leave))),
            ("spill", spill),
            ("failback", Some(Node::map(failback))),
        ])
    }
}

fn leave(spec: &Fields<'_>, failover: &mut Failover) {
    let Some(leave) = spec
        .optional("leave")
        .and_then(|f| f.fields(&["healthyBelow", "consecutiveErrors"]))
    else {
        return;
    };
    failover.healthy_below = leave.or("healthyBelow", Field::percent, failover.healthy_below);
    failover.consecutive_errors = leave.or(
        "consecutiveErrors",
        Field::count,
        failover.consecutive_errors,
    );
}

fn spill(spec: &Fields<'_>, failover: &mut Failover) {
    let Some(spill) = spec.optional("spill").and_then(|f| f.fields(&["max"])) else {
        return;
    };
    failover.spill_max = spill.or("max", Field::percent, failover.spill_max);
}

fn failback(spec: &Fields<'_>, failover: &mut Failover) {
    let Some(failback) = spec
        .optional("failback")
        .and_then(|f| f.fields(&["hold", "steps", "every"]))
    else {
        return;
    };
    failover.hold = failback.or("hold", Field::duration, failover.hold);
    failover.step = failback.or("every", Field::duration, failover.step);
    failover.steps = failback.or("steps", steps, failover.steps.clone());
}

fn steps(field: &Field<'_>) -> Option<Vec<Percent>> {
    let steps = field.some(Field::percent)?;
    let rising = steps.is_sorted_by(|a, b| a < b) && steps.first() > Some(&Percent::ZERO);
    if !rising || steps.last() != Some(&Percent::HUNDRED) {
        field.wrong_try(
            "the steps don't rise to 100%",
            "write them like [10%, 50%, 100%]",
        );
        return None;
    }
    Some(steps)
}
