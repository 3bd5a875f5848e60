//! The socket under quinn: drops what doesn't open before QUIC sees it, so that noise costs one AES block and no state; and hands
//! over what is another shard's.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

use crate::routing::{Routing, Sorter, Way};
use crate::shard::{Handed, Place};

/// No more goes out in one call: the kernel refuses a batch that is longer than a datagram can be.
const MAX_BATCH_BYTES: usize = 65_507;
/// No received buffer is longer, however many datagrams the kernel joins in it.
const MAX_RECEIVED_BYTES: usize = 65_535;
/// Datagrams of one look at the socket that are shown to other shards though no ID opens.
const MAX_STRAYS: usize = 8;

/// quinn's own socket behind a door.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) inner: Arc<dyn AsyncUdpSocket>,
    pub(crate) routing: Arc<Routing>,
    pub(crate) place: Place,
    pub(crate) dropped: Arc<AtomicU64>,
    /// The longest datagram that the endpoint takes.
    pub(crate) max_payload: usize,
}

/// What one look at the socket finds for others.
#[derive(Default)]
struct SortedOut {
    foreign: Vec<(u8, Handed)>,
    strays: usize,
}

impl Door {
    /// Keeps the datagrams of one received buffer that are this shard's; they move together at its front.
    fn sift(
        &self,
        sorter: &Sorter,
        buffer: &mut [u8],
        meta: &mut RecvMeta,
        sorted_out: &mut SortedOut,
    ) {
        let stride = meta.stride.max(1);
        let (mut read, mut kept) = (0, 0);
        while read < meta.len {
            let mut end = (read + stride).min(meta.len);
            let way = sorter.way(&buffer[read..end], &self.place);
            match way {
                Way::Here | Way::Stray => {
                    if way == Way::Stray && sorted_out.strays < MAX_STRAYS {
                        sorted_out.strays += 1;
                        self.place
                            .show_around(&Handed::copy(&buffer[read..end], meta));
                    }
                    if kept != read {
                        buffer.copy_within(read..end, kept);
                    }
                    kept += end - read;
                }
                Way::To(shard) => {
                    // What follows is mostly the same connection's: it goes over in one piece.
                    while end < meta.len {
                        let next = (end + stride).min(meta.len);
                        if sorter.way(&buffer[end..next], &self.place) != way {
                            break;
                        }
                        end = next;
                    }
                    let handed = Handed::copy(&buffer[read..end], meta);
                    sorted_out.foreign.push((shard, handed));
                }
                Way::Drop => {
                    self.dropped.fetch_add(1, Ordering::Relaxed);
                }
            }
            read = end;
        }
        meta.len = kept;
    }
}

impl AsyncUdpSocket for Door {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.inner).create_io_poller()
    }

    /// Splits a batch that is too long: ten packets fit, unless the path carries jumbo packets.
    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let size = match transmit.segment_size {
            Some(size) if transmit.contents.len() > MAX_BATCH_BYTES => size,
            _ => return self.inner.try_send(transmit),
        };
        let batch = (MAX_BATCH_BYTES / size).max(1) * size;
        // Should a later part find no room, quinn sends all again: packets that come twice are told apart by their number.
        transmit.contents.chunks(batch).try_for_each(|contents| {
            self.inner.try_send(&Transmit {
                contents,
                segment_size: Some(size),
                ..transmit.clone()
            })
        })
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        // Half of the room at most, so that neither source starves the other.
        let from_others = if self.place.shards() > 1 {
            let room = bufs.len() / 2;
            self.place
                .inbox()
                .take(cx, &mut bufs[..room], &mut meta[..room])
        } else {
            0
        };
        let (bufs, meta) = (&mut bufs[from_others..], &mut meta[from_others..]);
        let received = match self.inner.poll_recv(cx, bufs, meta) {
            Poll::Ready(Ok(received)) => received,
            // The inbox has woken us once, and does so again only when it has been emptied.
            Poll::Pending | Poll::Ready(Err(_)) if from_others > 0 => 0,
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
        };
        let sorter = self.routing.sorter();
        let mut sorted_out = SortedOut::default();
        for (buffer, meta) in bufs.iter_mut().zip(meta.iter_mut()).take(received) {
            self.sift(&sorter, buffer, meta, &mut sorted_out);
        }
        if !sorted_out.foreign.is_empty() {
            self.place.hand_over(sorted_out.foreign);
        }
        Poll::Ready(Ok(from_others + received))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.inner.max_transmit_segments()
    }

    /// quinn makes each of its buffers so many datagrams long: as much as can come, and no more.
    fn max_receive_segments(&self) -> usize {
        let needed = MAX_RECEIVED_BYTES.div_ceil(self.max_payload.max(1));
        self.inner.max_receive_segments().min(needed)
    }

    fn may_fragment(&self) -> bool {
        self.inner.may_fragment()
    }
}

#[cfg(test)]
mod tests;
