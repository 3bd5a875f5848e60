//! Whom a caller expects at the other end (P-3): never merely "somebody with a valid certificate".

use std::time::SystemTime;

use protocol::name::SpiffeId;
use rustls_pki_types::CertificateDer;

use crate::{
    bundle::{Bundle, Bundles},
    verify::{VerifiedSvid, VerifyError, verify},
};

/// Whom a caller expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// This one.
    Id(SpiffeId),
    /// One of these.
    AnyOf(Vec<SpiffeId>),
    /// This one, vouched for by the root whose SHA-256 was told beforehand, which the chain carries at its end: for a first contact.
    RootDigest {
        /// SHA-256 of the root certificate's DER.
        digest: [u8; 32],
        /// Who has to answer.
        id: SpiffeId,
    },
}

impl Expect {
    /// Verifies a chain and checks that it proves the one who is expected.
    pub fn verify(
        &self,
        chain: &[CertificateDer<'_>],
        bundles: &Bundles,
        now: SystemTime,
    ) -> Result<VerifiedSvid, VerifyError> {
        let verified = match self {
            Self::Id(_) | Self::AnyOf(_) => verify(chain, bundles, now)?,
            Self::RootDigest { digest, id } => {
                let pinned = Bundle::pinned(chain, digest, id.trust_domain())
                    .map_err(|_| VerifyError::NotThatRoot)?;
                verify(chain, &Bundles::from_iter([pinned]), now)?
            }
        };
        if !self.ids().contains(verified.id()) {
            return Err(VerifyError::Unexpected {
                found: verified.id().clone(),
                expected: self.names(),
            });
        }
        Ok(verified)
    }

    fn ids(&self) -> &[SpiffeId] {
        match self {
            Self::Id(id) | Self::RootDigest { id, .. } => std::slice::from_ref(id),
            Self::AnyOf(ids) => ids,
        }
    }

    fn names(&self) -> String {
        self.ids()
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" or ")
    }
}
