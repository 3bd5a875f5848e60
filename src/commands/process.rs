//! What the long-running processes share: a locked data directory, logs, metrics, signals, and telling when they are ready.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;

use sd_notify::NotifyState;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tunnel::Sockets;

use super::Global;
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::memory;
use crate::output;
use crate::shutdown::Shutdown;
use crate::sockets;
use crate::telemetry::readiness::Readiness;
use crate::telemetry::{self, admin};

/// A part of the process, and the port that it will open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UdpPort {
    /// What it is.
    pub(crate) name: &'static str,
    /// The flag that says which port.
    pub(crate) flag: &'static str,
    /// The port.
    pub(crate) address: SocketAddr,
}

impl UdpPort {
    /// Looks before anything is written: a port in use leaves nothing half done.
    fn can_be_had(&self, sockets: &Sockets) -> Result<(), Failure> {
        if sockets.has(&format!("{}.udp", self.name)) {
            return Ok(());
        }
        sockets::try_udp(self.name, self.flag, self.address)
    }
}

/// A process that runs until it is told to stop.
#[derive(Debug)]
pub(crate) struct Process {
    /// Its state's place, locked.
    pub(crate) data_dir: DataDir,
    /// What the process before left, and who keeps this one's for the next.
    pub(crate) sockets: Sockets,
    shutdown: Shutdown,
    readiness: Readiness,
    metrics: Option<SocketAddr>,
}

impl Process {
    /// Sets up all that doesn't depend on what the process is. Whatever is in the way is said before anything is begun.
    pub(crate) async fn begin(
        parts: &[UdpPort],
        data_dir: &Path,
        metrics: Option<SocketAddr>,
        global: &Global,
    ) -> Result<Self, Failure> {
        telemetry::logs(global.log_format, "info,openraft=warn")?;
        let data_dir = DataDir::open(data_dir)?;
        let sockets = sockets::of_the_supervisor()?;
        parts
            .iter()
            .try_for_each(|part| part.can_be_had(&sockets))?;
        let readiness = Readiness::of(parts.iter().map(|part| part.name));
        let handle = telemetry::metrics()?;
        let metrics = match metrics {
            Some(address) => Some(admin::serve(address, handle, readiness.clone()).await?),
            None => None,
        };
        Ok(Self {
            data_dir,
            sockets,
            shutdown: Shutdown::listen()?,
            readiness,
            metrics,
        })
    }

    /// A part has begun: `/readyz` asks it from then on.
    pub(crate) fn watch(&self, part: &'static str, ready: watch::Receiver<bool>) {
        self.readiness.watch(part, ready);
    }

    /// Writes `addresses.json`: the UDP address of each part, `udp` for the one that matters most, `metrics`, `pid`.
    pub(crate) fn write_addresses(
        &self,
        main: &str,
        parts: &[(&str, SocketAddr)],
    ) -> Result<(), Failure> {
        let mut addresses: Map<String, Value> = parts
            .iter()
            .map(|(part, address)| ((*part).to_owned(), json!(address)))
            .collect();
        if let Some((_, address)) = parts.iter().find(|(part, _)| *part == main) {
            addresses.insert("udp".to_owned(), json!(address));
        }
        addresses.insert("metrics".to_owned(), json!(self.metrics));
        addresses.insert("pid".to_owned(), json!(std::process::id()));
        self.data_dir.write_addresses(&Value::Object(addresses))
    }

    /// Says so on stderr and to systemd, once `ready` turns true.
    pub(crate) fn announce_when(&self, mut ready: watch::Receiver<bool>, line: String) {
        let sockets = self.sockets.clone();
        tokio::spawn(async move {
            if ready.wait_for(|ready| *ready).await.is_ok() {
                announce(&line, &sockets);
            }
        });
    }

    /// Tells people and systemd that the process is ready.
    pub(crate) fn announce(&self, line: &str) {
        announce(line, &self.sockets);
    }

    /// Ends when the process is to drain; systemd is told first.
    pub(crate) fn stop(&self) -> impl Future<Output = ()> + Send + 'static {
        let begun = self.shutdown.clone().begun();
        async move {
            begun.await;
            announce_stopping();
        }
    }

    /// Where metrics are served, for the line that people read.
    pub(crate) fn metrics_note(&self) -> String {
        self.metrics
            .map(|address| format!("  metrics http://{address}/metrics"))
            .unwrap_or_default()
    }
}

/// Says it, and closes what the process before left and this one, being ready, has no use for.
fn announce(line: &str, sockets: &Sockets) {
    sockets.release_rest();
    output::note(line);
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(line)]) {
        tracing::warn!(%error, "systemd wasn't told that this process is ready");
    }
    memory::forget_start_up_code();
}

/// Tells systemd that the process drains.
fn announce_stopping() {
    if let Err(error) = sd_notify::notify(&[NotifyState::Stopping]) {
        tracing::debug!(%error, "systemd wasn't told that this process stops");
    }
}
