//! Runs a systemd unit without systemd: the few directives that Weft's units use to find their files, done as systemd does them.
//!
//! The tests install `deploy/systemd/*.service` as they are. No systemd runs in a network namespace, so this reads the unit and
//! does for it what it asks for: state directory, environment file, credentials, and the start command with its variables.
//! The hardening directives are judged by `systemd-analyze verify` instead.

use std::path::Path;

use crate::internet::Machine;
use crate::process::Process;

/// A service unit, as far as it says what to run with which files.
#[derive(Debug)]
pub struct Unit {
    name: String,
    text: String,
}

impl Unit {
    /// Reads `NAME.service` from a directory.
    pub fn read(directory: &Path, name: &str) -> Self {
        let file = directory.join(format!("{name}.service"));
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{} can't be read: {error}", file.display()));
        Self {
            name: name.to_owned(),
            text,
        }
    }

    fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let pairs = self.text.lines().filter_map(|line| line.split_once('='));
        pairs
            .filter(move |(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// Starts it on a machine; its process id stands in `/run/NAME.pid` there.
    pub fn start(&self, machine: &Machine) -> Process {
        machine.spawn(&self.name, &self.script())
    }

    fn script(&self) -> String {
        let name = &self.name;
        let mut script = format!(
            "cd /\nunset HOME\nexport CREDENTIALS_DIRECTORY=/run/credentials/{name}\nmkdir -p -m 700 $CREDENTIALS_DIRECTORY\n"
        );
        for file in self.values("EnvironmentFile") {
            let required = file.trim_start_matches('-');
            script.push_str(&format!("set -a; . {required}; set +a\n"));
        }
        for directory in self.values("StateDirectory") {
            script.push_str(&format!("mkdir -p -m 700 /var/lib/{directory}\nexport STATE_DIRECTORY=/var/lib/{directory}\n"));
        }
        for credential in self.values("LoadCredential") {
            if let Some((id, file)) = credential.split_once(':') {
                script.push_str(&format!(
                    "install -m 400 {file} $CREDENTIALS_DIRECTORY/{id}\n"
                ));
            }
        }
        let command = self
            .values("ExecStart")
            .last()
            .expect("a unit starts something");
        script.push_str(&format!("exec {command}\n"));
        script
    }
}
