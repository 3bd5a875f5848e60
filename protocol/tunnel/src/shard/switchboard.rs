//! Where the shards of one port meet: an inbox for each of them.

use std::num::NonZeroU8;
use std::sync::Arc;

use super::inbox::{Handed, Inbox};

/// The inboxes of all shards of one port.
#[derive(Debug)]
pub(crate) struct Switchboard {
    inboxes: Box<[Inbox]>,
}

/// One shard's place among them.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) number: u8,
    switchboard: Arc<Switchboard>,
}

impl Switchboard {
    /// Makes a place for every shard, the first one's first.
    pub(crate) fn places(shards: NonZeroU8) -> Vec<Place> {
        let inboxes = (0..shards.get()).map(|_| Inbox::default()).collect();
        let switchboard = Arc::new(Self { inboxes });
        let place = |number| Place {
            number,
            switchboard: Arc::clone(&switchboard),
        };
        (0..shards.get()).map(place).collect()
    }

    /// Datagrams handed from shard to shard so far, and those lost by it.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let each = self.inboxes.iter().map(Inbox::counts);
        each.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1))
    }
}

impl Place {
    /// How many shards there are.
    pub(crate) fn shards(&self) -> u8 {
        self.switchboard.inboxes.len() as u8
    }

    /// Whose a connection ID is that carries `number`. One that no shard has, as after a restart with fewer of them, is a certain
    /// one's all the same: it tells the caller that the connection is gone.
    pub(crate) fn owner(&self, number: u8) -> u8 {
        number % self.shards()
    }

    /// Whether a connection ID that carries `number` is this shard's to answer for.
    pub(crate) fn owns(&self, number: u8) -> bool {
        self.owner(number) == self.number
    }

    /// Who shall have a connection whose first token says `any`: chance decides where it says nothing.
    pub(crate) fn chosen(&self, any: u8) -> u8 {
        match any.checked_sub(1) {
            Some(round) => round % self.shards(),
            None => self.number,
        }
    }

    pub(crate) fn inbox(&self) -> &Inbox {
        &self.switchboard.inboxes[usize::from(self.number)]
    }

    pub(crate) fn board(&self) -> &Switchboard {
        &self.switchboard
    }

    /// Hands over what was sorted out, shard by shard.
    pub(crate) fn hand_over(&self, mut sorted_out: Vec<(u8, Handed)>) {
        // Stable: a sender's datagrams keep their order.
        sorted_out.sort_by_key(|(to, _)| *to);
        let mut rest = sorted_out.into_iter().peekable();
        while let Some(&(to, _)) = rest.peek() {
            let of_one = std::iter::from_fn(|| rest.next_if(|(next, _)| *next == to));
            self.switchboard.inboxes[usize::from(to)].put(of_one.map(|(_, handed)| handed));
        }
    }

    /// Shows a datagram whose ID nothing opens to all other shards: one of them may know it as a stateless reset.
    pub(crate) fn show_around(&self, stray: &Handed) {
        for (number, inbox) in self.switchboard.inboxes.iter().enumerate() {
            if number != usize::from(self.number) {
                inbox.offer(Handed {
                    meta: stray.meta,
                    bytes: stray.bytes.clone(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn every_number_has_one_owner() {
        let places = Switchboard::places(NonZeroU8::new(3).unwrap());
        for number in 0..=u8::MAX {
            let owners = places.iter().filter(|place| place.owns(number)).count();
            assert_eq!(owners, 1, "{number}");
        }
        assert!(places[2].owns(2));
    }

    #[test]
    fn a_token_that_asks_for_nobody_stays_where_it_came() {
        for place in Switchboard::places(NonZeroU8::new(4).unwrap()) {
            assert_eq!(place.chosen(0), place.number);
            assert_eq!(
                (place.chosen(1), place.chosen(4), place.chosen(5)),
                (0, 3, 0)
            );
        }
    }
}
