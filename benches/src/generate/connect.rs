//! A new TCP connection for each request, closed loop.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::exchange::Exchange;

/// So many callers connect, ask, read, and are closed by the other side, again and again.
///
/// # Errors
/// When a connection or a request fails.
pub fn run(entry: SocketAddr, time: Duration, callers: u32) -> io::Result<Value> {
    let begin = Instant::now();
    let seen = super::many(callers, |_| {
        let mut seen = super::latencies();
        while begin.elapsed() < time {
            let began = Instant::now();
            Exchange::over(TcpStream::connect(entry)?, true)?.ask()?;
            seen.saturating_record(super::nanos(began));
        }
        Ok(seen)
    })?;
    Ok(super::told(&seen, begin.elapsed()))
}
