//! Connection IDs: what is sealed opens, with every key, handle and nonce; an ID of any other shape is an error, not a panic.

use protocol::cid::{
    AllowedSelector, Doors, Generation, Handle, RoutingKey, RoutingKeys, Selector,
};

/// `key [16] | generation | selector [4] | handle [4] | nonce [8] | an ID`
pub(crate) fn check(input: &[u8]) {
    let Some((key, rest)) = input.split_first_chunk::<16>() else {
        return;
    };
    let Some((generation, rest)) = rest.split_first() else {
        return;
    };
    let Some((selector, rest)) = rest.split_first_chunk() else {
        return;
    };
    let Some((handle, rest)) = rest.split_first_chunk() else {
        return;
    };
    let Some((nonce, id)) = rest.split_first_chunk() else {
        return;
    };
    let Ok(generation) = Generation::new(*generation) else {
        return;
    };
    let Ok(handle) = Handle::try_from(u32::from_be_bytes(*handle)) else {
        return;
    };
    let selector = Selector::from_random(u32::from_be_bytes(*selector));
    let keys =
        RoutingKeys::new(vec![RoutingKey::new(generation, *key, true)]).expect("its one key seals");
    let allowed = AllowedSelector {
        selector,
        peer: None,
        not_after: 1,
        only_handle: Some(handle),
    };
    let doors = Doors::new(keys.clone(), vec![allowed]);
    assert_eq!(
        doors.open_initial(&keys.seal(handle, 0, *nonce), 0),
        Ok(handle)
    );
    assert_eq!(
        doors.open_initial(&keys.capability(selector, 1).route_token(handle, *nonce), 1),
        Ok(handle)
    );
    _ = (
        doors.open_initial(id, 0),
        doors.open_short(id),
        doors.open_token(id, 0),
        keys.open(id),
    );
}
