//! Step 1: what east has, east serves.

use std::{collections::BTreeSet, time::Duration};

use crate::commands::demo::{
    load::{Load, Outcome},
    stage::{Stage, Verdict},
    trouble::DemoError,
};

/// Every call is served in east, and every instance has its share.
pub(super) async fn play(stage: &mut Stage<'_>, load: &Load) -> Result<Verdict, DemoError> {
    stage.open_home("home-a");
    stage.watch(load, Duration::from_secs(4)).await?;
    let mut verdict = Verdict::default();
    let east = load.tally.share(None, |_| true).of("east");
    verdict.expect(
        (east - 1.0).abs() < f64::EPSILON,
        format!("east serves everything, not {:.1} %", east * 100.0),
    );
    let mut instances = BTreeSet::new();
    load.tally.each(|call, _| {
        if let Outcome::Served { cluster, instance } = &call.outcome {
            instances.insert(format!("{cluster}-{instance}"));
        }
    });
    verdict.expect(
        instances.len() == 4,
        format!("both shops and both tills serve, not only {instances:?}"),
    );
    Ok(verdict)
}
