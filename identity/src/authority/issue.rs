//! Issuing a leaf: what is taken from the request (its key) and what isn't (everything else) (P-11).

use std::time::{Duration, SystemTime};

use protocol::name::SpiffeId;
use rcgen::{
    CertificateParams, DistinguishedName, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose,
    SubjectPublicKeyInfo,
};
use rustls_pki_types::CertificateDer;
use x509_parser::{certification_request::X509CertificationRequest, prelude::FromDer};

use super::{
    AuthorityError, IssueError,
    certificate::{self, BACK_DATED},
};
use crate::{key::PrivateKey, verify};

/// A request holds a key and a signature; more than this is something else.
const LARGEST_REQUEST: usize = 16 * 1024;

/// Takes the public key out of a request, once the request proves that its sender holds the private one.
pub(super) fn key_of_request(der: &[u8]) -> Result<SubjectPublicKeyInfo, IssueError> {
    if der.len() > LARGEST_REQUEST {
        return Err(IssueError::MalformedRequest);
    }
    let (rest, request) =
        X509CertificationRequest::from_der(der).map_err(|_| IssueError::MalformedRequest)?;
    if !rest.is_empty() {
        return Err(IssueError::MalformedRequest);
    }
    let key = &request.certification_request_info.subject_pki;
    verify::check_key_strength(key).map_err(IssueError::WeakKey)?;
    request
        .verify_signature()
        .map_err(|_| IssueError::NoProofOfPossession)?;
    SubjectPublicKeyInfo::from_der(key.raw).map_err(|_| IssueError::MalformedRequest)
}

/// Describes the leaf for `id`: exactly one URI name, no subject, a key that signs handshakes and nothing else (P-2).
pub(super) fn leaf(
    id: &SpiffeId,
    lifetime: Duration,
    now: SystemTime,
) -> Result<CertificateParams, IssueError> {
    if lifetime < Duration::from_secs(1) {
        return Err(IssueError::LifetimeTooShort);
    }
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![certificate::uri(&id.to_string())?];
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params.use_authority_key_identifier_extension = true;
    // A short life is back-dated less, or its half would lie in the past and renewing would never rest.
    params.not_before = (now - BACK_DATED.min(lifetime / 10)).into();
    params.not_after = (now + lifetime).into();
    Ok(params)
}

/// Signs a leaf.
pub(super) fn sign(
    params: &CertificateParams,
    key: &SubjectPublicKeyInfo,
    issuer: &CertificateDer<'static>,
    issuer_key: &PrivateKey,
) -> Result<CertificateDer<'static>, AuthorityError> {
    let issuer_key = issuer_key.key_pair()?;
    let issuer = Issuer::from_ca_cert_der(issuer, &*issuer_key)?;
    Ok(params.signed_by(key, &issuer)?.der().clone())
}
