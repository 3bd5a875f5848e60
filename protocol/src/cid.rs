//! Connection IDs: what a gateway, a node and a caller agree on about the only part of a packet that they may all read.
//!
//! ```text
//! N-ID, 17 bytes, made by nodes            byte 0     ccc 10000     generation; 16 = length - 1
//!                                          1..17      AES-128-ECB(K_route[ccc], handle u32 | shard u8 | zero u24 | nonce 64)
//! T-ID, 20 bytes, first ID of a dial       byte 0     ccc 10011     generation; 19 = length - 1
//!                                          1..4       selector u24
//!                                          4..20      AES-128-ECB(K_sel, handle u32 | any u8 | zero u24 | nonce 64)
//!                                          K_sel = HKDF-Expand(K_route[ccc], "weft route token v1" || selector, 16)
//! ```
//! The zeros and the sparseness of handles are the tag: one block says whether an ID was made by a holder of the key. It is a
//! noise filter and a routing label, never authority. Whoever holds [`RoutingKeys`] opens both kinds through [`Doors`]; a peer
//! holds a [`Capability`], from which it makes T-IDs and nothing else.

mod allowed_selector;
mod capability;
mod cipher;
mod doors;
mod drop_reason;
mod generation;
mod handle;
mod node_id;
mod routing_key;
mod routing_keys;
mod selector;

pub use allowed_selector::AllowedSelector;
pub use capability::Capability;
pub use doors::{Doors, RouteToken};
pub use drop_reason::DropReason;
pub use generation::{Generation, GenerationError};
pub use handle::{Handle, HandleError};
pub use node_id::NodeId;
pub use routing_key::RoutingKey;
pub use routing_keys::{RoutingKeys, RoutingKeysError};
pub use selector::{Selector, SelectorError};

/// The length of an ID made by a node, and so of the ID in each short header.
pub const NODE_ID_LEN: usize = 17;
/// The length of a route token, the first destination ID of a dial.
pub const ROUTE_TOKEN_LEN: usize = 20;
/// The length of a routing key and of a capability's key.
pub const KEY_LEN: usize = 16;
/// A datagram that carries a client's Initial is never shorter (RFC 9000, 14.1).
pub const MIN_INITIAL_DATAGRAM: usize = 1200;

#[cfg(test)]
mod tests;
