//! `ServiceExport` (MCS): a service offered to peers. MCS has no field for whom, so an annotation names them.

use std::{collections::BTreeSet, fmt, str::FromStr};

use super::{Metadata, field::Field, fields::Fields, node::Node};
use crate::name::{ClusterName, InvalidName, ServiceName};

/// The annotation that names the peers.
pub const EXPORT_TO: &str = "weft.dev/to";

/// The export of the service of the same namespace and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceExport {
    /// Its name, which is the service's; [`EXPORT_TO`] isn't among its annotations.
    pub metadata: Metadata,
    /// Who sees it.
    pub to: ExportTo,
}

/// The peers that see an exported service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportTo {
    /// All there are and will be: `*`.
    All,
    /// Those named; without the annotation nobody.
    Peers(BTreeSet<ClusterName>),
}

impl ExportTo {
    /// Tells whether `peer` sees it.
    pub fn includes(&self, peer: &ClusterName) -> bool {
        match self {
            Self::All => true,
            Self::Peers(peers) => peers.contains(peer),
        }
    }

    fn is_nobody(&self) -> bool {
        matches!(self, Self::Peers(peers) if peers.is_empty())
    }
}

/// Reads `east,apac` or `*`.
impl FromStr for ExportTo {
    type Err = InvalidName;
    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if text.trim() == "*" {
            return Ok(Self::All);
        }
        text.split(',')
            .map(|peer| ClusterName::parse(peer.trim()))
            .collect::<Result<_, _>>()
            .map(Self::Peers)
    }
}

impl fmt::Display for ExportTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Peers(peers) => f.write_str(
                &peers
                    .iter()
                    .map(ClusterName::as_str)
                    .collect::<Vec<_>>()
                    .join(","),
            ),
        }
    }
}

impl ServiceExport {
    /// Offers a service.
    pub fn new(service: &ServiceName, to: ExportTo) -> Self {
        Self {
            metadata: Metadata::new(service.namespace.clone(), service.name.clone()),
            to,
        }
    }

    /// Names the service that is offered.
    pub fn service_name(&self) -> ServiceName {
        self.metadata.service_name()
    }

    pub(super) fn check(mut metadata: Metadata, envelope: &Fields<'_>) -> Option<Self> {
        if let Some(spec) = envelope.optional("spec") {
            spec.wrong_try(
                "a ServiceExport has none",
                format!("name the peers in the annotation {EXPORT_TO}"),
            );
        }
        let nobody = ExportTo::Peers(BTreeSet::new());
        let to = metadata
            .annotations
            .remove(EXPORT_TO)
            .map_or(Some(nobody), |_| annotation(envelope));
        Some(Self { metadata, to: to? })
    }

    pub(super) fn metadata_node(&self) -> Node {
        let mut metadata = self.metadata.clone();
        if !self.to.is_nobody() {
            metadata
                .annotations
                .insert(EXPORT_TO.to_owned(), self.to.to_string());
        }
        metadata.to_node()
    }
}

/// Reads the annotation where it stands, so that a problem has its line.
fn annotation(envelope: &Fields<'_>) -> Option<ExportTo> {
    let metadata = envelope.optional("metadata")?;
    let (_, annotations) = metadata
        .entries()?
        .into_iter()
        .find(|(key, _)| *key == "annotations")?;
    let (_, value) = annotations
        .entries()?
        .into_iter()
        .find(|(key, _)| *key == EXPORT_TO)?;
    let field = Field {
        path: format!("metadata.annotations[{EXPORT_TO:?}]"),
        ..value
    };
    field.parse()
}
