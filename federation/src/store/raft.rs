//! openraft with one voter: start, write, and stop.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::sync::Arc;

use openraft::error::{ClientWriteError, Fatal, RaftError};
use openraft::{Config, SnapshotPolicy};
use tokio::sync::watch;

use super::disk::Disk;
use super::log::Log;
use super::machine::Machine;
use super::network::Network;
use super::{OpenError, ProposeError};
use crate::state::{Change, Outcome, State};

openraft::declare_raft_types!(
    /// What is replicated: changes, answered by outcomes.
    pub(super) Types:
        D = Change,
        R = Outcome,
        NodeId = u64,
        Node = openraft::EmptyNode,
        Entry = openraft::Entry<Types>,
        SnapshotData = Cursor<Vec<u8>>,
        AsyncRuntime = openraft::TokioRuntime,
);

/// A running replica.
pub(super) type Raft = openraft::Raft<Types>;

/// The only voter's number.
const VOTER: u64 = 1;
/// A snapshot is made after so many changes; as many are kept in the log behind it.
const CHANGES_PER_SNAPSHOT: u64 = 500;

/// Starts the replica and waits until all that the log holds is applied.
pub(super) async fn start(
    disk: Disk,
    publish: watch::Sender<Arc<State>>,
) -> Result<Raft, OpenError> {
    let config = Config {
        cluster_name: disk.incarnation().to_owned(),
        heartbeat_interval: 500,
        election_timeout_min: 1000,
        election_timeout_max: 2000,
        snapshot_policy: SnapshotPolicy::LogsSinceLast(CHANGES_PER_SNAPSHOT),
        max_in_snapshot_log_to_keep: CHANGES_PER_SNAPSHOT,
        ..Config::default()
    };
    let config = Arc::new(config.validate().map_err(raft_error)?);
    let machine = Machine::load(disk.clone(), publish).map_err(raft_error)?;
    let raft = Raft::new(VOTER, config, Network, Log::new(disk), machine)
        .await
        .map_err(raft_error)?;
    if !raft.is_initialized().await.map_err(raft_error)? {
        raft.initialize(BTreeSet::from([VOTER]))
            .await
            .map_err(raft_error)?;
    }
    let lead = raft
        .wait(None)
        .state(openraft::ServerState::Leader, "the only voter leads")
        .await;
    lead.map_err(raft_error)?;
    raft.ensure_linearizable().await.map_err(raft_error)?;
    Ok(raft)
}

fn raft_error(error: impl std::fmt::Display) -> OpenError {
    OpenError::Raft(error.to_string())
}

/// Replicates and applies one change.
pub(super) async fn write(raft: &Raft, change: Change) -> Result<Outcome, ProposeError> {
    match raft.client_write(change).await {
        Ok(response) => Ok(response.data),
        Err(RaftError::Fatal(fatal)) => Err(ProposeError::Stopped(reason(&fatal))),
        Err(RaftError::APIError(ClientWriteError::ForwardToLeader(forward))) => {
            let leader = forward
                .leader_id
                .map_or("nobody".to_owned(), |id| format!("replica {id}"));
            Err(ProposeError::NotLeader { leader })
        }
        Err(RaftError::APIError(other)) => Err(ProposeError::Stopped(other.to_string())),
    }
}

/// Waits until the replica has stopped, and says why.
pub(super) async fn failed(raft: &Raft) -> String {
    let mut metrics = raft.metrics();
    loop {
        if let Err(fatal) = &metrics.borrow_and_update().running_state {
            return reason(fatal);
        }
        if metrics.changed().await.is_err() {
            return "it stopped".to_owned();
        }
    }
}

fn reason(fatal: &Fatal<u64>) -> String {
    match fatal {
        Fatal::StorageError(error) => format!("the disk failed: {error}"),
        Fatal::Panicked => "it panicked".to_owned(),
        Fatal::Stopped => "it was stopped".to_owned(),
    }
}

/// Stops the replica and waits until it has.
pub(super) async fn stop(raft: &Raft) {
    if let Err(error) = raft.shutdown().await {
        tracing::warn!(%error, "the replica did not stop cleanly");
    }
}
