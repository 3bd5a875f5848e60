//! Applies what the log has agreed on to the [`State`], and publishes it.
//!
//! The state lives in memory; on disk it is the last snapshot and the log behind that, which are applied again at each start.

use std::io::Cursor;
use std::sync::Arc;

use openraft::storage::RaftStateMachine;
use openraft::{
    EmptyNode, Entry, EntryPayload, ErrorSubject, ErrorVerb, LogId, OptionalSend, Snapshot,
    SnapshotMeta, StorageError, StoredMembership,
};
use tokio::sync::watch;

use super::disk::Disk;
use super::raft::Types;
use super::snapshot::{Builder, StoredSnapshot};
use crate::state::{Outcome, State};

/// The state machine.
pub(super) struct Machine {
    disk: Disk,
    state: Arc<State>,
    applied: Option<LogId<u64>>,
    membership: StoredMembership<u64, EmptyNode>,
    publish: watch::Sender<Arc<State>>,
}

impl Machine {
    /// Begins with the last snapshot, if there is one.
    pub(super) fn load(disk: Disk, publish: watch::Sender<Arc<State>>) -> std::io::Result<Self> {
        let mut machine = Self {
            disk,
            state: Arc::default(),
            applied: None,
            membership: StoredMembership::default(),
            publish,
        };
        if let Some(stored) = StoredSnapshot::read(&machine.disk)? {
            machine.replace(stored);
        }
        Ok(machine)
    }

    fn replace(&mut self, stored: StoredSnapshot) {
        self.applied = stored.meta.last_log_id;
        self.membership = stored.meta.last_membership;
        self.state = Arc::new(stored.state);
        self.publish.send_replace(Arc::clone(&self.state));
    }

    fn carry_out(&mut self, state: &mut State, entry: Entry<Types>) -> Outcome {
        self.applied = Some(entry.log_id);
        match entry.payload {
            EntryPayload::Blank => Outcome::Unchanged,
            EntryPayload::Normal(change) => state.apply(change),
            EntryPayload::Membership(membership) => {
                self.membership = StoredMembership::new(Some(entry.log_id), membership);
                Outcome::Unchanged
            }
        }
    }
}

fn snapshot_error(verb: ErrorVerb) -> impl Fn(std::io::Error) -> StorageError<u64> {
    move |error| StorageError::from_io_error(ErrorSubject::Snapshot(None), verb, error)
}

impl RaftStateMachine<Types> for Machine {
    type SnapshotBuilder = Builder;

    async fn applied_state(
        &mut self,
    ) -> Result<(Option<LogId<u64>>, StoredMembership<u64, EmptyNode>), StorageError<u64>> {
        Ok((self.applied, self.membership.clone()))
    }

    async fn apply<I>(&mut self, entries: I) -> Result<Vec<Outcome>, StorageError<u64>>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let mut state = State::clone(&self.state);
        let outcomes = entries
            .into_iter()
            .map(|entry| self.carry_out(&mut state, entry))
            .collect();
        self.state = Arc::new(state);
        self.publish.send_replace(Arc::clone(&self.state));
        Ok(outcomes)
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        let meta = SnapshotMeta {
            last_log_id: self.applied,
            last_membership: self.membership.clone(),
            snapshot_id: self.applied.map_or_else(
                || "0".to_owned(),
                |id| format!("{}-{}", id.leader_id, id.index),
            ),
        };
        Builder::new(self.disk.clone(), meta, Arc::clone(&self.state))
    }

    async fn begin_receiving_snapshot(
        &mut self,
    ) -> Result<Box<Cursor<Vec<u8>>>, StorageError<u64>> {
        Ok(Box::default())
    }

    async fn install_snapshot(
        &mut self,
        meta: &SnapshotMeta<u64, EmptyNode>,
        snapshot: Box<Cursor<Vec<u8>>>,
    ) -> Result<(), StorageError<u64>> {
        let stored = StoredSnapshot::receive(meta.clone(), snapshot.get_ref())
            .map_err(snapshot_error(ErrorVerb::Read))?;
        stored
            .write(&self.disk)
            .await
            .map_err(snapshot_error(ErrorVerb::Write))?;
        self.replace(stored);
        Ok(())
    }

    async fn get_current_snapshot(&mut self) -> Result<Option<Snapshot<Types>>, StorageError<u64>> {
        let stored = StoredSnapshot::read(&self.disk).map_err(snapshot_error(ErrorVerb::Read))?;
        stored
            .map(|stored| stored.send())
            .transpose()
            .map_err(snapshot_error(ErrorVerb::Read))
    }
}
