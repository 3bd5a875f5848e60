//! The version-independent header: anything parses or doesn't, and an ID lies within its datagram.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::packet::Header;

fuzz_target!(|input: (&[u8], u8)| {
    let (datagram, short_len) = input;
    if let Ok(header) = Header::parse(datagram, usize::from(short_len)) {
        assert!(header.destination.len() < datagram.len());
    }
});
