//! The seven steps. The load never pauses: the next step's begins the moment the last one's is over, and only then are
//! the last calls of the former waited for and its figures compared with the applications' records.

use std::collections::BTreeMap;

use super::{
    counters::Counters,
    load::{Ended, Flow, Kind, Load, Streams},
    report::{Report, StepReport, StreamReport},
    stage::{Stage, Verdict},
    trouble::DemoError,
    world::World,
};

mod failback;
mod failover;
mod flows;
mod gateway;
mod local;
mod refused;
mod remote;
mod removed;

/// What the load has to be at least, in every step.
const HTTP_PER_SECOND: f64 = 500.0;
const GRPC_PER_SECOND: f64 = 100.0;
/// How many contradictions of one kind are told in full.
const TOLD: usize = 3;

/// One of the seven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Local,
    Remote,
    Gateway,
    Failover,
    Failback,
    Refused,
    Removed,
}

impl Step {
    const ALL: [Self; 7] = [
        Self::Local,
        Self::Remote,
        Self::Gateway,
        Self::Failover,
        Self::Failback,
        Self::Refused,
        Self::Removed,
    ];

    /// What scripts call it.
    fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Gateway => "gateway",
            Self::Failover => "failover",
            Self::Failback => "failback",
            Self::Refused => "refused",
            Self::Removed => "removed",
        }
    }

    /// What people read.
    fn title(self) -> &'static str {
        match self {
            Self::Local => "all traffic stays in east",
            Self::Remote => "a service that only west has, called through west's gateway",
            Self::Gateway => "west's gateway is killed (SIGKILL) and started again",
            Self::Failover => "east's own instances are killed: traffic goes to west",
            Self::Failback => "they come back: traffic returns in steps",
            Self::Refused => "a service that west doesn't export is refused",
            Self::Removed => "the peer is removed: its traffic stops",
        }
    }

    /// The load of this step.
    fn flows(self, world: &World) -> Vec<Flow> {
        match self {
            Self::Local => flows::local(world),
            Self::Remote | Self::Gateway => flows::abroad(world),
            Self::Failover | Self::Failback => flows::failing_over(world),
            Self::Refused => flows::refused(world),
            Self::Removed => flows::removed(world),
        }
    }

    /// What is done, and what has to come of it.
    async fn play(self, stage: &mut Stage<'_>, load: &Load) -> Result<Verdict, DemoError> {
        match self {
            Self::Local => local::play(stage, load).await,
            Self::Remote => remote::play(stage, load).await,
            Self::Gateway => gateway::play(stage, load).await,
            Self::Failover => failover::play(stage, load).await,
            Self::Failback => failback::play(stage, load).await,
            Self::Refused => refused::play(stage, load).await,
            Self::Removed => removed::play(stage, load).await,
        }
    }
}

/// Runs all steps, or those up to the first that fails.
pub(super) async fn run(stage: &mut Stage<'_>) -> Result<Report, DemoError> {
    let mut reports: Vec<StepReport> = Vec::new();
    let mut load = Some(begin(stage.world, 0));
    for (index, step) in Step::ALL.into_iter().enumerate() {
        let Some(current) = load.take() else { break };
        stage.screen.begin(index + 1, step.title());
        let before = Before::read(stage).await?;
        let verdict = match step.play(stage, &current).await {
            Ok(verdict) => verdict,
            Err(DemoError::Interrupted) => return Err(DemoError::Interrupted),
            Err(error) => Verdict {
                unmet: vec![format!("{error}\n{}", error.evidence())],
                ..Verdict::default()
            },
        };
        load = Step::ALL
            .get(index + 1)
            .map(|_| begin(stage.world, index + 1));
        let ended = current.end().await;
        let report = judge(stage, step, &before, verdict, &ended).await?;
        stage.screen.end(&report);
        let ok = report.ok;
        reports.push(report);
        if !ok {
            break;
        }
    }
    Ok(Report::new(reports, stage.elapsed().as_secs_f64()))
}

fn begin(world: &World, index: usize) -> Load {
    // Step 0 is the warm-up.
    Load::begin(&world.clients, index + 1, Step::ALL[index].flows(world))
}

/// What the counters and streams were before a step.
struct Before {
    counters: Counters,
    home: Vec<u64>,
    abroad: Vec<u64>,
}

impl Before {
    async fn read(stage: &Stage<'_>) -> Result<Self, DemoError> {
        let answered =
            |streams: &Option<Streams>| streams.as_ref().map(Streams::answered).unwrap_or_default();
        Ok(Self {
            counters: Counters::read(stage.world).await?,
            home: answered(&stage.home),
            abroad: answered(&stage.abroad),
        })
    }
}

/// Puts the figures together and adds what has to hold in every step.
async fn judge(
    stage: &mut Stage<'_>,
    step: Step,
    before: &Before,
    mut verdict: Verdict,
    ended: &Ended,
) -> Result<StepReport, DemoError> {
    let tally = &ended.tally;
    let counters = Counters::read(stage.world).await?;
    stage.audit.read(&stage.world.place.at("records"))?;
    let found = stage.audit.compare(tally);
    let streams = streams(stage, before, &mut verdict);
    let (http, grpc) = rates(ended);
    let failures = tally.failures();
    if failures > 0 {
        verdict
            .unmet
            .push(format!("no request fails, but {failures} did"));
        verdict.unmet.extend(tally.complaints());
    }
    verdict.expect(
        http >= HTTP_PER_SECOND,
        format!("the load is {HTTP_PER_SECOND} HTTP requests a second, not {http:.0}"),
    );
    verdict.expect(
        grpc >= GRPC_PER_SECOND,
        format!("the load is {GRPC_PER_SECOND} gRPC calls a second, not {grpc:.0}"),
    );
    verdict
        .unmet
        .extend(found.contradictions.iter().take(TOLD).cloned());
    let again = found.repeated == 0 || step == Step::Failover;
    verdict.expect(
        again,
        format!(
            "no call reaches an application twice, but {} did",
            found.repeated
        ),
    );
    let share = tally.share(None, |flow| flow.from_east);
    Ok(StepReport {
        name: step.name(),
        ok: verdict.unmet.is_empty(),
        requests: tally.requests(),
        failures,
        refused: tally.refused(),
        p50_ms: tally.millis_at(0.5),
        p99_ms: tally.millis_at(0.99),
        max_ms: tally.millis_at(1.0),
        served_by: BTreeMap::from(
            ["east", "west"].map(|cluster| (cluster, rounded(share.of(cluster)))),
        ),
        connections_lost: grown(before.counters.tunnels_closed, counters.tunnels_closed),
        handshakes: grown(before.counters.handshakes, counters.handshakes),
        recorded: found.recorded,
        repeated: found.repeated,
        streams,
        seconds: rounded(ended.paced.as_secs_f64()),
        http_per_second: http.round(),
        grpc_per_second: grpc.round(),
        figures: verdict.figures,
        unmet: verdict.unmet,
    })
}

/// The long streams: none broken, each moving, every message that came back recorded, once and in order.
fn streams(stage: &Stage<'_>, before: &Before, verdict: &mut Verdict) -> StreamReport {
    let mut report = StreamReport::default();
    let both = [(&stage.home, &before.home), (&stage.abroad, &before.abroad)];
    for (streams, before) in both
        .into_iter()
        .filter_map(|(streams, before)| Some((streams.as_ref()?, before)))
    {
        let (answered, broken) = (streams.answered(), streams.broken());
        for (stream, count) in answered.iter().enumerate() {
            let earlier = before.get(stream).copied().unwrap_or_default();
            verdict.expect(
                *count > earlier,
                format!("stream {}{stream} goes on", streams.name()),
            );
            report.messages += count - earlier;
        }
        report.broken += broken.len() as u64;
        report.open += streams.count - broken.len() as u64;
        verdict.unmet.extend(broken);
        verdict
            .unmet
            .extend(stage.audit.compare_streams(streams, &answered));
    }
    report
}

/// HTTP requests and gRPC calls begun in a second.
fn rates(ended: &Ended) -> (f64, f64) {
    let (mut http, mut grpc) = (0_u32, 0_u32);
    ended.tally.each(|_, flow| {
        let count = if Kind::is_grpc(flow.kind) {
            &mut grpc
        } else {
            &mut http
        };
        *count += 1;
    });
    let seconds = ended.paced.as_secs_f64().max(0.001);
    (f64::from(http) / seconds, f64::from(grpc) / seconds)
}

/// How much a counter grew.
fn grown(before: f64, after: f64) -> u64 {
    (after - before).max(0.0).round() as u64
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
