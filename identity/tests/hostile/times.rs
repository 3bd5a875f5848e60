//! Chains whose time is over, or hasn't come (P-9): each misses by more than the skew.

use identity::VerifyError as E;
use rcgen::KeyPair;

use super::{Hostile, chain, leaf as signed};
use crate::world::{CART, HOUR, TWO_MINUTES, World, authority, leaf, valid};

pub(crate) fn all(world: &World) -> Vec<Hostile> {
    let (now, old, early) = (world.now, world.now - TWO_MINUTES, world.now + TWO_MINUTES);
    let is_old = |e: &E| matches!(e, E::Expired { .. });
    let is_early = |e: &E| matches!(e, E::NotValidYet { .. });
    let at = |from, until| {
        let mut params = leaf(CART);
        valid(&mut params, from, until);
        params
    };
    let under = |name, from, until, reason| {
        let mut params = authority("west", "dated intermediate");
        valid(&mut params, from, until);
        let dated = world.root.authority(params);
        let key = KeyPair::generate().unwrap();
        let certificates = vec![dated.sign(&leaf(CART), &key), dated.der.clone()];
        chain(world, name, key, certificates, reason)
    };
    vec![
        signed(
            world,
            "expired two minutes ago",
            at(now - HOUR, old),
            is_old,
        ),
        signed(
            world,
            "valid in two minutes",
            at(early, now + HOUR),
            is_early,
        ),
        signed(
            world,
            "ends before it begins",
            at(now + HOUR, now - HOUR),
            |e| matches!(e, E::NoPath { .. }),
        ),
        under("expired intermediate", now - HOUR, old, is_old),
        under(
            "intermediate valid in two minutes",
            early,
            now + HOUR,
            is_early,
        ),
    ]
}
