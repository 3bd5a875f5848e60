//! That the other end holds the key of its leaf: the handshake's signature, over TLS 1.3 only.

use rustls::{
    DigitallySignedStruct, Error, PeerIncompatible, SignatureScheme,
    client::danger::HandshakeSignatureValid, crypto::verify_tls13_signature,
};
use rustls_pki_types::CertificateDer;

use crate::provider::SIGNATURES;

/// Checks the signature over the handshake.
pub(super) fn tls13(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signature: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    verify_tls13_signature(message, certificate, signature, &SIGNATURES)
}

/// Refuses TLS 1.2, which the configurations never offer (P-4).
pub(super) fn tls12() -> Result<HandshakeSignatureValid, Error> {
    Err(PeerIncompatible::Tls12NotOffered.into())
}

/// The schemes that we offer.
pub(super) fn schemes() -> Vec<SignatureScheme> {
    SIGNATURES.supported_schemes()
}
