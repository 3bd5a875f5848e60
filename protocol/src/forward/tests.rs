//! The gateway's verdicts on good, bad and cut datagrams.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::cid::{AllowedSelector, Generation, RoutingKey, RoutingKeys};

const NOW: u64 = 1_800_000_000;

fn keys() -> RoutingKeys {
    RoutingKeys::new(vec![RoutingKey::new(Generation::FIRST, [7; 16], true)]).unwrap()
}

fn handle(number: u32) -> Handle {
    Handle::try_from(number).unwrap()
}

fn selector(number: u32) -> Selector {
    Selector::new(number).unwrap()
}

fn address() -> SocketAddr {
    "10.0.0.5:4434".parse().unwrap()
}

fn forwarder() -> Forwarder {
    let allowed = AllowedSelector {
        selector: selector(1),
        peer: None,
        not_after: NOW,
        only_handle: None,
    };
    Forwarder::new(
        Doors::new(keys(), vec![allowed]),
        [(handle(5), address())].into(),
    )
}

fn long(version: u32, destination: &[u8], length: usize) -> Vec<u8> {
    let mut datagram = vec![0xc0];
    datagram.extend(version.to_be_bytes());
    datagram.push(destination.len() as u8);
    datagram.extend(destination);
    datagram.push(0);
    datagram.resize(length.max(datagram.len()), 0);
    datagram
}

fn token(to: u32) -> [u8; 20] {
    keys()
        .capability(selector(1), NOW)
        .route_token(handle(to), [3; 8])
}

fn short(to: u32, length: usize) -> Vec<u8> {
    let mut datagram = vec![0x40];
    datagram.extend(keys().seal(handle(to), 0, [3; 8]));
    datagram.resize(length, 0);
    datagram
}

fn to_five(initial: Option<Selector>) -> Verdict {
    Verdict::Forward {
        handle: handle(5),
        to: address(),
        initial,
    }
}

#[test]
fn a_route_token_of_a_whole_initial_is_forwarded() {
    let initial = long(1, &token(5), 1200);
    assert_eq!(
        forwarder().handle_datagram(NOW, &initial),
        to_five(Some(selector(1)))
    );
    assert_eq!(
        forwarder().handle_datagram(NOW, &initial[..1199]),
        Verdict::Drop(DropReason::ShortInitial)
    );
    assert_eq!(
        forwarder().handle_datagram(NOW + 1, &initial),
        Verdict::Drop(DropReason::ExpiredSelector)
    );
}

#[test]
fn any_version_but_zero_is_forwarded() {
    let id = keys().seal(handle(5), 0, [3; 8]);
    for version in [1, 0x6b33_43cf, 0xff00_001d, u32::MAX] {
        assert_eq!(
            forwarder().handle_datagram(NOW, &long(version, &id, 40)),
            to_five(None)
        );
        assert_eq!(
            forwarder().handle_datagram(NOW, &long(version, &token(5), 1200)),
            to_five(Some(selector(1)))
        );
    }
    assert_eq!(
        forwarder().handle_datagram(NOW, &long(0, &id, 40)),
        Verdict::Drop(DropReason::VersionNegotiation)
    );
}

#[test]
fn a_short_header_is_forwarded_by_its_node_id() {
    assert_eq!(
        forwarder().handle_datagram(NOW, &short(5, 60)),
        to_five(None)
    );
    assert_eq!(
        forwarder().handle_datagram(NOW, &short(6, 60)),
        Verdict::Drop(DropReason::UnknownHandle)
    );
}

#[test]
fn ids_of_other_lengths_are_dropped() {
    for length in (0..=255).filter(|length| ![17, 20].contains(length)) {
        let datagram = long(1, &vec![0x10; length], 1200);
        assert_eq!(
            forwarder().handle_datagram(NOW, &datagram),
            Verdict::Drop(DropReason::IdLength)
        );
    }
}

#[test]
fn first_bytes_below_0x40_are_not_quic() {
    for first in 0..0x40 {
        let mut datagram = short(5, 60);
        datagram[0] = first;
        assert_eq!(
            forwarder().handle_datagram(NOW, &datagram),
            Verdict::Drop(DropReason::NotQuic)
        );
    }
}

#[test]
fn sources_count_by_their_prefix() {
    let prefix = |address: &str| SourcePrefix::of(address.parse().unwrap());
    assert_eq!(prefix("192.0.2.1"), prefix("192.0.2.254"));
    assert_eq!(prefix("192.0.2.1"), prefix("::ffff:192.0.2.9"));
    assert_ne!(prefix("192.0.2.1"), prefix("192.0.3.1"));
    assert_eq!(prefix("2001:db8:1:aa00::1"), prefix("2001:db8:1:aaff::2"));
    assert_ne!(prefix("2001:db8:1:aa00::1"), prefix("2001:db8:1:ab00::1"));
}

#[test]
fn a_bucket_lets_its_burst_through_and_then_its_rate() {
    let mut limit = InitialLimit::new(
        InitialRate {
            per_second: 10,
            burst: 5,
        },
        1,
    );
    let source = SourcePrefix::V4([192, 0, 2]);
    let mut admitted = |at: Duration, asked: u32| {
        (0..asked)
            .filter(|_| limit.admit(at, selector(1), source))
            .count()
    };
    assert_eq!(admitted(Duration::from_secs(1), 100), 5);
    assert_eq!(admitted(Duration::from_millis(1_100), 100), 1);
    assert_eq!(admitted(Duration::from_millis(1_350), 100), 2);
    assert_eq!(admitted(Duration::from_secs(3600), 100), 5);
    assert!(
        limit.admit(Duration::from_secs(3600), selector(2), source),
        "another selector has its own"
    );
}

proptest! {
    #[test]
    fn every_prefix_of_a_datagram_is_handled(length in 1200..1500_usize, of_token: bool) {
        let datagram = if of_token { long(1, &token(5), length) } else { short(5, length) };
        for end in 0..=datagram.len() {
            let verdict = forwarder().handle_datagram(NOW, &datagram[..end]);
            let whole = if of_token { end >= 1200 } else { end >= 18 };
            prop_assert_eq!(matches!(verdict, Verdict::Forward { .. }), whole, "{} bytes: {:?}", end, verdict);
        }
    }

    #[test]
    fn random_datagrams_are_dropped(mut datagram in proptest::collection::vec(any::<u8>(), 0..1400), shape in 0..3) {
        let header: &[u8] = match shape {
            0 => &[0x40, 0x10],
            1 => &[0xc0, 0, 0, 0, 1, 20, 0x13, 0, 0, 1],
            _ => &[],
        };
        for (byte, of_header) in datagram.iter_mut().zip(header) {
            *byte = *of_header;
        }
        prop_assert!(matches!(forwarder().handle_datagram(NOW, &datagram), Verdict::Drop(_)));
    }
}
