//! What other shards have received for this one: bounded, the oldest out first, as a network does it.

use std::collections::VecDeque;
use std::io::IoSliceMut;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};

use parking_lot::Mutex;
use quinn::udp::RecvMeta;

/// Bytes that may wait: about what a socket's buffer holds.
const MAX_BYTES: usize = 4 << 20;
/// Buffers that may wait.
const MAX_WAITING: usize = 4096;
/// What nobody may own is only taken in while fewer wait: noise displaces nothing.
const MAX_WAITING_FOR_STRAYS: usize = 64;

/// One or several datagrams of one sender and one size, as they were received.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) meta: RecvMeta,
    pub(crate) bytes: Box<[u8]>,
}

impl Handed {
    /// Copies `bytes` out of a receive buffer that `meta` describes.
    pub(crate) fn copy(bytes: &[u8], meta: &RecvMeta) -> Self {
        let meta = RecvMeta {
            len: bytes.len(),
            stride: meta.stride.min(bytes.len()),
            ..*meta
        };
        Self {
            meta,
            bytes: bytes.into(),
        }
    }

    fn datagrams(&self) -> u64 {
        self.bytes.len().div_ceil(self.meta.stride.max(1)) as u64
    }
}

/// One shard's.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    handed_over: AtomicU64,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Handed>,
    bytes: usize,
    reader: Option<Waker>,
}

impl Inbox {
    /// Puts in what is this shard's, and wakes it once. What is too much takes the place of the oldest.
    pub(crate) fn put(&self, all: impl IntoIterator<Item = Handed>) {
        let mut state = self.state.lock();
        for handed in all {
            self.handed_over
                .fetch_add(handed.datagrams(), Ordering::Relaxed);
            state.bytes += handed.bytes.len();
            state.waiting.push_back(handed);
        }
        while state.bytes > MAX_BYTES || state.waiting.len() > MAX_WAITING {
            let Some(oldest) = state.pop() else { break };
            self.lost.fetch_add(oldest.datagrams(), Ordering::Relaxed);
        }
        Self::wake(state);
    }

    /// Puts in what nobody's ID opens and any shard may know as a stateless reset, if there is plenty of room.
    pub(crate) fn offer(&self, handed: Handed) {
        let mut state = self.state.lock();
        if state.waiting.len() >= MAX_WAITING_FOR_STRAYS {
            return;
        }
        state.bytes += handed.bytes.len();
        state.waiting.push_back(handed);
        Self::wake(state);
    }

    /// Fills buffers with what waits, and tells how many; where none is left, `cx` is woken when there is more.
    pub(crate) fn take(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> usize {
        let mut state = self.state.lock();
        let mut filled = 0;
        for (buffer, meta) in bufs.iter_mut().zip(metas) {
            let Some(handed) = state.pop() else { break };
            // All endpoints of a port have buffers of one size; a shorter one would cut off the last datagrams, as a network may.
            let length = handed.bytes.len().min(buffer.len());
            buffer[..length].copy_from_slice(&handed.bytes[..length]);
            *meta = RecvMeta {
                len: length,
                ..handed.meta
            };
            filled += 1;
        }
        if state.waiting.is_empty() {
            match &mut state.reader {
                Some(reader) => reader.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        filled
    }

    /// Datagrams put in so far, and those of them that made way.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (
            self.handed_over.load(Ordering::Relaxed),
            self.lost.load(Ordering::Relaxed),
        )
    }

    /// The lock is let go first: whoever wakes asks for it.
    fn wake(mut state: parking_lot::MutexGuard<'_, State>) {
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl State {
    fn pop(&mut self) -> Option<Handed> {
        let handed = self.waiting.pop_front()?;
        self.bytes -= handed.bytes.len();
        Some(handed)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn handed(number: u8, length: usize, stride: usize) -> Handed {
        let meta = RecvMeta {
            len: length,
            stride,
            ..RecvMeta::default()
        };
        Handed::copy(&vec![number; length], &meta)
    }

    fn take(inbox: &Inbox, woken: &Arc<Woken>, buffers: usize) -> Vec<(u8, usize, usize)> {
        let waker = Arc::clone(woken).into();
        let mut space = vec![[0; 4096]; buffers];
        let mut bufs: Vec<_> = space.iter_mut().map(|b| IoSliceMut::new(b)).collect();
        let mut metas = vec![RecvMeta::default(); buffers];
        let taken = inbox.take(&mut Context::from_waker(&waker), &mut bufs, &mut metas);
        (0..taken)
            .map(|at| (bufs[at][0], metas[at].len, metas[at].stride))
            .collect()
    }

    #[test]
    fn what_is_put_in_comes_out_in_order_and_wakes_who_waits() {
        let (inbox, woken) = (Inbox::default(), Arc::new(Woken::default()));
        assert!(take(&inbox, &woken, 2).is_empty());
        inbox.put([handed(1, 3000, 1200), handed(2, 50, 50), handed(3, 9, 9)]);
        assert_eq!(woken.0.load(Ordering::Relaxed), 1, "once for all of them");
        assert_eq!(take(&inbox, &woken, 2), [(1, 3000, 1200), (2, 50, 50)]);
        assert_eq!(take(&inbox, &woken, 2), [(3, 9, 9)]);
        assert_eq!(inbox.counts(), (5, 0), "datagrams, not buffers");
    }

    #[test]
    fn what_is_too_much_displaces_the_oldest_and_is_counted() {
        let (inbox, woken) = (Inbox::default(), Arc::new(Woken::default()));
        let flood = MAX_WAITING + 10;
        for number in 0..flood {
            inbox.put([handed((number % 251) as u8, 2000, 1000)]);
        }
        let (put, lost) = inbox.counts();
        assert_eq!(put, 2 * flood as u64);
        let kept = MAX_WAITING.min(MAX_BYTES / 2000);
        assert_eq!(lost, 2 * (flood - kept) as u64);
        let first = take(&inbox, &woken, 1)[0].0;
        assert_eq!(
            usize::from(first),
            (flood - kept) % 251,
            "the oldest are gone"
        );
    }

    #[test]
    fn strays_displace_nothing() {
        let (inbox, woken) = (Inbox::default(), Arc::new(Woken::default()));
        for _ in 0..MAX_WAITING_FOR_STRAYS + 5 {
            inbox.offer(handed(7, 40, 40));
        }
        assert_eq!(inbox.counts(), (0, 0));
        assert_eq!(
            take(&inbox, &woken, MAX_WAITING).len(),
            MAX_WAITING_FOR_STRAYS
        );
    }
}
