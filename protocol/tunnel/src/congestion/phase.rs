//! What is being found out: first how much the path carries at all, then, over and over, whether it carries more.

use super::caution::Verdict;
use super::rate::Rate;

/// Growth that counts as growth.
const GROWS_PERCENT: u64 = 125;
/// Rounds without growth after which the path is full.
const FLAT_ROUNDS: u8 = 3;
/// The share of the model, in percent, while more is tried: less after tries that overflowed the queue.
const UP_MOST: u64 = 130;
const UP_LEAST: u64 = 110;
/// In between: enough that a path that has become wider is noticed.
const CRUISE: u64 = 105;
/// The same while a queue never runs empty. Flows of our kind let it run out together so.
const STANDING: u64 = 96;
/// Rounds by which tries are put off at most.
const PATIENCE: u8 = 16;

/// What a round told the state machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// The best rate so far.
    pub(super) rate: Rate,
    /// The window, not the application, held it back.
    pub(super) window_limited: bool,
    /// Even the shortest round trip shows a queue, if a small one.
    pub(super) standing: bool,
    /// The round trip shows a queue.
    pub(super) queued: bool,
    pub(super) verdict: Verdict,
    /// More than chance was lost in this round alone.
    pub(super) lossy: bool,
    /// The least round trip must be looked for.
    pub(super) stale: bool,
    /// Nothing more is on its way than the path holds.
    pub(super) drained: bool,
}

/// The states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Doubles each round until the rate stops growing or a queue shows.
    Startup {
        /// The best rate when it last grew.
        full: Rate,
        /// Rounds since.
        flat: u8,
    },
    /// Lets the queue of the start-up run out.
    Drain {
        /// Rounds so far.
        rounds: u8,
    },
    /// Uses what was found.
    Cruise {
        /// Rounds to go.
        left: u8,
    },
    /// Tries more.
    Up {
        /// The best rate before.
        before: Rate,
    },
    /// Lets the queue of the try run out.
    Down,
    /// Nearly empties the path, to see the least round trip.
    Look {
        /// Rounds so far.
        rounds: u8,
    },
}

/// The state machine.
#[derive(Debug, Clone)]
pub(super) struct Phases {
    phase: Phase,
    up: u64,
    /// Rounds by which the next try is put off, since the last ones overflowed the queue.
    patience: u8,
    /// The last round's queue never ran empty.
    standing: bool,
    random: u64,
}

impl Phases {
    /// `seed` keeps flows from trying in step.
    pub(super) const fn new(seed: u64) -> Self {
        Self {
            phase: Phase::Startup {
                full: Rate(0),
                flat: 0,
            },
            up: UP_MOST,
            patience: 0,
            standing: false,
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        }
    }

    pub(super) const fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) const fn starting(&self) -> bool {
        matches!(self.phase, Phase::Startup { .. })
    }

    /// The share of the model that the window gets, in percent.
    pub(super) const fn gain(&self) -> u64 {
        match self.phase {
            Phase::Startup { .. } => 200,
            Phase::Drain { .. } => 75,
            Phase::Cruise { .. } if self.standing => STANDING,
            Phase::Cruise { .. } => CRUISE,
            Phase::Up { .. } => self.up,
            Phase::Down => 85,
            Phase::Look { .. } => 60,
        }
    }

    /// A round is over.
    pub(super) fn round(&mut self, told: Told) {
        self.standing = told.standing;
        self.phase = match self.phase {
            Phase::Startup { full, flat } => started(full, flat, told),
            Phase::Drain { rounds } if !told.drained && rounds < 2 => {
                Phase::Drain { rounds: rounds + 1 }
            }
            Phase::Drain { .. } | Phase::Down => self.cruise(),
            Phase::Look { rounds } if rounds < 1 => Phase::Look { rounds: rounds + 1 },
            Phase::Look { .. } => self.cruise(),
            Phase::Cruise { .. } if told.stale => Phase::Look { rounds: 0 },
            // Where the application sets the pace there is nothing to try.
            Phase::Cruise { left } if left > 0 || !told.window_limited => Phase::Cruise {
                left: left.saturating_sub(1),
            },
            Phase::Cruise { .. } => Phase::Up { before: told.rate },
            Phase::Up { before } => self.tried(before, told),
        };
    }

    fn tried(&mut self, before: Rate, told: Told) -> Phase {
        if told.lossy || told.verdict != Verdict::Fine {
            self.up = (self.up.saturating_sub(10)).max(UP_LEAST);
            self.patience = (self.patience * 2 + 4).min(PATIENCE);
            return Phase::Down;
        }
        self.up = (self.up + 5).min(UP_MOST);
        self.patience /= 2;
        let grew = told.rate.0 > before.0.saturating_add(before.0 / 8);
        if grew && !told.queued {
            Phase::Up { before: told.rate }
        } else {
            Phase::Down
        }
    }

    fn cruise(&mut self) -> Phase {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        Phase::Cruise {
            left: 2 + self.patience + (self.random % 4) as u8,
        }
    }
}

fn started(full: Rate, flat: u8, told: Told) -> Phase {
    if told.queued || told.verdict != Verdict::Fine {
        return Phase::Drain { rounds: 0 };
    }
    if told.rate.0 > super::rate::percent(full.0, GROWS_PERCENT) {
        return Phase::Startup {
            full: told.rate,
            flat: 0,
        };
    }
    if !told.window_limited {
        return Phase::Startup { full, flat };
    }
    if flat + 1 >= FLAT_ROUNDS {
        return Phase::Drain { rounds: 0 };
    }
    Phase::Startup {
        full,
        flat: flat + 1,
    }
}
