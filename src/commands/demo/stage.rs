//! Where the steps play: the world, what is shown, the long streams, and what a step says of its expectations.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    audit::Audit,
    load::{Load, Streams, Tally},
    screen::Screen,
    trouble::DemoError,
    world::{World, host},
};

/// How often the world is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// A step that fails this often isn't watched any longer.
const ENOUGH_FAILURES: u64 = 200;
/// Long streams to each name.
const STREAMS: u64 = 6;

/// Everything a step may act upon.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    /// The two clusters.
    pub(super) world: &'a mut World,
    /// What is shown.
    pub(super) screen: Screen,
    /// What the applications recorded.
    pub(super) audit: Audit,
    /// Long streams to east's till.
    pub(super) home: Option<Streams>,
    /// Long streams to west's till, through its gateway.
    pub(super) abroad: Option<Streams>,
    /// Whether the killed gateway stays dead.
    pub(super) leave_gateway_dead: bool,
    began: Instant,
}

/// What a step found beyond what every step looks at.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Expectations that didn't hold.
    pub(super) unmet: Vec<String>,
    /// What was measured.
    pub(super) figures: BTreeMap<&'static str, Value>,
}

impl Verdict {
    /// Notes an expectation, as a sentence that says what had to be.
    pub(super) fn expect(&mut self, held: bool, sentence: impl Into<String>) {
        if !held {
            self.unmet.push(sentence.into());
        }
    }

    /// Notes a time that was measured, to the hundredth of a second.
    pub(super) fn seconds(&mut self, name: &'static str, time: Duration) {
        self.figure(name, (time.as_secs_f64() * 100.0).round() / 100.0);
    }

    /// Notes a figure.
    pub(super) fn figure(&mut self, name: &'static str, value: impl Into<Value>) {
        self.figures.insert(name, value.into());
    }
}

impl<'a> Stage<'a> {
    /// Before the first step.
    pub(super) fn new(world: &'a mut World, screen: Screen, leave_gateway_dead: bool) -> Self {
        let began = Instant::now();
        Self {
            world,
            screen,
            audit: Audit::default(),
            home: None,
            abroad: None,
            leave_gateway_dead,
            began,
        }
    }

    /// Since the first step.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Opens the long streams to east's till.
    pub(super) fn open_home(&mut self, name: &'static str) {
        let port = self.world.listener(host::TILL).port();
        self.home = Some(Streams::open(&self.world.clients, name, port, STREAMS));
    }

    /// Opens the long streams to west's till.
    pub(super) fn open_abroad(&mut self, name: &'static str) {
        let port = self.world.listener(host::WEST_TILL).port();
        self.abroad = Some(Streams::open(&self.world.clients, name, port, STREAMS));
    }

    /// Lets the load run for a while.
    pub(super) async fn watch(&mut self, load: &Load, time: Duration) -> Result<(), DemoError> {
        self.watch_until(load, time, |_| false).await.map(drop)
    }

    /// Lets the load run until something is true of it, at most for `time`; whether it came true.
    pub(super) async fn watch_until(
        &mut self,
        load: &Load,
        time: Duration,
        mut come: impl FnMut(&Tally) -> bool,
    ) -> Result<bool, DemoError> {
        let until = Instant::now() + time;
        loop {
            self.world.check()?;
            self.screen.progress(&load.tally);
            if come(&load.tally) {
                return Ok(true);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || load.tally.failures() > ENOUGH_FAILURES {
                return Ok(false);
            }
            sleep(LOOK.min(left)).await;
        }
    }
}
