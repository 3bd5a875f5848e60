//! A refusal inside rustls: the reason stays on this side, the other end gets one alert for all of them.

use std::{
    error::Error as StdError,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{CertificateError, Error, OtherError};

use crate::verify::VerifyError;

/// Prints nothing: what rustls and QUIC put into a close frame comes from here. The reason is its source.
struct Refusal(VerifyError);

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl StdError for Refusal {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

/// Why a configuration last refused the other end: QUIC reports a failed handshake as text, and that text says nothing on purpose.
#[derive(Debug, Clone, Default)]
pub struct LastRefusal(Arc<Mutex<Option<VerifyError>>>);

impl LastRefusal {
    /// Takes the reason out, if there was a refusal since it was last taken.
    pub fn take(&self) -> Option<VerifyError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn keep(&self, error: &VerifyError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.clone());
    }
}

/// Turns a refusal into rustls' error, and logs it.
pub(super) fn refuse(role: &'static str, error: VerifyError) -> Error {
    tracing::debug!(role, %error, "refused a certificate chain");
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(Refusal(
        error,
    )))))
}

/// Finds why a chain was refused in the error that rustls ended with, on the side that refused.
pub fn refusal_of(error: &Error) -> Option<&VerifyError> {
    match error {
        Error::InvalidCertificate(CertificateError::Other(OtherError(refusal))) => {
            refusal.source()?.downcast_ref()
        }
        _ => None,
    }
}
