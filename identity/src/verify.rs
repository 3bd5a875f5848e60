//! The only verifier: every chain that Weft believes, as client or as server, passed [`verify`].
//!
//! ```text
//!   chain ─> chain::parse ─> leaf::check ─> issuers::check ─> anchors::usable ─> path::build ─> VerifiedSvid
//!            sizes, DER,      P-2: who       may they sign,    P-1: the one       webpki: signatures,
//!            keys, order      it names       for this domain   bundle, leases     validity, 60 s skew
//! ```

mod anchors;
mod certificate;
mod chain;
mod error;
mod issuers;
mod key_strength;
mod leaf;
mod path;
mod purposes;

use std::time::{Duration, SystemTime};

use data_encoding::HEXLOWER;
use protocol::name::SpiffeId;
use rustls_pki_types::CertificateDer;

use crate::bundle::Bundles;

pub use chain::{MOST_BYTES, MOST_CERTIFICATES};
pub use error::VerifyError;

/// How far two clocks may be apart (P-9).
pub const SKEW: Duration = Duration::from_secs(60);

/// An identity that was proven: only [`verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSvid {
    id: SpiffeId,
    not_after: SystemTime,
    serial: Vec<u8>,
    chain: Vec<CertificateDer<'static>>,
}

/// Decides whom `chain`, leaf first, proves at `now`, by the one bundle of the trust domain that its leaf names (P-1, P-2).
///
/// That the other end holds the leaf's key is for TLS to show; that it may call or be called is for others to decide.
pub fn verify(
    chain: &[CertificateDer<'_>],
    bundles: &Bundles,
    now: SystemTime,
) -> Result<VerifiedSvid, VerifyError> {
    let certificates = chain::parse(chain)?;
    let leaf = certificates.first().ok_or(VerifyError::NoCertificate)?;
    let id = leaf::check(leaf, &chain[0])?;
    issuers::check(&certificates[1..], id.trust_domain())?;
    let anchors = anchors::usable(bundles, id.trust_domain(), now)?;
    let not_after = path::build(chain, &certificates, &anchors, &id, now)?;
    let serial = leaf.raw_serial().to_vec();
    let chain = chain
        .iter()
        .map(|certificate| certificate.clone().into_owned())
        .collect();
    Ok(VerifiedSvid {
        id,
        not_after,
        serial,
        chain,
    })
}

/// Reads the leaf of a chain of our own: who it names, from when, and until when the whole chain is valid. Proves nothing.
pub(crate) fn read_own(
    chain: &[CertificateDer<'_>],
) -> Result<(SpiffeId, SystemTime, SystemTime), VerifyError> {
    let certificates = chain::parse(chain)?;
    let leaf = certificates.first().ok_or(VerifyError::NoCertificate)?;
    let id = leaf::check(leaf, &chain[0])?;
    let not_after = certificates
        .iter()
        .map(certificate::not_after)
        .min()
        .ok_or(VerifyError::NoCertificate)?;
    Ok((id, certificate::not_before(leaf), not_after))
}

pub(crate) use key_strength::check as check_key_strength;

impl VerifiedSvid {
    /// Says who was proven.
    pub fn id(&self) -> &SpiffeId {
        &self.id
    }

    /// Tells until when: the earliest end in the chain, root included. No new work after it (P-9).
    pub fn not_after(&self) -> SystemTime {
        self.not_after
    }

    /// Shows the leaf's serial number, big endian.
    pub fn serial(&self) -> &[u8] {
        &self.serial
    }

    /// Shows the serial number as people write it.
    pub fn serial_hex(&self) -> String {
        HEXLOWER.encode(&self.serial)
    }

    /// Shows the certificates that were verified, leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Verifies the same chain anew: after a bundle changed or its lease ended, this says whether the identity still holds (P-8).
    pub fn verify_again(&self, bundles: &Bundles, now: SystemTime) -> Result<Self, VerifyError> {
        verify(&self.chain, bundles, now)
    }
}
