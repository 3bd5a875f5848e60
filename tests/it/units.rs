//! The systemd units in `deploy/`.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use testbed::{ClusterSpec, Weft, not_run};

const UNITS: [&str; 3] = ["weft-controller", "weft-gateway", "weft-node"];

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    if let Some(reason) = not_run::missing_tools(&["systemd-analyze"]) {
        return not_run("units::systemd_finds_nothing_wrong_with_the_units", &reason);
    }
    let directory = tempfile::tempdir().unwrap();
    let mut command = Command::new("systemd-analyze");
    command.args(["verify", "--man=no"]);
    for name in UNITS {
        // the binary isn't installed where tests run; everything else is verified as it stands
        let weft = Weft::binary();
        let text = unit(name).replace("/usr/local/bin/weft", &weft.to_string_lossy());
        let file = directory.path().join(format!("{name}.service"));
        std::fs::write(&file, text).unwrap();
        command.arg(file);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    for name in UNITS {
        assert!(!said.contains(name), "systemd-analyze verify: {said}");
    }
}

#[test]
fn each_unit_is_hardened() {
    for name in UNITS {
        let text = unit(name);
        for line in [
            "Type=notify",
            "DynamicUser=yes",
            "NoNewPrivileges=yes",
            "CapabilityBoundingSet=",
            "ProtectSystem=strict",
            "ProtectHome=yes",
            "PrivateTmp=yes",
            "UMask=0077",
            "MemoryDenyWriteExecute=yes",
            "SystemCallFilter=@system-service",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{name}.service lacks {line}"
            );
        }
    }
}

/// The ports of a service outlive its process only if systemd is allowed to keep them.
#[test]
fn each_unit_keeps_its_sockets() {
    for name in UNITS {
        let text = unit(name);
        let kept = text
            .lines()
            .find_map(|line| line.strip_prefix("FileDescriptorStoreMax="));
        assert!(
            kept.is_some_and(|number| number.parse::<u32>().is_ok_and(|number| number > 0)),
            "{name}.service keeps no sockets"
        );
    }
}

/// `Type=notify` means that a service counts as started when it says so: it must say so.
#[test]
fn controller_tells_systemd_when_it_is_ready() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("notify");
    let listener = UnixDatagram::bind(&socket).unwrap();
    listener
        .set_read_timeout(Some(testbed::wait::GENEROUS))
        .unwrap();
    let spec = ClusterSpec::named("west");
    let data = directory.path().join("controller");
    let mut command = Weft::command();
    command
        .args(["controller", "--listen", "127.0.0.1:0", "--metrics", "off"])
        .args([
            "--cluster",
            &spec.name,
            "--trust-domain",
            &spec.trust_domain,
        ])
        .args(["--advertise", "127.0.0.1:1", "--data-dir"])
        .arg(&data)
        .env("HOME", directory.path())
        .env("NOTIFY_SOCKET", &socket);
    let mut process = testbed::Process::spawn("controller", command, &directory.path().join("log"));
    let ready = heard(&listener, "READY=1");
    assert!(
        ready,
        "the controller never said READY=1\n{}",
        process.tail()
    );
    let status = process.terminate();
    assert!(status.success(), "SIGTERM: {status}");
}

fn heard(listener: &UnixDatagram, word: &str) -> bool {
    let mut buffer = [0; 4096];
    while let Ok(length) = listener.recv(&mut buffer) {
        if String::from_utf8_lossy(&buffer[..length]).contains(word) {
            return true;
        }
    }
    false
}

fn unit(name: &str) -> String {
    let file = Path::new("deploy/systemd").join(format!("{name}.service"));
    std::fs::read_to_string(Weft::source_tree().join(&file))
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}
