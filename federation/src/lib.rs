//! The federation controller: it holds what a cluster knows, replicates it, compiles it to Views and keeps links to its peers.
//!
//! ```text
//!   weft CLI ──unix socket──> api ──┐                 ┌──> push ──View──> nodes, gateways
//!   hosts that join ──enrol─────────┤                 │
//!   peers that join ──peer/join─────┼──> store ──> state ──> compile
//!   peers' catalogs ──peer/link─────┘   (Raft)         └──> catalog/export ──> peers' controllers
//! ```
//!
//! It isn't a data path: no request of an app passes here, and nodes keep serving when it is away. Start reading at
//! [`controller`], then [`state::change`], which is the controller's whole power on one page.

mod api;
mod audit;
mod authority;
mod catalog;
mod compile;
pub mod controller;
mod enrol;
pub mod metrics;
mod peer;
mod push;
pub mod state;
pub mod store;

pub use authority::AuthorityStartError;
pub use controller::{Controller, ControllerSettings, RunError, StartError};
