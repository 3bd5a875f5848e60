//! The sealed gateway's decision: nothing forged passes, whatever its shape.

use std::sync::LazyLock;

use protocol::cid::{
    AllowedSelector, Doors, Generation, Handle, RoutingKey, RoutingKeys, Selector,
};
use protocol::forward::{Forwarder, Verdict};

static FORWARDER: LazyLock<Forwarder> = LazyLock::new(|| {
    let keys = [0, 1].map(|number| {
        let generation = Generation::new(number).expect("0 and 1 are generations");
        RoutingKey::new(generation, [number; 16], number == 1)
    });
    let keys = RoutingKeys::new(keys.into()).expect("one of them seals");
    let allowed = |number| AllowedSelector {
        selector: Selector::from_random(number),
        peer: None,
        not_after: u64::MAX,
        only_handle: None,
    };
    let handle = Handle::try_from(0x5eed_1234).expect("it isn't 0");
    Forwarder::new(
        Doors::new(keys, vec![allowed(0), allowed(1)]),
        [(handle, ([127, 0, 0, 1], 4434).into())].into(),
    )
});

/// `now [8] | a datagram`
pub(crate) fn check(input: &[u8]) {
    let Some((now_unix, datagram)) = input.split_first_chunk() else {
        return;
    };
    // A forged ID passes with 2^-56 here: one handle, three zero bytes.
    let verdict = FORWARDER.handle_datagram(u64::from_be_bytes(*now_unix), datagram);
    assert!(matches!(verdict, Verdict::Drop(_)));
}
