//! `weft down`: ends what `weft up` began.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Global;
use crate::context::Context;
use crate::data_dir;
use crate::failure::Failure;
use crate::output;
use crate::settings::duration;

/// End the cluster on this machine
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft down                         ends it; the state stays for the next `weft up`
  weft down --context west --purge  removes the state too: authority, keys, resources")]
pub(crate) struct DownArgs {
    /// Remove the state too. The cluster's authority goes with it.
    #[arg(long)]
    purge: bool,
    /// How long to wait for the drain.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration::parse)]
    wait: Duration,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
}

/// How often the lock is looked at while the process drains.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Runs the command.
pub(crate) async fn run(args: DownArgs, global: &Global) -> Result<ExitCode, Failure> {
    let context = global.context()?;
    let dir = context.data_dir.clone();
    if !data_dir::is_ours(&dir) {
        return Err(
            Failure::new(format!("{} is no data directory of Weft's", dir.display()))
                .because("there is no lock file in it"),
        );
    }
    // The lock says whose process it is: a number in a file alone may long be another's.
    let holder = data_dir::holder(&dir)?;
    if args.dry_run {
        return plan(&context, holder, args.purge);
    }
    match holder {
        Some(pid) => end(pid, &dir, args.wait).await?,
        None => output::note(&format!("cluster {} is not running", context.name)),
    }
    if args.purge {
        purge(&context, &dir)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn plan(context: &Context, holder: Option<Pid>, purge: bool) -> Result<ExitCode, Failure> {
    let mut plan = holder.map_or_else(
        || format!("cluster {} is not running\n", context.name),
        |pid| format!("would end process {pid}\n"),
    );
    if purge {
        plan.push_str(&format!("would remove {}\n", context.data_dir.display()));
    }
    output::print(&plan)?;
    Ok(ExitCode::SUCCESS)
}

async fn end(pid: Pid, dir: &Path, wait: Duration) -> Result<(), Failure> {
    kill(pid, Signal::SIGTERM).map_err(|error| {
        Failure::new(format!("process {pid} can't be ended"))
            .because(error)
            .hint("sudo weft down")
    })?;
    let drained = async {
        while data_dir::holder(dir)? == Some(pid) {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    };
    match tokio::time::timeout(wait, drained).await {
        Ok(result) => result.map(|()| output::note("down")),
        Err(_) => Err(Failure::timed_out(format!("process {pid} still drains"))
            .hint(format!("kill -9 {pid}"))),
    }
}

fn purge(context: &Context, dir: &PathBuf) -> Result<(), Failure> {
    context.forget()?;
    std::fs::remove_dir_all(dir).map_err(|error| {
        Failure::new(format!("{} can't be removed", dir.display())).because(error)
    })?;
    output::note(&format!("removed {}", dir.display()));
    Ok(())
}
