//! A machine: namespaces kept alive by one waiting process, and commands that are run in them.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::binary::Weft;
use crate::process::Process;
use crate::wait;

/// What each machine has for itself.
pub(super) const NAMESPACES: [&str; 8] = [
    "--net",
    "--mount",
    "--uts",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "--propagation=private",
];

/// Namespaces with a name; dropped, every process in them is killed by the kernel.
#[derive(Debug)]
pub struct Machine {
    /// Its host name.
    pub name: String,
    /// The first process in it, as seen from outside.
    first: u32,
    directory: TempDir,
    _holder: Process,
}

impl Machine {
    /// Starts one, with `weft` in its `/usr/local/bin`.
    pub fn start(name: &str) -> Self {
        let directory = TempDir::with_prefix("weft-machine-").expect("a temporary directory");
        let mut command = Command::new("unshare");
        command.args(NAMESPACES).arg("cat");
        let log = directory.path().join("log");
        let mut holder = Process::spawn_tied(name, command, &log);
        let first = wait::until("a machine's first process", wait::GENEROUS, || {
            assert!(holder.ended().is_none(), "{}", holder.tail());
            only_child(holder.pid())
        });
        let machine = Self {
            name: name.to_owned(),
            first,
            directory,
            _holder: holder,
        };
        machine.furnish();
        machine
    }

    fn furnish(&self) {
        let place = self.directory.path().display();
        let weft = Weft::binary();
        let weft = weft.display();
        // /etc is a copy (what may not be read isn't needed); everything else that is written to begins empty
        self.run_ok(&format!(
            "hostname {name}
             ip link set lo up
             mkdir {place}/etc
             cp -a /etc/. {place}/etc/ 2>/dev/null || true
             mount --bind {place}/etc /etc
             mount -t tmpfs none /var/lib
             mount -t tmpfs none /run
             mount -t tmpfs none /usr/local/bin
             touch /usr/local/bin/weft
             mount --bind {weft} /usr/local/bin/weft
             mkdir /run/home
             mkdir -p /etc/weft
             printf '127.0.0.1 localhost {name}\\n' > /etc/hosts",
            name = self.name
        ));
    }

    /// A command that runs in the machine.
    pub fn command(&self, script: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--net", "--mount", "--uts", "--pid", "--target"])
            .arg(self.first.to_string())
            .args(["--", "sh", "-ec", script])
            .env_clear()
            .env("PATH", path())
            .env("HOME", "/run/home")
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    /// Runs a script to its end.
    pub fn run(&self, script: &str) -> Output {
        let script = format!("cd /run\n{script}");
        self.command(&script).output().expect("nsenter starts")
    }

    /// Runs a script and expects exit code 0; gives what it printed.
    #[track_caller]
    pub fn run_ok(&self, script: &str) -> String {
        let output = self.run(script);
        assert!(
            output.status.success(),
            "on {}: {}\n{script}\nstdout: {}\nstderr: {}",
            self.name,
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Starts a script that goes on running; its log is shown when a test fails.
    pub fn spawn(&self, name: &str, script: &str) -> Process {
        let log = self.directory.path().join(format!("{name}.log"));
        let script = format!("cd /run\necho $$ > {name}.pid\n{script}");
        Process::spawn(
            &format!("{} on {}", name, self.name),
            self.command(&script),
            &log,
        )
    }

    /// Sends a signal to what was spawned under that name (a [`Process`] here is only the door to it) and waits until it is gone.
    pub fn signal(&self, name: &str, signal: &str) {
        self.run_ok(&format!("kill -{signal} $(cat {name}.pid)"));
        wait::until("a signalled process ends", wait::GENEROUS, || {
            let alive = self.run(&format!("kill -0 $(cat {name}.pid)"));
            (!alive.status.success()).then_some(())
        });
    }

    /// Puts a file of the source tree onto the machine.
    pub fn install(&self, source: &Path, destination: &str) {
        self.run_ok(&format!(
            "install -D -m 644 '{}' '{destination}'",
            source.display()
        ));
    }
}

/// Joins two machines by a pair of virtual interfaces.
pub(super) fn wire(one: &Machine, name: &str, other: &Machine, other_name: &str) {
    let output = Command::new("ip")
        .args(["link", "add", "name", name, "netns", &one.first.to_string()])
        .args(["type", "veth", "peer", "name", other_name])
        .args(["netns", &other.first.to_string()])
        .output()
        .expect("ip starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The machine's own programs first, then those of whoever runs the tests.
fn path() -> String {
    let users = std::env::var("PATH").unwrap_or_default();
    format!("/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin:{users}")
}

fn only_child(pid: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}
