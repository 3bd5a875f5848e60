//! Command lines that can't be meant so, without any cluster.

use testbed::Weft;

use super::assert_refused;

/// What is typed, the exit code, and words that the error must hold.
const REFUSED: [(&[&str], i32, &[&str]); 16] = [
    (&["nonsense"], 2, &["nonsense"]),
    (&["status", "--nonsense"], 2, &["--nonsense"]),
    (&["controller"], 2, &["--cluster", "--trust-domain", "Try:"]),
    (
        &[
            "controller",
            "--cluster",
            "West_1",
            "--trust-domain",
            "Bad Domain",
            "--listen",
            "x",
        ],
        2,
        &["--cluster", "--trust-domain", "--listen"],
    ),
    (
        &[
            "controller",
            "--cluster",
            "west",
            "--trust-domain",
            "west.example",
            "--svid-lifetime",
            "1s",
        ],
        2,
        &["--svid-lifetime"],
    ),
    (&["node", "--join", "missing.token"], 1, &["missing.token"]),
    (
        &["gateway", "--join", "missing.token"],
        1,
        &["missing.token"],
    ),
    (
        &["node", "--join", "weft-token-v1.abcdef"],
        2,
        &["argument", "Try:"],
    ),
    (
        &["peer", "join", "weft-invitation-v1.abcdef"],
        2,
        &["argument", "Try:"],
    ),
    (
        &["peer", "join", "-f", "missing.invitation"],
        1,
        &["missing.invitation"],
    ),
    (&["apply", "-f", "missing.yaml"], 1, &["missing.yaml"]),
    (&["status"], 1, &["Try:"]),
    (&["status", "--context", "nowhere"], 1, &["nowhere", "Try:"]),
    (
        &["service", "export", "Shop/Payments", "--to", "east"],
        2,
        &["Shop"],
    ),
    (&["peer", "invite", "not a name"], 2, &["not a name"]),
    (&["up"], 2, &["Try:"]),
];

#[test]
fn what_cannot_be_meant_is_refused_with_a_hint() {
    for (typed, code, words) in REFUSED {
        let home = tempfile::tempdir().unwrap();
        let output = Weft::command()
            .args(typed)
            .env("HOME", home.path())
            .env("XDG_STATE_HOME", home.path().join("state"))
            .env("XDG_CONFIG_HOME", home.path().join("config"))
            .args(data_dir(typed, home.path().join("data").to_str().unwrap()))
            .current_dir(home.path())
            .output()
            .unwrap();
        println!("weft {}", typed.join(" "));
        assert_refused(&output, code, words);
    }
}

/// Processes get a place of their own, so that a test run as root leaves `/var/lib/weft` alone.
fn data_dir(typed: &[&str], place: &str) -> Vec<String> {
    match typed[0] {
        "controller" | "node" | "gateway" => vec!["--data-dir".to_owned(), place.to_owned()],
        _ => Vec::new(),
    }
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in [
        "demo",
        "up",
        "down",
        "controller",
        "gateway",
        "node",
        "run",
        "apply",
        "get",
        "delete",
        "status",
        "allow",
        "token create",
        "peer invite",
        "peer join",
        "peer list",
        "peer remove",
        "service export",
        "service unexport",
        "service list",
        "failover set",
        "failover show",
    ] {
        let arguments: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let output = Weft::run(&arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "weft {command} --help: {}",
            output.status
        );
        assert!(
            text.contains(&format!("weft {command}")),
            "weft {command} --help: {text}"
        );
        assert!(
            text.contains("Example"),
            "weft {command} --help has no example: {text}"
        );
    }
}
