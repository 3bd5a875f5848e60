//! Shards: several endpoints on one UDP port, each on a thread of its own that shares nothing else with the others.
//!
//! Every shard has a socket of its own (`SO_REUSEPORT`), and the kernel spreads datagrams over them by address, which says nothing
//! about whose they are: a caller that moved, and everything that comes through one gateway, may arrive anywhere. The connection ID
//! says whose they are. What is another shard's goes into that shard's [`Inbox`] before QUIC sees it: a wrong shard would answer
//! with a stateless reset that is good, and end a living connection (TRANSPORT finding 9).
//!
//! ```text
//! UDP port ─┬─ socket 0 ── Door 0 ── quinn 0        Door: opens the ID; its own shard's go on,
//!           │                │  ^                   another's are put into that one's inbox
//!           │        inbox 1 v  │ inbox 0
//!           └─ socket 1 ── Door 1 ── quinn 1
//! ```

mod inbox;
mod port;
mod seat;
mod switchboard;

pub use seat::Seat;

pub(crate) use inbox::Handed;
pub(crate) use port::{bind_first, bind_next};
pub(crate) use seat::Settings;
pub(crate) use switchboard::{Place, Switchboard};

#[cfg(test)]
mod tests;
