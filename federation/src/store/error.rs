//! Why the state couldn't be opened, or a change not made.

use std::io;
use std::path::PathBuf;

use protocol::name::{ClusterName, TrustDomain};

/// Why the store can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file can't be made or read.
    #[error("cannot open {path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process has it.
    #[error("{path} is in use: another controller runs on this data directory")]
    InUse {
        /// Which.
        path: PathBuf,
    },
    /// It is damaged, or no such file.
    #[error("{path} is damaged or isn't a state file: {what}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// It belongs to somebody else.
    #[error(
        "{path} belongs to the cluster {held_cluster} of {held_trust_domain}, not to {cluster} of {trust_domain}"
    )]
    Foreign {
        /// Which.
        path: PathBuf,
        /// Whose it is.
        held_cluster: ClusterName,
        /// Whose it is.
        held_trust_domain: TrustDomain,
        /// Who asked.
        cluster: ClusterName,
        /// Who asked.
        trust_domain: TrustDomain,
    },
    /// Raft doesn't come up.
    #[error("the replica doesn't start: {0}")]
    Raft(String),
}

/// Why a change was neither made nor refused.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProposeError {
    /// Another replica leads.
    #[error("this controller does not lead its cluster, and {leader} does")]
    NotLeader {
        /// Who leads, if known.
        leader: String,
    },
    /// The replica stopped.
    #[error("the controller's store has stopped: {0}")]
    Stopped(String),
}
