//! Bundles never go back and never mix.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use rustls_pki_types::CertificateDer;

use super::*;

fn bundle(trust_domain: &str, sequence: u64, roots: &[u8]) -> Bundle {
    Bundle {
        trust_domain: TrustDomain::parse(trust_domain).unwrap(),
        sequence,
        roots: roots
            .iter()
            .map(|root| CertificateDer::from(vec![*root]))
            .collect(),
        valid_until: None,
    }
}

/// P-10
#[test]
fn a_lower_sequence_is_refused() {
    let mut bundles = Bundles::from_iter([bundle("west", 7, &[1])]);
    let refused = bundles.accept(bundle("west", 6, &[2])).unwrap_err();
    assert_eq!((refused.offered, refused.accepted), (6, 7));
    assert_eq!(bundles.iter().next(), Some(&bundle("west", 7, &[1])));
}

/// P-10
#[test]
fn other_roots_under_the_same_sequence_are_refused() {
    let mut bundles = Bundles::from_iter([bundle("west", 7, &[1])]);
    assert!(bundles.accept(bundle("west", 7, &[2])).is_err());
}

/// P-8
#[test]
fn the_same_bundle_moves_its_lease() {
    let until = SystemTime::UNIX_EPOCH + Duration::from_secs(9);
    let mut bundles = Bundles::from_iter([bundle("west", 7, &[1])]);
    let renewed = Bundle {
        valid_until: Some(until),
        ..bundle("west", 7, &[1])
    };
    assert_eq!(bundles.accept(renewed), Ok(Accepted::Renewed));
    let kept = bundles.iter().next().unwrap();
    assert!(kept.is_leased(until) && !kept.is_leased(until + Duration::from_millis(1)));
}

/// P-10: an empty set is a bundle like any other, "trust nobody from there".
#[test]
fn an_empty_bundle_is_accepted_and_kept() {
    let mut bundles = Bundles::from_iter([bundle("west", 7, &[1])]);
    assert_eq!(
        bundles.accept(bundle("west", 8, &[])),
        Ok(Accepted::Changed)
    );
    assert!(bundles.iter().next().unwrap().roots.is_empty());
}

proptest! {
    /// P-1, P-10: whatever arrives, each trust domain holds the roots it was sent itself, with the highest sequence accepted.
    #[test]
    fn sequences_only_grow_and_domains_stay_apart(arrivals in prop::collection::vec((0..3usize, 0..6u64, 0..4u8), 0..40)) {
        let domains = ["a", "b", "c"];
        let mut bundles = Bundles::new();
        let mut highest = [None; 3];
        for (domain, sequence, root) in arrivals {
            // The root's first two bits say whose it is.
            let offered = bundle(domains[domain], sequence, &[(domain as u8) << 6 | root]);
            let accepted = bundles.accept(offered).is_ok();
            prop_assert!(!accepted || highest[domain].is_none_or(|h| sequence >= h));
            if accepted {
                highest[domain] = Some(sequence);
            }
        }
        for kept in bundles.iter() {
            let domain = domains.iter().position(|d| *d == kept.trust_domain.as_str()).unwrap();
            prop_assert_eq!(Some(kept.sequence), highest[domain]);
            prop_assert!(kept.roots.iter().all(|root| usize::from(root[0] >> 6) == domain));
        }
    }
}
