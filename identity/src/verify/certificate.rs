//! One certificate, strictly read: what two readers could understand differently is refused.

use std::{collections::BTreeSet, time::SystemTime};

use rustls_pki_types::CertificateDer;
use x509_parser::{
    certificate::X509Certificate,
    extensions::ParsedExtension,
    prelude::{FromDer, X509Version},
};

use super::{VerifyError, key_strength};

/// RFC 5280 4.1.2.2, and a zero in front to keep it positive.
const LONGEST_SERIAL: usize = 21;

/// Reads a certificate and checks what must hold for all of them, wherever they stand.
pub(super) fn parse<'a>(
    position: usize,
    der: &'a CertificateDer<'_>,
) -> Result<X509Certificate<'a>, VerifyError> {
    let malformed = |what| VerifyError::Malformed { position, what };
    let Ok((rest, certificate)) = X509Certificate::from_der(der) else {
        return Err(malformed("not an X.509 certificate"));
    };
    if !rest.is_empty() {
        return Err(malformed("bytes after its end"));
    }
    if certificate.version() != X509Version::V3 {
        return Err(malformed("not version 3"));
    }
    if certificate.raw_serial().is_empty() || certificate.raw_serial().len() > LONGEST_SERIAL {
        return Err(malformed("a serial number of more than 20 bytes"));
    }
    check_extensions(position, &certificate)?;
    key_strength::check(certificate.public_key())
        .map_err(|what| VerifyError::WeakKey { position, what })?;
    Ok(certificate)
}

fn check_extensions(position: usize, certificate: &X509Certificate<'_>) -> Result<(), VerifyError> {
    let malformed = |what| VerifyError::Malformed { position, what };
    let mut seen = BTreeSet::new();
    for extension in certificate.extensions() {
        if !seen.insert(extension.oid.as_bytes()) {
            return Err(malformed("an extension twice"));
        }
        match extension.parsed_extension() {
            ParsedExtension::NameConstraints(_) => {
                return Err(VerifyError::NameConstraints(position));
            }
            ParsedExtension::ParseError { .. } => {
                return Err(malformed("an extension that can't be read"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Tells from when it is valid.
pub(super) fn not_before(certificate: &X509Certificate<'_>) -> SystemTime {
    certificate.validity().not_before.to_datetime().into()
}

/// Tells until when it is valid.
pub(super) fn not_after(certificate: &X509Certificate<'_>) -> SystemTime {
    certificate.validity().not_after.to_datetime().into()
}
