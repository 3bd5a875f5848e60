//! The processes of a cluster, which may be ended and started again, and the command line of its controller.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use testbed::cluster::write_private;
use testbed::{Process, Weft, http, ports, wait};

use crate::ground::{Ground, Side};

/// A controller, gateway or node.
#[derive(Debug)]
pub(super) struct Host {
    /// Where its cluster reaches it.
    pub(super) udp: SocketAddr,
    name: &'static str,
    side: Side,
    arguments: Vec<String>,
    place: PathBuf,
    process: Option<Process>,
}

impl Host {
    /// Prepares one of the cluster whose files lie in `place`; `command` is `controller`, `gateway` or `node`.
    pub(super) fn new(
        name: &'static str,
        command: &str,
        place: &Path,
        ground: &Ground,
        side: Side,
    ) -> Self {
        let udp = ground.socket(side, ground.on(side, ports::free));
        let metrics = SocketAddr::new(ground.address(side).into(), 0);
        let mut host = Self {
            udp,
            name,
            side,
            arguments: vec![command.to_owned()],
            place: place.to_owned(),
            process: None,
        };
        let directory = place.join(name);
        host.tell(&["--data-dir", &directory.to_string_lossy(), "--name", name]);
        host.tell(&["--listen", &udp.to_string()]);
        host.tell(&["--advertise", &udp.to_string()]);
        host.tell(&["--metrics", &metrics.to_string()]);
        host
    }

    /// More flags.
    pub(super) fn tell(&mut self, flags: &[&str]) {
        let flags = flags.iter().map(|flag| (*flag).to_owned());
        self.arguments.extend(flags);
    }

    /// Gets a token from its cluster's controller and joins with it when it starts.
    pub(super) fn join(&mut self, role: &str) {
        let token = weft(&self.place, &["token", "create", "--role", role], "");
        let token = token.unwrap_or_else(|error| panic!("no token: {error}"));
        let file = self.place.join(format!("{}.token", self.name));
        write_private(&file, token.trim());
        self.tell(&["--join", &file.to_string_lossy()]);
    }

    /// Starts the process.
    pub(super) fn start(&mut self, ground: &Ground) {
        let mut command = at_home(&self.place);
        command.args(&self.arguments);
        let log = self.place.join(format!("{}.log", self.name));
        self.process = Some(ground.spawn(self.side, self.name, command, &log));
    }

    /// Ends it in good order.
    pub(super) fn terminate(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.terminate();
        }
    }

    /// The process, which was started.
    pub(super) fn process(&self) -> &Process {
        self.process.as_ref().expect("it was started")
    }

    /// Asked every millisecond: the figure of the start-up hangs on it.
    pub(super) fn wait_ready(&self, ground: &Ground) {
        let begun = Instant::now();
        let ready = || {
            let file = self.place.join(self.name).join("addresses.json");
            let addresses: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
            let current = addresses["pid"].as_u64()? == u64::from(self.process().pid());
            let metrics = addresses["metrics"].as_str()?.parse().ok()?;
            let answer = http::get(metrics, "localhost", "/readyz").ok()?;
            (current && answer.status == 200).then_some(())
        };
        ground.on(self.side, || {
            while ready().is_none() {
                assert!(
                    begun.elapsed() < wait::GENEROUS,
                    "{} isn't ready\n{}",
                    self.name,
                    self.process().tail()
                );
                std::thread::sleep(Duration::from_millis(1));
            }
        });
    }
}

/// Runs the command line on the controller of the cluster whose files lie in `place`.
///
/// # Errors
/// What it said when it failed.
pub(super) fn weft(place: &Path, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut command = at_home(place);
    let mut child = command
        .arg("--data-dir")
        .arg(place.join("c1"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("weft starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    drop(std::io::Write::write_all(&mut stdin, input.as_bytes())); // what refuses at once doesn't read
    drop(stdin);
    let output = child.wait_with_output().expect("weft ends");
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

fn at_home(place: &Path) -> Command {
    let mut command = Weft::command();
    let home = place.join("home");
    command
        .env("HOME", &home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_STATE_HOME", home.join("state"));
    command
}
