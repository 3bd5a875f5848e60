//! One short round of every workload: does it work? Nothing is said of speed.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use benches::bench::Bench;
use benches::docs;
use benches::options::Options;
use benches::peers::Peer;
use benches::report::{Metric, Report, Table};
use benches::weft::THROUGH_GATEWAY;
use benches::workloads;
use testbed::not_run;

#[test]
fn every_workload_runs() {
    let needed = not_run::missing_tools(&["nginx", "wrk", "h2load", "openssl"]);
    if let Some(reason) = needed {
        return not_run("benches::short::every_workload_runs", &reason);
    }
    let report = Bench::new(Options::short()).report();
    for (name, _) in workloads::ALL {
        let table = report.table(name).unwrap();
        assert!(!table.rows.is_empty(), "{name} measured nothing");
        for row in &table.rows {
            let values = row.figures.values().flat_map(|figure| figure.0.iter());
            let values: Vec<f64> = values.copied().collect();
            assert!(
                !values.is_empty() && values.iter().all(|value| value.is_finite()),
                "{name}, {}: {values:?}",
                row.way
            );
        }
        assert_complete(table);
    }
    assert_can_be_written(&report);
}

#[test]
fn a_gateway_may_be_on_the_way() {
    let options = Options {
        only: vec!["grpc-stream".to_owned()],
        gateway: true,
        ..Options::short()
    };
    let report = Bench::new(options).report();
    let table = report.table("grpc-stream").unwrap();
    assert!(
        table.figure(THROUGH_GATEWAY, Metric::Rate).is_some(),
        "{table:#?}"
    );
}

/// Only a peer that isn't installed may be missing.
#[track_caller]
fn assert_complete(table: &Table) {
    let missing = table.not_run.iter();
    let broken: Vec<&String> = missing.filter(|missing| !is_absent(missing)).collect();
    assert!(broken.is_empty(), "{}: {broken:#?}", table.name);
}

fn is_absent(missing: &str) -> bool {
    let peers = [Peer::EnvoyHttp2, Peer::HaproxyHttp2];
    let reasons = peers.iter().filter_map(|peer| peer.program().err());
    reasons.into_iter().any(|reason| missing.contains(&reason))
}

/// Documents and plots from what was measured, in a tree of the test's own.
fn assert_can_be_written(report: &Report) {
    let tree = tempfile::TempDir::new().unwrap();
    std::fs::create_dir(tree.path().join("docs")).unwrap();
    let document = tree.path().join("docs/performance.md");
    std::fs::write(&document, docs::MARKS.join("\n")).unwrap();
    docs::write(report, tree.path()).unwrap();
    let text = std::fs::read_to_string(document).unwrap();
    for table in &report.tables {
        assert!(text.contains(&table.title), "{text}");
    }
}

#[test]
fn envoy_takes_part() {
    takes_part("benches::short::envoy_takes_part", Peer::EnvoyHttp2);
}

#[test]
fn haproxy_takes_part() {
    takes_part("benches::short::haproxy_takes_part", Peer::HaproxyHttp2);
}

fn takes_part(test: &str, peer: Peer) {
    if let Err(reason) = peer.program() {
        not_run(test, &reason);
    }
}

/// The committed document can still be written.
#[test]
fn the_document_has_its_marks() {
    let text = std::fs::read_to_string(testbed::Weft::source_tree().join("docs/performance.md"));
    let text = text.unwrap();
    for mark in docs::MARKS {
        assert_eq!(text.matches(mark).count(), 1, "{mark}");
    }
}
