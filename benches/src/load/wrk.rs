//! `wrk`: HTTP/1.1, closed loop.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Seen;
use crate::ground::{Ground, Side};
use crate::report::Metric;
use crate::weft::AUTHORITY;

/// Headers as a small client sends them, beside `Host`.
const HEADERS: [&str; 4] = [
    "Accept: */*",
    "Accept-Encoding: identity",
    "User-Agent: wrk/4",
    "X-Session: 0123456789abcdef0123456789abcdef",
];

/// 64 connections kept alive ask for `path` as fast as they are answered.
///
/// # Panics
/// When an answer was an error.
pub fn wrk(ground: &Ground, entry: SocketAddr, path: &str, time: Duration) -> Seen {
    let mut command = Command::new("wrk");
    let whole = time.as_secs_f64().ceil();
    command.args([
        "-t1",
        "-c64",
        "--latency",
        "--timeout",
        "20s",
        &format!("-d{whole}s"),
    ]);
    for header in HEADERS
        .iter()
        .copied()
        .chain([&*format!("Host: {AUTHORITY}")])
    {
        command.args(["-H", header]);
    }
    command.arg(format!("http://{entry}{path}"));
    command.stdout(Stdio::piped());
    let text = ground.on(Side::Near, move || {
        let child = command.spawn().expect("wrk is installed");
        if time.as_secs_f64() < whole {
            // it counts whole seconds only, but tells what it has when it is interrupted
            std::thread::sleep(time);
            let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid fits"));
            kill(pid, Signal::SIGINT).expect("wrk runs");
        }
        let output = child.wait_with_output().expect("wrk ends");
        String::from_utf8_lossy(&output.stdout).into_owned()
    });
    assert!(
        !text.contains("Non-2xx") && !text.contains("Socket errors"),
        "{text}"
    );
    let percentile = |mark: &str| {
        let line = text.lines().find(|line| line.trim().starts_with(mark));
        micros(word(line.unwrap_or_else(|| panic!("{text}")), 1))
    };
    let line = |mark: &str| text.lines().find(|line| line.contains(mark));
    let total = line(" requests in ").map_or("", |line| word(line, 0));
    let rate = line("Requests/sec:").map_or("", |line| word(line, 1));
    Seen {
        figures: vec![
            (
                Metric::Rate,
                rate.parse().unwrap_or_else(|_| panic!("{text}")),
            ),
            (Metric::P50, percentile("50%")),
            (Metric::P90, percentile("90%")),
            (Metric::P99, percentile("99%")),
        ],
        requests: total.parse().unwrap_or_else(|_| panic!("{text}")),
        bytes: 0.0,
    }
}

fn word(line: &str, index: usize) -> &str {
    line.split_whitespace().nth(index).unwrap_or_default()
}

/// `1.25ms` and the like.
pub(super) fn micros(text: &str) -> f64 {
    let digits = text.trim_end_matches(|last: char| last.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        unit => panic!("an unknown unit {unit:?} in {text:?}"),
    };
    digits.parse::<f64>().unwrap_or_else(|_| panic!("{text:?}")) * factor
}
