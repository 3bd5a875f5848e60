//! Connection IDs against their vectors, against forgers, and against themselves.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;

const NOW: u64 = 1_800_000_000;

fn generation(number: u8) -> Generation {
    Generation::new(number).unwrap()
}

fn selector(number: u32) -> Selector {
    Selector::new(number).unwrap()
}

fn handle(number: u32) -> Handle {
    Handle::try_from(number).unwrap()
}

fn key(number: u8, seals: bool) -> RoutingKey {
    RoutingKey::new(generation(number), [number ^ 0x5a; 16], seals)
}

fn keys() -> RoutingKeys {
    RoutingKeys::new(vec![key(2, false), key(3, true)]).unwrap()
}

fn allowed(number: u32) -> AllowedSelector {
    AllowedSelector {
        selector: selector(number),
        peer: None,
        not_after: NOW,
        only_handle: None,
    }
}

fn doors() -> Doors {
    let only = AllowedSelector {
        only_handle: Some(handle(7)),
        ..allowed(9)
    };
    Doors::new(keys(), vec![allowed(1), only])
}

/// The vector of draft-ietf-quic-load-balancers for a single pass, and FIPS-197: both are one AES block.
#[test]
fn the_block_is_aes_128() {
    let key: [u8; 16] = *b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f";
    let clear = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
    let sealed = *b"\x69\xc4\xe0\xd8\x6a\x7b\x04\x30\xd8\xcd\xb7\x80\x70\xb4\xc5\x5a";
    let cipher = cipher::Cipher::new(&key);
    assert_eq!(cipher.seal(clear), sealed);
    assert_eq!(cipher.open(sealed), clear);
}

/// HKDF-Expand is one HMAC here: T(1) = HMAC(K_route, label || selector || 0x01).
#[test]
fn the_selector_key_is_hkdf_expand() {
    let hmac = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &[1; 16]);
    let tag = aws_lc_rs::hmac::sign(&hmac, b"weft route token v1\xab\xcd\xef\x01");
    assert_eq!(
        cipher::selector_key(&[1; 16], selector(0x00ab_cdef))[..],
        tag.as_ref()[..16]
    );
}

#[test]
fn first_bytes_say_generation_and_length() {
    assert_eq!(keys().seal(handle(1), 0, [0; 8])[0], 0b011_10000);
    assert_eq!(
        keys()
            .capability(selector(1), NOW)
            .route_token(handle(1), [0; 8])[0],
        0b011_10011
    );
}

#[test]
fn rotation_opens_the_old_and_seals_with_the_new() {
    let old = RoutingKeys::new(vec![key(2, true)]).unwrap();
    let id = old.seal(handle(5), 1, [4; 8]);
    assert_eq!(
        keys().open(&id),
        Some(NodeId {
            handle: handle(5),
            shard: 1
        })
    );
    let token = old
        .capability(selector(1), NOW)
        .route_token(handle(5), [4; 8]);
    assert_eq!(doors().open_initial(&token, NOW), Ok(handle(5)));
    let after = RoutingKeys::new(vec![key(3, true)]).unwrap();
    assert_eq!(after.open(&id), None);
    let after = Doors::new(after, vec![allowed(1)]);
    assert_eq!(after.open_short(&id), Err(DropReason::UnknownGeneration));
    assert_eq!(
        after.open_token(&token, NOW),
        Err(DropReason::UnknownGeneration)
    );
}

#[test]
fn the_wrong_key_opens_nothing() {
    let foreign = RoutingKeys::new(vec![RoutingKey::new(generation(3), [9; 16], true)]).unwrap();
    let id = foreign.seal(handle(5), 0, [4; 8]);
    assert_eq!(doors().open_short(&id), Err(DropReason::Forged));
    let token = foreign
        .capability(selector(1), NOW)
        .route_token(handle(5), [4; 8]);
    assert_eq!(doors().open_token(&token, NOW), Err(DropReason::Forged));
}

#[test]
fn a_key_is_good_for_its_own_selector_only() {
    let mut token = keys()
        .capability(selector(9), NOW)
        .route_token(handle(7), [4; 8]);
    assert_eq!(doors().open_initial(&token, NOW), Ok(handle(7)));
    token[1..4].copy_from_slice(&[0, 0, 1]);
    assert_eq!(doors().open_token(&token, NOW), Err(DropReason::Forged));
}

#[test]
fn selectors_are_checked() {
    let token = |number, to| {
        keys()
            .capability(selector(number), NOW)
            .route_token(handle(to), [4; 8])
    };
    assert_eq!(
        doors().open_token(&token(1, 5), NOW),
        Ok(RouteToken {
            selector: selector(1),
            handle: handle(5),
            any: 0
        })
    );
    assert_eq!(
        doors().open_token(&token(1, 5), NOW + 1),
        Err(DropReason::ExpiredSelector)
    );
    assert_eq!(
        doors().open_token(&token(2, 5), NOW),
        Err(DropReason::UnknownSelector)
    );
    assert_eq!(
        doors().open_token(&token(9, 5), NOW),
        Err(DropReason::HandleNotAllowed)
    );
}

#[test]
fn keys_that_cannot_serve_together_are_refused() {
    assert_eq!(
        RoutingKeys::new(vec![]).unwrap_err(),
        RoutingKeysError::NoneSeals
    );
    assert_eq!(
        RoutingKeys::new(vec![key(1, false)]).unwrap_err(),
        RoutingKeysError::NoneSeals
    );
    let twice = RoutingKeys::new(vec![key(1, true), key(1, false)]);
    assert_eq!(
        twice.unwrap_err(),
        RoutingKeysError::SameGeneration(generation(1))
    );
    let both = RoutingKeys::new(vec![key(1, true), key(4, true)]);
    assert_eq!(
        both.unwrap_err(),
        RoutingKeysError::TwoSeal(generation(1), generation(4))
    );
}

#[test]
fn numbers_out_of_range_are_refused() {
    assert_eq!(Generation::new(7), Err(GenerationError(7)));
    assert_eq!(Generation::try_from(256_u32), Err(GenerationError(256)));
    assert_eq!(Selector::new(1 << 24), Err(SelectorError(1 << 24)));
    assert_eq!(Handle::try_from(0), Err(HandleError));
    assert_eq!(generation(6).next(), Generation::FIRST);
}

#[test]
fn keys_are_not_printed_but_are_stored() {
    let capability = keys().capability(selector(1), NOW);
    for shown in [
        format!("{:?}", keys()),
        format!("{capability:?}"),
        format!("{:?}", doors()),
    ] {
        for byte in [key(3, true).expose()[0], capability.expose()[0]] {
            assert!(!shown.contains(&format!("{byte}, {byte}")), "{shown}");
        }
        assert!(!shown.contains("key:"), "{shown}");
    }
    let stored = serde_json::to_string(&keys()).unwrap();
    assert_eq!(
        serde_json::from_str::<RoutingKeys>(&stored).unwrap(),
        keys()
    );
    let stored = serde_json::to_string(&capability).unwrap();
    assert_eq!(
        serde_json::from_str::<Capability>(&stored).unwrap(),
        capability
    );
    serde_json::from_str::<RoutingKeys>("[]").unwrap_err();
}

proptest! {
    #[test]
    fn node_ids_round_trip(number in 1..=u32::MAX, shard: u8, nonce: [u8; 8]) {
        let id = keys().seal(handle(number), shard, nonce);
        let node = NodeId { handle: handle(number), shard };
        prop_assert_eq!(keys().open(&id), Some(node));
        prop_assert_eq!(doors().open_short(&id), Ok(node));
        prop_assert_eq!(doors().open_initial(&id, NOW), Ok(handle(number)));
    }

    #[test]
    fn route_tokens_round_trip(number in 1..=u32::MAX, of in 0..1_u32 << 24, any: u8, nonce: [u8; 8]) {
        let doors = Doors::new(keys(), vec![allowed(of)]);
        let token = keys().capability(selector(of), NOW).route_token_spread(handle(number), any, nonce);
        prop_assert_eq!(doors.open_token(&token, NOW), Ok(RouteToken { selector: selector(of), handle: handle(number), any }));
    }

    /// A random ID passes the zeros with 2^-24, so a thousand cases see none.
    #[test]
    fn random_ids_do_not_open(mut id: [u8; 20]) {
        id[0] = 0b011_10000;
        prop_assert_eq!(doors().open_short(&id[..17]), Err(DropReason::Forged));
        id[..4].copy_from_slice(&[0b011_10011, 0, 0, 1]);
        prop_assert_eq!(doors().open_token(&id, NOW), Err(DropReason::Forged));
    }

    #[test]
    fn one_bit_flipped_does_not_open(nonce: [u8; 8], bit in 8..NODE_ID_LEN * 8) {
        let mut id = keys().seal(handle(5), 0, nonce);
        id[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(doors().open_short(&id), Err(DropReason::Forged));
    }

    #[test]
    fn anything_is_handled(id in proptest::collection::vec(any::<u8>(), 0..40), now: u64) {
        prop_assert!(doors().open_initial(&id, now).is_err());
        prop_assert!(doors().open_short(&id).is_err());
        prop_assert!(doors().open_token(&id, now).is_err());
        prop_assert_eq!(keys().open(&id), None);
    }

    /// What goes over the wire of one connection has no common part beyond byte 0.
    #[test]
    fn ids_of_one_node_are_unlinkable(a: [u8; 8], b: [u8; 8]) {
        prop_assume!(a != b);
        let (a, b) = (keys().seal(handle(5), 0, a), keys().seal(handle(5), 0, b));
        let common = a[1..].iter().zip(&b[1..]).filter(|(a, b)| a == b).count();
        prop_assert!(common < 8, "{common} bytes in common");
    }
}
