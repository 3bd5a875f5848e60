//! Step 7: a removed peer neither calls nor is called, within 10 s.

use std::time::Duration;

use tokio::time::Instant;

use crate::commands::demo::{
    load::{Expect, Flow, Load},
    stage::{Stage, Verdict},
    trouble::DemoError,
};

/// The promise.
const WITHIN: Duration = Duration::from_secs(10);
/// Quiet for so long shows that it is over.
const QUIET: Duration = Duration::from_secs(2);

/// East removes west while both call each other.
pub(super) async fn play(stage: &mut Stage<'_>, load: &Load) -> Result<Verdict, DemoError> {
    let mut verdict = Verdict::default();
    stage.watch(load, Duration::from_secs(2)).await?;
    for (whose, direction) in [
        ("west's", inbound as fn(&Flow) -> bool),
        ("east's", outbound),
    ] {
        verdict.expect(
            load.tally.last_served(direction).is_some(),
            format!("{whose} calls are served until then"),
        );
    }
    load.tally.cut();
    let removed = Instant::now();
    stage
        .world
        .east
        .weft(
            &stage.world.place,
            &["peer", "remove", "west", "--wait=10s"],
        )
        .await?;
    let quiet = stage.watch_until(load, WITHIN + QUIET, |tally| {
        removed.elapsed() > QUIET
            && tally
                .last_served(crossing)
                .is_none_or(|last| last.elapsed() > QUIET)
    });
    verdict.expect(quiet.await?, "all calls between the two stop within 10 s");
    let after = |direction: fn(&Flow) -> bool| {
        let last = load.tally.last_served(direction).unwrap_or(removed);
        last.saturating_duration_since(removed)
    };
    verdict.seconds("stopped_after_s", after(inbound));
    verdict.seconds("own_calls_stopped_after_s", after(outbound));
    verdict.expect(
        load.tally.refused() > 0,
        "calls between the two are refused from then on",
    );
    if let Some(streams) = stage.abroad.take() {
        let (broken, all) = (streams.broken().len() as u64, streams.count);
        verdict.expect(
            broken == all,
            format!("long streams to west end, all {all}, not {broken}"),
        );
    }
    Ok(verdict)
}

/// What the removal has to stop.
fn crossing(flow: &Flow) -> bool {
    flow.expect == Expect::Either
}

fn inbound(flow: &Flow) -> bool {
    crossing(flow) && !flow.from_east
}

fn outbound(flow: &Flow) -> bool {
    crossing(flow) && flow.from_east
}
