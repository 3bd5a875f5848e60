//! What all workloads of a run share.

use crate::certificates::Certificates;
use crate::ground::Ground;
use crate::options::Options;
use crate::report::{Metric, Report, Table, Taken};
use crate::workloads;

/// Options, ground and certificates.
#[derive(Debug)]
pub struct Bench {
    /// What was asked for.
    pub options: Options,
    /// Where everything stands.
    pub ground: Ground,
    /// The peers' keys; none where they can't be made.
    pub certificates: Option<Certificates>,
}

impl Bench {
    /// Prepares a run.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            ground: Ground::lay(),
            certificates: Certificates::make(),
        }
    }

    /// A table of this run.
    pub fn table(&self, name: &str, title: &str, how: &str, columns: &[Metric]) -> Table {
        let mut table = Table::new(name, title, how, columns);
        let seconds = self.options.time.as_secs_f64();
        table.taken = Taken::now(self.options.rounds, seconds, self.ground.name());
        table
    }

    /// Runs the workloads that are asked for, one after another, and hands each table on as soon as it is there. One that
    /// breaks doesn't keep the others from running; the names of those are given back.
    pub fn run(&self, mut done: impl FnMut(Table)) -> Vec<&'static str> {
        let mut broken = Vec::new();
        for (name, workload) in workloads::ALL {
            if !self.options.wants(name) {
                continue;
            }
            eprintln!("== {name}");
            let run = std::panic::AssertUnwindSafe(|| workload(self, name));
            match std::panic::catch_unwind(run) {
                Ok(table) => done(table),
                Err(_) => broken.push(*name), // the panic has been printed
            }
        }
        broken
    }

    /// Runs them all into one report.
    ///
    /// # Panics
    /// When one breaks.
    pub fn report(&self) -> Report {
        let mut report = Report::here();
        let broken = self.run(|table| report.put(table));
        assert!(broken.is_empty(), "broken: {broken:?}");
        report
    }
}
