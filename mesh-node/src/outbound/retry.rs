//! Which attempts a request gets: the decision after each failure is pure.
//!
//! An attempt of which no byte reached an app costs nothing and is made anew elsewhere. Any other is repeated only when repeating does
//! no harm, the body can be sent again, and the budget pays.

use std::time::Duration;

use http::Method;
use tokio::time::Instant;

/// How long a request may look for somebody who takes it. Once an app has it, no clock of ours runs.
pub(crate) const DELIVERY: Duration = Duration::from_secs(15);
/// Attempts that reached a node and were turned away there: more would only add load.
const MAX_TURNED_AWAY: u32 = 5;
/// Repeats that the budget pays for, for one request.
const MAX_PAID: u32 = 2;
/// The pause before the third attempt, and twice as long before each next one, up to the last value.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
];

/// How an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No tunnel: nobody was reached.
    Unreached,
    /// A node was reached, and handed nothing to an app.
    TurnedAway,
    /// An app may have seen it.
    Broken,
    /// No other endpoint would answer otherwise.
    Final,
    /// Whoever asked has gone, or broke the rules.
    Caller,
}

/// What a request brings with it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Repeatable {
    /// The body can be sent from its beginning.
    pub(crate) body: bool,
    /// A repeat does no harm.
    pub(crate) harmless: bool,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Try again after so long.
    Again(Duration),
    /// Try again at once, if the budget pays for it.
    IfPaid,
    /// Tell the caller.
    GiveUp,
}

/// The attempts of one request.
#[derive(Debug, Clone)]
pub(crate) struct Attempts {
    deadline: Instant,
    made: u32,
    turned_away: u32,
    paid: u32,
}

impl Attempts {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            deadline: now + DELIVERY,
            made: 0,
            turned_away: 0,
            paid: 0,
        }
    }

    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Attempts made.
    pub(crate) fn made(&self) -> u32 {
        self.made
    }

    /// An attempt begins.
    pub(crate) fn begin(&mut self) {
        self.made += 1;
    }

    /// An attempt has failed.
    pub(crate) fn settle(
        &mut self,
        failure: Failure,
        repeatable: Repeatable,
        now: Instant,
    ) -> Next {
        if !repeatable.body || now >= self.deadline {
            return Next::GiveUp;
        }
        match failure {
            Failure::Final | Failure::Caller => Next::GiveUp,
            Failure::Unreached => self.again(now),
            Failure::TurnedAway => {
                self.turned_away += 1;
                if self.turned_away >= MAX_TURNED_AWAY {
                    Next::GiveUp
                } else {
                    self.again(now)
                }
            }
            Failure::Broken if repeatable.harmless && self.paid < MAX_PAID => {
                self.paid += 1;
                Next::IfPaid
            }
            Failure::Broken => Next::GiveUp,
        }
    }

    fn again(&self, now: Instant) -> Next {
        let pause = match (self.made as usize).checked_sub(2) {
            None => Duration::ZERO,
            Some(at) => PAUSES[at.min(PAUSES.len() - 1)],
        };
        if now + pause >= self.deadline {
            Next::GiveUp
        } else {
            Next::Again(pause)
        }
    }
}

/// Methods of which a repeat does no harm (RFC 9110, 9.2.2).
pub(crate) fn is_idempotent(method: &Method) -> bool {
    [
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::PUT,
        Method::DELETE,
        Method::TRACE,
    ]
    .contains(method)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAFE: Repeatable = Repeatable {
        body: true,
        harmless: true,
    };
    const UNSAFE: Repeatable = Repeatable {
        body: true,
        harmless: false,
    };

    fn failure(number: u8) -> Failure {
        [
            Failure::Unreached,
            Failure::TurnedAway,
            Failure::Broken,
            Failure::Final,
        ][usize::from(number % 4)]
    }

    #[test]
    fn the_second_attempt_comes_at_once() {
        let now = Instant::now();
        let mut attempts = Attempts::new(now);
        attempts.begin();
        assert_eq!(
            attempts.settle(Failure::Unreached, UNSAFE, now),
            Next::Again(Duration::ZERO)
        );
    }

    #[test]
    fn what_an_app_may_have_seen_is_repeated_only_without_harm_and_if_paid() {
        let now = Instant::now();
        assert_eq!(
            Attempts::new(now).settle(Failure::Broken, UNSAFE, now),
            Next::GiveUp
        );
        assert_eq!(
            Attempts::new(now).settle(Failure::Broken, SAFE, now),
            Next::IfPaid
        );
    }

    #[test]
    fn posts_and_made_up_methods_are_not_idempotent() {
        assert!(is_idempotent(&Method::GET) && is_idempotent(&Method::PUT));
        assert!(!is_idempotent(&Method::POST) && !is_idempotent(&Method::PATCH));
        assert!(
            !is_idempotent(&Method::from_bytes(b"get").unwrap_or(Method::POST)),
            "methods are case-sensitive"
        );
    }

    proptest! {
        /// However attempts fail: they end, and a body that can't be sent again never is.
        #[test]
        fn attempts_end(failures in proptest::collection::vec(any::<u8>(), 400), harmless: bool) {
            let start = Instant::now();
            let mut now = start;
            let mut attempts = Attempts::new(now);
            let mut ended = false;
            for number in failures {
                attempts.begin();
                match attempts.settle(failure(number), Repeatable { body: true, harmless }, now) {
                    Next::Again(pause) => now += pause,
                    Next::IfPaid => prop_assert!(harmless),
                    Next::GiveUp => { ended = true; break }
                }
            }
            prop_assert!(ended || now < start + DELIVERY);
            prop_assert_eq!(attempts.settle(Failure::Unreached, Repeatable { body: false, harmless }, start), Next::GiveUp);
        }
    }
}
