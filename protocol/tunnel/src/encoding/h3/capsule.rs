//! Capsules (RFC 9297 section 3) and HTTP datagrams of UDP packets (RFC 9298 section 5).
//!
//! ```text
//! datagram   context varint | packet                     context 0 is a UDP packet; others are nobody's here, and dropped
//! capsule    type varint | length varint | value         type 0: a datagram on the stream, where no QUIC datagram holds it
//! ```

use bytes::{Buf, BufMut, Bytes, BytesMut};
use protocol::datagram::MAX_PACKET_BYTES;
use protocol::frame::FrameError;

use super::sieve::varint;

const DATAGRAM: u64 = 0;
const UDP_PACKET: u8 = 0;
/// A context is at most eight bytes.
const MAX_DATAGRAM_BYTES: u64 = MAX_PACKET_BYTES as u64 + 8;

/// What is put before a packet in a datagram.
pub(super) fn datagram(packet: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(packet.len() + 1);
    out.put_u8(UDP_PACKET);
    out.put_slice(packet);
    out.freeze()
}

/// The packet in a datagram; `None` if it is none.
pub(super) fn packet(mut datagram: Bytes) -> Option<Bytes> {
    let (context, size) = varint(&datagram)?;
    datagram.advance(size);
    (context == u64::from(UDP_PACKET) && datagram.len() <= MAX_PACKET_BYTES).then_some(datagram)
}

/// A packet as a capsule.
pub(super) fn encode(packet: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(packet.len() + 6);
    out.put_u8(DATAGRAM as u8);
    // No packet is longer than four bytes can say.
    out.put_u32((packet.len() as u32 + 1) | 0x8000_0000);
    out.put_u8(UDP_PACKET);
    out.put_slice(packet);
    out.freeze()
}

/// The capsules of one stream.
#[derive(Debug, Default)]
pub(super) struct Capsules {
    input: BytesMut,
    /// Bytes of a capsule that nobody here knows.
    skipped: u64,
}

impl Capsules {
    /// Takes a part of the body.
    pub(super) fn push(&mut self, part: &[u8]) {
        self.input.extend_from_slice(part);
    }

    /// The next packet, if one is whole.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, FrameError> {
        loop {
            let skipped = usize::try_from(self.skipped)
                .map_or(self.input.len(), |left| left.min(self.input.len()));
            self.input.advance(skipped);
            self.skipped -= skipped as u64;
            let Some((kind, size)) = varint(&self.input) else {
                return Ok(None);
            };
            let Some((length, more)) = varint(&self.input[size..]) else {
                return Ok(None);
            };
            if kind != DATAGRAM {
                self.input.advance(size + more);
                self.skipped = length;
                continue;
            }
            if length > MAX_DATAGRAM_BYTES {
                let limit = MAX_DATAGRAM_BYTES;
                return Err(FrameError::TooLong { length, limit });
            }
            if self.input.len() < size + more + length as usize {
                return Ok(None);
            }
            self.input.advance(size + more);
            if let Some(packet) = packet(self.input.split_to(length as usize).freeze()) {
                return Ok(Some(packet));
            }
        }
    }

    /// Whether the stream may end here.
    pub(super) fn is_between(&self) -> bool {
        self.input.is_empty() && self.skipped == 0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packets_come_out_of_any_cut(
            packets in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..6),
            cut in 1usize..50,
        ) {
            let mut sent = Vec::new();
            for packet in &packets {
                // One that nobody knows before each.
                sent.extend_from_slice(&[0x17, 3, 9, 9, 9]);
                sent.extend_from_slice(&encode(packet));
            }
            let (mut capsules, mut got) = (Capsules::default(), Vec::new());
            for part in sent.chunks(cut) {
                capsules.push(part);
                while let Some(packet) = capsules.next().unwrap() {
                    got.push(packet.to_vec());
                }
            }
            prop_assert_eq!(got, packets);
            prop_assert!(capsules.is_between());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut capsules = Capsules::default();
            capsules.push(&bytes);
            while let Ok(Some(_)) = capsules.next() {}
            drop(packet(Bytes::from(bytes)));
        }
    }

    #[test]
    fn other_contexts_and_absurd_lengths_are_not_waited_for() {
        assert_eq!(packet(datagram(b"x")), Some(Bytes::from_static(b"x")));
        assert_eq!(packet(Bytes::from_static(&[2, 1])), None);
        assert_eq!(packet(Bytes::new()), None);
        let mut capsules = Capsules::default();
        capsules.push(&[0, 0xc0, 0, 0, 1, 0, 0, 0, 0]);
        assert!(capsules.next().is_err());
    }
}
