//! Step 6: what west doesn't export doesn't exist for east.

use std::time::Duration;

use crate::commands::demo::{
    load::Load,
    stage::{Stage, Verdict},
    trouble::DemoError,
    world::host,
};

/// Calls to it are refused, word for word like calls to nothing (P-16).
pub(super) async fn play(stage: &mut Stage<'_>, load: &Load) -> Result<Verdict, DemoError> {
    stage.watch(load, Duration::from_secs(3)).await?;
    let mut verdict = Verdict::default();
    let hidden = stage.world.answer_for(host::VAULT).await?;
    let nothing = stage.world.answer_for(host::NOWHERE).await?;
    verdict.expect(
        hidden == nothing,
        format!("hidden and missing look the same, but:\n{hidden}\n— and —\n{nothing}"),
    );
    verdict.expect(
        load.tally.refused() > 0,
        "calls to west's vault are refused",
    );
    verdict.figure("answer", hidden.lines().next().unwrap_or_default());
    Ok(verdict)
}
