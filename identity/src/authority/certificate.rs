//! The certificates of authorities: how they look, and reading them back.

use std::time::{Duration, SystemTime};

use protocol::name::TrustDomain;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyUsagePurpose, SanType,
    SerialNumber,
};
use rustls_pki_types::CertificateDer;
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer, X509Certificate},
};

use super::AuthorityError;

/// Makes up for clocks of others that are behind.
pub(super) const BACK_DATED: Duration = Duration::from_secs(60);

/// Describes an authority: `spiffe://td` without a path, may sign certificates and revocation lists, nothing else.
pub(super) fn params(
    trust_domain: &TrustDomain,
    common_name: String,
    path_length: BasicConstraints,
    not_before: SystemTime,
    not_after: SystemTime,
) -> Result<CertificateParams, AuthorityError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Weft");
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.subject_alt_names = vec![uri(&trust_domain.uri())?];
    params.is_ca = IsCa::Ca(path_length);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = not_before.into();
    params.not_after = not_after.into();
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Makes the URI name of a certificate.
pub(super) fn uri(uri: &str) -> Result<SanType, AuthorityError> {
    Ok(SanType::URI(uri.try_into()?))
}

/// Makes a serial number of 16 random bytes: never negative, never zero.
pub(super) fn serial(mut random: [u8; 16]) -> SerialNumber {
    random[0] = random[0] & 0x7f | 0x40;
    SerialNumber::from_slice(&random)
}

/// What a stored authority's certificate says.
pub(super) struct Read {
    pub(super) trust_domain: TrustDomain,
    pub(super) not_before: SystemTime,
    pub(super) not_after: SystemTime,
}

/// Reads an authority's certificate back.
pub(super) fn read(der: &CertificateDer<'_>) -> Result<Read, AuthorityError> {
    let (_, certificate) = X509Certificate::from_der(der)
        .map_err(|_| AuthorityError::NotAnAuthority("it can't be read"))?;
    if !certificate.is_ca() {
        return Err(AuthorityError::NotAnAuthority(
            "it is no certificate authority",
        ));
    }
    let names = certificate.subject_alternative_name().ok().flatten();
    let trust_domain = names
        .iter()
        .flat_map(|names| &names.value.general_names)
        .find_map(|name| match name {
            GeneralName::URI(uri) => TrustDomain::parse_uri(uri).ok(),
            _ => None,
        })
        .ok_or(AuthorityError::NotAnAuthority("it names no trust domain"))?;
    let validity = certificate.validity();
    Ok(Read {
        trust_domain,
        not_before: validity.not_before.to_datetime().into(),
        not_after: validity.not_after.to_datetime().into(),
    })
}

/// Checks that a certificate is for this public key.
pub(super) fn check_key(
    der: &CertificateDer<'_>,
    public_key_info: &[u8],
) -> Result<(), AuthorityError> {
    match X509Certificate::from_der(der) {
        Ok((_, certificate)) if certificate.public_key().raw == public_key_info => Ok(()),
        _ => Err(AuthorityError::NotAnAuthority("its key is another one")),
    }
}
