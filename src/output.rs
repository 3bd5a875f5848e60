//! What commands print: data to stdout in the format asked for, everything else to stderr.

pub(crate) mod age;
pub(crate) mod table;
pub(crate) mod yaml;

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::failure::Failure;

/// The version that JSON output carries: a stable API.
pub(crate) const API_VERSION: &str = "weft.dev/v1alpha1";

/// How data is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    #[default]
    Table,
    /// More columns.
    Wide,
    /// A versioned document: `apiVersion`, `kind`, `items`.
    Json,
    /// The same as YAML.
    Yaml,
    /// Names only, a line each.
    Name,
}

/// One answer in every form in which it can be asked for.
#[derive(Debug)]
pub(crate) struct Answer {
    /// What the items are, as in `PeerList`.
    pub(crate) kind: &'static str,
    /// The items as JSON.
    pub(crate) items: Vec<Value>,
    /// A name for each item.
    pub(crate) names: Vec<String>,
    /// The text for `-o table`.
    pub(crate) table: String,
    /// The text for `-o wide`, where it differs.
    pub(crate) wide: Option<String>,
}

impl Answer {
    /// Writes it in one format, ending with a line feed unless it is empty.
    pub(crate) fn render(self, format: Format) -> String {
        let text = match format {
            Format::Table => self.table,
            Format::Wide => self.wide.unwrap_or(self.table),
            Format::Name => self.names.join("\n"),
            Format::Json => pretty(&document(self.kind, self.items)),
            Format::Yaml => yaml::render(&document(self.kind, self.items)),
        };
        if text.is_empty() || text.ends_with('\n') {
            text
        } else {
            text + "\n"
        }
    }

    /// Prints it on stdout.
    pub(crate) fn print(self, format: Format) -> Result<(), Failure> {
        print(&self.render(format))
    }
}

/// The envelope of every JSON answer.
pub(crate) fn document(kind: &str, items: Vec<Value>) -> Value {
    json!({"apiVersion": API_VERSION, "kind": kind, "items": items})
}

fn pretty(value: &Value) -> String {
    // A `Value` has string keys only, so it can always be written.
    format!("{value:#}")
}

/// Writes data to stdout; a reader that went away ends the program in silence.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(Failure::new("stdout can't be written").because(error)),
    }
}

/// Writes a line to stderr. If nobody can read it, nobody is told.
pub(crate) fn note(line: &str) {
    let mut err = std::io::stderr().lock();
    drop(writeln!(err, "{line}"));
}

static COLOUR_OFF: AtomicBool = AtomicBool::new(false);

/// Settles colour once: `--no-color` and `NO_COLOR` turn it off, `CLICOLOR_FORCE` on, else a terminal decides.
pub(crate) fn choose_colour(no_color: bool) {
    COLOUR_OFF.store(no_color || set("NO_COLOR"), Ordering::Relaxed);
}

/// Whether stderr takes colours.
pub(crate) fn colour_on_stderr() -> bool {
    allowed(std::io::stderr().is_terminal())
}

fn allowed(terminal: bool) -> bool {
    !COLOUR_OFF.load(Ordering::Relaxed) && (set("CLICOLOR_FORCE") || terminal)
}

fn set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty() && value != "0")
}

#[cfg(test)]
mod tests;
