//! Connections that do nothing: each asks once, so that the way behind it is there, and is left alone.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use super::exchange::Exchange;

/// Opens them one after another, says `READY`, and holds them until the standard input ends.
///
/// # Errors
/// When one can't be opened or isn't answered.
pub fn run(entry: SocketAddr, count: usize) -> io::Result<Value> {
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        let stream = TcpStream::connect(entry)?;
        Exchange::over(stream.try_clone()?, false)?.ask()?;
        held.push(stream);
    }
    writeln!(io::stdout(), "READY")?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(json!({"connections": held.len()}))
}
