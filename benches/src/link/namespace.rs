//! A network namespace that lives as long as somebody holds it, and threads that work inside.

use std::fs::File;
use std::io;
use std::sync::Arc;

use nix::sched::{CloneFlags, setns, unshare};

/// A network namespace without a name.
#[derive(Debug, Clone)]
pub struct Namespace {
    file: Arc<File>,
}

impl Namespace {
    /// Makes a new one with its loopback up.
    ///
    /// # Errors
    /// Mostly that this isn't root.
    pub fn create() -> io::Result<Self> {
        let file = aside(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            File::open("/proc/thread-self/ns/net")
        })?;
        let namespace = Self {
            file: Arc::new(file),
        };
        namespace.ip(&["link", "set", "lo", "up"])?;
        // or a run would teach the next one how the path was
        namespace.set("net.ipv4.tcp_no_metrics_save", "1")?;
        Ok(namespace)
    }

    /// One that exists already, such as `/run/netns/NAME`.
    ///
    /// # Errors
    /// When it can't be opened.
    pub fn open(path: &str) -> io::Result<Self> {
        Ok(Self {
            file: Arc::new(File::open(path)?),
        })
    }

    /// What holds it.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Runs `work` in it, on a thread of its own: sockets opened there belong to the namespace for good, and so do processes.
    ///
    /// # Errors
    /// When the namespace can't be entered, or what `work` says.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        aside(|| {
            setns(self.file(), CloneFlags::CLONE_NEWNET)?;
            work()
        })
    }

    /// Runs the program `ip` in it.
    ///
    /// # Errors
    /// What it said.
    pub fn ip(&self, arguments: &[&str]) -> io::Result<()> {
        let program = testbed::not_run::tool("ip").ok_or(io::ErrorKind::NotFound)?;
        let output = self.run(|| std::process::Command::new(program).args(arguments).output())?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(io::Error::other(format!(
            "ip {}: {said}",
            arguments.join(" ")
        )))
    }

    /// Sets a kernel parameter in it.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn set(&self, name: &str, value: &str) -> io::Result<()> {
        let file = format!("/proc/sys/{}", name.replace('.', "/"));
        self.run(|| std::fs::write(file, value))
    }

    /// Reads a kernel parameter in it.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn get(&self, name: &str) -> io::Result<String> {
        let file = format!("/proc/sys/{}", name.replace('.', "/"));
        self.run(|| Ok(std::fs::read_to_string(file)?.trim().to_owned()))
    }
}

/// A namespace is a property of a thread: this one is spent afterwards.
fn aside<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let done = scope.spawn(work).join();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
