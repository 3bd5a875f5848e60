//! Why the authority doesn't come up.

use std::io;
use std::path::{Path, PathBuf};

use identity::authority::{AuthorityError, IssueError, LoadAuthorityError};
use identity::key::KeyError;
use identity::svid::SvidError;
use protocol::name::TrustDomain;

/// Why the authority in the data directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityStartError {
    /// A file can't be read or written.
    #[error("cannot use {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It was made with another state.
    #[error(
        "{dir} belongs to the incarnation {held}, and state.redb to {incarnation}: one of them was removed or copied from elsewhere"
    )]
    Incarnation {
        /// Where it is.
        dir: PathBuf,
        /// Its incarnation.
        held: String,
        /// The state's.
        incarnation: String,
    },
    /// It is another trust domain's.
    #[error("{dir} holds the root of {held}, not of {trust_domain}")]
    TrustDomain {
        /// Where it is.
        dir: PathBuf,
        /// Whose it is.
        held: TrustDomain,
        /// Who asked.
        trust_domain: TrustDomain,
    },
    /// The root isn't the one that the state's bundle holds.
    #[error("{dir} holds another root than the cluster's bundle: it was removed or replaced")]
    OtherRoot {
        /// Where it is.
        dir: PathBuf,
    },
    /// What is there can't be loaded.
    #[error(transparent)]
    Load(#[from] LoadAuthorityError),
    /// It couldn't be made.
    #[error("cannot make an authority")]
    Create(#[from] AuthorityError),
    /// A key couldn't be made.
    #[error("cannot make the controller's key")]
    Key(#[from] KeyError),
    /// The controller's own SVID couldn't be issued.
    #[error("cannot issue the controller's own SVID")]
    Issue(#[from] IssueError),
    /// The controller's own SVID is no good.
    #[error("the controller's own SVID cannot be used")]
    Svid(#[from] SvidError),
}

impl AuthorityStartError {
    pub(super) fn file(path: &Path) -> impl Fn(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File {
            path: path.clone(),
            source,
        }
    }
}
