//! What can't run on this machine is counted and named, never skipped in silence.
//!
//! A test that finds a tool or a right missing calls [`not_run`] and returns. `./test` reads the file that
//! `WEFT_NOT_RUN_FILE` names, prints each line above its summary, and takes them out of the number of passed tests.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

/// Notes that the test `name` did not run, and why.
pub fn not_run(name: &str, reason: &str) {
    let line = format!("NOT RUN: {name}: {reason}\n");
    eprint!("{line}");
    let Some(path) = std::env::var_os("WEFT_NOT_RUN_FILE") else {
        return;
    };
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.unwrap_or_else(|error| panic!("{} can't be written: {error}", path.to_string_lossy()));
}

/// Finds a program in `PATH`, and in the directories where Debian keeps root's.
pub fn tool(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.is_file())
}

/// The tools among `names` that this machine lacks, as a reason for [`not_run`].
pub fn missing_tools(names: &[&str]) -> Option<String> {
    let missing: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| tool(name).is_none())
        .collect();
    (!missing.is_empty()).then(|| format!("not installed: {}", missing.join(", ")))
}
