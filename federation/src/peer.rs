//! A peer's life, from the invitation to its removal, and the link that two controllers keep.
//!
//! ```text
//!             invited/joined           catalog            silent > lease          silent > lease + grace
//!   (nobody) ───────────────> PENDING ─────────> READY ─────────────────> STALE ──────────────────────> UNREACHABLE
//!                                │                ^ └──────────────────────┘ │                               │
//!                                └── no link ─────┼──────────────────────────┴── refused by the peer ───────>┤
//!                                                 └──────────────────────────── catalog ─────────────────────┘
//!   remove: from anywhere to (nobody), with selectors, bundle and imports
//! ```

mod contact;
pub(crate) mod dial;
pub(crate) mod invite;
pub(crate) mod join;
pub(crate) mod link;
pub(crate) mod remove;
pub(crate) mod sync;

pub(crate) use contact::{Contacts, LinkState};
