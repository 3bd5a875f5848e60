//! UDP packets to an origin that sends each back: a few flows, a few packets of each in flight.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const FLOWS: u32 = 8;
const IN_FLIGHT: u64 = 16;
/// An answer that takes longer is lost.
const PATIENCE: Duration = Duration::from_millis(100);

/// Sends packets of so many bytes for that long.
///
/// # Errors
/// When nothing at all comes back.
pub fn run(entry: SocketAddr, time: Duration, bytes: usize) -> io::Result<Value> {
    let begin = Instant::now();
    let lost = std::sync::atomic::AtomicU64::new(0);
    let seen = super::many(FLOWS, |_| {
        let local: SocketAddr = ([0, 0, 0, 0], 0).into();
        let socket = UdpSocket::bind(local)?;
        socket.connect(entry)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let mut seen = super::latencies();
        let mut packet = vec![0_u8; bytes.max(8)];
        let now = || u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut in_flight = 0;
        while begin.elapsed() < time {
            while in_flight < IN_FLIGHT {
                packet[..8].copy_from_slice(&now().to_be_bytes());
                socket.send(&packet)?;
                in_flight += 1;
            }
            match socket.recv(&mut packet) {
                Ok(read) if read >= 8 => {
                    let mut sent = [0; 8];
                    sent.copy_from_slice(&packet[..8]);
                    seen.saturating_record(now().saturating_sub(u64::from_be_bytes(sent)));
                    in_flight = in_flight.saturating_sub(1);
                }
                Ok(_) => return Err(io::Error::other("a packet was cut")),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    lost.fetch_add(in_flight, std::sync::atomic::Ordering::Relaxed);
                    in_flight = 0;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(seen)
    })?;
    if seen.is_empty() {
        return Err(io::Error::other("no packet came back"));
    }
    let mut told = super::told(&seen, begin.elapsed());
    #[allow(clippy::cast_precision_loss, reason = "packets of a run")]
    let (lost, got) = (lost.into_inner() as f64, seen.len() as f64);
    told["lost"] = json!(lost / (lost + got) * 100.0);
    Ok(told)
}
