//! Step 5: the service comes back, and gets its traffic in steps: 10, 50, 100 %, two seconds each.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::rounded;
use crate::commands::demo::{
    load::Load,
    stage::{Stage, Verdict},
    trouble::DemoError,
    world::host,
};

/// A share is taken over so long.
const WINDOW: Duration = Duration::from_millis(500);
/// How many windows of nothing but east show that it is over.
const OVER: usize = 3;
const PATIENCE: Duration = Duration::from_secs(25);

/// Every instance of east is started again; its share grows step by step.
pub(super) async fn play(stage: &mut Stage<'_>, load: &Load) -> Result<Verdict, DemoError> {
    let world = &mut *stage.world;
    for app in world.east.serving(&["shop", "till"]) {
        app.child.start_again(&world.place)?;
    }
    let started = Instant::now();
    let mut shares: Vec<(f64, f64)> = Vec::new();
    while started.elapsed() < PATIENCE && !over(&shares) {
        stage.watch(load, WINDOW).await?;
        let east = load
            .tally
            .share(Some(Instant::now() - WINDOW), |flow| {
                flow.host == host::SHOP
            })
            .of("east");
        shares.push((rounded(started.elapsed().as_secs_f64()), rounded(east)));
    }
    stage.open_home("home-b");
    stage.watch(load, Duration::from_secs(1)).await?;

    let mut verdict = Verdict::default();
    let seen = |from: f64, to: f64| {
        shares
            .iter()
            .filter(|(_, east)| (from..to).contains(east))
            .count()
    };
    let percent: Vec<f64> = shares
        .iter()
        .map(|(_, east)| (east * 100.0).round())
        .collect();
    verdict.expect(
        over(&shares),
        format!(
            "all traffic returns within {} s; east's share was {percent:?} %",
            PATIENCE.as_secs()
        ),
    );
    verdict.expect(
        seen(0.02, 0.3) > 0,
        format!("the first step gives east about 10 %; its share was {percent:?} %"),
    );
    verdict.expect(
        seen(0.3, 0.7) > 0,
        format!("the second step gives east about 50 %; its share was {percent:?} %"),
    );
    verdict.seconds(
        "returned_after_s",
        shares
            .last()
            .map_or(Duration::ZERO, |(at, _)| Duration::from_secs_f64(*at)),
    );
    verdict.figure(
        "shares",
        shares
            .iter()
            .map(|(at, east)| json!({"at_s": at, "east": east}))
            .collect::<Vec<_>>(),
    );
    Ok(verdict)
}

fn over(shares: &[(f64, f64)]) -> bool {
    shares.len() >= OVER
        && shares[shares.len() - OVER..]
            .iter()
            .all(|(_, east)| *east >= 1.0)
}
