//! The store over restarts: nothing that was acknowledged is lost, and no foreign file is taken.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use protocol::cid::Handle;
use protocol::name::Label;

use super::*;
use crate::state::{HostKey, HostRole};

fn owner(cluster: &str) -> Owner {
    Owner {
        cluster: cluster.parse().unwrap(),
        trust_domain: format!("{cluster}.example").parse().unwrap(),
    }
}

async fn open(path: &Path) -> Store {
    Store::open(path, owner("east")).await.unwrap()
}

fn start(number: u32) -> Change {
    Change::Start {
        host: HostKey {
            role: HostRole::Controller,
            name: Label::parse("c1").unwrap(),
        },
        handle: Handle::try_from(number).unwrap(),
        address: "127.0.0.1:4435".parse().unwrap(),
    }
}

/// Runs on a runtime of its own that is dropped without any shutdown, like a process that is killed: its tasks end where they are.
fn killed_after<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let value = runtime.block_on(run);
    runtime.shutdown_background();
    value
}

async fn reopen(path: &Path) -> Store {
    loop {
        match Store::open(path, owner("east")).await {
            // The tasks of the runtime that was dropped may still hold the file for a moment.
            Err(OpenError::InUse { .. }) => tokio::task::yield_now().await,
            other => return other.unwrap(),
        }
    }
}

#[test]
fn acknowledged_changes_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let (incarnation, before) = killed_after(async {
        let store = open(&path).await;
        assert_eq!(
            store.propose(start(7)).await.unwrap(),
            Outcome::Handle(Handle::try_from(7).unwrap())
        );
        for _ in 0..20 {
            store.propose(Change::Tick).await.unwrap();
        }
        (store.incarnation().to_owned(), store.state())
    });
    killed_after(async {
        let store = reopen(&path).await;
        assert_eq!(store.incarnation(), incarnation);
        assert_eq!(
            *store.state(),
            *before,
            "the state is there before the first new change"
        );
        assert_eq!(
            store.propose(start(8)).await.unwrap(),
            Outcome::Handle(Handle::try_from(7).unwrap()),
            "the handle is kept"
        );
        assert_eq!(store.state().version, before.version + 1);
    });
}

#[test]
fn the_log_is_cut_behind_snapshots_and_the_state_stays_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let changes = 2600;
    let before = killed_after(async {
        let store = open(&path).await;
        for _ in 0..changes / 100 {
            futures_util::future::join_all((0..100).map(|_| store.propose(Change::Tick))).await;
        }
        store.state().version
    });
    assert_eq!(before, changes);
    killed_after(async {
        let store = reopen(&path).await;
        assert_eq!(store.state().version, changes);
        store.close().await;
    });
}

#[tokio::test]
async fn another_clusters_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    open(&path).await.close().await;
    let error = Store::open(&path, owner("west")).await.unwrap_err();
    assert!(
        matches!(&error, OpenError::Foreign { held_cluster, .. } if held_cluster.as_str() == "east"),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("belongs to the cluster east of east.example, not to west of west.example"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_in_use_and_a_file_of_something_else_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let held = open(&path).await;
    assert!(matches!(
        Store::open(&path, owner("east")).await,
        Err(OpenError::InUse { .. })
    ));
    held.close().await;
    let other = dir.path().join("other.redb");
    std::fs::write(&other, vec![b'x'; 8192]).unwrap();
    let error = Store::open(&other, owner("east")).await.unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[tokio::test]
async fn the_file_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    open(&path).await.close().await;
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test]
async fn a_refusal_is_an_outcome_and_watchers_see_what_was_done() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("state.redb")).await;
    let mut watch = store.watch();
    watch.mark_unchanged();
    let cluster: protocol::name::ClusterName = "west".parse().unwrap();
    let outcome = store
        .propose(Change::RemovePeer {
            cluster: cluster.clone(),
        })
        .await
        .unwrap();
    assert_eq!(outcome, Outcome::Refused(Refusal::UnknownPeer { cluster }));
    store.propose(Change::Tick).await.unwrap();
    watch.changed().await.unwrap();
    assert_eq!(watch.borrow().version, 1);
}

#[test]
fn a_flipped_bit_is_found() {
    let record = disk::encode(&Change::Tick).unwrap();
    assert_eq!(disk::decode::<Change>(&record).unwrap(), Change::Tick);
    for at in 0..record.len() * 8 {
        let mut flipped = record.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        assert!(disk::decode::<Change>(&flipped).is_err(), "bit {at}");
    }
    assert!(disk::decode::<Change>(&record[..4]).is_err());
}
