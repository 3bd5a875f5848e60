//! Our generator, a process of its own: one JSON line at the end.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::Value;

use super::Seen;
use crate::ground::{Ground, Side};
use crate::report::Metric;

/// Runs it to its end.
///
/// # Panics
/// When it failed.
pub fn own(ground: &Ground, arguments: &[String]) -> Seen {
    let mut command = generator(arguments);
    let output = ground.on(Side::Near, move || {
        command.output().expect("the generator starts")
    });
    assert!(
        output.status.success(),
        "generator {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    let figures = [
        ("rate", Metric::Rate),
        ("p50", Metric::P50),
        ("p99", Metric::P99),
        ("p999", Metric::P999),
        ("gbits", Metric::Gbits),
        ("lost", Metric::Lost),
    ];
    let figures = figures.into_iter();
    Seen {
        figures: figures
            .filter_map(|(name, metric)| Some((metric, said[name].as_f64()?)))
            .collect(),
        requests: said["requests"].as_f64().unwrap_or(0.0),
        bytes: said["bytes"].as_f64().unwrap_or(0.0),
    }
}

fn generator(arguments: &[String]) -> Command {
    let mut command = Command::new(crate::link::beside("generator").unwrap());
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A generator that holds connections until it is dropped.
#[derive(Debug)]
pub struct Held {
    child: Child,
    input: Option<ChildStdin>,
}

impl Held {
    /// Starts it and waits until it says `READY`.
    ///
    /// # Panics
    /// When it says something else.
    pub fn start(ground: &Ground, arguments: &[String]) -> Self {
        let mut command = generator(arguments);
        command.stdin(Stdio::piped());
        let mut child = ground.on(Side::Near, move || {
            command.spawn().expect("the generator starts")
        });
        let input = child.stdin.take();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        output.read_line(&mut line).unwrap();
        let held = Self { child, input };
        assert_eq!(line.trim(), "READY", "generator {arguments:?}");
        held
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.input.take()); // it ends with its input
        drop(self.child.wait());
    }
}
