//! What answers at the far end, a process of its own: nginx, or the `origin` of our generator for what nginx doesn't speak.

mod nginx;

use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;
use testbed::{Process, ports, wait};

pub use self::nginx::Nginx;

use crate::generate::origin::Kind;
use crate::ground::{Ground, Side};

/// A running origin of our own.
#[derive(Debug)]
pub struct Origin {
    /// Its port, on all addresses of the far side.
    pub port: u16,
    _process: Process,
    _directory: TempDir,
}

impl Origin {
    /// Starts one and waits until it listens.
    pub fn start(ground: &Ground, kind: Kind) -> Self {
        let directory = TempDir::with_prefix("weft-origin-").unwrap();
        let port = ground.on(Side::Far, ports::free);
        let log = directory.path().join("log");
        let mut command = Command::new(crate::link::beside("generator").unwrap());
        command.args(["origin", kind.name(), &port.to_string()]);
        let mut process = ground.spawn(Side::Far, "origin", command, &log);
        wait::until("the origin listens", wait::GENEROUS, || {
            assert!(process.ended().is_none(), "{}", process.tail());
            process.log().contains("READY").then_some(())
        });
        Self {
            port,
            _process: process,
            _directory: directory,
        }
    }

    /// Where the near side reaches it directly.
    pub fn direct(&self, ground: &Ground) -> SocketAddr {
        ground.socket(Side::Far, self.port)
    }
}
