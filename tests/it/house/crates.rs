//! Who may import whom, which crates stay out, and how old a dependency may be.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;
use testbed::Weft;

use super::tree;

/// What each crate of ours may import of ours (guide, section 3): downward, never sideways.
const EDGES: [(&str, &[&str]); 9] = [
    ("protocol", &[]),
    ("identity", &["protocol"]),
    ("tunnel", &["identity", "protocol"]),
    ("mesh-node", &["tunnel", "identity", "protocol"]),
    ("federation", &["tunnel", "identity", "protocol"]),
    (
        "weft",
        &[
            "mesh-node",
            "federation",
            "tunnel",
            "identity",
            "protocol",
            "testbed",
        ],
    ),
    ("testbed", &[]),
    ("interop", &["testbed"]),
    // the tunnel alone is measured too, without a node around it
    ("benches", &["testbed", "tunnel", "identity", "protocol"]),
];

/// Doors: what only these crates may import, tests included.
const DOORS: [(&str, &[&str]); 9] = [
    ("quinn", &["tunnel"]),
    ("quinn-proto", &["tunnel"]),
    ("quinn-udp", &["tunnel"]),
    ("h3", &["tunnel"]),
    ("h3-quinn", &[]),
    ("openraft", &["federation"]),
    ("redb", &["federation"]),
    ("rcgen", &["identity"]),
    ("serde-saphyr", &["protocol"]),
];

/// What must not be anywhere in the build: second crypto libraries and TLS stacks, dead YAML readers.
const BANNED: [&str; 6] = [
    "ring",
    "openssl-sys",
    "native-tls",
    "serde_yaml",
    "serde_yml",
    "rustls-pemfile",
];

/// Versions before these have known holes (SECURITY-AND-FAULTS, section 4). Raise one when an advisory appears.
const FLOORS: [(&str, [u64; 3]); 5] = [
    ("quinn-proto", [0, 11, 19]),
    ("rustls", [0, 23, 46]),
    ("rustls-webpki", [0, 103, 15]),
    ("h2", [0, 4, 16]),
    ("openraft", [0, 9, 25]),
];

#[test]
fn crates_import_only_downward() {
    let ours = dependencies();
    let names: BTreeSet<&str> = ours.keys().map(String::as_str).collect();
    let allowed: BTreeMap<&str, &[&str]> = EDGES.into_iter().collect();
    for (name, imports) in &ours {
        let allowed = allowed.get(name.as_str()).unwrap_or_else(|| {
            panic!("the crate {name} is new: draw its edges in tests/it/house/crates.rs and in ARCHITECTURE.md")
        });
        for import in imports
            .iter()
            .filter(|import| names.contains(import.as_str()))
        {
            assert!(
                allowed.contains(&import.as_str()),
                "{name} imports {import}, which is not below it. When two rooms need the same thing, a noun is missing in protocol"
            );
        }
    }
}

#[test]
fn guarded_crates_are_imported_through_one_door() {
    let ours = dependencies();
    for (guarded, doors) in DOORS {
        for (name, imports) in &ours {
            assert!(
                !imports.contains(guarded) || doors.contains(&name.as_str()),
                "{name} imports {guarded}; only {doors:?} may. Ask that crate for what is needed"
            );
        }
    }
}

/// Asks `cargo tree`: it knows which features are on, while the metadata also draws edges for optional crates that only a weak
/// feature (`ring?/alloc`) names.
#[test]
fn banned_crates_are_not_in_the_build() {
    let output = Command::new(cargo())
        .args([
            "tree",
            "--workspace",
            "--offline",
            "--locked",
            "--prefix",
            "none",
        ])
        .args(["--edges", "normal,build,dev", "--format", "{p}"])
        .current_dir(Weft::source_tree())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    let names = text.lines().filter_map(|line| line.split(' ').next());
    let names: BTreeSet<&str> = names.collect();
    assert!(names.contains("rustls"), "cargo tree has changed its form");
    for banned in BANNED {
        assert!(
            !names.contains(banned),
            "{banned} came into the build; find out through whom with: cargo tree -i {banned}"
        );
    }
}

#[test]
fn dependencies_are_not_older_than_their_floor() {
    let lock = tree::read("Cargo.lock");
    for (name, floor) in FLOORS {
        let versions = locked(&lock, name);
        assert!(
            !versions.is_empty(),
            "{name} is no longer used: take its floor away"
        );
        for version in versions {
            assert!(
                numbers(&version) >= floor,
                "{name} {version} has known holes; run: cargo update -p {name}"
            );
        }
    }
}

/// The crates of the workspace, each with the names that it imports directly, for whatever purpose.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let members = metadata["workspace_members"].as_array().unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let ours = packages.filter(|package| members.contains(&package["id"]));
    ours.map(|package| {
        let imports = package["dependencies"].as_array().unwrap().iter();
        let imports = imports.map(|import| import["name"].as_str().unwrap().to_owned());
        (
            package["name"].as_str().unwrap().to_owned(),
            imports.collect(),
        )
    })
    .collect()
}

/// What cargo knows of the build for this machine; packages for other systems needn't be here.
fn metadata() -> Value {
    let output = Command::new(cargo())
        .args(["metadata", "--format-version", "1", "--offline", "--locked"])
        .args(["--filter-platform", &host()])
        .current_dir(Weft::source_tree())
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

fn cargo() -> &'static str {
    option_env!("CARGO").unwrap_or("cargo")
}

fn host() -> String {
    let rustc = option_env!("RUSTC").unwrap_or("rustc");
    let output = Command::new(rustc)
        .arg("-vV")
        .output()
        .expect("rustc starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.strip_prefix("host: "));
    line.expect("rustc names its host").to_owned()
}

fn locked(lock: &str, name: &str) -> Vec<String> {
    let wanted = format!("name = \"{name}\"");
    let packages = lock.split("[[package]]");
    let found = packages.filter(|package| package.lines().any(|line| line == wanted));
    let version = |package: &str| {
        let line = package
            .lines()
            .find_map(|line| line.strip_prefix("version = "));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    found.map(version).collect()
}

fn numbers(version: &str) -> [u64; 3] {
    let release = version.split(['-', '+']).next().unwrap_or_default();
    let mut parts = release.split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

#[test]
fn floors_compare_as_numbers() {
    assert!(numbers("0.11.9") < [0, 11, 19]);
    assert!(numbers("0.103.15") >= [0, 103, 15]);
    assert!(numbers("1.0.0") > [0, 23, 46]);
}
