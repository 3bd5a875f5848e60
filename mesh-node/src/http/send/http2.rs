//! HTTP/2 with prior knowledge: one connection carries a hundred calls at once, and only then a second is opened.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use h2::SendStream;
use h2::client::{Builder, ResponseFuture, SendRequest};
use http::Request;
use parking_lot::Mutex;

use super::{Busy, SendError};
use crate::http::MAX_HEAD_BYTES;
use crate::http2::{CONNECTION_WINDOW, SEND_BUFFER, STREAM_WINDOW};

/// Most connections to one port. With all of them full, calls wait their turn at the app.
const MAX_CONNECTIONS: usize = 64;
/// Calls on one connection before the next is opened: what most servers allow. One that allows less gets less.
const FULL: usize = 100;

/// Connections to one port.
#[derive(Debug)]
pub(crate) struct Shared {
    port: u16,
    open: Mutex<Vec<Slot>>,
}

#[derive(Debug, Clone)]
struct Slot {
    sender: SendRequest<Bytes>,
    in_flight: Arc<AtomicUsize>,
    /// It has ended, or takes no more calls.
    gone: Arc<AtomicBool>,
}

/// A call whose head is on its way.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) answer: ResponseFuture,
    pub(crate) body: SendStream<Bytes>,
    /// For as long as the call lasts.
    pub(crate) busy: Busy,
}

impl Shared {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            open: Mutex::default(),
        }
    }

    /// Sends a call's head; `end`: it has no body. An error means that the app got no byte of it.
    pub(crate) async fn send(&self, call: Request<()>, end: bool) -> Result<Sent, SendError> {
        // A connection that the app has just said goodbye on is passed over once.
        let (mut sender, busy) = match self.ready().await {
            Err(SendError::Broken(_)) => self.ready().await?,
            ready => ready?,
        };
        let (answer, body) = sender.send_request(call, end).map_err(SendError::Broken)?;
        Ok(Sent { answer, body, busy })
    }

    /// A connection that takes calls.
    async fn ready(&self) -> Result<(SendRequest<Bytes>, Busy), SendError> {
        let slot = match self.roomiest() {
            Some(slot) => slot,
            None => {
                let slot = open(self.port).await?;
                self.open.lock().push(slot.clone());
                slot
            }
        };
        let busy = Busy::new(&slot.in_flight);
        match slot.sender.ready().await {
            Ok(sender) => Ok((sender, busy)),
            Err(error) => {
                slot.gone.store(true, Ordering::Relaxed);
                Err(SendError::Broken(error))
            }
        }
    }

    /// The first with room, so that the others can fall idle; at the limit, the emptiest.
    fn roomiest(&self) -> Option<Slot> {
        let mut open = self.open.lock();
        open.retain(|slot| !slot.gone.load(Ordering::Relaxed));
        let with_room = open.iter().find(|slot| slot.has_room());
        let chosen = match with_room {
            Some(slot) => Some(slot),
            None if open.len() >= MAX_CONNECTIONS => open.iter().min_by_key(|slot| slot.load()),
            None => None,
        };
        chosen.cloned()
    }
}

impl Slot {
    fn load(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    fn has_room(&self) -> bool {
        let load = self.load();
        load < FULL && load < self.sender.current_max_send_streams().max(1)
    }
}

async fn open(port: u16) -> Result<Slot, SendError> {
    let stream = super::open(port)
        .await
        .map_err(|source| SendError::NoConnection { port, source })?;
    let (sender, connection) = Builder::new()
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .max_send_buffer_size(SEND_BUFFER)
        .handshake(stream)
        .await
        .map_err(SendError::Broken)?;
    let gone = Arc::new(AtomicBool::new(false));
    let ended = Arc::clone(&gone);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(port, %error, "a connection to an app broke");
        }
        ended.store(true, Ordering::Relaxed);
    });
    Ok(Slot {
        sender,
        in_flight: Arc::default(),
        gone,
    })
}
