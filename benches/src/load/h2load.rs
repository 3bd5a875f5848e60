//! `h2load`: gRPC unary calls over HTTP/2, closed loop.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use super::{Seen, wrk};
use crate::ground::{Ground, Side};
use crate::report::Metric;
use crate::weft::AUTHORITY;

/// 8 connections with 8 calls in flight on each.
///
/// # Panics
/// When a call failed.
pub fn h2load(ground: &Ground, entry: SocketAddr, time: Duration) -> Seen {
    let directory = tempfile::TempDir::with_prefix("weft-h2load-").unwrap();
    let body = directory.path().join("message");
    std::fs::write(&body, crate::generate::call::message(100)).unwrap();
    let mut command = Command::new("h2load");
    command
        .args(["-c8", "-m8", "-t1", "-d"])
        .arg(&body)
        .arg(format!("-D{}ms", time.as_millis()))
        .args(["-H", "content-type: application/grpc", "-H", "te: trailers"])
        .args(["-H", &format!(":authority: {AUTHORITY}")])
        .arg(format!("http://{entry}/bench.Origin/Echo"));
    let output = ground.on(Side::Near, move || {
        command
            .output()
            .expect("h2load is installed (Debian nghttp2-client)")
    });
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let count = |mark: &str| {
        let line = text.lines().find(|line| line.starts_with("requests:"));
        let words: Vec<&str> = line.unwrap_or_default().split([' ', ',']).collect();
        let index = words.iter().position(|word| *word == mark);
        index
            .and_then(|index| words[index - 1].parse::<f64>().ok())
            .unwrap_or_else(|| panic!("{text}"))
    };
    assert!(count("failed") == 0.0 && count("errored") == 0.0, "{text}");
    let mean = text
        .lines()
        .find_map(|line| line.strip_prefix("time for request:"))
        .and_then(|rest| rest.split_whitespace().nth(2))
        .unwrap_or_else(|| panic!("{text}"));
    let done = count("succeeded");
    Seen {
        figures: vec![
            (Metric::Rate, done / time.as_secs_f64()),
            (Metric::Mean, wrk::micros(mean)),
        ],
        requests: done,
        bytes: 0.0,
    }
}
