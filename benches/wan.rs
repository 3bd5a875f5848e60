//! Weft and TLS over TCP on a long, lossy link.
//!
//! ```sh
//! cargo build --release && cargo bench -p benches --bench wan -- [--rounds 3] [--seconds 10] [--loss 0,0.1,1,3]
//!     [--only wan-small,wan-mixed,wan-bulk,wan-pages] [--weft "NAME=FLAGS OF ITS NODES"]… [--no-envoy] [--json FILE]
//! ```
//! Losses are in percent. Each `--weft` adds a cluster whose nodes are told those flags.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench fails by panicking, and prints"
)]

use std::path::PathBuf;
use std::time::Duration;

use benches::report::{Report, WEFT, markdown, ratio};
use benches::wan::ways::{HTTP2_BBR, PIPE_BBR, Variant};
use benches::wan::{Plan, Workload, workload};

fn main() {
    let (plan, json) = read(std::env::args().skip(1));
    let mut report = json.as_deref().and_then(Report::read).unwrap_or_default();
    report.machine = Report::here().machine;
    println!("{}", report.machine.show());
    let ended = benches::wan::run(&plan, |table| {
        println!("{}", markdown::table(&table));
        for against in [HTTP2_BBR, PIPE_BBR] {
            for metric in &table.columns {
                let figures = table
                    .figure(WEFT, *metric)
                    .zip(table.figure(against, *metric));
                if let Some((ours, theirs)) = figures {
                    let said = match ratio(*metric, ours, theirs) {
                        Ok(ratio) => ratio.to_string(),
                        Err(refused) => refused.to_string(),
                    };
                    println!("  {WEFT} / {against}, {}: {said}", metric.heading());
                }
            }
        }
        report.put(table);
        if let Some(file) = &json {
            report.write(file).unwrap();
        }
    });
    if let Err(reason) = ended {
        println!("NOT RUN: {reason}");
    }
}

fn read(words: impl Iterator<Item = String>) -> (Plan, Option<PathBuf>) {
    let (mut plan, mut json) = (Plan::default(), None);
    let mut words = words.filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .unwrap_or_else(|| panic!("{word} wants a value"))
        };
        match word.as_str() {
            "--rounds" => plan.rounds = value().parse().unwrap(),
            "--seconds" => plan.time = Duration::from_secs_f64(value().parse().unwrap()),
            "--seed" => plan.seed = value().parse().unwrap(),
            "--json" => json = Some(PathBuf::from(value())),
            "--no-envoy" => plan.envoy = false,
            "--loss" => {
                let percents = value();
                let percents = percents.split(',').map(|percent| percent.parse::<f64>());
                plan.losses = percents.map(|percent| percent.unwrap() / 100.0).collect();
            }
            "--only" => {
                let names = value();
                plan.workloads = names.split(',').map(named).collect();
            }
            "--weft" => {
                let text = value();
                let (name, flags) = text.split_once('=').unwrap();
                plan.variants.push(Variant {
                    name: name.to_owned().leak(), // a way's name lives as long as the run
                    node_flags: flags.split_whitespace().map(str::to_owned).collect(),
                });
            }
            _ => panic!("{word} isn't known; see the top of benches/wan.rs"),
        }
    }
    (plan, json)
}

fn named(name: &str) -> Workload {
    let found = workload::ALL.into_iter().find(|known| known.name() == name);
    found.unwrap_or_else(|| panic!("there is no workload {name}"))
}
