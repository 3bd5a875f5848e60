//! The two halves of a caller's stream on their way back to the tunnel: once both messages are complete, the next request takes it.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::message::{MessageRecv, MessageSend};
use crate::tunnel::Tunnel;

/// Most idle streams that a tunnel keeps.
const MAX_IDLE: usize = 128;
/// How long one is kept unused.
const KEPT: Duration = Duration::from_secs(10);

/// Streams of a tunnel that are open and unused, the one used last at the end.
#[derive(Debug, Default)]
pub(crate) struct Idle(Mutex<Vec<(MessageSend, MessageRecv, Instant)>>);

impl Idle {
    /// One that the other end has not ended meanwhile.
    pub(crate) fn take(&self) -> Option<(MessageSend, MessageRecv)> {
        loop {
            let (send, mut recv, _) = self.0.lock().pop()?;
            // Anything that comes unasked, an end included, makes it useless.
            if matches!(
                recv.poll_event(&mut Context::from_waker(Waker::noop())),
                Poll::Pending
            ) {
                return Some((send, recv));
            }
        }
    }

    pub(crate) fn give(&self, send: MessageSend, recv: MessageRecv) {
        let mut idle = self.0.lock();
        if idle.len() < MAX_IDLE {
            idle.push((send, recv, Instant::now()));
        }
    }

    /// Lets go what has not been used for long.
    pub(crate) fn trim(&self, now: Instant) {
        self.0
            .lock()
            .retain(|(_, _, used)| now.saturating_duration_since(*used) < KEPT);
    }
}

/// Where each half is put when its message is complete.
#[derive(Debug)]
pub(super) struct Halves {
    /// Where both go; `None` at the listener, which takes its receiving half back itself.
    tunnel: Option<Tunnel>,
    send: Mutex<Option<MessageSend>>,
    recv: Mutex<Option<MessageRecv>>,
}

impl Halves {
    pub(super) fn new(tunnel: Option<Tunnel>) -> Arc<Self> {
        Arc::new(Self {
            tunnel,
            send: Mutex::new(None),
            recv: Mutex::new(None),
        })
    }

    pub(super) fn put_send(&self, send: MessageSend) {
        if send.is_message_over() {
            *self.send.lock() = Some(send);
            self.reunite();
        }
    }

    pub(super) fn put_recv(&self, recv: MessageRecv) {
        if recv.is_message_over() {
            *self.recv.lock() = Some(recv);
            self.reunite();
        }
    }

    pub(super) fn take_recv(&self) -> Option<MessageRecv> {
        self.recv.lock().take()
    }

    fn reunite(&self) {
        let Some(tunnel) = &self.tunnel else { return };
        let (mut send, mut recv) = (self.send.lock(), self.recv.lock());
        if send.is_some()
            && recv.is_some()
            && let (Some(send), Some(recv)) = (send.take(), recv.take())
        {
            tunnel.give_back(send, recv);
        }
    }
}
