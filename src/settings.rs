//! Start-up settings: flags over environment over file over default; then checked once, all problems together.
//!
//! A raw form holds what was typed, all of it optional, and is the same for flags, environment (clap fills both in) and the
//! file that `--config` names (JSON). A checked form is what the program believes; nothing downstream checks again.

pub(crate) mod controller;
pub(crate) mod defaults;
pub(crate) mod duration;
pub(crate) mod host;
pub(crate) mod listen;
pub(crate) mod secret_file;
pub(crate) mod up;

use std::fmt::Display;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::Failure;

/// Lays `upper` over `lower`: what the upper leaves open, the lower fills in.
pub(crate) fn over<T: Serialize + DeserializeOwned>(upper: &T, lower: &T) -> Result<T, Failure> {
    let broken = |error: serde_json::Error| {
        Failure::new("the settings can't be put together").because(error)
    };
    let upper = serde_json::to_value(upper).map_err(broken)?;
    let mut merged = serde_json::to_value(lower).map_err(broken)?;
    if let (Value::Object(upper), Value::Object(merged)) = (upper, &mut merged) {
        merged.extend(upper.into_iter().filter(|(_, value)| !is_open(value)));
    }
    serde_json::from_value(merged).map_err(broken)
}

fn is_open(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

/// Reads a settings file; unknown names in it are errors.
pub(crate) fn read_file<T: DeserializeOwned>(path: &Path) -> Result<T, Failure> {
    let text = std::fs::read(path).map_err(|error| {
        Failure::new(format!(
            "the settings file {} can't be read",
            path.display()
        ))
        .because(error)
    })?;
    serde_json::from_slice(&text).map_err(|error| {
        Failure::usage(format!(
            "the settings file {} makes no sense",
            path.display()
        ))
        .because(error)
    })
}

/// Collects what is wrong with the settings, so that one run shows all of it.
#[derive(Debug, Default)]
pub(crate) struct Check {
    problems: Vec<String>,
}

impl Check {
    /// A value that must be given.
    pub(crate) fn required<T, E: Display>(
        &mut self,
        flag: &str,
        value: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if value.is_none() {
            self.problem(flag, "is needed");
        }
        self.optional(flag, value, parse)
    }

    /// A value that may be missing.
    pub(crate) fn optional<T, E: Display>(
        &mut self,
        flag: &str,
        value: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match value.map(parse)? {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(flag, error);
                None
            }
        }
    }

    /// Notes a problem with one setting.
    pub(crate) fn problem(&mut self, flag: &str, why: impl Display) {
        self.problems.push(format!("{flag}: {why}"));
    }

    /// Gives the checked settings out, or all that is wrong. `settings` is `None` only after a problem was noted.
    pub(crate) fn finish<T>(self, command: &str, settings: Option<T>) -> Result<T, Failure> {
        match settings {
            Some(settings) if self.problems.is_empty() => Ok(settings),
            Some(_) | None => {
                let failure =
                    Failure::usage(format!("weft {command} can't start with these settings"));
                let failure = self.problems.into_iter().fold(failure, Failure::with);
                Err(failure.hint(format!("weft {command} --help")))
            }
        }
    }
}

#[cfg(test)]
mod tests;
