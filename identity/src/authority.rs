//! What signs SVIDs: a root that is used seldom, and an intermediate that is online.
//!
//! ```text
//!   root, 5 years ──signs──> intermediate, 1 year, issues leaves only ──signs──> SVID, an hour
//! ```
//! The issuer takes the identity from its own records; of a request only the key counts (P-11).

mod certificate;
mod error;
mod intermediate;
mod issue;
mod root;

pub use error::{AuthorityError, IssueError, LoadAuthorityError};
pub use intermediate::IntermediateAuthority;
pub use root::RootAuthority;
