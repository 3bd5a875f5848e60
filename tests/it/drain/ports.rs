//! A port that can't be had is an error at the start, and it says what to do.

use std::net::{TcpListener, UdpSocket};
use std::process::{Command, Output};

use testbed::{Weft, not_run};

fn gateway(program: &mut Command, listen: &str, metrics: &str) -> Output {
    let directory = tempfile::tempdir().unwrap();
    program
        .args(["gateway", "--listen", listen, "--metrics", metrics])
        .args(["--advertise", "127.0.0.1:1", "--data-dir"])
        .arg(directory.path().join("gateway"))
        .env("HOME", directory.path())
        .output()
        .unwrap()
}

#[track_caller]
fn assert_says(output: &Output, wanted: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for word in wanted {
        assert!(said.contains(word), "{word:?} is missing in:\n{said}");
    }
}

#[test]
fn udp_port_in_use_is_named_with_its_remedy() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = gateway(&mut Weft::command(), &address.to_string(), "off");
    assert_says(
        &output,
        &[
            &format!("the gateway's UDP port {address} can't be opened"),
            "in use",
            &format!("ss -lunp 'sport = :{}'", address.port()),
            "--listen 127.0.0.1:0",
        ],
    );
}

#[test]
fn metrics_port_in_use_is_named_with_its_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = gateway(&mut Weft::command(), "127.0.0.1:0", &address.to_string());
    assert_says(
        &output,
        &[
            &format!("the metrics port {address} can't be opened"),
            &format!("ss -ltnp 'sport = :{}'", address.port()),
            "--metrics 127.0.0.1:0",
            "--metrics off",
        ],
    );
}

#[test]
fn low_port_without_the_capability_is_named_with_its_remedy() {
    const NAME: &str = "drain::low_port_without_the_capability_is_named_with_its_remedy";
    let first = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start")
        .map(|text| text.trim().parse().unwrap_or(0));
    if first.unwrap_or(0_u16) <= 443 {
        return not_run(NAME, "this machine lets everybody have port 443");
    }
    if let Some(reason) = not_run::missing_tools(&["setpriv"]) {
        return not_run(NAME, &reason);
    }
    // Root gives the capability up; for anybody else this changes nothing.
    let mut program = Weft::command();
    if nix::unistd::geteuid().is_root() {
        let weft = program;
        program = Command::new("setpriv");
        program
            .args([
                "--bounding-set",
                "-net_bind_service",
                "--inh-caps",
                "-net_bind_service",
            ])
            .arg(weft.get_program());
        for (name, value) in weft.get_envs() {
            match value {
                Some(value) => program.env(name, value),
                None => program.env_remove(name),
            };
        }
    }
    let output = gateway(&mut program, "127.0.0.1:443", "off");
    assert_says(
        &output,
        &[
            "the gateway's UDP port 127.0.0.1:443 can't be opened",
            "CAP_NET_BIND_SERVICE",
            "AmbientCapabilities=CAP_NET_BIND_SERVICE",
            "--listen 127.0.0.1:4433",
        ],
    );
}
