//! Streams on which nothing moves because nobody reads at their far side. Each holds a part of the credit that all streams of its
//! tunnel share; so new work goes on another tunnel once there are a few, and those that go on like that are broken off.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};
use tunnel::{StalledStream, Tunnel};

/// A tunnel with so many stalled streams takes no new work.
pub(super) const CLOGGED: u32 = 4;
/// A stream is stalled when nothing has moved for so long.
const STALLED: Duration = Duration::from_secs(1);
/// One of a clogged tunnel is broken off after so long: others on it wait.
const GIVEN_UP: Duration = Duration::from_secs(10);

/// Watches one stream.
#[derive(Debug, Default)]
pub(super) struct Stall {
    moved: u64,
    timer: Option<Pin<Box<Sleep>>>,
    counted: Option<StalledStream>,
}

/// What is to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Goes,
    /// It has just been found stalled, or is looked at again.
    Looked,
    /// Others wait for what it holds.
    GiveUp,
}

impl Stall {
    /// Looks at it: `blocked` is whether something waits for a reader, `moved` grows with what passes. Asks to be asked again.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        tunnel: &Tunnel,
        blocked: bool,
        moved: u64,
    ) -> Verdict {
        if !blocked || moved != self.moved {
            self.moved = moved;
            self.counted = None;
            self.timer = blocked.then(|| Box::pin(tokio::time::sleep(STALLED)));
        }
        let Some(timer) = &mut self.timer else {
            return Verdict::Goes;
        };
        let mut verdict = Verdict::Goes;
        while timer.as_mut().poll(cx) == Poll::Ready(()) {
            if self.counted.is_some() && tunnel.stalled() >= CLOGGED {
                return Verdict::GiveUp;
            }
            self.counted.get_or_insert_with(|| tunnel.count_stalled());
            timer.as_mut().reset(Instant::now() + GIVEN_UP);
            verdict = Verdict::Looked;
        }
        verdict
    }
}
