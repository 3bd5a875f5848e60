//! Extended key usage: may be left out, but when it is there it has both server and client authentication (P-2).

use webpki::{Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage};
use x509_parser::certificate::X509Certificate;

use super::VerifyError;

/// Checks the extended key usage of the certificate at `position`.
pub(super) fn check(position: usize, certificate: &X509Certificate<'_>) -> Result<(), VerifyError> {
    let usage = certificate
        .extended_key_usage()
        .map_err(|_| VerifyError::Malformed {
            position,
            what: "unreadable extended key usage",
        })?;
    match usage {
        Some(usage) if !(usage.value.server_auth && usage.value.client_auth) => {
            Err(VerifyError::ExtendedKeyUsage(position))
        }
        _ => Ok(()),
    }
}

/// The same rule for webpki, which asks it of every certificate on the path.
pub(super) struct BothOrNone;

impl ExtendedKeyUsageValidator for BothOrNone {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        let mut present = Vec::new();
        for purpose in purposes {
            present.push(purpose?.to_decoded_oid());
        }
        let lacks =
            |oid: &[usize]| !present.is_empty() && !present.iter().any(|found| found == oid);
        let required = if lacks(KeyUsage::CLIENT_AUTH_REPR) {
            KeyUsage::client_auth()
        } else if lacks(KeyUsage::SERVER_AUTH_REPR) {
            KeyUsage::server_auth()
        } else {
            return Ok(());
        };
        Err(Error::RequiredEkuNotFoundContext(
            webpki::RequiredEkuNotFoundContext { required, present },
        ))
    }
}
