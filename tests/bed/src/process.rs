//! A process that a test started: its log, its signals, its end. Only processes started here are ever ended, each by its pid.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

pub use nix::sys::signal::Signal;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::wait;

/// A running process; dropped, it is killed, and if the test is failing its last words are shown.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with both outputs going to the end of the file `log`.
    pub fn spawn(name: &str, command: Command, log: &Path) -> Self {
        Self::spawn_reading(name, command, log, Stdio::null())
    }

    /// Starts a `command` that ends when its standard input does: then it doesn't outlive the test, even one that is killed.
    pub fn spawn_tied(name: &str, command: Command, log: &Path) -> Self {
        Self::spawn_reading(name, command, log, Stdio::piped())
    }

    fn spawn_reading(name: &str, mut command: Command, log: &Path, input: Stdio) -> Self {
        let file = File::options()
            .create(true)
            .append(true)
            .open(log)
            .unwrap_or_else(|error| panic!("the log {} can't be opened: {error}", log.display()));
        command
            .stdin(input)
            .stdout(file.try_clone().unwrap())
            .stderr(file);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start ({command:?}): {error}"));
        Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
        }
    }

    /// The name given at the start.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The process' id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.pid()).expect("a pid fits"));
        kill(pid, signal)
            .unwrap_or_else(|error| panic!("{} can't be sent {signal}: {error}", self.name));
    }

    /// Ends it at once (SIGKILL) and waits until it is gone.
    pub fn kill(&mut self) {
        if self.child.kill().is_ok() {
            self.child.wait().expect("a killed process can be reaped");
        }
    }

    /// Asks it to end (SIGTERM) and waits for that; panics when it doesn't within a minute.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.wait(wait::GENEROUS)
    }

    /// Waits for its end.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        let ended = wait::poll(limit, || {
            self.child.try_wait().expect("a child can be waited for")
        });
        ended.unwrap_or_else(|| panic!("{} still runs after {limit:?}\n{}", self.name, self.tail()))
    }

    /// The status with which it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be waited for")
    }

    /// All that it wrote.
    pub fn log(&self) -> String {
        std::fs::read(&self.log).map_or_else(
            |_| String::new(),
            |bytes| String::from_utf8_lossy(&bytes).into_owned(),
        )
    }

    /// The last lines that it wrote, with a heading.
    pub fn tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        let first = lines.len().saturating_sub(25);
        format!(
            "--- {} ({}), last lines of {} ---\n{}",
            self.name,
            self.pid(),
            self.log.display(),
            lines[first..].join("\n")
        )
    }

    /// Resident memory in KiB.
    pub fn resident_kib(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|rest| rest.split_whitespace().next())
            .and_then(|number| number.parse().ok())
            .unwrap_or(0)
    }

    /// CPU seconds used so far, in user and kernel mode together.
    pub fn cpu_seconds(&self) -> f64 {
        const TICKS_PER_SECOND: f64 = 100.0; // USER_HZ is 100 on every Linux that Rust runs on
        let stat =
            std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        let after_name = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks: u64 = [11, 12]
            .iter()
            .filter_map(|index| fields.get(*index)?.parse::<u64>().ok())
            .sum();
        #[allow(clippy::cast_precision_loss, reason = "ticks of a test's processes")]
        let seconds = ticks as f64 / TICKS_PER_SECOND;
        seconds
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.tail());
        }
        self.kill();
    }
}
