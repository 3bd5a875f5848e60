//! `Service`: a named set of endpoints that others call.

mod declaration;

use super::{Metadata, field::Field, fields::Fields, node::Node};
use crate::{
    name::{PathPattern, ServiceName},
    view::Protocol,
};

/// A service; its endpoints are the workloads that serve it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its name.
    pub metadata: Metadata,
    /// What its workloads speak: as declared in any of three ways, else to be detected.
    pub protocol: Protocol,
    /// Paths of which a repeat does no harm.
    pub idempotent: Vec<PathPattern>,
}

impl Service {
    /// Names it.
    pub fn service_name(&self) -> ServiceName {
        self.metadata.service_name()
    }

    pub(super) fn check(metadata: Metadata, envelope: &Fields<'_>) -> Option<Self> {
        let defaults = Self {
            metadata,
            protocol: Protocol::default(),
            idempotent: Vec::new(),
        };
        let Some(spec) = envelope.optional("spec") else {
            return Some(defaults);
        };
        let spec = spec.fields(&["protocol", "appProtocol", "portName", "idempotent"])?;
        Some(Self {
            protocol: declaration::protocol(&spec),
            idempotent: spec.or("idempotent", |f| f.each(Field::parse), Vec::new()),
            ..defaults
        })
    }

    pub(super) fn spec(&self) -> Node {
        let idempotent = (!self.idempotent.is_empty()).then(|| Node::texts(&self.idempotent));
        Node::map([
            ("protocol", Some(Node::text(self.protocol))),
            ("idempotent", idempotent),
        ])
    }
}
