//! Direct, Weft and its peers, side by side: `cargo bench -p benches --bench mesh -- --help`, or `benches/run`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints what it saw"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use benches::bench::Bench;
use benches::options::Options;
use benches::report::{Report, Table, markdown};
use benches::{docs, goals, wan, workloads};
use testbed::Weft;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(said) => {
            eprintln!("{said}");
            return ExitCode::from(2);
        }
    };
    if options.list {
        let names = workloads::ALL.iter().map(|(name, _)| *name);
        for name in names.chain(wan::workload::ALL.map(wan::Workload::name)) {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    }
    let mut report = Report::here();
    println!("{}\n", report.machine.show());
    let mut take = |table: Table| {
        println!("{}", markdown::table(&table));
        report.put(table);
    };
    let bench = Bench::new(options);
    let mut broken = bench.run(&mut take);
    if let Err(why) = long_link(&bench.options, &mut take) {
        eprintln!("NOT RUN: wan: {why}");
        broken.push("wan");
    }
    if let Some(goals) = goals::table(&report) {
        println!("### Goals\n\n{goals}");
    }
    if let Err(error) = keep(&report, &bench.options) {
        eprintln!("the figures can't be written: {error}");
        return ExitCode::FAILURE;
    }
    if broken.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("broken: {}", broken.join(", "));
    ExitCode::FAILURE
}

/// The workloads over the long, lossy link, as far as they are asked for.
fn long_link(options: &Options, take: impl FnMut(Table)) -> Result<(), String> {
    let mut plan = options.wan();
    plan.workloads
        .retain(|workload| options.wants(workload.name()));
    if plan.workloads.is_empty() {
        return Ok(());
    }
    eprintln!("== wan");
    wan::run(&plan, take)
}

fn keep(report: &Report, options: &Options) -> std::io::Result<()> {
    let tree = Weft::source_tree();
    let file = options.json.clone();
    let file = file.unwrap_or_else(|| -> PathBuf { tree.join("target/bench.json") });
    report.write(&file)?;
    eprintln!("figures: {}", file.display());
    if options.write_docs {
        docs::write(report, &tree)?;
    }
    Ok(())
}
