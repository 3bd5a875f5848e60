//! How much a tunnel may have on its way: our own controller behind quinn's trait, by what is delivered instead of by what is lost.
//!
//! quinn's Cubic takes each loss for a full queue, so a long link that loses one packet in a hundred carries a fortieth of what it
//! could; quinn's BBR overflows the queue. Ours keeps `delivery rate × least round trip` on its way, and a little more. quinn's pacer
//! knows nothing but the window, so the window is all that is steered.
//!
//! ```text
//! acknowledgement ─> delivery (rate samples) ─┐                  ┌─ caution: loss beyond chance, CE marks
//!                    round_trip (the least)  ─┼─> Phase ─> window ┼─ policer: a rate that is cut, not queued
//!                    aggregation (bunching)  ─┘   gain           ├─ rival: a flow that fills the queue, met as Cubic would
//!                                                                └─ headroom: room for the bursts of request traffic
//! ```

mod aggregation;
mod caution;
mod controller;
mod delivery;
mod headroom;
mod phase;
mod plateau;
mod policer;
mod rate;
mod rival;
mod round;
mod round_trip;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use quinn_proto::congestion::{ControllerFactory, CubicConfig};

/// Who decides how much a tunnel may have on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Congestion {
    /// By delivery rate and least round trip: bears random loss, leaves queues short.
    #[default]
    Delivery,
    /// quinn's Cubic (RFC 9438): each loss is a full queue.
    Cubic,
}

/// The name is none of those that [`Congestion`] prints.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no congestion controller (write delivery or cubic)")]
pub struct CongestionError(String);

impl std::fmt::Display for Congestion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Delivery => "delivery",
            Self::Cubic => "cubic",
        })
    }
}

impl std::str::FromStr for Congestion {
    type Err = CongestionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Delivery, Self::Cubic]
            .into_iter()
            .find(|it| it.to_string() == text)
            .ok_or_else(|| CongestionError(text.to_owned()))
    }
}

impl Congestion {
    /// As quinn wants it: makes a controller for each path.
    pub(crate) fn factory(
        self,
        initial_window: u64,
    ) -> Arc<dyn ControllerFactory + Send + Sync + 'static> {
        match self {
            Self::Delivery => Arc::new(controller::Factory {
                initial_window,
                made: AtomicU64::new(0),
            }),
            Self::Cubic => {
                let mut cubic = CubicConfig::default();
                cubic.initial_window(initial_window);
                Arc::new(cubic)
            }
        }
    }
}
