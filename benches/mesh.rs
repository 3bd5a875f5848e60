//! Direct, Weft and its peers, side by side: `cargo bench -p benches --bench mesh -- --help`, or `benches/run`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints what it saw"
)]

use std::process::ExitCode;

use benches::bench::Bench;
use benches::options::Options;
use benches::report::{Report, markdown};
use benches::workloads;

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(said) => {
            eprintln!("{said}");
            return ExitCode::from(2);
        }
    };
    if options.list {
        for (name, _) in workloads::ALL {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    }
    let mut report = Report::here();
    println!("{}\n", report.machine.show());
    let bench = Bench::new(options);
    let broken = bench.run(|table| {
        println!("{}", markdown::table(&table));
        report.put(table);
    });
    if broken.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("broken: {}", broken.join(", "));
    ExitCode::FAILURE
}
