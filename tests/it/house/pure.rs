//! Decisions are pure: no runtime, no socket, no file, no clock, no randomness of their own. Inputs and `now` go in.

use super::tree::{self, SourceFile};

/// Folders and files that decide without doing. A folder stands for `folder.rs` and all below it.
const PURE: [&str; 15] = [
    "protocol/src/",
    "protocol/tunnel/src/congestion",
    "identity/src/renewal",
    "identity/src/verify",
    "mesh-node/src/outbound/failover",
    "mesh-node/src/outbound/balance",
    "mesh-node/src/outbound/outlier",
    "mesh-node/src/outbound/budget",
    "mesh-node/src/outbound/locality",
    "mesh-node/src/http/target",
    "mesh-node/src/http/hop_headers",
    "federation/src/state",
    "federation/src/compile",
    "federation/src/catalog/merge",
    "federation/src/catalog/lease",
];

/// What shows that a file does more than decide.
const IMPURE: [&str; 13] = [
    "tokio",
    "async fn",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "UnixStream",
    "std::fs",
    "std::process",
    "std::env",
    "Instant::now",
    "SystemTime::now",
    "rand::",
    "thread::sleep",
];

#[test]
fn pure_modules_import_no_runtime_socket_or_clock() {
    let mut found = Vec::new();
    for file in tree::rust().iter().filter(|file| is_pure(file)) {
        let product = code(file.product());
        for sign in IMPURE.iter().filter(|sign| product.contains(**sign)) {
            found.push(format!("{}: `{sign}`", file.path));
        }
    }
    assert!(
        found.is_empty(),
        "these decide and should be handed `now` and what they need: {found:#?}"
    );
}

#[test]
fn pure_list_names_something() {
    let files = tree::rust();
    let pure = files.iter().filter(|file| is_pure(file)).count();
    assert!(pure > 30, "only {pure} files are held to be pure");
}

fn is_pure(file: &SourceFile) -> bool {
    let tests = file.path.ends_with("/tests.rs") || file.path.contains("/tests/");
    !tests && PURE.iter().any(|place| file.path.starts_with(place))
}

/// The text without its comments.
fn code(text: &str) -> String {
    let lines = text.lines();
    let code = lines.map(|line| line.split("//").next().unwrap_or_default());
    code.collect::<Vec<_>>().join("\n")
}
