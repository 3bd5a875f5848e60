//! Packets that wait for their session: a bounded queue that lets the oldest go, as what is late is worth least.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;

/// Most packets that wait for one session.
pub(crate) const MAX_PACKETS: usize = 512;
/// Most bytes of them.
pub(crate) const MAX_BYTES: usize = 256 << 10;
/// Whoever waits behind so many is copied: a slice keeps all of the batch alive that quinn received it in.
const COPIED_FROM: usize = 8;

/// The packets of one session, from the reader to whoever receives.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    waker: AtomicWaker,
    overflowed: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    packets: VecDeque<Bytes>,
    bytes: usize,
}

impl Queue {
    /// Adds one, for which the oldest go if there is no room.
    pub(crate) fn push(&self, packet: Bytes) {
        let mut waiting = self.waiting.lock();
        let packet = if waiting.packets.len() >= COPIED_FROM {
            Bytes::copy_from_slice(&packet)
        } else {
            packet
        };
        waiting.bytes += packet.len();
        waiting.packets.push_back(packet);
        while waiting.packets.len() > MAX_PACKETS || waiting.bytes > MAX_BYTES {
            let gone = waiting.packets.pop_front().map_or(0, |gone| gone.len());
            waiting.bytes -= gone;
            self.overflowed.fetch_add(1, Ordering::Relaxed);
        }
        let was_empty = waiting.packets.len() == 1;
        drop(waiting);
        // A receiver sleeps only on an empty queue.
        if was_empty {
            self.waker.wake();
        }
    }

    /// Takes the next packet, if there is one.
    pub(crate) fn pop(&self) -> Option<Bytes> {
        let mut waiting = self.waiting.lock();
        let packet = waiting.packets.pop_front()?;
        waiting.bytes -= packet.len();
        Some(packet)
    }

    /// Waits for the next packet; one receiver at a time.
    pub(crate) fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Bytes> {
        if let Some(packet) = self.pop() {
            return Poll::Ready(packet);
        }
        self.waker.register(cx.waker());
        // One may have come between the two.
        self.pop().map_or(Poll::Pending, Poll::Ready)
    }

    /// How many went because the receiver was too slow.
    pub(crate) fn overflowed(&self) -> u64 {
        self.overflowed.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_oldest_go_first_and_are_counted() {
        let queue = Queue::default();
        for n in 0..MAX_PACKETS as u32 + 3 {
            queue.push(Bytes::copy_from_slice(&n.to_be_bytes()));
        }
        assert_eq!(queue.overflowed(), 3);
        assert_eq!(queue.pop().unwrap()[..], 3u32.to_be_bytes());
        let rest = std::iter::from_fn(|| queue.pop()).count();
        assert_eq!(rest, MAX_PACKETS - 1);
        assert_eq!(queue.waiting.lock().bytes, 0);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let queue = Queue::default();
        for _ in 0..100 {
            queue.push(Bytes::from(vec![0; 60_000]));
            assert!(queue.waiting.lock().bytes <= MAX_BYTES);
        }
        assert_eq!(queue.waiting.lock().packets.len(), MAX_BYTES / 60_000);
        assert_eq!(queue.overflowed(), 100 - (MAX_BYTES / 60_000) as u64);
    }

    #[test]
    fn a_packet_that_waits_keeps_no_batch_alive() {
        let queue = Queue::default();
        let batch = Bytes::from(vec![7; 90_000]);
        for _ in 0..100 {
            queue.push(batch.slice(..1));
        }
        let copied =
            std::iter::from_fn(|| queue.pop()).filter(|packet| packet.as_ptr() != batch.as_ptr());
        assert_eq!(copied.count(), 100 - COPIED_FROM);
    }

    #[tokio::test]
    async fn a_receiver_that_sleeps_is_woken() {
        let queue = std::sync::Arc::new(Queue::default());
        let receiving = tokio::spawn({
            let queue = std::sync::Arc::clone(&queue);
            async move { std::future::poll_fn(|cx| queue.poll_pop(cx)).await }
        });
        tokio::task::yield_now().await;
        queue.push(Bytes::from_static(b"x"));
        assert_eq!(receiving.await.unwrap()[..], *b"x");
    }
}
