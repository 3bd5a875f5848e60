//! A fixed rate, open loop: each request has its moment, and its latency counts from that moment.
//!
//! A slow answer therefore counts against the requests that had to wait behind it as well, instead of making the generator ask
//! less (coordinated omission). The connections take turns; requests of the first tenth of the time aren't counted.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::exchange::Exchange;

/// What to do.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Where to.
    pub entry: SocketAddr,
    /// Requests a second, all connections together.
    pub rate: f64,
    /// For how long.
    pub time: Duration,
    /// Over how many connections.
    pub connections: u32,
}

/// Does it.
///
/// # Errors
/// When a request fails.
pub fn run(plan: &Plan) -> io::Result<Value> {
    let begin = Instant::now() + Duration::from_millis(50); // all connections stand by then
    let counted = begin + plan.time / 10;
    let end = begin + plan.time;
    let between = Duration::from_secs_f64(1.0 / plan.rate);
    let seen = super::many(plan.connections, |number| {
        let mut exchange = Exchange::over(TcpStream::connect(plan.entry)?, false)?;
        let mut seen = super::latencies();
        let mut due = begin + between * number;
        while due < end {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            exchange.ask()?;
            if due >= counted {
                seen.saturating_record(super::nanos(due));
            }
            due += between * plan.connections;
        }
        Ok(seen)
    })?;
    Ok(super::told(&seen, end - counted))
}
