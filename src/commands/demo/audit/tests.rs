//! The load against the real applications, without a mesh between: its figures and their records must agree.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path, sync::Arc, time::Duration};

use tokio::{net::TcpStream, task::JoinHandle, time::sleep};

use super::Audit;
use crate::commands::demo::{
    app::{self, AppArgs, AppKind},
    load::{Clients, Door, Ended, Flow, Kind, Load, Streams},
    port::Port,
};

#[tokio::test]
async fn load_and_records_agree() {
    let folder = tempfile::tempdir().unwrap();
    let ended = all_kinds_of_calls(folder.path()).await;

    let mut audit = Audit::default();
    audit.read(folder.path()).unwrap();
    let found = audit.compare(&ended.tally);

    assert_eq!(ended.tally.complaints(), Vec::<String>::new());
    assert_eq!(
        (found.recorded, found.repeated),
        (ended.tally.requests(), 0)
    );
    assert_eq!(found.contradictions, Vec::<String>::new());
}

#[tokio::test]
async fn answer_without_record_and_record_without_call_are_contradictions() {
    let folder = tempfile::tempdir().unwrap();
    let ended = all_kinds_of_calls(folder.path()).await;
    let shop = folder.path().join("east-shop-1");
    let records = fs::read_to_string(&shop).unwrap();
    let (first, others) = records.split_once('\n').unwrap();
    fs::write(&shop, format!("{others}7-999999\n")).unwrap();

    let mut audit = Audit::default();
    audit.read(folder.path()).unwrap();
    let found = audit.compare(&ended.tally).contradictions;

    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with(first) && found[0].contains("recorded by []"),
        "{found:?}"
    );
    assert_eq!(found[1], "7-999999: recorded, never made");
}

#[tokio::test]
async fn record_made_twice_is_a_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let ended = all_kinds_of_calls(folder.path()).await;
    let till = folder.path().join("east-till-1");
    let records = fs::read_to_string(&till).unwrap();
    fs::write(
        folder.path().join("west-till-1"),
        records.lines().next().unwrap().to_owned() + "\n",
    )
    .unwrap();

    let mut audit = Audit::default();
    audit.read(folder.path()).unwrap();

    assert_eq!(audit.compare(&ended.tally).repeated, 1);
}

#[tokio::test]
async fn messages_of_a_long_stream_are_recorded_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let till = start(folder.path(), AppKind::Grpc, "till-1").await;
    let mut streams = Streams::open(&Clients::default(), "long", till.port, 2);
    while streams.answered().iter().any(|count| *count < 3) {
        sleep(Duration::from_millis(5)).await;
    }
    let broken = streams.close().await;

    let mut audit = Audit::default();
    audit.read(folder.path()).unwrap();

    assert_eq!(broken, Vec::<String>::new());
    assert_eq!(
        audit.compare_streams(&streams, &streams.answered()),
        Vec::<String>::new()
    );
    assert_eq!(audit.compare_streams(&streams, &[1_000, 1]).len(), 1);
    drop(till);
}

#[tokio::test]
async fn stream_whose_application_is_gone_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let port = Port::take().unwrap().number();
    let mut streams = Streams::open(&Clients::default(), "long", port, 1);
    assert_eq!(streams.close().await.len(), 1);
    drop(folder);
}

struct App {
    port: u16,
    serving: JoinHandle<()>,
}

impl Drop for App {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn start(records: &Path, kind: AppKind, instance: &str) -> App {
    let port = Port::take().unwrap().release();
    let records = records.join(format!("east-{instance}"));
    let args = AppArgs {
        kind,
        port,
        cluster: "east".to_owned(),
        instance: instance.to_owned(),
        records,
    };
    let serving = tokio::spawn(async move { app::serve(args).await.unwrap() });
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        sleep(Duration::from_millis(5)).await;
    }
    App { port, serving }
}

/// The load of a step 7, until every flow had some calls.
async fn all_kinds_of_calls(records: &Path) -> Ended {
    let shop = start(records, AppKind::Http, "shop-1").await;
    let till = start(records, AppKind::Grpc, "till-1").await;
    let mut flows = vec![
        Flow::new("shop.shop", Door::Listener(shop.port), Kind::Get, 200),
        Flow::new("shop.shop", Door::Proxy(shop.port), Kind::Post, 200),
        Flow::new("till.shop", Door::Listener(till.port), Kind::Charge, 200),
    ];
    let streaming =
        Kind::STREAMING.map(|kind| Flow::new("till.shop", Door::Listener(till.port), kind, 200));
    flows.extend(streaming);
    let load = Load::begin(&Clients::default(), 7, flows);
    let tally = Arc::clone(&load.tally);
    while tally.requests() < 60 {
        sleep(Duration::from_millis(5)).await;
    }
    load.end().await
}
