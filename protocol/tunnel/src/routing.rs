//! What this endpoint's connection IDs are made and opened with, swapped whole.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwapOption;
use protocol::cid::{AllowedSelector, Doors, Handle, NODE_ID_LEN, ROUTE_TOKEN_LEN, RoutingKeys};
use protocol::packet::{Form, Header};

use crate::shard::Place;

/// Handle, routing keys and allowed selectors of one endpoint. Before enrolment there are none: IDs are random, all is let in.
#[derive(Debug, Default)]
pub struct Routing {
    enrolled: ArcSwapOption<Enrolled>,
}

#[derive(Debug)]
pub(crate) struct Enrolled {
    handle: Handle,
    keys: RoutingKeys,
    doors: Doors,
}

impl Routing {
    /// Starts without any: for a process that isn't enrolled yet, which only dials.
    #[must_use]
    pub fn new_unenrolled() -> Self {
        Self::default()
    }

    /// Takes effect with the next packet and the next connection ID.
    pub fn install(&self, handle: Handle, keys: RoutingKeys, selectors: Vec<AllowedSelector>) {
        let doors = Doors::new(keys.clone(), selectors);
        self.enrolled.store(Some(Arc::new(Enrolled {
            handle,
            keys,
            doors,
        })));
    }

    /// A fresh connection ID of a shard of this endpoint.
    pub(crate) fn fresh_id(&self, shard: u8) -> [u8; NODE_ID_LEN] {
        match self.enrolled.load().as_ref() {
            Some(enrolled) => enrolled.keys.seal(enrolled.handle, shard, rand::random()),
            None => rand::random(),
        }
    }

    /// Whether `id` was made by the shard at `place`, or by one that no longer is and that it answers for.
    pub(crate) fn is_of(&self, id: &[u8], place: &Place) -> bool {
        match self.enrolled.load().as_ref() {
            Some(enrolled) => enrolled
                .shard_of(id)
                .is_some_and(|number| place.owns(number)),
            None => true,
        }
    }

    /// What is to become of datagrams, for as long as this is held.
    pub(crate) fn sorter(&self) -> Sorter {
        Sorter(self.enrolled.load())
    }
}

/// Decides by the keys that were in force when it was made.
pub(crate) struct Sorter(arc_swap::Guard<Option<Arc<Enrolled>>>);

/// What is to become of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// It is this shard's.
    Here,
    /// It is that shard's.
    To(u8),
    /// A short header whose ID opens to nothing: noise, or a stateless reset, which whoever it concerns knows by its last bytes.
    Stray,
    /// It concerns nobody here.
    Drop,
}

impl Sorter {
    /// Reads the first packet's header, no more.
    pub(crate) fn way(&self, datagram: &[u8], place: &Place) -> Way {
        let Ok(header) = Header::parse(datagram, NODE_ID_LEN) else {
            return Way::Drop;
        };
        // Nothing was enrolled: IDs are random, and there is one shard.
        let Some(enrolled) = self.0.as_ref() else {
            return Way::Here;
        };
        let id = header.destination;
        let shard = match header.form {
            // One shard: quinn looks such a packet up among its connections and reset tokens, and answers only to IDs that its
            // generator knows: a look-up, no state.
            Form::Short if place.shards() == 1 => return Way::Here,
            Form::Short => match enrolled.doors.open_short(id) {
                Ok(node) if node.handle == enrolled.handle => place.owner(node.shard),
                Ok(_) => return Way::Drop,
                Err(_) => return Way::Stray,
            },
            Form::Long { .. } if id.len() == ROUTE_TOKEN_LEN => {
                match enrolled.doors.open_token(id, unix_now()) {
                    Ok(token) if token.handle == enrolled.handle => place.chosen(token.any),
                    _ => return Way::Drop,
                }
            }
            Form::Long { .. } => match enrolled.shard_of(id) {
                Some(number) => place.owner(number),
                None => return Way::Drop,
            },
        };
        if shard == place.number {
            Way::Here
        } else {
            Way::To(shard)
        }
    }
}

impl Enrolled {
    /// Which shard made an ID, if it is one of this endpoint's.
    fn shard_of(&self, id: &[u8]) -> Option<u8> {
        let node = self.doors.open_short(id).ok()?;
        (node.handle == self.handle).then_some(node.shard)
    }
}

fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
