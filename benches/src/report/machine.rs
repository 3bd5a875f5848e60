//! The facts without which a figure means nothing.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use testbed::Weft;
use testbed::not_run::tool;

/// Where a run took place.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name for itself.
    pub cpu: String,
    /// How many of it.
    pub cores: usize,
    /// Kernel and release.
    pub kernel: String,
    /// Programs that took part, with their versions.
    pub versions: BTreeMap<String, String>,
}

/// When a table was taken, and from what.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Taken {
    /// Seconds since 1970.
    pub at: u64,
    /// The commit, with `+` behind it where the tree had changes.
    pub commit: String,
    /// Rounds.
    pub rounds: usize,
    /// Seconds of load in each.
    pub seconds: f64,
    /// Over which network.
    pub network: String,
    /// `release` or `debug`.
    pub build: String,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
            .map_or("unknown", |(_, model)| model);
        let cores = cpu.lines().filter(|line| line.starts_with("processor"));
        Self {
            cpu: model.to_owned(),
            cores: cores.count(),
            kernel: said("uname", &["-sr"]).unwrap_or_default(),
            versions: versions(),
        }
    }

    /// One line.
    pub fn show(&self) -> String {
        let versions: Vec<String> = self
            .versions
            .iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        format!(
            "{} cores of {}, {}; {}",
            self.cores,
            self.cpu,
            self.kernel,
            versions.join(", ")
        )
    }
}

impl Taken {
    /// Now, from this tree.
    pub fn now(rounds: usize, seconds: f64, network: &str) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let tree = Weft::source_tree();
        let tree = tree.to_string_lossy();
        let changed = said("git", &["-C", &tree, "status", "--porcelain", "-uno"]);
        let commit = said("git", &["-C", &tree, "rev-parse", "--short=12", "HEAD"]);
        let mark = if changed.is_some() { "+" } else { "" };
        let binary = Weft::binary();
        let release = binary.to_string_lossy().contains("/release/");
        Self {
            at: since.map_or(0, |since| since.as_secs()),
            commit: format!("{}{mark}", commit.unwrap_or_else(|| "unknown".to_owned())),
            rounds,
            seconds,
            network: network.to_owned(),
            build: if release { "release" } else { "debug" }.to_owned(),
        }
    }
}

fn versions() -> BTreeMap<String, String> {
    let envoy = Weft::source_tree().join(".venv/bin/envoy");
    let asked = [
        ("weft", Some(Weft::binary()), "--version"),
        ("Envoy", Some(envoy), "--version"),
        ("HAProxy", tool("haproxy"), "-v"),
        ("nginx", tool("nginx"), "-v"),
        ("wrk", tool("wrk"), "-v"),
        ("h2load", tool("h2load"), "--version"),
    ];
    let known = asked.into_iter().filter_map(|(name, program, argument)| {
        let text = said(program?, &[argument])?;
        Some((name.to_owned(), number(&text)?))
    });
    known.collect()
}

/// The first word or part of one that looks like a version: digits with points.
fn number(text: &str) -> Option<String> {
    let pieces = text.split(|piece: char| !(piece.is_ascii_digit() || piece == '.'));
    let found = pieces
        .map(|piece| piece.trim_matches('.'))
        .find(|piece| piece.matches('.').count() >= 2);
    found.map(str::to_owned)
}

/// What a program printed, on whichever output; nothing when that is nothing.
fn said(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        let envoy = "envoy  version: 9e5580933739775e8bce696a57a2e1bc99368f23/1.40.0/Clean/RELEASE";
        assert_eq!(number(envoy).as_deref(), Some("1.40.0"));
        assert_eq!(
            number("nginx version: nginx/1.22.1").as_deref(),
            Some("1.22.1")
        );
        assert_eq!(number("nothing"), None);
    }
}
