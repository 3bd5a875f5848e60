//! What can go wrong with the demo itself, as against an expectation that doesn't hold.

use std::{fmt::Display, io, path::PathBuf};

use crate::failure::Failure;

/// Why the demo can't go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    /// The system refused something.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another demo of this user runs.
    #[error("a demo is already running in {} (process {process})", place.display())]
    Busy {
        /// Its directory.
        place: PathBuf,
        /// Its process ID.
        process: u32,
    },
    /// The demo's directory belongs to somebody else.
    #[error("{} is not a directory of this user alone", .0.display())]
    Foreign(PathBuf),
    /// A command of the product failed.
    #[error("`{command}` ended with exit code {code}")]
    Command {
        /// As it was run.
        command: String,
        /// Its exit code.
        code: i32,
        /// What it said.
        said: String,
    },
    /// A process ended that was to stay.
    #[error("{name} ended unexpectedly ({how})")]
    Died {
        /// Which one.
        name: String,
        /// Its exit code or signal.
        how: String,
        /// The end of its log.
        log: String,
    },
    /// Something didn't come true in time.
    #[error("waited {seconds} s in vain until {what}")]
    Late {
        /// For what.
        what: String,
        /// How long.
        seconds: u64,
        /// What was seen last.
        last: String,
    },
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// An application or its port failed.
    #[error("{0}")]
    Failed(String),
}

impl DemoError {
    /// What the system refused, in one expression.
    pub(crate) fn io(what: impl Display, source: io::Error) -> Self {
        Self::Io {
            what: what.to_string(),
            source,
        }
    }

    /// The lines that show why.
    pub(crate) fn evidence(&self) -> &str {
        match self {
            Self::Command { said, .. } => said,
            Self::Died { log, .. } => log,
            Self::Late { last, .. } => last,
            Self::Io { .. }
            | Self::Busy { .. }
            | Self::Foreign(_)
            | Self::Interrupted
            | Self::Failed(_) => "",
        }
    }
}

impl From<DemoError> for Failure {
    fn from(error: DemoError) -> Self {
        let failure = match &error {
            DemoError::Interrupted => return Self::interrupted(),
            DemoError::Io { what, source } => Self::new(what).because(source),
            DemoError::Late { .. } => Self::timed_out(&error),
            DemoError::Busy { process, .. } => {
                Self::new(&error).hint(format!("kill -INT {process}"))
            }
            DemoError::Foreign(place) => {
                Self::new(&error).hint(format!("rm -r {}, or set XDG_RUNTIME_DIR", place.display()))
            }
            DemoError::Command { .. } | DemoError::Died { .. } | DemoError::Failed(_) => {
                Self::new(&error)
            }
        };
        match error.evidence() {
            "" => failure,
            lines => failure.with(lines),
        }
    }
}
