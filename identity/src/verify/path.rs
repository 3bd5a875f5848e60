//! The path from leaf to root: signatures, validity, path lengths and purposes, by rustls-webpki.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use protocol::name::SpiffeId;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::EndEntityCert;
use x509_parser::certificate::X509Certificate;

use super::{SKEW, VerifyError, anchors::Anchor, certificate, purposes::BothOrNone};
use crate::provider::SIGNATURES;

/// Builds the path and tells until when all of it is valid.
pub(super) fn build(
    chain: &[CertificateDer<'_>],
    certificates: &[X509Certificate<'_>],
    anchors: &[Anchor<'_>],
    id: &SpiffeId,
    now: SystemTime,
) -> Result<SystemTime, VerifyError> {
    let leaf = EndEntityCert::try_from(&chain[0]).map_err(|_| VerifyError::Malformed {
        position: 0,
        what: "webpki can't read it",
    })?;
    let trust: Vec<TrustAnchor<'_>> = anchors.iter().map(|anchor| anchor.trust.clone()).collect();
    let mut refused = None;
    for time in allowed_times(now)? {
        let path = leaf.verify_for_usage(
            SIGNATURES.all,
            &trust,
            &chain[1..],
            time,
            BothOrNone,
            None,
            None,
        );
        match path {
            Ok(path) => return Ok(end_of(certificates, anchors, path.anchor())),
            Err(error) if is_about_time(&error) => drop(refused.get_or_insert(error)),
            Err(error) => return Err(explain(error, id)),
        }
    }
    Err(explain(refused.unwrap_or(webpki::Error::UnknownIssuer), id))
}

/// Our clock may be off by the skew, either way; so the other's certificates may look that much too old or too new.
fn allowed_times(now: SystemTime) -> Result<[UnixTime; 3], VerifyError> {
    let now = now
        .duration_since(UNIX_EPOCH)
        .map_err(|_| VerifyError::Clock(now))?;
    let times: [Duration; 3] = [now, now.saturating_sub(SKEW), now + SKEW];
    Ok(times.map(UnixTime::since_unix_epoch))
}

fn is_about_time(error: &webpki::Error) -> bool {
    matches!(
        error,
        webpki::Error::CertExpired { .. } | webpki::Error::CertNotValidYet { .. }
    )
}

/// The earliest end of the certificates that were shown and of the root that vouched.
fn end_of(
    certificates: &[X509Certificate<'_>],
    anchors: &[Anchor<'_>],
    used: &TrustAnchor<'_>,
) -> SystemTime {
    let same = |anchor: &&Anchor<'_>| {
        anchor.trust.subject == used.subject
            && anchor.trust.subject_public_key_info == used.subject_public_key_info
    };
    let root = anchors
        .iter()
        .filter(same)
        .map(|anchor| anchor.not_after)
        .max();
    let shown = certificates.iter().map(certificate::not_after).min();
    shown.into_iter().chain(root).min().unwrap_or(UNIX_EPOCH)
}

fn explain(error: webpki::Error, id: &SpiffeId) -> VerifyError {
    match error {
        webpki::Error::CertExpired { .. } => VerifyError::Expired { id: id.clone() },
        webpki::Error::CertNotValidYet { .. } => VerifyError::NotValidYet { id: id.clone() },
        source => VerifyError::NoPath {
            trust_domain: id.trust_domain().clone(),
            source,
        },
    }
}
