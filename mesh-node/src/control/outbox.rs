//! What the controller is to hear, kept until it has: the newest of each kind replaces the one before.

use std::fmt;
use std::sync::OnceLock;

use parking_lot::Mutex;
use protocol::wire::v1;
use tokio::sync::Notify;

/// Makes the contents of a heartbeat.
pub(super) type HeartbeatSource = Box<dyn Fn() -> v1::Heartbeat + Send + Sync>;

/// Words for the controller. Nothing is lost by a broken link: a new one says the newest of everything again.
#[derive(Default)]
pub(super) struct Outbox {
    words: Mutex<Words>,
    news: Notify,
    heartbeat: OnceLock<HeartbeatSource>,
}

#[derive(Debug, Default)]
struct Words {
    acknowledge: Option<v1::Acknowledge>,
    health: Option<v1::Health>,
    acknowledge_due: bool,
    health_due: bool,
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").finish_non_exhaustive()
    }
}

impl Outbox {
    pub(super) fn acknowledge(&self, version: u64, outcome: Result<(), String>) {
        let mut words = self.words.lock();
        words.acknowledge = Some(v1::Acknowledge {
            version,
            rejected: outcome.err().unwrap_or_default(),
        });
        words.acknowledge_due = true;
        drop(words);
        self.news.notify_one();
    }

    pub(super) fn report_health(&self, workloads: Vec<v1::WorkloadHealth>) {
        let mut words = self.words.lock();
        words.health = Some(v1::Health { workloads });
        words.health_due = true;
        drop(words);
        self.news.notify_one();
    }

    pub(super) fn set_heartbeat(&self, source: HeartbeatSource) {
        if self.heartbeat.set(source).is_err() {
            tracing::debug!("the heartbeat has its source already");
        }
    }

    pub(super) fn heartbeat(&self) -> v1::Heartbeat {
        self.heartbeat
            .get()
            .map(|source| source())
            .unwrap_or_default()
    }

    /// A new link: everything is due again.
    pub(super) fn renew(&self) {
        let mut words = self.words.lock();
        words.acknowledge_due = words.acknowledge.is_some();
        words.health_due = words.health.is_some();
    }

    /// What is due, in the order in which it should be said.
    pub(super) fn take(&self) -> Vec<v1::follow_request::Kind> {
        let mut words = self.words.lock();
        let health = words.health.clone().filter(|_| words.health_due);
        let acknowledge = words.acknowledge.clone().filter(|_| words.acknowledge_due);
        words.health_due = false;
        words.acknowledge_due = false;
        health
            .map(v1::follow_request::Kind::Health)
            .into_iter()
            .chain(acknowledge.map(v1::follow_request::Kind::Acknowledge))
            .collect()
    }

    /// Waits until something is due.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_once_is_said_again_on_a_new_link() {
        let outbox = Outbox::default();
        outbox.acknowledge(7, Ok(()));
        outbox.acknowledge(8, Err("no".to_owned()));
        assert_eq!(outbox.take().len(), 1);
        assert!(outbox.take().is_empty());
        outbox.renew();
        let again = outbox.take();
        assert!(
            matches!(&again[..], [v1::follow_request::Kind::Acknowledge(a)] if a.version == 8 && a.rejected == "no")
        );
    }
}
