//! A UDP socket for those who pass datagrams on: many in one call, joined by the kernel where they are of one sender and size
//! (GRO, GSO), with their congestion marks.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;

use quinn::udp::{BATCH_SIZE, EcnCodepoint, RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// No datagram is longer, nor is what the kernel joins.
const BUFFER_BYTES: usize = 1 << 16;
/// No more goes out in one call: the kernel refuses a batch that is longer than a datagram can be.
const MAX_BATCH_BYTES: usize = 65_507;

/// A datagram's congestion marks, to be copied as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ecn(Option<EcnCodepoint>);

impl Ecn {
    /// The sender understands marks.
    pub const CAPABLE: Self = Self(Some(EcnCodepoint::Ect0));
    /// Some router on the way is crowded.
    pub const CROWDED: Self = Self(Some(EcnCodepoint::Ce));
}

/// Datagrams of one sender or for one receiver, one behind the other: all as long as `size`, but for the last.
#[derive(Debug, Clone, Copy)]
pub struct Run<'a> {
    /// Where they come from, or go to.
    pub remote: SocketAddr,
    /// Their marks.
    pub ecn: Ecn,
    /// The length of each but the last, which may be shorter.
    pub size: usize,
    /// All of them.
    pub bytes: &'a [u8],
}

impl<'a> Run<'a> {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        // An empty datagram is one too.
        self.bytes.len().div_ceil(self.size.max(1)).max(1)
    }

    /// Each of them.
    pub fn datagrams(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let empty = self.bytes.is_empty().then_some(self.bytes);
        empty.into_iter().chain(self.bytes.chunks(self.size.max(1)))
    }
}

/// Room for what one call receives.
pub struct Batch {
    space: Box<[u8]>,
    metas: Box<[RecvMeta]>,
}

impl std::fmt::Debug for Batch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Batch({})", self.metas.len())
    }
}

impl Batch {
    /// Room for so many runs. Memory is used as far as it is filled.
    #[must_use]
    pub fn new(runs: usize) -> Self {
        let runs = runs.clamp(1, BATCH_SIZE);
        Self {
            space: vec![0; runs * BUFFER_BYTES].into(),
            metas: vec![RecvMeta::default(); runs].into(),
        }
    }

    /// What the last call received.
    pub fn runs(&self, received: usize) -> impl Iterator<Item = Run<'_>> {
        let filled = self.space.chunks(BUFFER_BYTES).zip(&self.metas);
        filled.take(received).map(|(buffer, meta)| Run {
            remote: meta.addr,
            ecn: Ecn(meta.ecn),
            size: meta.stride,
            bytes: &buffer[..meta.len],
        })
    }
}

/// The socket.
#[derive(Debug)]
pub struct BatchSocket {
    io: UdpSocket,
    state: UdpSocketState,
}

impl BatchSocket {
    /// Takes a bound socket, in the runtime that is to drive it. Datagrams that don't fit the way aren't fragmented.
    ///
    /// # Errors
    /// When the system refuses an option that any has had for long.
    pub fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let io = UdpSocket::from_std(socket)?;
        Ok(Self { io, state })
    }

    /// Where it is bound.
    ///
    /// # Errors
    /// When the system doesn't say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    /// Waits until there is something to receive.
    ///
    /// # Errors
    /// When the runtime is ending.
    pub async fn readable(&self) -> io::Result<()> {
        self.io.readable().await
    }

    /// Receives what is there, as far as there is room, and tells how many runs of datagrams that is.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there; else what an earlier datagram met (ICMP), which reading it has cleared.
    pub fn try_receive(&self, batch: &mut Batch) -> io::Result<usize> {
        self.io.try_io(Interest::READABLE, || {
            let mut bufs: [IoSliceMut<'_>; BATCH_SIZE] =
                std::array::from_fn(|_| IoSliceMut::new(&mut []));
            for (slot, buffer) in bufs.iter_mut().zip(batch.space.chunks_mut(BUFFER_BYTES)) {
                *slot = IoSliceMut::new(buffer);
            }
            let room = batch.metas.len();
            self.state.recv(
                UdpSockRef::from(&self.io),
                &mut bufs[..room],
                &mut batch.metas,
            )
        })
    }

    /// Sends a run: in one call, unless that is more than the kernel takes at once. Past the runtime's readiness: what can't go now
    /// is the caller's to drop.
    ///
    /// # Errors
    /// What the first call that fails says; what it should have sent, and what is behind that, has not been sent.
    pub fn send(&self, run: &Run<'_>) -> io::Result<()> {
        let most = self.state.max_gso_segments();
        match self.send_by(most, run) {
            // A device that can't: quinn-udp notes it, and what follows goes one by one.
            Err(_) if self.state.max_gso_segments() < most => self.send_by(1, run),
            outcome => outcome,
        }
    }

    fn send_by(&self, most: usize, run: &Run<'_>) -> io::Result<()> {
        let size = run.size.max(1);
        let at_once = most.min(MAX_BATCH_BYTES / size).max(1) * size;
        let send = |contents| {
            let transmit = Transmit {
                destination: run.remote,
                ecn: run.ecn.0,
                contents,
                segment_size: Some(size),
                src_ip: None,
            };
            self.state.try_send(UdpSockRef::from(&self.io), &transmit)
        };
        if run.bytes.is_empty() {
            return send(run.bytes);
        }
        run.bytes.chunks(at_once).try_for_each(send)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn socket() -> BatchSocket {
        BatchSocket::new(std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap()
    }

    /// Datagrams as they come, with their marks.
    async fn receive(socket: &BatchSocket, count: usize) -> Vec<(Vec<u8>, Ecn)> {
        let (mut batch, mut received) = (Batch::new(4), Vec::new());
        while received.len() < count {
            socket.readable().await.unwrap();
            let Ok(runs) = socket.try_receive(&mut batch) else {
                continue;
            };
            for run in batch.runs(runs) {
                assert_eq!(run.datagrams().count(), run.count());
                received.extend(run.datagrams().map(|datagram| (datagram.to_vec(), run.ecn)));
            }
        }
        received
    }

    #[tokio::test]
    async fn a_run_arrives_datagram_by_datagram_with_its_marks() {
        let (from, to) = (socket(), socket());
        let bytes: Vec<u8> = (0..100 * 1000 + 10).map(|at| (at / 1000) as u8).collect();
        for (ecn, size, bytes) in [
            (Ecn::CROWDED, 1000, &bytes[..]),
            (Ecn::CAPABLE, 9000, &bytes[..90_000]),
            (Ecn::default(), 60, &bytes[..60]),
            (Ecn::CAPABLE, 0, &[][..]),
        ] {
            let run = Run {
                remote: to.local_addr().unwrap(),
                ecn,
                size,
                bytes,
            };
            from.send(&run).unwrap();
            let expected: Vec<_> = run.datagrams().map(|d| (d.to_vec(), ecn)).collect();
            assert_eq!(receive(&to, expected.len()).await, expected, "{size}");
        }
    }

    #[tokio::test]
    async fn what_no_datagram_can_hold_is_refused() {
        let (from, bytes) = (socket(), vec![0; 65_508]);
        let run = Run {
            remote: from.local_addr().unwrap(),
            ecn: Ecn::default(),
            size: bytes.len(),
            bytes: &bytes,
        };
        assert!(from.send(&run).is_err());
    }
}
