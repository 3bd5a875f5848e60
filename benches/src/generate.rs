//! Load that `wrk` and `h2load` can't make, and the origin that answers it.
//!
//! Callers are plain threads with blocking sockets, one a connection: nothing between the clock and the call. Each kind prints one
//! JSON object when it is done; `origin` and `idle` print `READY` and stay until they are ended.

pub mod bulk;
pub mod call;
pub mod connect;
pub mod exchange;
pub mod idle;
pub mod open;
pub mod origin;
pub mod packets;
pub mod stream;

use std::io;
use std::str::FromStr;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Runs what the arguments say.
///
/// # Errors
/// When they make no sense, or the load failed.
pub fn run(arguments: &[String]) -> io::Result<Value> {
    // the kernel otherwise wakes a sleeper up to 50 µs late
    nix::sys::prctl::set_timerslack(1)?;
    let (kind, rest) = arguments
        .split_first()
        .ok_or_else(|| io::Error::other("which kind of load?"))?;
    let words = Words(rest);
    match kind.as_str() {
        "open" => open::run(&open::Plan {
            entry: words.at(0)?,
            rate: words.at(1)?,
            time: words.seconds(2)?,
            connections: words.at(3)?,
        }),
        "connect" => connect::run(words.at(0)?, words.seconds(1)?, words.at(2)?),
        "bulk" => bulk::run(words.at(0)?, words.seconds(1)?, words.at(2)?),
        "idle" => idle::run(words.at(0)?, words.at(1)?),
        "packets" => packets::run(words.at(0)?, words.seconds(1)?, words.at(2)?),
        "stream" => stream::run(words.at(0)?, words.seconds(1)?),
        "origin" => origin::run(words.at(0)?, words.at(1)?),
        other => Err(io::Error::other(format!("no kind of load: {other}"))),
    }
}

struct Words<'a>(&'a [String]);

impl Words<'_> {
    fn at<T: FromStr>(&self, index: usize) -> io::Result<T> {
        let word = self.0.get(index).map_or("", String::as_str);
        word.parse()
            .map_err(|_| io::Error::other(format!("argument {index} makes no sense: {word:?}")))
    }

    fn seconds(&self, index: usize) -> io::Result<Duration> {
        let seconds: f64 = self.at(index)?;
        Duration::try_from_secs_f64(seconds).map_err(io::Error::other)
    }
}

/// Nanoseconds up to a minute, three digits.
fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are sound")
}

#[allow(clippy::cast_precision_loss, reason = "nanoseconds of a request")]
fn micros(histogram: &Histogram<u64>, share: f64) -> f64 {
    histogram.value_at_quantile(share) as f64 / 1e3
}

/// What is told of requests that took so long.
#[allow(clippy::cast_precision_loss, reason = "requests of a run")]
fn told(histogram: &Histogram<u64>, elapsed: Duration) -> Value {
    json!({
        "requests": histogram.len(),
        "rate": histogram.len() as f64 / elapsed.as_secs_f64(),
        "p50": micros(histogram, 0.5),
        "p99": micros(histogram, 0.99),
        "p999": micros(histogram, 0.999),
    })
}

/// Runs `caller` on so many threads and puts together what they saw.
///
/// # Errors
/// The first caller's that failed.
fn many(
    callers: u32,
    caller: impl Fn(u32) -> io::Result<Histogram<u64>> + Sync,
) -> io::Result<Histogram<u64>> {
    let caller = &caller;
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..callers)
            .map(|number| scope.spawn(move || caller(number)))
            .collect();
        let mut all = latencies();
        for thread in running {
            let seen = thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            all.add(seen).map_err(io::Error::other)?;
        }
        Ok(all)
    })
}

/// The time since then, as a histogram takes it.
fn nanos(since: std::time::Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
