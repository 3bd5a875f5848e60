//! All bundles of a process, one per trust domain, never pooled.

use std::collections::BTreeMap;

use protocol::name::TrustDomain;

use super::Bundle;

/// One bundle per trust domain (P-1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bundles(BTreeMap<TrustDomain, Bundle>);

/// What accepting a bundle did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// Its roots are the ones trusted from here on.
    Changed,
    /// Its roots were known; only the lease moved.
    Renewed,
}

/// A bundle older than, or contradicting, one already accepted (P-10).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "bundle of {trust_domain} has sequence {offered}, but one with {accepted} was accepted before"
)]
pub struct RollbackError {
    /// Whose bundle.
    pub trust_domain: TrustDomain,
    /// The sequence that was offered.
    pub offered: u64,
    /// The sequence that stays.
    pub accepted: u64,
}

impl Bundles {
    /// Makes an empty set: nobody is trusted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Finds the one bundle that may vouch for `trust_domain`.
    pub fn get(&self, trust_domain: &TrustDomain) -> Option<&Bundle> {
        self.0.get(trust_domain)
    }

    /// Puts a bundle in the place of its trust domain's former one, which is returned. For what is already known to be newer; what a
    /// peer sends goes through [`Bundles::accept`].
    pub fn insert(&mut self, bundle: Bundle) -> Option<Bundle> {
        self.0.insert(bundle.trust_domain.clone(), bundle)
    }

    /// Takes a bundle unless one with a higher sequence, or with other roots under the same sequence, was taken before (P-10).
    pub fn accept(&mut self, bundle: Bundle) -> Result<Accepted, RollbackError> {
        let known = self.0.get(&bundle.trust_domain);
        let same_roots = known.is_some_and(|known| known.roots == bundle.roots);
        if let Some(known) = known
            && (bundle.sequence < known.sequence
                || (bundle.sequence == known.sequence && !same_roots))
        {
            return Err(RollbackError {
                trust_domain: bundle.trust_domain,
                offered: bundle.sequence,
                accepted: known.sequence,
            });
        }
        self.insert(bundle);
        Ok(if same_roots {
            Accepted::Renewed
        } else {
            Accepted::Changed
        })
    }

    /// Takes a trust domain's bundle away: nobody from there is trusted.
    pub fn remove(&mut self, trust_domain: &TrustDomain) -> Option<Bundle> {
        self.0.remove(trust_domain)
    }

    /// Goes through the bundles in the order of their trust domains.
    pub fn iter(&self) -> impl Iterator<Item = &Bundle> {
        self.0.values()
    }

    /// Counts the trust domains.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Bundle> for Bundles {
    fn from_iter<I: IntoIterator<Item = Bundle>>(bundles: I) -> Self {
        Self(
            bundles
                .into_iter()
                .map(|bundle| (bundle.trust_domain.clone(), bundle))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests;
