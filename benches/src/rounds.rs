//! Rounds: every way once, in turn, again and again, so that all see the same machine. Each round begins with another way.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::load::Seen;
use crate::options::Options;
use crate::report::{DIRECT, Metric, Table};
use crate::way::Way;

/// Loads each way in each round, after a warm-up that isn't counted, and notes what was seen and what it cost. A way on which load
/// fails is taken out and noted as not run: it must not keep the others from being measured.
pub fn run(
    table: &mut Table,
    options: &Options,
    ways: &[Way<'_>],
    load: impl Fn(&Way<'_>, Duration) -> Seen,
) {
    let attempt = |way: &Way<'_>, time: Duration| {
        let attempt = || load(way, time);
        catch_unwind(AssertUnwindSafe(attempt)).map_err(|panic| said(panic.as_ref()))
    };
    let mut failed: Vec<(&str, String)> = Vec::new();
    for way in ways {
        if let Err(why) = attempt(way, options.time.mul_f64(0.2).max(WARM_UP_LEAST)) {
            failed.push((way.name, why));
        }
    }
    for round in 0..options.rounds {
        for index in 0..ways.len() {
            let way = &ways[(round + index) % ways.len()];
            if failed.iter().any(|(name, _)| *name == way.name) {
                continue;
            }
            let before = way.cpu_seconds();
            match attempt(way, options.time) {
                Ok(seen) => {
                    let cpu = way.cpu_seconds() - before;
                    note(table, way, &seen, cpu);
                    progress(way, &seen, cpu);
                }
                Err(why) => failed.push((way.name, why)),
            }
        }
        note_added(table, round);
    }
    for (name, why) in failed {
        table.rows.retain(|row| row.way != name);
        table.not_run.push(format!("{name}: {why}"));
    }
}

/// What a panic said.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_else(|| "the load failed".to_owned())
}

const WARM_UP_LEAST: Duration = Duration::from_millis(100);

fn note(table: &mut Table, way: &Way<'_>, seen: &Seen, cpu: f64) {
    for (metric, value) in &seen.figures {
        table.note(way.name, *metric, *value);
    }
    if way.proxies.is_empty() {
        return;
    }
    if seen.requests > 0.0 {
        table.note(way.name, Metric::Cpu, cpu / seen.requests * 1e4);
    }
    if seen.bytes > 0.0 {
        table.note(way.name, Metric::CpuPerGb, cpu / seen.bytes * 1e9);
    }
}

/// What each way adds to the direct one of the same round.
fn note_added(table: &mut Table, round: usize) {
    let pairs = [
        (Metric::P50, Metric::AddedP50),
        (Metric::P99, Metric::AddedP99),
        (Metric::P999, Metric::AddedP999),
    ];
    for (metric, added) in pairs {
        if !table.columns.contains(&added) {
            continue;
        }
        let of = |table: &Table, way: &str| Some(*table.figure(way, metric)?.0.get(round)?);
        let names: Vec<String> = table.rows.iter().map(|row| row.way.clone()).collect();
        for name in names.iter().filter(|name| *name != DIRECT) {
            if let (Some(ours), Some(direct)) = (of(table, name), of(table, DIRECT)) {
                table.note(name, added, ours - direct);
            }
        }
    }
}

fn progress(way: &Way<'_>, seen: &Seen, cpu: f64) {
    let figures: Vec<String> = seen
        .figures
        .iter()
        .map(|(metric, value)| format!("{value:.*} {}", metric.digits(), metric.heading()))
        .collect();
    eprintln!("  {}: {}, CPU {cpu:.3} s", way.name, figures.join(", "));
}
