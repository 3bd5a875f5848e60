//! The shards beside the first: each on a thread of its own with a runtime of its own, told what to do by the first one's.

use std::io;
use std::sync::Arc;

use futures_util::future::{join_all, pending, select_all};
use protocol::view::View;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tunnel::{BindError, Seat};

use super::shard::{Common, Shard};

/// All shards but the first.
#[derive(Debug, Default)]
pub(super) struct Crew {
    hands: Vec<Hand>,
}

/// One of them, as the first shard's thread sees it.
#[derive(Debug)]
struct Hand {
    orders: mpsc::UnboundedSender<Order>,
    shard: Shard,
}

/// When the threads end.
#[derive(Debug, Default)]
pub(super) struct Endings(Vec<oneshot::Receiver<()>>);

/// What a shard is told; it answers when it is done.
#[derive(Debug)]
enum Order {
    Apply(Arc<View>, oneshot::Sender<()>),
    Drain(oneshot::Sender<()>),
    Stop,
}

/// Why a shard didn't start.
#[derive(Debug, thiserror::Error)]
pub enum ShardError {
    /// It got no thread or no runtime.
    #[error("a shard got no thread")]
    Thread(#[from] io::Error),
    /// The port can't be had once more.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// It panicked.
    #[error("a shard panicked at its start")]
    Panicked,
}

/// Starts a thread for each seat, and waits until each of them has its sockets.
pub(super) async fn start(
    seats: Vec<Seat>,
    common: &Common,
) -> Result<(Crew, Endings), ShardError> {
    let (mut crew, mut endings) = (Crew::default(), Endings::default());
    for seat in seats {
        let (hand, ended) = Hand::start(seat, common.clone()).await?;
        crew.hands.push(hand);
        endings.0.push(ended);
    }
    Ok((crew, endings))
}

impl Crew {
    /// Puts a View in force on all, each on its own thread; comes back when the last one has. One that is gone isn't waited for:
    /// [`Endings::first`] tells.
    pub(super) fn apply(&self, view: &Arc<View>) -> impl Future<Output = ()> + use<> {
        answered(self.order(|done| Order::Apply(Arc::clone(view), done)))
    }

    /// Accepts nothing more from apps, and comes back when their last connections have ended.
    pub(super) fn drain(&self) -> impl Future<Output = ()> + use<> {
        answered(self.order(Order::Drain))
    }

    fn order(&self, order: impl Fn(oneshot::Sender<()>) -> Order) -> Vec<oneshot::Receiver<()>> {
        let give = |hand: &Hand| {
            let (done, is_done) = oneshot::channel();
            hand.orders.send(order(done)).ok()?;
            Some(is_done)
        };
        self.hands.iter().filter_map(give).collect()
    }

    /// The shards themselves, for what may be asked from any thread.
    pub(super) fn shards(&self) -> impl Iterator<Item = &Shard> {
        self.hands.iter().map(|hand| &hand.shard)
    }

    /// Tells all of them to close their tunnels and to end.
    pub(super) fn stop(&self) {
        for hand in &self.hands {
            drop(hand.orders.send(Order::Stop));
        }
    }
}

async fn answered(answers: Vec<oneshot::Receiver<()>>) {
    drop(join_all(answers).await);
}

impl Endings {
    /// Comes back when the first thread has ended, however that was.
    pub(super) async fn first(&mut self) {
        if self.0.is_empty() {
            return pending().await;
        }
        drop(select_all(&mut self.0).await);
    }

    /// Comes back when all have.
    pub(super) async fn all(self) {
        let left = self.0.into_iter().filter(|ended| !ended.is_terminated());
        drop(join_all(left).await);
    }
}

impl Hand {
    async fn start(
        seat: Seat,
        common: Common,
    ) -> Result<(Self, oneshot::Receiver<()>), ShardError> {
        let (orders, told) = mpsc::unbounded_channel();
        let (begun, has_begun) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let body = move || {
            runtime.block_on(async {
                let number = seat.number();
                let shard = match seat.open() {
                    Ok(endpoint) => Shard::new(&common, number, endpoint),
                    Err(error) => return drop(begun.send(Err(error))),
                };
                if begun.send(Ok(shard.clone())).is_ok() {
                    follow(shard, told).await;
                }
            });
            runtime.shutdown_background();
            end.send(()).ok();
        };
        std::thread::Builder::new()
            .name("shard".to_owned())
            .spawn(body)?;
        let shard = has_begun.await.map_err(|_| ShardError::Panicked)??;
        Ok((Self { orders, shard }, ended))
    }
}

/// A shard's life: it serves and does as it is told, until it is told to stop, or nobody is left who could.
async fn follow(shard: Shard, mut told: mpsc::UnboundedReceiver<Order>) {
    let orders = async {
        while let Some(order) = told.recv().await {
            match order {
                Order::Apply(view, done) => {
                    shard.apply(&view);
                    done.send(()).ok();
                }
                Order::Drain(done) => {
                    let capture = Arc::clone(&shard.capture);
                    // Views are followed meanwhile: a revocation doesn't wait for a slow connection.
                    tokio::spawn(async move {
                        capture.drain().await;
                        done.send(()).ok();
                    });
                }
                Order::Stop => return,
            }
        }
    };
    tokio::select! {
        () = orders => {}
        () = shard.run() => tracing::error!("a shard's endpoint has ended by itself"),
    }
    shard.close().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_that_panics_has_ended_and_nobody_waits_for_it_twice() {
        let (stays, ended) = oneshot::channel();
        let (panics, panicked) = oneshot::channel();
        let mut endings = Endings(vec![ended, panicked]);
        let thread = std::thread::spawn(move || {
            let _until_then: oneshot::Sender<()> = panics;
            panic!("as a test");
        });
        endings.first().await;
        assert!(thread.join().is_err());
        stays.send(()).ok();
        endings.all().await;
    }

    #[tokio::test]
    async fn where_there_is_one_shard_no_other_ends() {
        let mut endings = Endings::default();
        tokio::select! {
            biased;
            () = endings.first() => panic!("there is none"),
            () = tokio::task::yield_now() => {}
        }
        endings.all().await;
    }
}
