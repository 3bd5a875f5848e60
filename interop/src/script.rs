//! Partners that are scripts of `interop/python`, on packages from PyPI.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use testbed::{Process, Weft, python, wait};

/// A server of `interop/python`, running.
#[derive(Debug)]
pub struct ScriptServer {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    _process: Process,
    _directory: TempDir,
}

impl ScriptServer {
    /// Starts it, and waits until it has printed its port; `Err` says what is missing on this machine.
    pub fn start(file: &str, modules: &[&str]) -> Result<Self, String> {
        let directory = TempDir::with_prefix("weft-interop-").unwrap();
        let mut command = Command::new(python::with_modules(modules)?);
        command.arg("-u").arg(source(file));
        let process = Process::spawn(file, command, &directory.path().join("log"));
        let port = wait::until("the server prints its port", wait::GENEROUS, || {
            process.log().lines().next()?.parse().ok()
        });
        Ok(Self {
            port,
            _process: process,
            _directory: directory,
        })
    }
}

/// Runs a client of `interop/python` to its end, which must be a good one.
#[track_caller]
pub fn run_client(file: &str, modules: &[&str], arguments: &[&str]) {
    let python = python::with_modules(modules).expect("the modules are there");
    let output = Command::new(python)
        .arg(source(file))
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{file} {}\n{}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn source(file: &str) -> PathBuf {
    Weft::source_tree().join("interop/python").join(file)
}
