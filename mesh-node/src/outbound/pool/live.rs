//! One open tunnel out: how much it is used, and until when it may be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use tunnel::Tunnel;

use crate::outbound::stall::CLOGGED;

/// What certificate checks tolerate (P-9).
pub(super) const SKEW: Duration = Duration::from_secs(60);
/// An unused tunnel is let go after this.
pub(super) const IDLE: Duration = Duration::from_secs(300);

/// An open tunnel.
#[derive(Debug)]
pub(crate) struct Live {
    pub(crate) tunnel: Tunnel,
    in_flight: AtomicUsize,
    retired: AtomicBool,
    successor_at: SystemTime,
    used: Mutex<Instant>,
}

/// A tunnel in use: it stays open for as long as this lives.
#[derive(Debug)]
pub(crate) struct InUse(Arc<Live>);

impl Live {
    pub(super) fn new(tunnel: Tunnel, now: SystemTime) -> Self {
        let successor_at = identity::renewal::next(now, tunnel.expires(), rand::random());
        Self {
            tunnel,
            in_flight: AtomicUsize::new(0),
            retired: AtomicBool::new(false),
            successor_at,
            used: Mutex::new(Instant::now()),
        }
    }

    /// Whether a new request may go on it: open, in date, not replaced, not clogged.
    pub(super) fn takes_work(&self) -> bool {
        !self.retired.load(Ordering::Relaxed)
            && !self.tunnel.is_closed()
            && self.tunnel.stalled() < CLOGGED
            && self.tunnel.expires() > SystemTime::now()
    }

    /// Whether half of its life is over.
    pub(super) fn wants_successor(&self) -> bool {
        self.successor_at <= SystemTime::now()
    }

    /// No new request; it closes when the last one is through.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Relaxed);
    }

    pub(super) fn use_it(self: Arc<Self>) -> InUse {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InUse(self)
    }

    /// Why it should be closed, if it should.
    pub(super) fn closing(&self, now: Instant, wall: SystemTime) -> Option<tunnel::CloseCode> {
        if wall > self.tunnel.expires() + SKEW {
            return Some(tunnel::CloseCode::Expired);
        }
        if self.in_flight.load(Ordering::Relaxed) > 0 {
            return None;
        }
        let idle = now.saturating_duration_since(*self.used.lock());
        let unused = self.retired.load(Ordering::Relaxed) || idle > IDLE;
        unused.then_some(tunnel::CloseCode::Idle)
    }
}

impl std::ops::Deref for InUse {
    type Target = Tunnel;

    fn deref(&self) -> &Tunnel {
        &self.0.tunnel
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        if self.0.in_flight.fetch_sub(1, Ordering::Relaxed) == 1 {
            *self.0.used.lock() = Instant::now();
        }
    }
}
