//! `state.redb`: the tables, whose file it is, and records that carry a checksum.
//!
//! | table | key | value |
//! | --- | --- | --- |
//! | `log` | index | checksum, then a Raft entry as JSON |
//! | `meta` | `owner` `vote` `purged` `snapshot` | checksum, then JSON |
//!
//! Every write is a transaction of redb with `Durability::Immediate`: on disk when it returns.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use protocol::name::{ClusterName, TrustDomain};
use redb::{
    Database, DatabaseError, Durability, ReadableDatabase as _, ReadableTable as _,
    TableDefinition, WriteTransaction,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::sync::watch;

use super::OpenError;

pub(super) const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const OWNER: &str = "owner";
const CHECKSUM_LEN: usize = 8;

/// Whose state it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The cluster.
    pub cluster: ClusterName,
    /// Its trust domain.
    pub trust_domain: TrustDomain,
}

#[derive(Debug, Serialize, Deserialize)]
struct OwnerRecord {
    incarnation: String,
    cluster: ClusterName,
    trust_domain: TrustDomain,
}

/// The open file. Cheap to clone; closed when the last clone is dropped.
#[derive(Clone)]
pub(super) struct Disk {
    file: Arc<OpenFile>,
    incarnation: Arc<str>,
}

/// Fields are dropped in this order: whoever waits for the second finds the file closed.
struct OpenFile {
    database: Database,
    open: watch::Sender<()>,
}

impl Disk {
    /// Opens or makes the file (0600), and refuses another cluster's.
    pub(super) fn open(path: &Path, owner: Owner) -> Result<Self, OpenError> {
        let file_error = |source| OpenError::File {
            path: path.to_owned(),
            source,
        };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(file_error)?;
        }
        drop(
            OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(path)
                .map_err(file_error)?,
        );
        let database =
            Database::create(path).map_err(|error| open_error(path.to_owned(), error))?;
        let damaged = |error: io::Error| OpenError::Damaged {
            path: path.to_owned(),
            what: error.to_string(),
        };
        let record = claim(&database, &owner).map_err(damaged)?;
        if record.cluster != owner.cluster || record.trust_domain != owner.trust_domain {
            return Err(OpenError::Foreign {
                path: path.to_owned(),
                held_cluster: record.cluster,
                held_trust_domain: record.trust_domain,
                cluster: owner.cluster,
                trust_domain: owner.trust_domain,
            });
        }
        let file = OpenFile {
            database,
            open: watch::channel(()).0,
        };
        Ok(Self {
            file: Arc::new(file),
            incarnation: record.incarnation.into(),
        })
    }

    pub(super) fn incarnation(&self) -> &str {
        &self.incarnation
    }

    /// Carries out one durable transaction off the runtime's threads.
    pub(super) async fn write(
        &self,
        steps: impl FnOnce(&WriteTransaction) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let file = Arc::clone(&self.file);
        tokio::task::spawn_blocking(move || durably(&file.database, steps))
            .await
            .map_err(io::Error::other)?
    }

    /// Writes one value durably.
    pub(super) async fn put(&self, key: &'static str, value: &impl Serialize) -> io::Result<()> {
        let record = encode(value)?;
        self.write(move |transaction| put_meta(transaction, key, &record))
            .await
    }

    /// Reads one value.
    pub(super) fn get<T: DeserializeOwned>(&self, key: &str) -> io::Result<Option<T>> {
        let transaction = self.file.database.begin_read().map_err(io::Error::other)?;
        let table = transaction.open_table(META).map_err(io::Error::other)?;
        let value = table.get(key).map_err(io::Error::other)?;
        value.map(|value| decode(value.value())).transpose()
    }

    pub(super) fn database(&self) -> &Database {
        &self.file.database
    }

    /// Ends, with an error, when the file is closed.
    pub(super) fn watch_open(&self) -> watch::Receiver<()> {
        self.file.open.subscribe()
    }
}

/// Puts an encoded value among a transaction's steps.
pub(super) fn put_meta(transaction: &WriteTransaction, key: &str, record: &[u8]) -> io::Result<()> {
    transaction
        .open_table(META)
        .map_err(io::Error::other)?
        .insert(key, record)
        .map_err(io::Error::other)?;
    Ok(())
}

fn durably(
    database: &Database,
    steps: impl FnOnce(&WriteTransaction) -> io::Result<()>,
) -> io::Result<()> {
    let mut transaction = database.begin_write().map_err(io::Error::other)?;
    transaction
        .set_durability(Durability::Immediate)
        .map_err(io::Error::other)?;
    steps(&transaction)?;
    transaction.commit().map_err(io::Error::other)
}

/// Returns whose file it is; a new file becomes the owner's, as a new incarnation.
fn claim(database: &Database, owner: &Owner) -> io::Result<OwnerRecord> {
    let mut found = None;
    durably(database, |transaction| {
        transaction.open_table(LOG).map_err(io::Error::other)?;
        let mut meta = transaction.open_table(META).map_err(io::Error::other)?;
        if let Some(record) = meta.get(OWNER).map_err(io::Error::other)? {
            found = Some(decode::<OwnerRecord>(record.value())?);
            return Ok(());
        }
        let record = OwnerRecord {
            incarnation: HEXLOWER.encode(&rand::random::<[u8; 16]>()),
            cluster: owner.cluster.clone(),
            trust_domain: owner.trust_domain.clone(),
        };
        meta.insert(OWNER, encode(&record)?.as_slice())
            .map_err(io::Error::other)?;
        found = Some(record);
        Ok(())
    })?;
    found.ok_or_else(|| io::Error::other("it has no owner"))
}

fn open_error(path: PathBuf, error: DatabaseError) -> OpenError {
    match error {
        DatabaseError::DatabaseAlreadyOpen => OpenError::InUse { path },
        DatabaseError::Storage(redb::StorageError::Io(source))
            if source.kind() != io::ErrorKind::InvalidData =>
        {
            OpenError::File { path, source }
        }
        other => OpenError::Damaged {
            path,
            what: other.to_string(),
        },
    }
}

/// JSON behind the first bytes of its SHA-256, so that a flipped bit is found when it is read.
pub(super) fn encode(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut record = vec![0; CHECKSUM_LEN];
    serde_json::to_writer(&mut record, value)?;
    let checksum = digest::digest(&digest::SHA256, &record[CHECKSUM_LEN..]);
    record[..CHECKSUM_LEN].copy_from_slice(&checksum.as_ref()[..CHECKSUM_LEN]);
    Ok(record)
}

/// Checks and reads what [`encode`] wrote.
pub(super) fn decode<T: DeserializeOwned>(record: &[u8]) -> io::Result<T> {
    let (checksum, json) = record
        .split_at_checked(CHECKSUM_LEN)
        .ok_or_else(|| corrupt("it is too short"))?;
    if &digest::digest(&digest::SHA256, json).as_ref()[..CHECKSUM_LEN] != checksum {
        return Err(corrupt("its checksum is wrong"));
    }
    Ok(serde_json::from_slice(json)?)
}

fn corrupt(what: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("a record is corrupt: {what}"),
    )
}
