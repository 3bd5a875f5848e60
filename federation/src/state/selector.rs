//! The door list: which selectors gateways, nodes and controllers let in, from whom, until when.

use protocol::cid::{AllowedSelector, Selector};

use super::{Refusal, State, UnixSeconds};

/// For selectors whose end is their removal: the last second of the year 9999.
pub const WITHOUT_END: UnixSeconds = 253_402_300_799;

impl State {
    /// Adds a selector whose number nobody has; the proposer draws again on a clash.
    pub(super) fn claim_selector(&mut self, allowed: AllowedSelector) -> Result<(), Refusal> {
        if allowed.selector.number() == 0 || self.selectors.contains_key(&allowed.selector) {
            return Err(Refusal::Clash);
        }
        self.selectors.insert(allowed.selector, allowed);
        Ok(())
    }

    /// The door list entry of somebody who is only joining: it leads to the controller alone.
    pub(super) fn joining(&self, selector: Selector, not_after: UnixSeconds) -> AllowedSelector {
        AllowedSelector {
            selector,
            peer: None,
            not_after,
            only_handle: self.controller_handle(),
        }
    }
}
