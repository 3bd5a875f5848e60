//! The version-independent header: anything parses or doesn't, and an ID lies within its datagram.

use protocol::packet::Header;

/// `length of short headers' IDs | a datagram`
pub(crate) fn check(input: &[u8]) {
    let Some((short_len, datagram)) = input.split_first() else {
        return;
    };
    if let Ok(header) = Header::parse(datagram, usize::from(*short_len)) {
        assert!(header.destination.len() < datagram.len());
    }
}
