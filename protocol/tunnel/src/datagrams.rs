//! The QUIC datagrams of one tunnel, handed to its UDP sessions by flow.
//!
//! ```text
//!   quinn ── reader task ── flow known?   yes: the session's queue, its oldest goes when it is full
//!                                         no, but its stream may still come: the early ones, a few of them
//!                                         no: counted and dropped
//! ```
//!
//! The reader begins with the first session; a tunnel without any costs nothing, and what is sent to it nevertheless stays within
//! quinn's own receive buffer, which is finite (`limits.rs`).

mod dispatch;
mod queue;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use protocol::datagram::{self, Flow};
use tokio::task::AbortHandle;

use crate::close::CloseCode;
use dispatch::Dispatch;

pub(crate) use queue::Queue;

/// Packets up to this size fit a datagram on whatever path QUIC runs: its packets have 1200 bytes at least (RFC 9000 section 14).
const ALWAYS_FITS: usize = 1000;

/// The datagrams of one tunnel; nothing until there is a session.
#[derive(Debug, Default)]
pub(crate) struct Datagrams {
    reading: OnceLock<Reading>,
}

#[derive(Debug)]
struct Reading {
    dispatch: Arc<Dispatch>,
    _reader: Reader,
}

/// The reader's task, which ends with the tunnel's last owner: it holds the connection, and must not keep it open.
#[derive(Debug)]
struct Reader(AbortHandle);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One session's place in the tunnel: its packets, as long as this lives.
#[derive(Debug)]
pub(crate) struct FlowQueue {
    flow: Flow,
    queue: Arc<Queue>,
    dispatch: Arc<Dispatch>,
}

/// What became of a packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Offered {
    /// It is on its way, for all that UDP promises.
    Sent,
    /// It is on its way, and older packets of this tunnel went for it: the path is slower than the sources.
    Displaced,
    /// No datagram holds it here.
    TooLarge,
    /// The tunnel is gone.
    Lost,
}

impl Datagrams {
    /// From here on the flow's packets are kept for the session.
    pub(crate) fn enter(&self, connection: &quinn::Connection, flow: Flow) -> FlowQueue {
        let reading = self.reading.get_or_init(|| {
            // Who opens the streams knows all flows; the other end may hear of one before it has seen the flow's stream.
            let dispatch = Arc::new(Dispatch::new(connection.side().is_server()));
            let reading = read(connection.clone(), Arc::clone(&dispatch));
            Reading {
                dispatch,
                _reader: Reader(tokio::spawn(reading).abort_handle()),
            }
        });
        FlowQueue {
            flow,
            queue: reading.dispatch.enter(flow),
            dispatch: Arc::clone(&reading.dispatch),
        }
    }

    /// How many packets belonged to no session since this was last asked.
    pub(crate) fn take_strays(&self) -> u64 {
        let reading = self.reading.get();
        reading.map_or(0, |reading| reading.dispatch.take_strays())
    }
}

impl FlowQueue {
    /// The packets that have come.
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }
}

impl Drop for FlowQueue {
    fn drop(&mut self) {
        self.dispatch.leave(self.flow);
    }
}

/// Sends a packet of `flow` as a datagram, if one holds it.
pub(crate) fn offer(connection: &quinn::Connection, flow: Flow, packet: &[u8]) -> Offered {
    let length = flow.header_bytes() + packet.len();
    if length > ALWAYS_FITS
        && connection
            .max_datagram_size()
            .is_none_or(|most| length > most)
    {
        return Offered::TooLarge;
    }
    let has_room = connection.datagram_send_buffer_space() >= length;
    match connection.send_datagram(datagram::encode(flow, packet)) {
        Ok(()) if has_room => Offered::Sent,
        Ok(()) => Offered::Displaced,
        Err(quinn::SendDatagramError::ConnectionLost(_)) => Offered::Lost,
        // Too large after all, or the other end takes none: the stream carries it.
        Err(_) => Offered::TooLarge,
    }
}

async fn read(connection: quinn::Connection, dispatch: Arc<Dispatch>) {
    while let Ok(datagram) = connection.read_datagram().await {
        if let Err(error) = hand_out(&dispatch, datagram) {
            tracing::info!(remote = %connection.remote_address(), %error, "closed a tunnel that broke the protocol");
            connection.close(CloseCode::Protocol.number().into(), b"");
            return;
        }
    }
}

fn hand_out(dispatch: &Dispatch, datagram: Bytes) -> Result<(), datagram::DatagramError> {
    let (flow, packet) = datagram::parse(datagram)?;
    dispatch.hand_out(flow, packet);
    Ok(())
}
