//! Bundles: for each trust domain, the roots that may vouch for it, and for nobody else (P-1).

mod bundles;

use std::{sync::Arc, time::SystemTime};

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use protocol::name::TrustDomain;
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

pub use bundles::{Accepted, Bundles, RollbackError};

/// What everybody in a process trusts at this moment: swapped whole, read at each handshake.
pub type Trust = Arc<ArcSwap<Bundles>>;

/// Makes a [`Trust`] that begins with `bundles`.
pub fn trust(bundles: Bundles) -> Trust {
    Arc::new(ArcSwap::from_pointee(bundles))
}

/// The roots of one trust domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Whose roots these are: they are asked about no other trust domain's SVIDs.
    pub trust_domain: TrustDomain,
    /// Counts the bundle's changes; never goes back (P-10).
    pub sequence: u64,
    /// The root certificates; none of them: nobody from there is trusted.
    pub roots: Vec<CertificateDer<'static>>,
    /// Until when it holds without news, for a peer's bundle (P-8); our own has no lease.
    pub valid_until: Option<SystemTime>,
}

/// No certificate in a chain has the digest that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("none of the {certificates} certificates shown has the digest that was told")]
pub struct PinError {
    /// How many there were.
    pub certificates: usize,
}

impl Bundle {
    /// Computes the digest that names a root in invitations and join tokens: SHA-256 of its DER.
    pub fn digest_of(root: &CertificateDer<'_>) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, root).as_ref());
        bytes
    }

    /// Makes the bundle of `trust_domain` from the one certificate of `chain` whose digest was told beforehand.
    pub fn pinned(
        chain: &[CertificateDer<'_>],
        digest: &[u8; 32],
        trust_domain: &TrustDomain,
    ) -> Result<Self, PinError> {
        let root = chain
            .iter()
            .find(|certificate| Self::digest_of(certificate) == *digest)
            .ok_or(PinError {
                certificates: chain.len(),
            })?;
        Ok(Self {
            trust_domain: trust_domain.clone(),
            sequence: 0,
            roots: vec![root.clone().into_owned()],
            valid_until: None,
        })
    }

    /// Tells when the first of its roots expires; unreadable roots don't count, they are never used.
    pub fn earliest_expiry(&self) -> Option<SystemTime> {
        let expiry = |root: &CertificateDer<'_>| {
            let (_, root) = X509Certificate::from_der(root).ok()?;
            Some(SystemTime::from(root.validity().not_after.to_datetime()))
        };
        self.roots.iter().filter_map(expiry).min()
    }

    /// Tells whether its lease, if it has one, still runs at `now`.
    pub fn is_leased(&self, now: SystemTime) -> bool {
        self.valid_until.is_none_or(|until| now <= until)
    }
}
