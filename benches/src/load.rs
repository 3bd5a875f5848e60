//! Load: by `wrk` and `h2load` where they can do it, which we did not write, by our generator where they can't.

mod h2load;
mod own;
mod wrk;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

pub use self::h2load::h2load;
pub use self::own::{Held, own};
pub use self::wrk::wrk;

use crate::peers::Spoken;
use crate::report::Metric;
use crate::weft::AUTHORITY;

/// What one run of a generator saw.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Figures, rates and latencies.
    pub figures: Vec<(Metric, f64)>,
    /// Requests done, for the CPU of each.
    pub requests: f64,
    /// Bytes of payload, for the CPU of each gigabyte.
    pub bytes: f64,
}

/// Whether an application is answered there, whatever it says: one exchange.
///
/// # Errors
/// What happened instead.
pub fn probe(entry: SocketAddr, spoken: Spoken) -> io::Result<()> {
    match spoken {
        Spoken::Http1 => {
            let mut stream = dial(entry)?;
            write!(stream, "GET / HTTP/1.1\r\nHost: {AUTHORITY}\r\n\r\n")?;
            let mut head = [0; 12];
            stream.read_exact(&mut head)?;
            let said = String::from_utf8_lossy(&head);
            if said.ends_with(" 200") {
                Ok(())
            } else {
                Err(io::Error::other(said.into_owned()))
            }
        }
        Spoken::Http2 => crate::generate::call::once(entry, AUTHORITY),
        Spoken::Bytes => dial(entry)?.read_exact(&mut [0]),
        Spoken::Packets => {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
            socket.set_read_timeout(Some(PATIENCE))?;
            socket.connect(entry)?;
            socket.send(b"probe")?;
            socket.recv(&mut [0; 8]).map(drop)
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(2);

fn dial(entry: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&entry, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}
