//! Headers, their prefixes, and noise.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;

fn long(version: u32, destination: &[u8], source: &[u8]) -> Vec<u8> {
    let mut packet = vec![0xc3];
    packet.extend(version.to_be_bytes());
    for id in [destination, source] {
        packet.push(id.len() as u8);
        packet.extend(id);
    }
    packet
}

#[test]
fn a_short_header_has_an_id_of_the_length_given() {
    let packet = [0x40, 1, 2, 3, 4];
    assert_eq!(
        Header::parse(&packet, 3).unwrap(),
        Header {
            form: Form::Short,
            destination: &[1, 2, 3]
        }
    );
    assert_eq!(Header::parse(&packet, 5), Err(TruncatedError { length: 5 }));
}

#[test]
fn nothing_is_truncated() {
    assert_eq!(Header::parse(&[], 17), Err(TruncatedError { length: 0 }));
}

proptest! {
    #[test]
    fn a_long_header_parses_and_its_prefixes_do_not(
        version: u32,
        destination in proptest::collection::vec(any::<u8>(), 0..=255),
        source in proptest::collection::vec(any::<u8>(), 0..=255),
        payload in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let header = long(version, &destination, &source);
        let expected = Header { form: Form::Long { version }, destination: &destination };
        for end in 0..header.len() {
            prop_assert_eq!(Header::parse(&header[..end], 17), Err(TruncatedError { length: end }));
        }
        let packet = [&header[..], &payload].concat();
        prop_assert_eq!(Header::parse(&packet, 17).unwrap(), expected);
    }

    #[test]
    fn anything_is_handled(datagram in proptest::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(header) = Header::parse(&datagram, 17) {
            prop_assert!(header.destination.len() < datagram.len());
        }
    }
}
