//! Versions of Views, which never go back, also not over a restart.
//!
//! ```text
//!   version of a View = version of the state << 20 | step
//! ```
//! A step is a change that isn't in the state, such as a workload's health. Every start of a controller is a change of the state, so
//! steps begin anew above everything that was sent before. Towards people only the state's version is shown.

use crate::compile::STEP_BITS;

/// Steps after which a change of the state is asked for; so there is room until it comes.
const STEPS_ENOUGH: u64 = 1 << (STEP_BITS - 1);
const LAST_STEP: u64 = (1 << STEP_BITS) - 1;

/// Gives out the versions of Views.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    state: u64,
    step: u64,
}

impl Versions {
    /// The next one, for a View of this state.
    pub(crate) fn next(&mut self, state: u64) -> u64 {
        if state > self.state {
            (self.state, self.step) = (state, 0);
        } else {
            self.step = (self.step + 1).min(LAST_STEP);
        }
        (self.state << STEP_BITS) | self.step
    }

    /// Whether the state should get a new version before steps run out.
    pub(crate) fn run_short(&self) -> bool {
        self.step >= STEPS_ENOUGH
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::state_version;

    #[test]
    fn they_grow_with_each_step_and_more_with_each_state() {
        let mut versions = Versions::default();
        let drawn: Vec<u64> = [1, 1, 1, 2, 2, 5]
            .into_iter()
            .map(|state| versions.next(state))
            .collect();
        assert!(drawn.is_sorted_by(|a, b| a < b), "{drawn:?}");
        assert_eq!(
            drawn
                .iter()
                .map(|version| state_version(*version))
                .collect::<Vec<_>>(),
            [1, 1, 1, 2, 2, 5]
        );
    }

    #[test]
    fn a_start_is_above_all_that_was_sent_before() {
        let mut before = Versions::default();
        let mut last = 0;
        for _ in 0..1000 {
            last = before.next(7);
        }
        assert!(Versions::default().next(8) > last);
    }

    #[test]
    fn they_say_when_steps_run_short() {
        let mut versions = Versions {
            state: 1,
            step: STEPS_ENOUGH - 1,
        };
        assert!(!versions.run_short());
        versions.next(1);
        assert!(versions.run_short());
    }
}
