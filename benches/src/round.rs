//! Rounds: each way once, in turn, again and again; then medians with their spread.

use crate::load::Seen;
use crate::path::Path;

/// What a way did in all rounds.
#[derive(Debug, Default)]
pub struct Figures {
    rate: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    cpu: Vec<f64>,
}

/// Runs every way once a round and prints a table.
pub fn run(
    title: &str,
    rounds: usize,
    paths: &[Path<'_>],
    load: impl Fn(&Path<'_>) -> Seen,
) -> Vec<Figures> {
    let mut figures: Vec<Figures> = paths.iter().map(|_| Figures::default()).collect();
    for path in paths {
        let _warm_up = load(path);
    }
    for _ in 0..rounds {
        for (path, figures) in paths.iter().zip(&mut figures) {
            let before = path.cpu_seconds();
            let seen = load(path);
            figures.rate.push(seen.rate);
            figures.p50.push(seen.p50_micros);
            figures.p99.push(seen.p99_micros);
            figures
                .cpu
                .push((path.cpu_seconds() - before) / seen.requests * 10_000.0);
        }
    }
    println!("\n### {title}\n\nMedian (lowest–highest) of {rounds} rounds in turn.\n");
    println!("| path | requests/s | p50 µs | p99 µs | proxies' CPU s per 10,000 |");
    println!("| --- | --- | --- | --- | --- |");
    for (path, figures) in paths.iter().zip(&figures) {
        let columns = [
            (&figures.rate, 0),
            (&figures.p50, 0),
            (&figures.p99, 0),
            (&figures.cpu, 3),
        ];
        let cells = columns.map(|(values, digits)| cell(values, digits));
        println!("| {} | {} |", path.name, cells.join(" | "));
    }
    figures
}

fn cell(values: &[f64], digits: usize) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    if high == 0.0 {
        return "–".to_owned();
    }
    let median = sorted[sorted.len() / 2];
    format!("{median:.digits$} ({low:.digits$}–{high:.digits$})")
}
