//! The demo as a script sees it, and two demos that must fail.

use std::path::Path;
use std::process::Output;
use std::sync::{Mutex, MutexGuard};

use serde_json::Value;
use testbed::process::Signal;
use testbed::{Process, Weft, wait};

/// Each demo keeps two processors busy for a while: one after the other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn demo_keeps_every_expectation() {
    let (output, report) = demo(&[]);
    assert!(output.status.success(), "{}", said(&output, &report));
    assert_eq!(report["ok"], true);
    let steps = steps(&report);
    assert_eq!(steps.len(), 7, "{report:#}");
    for step in steps {
        assert_eq!(step["ok"], true, "{step:#}");
        assert_eq!(step["failures"], 0, "{step:#}");
        assert!(step["requests"].as_u64().unwrap() > 0, "{step:#}");
        for figure in ["refused", "p50_ms", "p99_ms", "connections_lost"] {
            assert!(step[figure].is_number(), "{figure} in {step:#}");
        }
        assert!(step["served_by"].is_object(), "{step:#}");
    }
    assert_eq!(steps[2]["connections_lost"], 0, "{:#}", steps[2]);
    assert!(
        steps[5]["refused"].as_u64().unwrap() > 0,
        "an unexported service refuses nobody: {:#}",
        steps[5]
    );
}

#[test]
fn demo_without_its_failover_policy_fails_and_names_the_step() {
    let (output, report) = demo(&["--without-failover"]);
    assert_failed(&output, &report, "failover");
    let failed = steps(&report).last().unwrap();
    assert!(failed["failures"].as_u64().unwrap() > 0, "{failed:#}");
}

#[test]
fn demo_with_its_gateway_left_dead_fails_and_names_the_step() {
    let (output, report) = demo(&["--leave-gateway-dead"]);
    assert_failed(&output, &report, "gateway");
}

/// Ctrl-C ends a demo at any time and leaves neither process nor file.
#[test]
fn interrupted_demo_leaves_nothing_behind() {
    let _turn = turn();
    let home = tempfile::tempdir().unwrap();
    let mut demo = running_demo(home.path(), "only.log");
    demo.signal(Signal::SIGINT);
    let status = demo.wait(wait::GENEROUS);
    assert_eq!(status.code(), Some(130), "{}", demo.tail());
    assert_nothing_left(home.path());
}

/// A demo that was killed can't tidy up: the next one does.
#[test]
fn next_demo_clears_what_a_killed_one_left() {
    let _turn = turn();
    let home = tempfile::tempdir().unwrap();
    running_demo(home.path(), "first.log").kill();
    assert!(!processes_below(home.path()).is_empty(), "nothing was left");
    let mut next = running_demo(home.path(), "next.log");
    next.signal(Signal::SIGINT);
    next.wait(wait::GENEROUS);
    assert_nothing_left(home.path());
}

/// Starts a demo and waits until both clusters run.
fn running_demo(home: &Path, log: &str) -> Process {
    let mut command = Weft::command();
    command.args(["demo"]).env("HOME", home).env("TMPDIR", home);
    let demo = Process::spawn("demo", command, &home.join(log));
    wait::until("the demo federates", wait::GENEROUS, || {
        demo.log().contains("federating").then_some(())
    });
    demo
}

fn assert_nothing_left(home: &Path) {
    assert_eq!(processes_below(home), [""; 0], "processes are left");
    let files: Vec<_> = std::fs::read_dir(home)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .filter(|name| !name.to_string_lossy().ends_with(".log"))
        .collect();
    assert!(files.is_empty(), "files are left: {files:?}");
}

/// The command lines of all processes that name a path below `home`.
fn processes_below(home: &Path) -> Vec<String> {
    let home = home.to_string_lossy();
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        if line.contains(home.as_ref()) {
            found.push(line);
        }
    }
    found
}

fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(|broken| broken.into_inner())
}

#[track_caller]
fn assert_failed(output: &Output, report: &Value, step: &str) {
    assert_eq!(output.status.code(), Some(1), "{}", said(output, report));
    assert_eq!(report["failed"], step, "{report:#}");
    let failed = steps(report)
        .iter()
        .find(|found| found["name"] == step)
        .expect("the failed step is reported");
    assert_eq!(failed["ok"], false, "{failed:#}");
}

fn demo(flags: &[&str]) -> (Output, Value) {
    let _turn = turn();
    let home = tempfile::tempdir().unwrap();
    let output = Weft::command()
        .args(["demo", "--once", "-o", "json"])
        .args(flags)
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.path())
        .env("TMPDIR", home.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let report = serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!(
            "the demo printed no report ({error}): {text}\n{}",
            String::from_utf8_lossy(&output.stderr)
        )
    });
    (output, report)
}

fn steps(report: &Value) -> &Vec<Value> {
    report["steps"].as_array().expect("a report has steps")
}

fn said(output: &Output, report: &Value) -> String {
    format!(
        "{}\n{report:#}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    )
}
