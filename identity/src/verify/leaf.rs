//! The leaf: exactly one identity, and a key that can do nothing but prove it (P-2).

use protocol::name::SpiffeId;
use rustls_pki_types::CertificateDer;
use webpki::EndEntityCert;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName};

use super::{VerifyError, purposes};

/// Checks the rules for the leaf of an SVID and says whom it names.
pub(super) fn check(
    leaf: &X509Certificate<'_>,
    der: &CertificateDer<'_>,
) -> Result<SpiffeId, VerifyError> {
    let id = identity(leaf)?;
    second_opinion(&id, der)?;
    check_not_an_authority(leaf)?;
    check_key_usage(leaf)?;
    purposes::check(0, leaf)?;
    Ok(id)
}

fn malformed(what: &'static str) -> VerifyError {
    VerifyError::Malformed { position: 0, what }
}

/// Common name, DNS, e-mail and other names are allowed to be there, and are never looked at.
fn identity(leaf: &X509Certificate<'_>) -> Result<SpiffeId, VerifyError> {
    let names = leaf
        .subject_alternative_name()
        .map_err(|_| malformed("unreadable alternative names"))?;
    let names = names.map_or(&[][..], |names| &names.value.general_names);
    if names
        .iter()
        .any(|name| matches!(name, GeneralName::Invalid(..)))
    {
        return Err(VerifyError::UnreadableName);
    }
    let mut uris = names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => Some(*uri),
        _ => None,
    });
    match (uris.next(), uris.count()) {
        (None, _) => Err(VerifyError::NoSpiffeId),
        (Some(uri), 0) => SpiffeId::parse(uri).map_err(VerifyError::BadSpiffeId),
        (Some(_), more) => Err(VerifyError::SeveralUris(more + 1)),
    }
}

/// Another reader of the same bytes must see the same single name.
fn second_opinion(id: &SpiffeId, der: &CertificateDer<'_>) -> Result<(), VerifyError> {
    let Ok(leaf) = EndEntityCert::try_from(der) else {
        return Err(malformed("not a certificate that webpki can read"));
    };
    let id = id.to_string();
    let mut uris = leaf.valid_uri_names();
    match (uris.next(), uris.next()) {
        (Some(uri), None) if uri == id => Ok(()),
        _ => Err(VerifyError::UnreadableName),
    }
}

fn check_not_an_authority(leaf: &X509Certificate<'_>) -> Result<(), VerifyError> {
    match leaf.basic_constraints() {
        Ok(Some(constraints)) if constraints.value.ca => Err(VerifyError::LeafIsAuthority),
        Ok(_) => Ok(()),
        Err(_) => Err(malformed("unreadable basic constraints")),
    }
}

fn check_key_usage(leaf: &X509Certificate<'_>) -> Result<(), VerifyError> {
    let usage = leaf
        .key_usage()
        .map_err(|_| malformed("unreadable key usage"))?
        .ok_or(VerifyError::NoKeyUsage)?;
    if !usage.value.digital_signature() {
        return Err(VerifyError::NoDigitalSignature);
    }
    if usage.value.key_cert_sign() {
        return Err(VerifyError::LeafMaySign("keyCertSign"));
    }
    if usage.value.crl_sign() {
        return Err(VerifyError::LeafMaySign("cRLSign"));
    }
    Ok(())
}
