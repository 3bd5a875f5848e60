//! The retry budget: of all requests, at most a fifth are sent twice. Pure.
//!
//! Each request pays a fifth of a token in; a retry takes a whole one out. What is saved up in quiet times is capped, so that a
//! long calm doesn't buy a storm.

/// What a request pays in.
const DEPOSIT: f64 = 0.2;
/// The most that is saved.
const CAP: f64 = 20.0;

/// Tokens for retries of one service.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Budget {
    tokens: f64,
}

impl Budget {
    /// A request arises.
    pub(crate) fn deposit(&mut self) {
        self.tokens = (self.tokens + DEPOSIT).min(CAP);
    }

    /// Takes what a retry costs, if it is there.
    pub(crate) fn withdraw(&mut self) -> bool {
        // A fifth five times is a hair less than one.
        let enough = self.tokens > 1.0 - 1e-9;
        if enough {
            self.tokens = (self.tokens - 1.0).max(0.0);
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn five_requests_pay_for_one_retry() {
        let mut budget = Budget::default();
        for _ in 0..4 {
            budget.deposit();
        }
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
    }

    proptest! {
        #[test]
        fn retries_never_pass_a_fifth_of_requests(steps in proptest::collection::vec(any::<bool>(), 0..2000)) {
            let mut budget = Budget::default();
            let (mut requests, mut retries) = (0u32, 0u32);
            for request in steps {
                if request { budget.deposit(); requests += 1; } else if budget.withdraw() { retries += 1; }
                prop_assert!(f64::from(retries) <= f64::from(requests) * 0.2 + 1e-6);
            }
        }
    }
}
