//! TLS over kernel TCP as the transport alone: a pair that does nothing but carry, for comparing transports without comparing proxies.
//!
//! ```text
//!   http2   HTTP/1.1 ── near ══ every request a stream of ONE connection, HTTP/2 over TLS 1.3 ══ far ── HTTP/1.1
//!   pipe    TCP      ── near ══ a TLS 1.3 connection for each TCP connection, bytes alone    ══ far ── TCP
//! ```
//!
//! It gets windows of HTTP/2 that never limit, `TCP_NODELAY`, and the congestion control that is asked for by name. Meshes leave the
//! rest of a socket as the kernel has it. A second form, `http2-short`, also has `TCP_NOTSENT_LOWAT`, so that a small answer doesn't
//! wait in the socket behind megabytes that aren't sent yet: the best that TCP can do. The processes are `tcp-pair` (this crate's
//! binary); [`near`] and [`far`] are what they run.

pub mod far;
pub mod near;
pub mod tls;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::process::Command;
use std::str::FromStr;

use socket2::SockRef;
use testbed::{Process, ports, wait};
use tokio::net::TcpStream;

use crate::certificates::Certificates;
use crate::ground::{Ground, Side};
use crate::link;
use crate::way::Way;

/// HTTP/2's windows: more than any bandwidth-delay product here.
pub(crate) const STREAM_WINDOW: u32 = 8 << 20;
/// The same for a connection.
pub(crate) const CONNECTION_WINDOW: u32 = 32 << 20;
/// Unsent bytes in a socket: what browsers and CDNs set for HTTP/2.
const UNSENT: u32 = 128 << 10;

/// What is carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// Requests, multiplexed.
    Http2,
    /// The same, with little unsent in the socket.
    Http2Short,
    /// Bytes.
    Pipe,
}

/// What one of the two is told.
#[derive(Debug, Clone)]
pub struct Orders {
    /// What is carried.
    pub carried: Carried,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it sends on to.
    pub upstream: SocketAddr,
    /// TCP's congestion control between the two.
    pub congestion: String,
}

/// A running pair.
#[derive(Debug)]
pub struct TcpPair {
    name: &'static str,
    entry: SocketAddr,
    near: Process,
    far: Process,
    _directory: tempfile::TempDir,
}

impl TcpPair {
    /// Starts a pair before the far side's `origin`.
    ///
    /// # Errors
    /// Why it can't run here, such as that the kernel lacks this congestion control.
    pub fn start(
        name: &'static str,
        carried: Carried,
        congestion: &str,
        ground: &Ground,
        certificates: &Certificates,
        origin: u16,
    ) -> Result<Self, String> {
        let known = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_available_congestion_control");
        if !known.is_ok_and(|known| known.split_whitespace().any(|word| word == congestion)) {
            return Err(format!("this kernel has no {congestion}"));
        }
        let directory =
            tempfile::TempDir::with_prefix("weft-tcp-").map_err(|error| error.to_string())?;
        let entry: SocketAddr = ([127, 0, 0, 1], ground.on(Side::Near, ports::free)).into();
        let between = ground.socket(Side::Far, ground.on(Side::Far, ports::free));
        let orders = |listen, upstream| Orders {
            carried,
            listen,
            upstream,
            congestion: congestion.to_owned(),
        };
        let run = |side: Side, role: &str, orders: &Orders| -> Result<Process, String> {
            let mut command =
                Command::new(link::beside("tcp-pair").map_err(|error| error.to_string())?);
            command.arg(role).args(orders.words());
            command.arg(certificates.file(""));
            let log = directory.path().join(role);
            Ok(ground.spawn(side, &format!("{name}, {role}"), command, &log))
        };
        let far = run(
            Side::Far,
            "far",
            &orders(between, ([127, 0, 0, 1], origin).into()),
        )?;
        let near = run(Side::Near, "near", &orders(entry, between))?;
        for process in [&far, &near] {
            wait::until("a TCP pair is ready", wait::GENEROUS, || {
                process.log().contains("READY").then_some(())
            });
        }
        Ok(Self {
            name,
            entry,
            near,
            far,
            _directory: directory,
        })
    }

    /// The way through it.
    #[must_use]
    pub fn way(&self) -> Way<'_> {
        Way {
            name: self.name,
            entry: self.entry,
            proxies: vec![&self.near, &self.far],
        }
    }
}

impl Orders {
    /// As arguments.
    #[must_use]
    pub fn words(&self) -> [String; 4] {
        [
            self.carried.to_string(),
            self.listen.to_string(),
            self.upstream.to_string(),
            self.congestion.clone(),
        ]
    }

    /// From arguments.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(words: &[String]) -> io::Result<Self> {
        let [carried, listen, upstream, congestion] = words else {
            return Err(io::Error::other(
                "http2|http2-short|pipe LISTEN UPSTREAM CONGESTION",
            ));
        };
        Ok(Self {
            carried: carried.parse()?,
            listen: listen.parse().map_err(io::Error::other)?,
            upstream: upstream.parse().map_err(io::Error::other)?,
            congestion: congestion.clone(),
        })
    }

    /// Prepares a socket between the two. The kernel lets root name any congestion control it has, for a socket.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn prepare(&self, socket: &TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let socket = SockRef::from(socket);
        socket.set_tcp_congestion(self.congestion.as_bytes())?;
        if self.carried == Carried::Http2Short {
            socket.set_tcp_notsent_lowat(UNSENT)?;
        }
        Ok(())
    }
}

impl fmt::Display for Carried {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Http2 => "http2",
            Self::Http2Short => "http2-short",
            Self::Pipe => "pipe",
        })
    }
}

impl FromStr for Carried {
    type Err = io::Error;

    fn from_str(word: &str) -> io::Result<Self> {
        match word {
            "http2" => Ok(Self::Http2),
            "http2-short" => Ok(Self::Http2Short),
            "pipe" => Ok(Self::Pipe),
            _ => Err(io::Error::other(format!("{word:?} can't be carried"))),
        }
    }
}
