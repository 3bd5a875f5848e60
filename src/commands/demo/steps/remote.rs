//! Step 2: what only west has is served there, through its gateway.

use std::time::Duration;

use crate::commands::demo::{
    counters::Counters,
    load::Load,
    stage::{Stage, Verdict},
    trouble::DemoError,
    world::host,
};

/// Calls by west's names are served by west, and its gateway forwarded them.
pub(super) async fn play(stage: &mut Stage<'_>, load: &Load) -> Result<Verdict, DemoError> {
    let before = Counters::read(stage.world).await?.gateway_packets;
    stage.open_abroad("abroad-a");
    stage.watch(load, Duration::from_secs(4)).await?;
    let mut verdict = Verdict::default();
    let abroad = load.tally.share(None, |flow| {
        flow.host == host::LEDGER || flow.host == host::WEST_TILL
    });
    let west = abroad.of("west");
    verdict.expect(
        (west - 1.0).abs() < f64::EPSILON,
        format!("west serves its own, not {:.1} %", west * 100.0),
    );
    let packets = Counters::read(stage.world).await?.gateway_packets - before;
    verdict.expect(packets > 0.0, "west's gateway forwards the packets");
    verdict.figure("served_by_west", abroad.total());
    verdict.figure("gateway_packets", packets as u64);
    Ok(verdict)
}
