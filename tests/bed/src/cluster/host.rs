//! One process of a cluster with the directory that outlives it, so that it can be killed and started again.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::binary::Weft;
use crate::cluster::ClusterSpec;
use crate::http;
use crate::metrics::Metrics;
use crate::process::{Process, Signal};
use crate::wait;

/// A controller, gateway or node.
#[derive(Debug)]
pub struct Host {
    /// Its name, such as `n1`.
    pub name: String,
    /// Its data directory.
    pub directory: PathBuf,
    /// The address of its UDP port.
    pub udp: SocketAddr,
    arguments: Vec<String>,
    log: PathBuf,
    process: Option<Process>,
    supervised: bool,
}

/// Keeps sockets over restarts, and speaks to its process as systemd does.
const SUPERVISOR: &str = include_str!("../supervisor.py");

impl Host {
    pub(super) fn controller(
        spec: &ClusterSpec,
        place: &Path,
        udp: SocketAddr,
        gateway: SocketAddr,
    ) -> Self {
        let mut host = Self::new("controller", "c1", place, udp);
        host.flag("--cluster", &spec.name);
        host.flag("--trust-domain", &spec.trust_domain);
        host.flag("--advertise", &udp.to_string());
        host.flag("--gateway", &gateway.to_string());
        if let Some(lifetime) = spec.svid_lifetime {
            host.flag("--svid-lifetime", &format!("{}s", lifetime.as_secs()));
        }
        host.arguments.extend(spec.controller_flags.iter().cloned());
        host.supervised = spec.supervised;
        host
    }

    pub(super) fn gateway(
        spec: &ClusterSpec,
        place: &Path,
        udp: SocketAddr,
        advertised: SocketAddr,
    ) -> Self {
        let mut host = Self::new("gateway", "g1", place, udp);
        host.flag("--advertise", &advertised.to_string());
        let token = host.token();
        host.flag("--join", &token.to_string_lossy());
        host.supervised = spec.supervised;
        host
    }

    pub(super) fn node(spec: &ClusterSpec, place: &Path, number: usize, udp: SocketAddr) -> Self {
        let mut host = Self::new("node", &format!("n{number}"), place, udp);
        host.flag("--advertise", &udp.to_string());
        let token = host.token();
        host.flag("--join", &token.to_string_lossy());
        host.arguments.extend(spec.node_flags.iter().cloned());
        host.supervised = spec.supervised;
        host
    }

    fn new(command: &str, name: &str, place: &Path, udp: SocketAddr) -> Self {
        let directory = place.join(name);
        let mut host = Self {
            name: name.to_owned(),
            log: place.join(format!("{name}.log")),
            udp,
            arguments: vec![command.to_owned()],
            process: None,
            supervised: false,
            directory,
        };
        let directory = host.directory.to_string_lossy().into_owned();
        host.flag("--data-dir", &directory);
        host.flag("--name", name);
        host.flag("--listen", &udp.to_string());
        host.flag("--metrics", "127.0.0.1:0");
        host
    }

    fn flag(&mut self, name: &str, value: &str) {
        self.arguments.extend([name.to_owned(), value.to_owned()]);
    }

    /// The file with its join token.
    pub fn token(&self) -> PathBuf {
        self.directory.with_extension("token")
    }

    /// Starts the process.
    pub fn start(&mut self) {
        let mut command = Weft::command();
        if self.supervised {
            command = self.under_supervisor(&command);
        }
        let home = self.directory.with_file_name("home");
        command
            .args(&self.arguments)
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_STATE_HOME", home.join("state"));
        self.process = Some(Process::spawn(&self.name, command, &self.log));
    }

    /// The same command, environment and all, run by the supervisor.
    fn under_supervisor(&self, weft: &Command) -> Command {
        let script = self.directory.with_extension("supervisor.py");
        std::fs::write(&script, SUPERVISOR).expect("the supervisor's script is written");
        let mut command = Command::new("python3");
        command
            .arg(script)
            .arg(self.supervisor_directory())
            .arg(weft.get_program());
        for (name, value) in weft.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Where the supervisor keeps `pid` and `notifications`.
    pub fn supervisor_directory(&self) -> PathBuf {
        self.directory.with_extension("run")
    }

    /// Has the supervisor restart it, as `systemctl restart` does, and waits until the new process is ready.
    #[track_caller]
    pub fn restart_supervised(&self) {
        let before = self.pid();
        self.process().signal(Signal::SIGHUP);
        wait::until("the supervisor has restarted it", wait::GENEROUS, || {
            (self.pid() != before).then_some(())
        });
        self.wait_ready();
    }

    /// The id of Weft's own process.
    pub fn pid(&self) -> u32 {
        if !self.supervised {
            return self.process().pid();
        }
        wait::until("the supervisor has started it", wait::GENEROUS, || {
            let pid = std::fs::read_to_string(self.supervisor_directory().join("pid")).ok()?;
            pid.trim().parse().ok()
        })
    }

    /// Ends it with SIGKILL.
    pub fn kill(&mut self) {
        self.process_mut().kill();
    }

    /// Ends it with SIGTERM, and expects exit code 0.
    #[track_caller]
    pub fn terminate(&mut self) {
        let status = self.process_mut().terminate();
        assert!(
            status.success(),
            "{} ended with {status} after SIGTERM",
            self.name
        );
    }

    /// Waits until it has ended, and tells how.
    #[track_caller]
    pub fn wait_ended(&mut self) -> ExitStatus {
        self.process_mut().wait(wait::GENEROUS)
    }

    /// Waits until `/readyz` says so, and tells how long that took.
    #[track_caller]
    pub fn wait_ready(&self) -> Duration {
        let begun = Instant::now();
        let ready = wait::poll(wait::GENEROUS, || self.is_ready().then_some(()));
        assert!(
            ready.is_some(),
            "{} is not ready after {:?}\n{}",
            self.name,
            begun.elapsed(),
            self.process().tail()
        );
        begun.elapsed()
    }

    /// Whether `/readyz` says so at this moment.
    pub fn is_ready(&self) -> bool {
        let Some(address) = self.metrics_address() else {
            return false;
        };
        http::get(address, "localhost", "/readyz").is_ok_and(|response| response.status == 200)
    }

    /// Where it serves metrics, once it has said so in `addresses.json`.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        let text = std::fs::read_to_string(self.directory.join("addresses.json")).ok()?;
        let addresses: Value = serde_json::from_str(&text).ok()?;
        let pid = addresses["pid"].as_u64()?;
        let current = self.process.is_some() && pid == u64::from(self.pid());
        current
            .then(|| addresses["metrics"].as_str()?.parse().ok())
            .flatten()
    }

    /// Scrapes its metrics.
    #[track_caller]
    pub fn metrics(&self) -> Metrics {
        Metrics::scrape(self.metrics_address().expect("a running host has metrics"))
    }

    /// Panics unless it still runs.
    #[track_caller]
    pub fn assert_alive(&mut self) {
        let process = self.process_mut();
        let ended = process.ended();
        assert!(
            ended.is_none(),
            "{} ended by itself: {ended:?}\n{}",
            process.name(),
            process.tail()
        );
    }

    /// The process, which has been started.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("the host was started")
    }

    fn process_mut(&mut self) -> &mut Process {
        self.process.as_mut().expect("the host was started")
    }

    /// The lines of a node's access log.
    pub fn access_log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.directory.join("access.log")).unwrap_or_default();
        let lines = text.lines();
        lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }
}
