//! What both sides of Weft agree on, as data and pure decisions.
//!
//! This crate does no I/O, asks no clock, draws no randomness that it wasn't handed, and needs no runtime: a caller passes `now`
//! and random bytes in. Everything here can be property-tested, fuzzed and simulated as it is.
//!
//! | to find | look at |
//! | --- | --- |
//! | names: SPIFFE IDs, services, clusters, hosts that apps call | [`name`] |
//! | what people write in YAML | [`resource`] |
//! | what one node or gateway is told | [`view`], [`wire`] |
//! | connection IDs, route tokens, the sealed gateway's decision | [`cid`], [`packet`], [`forward`] |
//! | the framing between nodes | [`frame`], [`datagram`] |
//! | who may call | [`authorization`] |
//! | how a cluster or host is let in | [`invitation`] |

pub mod authorization;
pub mod cid;
pub mod datagram;
pub mod forward;
pub mod frame;
pub mod invitation;
pub mod name;
pub mod packet;
pub mod resource;
pub mod view;
pub mod wire;
