//! Names, parsed on construction: whoever holds one holds a valid one, and it prints what it parsed.
//!
//! All of them compare as whole strings or label by label; no character in a name is ever a pattern (P-12).

mod as_string;
mod cluster_name;
mod host_port;
mod invalid_name;
mod label;
mod locality;
mod mesh_host;
mod path_pattern;
mod service_name;
mod spiffe_id;
mod trust_domain;

pub use cluster_name::ClusterName;
pub use host_port::HostPort;
pub use invalid_name::InvalidName;
pub use label::Label;
pub use locality::Locality;
pub use mesh_host::{MeshHost, Scope};
pub use path_pattern::PathPattern;
pub(crate) use path_pattern::is_ambiguous;
pub use service_name::ServiceName;
pub use spiffe_id::{Role, SpiffeId, SpiffeIdError};
pub use trust_domain::TrustDomain;
