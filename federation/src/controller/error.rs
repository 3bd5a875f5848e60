//! Why a controller doesn't start, or stops by itself.

use std::io;
use std::path::PathBuf;

use tunnel::{BindError, NodeSecretError};

use crate::authority::AuthorityStartError;
use crate::store::{OpenError, ProposeError};

/// Why a controller doesn't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory can't be used.
    #[error("cannot use the data directory {path}")]
    DataDir {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The state can't be opened.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The authority can't be used.
    #[error(transparent)]
    Authority(#[from] AuthorityStartError),
    /// The node secret can't be used.
    #[error(transparent)]
    Secret(#[from] NodeSecretError),
    /// The UDP port can't be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The first changes couldn't be made.
    #[error("the controller cannot write its state")]
    Propose(#[from] ProposeError),
    /// The state has no founding though it was just made.
    #[error("the state holds no cluster")]
    NotFounded,
    /// The socket can't be had.
    #[error("cannot listen on {path}")]
    Socket {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why a controller stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Its store stopped: after a failed fsync nothing is assumed durable.
    #[error("the controller's store has stopped: {0}")]
    Store(String),
    /// One of its tasks ended, which none does while it runs.
    #[error("a task of the controller ended")]
    TaskEnded,
}
