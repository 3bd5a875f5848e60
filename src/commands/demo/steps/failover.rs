//! Step 4: a whole service dies in east; its callers notice nothing.

use std::time::Duration;

use tokio::time::Instant;

use crate::commands::demo::{
    load::{Flow, Load},
    stage::{Stage, Verdict},
    trouble::DemoError,
    world::host,
};

/// What is killed.
const SERVICES: [&str; 2] = ["shop", "till"];
/// All of it must go to west for as long before the switch counts as done.
const SETTLED: Duration = Duration::from_millis(500);

/// Every instance of east is killed; west serves.
pub(super) async fn play(stage: &mut Stage<'_>, load: &Load) -> Result<Verdict, DemoError> {
    let mut verdict = Verdict::default();
    if let Some(mut streams) = stage.home.take() {
        // Their instances are about to die: they end as they should, and west's go on.
        verdict.unmet.extend(streams.close().await);
    }
    for app in stage.world.east.serving(&SERVICES) {
        app.child.kill().await?;
    }
    let killed = Instant::now();
    let settled = stage.watch_until(load, Duration::from_secs(10), |tally| {
        let share = tally.share(Some(Instant::now() - SETTLED), either);
        killed.elapsed() > SETTLED && share.total() > 0 && share.of("east") <= 0.0
    });
    let settled = settled.await?;
    verdict.expect(settled, "all traffic goes to west within 10 s");
    if settled {
        verdict.seconds("switched_after_s", killed.elapsed().saturating_sub(SETTLED));
    }
    let since = Instant::now();
    stage.watch(load, Duration::from_secs(3)).await?;
    let share = load.tally.share(Some(since), either);
    verdict.expect(
        share.total() > 0 && share.of("east") <= 0.0,
        "west serves everything from then on",
    );
    Ok(verdict)
}

/// The names that either cluster can serve.
fn either(flow: &Flow) -> bool {
    flow.host == host::SHOP || flow.host == host::TILL
}
