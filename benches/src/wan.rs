//! The long, lossy link: what each way makes of it.
//!
//! Every way starts once and stays up, as a mesh does; the link's loss changes beneath it. A round runs each way in turn, after a
//! warm-up; before each run the link falls silent. The emulator's own lateness is watched: a run that it has spoilt is repeated.
//!
//! Start reading at [`run`].

mod bulk;
pub mod ways;
pub mod workload;

use std::time::Duration;

use testbed::wait;

use self::bulk::Bulk;
use self::ways::{Variant, Ways};
pub use self::workload::Workload;
use crate::certificates::Certificates;
use crate::ground::Ground;
use crate::link::{BothWays, Link};
use crate::load::wrk;
use crate::origin::Nginx;
use crate::report::{Metric, Table, Taken, WEFT};
use crate::way::Way;

/// A run is repeated when a packet was delivered later than this.
const TOO_LATE: Duration = Duration::from_millis(10);
/// So often.
const REPEATS: usize = 2;

/// What to measure.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Rounds.
    pub rounds: usize,
    /// Load in each.
    pub time: Duration,
    /// Shares of packets lost.
    pub losses: Vec<f64>,
    /// Workloads.
    pub workloads: Vec<Workload>,
    /// Weft as shipped, and with other settings.
    pub variants: Vec<Variant>,
    /// Whether Envoy takes part.
    pub envoy: bool,
    /// For the link's dice.
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            rounds: 3,
            time: Duration::from_secs(10),
            losses: vec![0.0, 0.001, 0.01, 0.03],
            workloads: workload::ALL.to_vec(),
            variants: vec![Variant {
                name: WEFT,
                node_flags: Vec::new(),
            }],
            envoy: true,
            seed: 1,
        }
    }
}

/// Measures, and hands over each table when it is complete.
///
/// # Errors
/// Why nothing can be measured here.
pub fn run(plan: &Plan, mut done: impl FnMut(Table)) -> Result<(), String> {
    if let Some(reason) = crate::link::missing() {
        return Err(reason);
    }
    let said = |error: std::io::Error| error.to_string();
    let calm = Workload::Small.conditions(0.0);
    let mut link = Link::start(&calm, plan.seed).map_err(said)?;
    let ground = link.ground();
    let nginx = Nginx::start(&ground)?;
    let certificates = Certificates::make();
    let ways = Ways::start(
        &ground,
        certificates.as_ref(),
        nginx.port,
        &plan.variants,
        plan.envoy,
    )?;
    for workload in &plan.workloads {
        for loss in &plan.losses {
            link.change(&workload.conditions(*loss)).map_err(said)?;
            let mut table = table(*workload, *loss, plan);
            table.not_run.clone_from(&ways.not_run);
            let mut failed: Vec<(&str, String)> = Vec::new();
            for _ in 0..plan.rounds {
                for way in ways.of(*workload) {
                    if failed.iter().any(|(name, _)| *name == way.name) {
                        continue;
                    }
                    match one(*workload, plan.time, &ground, &mut link, &way) {
                        Ok(figures) => {
                            for (metric, value) in figures {
                                table.note(way.name, metric, value);
                            }
                        }
                        Err(error) => failed.push((way.name, said_of(&way, &error))),
                    }
                }
            }
            // who breaks must not keep the others from being measured
            for (name, why) in failed {
                table.rows.retain(|row| row.way != name);
                table.not_run.push(format!("{name}: {why}"));
            }
            done(table);
        }
    }
    Ok(())
}

fn table(workload: Workload, loss: f64, plan: &Plan) -> Table {
    let percent = loss * 100.0;
    let mut table = Table::new(
        &format!("{workload}-{percent}"),
        &format!("WAN, {percent} % loss: {}", workload.title()),
        "60 ms round trip, equal loss both ways, a queue of one bandwidth-delay product. Each way stays up; 3 s of warm-up before \
         each run. Queue drops are those toward the caller, warm-up included.",
        &workload.columns(),
    );
    let mbits = workload.conditions(loss).rate / 1_000_000;
    let network =
        format!("two network namespaces joined by the link emulator, {mbits} Mbit/s, MTU 1500");
    table.taken = Taken::now(plan.rounds, plan.time.as_secs_f64(), &network);
    table
}

/// What went wrong on a way, and its proxies' last words.
fn said_of(way: &Way<'_>, error: &std::io::Error) -> String {
    let tails: Vec<String> = way.proxies.iter().map(|proxy| proxy.tail()).collect();
    format!("{error}\n{}", tails.join("\n"))
}

/// One run of one way.
fn one(
    workload: Workload,
    time: Duration,
    ground: &Ground,
    link: &mut Link,
    way: &Way<'_>,
) -> std::io::Result<Vec<(Metric, f64)>> {
    let mut repeats = 0;
    loop {
        silence(link)?;
        let mut figures = load(workload, time, ground, way)?;
        let counters = link.counters()?;
        if late(&counters) <= TOO_LATE || repeats == REPEATS {
            #[allow(clippy::cast_precision_loss, reason = "drops of one run")]
            let drops = counters.back.overflowed as f64;
            figures.push((Metric::Drops, drops));
            return Ok(figures);
        }
        repeats += 1;
    }
}

fn load(
    workload: Workload,
    time: Duration,
    ground: &Ground,
    way: &Way<'_>,
) -> std::io::Result<Vec<(Metric, f64)>> {
    let warm_up = workload.warm_up(time);
    let loops = |time| {
        let Some(path) = workload.path() else {
            std::thread::sleep(time);
            return Vec::new();
        };
        let mut figures = wrk(ground, way.entry, path, time).figures;
        // of nothing there is no latency
        if figures.contains(&(Metric::Rate, 0.0)) {
            figures.retain(|(metric, _)| *metric == Metric::Rate);
        }
        figures
    };
    if !workload.has_bulk() {
        drop(loops(warm_up));
        return Ok(loops(time));
    }
    let bulk = Bulk::start(ground, way.entry)?;
    std::thread::sleep(warm_up);
    let (mbits, mut figures) = bulk.while_running(|| loops(time));
    figures.push((Metric::Mbits, mbits));
    Ok(figures)
}

/// Waits until what earlier runs left on the way is gone; the counters begin anew.
fn silence(link: &mut Link) -> std::io::Result<()> {
    let mut failed = None;
    wait::poll(Duration::from_secs(10), || {
        std::thread::sleep(Duration::from_millis(200));
        match link.counters() {
            Ok(counters) => (counters.forth.packets + counters.back.packets < 40).then_some(()),
            Err(error) => {
                failed = Some(error);
                Some(())
            }
        }
    });
    failed.map_or(Ok(()), Err)
}

fn late(counters: &BothWays) -> Duration {
    Duration::from_micros(counters.forth.late_micros.max(counters.back.late_micros))
}
