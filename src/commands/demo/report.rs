//! What the demo found: figures of each step, as a table for people or as a versioned document.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::{
    failure::Failure,
    output::{self, Format, table},
};

/// The whole demo.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    api_version: &'static str,
    kind: &'static str,
    /// Whether every expectation held.
    pub(super) ok: bool,
    /// The step that failed.
    failed: Option<&'static str>,
    /// How long the steps took.
    seconds: f64,
    /// The steps that were run: all, or those up to the one that failed.
    pub(super) steps: Vec<StepReport>,
}

/// One step.
#[derive(Debug, Default, Serialize)]
pub(super) struct StepReport {
    /// Its name.
    pub(super) name: &'static str,
    /// Whether every expectation held.
    pub(super) ok: bool,
    /// Calls that ended.
    pub(super) requests: u64,
    /// Calls that ended otherwise than they had to.
    pub(super) failures: u64,
    /// Calls refused that had to be.
    pub(super) refused: u64,
    /// Median latency of those served, from the time they were due.
    pub(super) p50_ms: f64,
    /// Latency that one in a hundred exceeded.
    pub(super) p99_ms: f64,
    /// The longest of all.
    pub(super) max_ms: f64,
    /// Share by cluster of east's calls that were served.
    pub(super) served_by: BTreeMap<&'static str, f64>,
    /// Tunnels that ended, by the nodes' counters.
    pub(super) connections_lost: u64,
    /// QUIC handshakes at the nodes, by their counters.
    pub(super) handshakes: u64,
    /// Calls found in the applications' own records.
    pub(super) recorded: u64,
    /// Of those, found twice: the mesh made another attempt after one broke.
    pub(super) repeated: u64,
    /// Long streams.
    pub(super) streams: StreamReport,
    /// How long the step's load ran.
    pub(super) seconds: f64,
    /// HTTP requests begun in a second.
    pub(super) http_per_second: f64,
    /// gRPC calls begun in a second.
    pub(super) grpc_per_second: f64,
    /// What this step alone measures.
    pub(super) figures: BTreeMap<&'static str, Value>,
    /// Expectations that didn't hold.
    pub(super) unmet: Vec<String>,
}

/// The long streams in one step.
#[derive(Debug, Default, Serialize)]
pub(super) struct StreamReport {
    /// Open at the step's end.
    pub(super) open: u64,
    /// Messages that came back in it.
    pub(super) messages: u64,
    /// Broken though they had to go on.
    pub(super) broken: u64,
}

impl Report {
    /// Sums up.
    pub(super) fn new(steps: Vec<StepReport>, seconds: f64) -> Self {
        let failed = steps.iter().find(|step| !step.ok).map(|step| step.name);
        Self {
            api_version: output::API_VERSION,
            kind: "DemoReport",
            ok: failed.is_none(),
            failed,
            seconds,
            steps,
        }
    }

    /// Prints it on stdout.
    pub(super) fn print(&self, format: Format) -> Result<(), Failure> {
        let value = || {
            serde_json::to_value(self)
                .map_err(|error| Failure::new("the report can't be written").because(error))
        };
        let text = match format {
            Format::Table | Format::Wide => self.table(),
            Format::Json => format!("{:#}\n", value()?),
            Format::Yaml => output::yaml::render(&value()?),
            Format::Name => self
                .steps
                .iter()
                .map(|step| format!("{}\n", step.name))
                .collect(),
        };
        output::print(&text)
    }

    fn table(&self) -> String {
        let header = [
            "STEP",
            "",
            "REQUESTS",
            "FAILED",
            "REFUSED",
            "P50",
            "P99",
            "MAX",
            "EAST",
            "WEST",
            "TUNNELS LOST",
            "STREAMS",
        ];
        let rows: Vec<Vec<String>> = self.steps.iter().map(StepReport::row).collect();
        let verdict = match self.failed {
            None => format!("Every expectation held ({:.0} s).", self.seconds),
            Some(name) => format!("Step {name} failed."),
        };
        format!("\n{}\n\n{verdict}\n", table::columns(&header, &rows))
    }
}

impl StepReport {
    /// One line for the live view.
    pub(super) fn line(&self) -> String {
        let mut line = format!(
            "{} requests  {} failed  {} refused  p50 {:.1} ms  p99 {:.1} ms  max {:.0} ms  east {}  west {}",
            self.requests,
            self.failures,
            self.refused,
            self.p50_ms,
            self.p99_ms,
            self.max_ms,
            self.share("east"),
            self.share("west"),
        );
        for (name, value) in &self.figures {
            if value.is_number() {
                line += &format!("  {} {value}", name.replace('_', " "));
            }
        }
        line
    }

    fn share(&self, cluster: &str) -> String {
        format!(
            "{:.0} %",
            self.served_by.get(cluster).copied().unwrap_or_default() * 100.0
        )
    }

    fn row(&self) -> Vec<String> {
        let streams = &self.streams;
        vec![
            self.name.to_owned(),
            if self.ok { "√" } else { "×" }.to_owned(),
            self.requests.to_string(),
            self.failures.to_string(),
            self.refused.to_string(),
            format!("{:.1} ms", self.p50_ms),
            format!("{:.1} ms", self.p99_ms),
            format!("{:.0} ms", self.max_ms),
            self.share("east"),
            self.share("west"),
            self.connections_lost.to_string(),
            format!(
                "{} open, {} messages, {} broken",
                streams.open, streams.messages, streams.broken
            ),
        ]
    }
}
