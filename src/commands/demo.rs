//! `weft demo`: two federated clusters on this machine, real applications, load, and seven things done to them.
//!
//! Everything is a process of this same binary and is driven by the commands that users have; nothing is reached
//! in-process. The tale is [`steps`]; [`world`] is what it happens to, [`load`] what suffers it, [`audit`] and
//! [`counters`] say what truly happened.

use std::{cell::Cell, process::ExitCode};

use tokio::signal::unix::{SignalKind, signal};

use self::{
    place::Place, report::Report, screen::Screen, stage::Stage, trouble::DemoError, world::World,
};
use crate::{failure::Failure, output::Format};

pub(crate) mod app;
mod audit;
mod child;
mod cluster;
mod counters;
mod load;
mod manifest;
mod place;
mod port;
mod product;
mod report;
mod screen;
mod stage;
mod stay;
mod steps;
mod till;
mod trouble;
mod world;

/// Run two federated clusters with applications and load, break things, and show that nothing is lost.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  weft demo                        stays up afterwards; Ctrl-C ends it and leaves nothing behind
  weft demo --once -o json         ends by itself, for scripts")]
pub(crate) struct DemoArgs {
    /// End after the steps; exit code 0 only if every expectation held.
    #[arg(long)]
    once: bool,
    /// Leave the failover policies out (shows that the demo can fail).
    #[arg(long, hide = true)]
    without_failover: bool,
    /// Don't start the killed gateway again (shows that the demo can fail).
    #[arg(long, hide = true)]
    leave_gateway_dead: bool,
}

/// Runs the demo to its end, or until Ctrl-C; leaves neither process nor file.
pub(crate) async fn run(args: DemoArgs, output: Format) -> Result<ExitCode, Failure> {
    let mut interrupt = Interrupt::listen()?;
    let mut screen = Screen::new();
    let place = Place::take()?;
    let mut world = tokio::select! {
        world = World::start(place, &mut screen) => world?,
        () = interrupt.pressed() => return Err(DemoError::Interrupted.into()),
    };
    let staying = Cell::new(false);
    let outcome = tokio::select! {
        outcome = play(args, output, &mut world, screen, &staying) => outcome,
        // Ctrl-C is how a demo ends that stays.
        () = interrupt.pressed() => match staying.get() {
            true => Ok(ExitCode::SUCCESS),
            false => Err(DemoError::Interrupted.into()),
        },
    };
    world.end().await?;
    outcome
}

/// The steps, the report, and then, without `--once`, the wait.
async fn play(
    args: DemoArgs,
    output: Format,
    world: &mut World,
    mut screen: Screen,
    staying: &Cell<bool>,
) -> Result<ExitCode, Failure> {
    world.federate(&mut screen).await?;
    if !args.without_failover {
        world.prefer_local(&mut screen).await?;
    }
    screen.say("waiting until every kind of call goes through");
    world.warm_up().await?;
    let mut stage = Stage::new(world, screen, args.leave_gateway_dead);
    let report: Report = steps::run(&mut stage).await?;
    report.print(output)?;
    if !report.ok {
        return Ok(ExitCode::FAILURE);
    }
    if !args.once {
        staying.set(true);
        stay::run(&mut stage).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Ctrl-C, or SIGTERM.
struct Interrupt {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Interrupt {
    fn listen() -> Result<Self, DemoError> {
        let open = |kind| signal(kind).map_err(|error| DemoError::io("listen for signals", error));
        Ok(Self {
            interrupt: open(SignalKind::interrupt())?,
            terminate: open(SignalKind::terminate())?,
        })
    }

    async fn pressed(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
