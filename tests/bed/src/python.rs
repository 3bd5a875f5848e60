//! Python with packages from PyPI, in the virtual environment `.venv` that `./test` makes.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::binary::Weft;

/// The interpreter that can import all of `modules`; `Err` says what is missing.
pub fn with_modules(modules: &[&str]) -> Result<PathBuf, String> {
    let python = Weft::source_tree().join(".venv/bin/python");
    if !python.exists() {
        return Err("no .venv: ./test makes it where PyPI can be reached".to_owned());
    }
    let status = Command::new(&python)
        // `sys` is always there: without it, nothing to import would be a mistake of grammar.
        .args([
            "-c",
            &format!("import {}", [&["sys"], modules].concat().join(", ")),
        ])
        .stderr(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Ok(python),
        _ => Err(format!("Python lacks one of: {}", modules.join(", "))),
    }
}
