//! What Weft has set itself, and what a report says of it: met, missed by how much, or why that can't be said.

use std::fmt::Write;

use crate::peers::Peer;
use crate::report::{Figure, Metric, Ratio, Report, Table, WEFT, ratio};
use crate::wan::ways::{HTTP2_BBR, PIPE_BBR};

/// One line of the table of goals.
#[derive(Debug, Clone, Copy)]
pub struct Goal {
    /// In which table.
    pub table: &'static str,
    /// Which figure.
    pub metric: Metric,
    /// Against whom: the best of these, or nobody.
    pub against: &'static [&'static str],
    /// How much.
    pub bound: Bound,
}

/// The side on which to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// This much or more.
    Least(f64),
    /// This much or less.
    Most(f64),
}

const ENVOY: &str = Peer::EnvoyHttp2.name();
const ENVOY_TCP: &str = Peer::EnvoyTcp.name();
const HAPROXY: &str = Peer::HaproxyHttp2.name();
const HAPROXY_TCP: &str = Peer::HaproxyTcp.name();

const fn least(
    table: &'static str,
    metric: Metric,
    against: &'static [&'static str],
    bound: f64,
) -> Goal {
    Goal {
        table,
        metric,
        against,
        bound: Bound::Least(bound),
    }
}

const fn most(
    table: &'static str,
    metric: Metric,
    against: &'static [&'static str],
    bound: f64,
) -> Goal {
    Goal {
        table,
        metric,
        against,
        bound: Bound::Most(bound),
    }
}

/// All of them.
pub const ALL: &[Goal] = &[
    least("http1", Metric::Rate, &[ENVOY], 4.5),
    most("http1", Metric::Cpu, &[ENVOY], 0.2),
    least("http1", Metric::Rate, &[HAPROXY], 1.1),
    most("rate-2000", Metric::AddedP50, &[ENVOY], 0.3),
    most("rate-2000", Metric::AddedP99, &[ENVOY], 0.3),
    most(
        "rate-2000",
        Metric::AddedP50,
        &[ENVOY_TCP, HAPROXY_TCP],
        1.0,
    ),
    most("rate-5000", Metric::AddedP50, &[ENVOY], 0.3),
    most("rate-5000", Metric::AddedP99, &[ENVOY], 0.3),
    most(
        "rate-5000",
        Metric::AddedP50,
        &[ENVOY_TCP, HAPROXY_TCP],
        1.0,
    ),
    least("grpc-unary", Metric::Rate, &[ENVOY], 4.0),
    most("grpc-unary", Metric::Cpu, &[ENVOY], 0.25),
    least("grpc-unary", Metric::Rate, &[HAPROXY], 1.7),
    least("tcp", Metric::Rate, &[HAPROXY_TCP], 2.0),
    most("tcp", Metric::Cpu, &[HAPROXY_TCP], 0.5),
    least("connect", Metric::Rate, &[HAPROXY], 1.0),
    least("connect", Metric::Rate, &[ENVOY_TCP], 8.0),
    least("bulk-1", Metric::Gbits, &[ENVOY_TCP], 0.8),
    most("bulk-1", Metric::CpuPerGb, &[ENVOY_TCP], 1.5),
    least("bulk-8", Metric::Gbits, &[ENVOY_TCP], 0.8),
    most("bulk-8", Metric::CpuPerGb, &[ENVOY_TCP], 1.5),
    least("http1-64k", Metric::Rate, &[HAPROXY_TCP], 1.0),
    most("wan-mixed-1", Metric::P99, &[HTTP2_BBR], 0.3),
    most("wan-small-1", Metric::P90, &[HTTP2_BBR], 0.6),
    most("wan-small-1", Metric::P99, &[HTTP2_BBR], 0.85),
    least("wan-bulk-0.1", Metric::Mbits, &[PIPE_BBR], 0.9),
    most("wan-bulk-0.1", Metric::Drops, &[PIPE_BBR], 1.0),
    least("wan-bulk-1", Metric::Mbits, &[PIPE_BBR], 0.9),
    most("wan-bulk-1", Metric::Drops, &[PIPE_BBR], 1.0),
    most("idle", Metric::Memory, &[], 10.0),
    most("idle", Metric::MemoryEach, &[], 6.0),
    most("idle", Metric::MemoryLoaded, &[], 60.0),
    most("startup", Metric::Startup, &[], 150.0),
];

impl Goal {
    /// What a table says of it; nothing when it wasn't measured.
    fn judged(&self, table: &Table) -> Option<String> {
        let ours = table.figure(WEFT, self.metric)?;
        if self.against.is_empty() {
            return Some(self.verdict(ours.median(), &ours.show(self.metric.digits())));
        }
        let theirs = self.best(table)?.1;
        Some(match ratio(self.metric, ours, theirs) {
            Ok(Ratio { value, scatter }) => {
                let shown = format!("{value:.2} × (±{:.0} %)", scatter * 50.0);
                self.verdict(value, &shown)
            }
            Err(refused) => format!("– | {refused}"),
        })
    }

    fn verdict(&self, value: f64, shown: &str) -> String {
        let (met, missed_by) = match self.bound {
            Bound::Least(bound) => (value >= bound, bound / value),
            Bound::Most(bound) => (value <= bound, value / bound),
        };
        if met {
            format!("{shown} | **met**")
        } else {
            format!("{shown} | missed by a factor of {missed_by:.2}")
        }
    }

    /// The best of those that it is held against.
    fn best<'a>(&self, table: &'a Table) -> Option<(&'static str, &'a Figure)> {
        let known = self.against.iter().filter_map(|name| {
            let figure = table.figure(name, self.metric)?;
            Some((*name, figure))
        });
        let best = |one: &(&str, &Figure), other: &(&str, &Figure)| {
            one.1.median().total_cmp(&other.1.median())
        };
        match self.bound {
            Bound::Least(_) => known.max_by(best),
            Bound::Most(_) => known.min_by(best),
        }
    }

    fn wanted(&self) -> String {
        let unit = if self.against.is_empty() { "" } else { " ×" };
        match self.bound {
            Bound::Least(bound) => format!("≥ {bound}{unit}"),
            Bound::Most(bound) => format!("≤ {bound}{unit}"),
        }
    }
}

/// The goals of which a report knows something, as a table; nothing when it knows of none.
pub fn table(report: &Report) -> Option<String> {
    let mut text = String::from(
        "| workload | figure | against | goal | measured | |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    let head = text.len();
    for goal in ALL {
        let judged = report
            .table(goal.table)
            .and_then(|table| Some((table, goal.judged(table)?)));
        if let Some((table, judged)) = judged {
            let against = goal.best(table).map_or("–", |(name, _)| name);
            writeln!(
                text,
                "| {} | {} | {against} | {} | {judged} |",
                table.title,
                goal.metric.heading(),
                goal.wanted()
            )
            .expect("a string takes all");
        }
    }
    (text.len() > head).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(weft: [f64; 3], envoy: [f64; 3]) -> Report {
        let mut table = Table::new("http1", "HTTP", "", &[Metric::Rate]);
        for (weft, envoy) in weft.into_iter().zip(envoy) {
            table.note(WEFT, Metric::Rate, weft);
            table.note(ENVOY, Metric::Rate, envoy);
        }
        let mut report = Report::default();
        report.put(table);
        report
    }

    #[test]
    fn goals_are_met_missed_or_not_judged() {
        let met = table(&report([50.0; 3], [10.0; 3])).unwrap();
        assert!(
            met.contains("| ≥ 4.5 × | 5.00 × (±0 %) | **met** |"),
            "{met}"
        );
        let missed = table(&report([30.0; 3], [10.0; 3])).unwrap();
        assert!(missed.contains("missed by a factor of 1.50"), "{missed}");
        let refused = table(&report([30.0, 60.0, 90.0], [10.0; 3])).unwrap();
        assert!(refused.contains("no ratio: rounds scatter"), "{refused}");
        assert_eq!(table(&Report::default()), None);
    }

    #[test]
    fn of_several_the_best_is_the_measure() {
        let mut table = Table::new("rate-2000", "R", "", &[Metric::AddedP50]);
        for _ in 0..3 {
            table.note(WEFT, Metric::AddedP50, 20.0);
            table.note(ENVOY_TCP, Metric::AddedP50, 40.0);
            table.note(HAPROXY_TCP, Metric::AddedP50, 10.0);
        }
        let goal = ALL.iter().find(|goal| goal.against.len() == 2).unwrap();
        assert_eq!(goal.best(&table).unwrap().0, HAPROXY_TCP);
        assert!(goal.judged(&table).unwrap().contains("2.00 ×"));
    }

    /// A goal whose table nobody makes would never be judged.
    #[test]
    fn every_goal_has_its_workload() {
        for goal in ALL {
            let known = crate::workloads::ALL
                .iter()
                .any(|(name, _)| *name == goal.table);
            assert!(known || goal.table.starts_with("wan-"), "{goal:?}");
        }
    }
}
