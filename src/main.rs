//! Parse, run, render, exit code; nothing else.

mod api;
mod commands;
mod context;
mod data_dir;
mod failure;
mod memory;
mod output;
mod prompt;
mod settings;
mod shutdown;
mod sockets;
mod telemetry;

use std::process::ExitCode;

use clap::Parser as _;

use crate::commands::Cli;
use crate::failure::Failure;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    memory::use_small_pages();
    let cli = Cli::parse();
    if !cli.serves() {
        memory::allow_huge_pages();
    }
    output::choose_colour(cli.global.no_color);
    match run(cli) {
        Ok(code) => code,
        Err(failure) => {
            output::note(&failure.render(output::colour_on_stderr()));
            failure.exit_code()
        }
    }
}

/// Each process runs on one thread; `weft up`, which is three in one, starts its own.
fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("the runtime didn't start").because(error))?;
    let code = runtime.block_on(commands::run(cli));
    runtime.shutdown_background();
    code
}
