//! Load by programs that we did not write.

use std::path::Path;
use std::process::Command;

/// What one run of a load generator saw.
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// Requests answered.
    pub requests: f64,
    /// A second.
    pub rate: f64,
    /// Half of the answers came within this, in microseconds.
    pub p50_micros: f64,
    /// 99 of 100 did; 0 where the generator doesn't say.
    pub p99_micros: f64,
}

/// HTTP/1.1, closed loop, 64 connections kept alive.
///
/// # Panics
/// When an answer was an error.
#[must_use]
pub fn wrk(port: u16, authority: &str, seconds: u32) -> Seen {
    let host = format!("Host: {authority}");
    let url = format!("http://127.0.0.1:{port}/");
    let output = Command::new("wrk")
        .args([
            "-t1",
            "-c64",
            "--latency",
            "-H",
            &host,
            &format!("-d{seconds}s"),
            &url,
        ])
        .output()
        .expect("wrk is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        !text.contains("Non-2xx") && !text.contains("Socket errors"),
        "{text}"
    );
    let percentile = |mark: &str| {
        let line = text.lines().find(|line| line.trim().starts_with(mark));
        micros(
            line.and_then(|line| line.split_whitespace().nth(1))
                .unwrap_or_else(|| panic!("{text}")),
        )
    };
    Seen {
        requests: field(&text, |line| {
            line.trim()
                .split_once(" requests in ")
                .map(|(count, _)| count)
        }),
        rate: field(&text, |line| line.trim().strip_prefix("Requests/sec:")),
        p50_micros: percentile("50%"),
        p99_micros: percentile("99%"),
    }
}

/// gRPC unary calls over HTTP/2, 8 connections of 8 streams.
///
/// # Panics
/// When a call failed.
#[must_use]
pub fn h2load(port: u16, authority: &str, body: &Path, calls: u32) -> Seen {
    let output = Command::new("h2load")
        .args(["-c8", "-m8", "-t1", &format!("-n{calls}"), "-d"])
        .arg(body)
        .args([
            "-H",
            "content-type: application/grpc",
            "-H",
            "te: trailers",
            "-H",
            &format!(":authority: {authority}"),
        ])
        .arg(format!("http://127.0.0.1:{port}/weft.demo.v1.Till/Charge"))
        .output()
        .expect("h2load is installed (Debian nghttp2-client)");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains(&format!("{calls} succeeded, 0 failed, 0 errored")),
        "{text}"
    );
    let mean = text
        .lines()
        .find_map(|line| line.strip_prefix("time for request:"));
    let mean = mean
        .and_then(|rest| rest.split_whitespace().nth(2))
        .unwrap_or_else(|| panic!("{text}"));
    Seen {
        requests: f64::from(calls),
        rate: field(&text, |line| {
            line.strip_prefix("finished in ")?
                .split(", ")
                .nth(1)?
                .strip_suffix(" req/s")
        }),
        p50_micros: micros(mean),
        p99_micros: 0.0,
    }
}

fn field<'a>(text: &'a str, find: impl Fn(&'a str) -> Option<&'a str>) -> f64 {
    let found = text
        .lines()
        .find_map(find)
        .unwrap_or_else(|| panic!("{text}"));
    found
        .trim()
        .parse()
        .unwrap_or_else(|_| panic!("{found:?} in {text}"))
}

fn micros(text: &str) -> f64 {
    let digits = text.trim_end_matches(|last: char| last.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "us" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        unit => panic!("an unknown unit {unit:?} in {text:?}"),
    };
    digits.parse::<f64>().unwrap_or_else(|_| panic!("{text:?}")) * factor
}
