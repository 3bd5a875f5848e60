//! Many callers at once, each with one connection and one request at a time, and what became of every request.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::app::{ID, SERVED_BY};
use crate::http::{Connection, Request};
use crate::wait;

const STACK_BYTES: usize = 192 * 1024;

/// Which load.
#[derive(Debug, Clone)]
pub struct LoadSpec {
    /// The listener.
    pub address: SocketAddr,
    /// The `Host` header.
    pub host: String,
    /// The request target.
    pub target: String,
    /// How many callers.
    pub callers: usize,
    /// What each caller waits between two requests.
    pub pause: Duration,
    /// How long a caller waits for an answer before it calls the request failed.
    pub patience: Duration,
    /// Whether each caller ends after one request.
    pub once: bool,
    /// Whether each request has a connection of its own.
    pub fresh: bool,
}

impl LoadSpec {
    /// Four callers with 5 ms between requests: enough to notice a gap, little enough to leave the processors to others.
    pub fn new(address: SocketAddr, host: &str) -> Self {
        Self {
            address,
            host: host.to_owned(),
            target: "/".to_owned(),
            callers: 4,
            pause: Duration::from_millis(5),
            patience: Duration::from_secs(30),
            once: false,
            fresh: false,
        }
    }

    /// The same with a new connection for each request.
    pub fn fresh(address: SocketAddr, host: &str) -> Self {
        Self {
            fresh: true,
            ..Self::new(address, host)
        }
    }

    /// As many requests held open at once, one a caller.
    pub fn held(address: SocketAddr, host: &str, callers: usize) -> Self {
        Self {
            target: "/hold".to_owned(),
            callers,
            patience: Duration::from_secs(120),
            once: true,
            ..Self::new(address, host)
        }
    }
}

/// A load that is running.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    callers: Vec<JoinHandle<()>>,
}

/// What became of all requests of a load.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Each request's id, and who answered it.
    pub answered: BTreeMap<String, String>,
    /// Each failed request's id, and how it failed.
    pub failed: BTreeMap<String, String>,
    /// From the first byte sent to the last byte read.
    pub latencies: Vec<Duration>,
}

#[derive(Debug, Default)]
struct Shared {
    stopped: AtomicBool,
    next: AtomicU64,
    report: Mutex<Report>,
}

impl Load {
    /// Starts the callers.
    pub fn start(spec: &LoadSpec) -> Self {
        let shared = Arc::new(Shared::default());
        let callers = (0..spec.callers)
            .map(|_| {
                let (spec, shared) = (spec.clone(), Arc::clone(&shared));
                std::thread::Builder::new()
                    .stack_size(STACK_BYTES)
                    .spawn(move || call(&spec, &shared))
                    .expect("a thread for a caller")
            })
            .collect();
        Self { shared, callers }
    }

    /// Waits until `count` more requests have been answered or have failed.
    pub fn wait_for(&self, count: usize) {
        let goal = self.done() + count;
        wait::until("the load makes progress", wait::GENEROUS * 2, || {
            (self.done() >= goal).then_some(())
        });
    }

    /// Waits until `label` has answered `count` more requests.
    pub fn wait_served_by(&self, label: &str, count: usize) {
        let served = || {
            let report = self.shared.report.lock().unwrap();
            report.answered.values().filter(|by| *by == label).count()
        };
        let goal = served() + count;
        wait::until(&format!("{label} serves"), wait::GENEROUS * 2, || {
            (served() >= goal).then_some(())
        });
    }

    /// How many requests are over.
    pub fn done(&self) -> usize {
        let report = self.shared.report.lock().unwrap();
        report.answered.len() + report.failed.len()
    }

    /// How many failed so far.
    pub fn failed(&self) -> usize {
        self.shared.report.lock().unwrap().failed.len()
    }

    /// Lets each caller finish the request it is at, and reports.
    pub fn stop(self) -> Report {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.join()
    }

    /// Waits until callers that ask once have their answer, and reports.
    pub fn join(mut self) -> Report {
        for caller in self.callers.drain(..) {
            caller.join().expect("a caller doesn't panic");
        }
        let report = self.shared.report.lock().unwrap();
        report.clone()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
    }
}

impl Report {
    /// All requests.
    pub fn requests(&self) -> usize {
        self.answered.len() + self.failed.len()
    }

    /// How many requests each app answered.
    pub fn served_by(&self) -> BTreeMap<&str, usize> {
        let mut shares = BTreeMap::new();
        for by in self.answered.values() {
            *shares.entry(by.as_str()).or_default() += 1;
        }
        shares
    }

    /// Panics with the first failures, unless there are none.
    #[track_caller]
    pub fn assert_nothing_failed(&self) {
        let first: Vec<_> = self.failed.iter().take(5).collect();
        assert!(
            self.failed.is_empty(),
            "{} of {} requests failed, such as {first:?}",
            self.failed.len(),
            self.requests()
        );
        assert!(self.requests() > 0, "the load made no request at all");
    }
}

fn call(spec: &LoadSpec, shared: &Shared) {
    let mut connection = None;
    while !shared.stopped.load(Ordering::SeqCst) {
        let id = format!("r{}", shared.next.fetch_add(1, Ordering::SeqCst));
        let begun = Instant::now();
        let outcome = ask(spec, &id, &mut connection);
        let mut report = shared.report.lock().unwrap();
        report.latencies.push(begun.elapsed());
        match outcome {
            Ok(by) => report.answered.insert(id, by),
            Err(why) => {
                connection = None;
                report.failed.insert(id, why)
            }
        };
        drop(report);
        if spec.once {
            return;
        }
        std::thread::sleep(spec.pause);
    }
}

fn ask(spec: &LoadSpec, id: &str, held: &mut Option<Connection>) -> Result<String, String> {
    let connection = match held {
        Some(connection) => connection,
        None => held.insert(
            Connection::open(spec.address, spec.patience)
                .map_err(|error| format!("connect: {error}"))?,
        ),
    };
    let request = Request {
        target: &spec.target,
        host: &spec.host,
        headers: &[(ID, id)],
        ..Request::default()
    };
    let response = connection
        .send(&request)
        .map_err(|error| error.to_string())?;
    let closes = response.header("connection") == Some("close");
    let by = response.header(SERVED_BY).unwrap_or("nobody").to_owned();
    let status = response.status;
    if closes || spec.fresh {
        *held = None;
    }
    if status == 200 {
        Ok(by)
    } else {
        Err(format!("status {status}: {}", response.text()))
    }
}
