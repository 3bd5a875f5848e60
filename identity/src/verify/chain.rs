//! The chain as it was sent: bounded before it costs anything, in order, each certificate strictly read.

use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;

use super::{VerifyError, certificate};

/// More certificates than these are not looked at.
pub const MOST_CERTIFICATES: usize = 10;
/// More bytes than these are not looked at.
pub const MOST_BYTES: usize = 64 * 1024;
/// With more issuers of one name, the paths to try would multiply.
const MOST_OF_ONE_SUBJECT: usize = 3;

/// Reads every certificate of a chain.
pub(super) fn parse<'a>(
    chain: &'a [CertificateDer<'_>],
) -> Result<Vec<X509Certificate<'a>>, VerifyError> {
    check_size(chain)?;
    let certificates = chain
        .iter()
        .enumerate()
        .map(|(position, der)| certificate::parse(position, der))
        .collect::<Result<Vec<_>, _>>()?;
    check_order(&certificates)?;
    Ok(certificates)
}

fn check_size(chain: &[CertificateDer<'_>]) -> Result<(), VerifyError> {
    if chain.len() > MOST_CERTIFICATES {
        return Err(VerifyError::TooManyCertificates(chain.len()));
    }
    let bytes = chain.iter().map(|certificate| certificate.len()).sum();
    if bytes > MOST_BYTES {
        return Err(VerifyError::TooManyBytes(bytes));
    }
    Ok(())
}

/// Each must name the next as its issuer (RFC 8446 4.4.2): then there is one path to look at, not a graph.
fn check_order(certificates: &[X509Certificate<'_>]) -> Result<(), VerifyError> {
    for (position, pair) in certificates.windows(2).enumerate() {
        if pair[0].issuer().as_raw() != pair[1].subject().as_raw() {
            return Err(VerifyError::OutOfOrder(position));
        }
    }
    for certificate in certificates {
        let subject = certificate.subject().as_raw();
        let alike = certificates
            .iter()
            .filter(|other| other.subject().as_raw() == subject)
            .count();
        if alike > MOST_OF_ONE_SUBJECT {
            return Err(VerifyError::SameSubject(alike));
        }
    }
    Ok(())
}
