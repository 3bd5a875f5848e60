//! The peers: two proxies of one kind, mutual TLS 1.3 between them, one worker each.
//!
//! All get the same: P-256 keys, connections kept alive in pools, no access log, no policy. What isn't said in their configuration
//! is as they ship it.

pub mod envoy;
pub mod haproxy;

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use tempfile::TempDir;
use testbed::{Process, ports, wait};

use crate::certificates::Certificates;
use crate::ground::{Ground, Side};
use crate::way::Way;

/// Which pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// Envoy, HTTP/2 between the two.
    EnvoyHttp2,
    /// Envoy, HTTP/3 between the two.
    EnvoyHttp3,
    /// Envoy, a TLS connection for each TCP connection.
    EnvoyTcp,
    /// HAProxy, HTTP/2 between the two.
    HaproxyHttp2,
    /// HAProxy, a TLS connection for each TCP connection.
    HaproxyTcp,
}

/// What the applications speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoken {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS, as gRPC does.
    Http2,
    /// Bytes, and the origin speaks first.
    Bytes,
    /// UDP.
    Packets,
}

/// What a proxy of a pair needs to know.
#[derive(Debug)]
pub struct Leg {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it sends on to.
    pub upstream: SocketAddr,
    /// Whether it is the caller's: plain in, TLS out; else TLS in, plain out.
    pub near: bool,
    /// What the application speaks.
    pub spoken: Spoken,
}

/// A running pair.
#[derive(Debug)]
pub struct Pair {
    peer: Peer,
    entry: SocketAddr,
    near: Process,
    far: Process,
    _directory: TempDir,
}

impl Pair {
    /// Starts a pair before the origin at the far side's `origin`.
    ///
    /// # Errors
    /// Why it can't run here.
    pub fn start(
        peer: Peer,
        ground: &Ground,
        certificates: Option<&Certificates>,
        origin: u16,
        spoken: Spoken,
    ) -> Result<Self, String> {
        let certificates = certificates.ok_or("openssl isn't installed")?;
        let program = peer.program()?;
        let directory = TempDir::with_prefix("weft-pair-").unwrap();
        let entry: SocketAddr = ([127, 0, 0, 1], ground.on(Side::Near, ports::free)).into();
        let between = ground.socket(Side::Far, ground.on(Side::Far, ports::free));
        let near = Leg {
            listen: entry,
            upstream: between,
            near: true,
            spoken,
        };
        let far = Leg {
            listen: between,
            upstream: ([127, 0, 0, 1], origin).into(),
            near: false,
            spoken,
        };
        let run = |side: Side, name: &str, leg: &Leg| {
            let file = directory.path().join(name);
            std::fs::write(&file, peer.configuration(leg, certificates)).unwrap();
            let command = peer.command(&program, &file);
            let log = file.with_extension("log");
            ground.spawn(side, &format!("{peer}, {name}"), command, &log)
        };
        let mut pair = Self {
            peer,
            entry,
            far: run(Side::Far, "far.yaml", &far),
            near: run(Side::Near, "near.yaml", &near),
            _directory: directory,
        };
        pair.wait_serving(ground, spoken)?;
        Ok(pair)
    }

    fn wait_serving(&mut self, ground: &Ground, spoken: Spoken) -> Result<(), String> {
        let mut last = String::new();
        let serving = wait::poll(Duration::from_secs(15), || {
            if self.near.ended().or(self.far.ended()).is_some() {
                last = "one of them has ended".to_owned();
                return Some(false);
            }
            let answer = ground.on(Side::Near, || crate::load::probe(self.entry, spoken));
            last = format!("{answer:?}");
            answer.is_ok().then_some(true)
        });
        if serving == Some(true) {
            return Ok(());
        }
        Err(format!(
            "doesn't serve: {last}\n{}\n{}",
            self.near.tail(),
            self.far.tail()
        ))
    }

    /// The way through it.
    pub fn way(&self) -> Way<'_> {
        Way {
            name: self.peer.name(),
            entry: self.entry,
            proxies: vec![&self.near, &self.far],
        }
    }
}

impl Peer {
    /// As the report names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EnvoyHttp2 => "Envoy, HTTP/2 mTLS",
            Self::EnvoyHttp3 => "Envoy, HTTP/3 mTLS",
            Self::EnvoyTcp => "Envoy, TCP mTLS",
            Self::HaproxyHttp2 => "HAProxy, HTTP/2 mTLS",
            Self::HaproxyTcp => "HAProxy, TCP mTLS",
        }
    }

    /// Its program on this machine.
    ///
    /// # Errors
    /// How to get it.
    pub fn program(self) -> Result<std::path::PathBuf, String> {
        match self {
            Self::EnvoyHttp2 | Self::EnvoyHttp3 | Self::EnvoyTcp => envoy::program(),
            Self::HaproxyHttp2 | Self::HaproxyTcp => haproxy::program(),
        }
    }

    fn configuration(self, leg: &Leg, certificates: &Certificates) -> String {
        match self {
            Self::EnvoyHttp2 | Self::EnvoyHttp3 | Self::EnvoyTcp => {
                envoy::configuration(self, leg, certificates)
            }
            Self::HaproxyHttp2 | Self::HaproxyTcp => {
                haproxy::configuration(self == Self::HaproxyTcp, leg, certificates)
            }
        }
    }

    fn command(self, program: &std::path::Path, file: &std::path::Path) -> std::process::Command {
        match self {
            Self::EnvoyHttp2 | Self::EnvoyHttp3 | Self::EnvoyTcp => envoy::command(program, file),
            Self::HaproxyHttp2 | Self::HaproxyTcp => haproxy::command(program, file),
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
