//! One of the three parts of `weft up`: on a thread of its own with a runtime of its own, as it would be as a process.

use std::future::Future;
use std::net::SocketAddr;

use tokio::sync::{oneshot, watch};

use crate::failure::Failure;

/// What a part tells once it has begun.
#[derive(Debug)]
pub(crate) struct Begun {
    /// Whether it is ready.
    pub(crate) ready: watch::Receiver<bool>,
    /// Its UDP address.
    pub(crate) address: SocketAddr,
}

/// What a part is given: where to say that it has begun, and when to stop.
#[derive(Debug)]
pub(crate) struct Hooks {
    begun: oneshot::Sender<Begun>,
    stop: watch::Receiver<bool>,
}

impl Hooks {
    /// Says that it has begun; the rest is the future that ends when it is to stop.
    pub(crate) fn begun(
        self,
        ready: watch::Receiver<bool>,
        address: SocketAddr,
    ) -> impl Future<Output = ()> + Send + 'static {
        // Nobody listens any more only when `up` itself is ending.
        drop(self.begun.send(Begun { ready, address }));
        let mut stop = self.stop;
        async move { drop(stop.wait_for(|stop| *stop).await) }
    }
}

/// A running part.
#[derive(Debug)]
pub(crate) struct Part {
    /// What it is.
    pub(crate) name: &'static str,
    /// Whether it is ready.
    pub(crate) ready: watch::Receiver<bool>,
    /// Its UDP address.
    pub(crate) address: SocketAddr,
    stop: watch::Sender<bool>,
    ended: oneshot::Receiver<Result<(), Failure>>,
}

impl Part {
    /// Starts the thread and waits until the part has begun, or failed to.
    pub(crate) async fn start<F, R>(name: &'static str, run: F) -> Result<Self, Failure>
    where
        F: FnOnce(Hooks) -> R + Send + 'static,
        R: Future<Output = Result<(), Failure>>,
    {
        let (begun, has_begun) = oneshot::channel();
        let (stop, stopped) = watch::channel(false);
        let (end, ended) = oneshot::channel();
        let body = move || {
            drop(end.send(on_own_runtime(run(Hooks {
                begun,
                stop: stopped,
            }))))
        };
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
            .map_err(|error| Failure::new(format!("the {name} has no thread")).because(error))?;
        match has_begun.await {
            Ok(Begun { ready, address }) => Ok(Self {
                name,
                ready,
                address,
                stop,
                ended,
            }),
            Err(_) => Err(outcome(name, ended.await)
                .err()
                .unwrap_or_else(|| Failure::new(format!("the {name} ended at once")))),
        }
    }

    /// Ends when the part is ready, or has failed instead.
    pub(crate) async fn until_ready(&mut self) -> Result<(), Failure> {
        tokio::select! {
            ready = self.ready.wait_for(|ready| *ready) => {
                if ready.is_ok() {
                    return Ok(());
                }
            }
            ended = &mut self.ended => return failed(self.name, ended),
        }
        failed(self.name, (&mut self.ended).await)
    }

    /// Ends only if the part does, which it shouldn't by itself.
    pub(crate) async fn failure(&mut self) -> Failure {
        match failed(self.name, (&mut self.ended).await) {
            Ok(()) => Failure::new(format!("the {} ended by itself", self.name)),
            Err(failure) => failure,
        }
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        self.stop.send_replace(true);
        outcome(self.name, self.ended.await)
    }
}

fn on_own_runtime(run: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("the runtime didn't start").because(error))?;
    let result = runtime.block_on(run);
    runtime.shutdown_background();
    result
}

type Ended = Result<Result<(), Failure>, oneshot::error::RecvError>;

fn outcome(name: &'static str, ended: Ended) -> Result<(), Failure> {
    ended.unwrap_or_else(|_| Err(Failure::new(format!("the {name} panicked"))))
}

fn failed(name: &'static str, ended: Ended) -> Result<(), Failure> {
    outcome(name, ended)?;
    Err(Failure::new(format!("the {name} ended by itself")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 1))
    }

    #[tokio::test]
    async fn a_part_begins_gets_ready_and_stops_when_told() {
        let (ready, receiver) = watch::channel(false);
        let mut part = Part::start("node", move |hooks| async move {
            hooks.begun(receiver, address()).await;
            Ok(())
        })
        .await
        .expect("it begins");
        ready.send_replace(true);
        part.until_ready().await.expect("it gets ready");
        part.stop().await.expect("it stops");
    }

    #[tokio::test]
    async fn a_part_that_cannot_begin_says_why() {
        let failed = Part::start("node", |_hooks| async { Err(Failure::new("port taken")) })
            .await
            .expect_err("it fails");
        assert_eq!(failed.render(false), "port taken");
    }

    #[tokio::test]
    async fn a_part_that_dies_before_it_is_ready_is_not_waited_for() {
        let (_ready, receiver) = watch::channel(false);
        let mut part = Part::start("gateway", move |hooks| async move {
            drop(hooks.begun(receiver, address()));
            Err(Failure::new("no route"))
        })
        .await
        .expect("it begins");
        assert_eq!(
            part.until_ready().await.expect_err("it died").render(false),
            "no route"
        );
    }
}
