//! The largest packet worth probing for on the way to an address, by what the system knows of its first link.
//!
//! Discovery (RFC 8899) finds what the whole path carries; each size that doesn't arrive costs three packets and a few round trips, so
//! it isn't asked for more than the first link has. Jumbo packets make bulk more than twice as fast where both ends' links carry them.

use std::net::{SocketAddr, UdpSocket};

use nix::sys::socket::{getsockopt, sockopt::IpMtu};

/// The largest payload that is sent or taken: fits links of 9,000 bytes with all headers.
pub(crate) const LARGEST: u16 = 8_900;
/// On links of 1,500 bytes: 1420 + 28 + 48 fits (TRANSPORT section 4). Also where nothing is known.
pub(crate) const ORDINARY: u16 = 1_420;
/// The least that QUIC works with.
const LEAST: u16 = 1_200;
/// A gateway's header, UDP and IPv6.
const HEADERS: i32 = 80;

/// The largest UDP payload to probe for.
pub(crate) fn bound(remote: SocketAddr) -> u16 {
    first_link(remote).map_or(ORDINARY, fitting)
}

/// The MTU of the link toward an IPv4 address, as the system routes it now; nothing is sent. The system tells of IPv6 in another way.
fn first_link(remote: SocketAddr) -> Option<i32> {
    let SocketAddr::V4(remote) = remote else {
        return None;
    };
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect(remote).ok()?;
    getsockopt(&socket, IpMtu).ok()
}

fn fitting(link: i32) -> u16 {
    u16::try_from(link.saturating_sub(HEADERS))
        .unwrap_or(if link > 0 { LARGEST } else { LEAST })
        .clamp(LEAST, LARGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_fit_their_link() {
        for (link, payload) in [
            (1_500, ORDINARY),
            (1_280, LEAST),
            (576, LEAST),
            (4_000, 3_920),
            (9_001, LARGEST),
            (65_536, LARGEST),
            (i32::MAX, LARGEST),
            (0, LEAST),
            (-1, LEAST),
        ] {
            assert_eq!(fitting(link), payload, "{link}");
        }
    }

    #[test]
    fn what_is_not_known_is_taken_for_ordinary() {
        assert_eq!(bound(SocketAddr::from(([0u16; 8], 1))), ORDINARY);
    }
}
