//! What somebody on the path between two clusters can learn.

use std::collections::BTreeSet;
use std::net::UdpSocket;

use testbed::federation::{FederationSpec, WEST_PAYMENTS};
use testbed::http::{Connection, PATIENCE, Request};
use testbed::initial::{self, Observed};
use testbed::relay::{Datagram, Relay};
use testbed::{ClusterSpec, Federation};

const MARKER: &str = "marker-4711-neverseen";

/// What must never be readable on the way: the marker, names of services, of callers, of trust domains.
pub(crate) const SECRETS: [&str; 7] = [
    MARKER,
    "payments",
    "shop",
    "cart",
    "spiffe",
    "west.example/",
    "clusterset",
];

/// P-4: nothing of the application, and no name, is readable between the clusters, decrypted Initial packets included.
#[test]
fn nothing_readable_crosses_between_clusters() {
    let federation = Federation::with(&FederationSpec {
        west: ClusterSpec::named("west").relayed(),
        east: ClusterSpec::named("east").relayed(),
        ..FederationSpec::default()
    });
    let mut connection = Connection::open(federation.listener, PATIENCE).unwrap();
    let body = MARKER.repeat(100);
    for number in 0..50 {
        let request = Request {
            method: "POST",
            target: &format!("/{MARKER}/{number}"),
            host: WEST_PAYMENTS,
            headers: &[("x-note", MARKER), ("cookie", MARKER)],
            body: body.as_bytes(),
        };
        assert_eq!(connection.send(&request).unwrap().status, 200);
    }
    let heads = federation.payments.heads();
    assert!(
        heads.iter().any(|head| head.contains(MARKER)),
        "the app saw no marker"
    );

    for cluster in [&federation.west, &federation.east] {
        let capture = cluster.relay.as_ref().unwrap().crossed();
        let observed = initial::observe(&capture);
        assert_sealed(&capture, &observed);
        if cluster.name == "west" {
            assert_service_names_are_opaque(&observed);
        }
    }
}

/// The twin: the same look at a wire finds the marker when it is sent in the clear.
#[test]
fn look_at_the_wire_finds_what_is_readable() {
    let target = UdpSocket::bind("127.0.0.1:0").unwrap();
    let relay = Relay::start("127.0.0.1:0".parse().unwrap(), target.local_addr().unwrap());
    let caller = UdpSocket::bind("127.0.0.1:0").unwrap();
    caller
        .send_to(format!("GET /{MARKER}").as_bytes(), relay.front)
        .unwrap();
    target.recv(&mut [0; 2000]).unwrap();
    assert_eq!(
        readable(relay.crossed().iter().map(|datagram| &datagram.bytes)),
        [MARKER]
    );
}

/// Panics if anything readable is in a capture, or if the capture shows nothing at all.
pub(crate) fn assert_sealed(capture: &[Datagram], observed: &Observed) {
    assert!(
        capture.len() > 50,
        "only {} datagrams were seen",
        capture.len()
    );
    assert!(
        !observed.client_hellos.is_empty(),
        "no ClientHello was seen: is the look at Initial packets broken?"
    );
    assert!(!observed.plaintexts.is_empty());
    let raw = capture.iter().map(|datagram| &datagram.bytes);
    assert_eq!(readable(raw.chain(&observed.plaintexts)), [""; 0]);
    for datagram in capture {
        let first = datagram.bytes.first().copied().unwrap_or(0x40);
        let ours = first < 0x40; // headers of Weft's own begin below; on the wide area only PING and PONG may
        assert!(
            !ours || matches!(first, 0x20 | 0x21),
            "a datagram begins with {first:#04x}"
        );
    }
    for id in observed.client_hellos.keys() {
        assert_eq!(
            id.len(),
            20,
            "a first connection ID that no capability made: {id:02x?}"
        );
    }
    let fresh: BTreeSet<_> = observed.client_hellos.keys().collect();
    assert_eq!(fresh.len(), observed.client_hellos.len());
}

/// Server names of services are 26 characters of base32 that say nothing.
fn assert_service_names_are_opaque(observed: &Observed) {
    let names = observed.server_names();
    let opaque = |name: &&String| {
        let label = name.strip_suffix(".weft.internal").unwrap_or_default();
        label.len() == 26
            && label
                .bytes()
                .all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
    };
    assert!(
        names.iter().any(|name| opaque(&name)),
        "no service was dialled: {names:?}"
    );
    for name in names.iter().filter(|name| !opaque(name)) {
        assert!(
            ["join.weft.internal", "controller.weft.internal"].contains(&name.as_str()),
            "a readable server name: {name}"
        );
    }
}

fn readable<'a>(texts: impl Iterator<Item = &'a Vec<u8>>) -> Vec<&'static str> {
    let texts: Vec<&Vec<u8>> = texts.collect();
    let holds = |secret: &&str| {
        let secret = secret.as_bytes();
        texts
            .iter()
            .any(|text| text.windows(secret.len()).any(|window| window == secret))
    };
    SECRETS.into_iter().filter(holds).collect()
}
