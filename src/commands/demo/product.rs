//! The product's commands, run as a user would type them.

use std::{process::Stdio, time::Duration};

use tokio::time::timeout;

use super::{child::weft, place::Place, trouble::DemoError};

/// No command of the demo takes longer.
const PATIENCE: Duration = Duration::from_secs(45);

/// Runs `weft ARGUMENTS` to its end; its stdout.
pub(super) async fn run(place: &Place, arguments: &[&str]) -> Result<String, DemoError> {
    let shown = format!("weft {}", arguments.join(" "));
    let failed = |error| DemoError::io(format!("run `{shown}`"), error);
    let mut command = weft(place)?;
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().map_err(failed)?;
    if let Some(id) = child.id() {
        place.remember(id)?;
    }
    let Ok(output) = timeout(PATIENCE, child.wait_with_output()).await else {
        let seconds = PATIENCE.as_secs();
        return Err(DemoError::Late {
            what: format!("`{shown}` ended"),
            seconds,
            last: String::new(),
        });
    };
    let output = output.map_err(failed)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(DemoError::Command {
        command: shown,
        code: output.status.code().unwrap_or(-1),
        said,
    })
}
