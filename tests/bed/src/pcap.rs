//! Reads what `tcpdump -w` wrote: enough of Ethernet and IPv4 to say which protocol and ports a frame used.

use std::net::{Ipv4Addr, SocketAddrV4};

const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;
const ETHERNET: usize = 14;

/// One frame of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A UDP datagram.
    Udp {
        /// Its source.
        from: SocketAddrV4,
        /// Its destination.
        to: SocketAddrV4,
        /// What it carries.
        payload: Vec<u8>,
    },
    /// Another protocol over IPv4, by its number (6 is TCP, 1 is ICMP).
    Ipv4(u8),
    /// Another kind of frame, by its Ethernet type (0x0806 is ARP, 0x86dd is IPv6).
    Other(u16),
}

/// Reads a capture file of Ethernet frames.
pub fn frames(file: &[u8]) -> Vec<Frame> {
    assert!(
        file.starts_with(&0xa1b2_c3d4_u32.to_ne_bytes()),
        "not a capture of this machine's byte order"
    );
    let mut found = Vec::new();
    let mut rest = file.get(FILE_HEADER..).unwrap_or_default();
    while let Some(header) = rest.get(..RECORD_HEADER) {
        let length = u32::from_ne_bytes(header[8..12].try_into().unwrap());
        let end = RECORD_HEADER + usize::try_from(length).unwrap();
        let Some(bytes) = rest.get(RECORD_HEADER..end) else {
            break;
        };
        found.extend(frame(bytes));
        rest = &rest[end..];
    }
    found
}

fn frame(bytes: &[u8]) -> Option<Frame> {
    let kind = u16::from_be_bytes(bytes.get(12..14)?.try_into().ok()?);
    if kind != 0x0800 {
        return Some(Frame::Other(kind));
    }
    let ip = bytes.get(ETHERNET..)?;
    let header = usize::from(ip.first()? & 0x0f) * 4;
    let protocol = *ip.get(9)?;
    if protocol != 17 {
        return Some(Frame::Ipv4(protocol));
    }
    let udp = ip.get(header..)?;
    let address = |at: usize| -> Option<Ipv4Addr> {
        let octets: [u8; 4] = ip.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(octets))
    };
    let number = |at: usize| -> Option<u16> {
        Some(u16::from_be_bytes(udp.get(at..at + 2)?.try_into().ok()?))
    };
    let length = usize::from(number(4)?);
    Some(Frame::Udp {
        from: SocketAddrV4::new(address(12)?, number(0)?),
        to: SocketAddrV4::new(address(16)?, number(2)?),
        payload: udp.get(8..length).unwrap_or_default().to_vec(),
    })
}
