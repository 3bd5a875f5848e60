//! Any error, as somebody at a terminal needs it: what happened, where, the evidence, what to try, and the exit code.
//!
//! ```text
//! what: why
//!   evidence, a line each
//! Try: a command that can be pasted
//! ```

use std::error::Error;
use std::fmt::{Display, Write as _};
use std::process::ExitCode;

/// What the exit code tells a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 1: it was tried and did not work.
    Failed,
    /// 2: what was typed makes no sense.
    Usage,
    /// 3: works, with warnings; only with `--fail-on-warning`.
    Warning,
    /// 4: the time to wait is over.
    TimedOut,
    /// 130: interrupted.
    Interrupted,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Warning => 3,
            Self::TimedOut => 4,
            Self::Interrupted => 130,
        }
    }
}

/// Why a command ends without having done what it was asked for.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    what: String,
    why: Option<String>,
    evidence: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    /// Says what failed and where, in words of the user's world.
    pub(crate) fn new(what: impl Display) -> Self {
        Self {
            exit: Exit::Failed,
            what: what.to_string(),
            why: None,
            evidence: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Says that the command line can't be meant so.
    pub(crate) fn usage(what: impl Display) -> Self {
        Self {
            exit: Exit::Usage,
            ..Self::new(what)
        }
    }

    /// Says that waiting came to its end.
    pub(crate) fn timed_out(what: impl Display) -> Self {
        Self {
            exit: Exit::TimedOut,
            ..Self::new(what)
        }
    }

    /// Says that somebody pressed Ctrl-C.
    pub(crate) fn interrupted() -> Self {
        Self {
            exit: Exit::Interrupted,
            ..Self::new("interrupted")
        }
    }

    /// Adds the reason.
    #[must_use]
    pub(crate) fn because(mut self, why: impl Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    /// Adds an error and everything beneath it as the reason.
    #[must_use]
    pub(crate) fn caused_by(self, error: &dyn Error) -> Self {
        self.because(chain(error))
    }

    /// Adds a line of evidence.
    #[must_use]
    pub(crate) fn with(mut self, line: impl Display) -> Self {
        self.evidence.push(line.to_string());
        self
    }

    /// Adds a command to run next.
    #[must_use]
    pub(crate) fn hint(mut self, command: impl Display) -> Self {
        self.hints.push(command.to_string());
        self
    }

    /// Writes it for a person.
    pub(crate) fn render(&self, colour: bool) -> String {
        let (red, bold, end) = if colour {
            ("\x1b[31m", "\x1b[1m", "\x1b[0m")
        } else {
            ("", "", "")
        };
        let mut text = format!("{red}{}{end}", self.what);
        if let Some(why) = &self.why {
            write_or_ignore(&mut text, format_args!(": {why}"));
        }
        for line in self.evidence.iter().flat_map(|e| e.lines()) {
            write_or_ignore(&mut text, format_args!("\n  {line}"));
        }
        for hint in &self.hints {
            write_or_ignore(&mut text, format_args!("\n{bold}Try:{end} {hint}"));
        }
        text
    }

    /// The process's last word.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit.number())
    }
}

/// An error and its sources in one line, each said once.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            write_or_ignore(&mut text, format_args!(": {cause_text}"));
        }
        source = cause.source();
    }
    text
}

/// Writing to a `String` can't fail.
fn write_or_ignore(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    if text.write_fmt(arguments).is_err() {
        unreachable!("a String takes every write");
    }
}

#[cfg(test)]
mod tests;
