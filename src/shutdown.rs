//! Signals: the first SIGTERM or SIGINT begins the drain, the second ends the process at once.

use std::future::Future;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// Becomes true when the process is to drain. Every part of it holds a clone.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// Starts to listen for signals. Must be called inside the runtime that goes on until the end.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let (sender, receiver) = watch::channel(false);
        let mut signals = Signals::listen()?;
        tokio::spawn(async move {
            signals.next().await;
            sender.send_replace(true);
            signals.next().await;
            std::process::exit(130);
        });
        Ok(Self(receiver))
    }

    /// Ends when draining is to begin.
    pub(crate) async fn begun(mut self) {
        // The sender lives as long as the runtime; without it there is nothing to wait for either.
        drop(self.0.wait_for(|begun| *begun).await);
    }
}

/// The same as a token. Must be called inside the runtime that runs what it stops.
pub(crate) fn token(begun: impl Future<Output = ()> + Send + 'static) -> CancellationToken {
    let token = CancellationToken::new();
    let to_cancel = token.clone();
    tokio::spawn(async move {
        begun.await;
        to_cancel.cancel();
    });
    token
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let open = |kind| {
            signal(kind).map_err(|error| Failure::new("signals can't be received").because(error))
        };
        Ok(Self {
            terminate: open(SignalKind::terminate())?,
            interrupt: open(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
