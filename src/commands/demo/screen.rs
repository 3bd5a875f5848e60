//! What the demo shows while it runs, on stderr: on a terminal one line that is rewritten, else a line a step.

use std::io::{IsTerminal, Write};

use super::{load::Tally, report::StepReport};
use crate::output::colour_on_stderr;

/// The live view.
#[derive(Debug)]
pub(super) struct Screen {
    terminal: bool,
    colour: bool,
    dirty: bool,
}

impl Screen {
    /// Writes to stderr.
    pub(super) fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            colour: colour_on_stderr(),
            dirty: false,
        }
    }

    /// A line about what is being done.
    pub(super) fn say(&mut self, line: &str) {
        let (dim, end) = if self.colour {
            ("\x1b[2m", "\x1b[0m")
        } else {
            ("", "")
        };
        self.line(&format!("{dim}· {line}{end}"));
    }

    /// A step begins.
    pub(super) fn begin(&mut self, number: usize, title: &str) {
        let (bold, end) = if self.colour {
            ("\x1b[1m", "\x1b[0m")
        } else {
            ("", "")
        };
        self.line(&format!("{bold}{number}  {title}{end}"));
    }

    /// How a step is getting on; only on a terminal.
    pub(super) fn progress(&mut self, tally: &Tally) {
        if self.terminal {
            self.write(&format!("\r\x1b[K   … {}", counts(tally)));
            self.dirty = true;
        }
    }

    /// How a step ended.
    pub(super) fn end(&mut self, report: &StepReport) {
        let (mark, colour) = if report.ok {
            ("√", "\x1b[32m")
        } else {
            ("×", "\x1b[31m")
        };
        let (on, off) = if self.colour {
            (colour, "\x1b[0m")
        } else {
            ("", "")
        };
        self.line(&format!("   {on}{mark}{off} {}", report.line()));
        for unmet in &report.unmet {
            self.line(&format!("     {on}{unmet}{off}"));
        }
    }

    /// Any line.
    pub(super) fn line(&mut self, line: &str) {
        let clear = if self.dirty { "\r\x1b[K" } else { "" };
        self.dirty = false;
        self.write(&format!("{clear}{line}\n"));
    }

    /// If nobody can read it, nobody is told.
    fn write(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        drop(
            stderr
                .write_all(text.as_bytes())
                .and_then(|()| stderr.flush()),
        );
    }
}

fn counts(tally: &Tally) -> String {
    format!(
        "{} requests  {} failed  {} refused  p50 {:.1} ms  p99 {:.1} ms",
        tally.requests(),
        tally.failures(),
        tally.refused(),
        tally.millis_at(0.5),
        tally.millis_at(0.99),
    )
}
