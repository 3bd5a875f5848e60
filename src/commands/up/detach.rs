//! Going on in the background: the same binary again, away from the terminal, which says on a pipe when it is ready.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};

use crate::data_dir;
use crate::failure::Failure;
use crate::output;
use crate::settings::up::Raw;

/// Set for the process in the background, by its parent alone.
const VARIABLE: &str = "WEFT_DETACHED";
const LOG: &str = "up.log";
/// How much of the log is shown when it fails.
const TAIL_LINES: usize = 12;

/// Starts the process in the background and returns when it is ready.
pub(super) fn run(dir: &Path, raw: &Raw) -> Result<ExitCode, Failure> {
    if let Some(pid) = data_dir::holder(dir)? {
        output::note(&format!(
            "cluster {} is up already (process {pid})",
            raw.cluster.as_deref().unwrap_or_default()
        ));
        return Ok(ExitCode::SUCCESS);
    }
    std::fs::create_dir_all(dir.parent().unwrap_or(dir))
        .map_err(|error| Failure::new(dir.display()).because(error))?;
    drop(data_dir::DataDir::open(dir)?);
    let log = dir.join(LOG);
    let mut child = spawn(&log)?;
    let ready = child.stdout.take().map(first_line).transpose()?.flatten();
    match ready {
        Some(line) => {
            output::note(&line);
            output::note(&format!(
                "in the background as process {}; logs in {}; weft down ends it",
                child.id(),
                log.display()
            ));
            Ok(ExitCode::SUCCESS)
        }
        None => Err(not_started(&mut child, &log)),
    }
}

fn spawn(log: &Path) -> Result<Child, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new("the process in the background can't be started").because(error)
    };
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(log)
        .map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let arguments = std::env::args_os()
        .skip(1)
        .filter(|argument| argument != "--detach");
    Command::new(program)
        .args(arguments)
        .env(VARIABLE, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(file)
        .spawn()
        .map_err(failed)
}

fn first_line(pipe: std::process::ChildStdout) -> Result<Option<String>, Failure> {
    let mut line = String::new();
    BufReader::new(pipe).read_line(&mut line).map_err(|error| {
        Failure::new("the process in the background can't be heard").because(error)
    })?;
    let line = line.trim_end();
    Ok((!line.is_empty()).then(|| line.to_owned()))
}

fn not_started(child: &mut Child, log: &Path) -> Failure {
    let how = child
        .wait()
        .map_or_else(|error| error.to_string(), |status| status.to_string());
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
    let failure = Failure::new("the cluster didn't come up").because(how);
    tail.iter()
        .fold(failure, Failure::with)
        .hint(format!("less {}", log.display()))
}

fn detached() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// In the background: a session of its own, so that a closed terminal takes nothing along.
pub(super) fn leave_the_terminal_if_asked() -> Result<(), Failure> {
    if detached() {
        nix::unistd::setsid()
            .map_err(|error| Failure::new("no session of its own").because(error))?;
    }
    Ok(())
}

/// In the background: tells whoever started this process.
pub(super) fn tell_ready(line: &str) -> Result<(), Failure> {
    if detached() {
        output::print(&format!("{line}\n"))
    } else {
        Ok(())
    }
}
