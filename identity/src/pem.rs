//! PEM as this crate writes and reads it: a PKCS#8 key and certificates, in one text, wiped when dropped.

use data_encoding::BASE64;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer, pem, pem::PemObject};
use zeroize::{Zeroize, Zeroizing};

use crate::key::{KeyError, PrivateKey};

const LINE_BYTES: usize = 48;

/// What a file with a key and certificates fails on.
#[derive(Debug, thiserror::Error)]
pub enum PemError {
    /// It is no PEM, or a section is missing.
    #[error("not the PEM file it should be")]
    Syntax(#[source] pem::Error),
    /// Its key is none that we can use.
    #[error("its private key can't be used")]
    Key(#[from] KeyError),
    /// It holds another number of certificates than it should.
    #[error("it holds {found} certificates, expected {expected}")]
    Certificates {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: &'static str,
    },
}

/// Writes a key and certificates.
pub(crate) fn write(key: &PrivateKey, certificates: &[CertificateDer<'_>]) -> Zeroizing<String> {
    let bytes = key.pkcs8_der().len() + certificates.iter().map(|c| c.len()).sum::<usize>();
    // Reserved whole: a string that grows leaves copies of the key behind.
    let mut text = Zeroizing::new(String::with_capacity(
        bytes * 3 / 2 + 80 * (certificates.len() + 1),
    ));
    push(&mut text, "PRIVATE KEY", key.pkcs8_der());
    for certificate in certificates {
        push(&mut text, "CERTIFICATE", certificate);
    }
    text
}

fn push(text: &mut String, label: &str, der: &[u8]) {
    text.extend(["-----BEGIN ", label, "-----\n"]);
    for line in der.chunks(LINE_BYTES) {
        BASE64.encode_append(line, text);
        text.push('\n');
    }
    text.extend(["-----END ", label, "-----\n"]);
}

/// Reads what [`write`] wrote.
pub(crate) fn read(text: &[u8]) -> Result<(PrivateKey, Vec<CertificateDer<'static>>), PemError> {
    let mut key = PrivatePkcs8KeyDer::from_pem_slice(text).map_err(PemError::Syntax)?;
    let parsed = PrivateKey::from_pkcs8_der(key.secret_pkcs8_der());
    key.zeroize();
    let certificates = CertificateDer::pem_slice_iter(text)
        .collect::<Result<_, _>>()
        .map_err(PemError::Syntax)?;
    Ok((parsed?, certificates))
}
