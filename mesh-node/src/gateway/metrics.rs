//! The gateway's metrics: names, help texts, and handles that cost one atomic addition a packet.

use std::sync::Arc;

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};
use protocol::forward::DropReason;
use tunnel::Run;

/// Counts datagrams forwarded.
pub const PACKETS: &str = "weft_gateway_packets_total";
/// Counts bytes of datagrams forwarded.
pub const BYTES: &str = "weft_gateway_bytes_total";
/// Counts datagrams dropped.
pub const DROPS: &str = "weft_gateway_drops_total";
/// Gauges the flows.
pub const FLOWS: &str = "weft_gateway_flows";
/// The label that says which way: [`IN`] or [`OUT`].
pub const DIRECTION: &str = "direction";
/// From a caller to a node or controller.
pub const IN: &str = "in";
/// From a node or controller to a caller.
pub const OUT: &str = "out";
/// The label that says why, see [`DropReason::label`].
pub const REASON: &str = "reason";

/// Gives the recorder the help texts.
pub fn describe() {
    describe_counter!(
        PACKETS,
        Unit::Count,
        "Datagrams forwarded, by direction (in: to a node, out: to a caller)"
    );
    describe_counter!(
        BYTES,
        Unit::Bytes,
        "Bytes of datagrams forwarded, UDP payload only, by direction"
    );
    describe_counter!(
        DROPS,
        Unit::Count,
        "Datagrams dropped in silence, by reason"
    );
    describe_gauge!(
        FLOWS,
        Unit::Count,
        "Pairs of caller address and handle that have a way back open"
    );
}

/// The registered counters.
#[derive(Clone, Debug)]
pub(super) struct Meters(Arc<Registered>);

#[derive(Debug)]
struct Registered {
    to_node: Direction,
    to_caller: Direction,
    drops: [Counter; DropReason::ALL.len()],
    flows: Gauge,
}

#[derive(Debug)]
struct Direction {
    packets: Counter,
    bytes: Counter,
}

impl Meters {
    /// Registers all of them with the recorder in place, each with its zero.
    pub(super) fn register() -> Self {
        describe();
        let direction = |way| Direction {
            packets: counter!(PACKETS, DIRECTION => way),
            bytes: counter!(BYTES, DIRECTION => way),
        };
        let registered = Registered {
            to_node: direction(IN),
            to_caller: direction(OUT),
            drops: DropReason::ALL.map(|reason| counter!(DROPS, REASON => reason.label())),
            flows: gauge!(FLOWS),
        };
        for way in [&registered.to_node, &registered.to_caller] {
            way.forwarded(0, 0);
        }
        registered
            .drops
            .iter()
            .for_each(|counter| counter.increment(0));
        registered.flows.set(0);
        Self(Arc::new(registered))
    }

    pub(super) fn to_node(&self, run: &Run<'_>) {
        self.0.to_node.forwarded(run.count(), run.bytes.len());
    }

    pub(super) fn to_caller(&self, run: &Run<'_>) {
        self.0.to_caller.forwarded(run.count(), run.bytes.len());
    }

    pub(super) fn dropped(&self, reason: DropReason, packets: usize) {
        self.0.drops[reason as usize].increment(packets as u64);
    }

    pub(super) fn flows(&self, count: usize) {
        self.0.flows.set(count as f64);
    }
}

impl Direction {
    fn forwarded(&self, packets: usize, bytes: usize) {
        self.packets.increment(packets as u64);
        self.bytes.increment(bytes as u64);
    }
}
