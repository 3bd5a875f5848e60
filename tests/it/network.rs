//! Two clusters in two places with the same private addresses, behind NAT, with one UDP port open: built as a user builds them.

mod document;

use std::process::Command;

use testbed::internet::{self, GATEWAY_PORT, Internet, Machine};
use testbed::pcap::{self, Frame};
use testbed::relay::Datagram;
use testbed::{Process, Weft, initial, not_run, wait};

use super::sealed;

/// Set in the test that runs again inside a user namespace.
const INSIDE: &str = "WEFT_TEST_INSIDE_USER_NAMESPACE";

/// The six commands of the README (and of `weft --help`), typed as they stand there with the applications running already, and
/// then a call.
#[test]
fn six_commands_federate_two_places_behind_nat() {
    if !prepared("six_commands_federate_two_places_behind_nat") {
        return;
    }
    let six = six_commands();
    let internet = Internet::build();
    let capture = Capture::start(&internet);
    let mut running = Vec::new();
    let mut invitation = String::new();
    for (place, command) in &six {
        let machine = if place == "west" {
            &internet.west.machine
        } else {
            &internet.east.machine
        };
        match command.split(' ').nth(1) {
            Some("up") => {
                let up = machine.spawn("up", &format!("exec {command}"));
                ready(machine, 9464, &up);
                running.push(up);
                if place == "west" {
                    running.push(web(
                        machine,
                        "weft run --service shop/payments --port 8080 --",
                        "payments of west",
                    ));
                }
            }
            Some("peer") if command.ends_with("join") => {
                machine.run_ok(&format!(
                    "printf '%s\\ny\\n' '{}' | {command}",
                    invitation.trim()
                ));
            }
            Some("peer") => invitation = machine.run_ok(command),
            _ => drop(machine.run_ok(command)),
        }
    }
    let east = &internet.east.machine;
    let logs: Vec<&Process> = running.iter().collect();
    for name in ["payments.shop.svc.west.clusterset.local", "payments.shop"] {
        let call = format!(
            "weft run --service shop/cart -- curl --silent --show-error --fail --max-time 20 http://{name}/"
        );
        curl(east, &call, "payments of west", &logs);
    }
    assert_wire_is_sealed(&capture.stop(&internet));
    assert_only_one_port_is_open(&internet);
    drop(running);
}

/// `docs/install.md`, typed block by block, with the units and manifests of `deploy/`; then the gateway is killed.
#[test]
fn install_document_leads_to_a_federated_call() {
    if !prepared("install_document_leads_to_a_federated_call") {
        return;
    }
    let internet = Internet::build();
    let capture = Capture::start(&internet);
    let payments = web(&internet.west.machine, "", "payments of west");
    let mut installed = document::follow(&internet);

    let call = "curl --silent --show-error --fail --max-time 20 http://127.0.0.1:9001/";
    let logs: Vec<&Process> = installed.processes().collect();
    curl(&internet.east.machine, call, "payments of west", &logs);

    assert_wire_is_sealed(&capture.stop(&internet));
    let before = handshakes(&internet.east.machine);
    installed.kill(&internet, "west", "weft-gateway");
    installed.start(&internet, "west", "weft-gateway");
    for _ in 0..20 {
        let answer = internet.east.machine.run_ok(call);
        assert_eq!(answer.trim(), "payments of west");
    }
    assert_eq!(
        handshakes(&internet.east.machine),
        before,
        "the connection was made anew"
    );

    assert_only_one_port_is_open(&internet);
    drop(payments);
}

/// Whether this machine can run network tests; without root the test runs again inside a user namespace of its own.
fn prepared(name: &str) -> bool {
    let full = format!("it::network::{name}");
    if let Some(reason) = internet::missing() {
        if std::env::var_os(INSIDE).is_some() || !reason.starts_with("neither root") {
            not_run(&full, &reason);
            return false;
        }
        run_again_inside(&full, &reason);
        return false;
    }
    true
}

fn run_again_inside(full: &str, reason: &str) {
    let allowed = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "--net", "true"])
        .status()
        .is_ok_and(|status| status.success());
    if !allowed {
        return not_run(full, reason);
    }
    let status = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "--net"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", full, "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(
        status.success(),
        "{full} failed inside its user namespace: {status}"
    );
}

/// An application on a machine, at port 8080: answers every request with one line. `runner` is what starts it.
fn web(machine: &Machine, runner: &str, answer: &str) -> Process {
    let script = format!(
        "mkdir -p web && cd web && printf '%s\\n' '{answer}' > index.html && exec {runner} python3 -m http.server --bind 127.0.0.1 8080"
    );
    machine.spawn("web", &script)
}

/// The lines `west$ …` and `east$ …` of the README.
fn six_commands() -> Vec<(String, String)> {
    let readme = std::fs::read_to_string(Weft::source_tree().join("README.md")).unwrap();
    let typed = |line: &str| {
        let (place, command) = line.split_once("$ ")?;
        ["west", "east"]
            .contains(&place)
            .then(|| (place.to_owned(), command.trim().to_owned()))
    };
    let commands: Vec<_> = readme.lines().filter_map(typed).collect();
    assert_eq!(commands.len(), 6, "the README shows {commands:#?}");
    commands
}

#[track_caller]
fn ready(machine: &Machine, port: u16, process: &Process) {
    let asked = format!("curl --silent --fail --max-time 5 http://127.0.0.1:{port}/readyz");
    let ready = wait::poll(wait::GENEROUS, || {
        machine.run(&asked).status.success().then_some(())
    });
    assert!(
        ready.is_some(),
        "not ready on {}\n{}",
        machine.name,
        process.tail()
    );
}

#[track_caller]
fn curl(machine: &Machine, call: &str, expected: &str, logs: &[&Process]) {
    let mut last = String::new();
    let answered = wait::poll(wait::GENEROUS, || {
        let output = machine.run(call);
        last = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        (String::from_utf8_lossy(&output.stdout).trim() == expected).then_some(())
    });
    let tails: Vec<String> = logs.iter().map(|process| process.tail()).collect();
    assert!(answered.is_some(), "{call}\n{last}\n{}", tails.join("\n"));
}

fn handshakes(machine: &Machine) -> String {
    machine.run_ok(
        "curl --silent --fail http://127.0.0.1:9464/metrics | grep '^weft_handshakes_total' | sort",
    )
}

/// Knocks at other doors of west from outside: the router drops (and counts) every knock, and none reaches the machine.
fn assert_only_one_port_is_open(internet: &Internet) {
    let before = internet.west.dropped();
    let public = internet.west.public;
    for port in [4434, 4435, 9464, 9465, 22] {
        let knock = format!("bash -c 'echo knock > /dev/udp/{public}/{port}'");
        internet.east.router.run_ok(&knock);
        let tcp = internet.east.router.run(&format!(
            "curl --silent --max-time 1 http://{public}:{port}/"
        ));
        assert!(!tcp.status.success(), "TCP {port} is open to the outside");
    }
    let dropped = internet.west.dropped() - before;
    assert!(
        dropped >= 10,
        "only {dropped} knocks were counted: did they get that far?"
    );
}

/// `tcpdump` on the wire between the two routers.
struct Capture {
    file: tempfile::TempPath,
    _process: Process,
}

impl Capture {
    fn start(internet: &Internet) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let place = file.display();
        let script = if std::env::var_os(INSIDE).is_some() {
            let program = Weft::source_tree().join("tests/it/network/capture.py");
            format!("exec python3 '{}' eth0 '{place}'", program.display())
        } else {
            format!("exec tcpdump -i eth0 -U --immediate-mode -Z root -s 0 -w '{place}' ip")
        };
        let process = internet.west.router.spawn("tcpdump", &script);
        wait::until("tcpdump listens", wait::GENEROUS, || {
            process.log().contains("listening on").then_some(())
        });
        Self {
            file,
            _process: process,
        }
    }

    fn stop(self, internet: &Internet) -> Vec<Frame> {
        internet.west.router.signal("tcpdump", "TERM");
        pcap::frames(&std::fs::read(&self.file).unwrap())
    }
}

/// Only UDP to and from the one port crossed, and nothing readable.
fn assert_wire_is_sealed(frames: &[Frame]) {
    let mut datagrams = Vec::new();
    for frame in frames {
        let Frame::Udp { from, to, payload } = frame else {
            panic!("something else than UDP crossed the wire: {frame:?}");
        };
        let towards = to.port() == GATEWAY_PORT;
        assert!(
            towards || from.port() == GATEWAY_PORT,
            "UDP {from} → {to} crossed the wire"
        );
        datagrams.push(Datagram {
            caller: if towards {
                (*from).into()
            } else {
                (*to).into()
            },
            towards_target: towards,
            bytes: payload.clone(),
        });
    }
    sealed::assert_sealed(&datagrams, &initial::observe(&datagrams));
}
