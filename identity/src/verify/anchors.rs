//! The roots that may be used: those of one bundle (P-1), in date, under a lease that runs.

use std::time::SystemTime;

use protocol::name::TrustDomain;
use rustls_pki_types::{CertificateDer, TrustAnchor};
use x509_parser::certificate::X509Certificate;

use super::{SKEW, VerifyError, certificate, issuers};
use crate::bundle::Bundles;

/// A root that can be used, and until when.
pub(super) struct Anchor<'a> {
    pub(super) trust: TrustAnchor<'a>,
    pub(super) not_after: SystemTime,
}

/// Finds the roots that may vouch for `trust_domain` at `now`; at least one, or the reason why there is none.
pub(super) fn usable<'a>(
    bundles: &'a Bundles,
    trust_domain: &TrustDomain,
    now: SystemTime,
) -> Result<Vec<Anchor<'a>>, VerifyError> {
    let Some(bundle) = bundles.get(trust_domain) else {
        return Err(VerifyError::UnknownTrustDomain(trust_domain.clone()));
    };
    if !bundle.is_leased(now) {
        return Err(VerifyError::LeaseEnded(trust_domain.clone()));
    }
    let mut anchors = Vec::with_capacity(bundle.roots.len());
    let mut why = "it is empty";
    for root in &bundle.roots {
        match anchor(root, trust_domain, now) {
            Ok(anchor) => anchors.push(anchor),
            Err(reason) => why = reason,
        }
    }
    if anchors.is_empty() {
        return Err(VerifyError::NoUsableRoot {
            trust_domain: trust_domain.clone(),
            why,
        });
    }
    Ok(anchors)
}

/// webpki takes an anchor's name and key and believes the rest: so the rest is checked here.
fn anchor<'a>(
    root: &'a CertificateDer<'static>,
    trust_domain: &TrustDomain,
    now: SystemTime,
) -> Result<Anchor<'a>, &'static str> {
    let parsed = certificate::parse(0, root).map_err(|error| match error {
        VerifyError::WeakKey { what, .. } | VerifyError::Malformed { what, .. } => what,
        VerifyError::NameConstraints(_) => "it has name constraints, which are not supported",
        _ => "it can't be read",
    })?;
    issuers::may_sign(&parsed)?;
    issuers::of_trust_domain(&parsed, trust_domain).map_err(|_| "it names another trust domain")?;
    check_self_issued(&parsed)?;
    let not_after = certificate::not_after(&parsed);
    if now > not_after + SKEW {
        return Err("it has expired");
    }
    if now + SKEW < certificate::not_before(&parsed) {
        return Err("it is not valid yet");
    }
    let trust = webpki::anchor_from_trusted_cert(root).map_err(|_| "webpki can't read it")?;
    Ok(Anchor { trust, not_after })
}

fn check_self_issued(root: &X509Certificate<'_>) -> Result<(), &'static str> {
    if root.issuer().as_raw() == root.subject().as_raw() {
        Ok(())
    } else {
        Err("it is no root")
    }
}
