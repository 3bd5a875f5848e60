//! The certificates after the leaf: authorities, of the leaf's trust domain, that may sign certificates.

use protocol::name::TrustDomain;
use x509_parser::{certificate::X509Certificate, extensions::GeneralName};

use super::{VerifyError, purposes};

/// Checks every certificate after the leaf, whether the path will need it or not.
pub(super) fn check(
    issuers: &[X509Certificate<'_>],
    trust_domain: &TrustDomain,
) -> Result<(), VerifyError> {
    for (index, issuer) in issuers.iter().enumerate() {
        let position = index + 1;
        may_sign(issuer).map_err(|what| VerifyError::NotAnAuthority { position, what })?;
        purposes::check(position, issuer)?;
        of_trust_domain(issuer, trust_domain).map_err(|found| VerifyError::ForeignAuthority {
            position,
            found,
            trust_domain: trust_domain.clone(),
        })?;
    }
    Ok(())
}

/// Says what an authority's certificate lacks; webpki looks at `cA` only, not at the key usage.
pub(super) fn may_sign(issuer: &X509Certificate<'_>) -> Result<(), &'static str> {
    match issuer.basic_constraints() {
        Ok(Some(constraints)) if constraints.value.ca => {}
        _ => return Err("it is no certificate authority"),
    }
    match issuer.key_usage() {
        Ok(Some(usage)) if usage.value.key_cert_sign() => Ok(()),
        _ => Err("its key usage lacks keyCertSign"),
    }
}

/// An authority that names a URI names its own trust domain, without a path; on failure, what it names instead.
pub(super) fn of_trust_domain(
    issuer: &X509Certificate<'_>,
    trust_domain: &TrustDomain,
) -> Result<(), String> {
    let Ok(names) = issuer.subject_alternative_name() else {
        return Err("names that can't be read".to_owned());
    };
    for name in names.iter().flat_map(|names| &names.value.general_names) {
        match name {
            GeneralName::URI(uri) if TrustDomain::parse_uri(uri).as_ref() == Ok(trust_domain) => {}
            GeneralName::URI(uri) => return Err((*uri).to_owned()),
            GeneralName::Invalid(..) => return Err("a name that can't be read".to_owned()),
            _ => {}
        }
    }
    Ok(())
}
