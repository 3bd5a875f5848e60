//! One short round over the long link, with whatever `weft` was built: does it work? Nothing is said of speed.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use benches::report::{Metric, Table, WEFT};
use benches::wan::ways::{HTTP2_CUBIC, PIPE_CUBIC};
use benches::wan::{Plan, Workload};
use benches::{link, wan};
use testbed::not_run;

#[test]
fn every_workload_crosses_the_long_link() {
    let name = "wan::every_workload_crosses_the_long_link";
    let needed = not_run::missing_tools(&["nginx", "wrk", "openssl"]);
    if let Some(reason) = link::missing().or(needed) {
        return not_run(name, &reason);
    }
    let plan = Plan {
        rounds: 1,
        time: Duration::from_millis(400),
        losses: vec![0.01],
        envoy: false,
        ..Plan::default()
    };
    let mut tables: Vec<Table> = Vec::new();
    wan::run(&plan, |table| tables.push(table)).unwrap();
    assert_eq!(tables.len(), plan.workloads.len());
    for (table, workload) in tables.iter().zip(&plan.workloads) {
        // BBR is a module that not every kernel has; Cubic is in all of them
        let carried = match workload {
            Workload::Bulk => PIPE_CUBIC,
            _ => HTTP2_CUBIC,
        };
        for way in [WEFT, carried] {
            let metric = workload.path().map_or(Metric::Mbits, |_| Metric::Rate);
            let figure = table.figure(way, metric);
            let figure = figure.unwrap_or_else(|| panic!("{table:?} lacks {metric:?} of {way}"));
            assert!(figure.median().is_finite(), "{table:?}");
        }
    }
}
