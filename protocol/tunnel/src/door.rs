//! The socket under quinn: drops what doesn't open before QUIC sees it, so that noise costs one AES block and no state.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use protocol::cid::NODE_ID_LEN;
use protocol::packet::{Form, Header};
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

use crate::routing::Routing;

/// quinn's own socket behind a door.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) inner: Arc<dyn AsyncUdpSocket>,
    pub(crate) routing: Arc<Routing>,
    pub(crate) dropped: Arc<AtomicU64>,
}

impl Door {
    fn admits(&self, datagram: &[u8]) -> bool {
        match Header::parse(datagram, NODE_ID_LEN) {
            Ok(header) => match header.form {
                // A stateless reset has no ID that opens. quinn looks such a packet up among the reset tokens that it was given, and
                // answers only to IDs that its generator knows: a look-up, no state.
                Form::Short => true,
                Form::Long { .. } => self.routing.admits(header.destination),
            },
            Err(_) => false,
        }
    }

    /// Keeps the datagrams of one received buffer that open; they move together at its front.
    fn sift(&self, buffer: &mut [u8], meta: &mut RecvMeta) {
        let stride = meta.stride.max(1);
        let (mut read, mut kept) = (0, 0);
        while read < meta.len {
            let end = (read + stride).min(meta.len);
            if self.admits(&buffer[read..end]) {
                buffer.copy_within(read..end, kept);
                kept += end - read;
            } else {
                self.dropped.fetch_add(1, Ordering::Relaxed);
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

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.inner.try_send(transmit)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = std::task::ready!(self.inner.poll_recv(cx, bufs, meta))?;
        for (buffer, meta) in bufs.iter_mut().zip(meta.iter_mut()).take(received) {
            self.sift(buffer, meta);
        }
        Poll::Ready(Ok(received))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.inner.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.inner.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.inner.may_fragment()
    }
}
