//! The Raft log and vote on disk. An append is answered when it is durable, never before.

use std::fmt::Debug;
use std::io;
use std::ops::RangeBounds;

use openraft::storage::{LogFlushed, RaftLogStorage};
use openraft::{
    Entry, ErrorSubject, ErrorVerb, LogId, LogState, OptionalSend, RaftLogReader, StorageError,
    Vote,
};
use redb::{ReadableDatabase as _, ReadableTable as _};

use super::disk::{Disk, LOG, decode, encode, put_meta};
use super::raft::Types;

const VOTE: &str = "vote";
const PURGED: &str = "purged";

/// The log. Cheap to clone; clones read.
#[derive(Clone)]
pub(super) struct Log {
    disk: Disk,
}

impl Log {
    pub(super) fn new(disk: Disk) -> Self {
        Self { disk }
    }

    fn read(&self, range: impl RangeBounds<u64>) -> io::Result<Vec<Entry<Types>>> {
        let transaction = self
            .disk
            .database()
            .begin_read()
            .map_err(io::Error::other)?;
        let table = transaction.open_table(LOG).map_err(io::Error::other)?;
        let rows = table.range(range).map_err(io::Error::other)?;
        rows.map(|row| decode(row.map_err(io::Error::other)?.1.value()))
            .collect()
    }

    fn last(&self) -> io::Result<Option<LogId<u64>>> {
        let transaction = self
            .disk
            .database()
            .begin_read()
            .map_err(io::Error::other)?;
        let table = transaction.open_table(LOG).map_err(io::Error::other)?;
        let last = table.last().map_err(io::Error::other)?;
        last.map(|(_, record)| decode::<Entry<Types>>(record.value()).map(|entry| entry.log_id))
            .transpose()
    }
}

fn reading(error: io::Error) -> StorageError<u64> {
    StorageError::from_io_error(ErrorSubject::Logs, ErrorVerb::Read, error)
}

fn writing(error: io::Error) -> StorageError<u64> {
    StorageError::from_io_error(ErrorSubject::Logs, ErrorVerb::Write, error)
}

impl RaftLogReader<Types> for Log {
    async fn try_get_log_entries<R: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: R,
    ) -> Result<Vec<Entry<Types>>, StorageError<u64>> {
        self.read(range).map_err(reading)
    }
}

impl RaftLogStorage<Types> for Log {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<Types>, StorageError<u64>> {
        let last_purged_log_id = self.disk.get(PURGED).map_err(reading)?;
        let last_log_id = self.last().map_err(reading)?.or(last_purged_log_id);
        Ok(LogState {
            last_purged_log_id,
            last_log_id,
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote<u64>) -> Result<(), StorageError<u64>> {
        let failed =
            |error| StorageError::from_io_error(ErrorSubject::Vote, ErrorVerb::Write, error);
        self.disk.put(VOTE, vote).await.map_err(failed)
    }

    async fn read_vote(&mut self) -> Result<Option<Vote<u64>>, StorageError<u64>> {
        self.disk.get(VOTE).map_err(reading)
    }

    async fn append<I>(
        &mut self,
        entries: I,
        callback: LogFlushed<Types>,
    ) -> Result<(), StorageError<u64>>
    where
        I: IntoIterator<Item = Entry<Types>> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let encoded: io::Result<Vec<_>> = entries
            .into_iter()
            .map(|entry| Ok((entry.log_id.index, encode(&entry)?)))
            .collect();
        let records = encoded.map_err(writing)?;
        let stored = self.disk.write(move |transaction| {
            let mut log = transaction.open_table(LOG).map_err(io::Error::other)?;
            for (index, record) in &records {
                log.insert(index, record.as_slice())
                    .map_err(io::Error::other)?;
            }
            Ok(())
        });
        match stored.await {
            Ok(()) => {
                callback.log_io_completed(Ok(()));
                Ok(())
            }
            Err(error) => {
                callback.log_io_completed(Err(io::Error::new(error.kind(), error.to_string())));
                Err(writing(error))
            }
        }
    }

    async fn truncate(&mut self, log_id: LogId<u64>) -> Result<(), StorageError<u64>> {
        let from = log_id.index;
        let cut = self.disk.write(move |transaction| {
            let mut log = transaction.open_table(LOG).map_err(io::Error::other)?;
            log.retain_in(from.., |_, _| false)
                .map_err(io::Error::other)
        });
        cut.await.map_err(writing)
    }

    async fn purge(&mut self, log_id: LogId<u64>) -> Result<(), StorageError<u64>> {
        let purged = encode(&log_id).map_err(writing)?;
        let cut = self.disk.write(move |transaction| {
            put_meta(transaction, PURGED, &purged)?;
            let mut log = transaction.open_table(LOG).map_err(io::Error::other)?;
            log.retain_in(..=log_id.index, |_, _| false)
                .map_err(io::Error::other)
        });
        cut.await.map_err(writing)
    }
}
