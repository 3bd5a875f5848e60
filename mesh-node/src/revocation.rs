//! Whether a tunnel that was proven once is trusted still (P-8), without verifying each one again each second.

use std::sync::Arc;
use std::time::SystemTime;

use identity::{Bundles, Trust, VerifiedSvid};
use parking_lot::Mutex;

/// Remembers which bundles the open tunnels were last held against.
#[derive(Debug)]
pub(crate) struct Revocation {
    trust: Trust,
    seen: Mutex<Arc<Bundles>>,
}

/// One round of questions, all about the same bundles and the same moment.
#[derive(Debug)]
pub(crate) struct Round {
    before: Arc<Bundles>,
    bundles: Arc<Bundles>,
    now: SystemTime,
}

impl Revocation {
    pub(crate) fn new(trust: Trust) -> Self {
        let seen = Mutex::new(trust.load_full());
        Self { trust, seen }
    }

    /// Asks about one tunnel that no round has met yet: all of its chain is verified.
    pub(crate) fn about_one(&self) -> Round {
        Round {
            before: Arc::new(Bundles::from_iter([])),
            bundles: self.trust.load_full(),
            now: SystemTime::now(),
        }
    }

    /// Begins a round; every open tunnel must be asked about in it.
    pub(crate) fn round(&self) -> Round {
        let bundles = self.trust.load_full();
        let before = std::mem::replace(&mut *self.seen.lock(), Arc::clone(&bundles));
        Round {
            before,
            bundles,
            now: SystemTime::now(),
        }
    }
}

impl Round {
    pub(crate) fn now(&self) -> SystemTime {
        self.now
    }

    /// Whether the bundles in force still vouch for it. That its own date has passed is another question, with a grace of its own.
    pub(crate) fn trusts(&self, svid: &VerifiedSvid) -> bool {
        let trust_domain = svid.id().trust_domain();
        let Some(bundle) = self
            .bundles
            .get(trust_domain)
            .filter(|bundle| bundle.is_leased(self.now))
        else {
            return false;
        };
        let unchanged = self
            .before
            .get(trust_domain)
            .is_some_and(|before| before.roots == bundle.roots);
        // At its end rather than after it: an expired one loses its trust with its bundle like any other.
        let when = self.now.min(svid.not_after());
        unchanged || svid.verify_again(&self.bundles, when).is_ok()
    }
}
