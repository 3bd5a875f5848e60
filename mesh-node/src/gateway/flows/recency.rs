//! The order of use: slots in a doubly linked list, as numbers in a vector. Each step takes the same time however long it is.

/// Slots from the one used longest ago to the one used last.
#[derive(Debug, Default)]
pub(super) struct Recency {
    links: Vec<Link>,
    oldest: Option<usize>,
    newest: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Link {
    older: Option<usize>,
    newer: Option<usize>,
}

impl Recency {
    /// Appends a slot that isn't in the list, as the one used last.
    pub(super) fn push(&mut self, slot: usize) {
        if self.links.len() <= slot {
            self.links.resize(slot + 1, Link::default());
        }
        self.links[slot] = Link {
            older: self.newest,
            newer: None,
        };
        match self.newest {
            Some(newest) => self.links[newest].newer = Some(slot),
            None => self.oldest = Some(slot),
        }
        self.newest = Some(slot);
    }

    /// Takes a slot out that is in the list.
    pub(super) fn unlink(&mut self, slot: usize) {
        let Link { older, newer } = std::mem::take(&mut self.links[slot]);
        match older {
            Some(older) => self.links[older].newer = newer,
            None => self.oldest = newer,
        }
        match newer {
            Some(newer) => self.links[newer].older = older,
            None => self.newest = older,
        }
    }

    /// Returns the slot used longest ago.
    pub(super) fn oldest(&self) -> Option<usize> {
        self.oldest
    }
}
