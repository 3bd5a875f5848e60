//! A long, narrow, lossy link between two network namespaces, where the kernel has no `netem`.
//!
//! ```text
//!   namespace near ── 10.77.0.1 ── TUN ══ the process `link-emulator` ══ TUN ── 10.77.0.2 ── namespace far
//! ```
//!
//! The TUN devices have no offloads, so the sending kernel cuts what TCP or UDP GSO hands down into packets of the MTU before they
//! meet the link: rate, queue and loss hit the same unit whatever transport is used. Both directions are alike; each has dice of
//! its own, thrown from one seed. What becomes of a packet is decided in [`wire`], which has neither socket nor clock. Nothing outside
//! the two namespaces is touched, and both are gone with the processes in them.
//!
//! Start reading at [`Link::start`].

pub mod conditions;
pub mod device;
pub mod dice;
pub mod namespace;
pub mod relay;
pub mod wire;

use std::io::{self, BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::ground::Ground;

pub use self::conditions::Conditions;
pub use self::namespace::Namespace;
pub use self::wire::Counters;

/// The near end's address.
pub const NEAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);
/// The far end's address.
pub const FAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// A running link; dropped, its emulator ends, and with it the devices.
#[derive(Debug)]
pub struct Link {
    /// Where the callers are.
    pub near: Namespace,
    /// Where the origin is.
    pub far: Namespace,
    child: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// What happened in both directions.
#[derive(Debug, Clone, Copy, Default)]
pub struct BothWays {
    /// From near to far.
    pub forth: Counters,
    /// From far to near.
    pub back: Counters,
}

impl Link {
    /// Makes both namespaces and joins them. Needs root: ask [`missing`] first.
    ///
    /// # Errors
    /// What the system refuses, or what the emulator said instead of being ready.
    pub fn start(conditions: &Conditions, seed: u64) -> io::Result<Self> {
        let (near, far) = (Namespace::create()?, Namespace::create()?);
        let held = |namespace: &Namespace| {
            let descriptor = namespace.file().as_raw_fd();
            format!("/proc/{}/fd/{descriptor}", std::process::id())
        };
        let mut command = emulator()?;
        command
            .args([held(&near), held(&far), seed.to_string()])
            .arg(conditions.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let orders = child.stdin.take();
        let Some(answers) = child.stdout.take() else {
            return Err(io::Error::other("the emulator has no output"));
        };
        let mut link = Self {
            near,
            far,
            child,
            orders,
            answers: BufReader::new(answers),
        };
        link.expect("READY")?;
        Ok(link)
    }

    /// Its two ends as a ground for everything that is measured.
    #[must_use]
    pub fn ground(&self) -> Ground {
        Ground::Apart(self.near.clone(), self.far.clone())
    }

    /// Changes the conditions of the running link; what is on the way already arrives as it was decided.
    ///
    /// # Errors
    /// When the emulator is gone.
    pub fn change(&mut self, conditions: &Conditions) -> io::Result<()> {
        self.order(&conditions.to_string())?;
        self.expect("CHANGED")
    }

    /// What happened since the last time that this was asked.
    ///
    /// # Errors
    /// When the emulator is gone.
    pub fn counters(&mut self) -> io::Result<BothWays> {
        self.order("counters")?;
        let line = self.line()?;
        let value: Value = serde_json::from_str(&line).map_err(io::Error::other)?;
        Ok(BothWays {
            forth: Counters::from_json(&value["forth"]),
            back: Counters::from_json(&value["back"]),
        })
    }

    fn order(&mut self, text: &str) -> io::Result<()> {
        let Some(orders) = &mut self.orders else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        writeln!(orders, "{text}")
    }

    fn expect(&mut self, wanted: &str) -> io::Result<()> {
        let line = self.line()?;
        if line == wanted {
            return Ok(());
        }
        Err(io::Error::other(format!(
            "the emulator said {line:?} instead of {wanted}"
        )))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        drop(self.orders.take()); // it ends with its input
        if let Err(error) = self.child.wait() {
            debug_assert!(false, "the emulator can't be waited for: {error}");
        }
    }
}

/// What this machine lacks for a link, as a reason for not running.
#[must_use]
pub fn missing() -> Option<String> {
    if let Some(reason) = testbed::not_run::missing_tools(&["ip"]) {
        return Some(reason);
    }
    if !Path::new(device::CLONE).exists() {
        return Some(format!("there is no {}", device::CLONE));
    }
    match Namespace::create() {
        Ok(_) => None,
        Err(error) => Some(format!("network namespaces need root: {error}")),
    }
}

/// The emulator's binary, at real-time priority where that can be had: a packet delivered late is an error of measurement.
fn emulator() -> io::Result<Command> {
    let binary = beside("link-emulator")?;
    let Some(chrt) = testbed::not_run::tool("chrt") else {
        return Ok(Command::new(binary));
    };
    let mut command = Command::new(chrt);
    command.args(["--fifo", "10"]).arg(binary);
    Ok(command)
}

/// A binary of this package, which cargo builds before its tests and benches: it lies in the same profile's directory.
///
/// # Errors
/// When it isn't there.
pub fn beside(name: &str) -> io::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let found = here
        .ancestors()
        .skip(1)
        .take(3)
        .map(|directory| directory.join(name))
        .find(|path| path.is_file());
    found.ok_or_else(|| io::Error::other(format!("there is no {name} beside {}", here.display())))
}
