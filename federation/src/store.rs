//! The replicated state: propose a change, read the state, watch its versions. openraft's types stay behind this door.
//!
//! One file, `state.redb`, holds the Raft log, the vote, snapshots and who the file belongs to. A change is answered only when it is
//! on disk (fsync), so that `kill -9` at any instant loses nothing that was acknowledged.

mod disk;
mod error;
mod log;
mod machine;
mod network;
mod raft;
mod snapshot;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

pub use disk::Owner;
pub use error::{OpenError, ProposeError};

use crate::metrics;
use crate::state::{Change, Outcome, Refusal, State};

const MOST_DRAWS: u32 = 100;
const CLOSED_WITHIN: Duration = Duration::from_secs(5);

/// A replica of the state. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    raft: raft::Raft,
    published: watch::Receiver<Arc<State>>,
    incarnation: Arc<str>,
    open: watch::Receiver<()>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Store(incarnation {}, version {})",
            self.incarnation,
            self.state().version
        )
    }
}

impl Store {
    /// Opens the file, or makes it: then a new incarnation of the cluster begins. Answers when all that was acknowledged is applied.
    pub async fn open(path: &Path, owner: Owner) -> Result<Self, OpenError> {
        let disk = disk::Disk::open(path, owner)?;
        let (incarnation, open) = (disk.incarnation().into(), disk.watch_open());
        let (publish, published) = watch::channel(Arc::new(State::default()));
        let raft = raft::start(disk, publish).await?;
        Ok(Self {
            raft,
            published,
            incarnation,
            open,
        })
    }

    /// Tells the incarnation that the file belongs to.
    pub fn incarnation(&self) -> &str {
        &self.incarnation
    }

    /// Replicates one change and applies it. A refusal is an outcome, not an error.
    pub async fn propose(&self, change: Change) -> Result<Outcome, ProposeError> {
        let outcome = raft::write(&self.raft, change).await;
        metrics::proposal(match &outcome {
            Ok(outcome) if outcome.is_refused() => "refused",
            Ok(_) => "applied",
            Err(_) => "failed",
        });
        outcome
    }

    /// Proposes what `draw` makes, again while a number it drew was taken: so many in a row aren't, unless the dice are loaded.
    pub async fn propose_drawn(
        &self,
        mut draw: impl FnMut() -> Change,
    ) -> Result<Outcome, ProposeError> {
        let mut outcome = self.propose(draw()).await?;
        for _ in 0..MOST_DRAWS {
            if outcome != Outcome::Refused(Refusal::Clash) {
                break;
            }
            outcome = self.propose(draw()).await?;
        }
        Ok(outcome)
    }

    /// Returns the state as last applied here.
    pub fn state(&self) -> Arc<State> {
        self.published.borrow().clone()
    }

    /// Watches the state: a reader sees the newest, and may miss some in between.
    pub fn watch(&self) -> watch::Receiver<Arc<State>> {
        self.published.clone()
    }

    /// Waits until the replica stops by itself, which a disk that fails makes it do; says why.
    pub async fn failed(&self) -> String {
        raft::failed(&self.raft).await
    }

    /// Stops the replica, and waits until its file is closed: then another one may open it.
    pub async fn close(&self) {
        raft::stop(&self.raft).await;
        let mut open = self.open.clone();
        let closed = async { while open.changed().await.is_ok() {} };
        if tokio::time::timeout(CLOSED_WITHIN, closed).await.is_err() {
            tracing::warn!("the state's file is still open");
        }
    }
}

#[cfg(test)]
mod tests;
