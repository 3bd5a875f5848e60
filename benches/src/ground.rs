//! The ground on which everything stands: two namespaces and a wire between them for root, one loopback for everybody else.
//!
//! ```text
//!   near: load, the caller's proxy ── 10.77.0.1 ══ veth, MTU 1500 ══ 10.77.0.2 ── far: the origin's proxy, the origin
//! ```

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use testbed::{Process, not_run};

use crate::link::Namespace;

/// What root gives itself and its children: enough for 9,500 connections in, as many out, and some over.
const FILES: u64 = 65_536;

/// Which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Where load comes from.
    Near,
    /// Where the origin is.
    Far,
}

/// Two namespaces, or one loopback.
#[derive(Debug)]
pub enum Ground {
    /// Near and far.
    Apart(Namespace, Namespace),
    /// Both on 127.0.0.1.
    Together,
}

impl Ground {
    /// Two namespaces where this is allowed.
    pub fn lay() -> Self {
        raise_files();
        if not_run::tool("ip").is_none() {
            return Self::Together;
        }
        match (Namespace::create(), Namespace::create()) {
            (Ok(near), Ok(far)) => {
                let joined = join(&near, &far);
                joined.unwrap_or_else(|error| panic!("two namespaces can't be joined: {error}"));
                Self::Apart(near, far)
            }
            _ => Self::Together,
        }
    }

    /// As the report names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Apart(..) => "two network namespaces joined by veth, MTU 1500",
            Self::Together => "loopback (two namespaces need root)",
        }
    }

    /// The address by which the other side reaches this one.
    pub fn address(&self, side: Side) -> Ipv4Addr {
        match (self, side) {
            (Self::Together, _) => Ipv4Addr::LOCALHOST,
            (_, Side::Near) => Ipv4Addr::new(10, 77, 0, 1),
            (_, Side::Far) => Ipv4Addr::new(10, 77, 0, 2),
        }
    }

    /// The same with a port.
    pub fn socket(&self, side: Side, port: u16) -> SocketAddr {
        (self.address(side), port).into()
    }

    /// Does something over there.
    pub fn on<T: Send>(&self, side: Side, work: impl FnOnce() -> T + Send) -> T {
        match (self, side) {
            (Self::Together, _) => work(),
            (Self::Apart(near, _), Side::Near) => inside(near, work),
            (Self::Apart(_, far), Side::Far) => inside(far, work),
        }
    }

    /// Starts a process over there.
    pub fn spawn(&self, side: Side, name: &str, command: Command, log: &Path) -> Process {
        self.on(side, || Process::spawn(name, command, log))
    }
}

fn inside<T: Send>(namespace: &Namespace, work: impl FnOnce() -> T + Send) -> T {
    let done = namespace.run(|| Ok(work()));
    done.unwrap_or_else(|error| panic!("a namespace of our own can't be entered: {error}"))
}

fn join(near: &Namespace, far: &Namespace) -> io::Result<()> {
    let other = format!("/proc/{}/fd/{}", std::process::id(), far.file().as_raw_fd());
    let words = "link add wire mtu 1500 type veth peer name wire mtu 1500 netns";
    let mut words: Vec<&str> = words.split(' ').collect();
    words.push(&other);
    near.ip(&words)?;
    for (side, address) in [(near, "10.77.0.1/24"), (far, "10.77.0.2/24")] {
        side.ip(&["address", "add", address, "dev", "wire"])?;
        side.ip(&["link", "set", "wire", "up"])?;
        // pairs that dial for each connection would be held up by the machine's table, not by their own work
        side.set("net.ipv4.ip_local_port_range", "32768 65535")?;
        side.set("net.ipv4.tcp_tw_reuse", "1")?;
    }
    Ok(())
}

/// Children inherit it. Who isn't root gets what the hard limit gives.
fn raise_files() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return;
    };
    let raised = setrlimit(Resource::RLIMIT_NOFILE, FILES.max(soft), FILES.max(hard));
    raised
        .or_else(|_| setrlimit(Resource::RLIMIT_NOFILE, hard, hard))
        .expect("a soft limit may always be as high as the hard one");
}
