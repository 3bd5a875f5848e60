//! Bytes without end from the origin, over one connection or several.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A read takes what there is, up to this.
const BUFFER: usize = 256 * 1024;

/// Reads from so many connections and tells what arrived, the first tenth of the time not counted in the rate.
///
/// # Errors
/// When a connection ends by itself.
pub fn run(entry: SocketAddr, time: Duration, streams: u32) -> io::Result<Value> {
    let begin = Instant::now();
    let (counted, end) = (begin + time / 10, begin + time);
    let read = |_| -> io::Result<(u64, u64)> {
        let mut stream = TcpStream::connect(entry)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut buffer = vec![0; BUFFER];
        let (mut all, mut in_time) = (0, 0);
        loop {
            let now = Instant::now();
            if now >= end {
                return Ok((all, in_time));
            }
            let read = stream.read(&mut buffer)? as u64;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            all += read;
            if now >= counted {
                in_time += read;
            }
        }
    };
    let (mut all, mut in_time) = (0, 0);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..streams)
            .map(|number| scope.spawn(move || read(number)))
            .collect();
        for thread in threads {
            let seen = thread.join();
            let (more, more_in_time) =
                seen.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            all += more;
            in_time += more_in_time;
        }
        io::Result::Ok(())
    })?;
    #[allow(clippy::cast_precision_loss, reason = "bytes of a run")]
    let gbits = in_time as f64 * 8.0 / (end - counted).as_secs_f64() / 1e9;
    Ok(json!({"bytes": all, "gbits": gbits}))
}
