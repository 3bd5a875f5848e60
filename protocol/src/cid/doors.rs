//! The doors of a cluster: which IDs open, and whom they lead to.

use std::collections::BTreeMap;

use super::cipher::Cipher;
use super::{
    AllowedSelector, DropReason, Generation, Handle, NODE_ID_LEN, NodeId, ROUTE_TOKEN_LEN,
    RoutingKeys, Selector,
};

/// Routing keys and allowed selectors, with the key schedule of each selector and generation made beforehand.
///
/// Opening looks up a table and does one AES block; an unknown selector costs no AES.
#[derive(Debug)]
pub struct Doors {
    keys: RoutingKeys,
    doors: BTreeMap<Selector, Door>,
}

/// Says what a good route token said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteToken {
    /// Whose capability made it.
    pub selector: Selector,
    /// Whom it is for.
    pub handle: Handle,
    /// Which of the host's shards its maker asked for, counted round them; 0 for none.
    pub any: u8,
}

#[derive(Debug)]
struct Door {
    allowed: AllowedSelector,
    ciphers: Vec<(Generation, Cipher)>,
}

impl Doors {
    /// Derives the selectors' keys.
    pub fn new(keys: RoutingKeys, allowed: Vec<AllowedSelector>) -> Self {
        let door = |allowed: AllowedSelector| {
            let cipher = |selector| {
                keys.iter()
                    .map(move |key| (key.generation(), Cipher::new(&key.selector_key(selector))))
            };
            (
                allowed.selector,
                Door {
                    ciphers: cipher(allowed.selector).collect(),
                    allowed,
                },
            )
        };
        let doors = allowed.into_iter().map(door).collect();
        Self { keys, doors }
    }

    /// Returns the routing keys.
    pub fn keys(&self) -> &RoutingKeys {
        &self.keys
    }

    /// Lists the selectors that are let in.
    pub fn allowed(&self) -> impl ExactSizeIterator<Item = &AllowedSelector> {
        self.doors.values().map(|door| &door.allowed)
    }

    /// Opens the destination ID of a long header, be it a route token or an N-ID, and tells whom it is for.
    pub fn open_initial(&self, id: &[u8], now_unix: u64) -> Result<Handle, DropReason> {
        match id.len() {
            NODE_ID_LEN => self.open_short(id).map(|node| node.handle),
            ROUTE_TOKEN_LEN => self.open_token(id, now_unix).map(|token| token.handle),
            _ => Err(DropReason::IdLength),
        }
    }

    /// Opens an N-ID, the only kind that a short header carries.
    pub fn open_short(&self, id: &[u8]) -> Result<NodeId, DropReason> {
        let id: &[u8; NODE_ID_LEN] = id.try_into().map_err(|_| DropReason::IdLength)?;
        let [first, block @ ..] = *id;
        let generation = Generation::of_first_byte(first, NODE_ID_LEN).ok_or(DropReason::Forged)?;
        let key = self
            .keys
            .of(generation)
            .ok_or(DropReason::UnknownGeneration)?;
        key.open_block(block).ok_or(DropReason::Forged)
    }

    /// Opens a route token.
    pub fn open_token(&self, id: &[u8], now_unix: u64) -> Result<RouteToken, DropReason> {
        let id: &[u8; ROUTE_TOKEN_LEN] = id.try_into().map_err(|_| DropReason::IdLength)?;
        let [first, s0, s1, s2, block @ ..] = *id;
        let generation =
            Generation::of_first_byte(first, ROUTE_TOKEN_LEN).ok_or(DropReason::Forged)?;
        let door = self
            .doors
            .get(&Selector::from_bytes([s0, s1, s2]))
            .ok_or(DropReason::UnknownSelector)?;
        let NodeId { handle, shard } = door.open(generation, block, now_unix)?;
        Ok(RouteToken {
            selector: door.allowed.selector,
            handle,
            any: shard,
        })
    }
}

impl Door {
    fn open(
        &self,
        generation: Generation,
        block: [u8; 16],
        now_unix: u64,
    ) -> Result<NodeId, DropReason> {
        if now_unix > self.allowed.not_after {
            return Err(DropReason::ExpiredSelector);
        }
        let of_generation = self.ciphers.iter().find(|(of, _)| *of == generation);
        let (_, cipher) = of_generation.ok_or(DropReason::UnknownGeneration)?;
        let node = NodeId::from_block(&cipher.open(block)).ok_or(DropReason::Forged)?;
        if self
            .allowed
            .only_handle
            .is_some_and(|only| only != node.handle)
        {
            return Err(DropReason::HandleNotAllowed);
        }
        Ok(node)
    }
}
