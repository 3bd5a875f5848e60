//! Connection IDs: what is sealed opens, with every key, handle and nonce; an ID of any other shape is an error, not a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::cid::{AllowedSelector, Doors, Generation, Handle, RoutingKey, RoutingKeys, Selector};

fuzz_target!(|input: ([u8; 16], u8, u32, u32, [u8; 8], &[u8])| {
    let (key, generation, selector, handle, nonce, id) = input;
    let Ok(generation) = Generation::new(generation) else { return };
    let Ok(handle) = Handle::try_from(handle) else { return };
    let selector = Selector::from_random(selector);
    let keys = RoutingKeys::new(vec![RoutingKey::new(generation, key, true)]).expect("its one key seals");
    let allowed = AllowedSelector { selector, peer: None, not_after: 1, only_handle: Some(handle) };
    let doors = Doors::new(keys.clone(), vec![allowed]);
    assert_eq!(doors.open_initial(&keys.seal(handle, 0, nonce), 0), Ok(handle));
    assert_eq!(doors.open_initial(&keys.capability(selector, 1).route_token(handle, nonce), 1), Ok(handle));
    _ = (doors.open_initial(id, 0), doors.open_short(id), doors.open_token(id, 0), keys.open(id));
});
