//! What a data directory remembers of the settings that its cluster was brought up with, so that the next `weft up` needs none.

use std::net::SocketAddr;
use std::path::Path;

use crate::data_dir;
use crate::failure::Failure;
use crate::settings::up::{Raw, Settings};
use crate::settings::{self, listen};

const FILE_NAME: &str = "up.json";

/// Lays what was typed over what is remembered. Another cluster's state is not taken.
pub(super) fn beneath(typed: Raw, dir: &Path) -> Result<Raw, Failure> {
    let path = dir.join(FILE_NAME);
    if !path.exists() {
        return Ok(typed);
    }
    let before: Raw = settings::read_file(&path)?;
    same(
        "--cluster",
        typed.cluster.as_deref(),
        before.cluster.as_deref(),
        dir,
    )?;
    same(
        "--trust-domain",
        typed.trust_domain.as_deref(),
        before.trust_domain.as_deref(),
        dir,
    )?;
    let typed = Raw {
        gateway_listen: unless_any(typed.gateway_listen),
        node_listen: unless_any(typed.node_listen),
        controller_listen: unless_any(typed.controller_listen),
        ..typed
    };
    settings::over(&typed, &before)
}

/// Remembers what was typed, with the ports that were chosen: peers and hosts know them by now.
pub(super) fn write(dir: &Path, raw: &Raw, settings: &Settings) -> Result<(), Failure> {
    let port = |address: SocketAddr| Some(address.to_string());
    let raw = Raw {
        gateway_listen: port(settings.gateway_listen),
        node_listen: port(settings.node_listen),
        controller_listen: port(settings.controller_listen),
        ..raw.clone()
    };
    let text = serde_json::to_vec_pretty(&raw)
        .map_err(|error| Failure::new("the settings can't be remembered").because(error))?;
    data_dir::replace_file(&dir.join(FILE_NAME), &text)
}

/// Any port will do: then the one from before does too.
fn unless_any(typed: Option<String>) -> Option<String> {
    typed.filter(|text| listen::parse(text).map_or(true, |address| address.port() != 0))
}

fn same(flag: &str, typed: Option<&str>, before: Option<&str>, dir: &Path) -> Result<(), Failure> {
    match (typed, before) {
        (Some(typed), Some(before)) if typed != before => Err(Failure::usage(format!(
            "{flag} {typed} is not what this state belongs to"
        ))
        .because(format!("{} holds the state of {before}", dir.display()))
        .hint(format!("{flag} {before}"))
        .hint("--data-dir DIR   (for another cluster beside it)")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(cluster: Option<&str>, trust_domain: Option<&str>) -> Raw {
        let loopback = || Some("127.0.0.1:0".to_owned());
        Raw {
            cluster: cluster.map(str::to_owned),
            trust_domain: trust_domain.map(str::to_owned),
            gateway_listen: loopback(),
            node_listen: loopback(),
            controller_listen: loopback(),
            ..Raw::default()
        }
    }

    fn brought_up(dir: &Path) -> Settings {
        let raw = typed(Some("west"), Some("west.example"));
        let settings = settings::up::check(&raw, dir.to_owned()).expect("all of it is right");
        write(dir, &raw, &settings).expect("it is written");
        settings
    }

    #[test]
    fn a_second_up_goes_on_with_what_the_first_was_told() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let before = brought_up(dir.path());
        for again in [Raw::default(), typed(Some("west"), None)] {
            let raw = beneath(again, dir.path()).expect("it is all remembered");
            let settings =
                settings::up::check(&raw, dir.path().to_owned()).expect("all of it is right");
            assert_eq!(settings.trust_domain, before.trust_domain);
            assert_eq!(
                settings.gateway_listen, before.gateway_listen,
                "peers know this port"
            );
        }
    }

    #[test]
    fn a_port_that_is_typed_wins() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        brought_up(dir.path());
        let raw = beneath(
            Raw {
                gateway_listen: Some("7".into()),
                ..Raw::default()
            },
            dir.path(),
        )
        .expect("it is all remembered");
        assert_eq!(raw.gateway_listen.as_deref(), Some("7"));
    }

    #[test]
    fn state_of_another_cluster_is_not_taken() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        brought_up(dir.path());
        for (cluster, trust_domain) in [("east", "west.example"), ("west", "east.example")] {
            let refused = beneath(typed(Some(cluster), Some(trust_domain)), dir.path())
                .expect_err("it is another's")
                .render(false);
            assert!(
                refused.contains("is not what this state belongs to"),
                "{refused}"
            );
        }
    }
}
