//! A process that the demo started: in a process group of its own, so that Ctrl-C reaches the demo alone, with its
//! words in a log file, and killed when the demo drops it.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, OpenOptions},
    path::PathBuf,
    process::Stdio,
};

use tokio::process::{Child as TokioChild, Command};

use super::{place::Place, trouble::DemoError};

/// How many lines of a log are shown when its process dies.
const TAIL_LINES: usize = 12;

/// One process, running or killed, that can be started again as it was.
#[derive(Debug)]
pub(super) struct Child {
    name: String,
    arguments: Vec<OsString>,
    log: PathBuf,
    process: Option<TokioChild>,
}

impl Child {
    /// Starts this same binary with other arguments.
    pub(super) fn start<A: AsRef<OsStr>>(
        place: &Place,
        name: impl Into<String>,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Self, DemoError> {
        let name = name.into();
        let log = place.at("log").join(format!("{name}.log"));
        let arguments = arguments
            .into_iter()
            .map(|argument| argument.as_ref().to_owned())
            .collect();
        let mut child = Self {
            name,
            arguments,
            log,
            process: None,
        };
        child.start_again(place)?;
        Ok(child)
    }

    /// Starts it with the arguments that it had.
    pub(super) fn start_again(&mut self, place: &Place) -> Result<(), DemoError> {
        let refused = |error| DemoError::io(format!("start {}", self.name), error);
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .map_err(refused)?;
        let errors = log.try_clone().map_err(refused)?;
        let mut command = weft(place)?;
        command.args(&self.arguments).stdout(log).stderr(errors);
        let process = command.spawn().map_err(refused)?;
        if let Some(id) = process.id() {
            place.remember(id)?;
        }
        self.process = Some(process);
        Ok(())
    }

    /// SIGKILL, and waits until it is gone.
    pub(super) async fn kill(&mut self) -> Result<(), DemoError> {
        let Some(mut process) = self.process.take() else {
            return Ok(());
        };
        process
            .kill()
            .await
            .map_err(|error| DemoError::io(format!("kill {}", self.name), error))
    }

    /// Says so if it ended though nobody killed it.
    pub(super) fn check(&mut self) -> Result<(), DemoError> {
        let Some(process) = &mut self.process else {
            return Ok(());
        };
        match process.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(DemoError::Died {
                name: self.name.clone(),
                how: status.to_string(),
                log: self.last_words(),
            }),
            Err(error) => Err(DemoError::io(format!("watch {}", self.name), error)),
        }
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The end of its log.
    pub(super) fn last_words(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}

/// This same binary, with nothing of the user's settings in its environment.
pub(super) fn weft(place: &Place) -> Result<Command, DemoError> {
    let binary =
        std::env::current_exe().map_err(|error| DemoError::io("find this program", error))?;
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy().to_ascii_uppercase();
        if text.starts_with("WEFT_") || text.ends_with("_PROXY") {
            command.env_remove(&name);
        }
    }
    command
        .env("HOME", place.at("home"))
        .env("XDG_CONFIG_HOME", place.at("home"))
        .env_remove("XDG_RUNTIME_DIR")
        .env_remove("NOTIFY_SOCKET")
        .current_dir(place.at(""))
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    Ok(command)
}
