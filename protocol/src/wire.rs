//! Messages on the wire ⇄ domain types: here and nowhere else.
//!
//! `From<&Domain>` makes a message and never fails; `TryFrom<Message>` checks every field and says which one is wrong. One file a
//! family of messages.

mod bundle;
mod endpoint;
mod export;
mod failover;
mod field;
mod invalid_message;
mod limits;
mod policy;
mod role;
mod routing;
mod server_name;
mod service;
mod view;
mod workload;

pub use invalid_message::InvalidMessage;
pub use limits::{
    BUNDLE_BYTES, BUNDLE_ROOTS, CATALOG_BYTES, CATALOG_ENDPOINTS, CATALOG_EXPORTS,
    SERVER_NAME_BYTES,
};
pub use view::VIEW_SCHEMA;

/// The generated messages of `proto/weft/v1/`.
#[allow(
    missing_docs,
    clippy::all,
    reason = "generated code; its documentation is in the .proto files"
)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/weft.v1.rs"));
}

#[cfg(test)]
mod tests;
