//! The load: the user's applications `shop/cart` and `shop/clerk`, calling through their node as any application would.
//!
//! Open loop: each flow's calls begin at their times, whether or not earlier ones were answered, and latency counts
//! from the time at which a call was due. Every call has an ID, `STEP-NUMBER`, that the answering application records.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::task::TaskTracker;

use self::till::Tills;
pub(super) use self::{
    flow::{Door, Expect, Flow, Kind},
    http::Http,
    streams::Streams,
    tally::{Call, Outcome, Tally},
};

mod flow;
mod http;
mod streams;
mod tally;
mod till;

/// The header that carries a request's ID.
pub(super) const ID_HEADER: &str = "x-demo-id";

/// After this an application gives a call up, and it counts as failed.
const DEADLINE: Duration = Duration::from_secs(8);

/// The applications' connections to their nodes; they live as long as the demo.
#[derive(Debug, Clone, Default)]
pub(super) struct Clients {
    /// HTTP/1.1 with keep-alive.
    pub(super) http: Arc<Http>,
    /// gRPC.
    pub(super) tills: Arc<Tills>,
}

impl Clients {
    /// Makes one call and tells how it ended.
    pub(super) async fn call(&self, flow: &Flow, id: &str) -> Outcome {
        match flow.kind {
            Kind::Get | Kind::Post => self.http.call(flow, id).await,
            Kind::Charge | Kind::Statement | Kind::Deposit | Kind::Converse => {
                self.tills.call(flow, id).await
            }
        }
    }
}

/// The load of one step, running.
#[derive(Debug)]
pub(super) struct Load {
    /// What came of it so far.
    pub(super) tally: Arc<Tally>,
    pacers: JoinSet<()>,
    calls: TaskTracker,
    began: Instant,
}

/// What the load of one step was, when every call has ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// What came of it.
    pub(super) tally: Arc<Tally>,
    /// How long calls were begun.
    pub(super) paced: Duration,
}

impl Load {
    /// Begins all flows of `step`.
    pub(super) fn begin(clients: &Clients, step: usize, flows: Vec<Flow>) -> Self {
        let began = Instant::now();
        let tally = Arc::new(Tally::new(step, flows.clone()));
        let (calls, numbers, mut pacers) = (
            TaskTracker::new(),
            Arc::new(AtomicU64::new(0)),
            JoinSet::new(),
        );
        for (index, flow) in flows.into_iter().enumerate() {
            let pacer = Pacer {
                clients: clients.clone(),
                flow: Arc::new(flow),
                index,
                step,
                tally: Arc::clone(&tally),
                calls: calls.clone(),
                numbers: Arc::clone(&numbers),
            };
            pacers.spawn(pacer.run(began));
        }
        Self {
            tally,
            pacers,
            calls,
            began,
        }
    }

    /// Begins no more calls and waits for those under way; the longest wait is a call's deadline.
    pub(super) async fn end(mut self) -> Ended {
        self.pacers.shutdown().await;
        let paced = self.began.elapsed();
        self.calls.close();
        self.calls.wait().await;
        Ended {
            tally: self.tally,
            paced,
        }
    }
}

/// Begins the calls of one flow at their times.
struct Pacer {
    clients: Clients,
    flow: Arc<Flow>,
    index: usize,
    step: usize,
    tally: Arc<Tally>,
    calls: TaskTracker,
    numbers: Arc<AtomicU64>,
}

impl Pacer {
    async fn run(self, began: Instant) {
        let period = Duration::from_secs(1) / self.flow.per_second;
        for turn in 1.. {
            let due = began + period * turn;
            sleep_until(due).await;
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            let (clients, flow, tally) = (
                self.clients.clone(),
                Arc::clone(&self.flow),
                Arc::clone(&self.tally),
            );
            let (step, index) = (self.step, self.index);
            self.calls.spawn(async move {
                let id = format!("{step}-{number}");
                let call = clients.call(&flow, &id);
                let outcome = match timeout_at(due + DEADLINE, call).await {
                    Ok(outcome) => outcome,
                    Err(_) => Outcome::Failed(format!("no answer within {} s", DEADLINE.as_secs())),
                };
                tally.note(Call {
                    number,
                    flow: index,
                    took: due.elapsed(),
                    ended: Instant::now(),
                    outcome,
                });
            });
        }
    }
}
