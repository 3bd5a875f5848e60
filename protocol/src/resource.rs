//! What people write in YAML, Kubernetes-shaped: text → tree with positions → checked [`Resource`].
//!
//! ```text
//! text ──yaml──> Node tree ──manifest──> envelope: apiVersion, kind, metadata ──one file a kind──> Resource
//!                                   └─ every problem on the way is collected, with its line, field and a hint ─┘
//! ```
//! [`parse`] is the only way in. Nobody downstream checks again; `to_yaml` prints what parses to the same.

mod authorization_policy;
pub mod defaults;
mod duration;
mod failover_policy;
mod field;
mod fields;
mod kind;
mod manifest;
mod metadata;
mod node;
mod percent;
mod problem;
mod report;
mod resource_name;
mod service;
mod service_export;
mod stored;
mod suggestion;
mod target_ref;
mod workload;
mod yaml;

pub use authorization_policy::{AuthorizationPolicy, Caller, PolicyRule, Request};
pub use duration::{InvalidDuration, format_duration, parse_duration};
pub use failover_policy::FailoverPolicy;
pub use kind::{Kind, UnknownKind};
pub use manifest::{CONFIG_BYTES, parse};
pub use metadata::Metadata;
pub use percent::{InvalidPercent, Percent};
pub use problem::{Problem, Problems};
pub use resource_name::ResourceName;
pub use service::Service;
pub use service_export::{EXPORT_TO, ExportTo, ServiceExport};
pub use workload::{Serves, Workload};

/// A checked resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// A named set of endpoints.
    Service(Service),
    /// A program on a node.
    Workload(Workload),
    /// A service offered to peers.
    ServiceExport(ServiceExport),
    /// Where a service is sought, in which order.
    FailoverPolicy(FailoverPolicy),
    /// Who may call.
    AuthorizationPolicy(AuthorizationPolicy),
}

impl Resource {
    /// Tells its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Service(_) => Kind::Service,
            Self::Workload(_) => Kind::Workload,
            Self::ServiceExport(_) => Kind::ServiceExport,
            Self::FailoverPolicy(_) => Kind::FailoverPolicy,
            Self::AuthorizationPolicy(_) => Kind::AuthorizationPolicy,
        }
    }

    /// Shows its metadata.
    pub fn metadata(&self) -> &Metadata {
        match self {
            Self::Service(service) => &service.metadata,
            Self::Workload(workload) => &workload.metadata,
            Self::ServiceExport(export) => &export.metadata,
            Self::FailoverPolicy(policy) => &policy.metadata,
            Self::AuthorizationPolicy(policy) => &policy.metadata,
        }
    }

    /// Names it: kind, namespace, name.
    pub fn name(&self) -> ResourceName {
        let metadata = self.metadata();
        ResourceName {
            kind: self.kind(),
            namespace: metadata.namespace.clone(),
            name: metadata.name.clone(),
        }
    }

    /// Prints it as one YAML document that parses to the same resource.
    pub fn to_yaml(&self) -> String {
        yaml::write(&manifest::to_node(self))
    }
}

#[cfg(test)]
mod tests;
