//! The sealed gateway's decision: nothing forged passes, whatever its shape.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use protocol::cid::{AllowedSelector, Doors, Generation, Handle, RoutingKey, RoutingKeys, Selector};
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
    Forwarder::new(Doors::new(keys, vec![allowed(0), allowed(1)]), [(handle, ([127, 0, 0, 1], 4434).into())].into())
});

fuzz_target!(|input: (u64, &[u8])| {
    let (now_unix, datagram) = input;
    // A forged ID passes with 2^-56 here: one handle, three zero bytes.
    assert!(matches!(FORWARDER.handle_datagram(now_unix, datagram), Verdict::Drop(_)));
});
