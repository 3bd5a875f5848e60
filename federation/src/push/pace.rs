//! Compiles anew whenever something changed, bursts merged, and publishes the newest.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::version::Versions;
use crate::compile::{Compiled, Health, compile};
use crate::controller::{Parts, unix_now};
use crate::state::{Change, State};

/// The least time between two compilations; what changes in between is in the later one.
const SPACING: Duration = Duration::from_millis(20);
/// How often time alone may change something: a silent host, a new day's server names.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// What is compiled before anybody follows.
pub(crate) fn compile_first(state: &State) -> Option<Compiled> {
    compile(
        state,
        &Health {
            presume: true,
            ..Health::default()
        },
        unix_now(),
        Versions::default().next(state.version),
    )
}

/// Compiles for as long as it is polled.
pub(crate) async fn run(parts: Arc<Parts>) {
    let mut versions = Versions::default();
    versions.next(parts.compiled.borrow().state_version());
    let (mut changes, mut health) = (parts.store.watch(), parts.roster.watch_health());
    let mut ticks = tokio::time::interval(LOOK_AROUND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut earliest = Instant::now();
    loop {
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return },
            changed = health.changed() => if changed.is_err() { return },
            now = ticks.tick() => parts.roster.expire(now),
        }
        tokio::time::sleep_until(earliest).await;
        earliest = Instant::now() + SPACING;
        let state = changes.borrow_and_update().clone();
        health.mark_unchanged();
        publish(&parts, &mut versions, &state);
        if versions.run_short()
            && let Err(error) = parts.store.propose(Change::Tick).await
        {
            tracing::error!(%error, "the versions of Views cannot go on");
        }
    }
}

/// Publishes a compilation unless it says the same of the same state.
fn publish(parts: &Parts, versions: &mut Versions, state: &State) {
    let current = parts.compiled.borrow().clone();
    let health = parts.roster.health(Instant::now());
    let Some(mut compiled) = compile(state, &health, unix_now(), current.version()) else {
        return;
    };
    if current.state_version() == state.version && compiled == *current {
        return;
    }
    compiled.set_version(versions.next(state.version));
    if current.state_version() != state.version {
        install(parts, state, &compiled);
    }
    parts.compiled.send_replace(Arc::new(compiled));
}

/// Takes the controller's own doors and trust from what was compiled.
pub(crate) fn install(parts: &Parts, state: &State, compiled: &Compiled) {
    parts.trust.store(Arc::new(compiled.bundles()));
    if let Some(keys) = &state.routing_keys {
        parts.routing.install(
            parts.handle,
            keys.clone(),
            state.selectors.values().cloned().collect(),
        );
    }
}
