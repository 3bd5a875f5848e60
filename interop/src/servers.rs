//! Servers of Debian and npm, each started with nothing but what a test needs.

use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use testbed::not_run::tool;
use testbed::{Process, Weft, ports, wait};

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    process: Process,
    _directory: TempDir,
}

impl Server {
    fn run(name: &str, port: u16, command: Command, directory: TempDir) -> Self {
        Self {
            port,
            process: Process::spawn(name, command, &directory.path().join("log")),
            _directory: directory,
        }
    }

    /// What it wrote.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Redis, which keeps nothing.
    pub fn redis() -> Result<Self, String> {
        let program = tool("redis-server").ok_or("not installed: redis-server")?;
        let (directory, port) = (directory(), ports::free());
        let mut command = Command::new(program);
        command
            .current_dir(directory.path())
            .args(["--bind", "127.0.0.1", "--save", "", "--port"])
            .arg(port.to_string());
        let server = Self::run("redis-server", port, command, directory);
        wait::until("Redis answers", wait::GENEROUS, || {
            redis_answers(port).then_some(())
        });
        Ok(server)
    }

    /// PostgreSQL with a user `weft`. It doesn't run as root: there it gets Debian's user `postgres`.
    pub fn postgres() -> Result<Self, String> {
        let programs = postgres_programs().ok_or("not installed: postgresql")?;
        let (directory, port) = (directory(), ports::free());
        let data = directory.path().join("data");
        let as_whom = |program: &str| {
            let program = programs.join(program);
            if !is_root() {
                return Command::new(program);
            }
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
                .arg(program);
            command
        };
        if is_root() {
            let (uid, gid) = postgres_ids().ok_or("there is no user postgres")?;
            std::fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
            std::fs::create_dir(&data).unwrap();
            chown(&data, Some(uid), Some(gid)).unwrap();
        }
        let made = as_whom("initdb")
            .args(["--username=weft", "--auth=trust", "--no-sync", "--pgdata"])
            .arg(&data)
            .current_dir("/")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "initdb: {said}");
        let mut command = as_whom("postgres");
        command
            .current_dir("/")
            .arg("-D")
            .arg(&data)
            .args(["-F", "-h", "127.0.0.1", "-k", "", "-p"])
            .arg(port.to_string());
        let server = Self::run("postgres", port, command, directory);
        wait::until("PostgreSQL answers", wait::GENEROUS, || {
            postgres_answers(port).then_some(())
        });
        Ok(server)
    }

    /// dnsmasq with the zone weft.test.
    pub fn dns() -> Result<Self, String> {
        let program = tool("dnsmasq").ok_or("not installed: dnsmasq")?;
        let (directory, port) = (directory(), ports::free());
        let mut command = Command::new(program);
        command
            .args([
                "--keep-in-foreground",
                "--no-resolv",
                "--no-hosts",
                "--conf-file=/dev/null",
            ])
            .args([
                "--bind-interfaces",
                "--listen-address=127.0.0.1",
                "--user=",
                "--pid-file=",
            ])
            .args(["--local=/weft.test/", "--edns-packet-max=4096"])
            .args(["--host-record=a.weft.test,192.0.2.7,2001:db8::7"])
            .arg(format!("--port={port}"));
        for number in 0..50 {
            command.arg(format!("--txt-record=n{number}.weft.test,text {number}"));
        }
        let pieces = vec!["large ".repeat(25); 20].join(",");
        command.arg(format!("--txt-record=large.weft.test,{pieces}"));
        let server = Self::run("dnsmasq", port, command, directory);
        wait::until("dnsmasq answers", wait::GENEROUS, || {
            dns_answers(port).then_some(())
        });
        Ok(server)
    }

    /// statsd of npm, which prints what it has counted every 100 ms.
    pub fn statsd() -> Result<Self, String> {
        let node = tool("node").ok_or("not installed: node")?;
        let program = Weft::source_tree().join(".venv/node_modules/statsd/stats.js");
        if !program.is_file() {
            return Err("no statsd: ./test gets it where npm's registry can be reached".to_owned());
        }
        let (directory, port) = (directory(), ports::free());
        let configuration = directory.path().join("config.js");
        let text = format!(
            "{{ port: {port}, address: \"127.0.0.1\", mgmt_port: {}, mgmt_address: \"127.0.0.1\", flushInterval: 100,
               deleteIdleStats: true, backends: [\"./backends/console\"], console: {{ prettyprint: false }} }}",
            ports::free()
        );
        std::fs::write(&configuration, text).unwrap();
        let mut command = Command::new(node);
        command.arg(program).arg(configuration);
        let server = Self::run("statsd", port, command, directory);
        wait::until("statsd counts", wait::GENEROUS, || {
            server.log().contains("Flushing").then_some(())
        });
        Ok(server)
    }
}

/// Whether Redis answers at a port, directly or through whatever is there.
pub fn redis_answers(port: u16) -> bool {
    answers(port, b"PING\r\n", b"+PONG")
}

/// Whether PostgreSQL does: it says whether it speaks TLS.
pub fn postgres_answers(port: u16) -> bool {
    answers(port, &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f], b"N")
}

/// Whether a server that speaks first does.
pub fn greets(port: u16) -> bool {
    answers(port, b"", b"hello")
}

fn answers(port: u16, question: &[u8], answer: &[u8]) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let mut read = vec![0; answer.len()];
    // Who comes before the service is known is waited for in HTTP: the next attempt is another connection.
    let patience = std::time::Duration::from_secs(2);
    stream.set_read_timeout(Some(patience)).unwrap();
    stream.write_all(question).is_ok() && stream.read_exact(&mut read).is_ok() && read == answer
}

/// Whether a DNS server answers at a port; packets may be lost.
pub fn dns_answers(port: u16) -> bool {
    // a query for the root's name servers, whatever the answer
    let query = b"\x57\x46\x01\0\0\x01\0\0\0\0\0\0\0\0\x02\0\x01";
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let patience = std::time::Duration::from_millis(500);
    socket.set_read_timeout(Some(patience)).unwrap();
    let mut answer = [0; 512];
    socket.send_to(query, ("127.0.0.1", port)).is_ok()
        && socket.recv(&mut answer).is_ok_and(|length| length > 2)
        && answer.starts_with(b"\x57\x46")
}

fn directory() -> TempDir {
    TempDir::with_prefix("weft-interop-").unwrap()
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// Debian keeps them out of PATH, a directory a version.
pub fn postgres_programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let newest = versions.filter_map(|entry| Some(entry.ok()?.path().join("bin")));
    newest
        .filter(|place| place.join("initdb").is_file())
        .max()
        .or_else(|| tool("initdb").and_then(|found| found.parent().map(Path::to_path_buf)))
}

fn postgres_ids() -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.starts_with("postgres:"))?;
    let mut fields = line.split(':').skip(2).map(str::parse);
    Some((fields.next()?.ok()?, fields.next()?.ok()?))
}
