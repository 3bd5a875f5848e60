//! What making, loading and using an authority fails on.

use std::path::PathBuf;

use protocol::name::{SpiffeId, TrustDomain};

use crate::{
    key::{KeyError, PrivateFileError},
    pem::PemError,
};

/// What making an authority fails on.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// Its key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Its certificate couldn't be made or read.
    #[error("can't make the authority's certificate")]
    Certificate(#[from] rcgen::Error),
    /// The certificate isn't one of an authority of ours.
    #[error("not a certificate of an authority: {0}")]
    NotAnAuthority(&'static str),
    /// The root that should sign is past its end.
    #[error("the root of {0} has expired")]
    RootExpired(TrustDomain),
}

/// What loading an authority from disk fails on.
#[derive(Debug, thiserror::Error)]
pub enum LoadAuthorityError {
    /// The file can't be read, or others can read it too.
    #[error(transparent)]
    File(#[from] PrivateFileError),
    /// It isn't what we once wrote.
    #[error("{} is damaged", path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: PemError,
    },
    /// It holds no authority.
    #[error("{} holds no authority", path.display())]
    Authority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: AuthorityError,
    },
}

impl LoadAuthorityError {
    /// Tells whether there is just none yet.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::File(error) if error.is_not_found())
    }
}

/// Why no SVID was issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The request can't be read.
    #[error("the signing request can't be read")]
    MalformedRequest,
    /// The caller doesn't show that it holds the key.
    #[error("the signing request isn't signed by its own key")]
    NoProofOfPossession,
    /// The key is too weak, or of a kind that nobody would accept.
    #[error("the key in the signing request can't be used: {0}")]
    WeakKey(&'static str),
    /// The identity belongs to another trust domain.
    #[error("{id} is not of the trust domain {ours}")]
    ForeignTrustDomain {
        /// What was asked for.
        id: SpiffeId,
        /// What we issue for.
        ours: TrustDomain,
    },
    /// A life of no time.
    #[error("a lifetime of less than a second")]
    LifetimeTooShort,
    /// The authority itself is past its end.
    #[error("the intermediate authority of {0} has expired")]
    AuthorityExpired(TrustDomain),
    /// The certificate couldn't be signed.
    #[error("can't sign the certificate")]
    Sign(#[from] AuthorityError),
}
