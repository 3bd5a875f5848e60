//! The state at one moment, on disk: what a start begins with, and what lets the log be cut.

use std::io::{self, Cursor};
use std::sync::Arc;

use openraft::{
    EmptyNode, ErrorSubject, ErrorVerb, RaftSnapshotBuilder, Snapshot, SnapshotMeta, StorageError,
};
use serde::{Deserialize, Serialize};

use super::disk::{Disk, decode, encode};
use super::raft::Types;
use crate::state::State;

const SNAPSHOT: &str = "snapshot";

/// A snapshot as it stands in the file.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredSnapshot {
    pub(super) meta: SnapshotMeta<u64, EmptyNode>,
    pub(super) state: State,
}

impl StoredSnapshot {
    /// Reads the one snapshot that is kept.
    pub(super) fn read(disk: &Disk) -> io::Result<Option<Self>> {
        disk.get(SNAPSHOT)
    }

    /// Puts it in place of the one kept.
    pub(super) async fn write(&self, disk: &Disk) -> io::Result<()> {
        disk.put(SNAPSHOT, self).await
    }

    /// Reads what another replica sent.
    pub(super) fn receive(meta: SnapshotMeta<u64, EmptyNode>, sent: &[u8]) -> io::Result<Self> {
        Ok(Self {
            meta,
            state: decode(sent)?,
        })
    }

    /// Makes it ready to be sent to another replica.
    pub(super) fn send(self) -> io::Result<Snapshot<Types>> {
        Ok(Snapshot {
            snapshot: Box::new(Cursor::new(encode(&self.state)?)),
            meta: self.meta,
        })
    }
}

/// Makes a snapshot of the state as it was when the builder was asked for.
pub(super) struct Builder {
    disk: Disk,
    meta: SnapshotMeta<u64, EmptyNode>,
    state: Arc<State>,
}

impl Builder {
    pub(super) fn new(disk: Disk, meta: SnapshotMeta<u64, EmptyNode>, state: Arc<State>) -> Self {
        Self { disk, meta, state }
    }
}

impl RaftSnapshotBuilder<Types> for Builder {
    async fn build_snapshot(&mut self) -> Result<Snapshot<Types>, StorageError<u64>> {
        let failed = |error| {
            StorageError::from_io_error(ErrorSubject::Snapshot(None), ErrorVerb::Write, error)
        };
        let stored = StoredSnapshot {
            meta: self.meta.clone(),
            state: State::clone(&self.state),
        };
        stored.write(&self.disk).await.map_err(failed)?;
        stored.send().map_err(failed)
    }
}
