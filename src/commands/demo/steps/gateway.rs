//! Step 3: a gateway holds nothing that a connection needs, so losing it loses none.

use std::time::Duration;

use tokio::time::Instant;

use crate::commands::demo::{
    counters::Counters,
    load::{Load, Streams},
    stage::{Stage, Verdict},
    trouble::DemoError,
    world::host,
};

/// Killed and started again, while the same QUIC connections go on.
pub(super) async fn play(stage: &mut Stage<'_>, load: &Load) -> Result<Verdict, DemoError> {
    let before = Counters::read(stage.world).await?;
    stage.watch(load, Duration::from_secs(1)).await?;
    stage.world.west.gateway.child.kill().await?;
    let killed = Instant::now();
    stage.watch(load, Duration::from_millis(500)).await?;
    if !stage.leave_gateway_dead {
        let world = &mut *stage.world;
        world.west.gateway.child.start_again(&world.place)?;
        world
            .west
            .gateway
            .ready(&world.clients.http, "the gateway")
            .await?;
    }
    let again = Instant::now();
    let at_return = answered(stage);
    stage.watch(load, Duration::from_secs(4)).await?;
    let after = Counters::read(stage.world).await?;

    let mut verdict = Verdict::default();
    verdict.seconds("gateway_down_s", again - killed);
    let (lost, made) = (
        after.tunnels_closed - before.tunnels_closed,
        after.handshakes - before.handshakes,
    );
    verdict.expect(
        lost <= 0.0,
        format!("no connection is lost, but {lost} were"),
    );
    verdict.expect(
        made <= 0.0,
        format!("no connection is made anew, but {made} handshakes were made"),
    );
    let since = load
        .tally
        .share(Some(again), |flow| flow.host == host::LEDGER)
        .of("west");
    verdict.expect(
        since > 0.0,
        "west's ledger is served after the gateway's return",
    );
    let moving = at_return
        .iter()
        .zip(answered(stage))
        .all(|(earlier, later)| later > *earlier);
    verdict.expect(
        moving,
        "every long stream goes on after the gateway's return",
    );
    Ok(verdict)
}

fn answered(stage: &Stage<'_>) -> Vec<u64> {
    stage
        .abroad
        .as_ref()
        .map(Streams::answered)
        .unwrap_or_default()
}
