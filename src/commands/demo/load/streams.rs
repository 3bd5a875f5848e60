//! Long bidirectional streams: opened once and spoken on all the time. Each message must come back, in order.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_stream::wrappers::ReceiverStream;

use super::Clients;
use crate::commands::demo::till::Sale;

/// Each stream says something this often.
const EVERY: Duration = Duration::from_millis(100);
/// How long the answers to the last messages may take.
const LAST_ANSWERS: Duration = Duration::from_secs(8);

/// Some long streams to one name.
#[derive(Debug)]
pub(in super::super) struct Streams {
    /// How many.
    pub(in super::super) count: u64,
    name: &'static str,
    /// Where the tills are that answer.
    states: Vec<Arc<State>>,
    speakers: JoinSet<()>,
    over: Arc<AtomicBool>,
}

/// One stream, as its owner sees it.
#[derive(Debug, Default)]
struct State {
    answered: AtomicU64,
    broken: Mutex<Option<String>>,
}

impl Streams {
    /// Opens `count` streams through the listener at `port`; their message IDs begin with `name`.
    pub(in super::super) fn open(
        clients: &Clients,
        name: &'static str,
        port: u16,
        count: u64,
    ) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let (mut states, mut speakers) = (Vec::new(), JoinSet::new());
        for stream in 0..count {
            let state = Arc::new(State::default());
            states.push(Arc::clone(&state));
            let (clients, over) = (clients.clone(), Arc::clone(&over));
            speakers.spawn(async move {
                if let Err(why) =
                    speak(&clients, port, format!("{name}{stream}"), &state, &over).await
                {
                    *state.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                }
            });
        }
        Self {
            count,
            name,
            states,
            speakers,
            over,
        }
    }

    /// What its message IDs begin with.
    pub(in super::super) fn name(&self) -> &'static str {
        self.name
    }

    /// How many messages each stream got back, in order.
    pub(in super::super) fn answered(&self) -> Vec<u64> {
        self.states
            .iter()
            .map(|state| state.answered.load(Ordering::Relaxed))
            .collect()
    }

    /// Why streams broke.
    pub(in super::super) fn broken(&self) -> Vec<String> {
        let why = |state: &Arc<State>| {
            state
                .broken
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone()
        };
        self.states.iter().filter_map(why).collect()
    }

    /// Says the last word on each and waits until each has ended; why streams broke.
    pub(in super::super) async fn close(&mut self) -> Vec<String> {
        self.over.store(true, Ordering::Relaxed);
        while self.speakers.join_next().await.is_some() {}
        self.broken()
    }
}

/// Speaks and listens until `over`, then to the stream's proper end.
async fn speak(
    clients: &Clients,
    port: u16,
    id: String,
    state: &State,
    over: &AtomicBool,
) -> Result<(), String> {
    let (sales, said) = mpsc::channel(256);
    let words = async {
        for message in 0_u64.. {
            let sale = Sale {
                id: format!("{id}/{message}"),
                items: 1,
            };
            if over.load(Ordering::Relaxed) || sales.send(sale).await.is_err() {
                drop(sales);
                return message;
            }
            sleep(EVERY).await;
        }
        unreachable!("nobody says 2^64 words")
    };
    let answers = async {
        let mut till = clients.tills.at(port)?;
        let broken = |status: tonic::Status| {
            format!("stream {id}: {:?} {}", status.code(), status.message())
        };
        let mut receipts = till
            .converse(ReceiverStream::new(said))
            .await
            .map_err(broken)?
            .into_inner();
        while let Some(receipt) = receipts.message().await.map_err(broken)? {
            let due = format!("{id}/{}", state.answered.load(Ordering::Relaxed));
            if receipt.id != due {
                return Err(format!("stream {id}: got {} for {due}", receipt.id));
            }
            state.answered.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    };
    tokio::pin!(answers);
    let said = tokio::select! {
        said = words => said,
        ended = &mut answers => return ended.and_then(|()| Err(format!("stream {id}: ended by the other side"))),
    };
    match timeout(LAST_ANSWERS, answers).await {
        Ok(ended) => ended?,
        Err(_) => {
            return Err(format!(
                "stream {id}: no end within {} s",
                LAST_ANSWERS.as_secs()
            ));
        }
    }
    let answered = state.answered.load(Ordering::Relaxed);
    if answered == said {
        Ok(())
    } else {
        Err(format!(
            "stream {id}: {answered} of {said} messages came back"
        ))
    }
}
