//! HTTP/2 with prior knowledge: one connection carries a hundred calls at once, and only then a second is opened.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Request, Response};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use parking_lot::Mutex;

use super::{Busy, Http2Answer, SendError, Unsent};
use crate::http::MAX_HEAD_BYTES;
use crate::http::body::AppBody;

/// Most connections to one port. With all of them full, calls wait their turn at the app.
const MAX_CONNECTIONS: usize = 64;
/// Calls on one connection before the next is opened: what most servers allow.
const FULL: usize = 100;

type Connection = SendRequest<AppBody>;

#[derive(Debug)]
pub(crate) struct Shared {
    port: u16,
    open: Mutex<Vec<Slot>>,
}

#[derive(Debug, Clone)]
struct Slot {
    connection: Connection,
    in_flight: Arc<AtomicUsize>,
}

impl Shared {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            open: Mutex::default(),
        }
    }

    /// Sends one request, and answers with the app's head and a body that streams.
    pub(crate) async fn send(
        &self,
        mut request: Request<AppBody>,
    ) -> Result<Response<Http2Answer>, Unsent> {
        // Twice: a connection that the app has just said goodbye on gives the request back.
        for last in [false, true] {
            let mut slot = match self.slot().await {
                Ok(slot) => slot,
                Err(error) => {
                    return Err(Unsent {
                        error,
                        request: Some(request),
                    });
                }
            };
            let busy = Busy::new(&slot.in_flight);
            match slot.connection.try_send_request(request).await {
                Ok(response) => return Ok(response.map(|body| Http2Answer { body, _busy: busy })),
                Err(mut error) => match error.take_message() {
                    Some(unsent) if !last => request = unsent,
                    unsent => {
                        return Err(Unsent {
                            error: SendError::Broken(error.into_error()),
                            request: unsent,
                        });
                    }
                },
            }
        }
        unreachable!("the second round returns")
    }

    async fn slot(&self) -> Result<Slot, SendError> {
        if let Some(slot) = self.roomiest() {
            return Ok(slot);
        }
        let slot = open(self.port).await?;
        self.open.lock().push(slot.clone());
        Ok(slot)
    }

    /// The first with room, so that the others can fall idle; at the limit, the emptiest.
    fn roomiest(&self) -> Option<Slot> {
        let mut open = self.open.lock();
        open.retain(|slot| !slot.connection.is_closed());
        let load = |slot: &Slot| slot.in_flight.load(Ordering::Relaxed);
        let with_room = open.iter().find(|slot| load(slot) < FULL);
        let chosen = match with_room {
            Some(slot) => Some(slot),
            None if open.len() >= MAX_CONNECTIONS => open.iter().min_by_key(|slot| load(slot)),
            None => None,
        };
        chosen.cloned()
    }
}

async fn open(port: u16) -> Result<Slot, SendError> {
    let stream = super::open(port)
        .await
        .map_err(|source| SendError::NoConnection { port, source })?;
    let (connection, driver) = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(16 << 20)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .keep_alive_interval(Some(Duration::from_secs(30)))
        .keep_alive_timeout(Duration::from_secs(20))
        .handshake(TokioIo::new(stream))
        .await
        .map_err(SendError::Broken)?;
    tokio::spawn(async move {
        if let Err(error) = driver.await {
            tracing::debug!(port, %error, "a connection to an app broke");
        }
    });
    Ok(Slot {
        connection,
        in_flight: Arc::default(),
    })
}
