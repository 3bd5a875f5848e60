//! Datagrams of a tunnel: what has a flow goes back to the same packet, in no more bytes; everything else is an error, not a panic.

use bytes::Bytes;
use protocol::datagram::{Flow, encode, parse};

/// A datagram.
pub(crate) fn check(input: &[u8]) {
    let Ok((flow, packet)) = parse(Bytes::copy_from_slice(input)) else {
        return;
    };
    assert!(flow <= Flow::MAX && input.ends_with(&packet));
    let again = encode(flow, &packet);
    assert!(again.len() <= input.len());
    assert_eq!(parse(again), Ok((flow, packet)));
}
