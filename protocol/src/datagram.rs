//! What a QUIC DATAGRAM frame of a tunnel holds: one packet of one UDP session.
//!
//! ```text
//! datagram   flow QUIC varint | packet           flow = the ID of the session's stream / 4
//! ```
//!
//! The flow is RFC 9298's quarter stream ID (RFC 9297 section 2.1), so `weft/1` and HTTP/3 find the session in the same way. A packet
//! may be empty, as in UDP.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::frame::varint;

/// Most bytes of a packet: what the length field of UDP leaves over IPv6.
pub const MAX_PACKET_BYTES: usize = 65_527;

/// Names a UDP session within its tunnel: the ID of its stream, divided by four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow(u64);

/// Why a datagram belongs to no flow. RFC 9297 ends the connection for either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DatagramError {
    /// It ends within the flow's number.
    #[error("a datagram is cut short within its flow")]
    Truncated,
    /// No stream can have this ID.
    #[error("a datagram's flow {0} is over the limit")]
    FlowTooLarge(u64),
}

impl Flow {
    /// The highest there can be: a stream's ID is below 2^62.
    pub const MAX: Self = Self((1 << 60) - 1);

    /// The flow of a session on the stream with this ID.
    #[must_use]
    pub const fn of_stream(id: u64) -> Self {
        Self(id / 4)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// How many bytes stand before each of its packets.
    #[must_use]
    pub const fn header_bytes(self) -> usize {
        varint::size(self.0)
    }
}

/// Puts a packet behind its flow.
#[must_use]
pub fn encode(flow: Flow, packet: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(flow.header_bytes() + packet.len());
    varint::put(&mut out, flow.number());
    out.put_slice(packet);
    out.freeze()
}

/// Takes a datagram apart, without a copy.
///
/// # Errors
/// When it doesn't begin with a flow.
pub fn parse(mut datagram: Bytes) -> Result<(Flow, Bytes), DatagramError> {
    let (flow, size) = varint::read(&datagram).ok_or(DatagramError::Truncated)?;
    if flow > Flow::MAX.number() {
        return Err(DatagramError::FlowTooLarge(flow));
    }
    datagram.advance(size);
    Ok((Flow(flow), datagram))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_flow_is_a_quarter_of_the_stream_that_the_caller_opened() {
        assert_eq!(Flow::of_stream(0), Flow::of_stream(3));
        assert_eq!(Flow::of_stream(4).number(), 1);
        assert_eq!(Flow::of_stream((1 << 62) - 1), Flow::MAX);
    }

    #[test]
    fn bytes_on_the_wire() {
        assert_eq!(encode(Flow::of_stream(4), b"hi")[..], *b"\x01hi");
        assert_eq!(encode(Flow::of_stream(4 * 64), b"")[..], *b"\x40\x40");
    }

    #[test]
    fn what_has_no_flow_is_an_error() {
        for cut in [&b""[..], b"\x40", b"\x80\x00\x01", b"\xc0\0\0\0\0\0\0"] {
            let parsed = parse(Bytes::from_static(cut));
            assert_eq!(parsed, Err(DatagramError::Truncated), "{cut:x?}");
        }
        let beyond = parse(Bytes::from_static(b"\xd0\0\0\0\0\0\0\0"));
        assert_eq!(beyond, Err(DatagramError::FlowTooLarge(1 << 60)));
        let (last, packet) =
            parse(Bytes::from_static(b"\xcf\xff\xff\xff\xff\xff\xff\xff")).unwrap();
        assert_eq!((last, packet.len()), (Flow::MAX, 0));
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_parsed(stream in 0u64..1 << 62, packet in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let flow = Flow::of_stream(stream);
            let datagram = encode(flow, &packet);
            prop_assert_eq!(datagram.len(), flow.header_bytes() + packet.len());
            let (parsed, rest) = parse(datagram).unwrap();
            prop_assert_eq!(parsed, flow);
            prop_assert_eq!(&rest[..], &packet[..]);
        }

        #[test]
        fn anything_parses_or_does_not(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            if let Ok((flow, packet)) = parse(Bytes::from(bytes.clone())) {
                prop_assert!(flow <= Flow::MAX);
                prop_assert!(bytes.ends_with(&packet));
                // A longer form of the number is as good (RFC 9000 section 16), and is sent in the shortest.
                prop_assert!(encode(flow, &packet).len() <= bytes.len());
            }
        }
    }
}
