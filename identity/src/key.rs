//! Private keys: made here, kept as PKCS#8, wiped when dropped, and never readable by others on disk.

mod private_file;

use std::{fmt, io, path::Path};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair},
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

pub use private_file::{
    PrivateFileError, create_private_dir, create_private_file, read_private_file,
};

/// A private key in PKCS#8, wiped from memory when it is dropped.
#[derive(Clone)]
pub struct PrivateKey(Zeroizing<Vec<u8>>);

/// What making or using a key fails on.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The cryptography library could make no key.
    #[error("can't make a key")]
    Generate,
    /// The bytes are no PKCS#8 key of a kind we know.
    #[error("not a PKCS#8 key of a known kind")]
    Malformed(#[source] rcgen::Error),
    /// The key wouldn't sign.
    #[error("can't sign with the key")]
    Sign(#[source] rcgen::Error),
}

/// What loading a key from disk fails on.
#[derive(Debug, thiserror::Error)]
pub enum LoadKeyError {
    /// The file can't be read, or others can read it too.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// What it holds is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl PrivateKey {
    /// Makes a fresh ECDSA P-256 key.
    pub fn generate() -> Result<Self, KeyError> {
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
                .map_err(|_| KeyError::Generate)?;
        Ok(Self(Zeroizing::new(document.as_ref().to_vec())))
    }

    /// Takes a key in PKCS#8 DER, if it is of a kind we can sign with.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let key = Self(Zeroizing::new(der.to_vec()));
        key.key_pair()?;
        Ok(key)
    }

    /// Makes a certificate signing request: the public key and a proof that we hold the private one, no names (P-11).
    pub fn csr(&self) -> Result<Vec<u8>, KeyError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        let request = params
            .serialize_request(&*self.key_pair()?)
            .map_err(KeyError::Sign)?;
        Ok(request.der().to_vec())
    }

    /// Writes the key to a file that only its owner can read.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        create_private_file(path, &self.0)
    }

    /// Reads a key that [`PrivateKey::save`] wrote; refuses a file that others can read.
    pub fn load(path: &Path) -> Result<Self, LoadKeyError> {
        Ok(Self::from_pkcs8_der(&read_private_file(path)?)?)
    }

    /// Shows the secret, for those who store it.
    pub(crate) fn pkcs8_der(&self) -> &[u8] {
        &self.0
    }

    /// Reads the key for signing certificates and requests.
    pub(crate) fn key_pair(&self) -> Result<Zeroizing<KeyPair>, KeyError> {
        let der = PrivatePkcs8KeyDer::from(self.0.as_slice());
        KeyPair::try_from(&der)
            .map(Zeroizing::new)
            .map_err(KeyError::Malformed)
    }

    /// Hands a copy to rustls, which wipes it.
    pub(crate) fn for_tls(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.0.to_vec()).into()
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(…)")
    }
}
