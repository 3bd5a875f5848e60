//! What of a peer's catalog is let in: only what is in that peer's lane (P-17). Pure.
//!
//! A peer may speak of services of its own cluster, served by workloads of its own trust domain. What it says of anybody else is left
//! out; a catalog over the limits, or older than one already taken (P-10), is refused whole, and that peer alone suffers.

use std::collections::BTreeSet;
use std::time::Duration;

use prost::Message as _;
use protocol::cid::Capability;
use protocol::name::{HostPort, Role, TrustDomain};
use protocol::view::{BundleData, Export};
use protocol::wire::{self, InvalidMessage, v1};

use super::lease;
use crate::state::Imports;

/// The version of catalogs that this software understands.
pub(crate) const CATALOG_VERSION: u32 = 1;
/// The most gateways that a peer may have.
pub(crate) const MAX_GATEWAYS: usize = 64;

/// What was let in.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) imports: Imports,
    pub(crate) bundle: BundleData,
    pub(crate) gateways: Vec<HostPort>,
    pub(crate) capability: Option<Capability>,
    pub(crate) lease: Duration,
    /// What was left out, and why.
    pub(crate) left_out: Vec<OutOfLane>,
}

/// An entry that isn't in the peer's lane.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum OutOfLane {
    #[error("an entry is invalid: {0}")]
    Invalid(#[from] InvalidMessage),
    #[error("{service} is said to be served by {id}, which is no workload of {trust_domain}")]
    Identity {
        service: String,
        id: String,
        trust_domain: TrustDomain,
    },
    #[error("{service} is there twice")]
    Twice { service: String },
}

/// Why a catalog is refused whole.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum CatalogRefused {
    #[error("the catalog has the version {0}, and this software reads version {CATALOG_VERSION}")]
    Version(u32),
    #[error(
        "the catalog has {entries} entries, and at most {} are taken",
        wire::CATALOG_EXPORTS
    )]
    Entries { entries: usize },
    #[error(
        "the catalog has {bytes} bytes, and at most {} are taken",
        wire::CATALOG_BYTES
    )]
    Bytes { bytes: usize },
    #[error("the catalog's sequence goes back: {held} is held, {got} came")]
    Rollback { held: u64, got: u64 },
    #[error("the catalog carries a bundle of {got}, and the peer is of {trust_domain}")]
    ForeignBundle {
        got: TrustDomain,
        trust_domain: TrustDomain,
    },
    #[error("the catalog is invalid: {0}")]
    Invalid(#[from] InvalidMessage),
}

impl CatalogRefused {
    /// The label of the metric.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::Version(_) => "version",
            Self::Entries { .. } | Self::Bytes { .. } => "limit",
            Self::Rollback { .. } => "rollback",
            Self::ForeignBundle { .. } => "foreign_bundle",
            Self::Invalid(_) => "invalid",
        }
    }
}

/// Lets in what is in the lane of the peer of that trust domain.
pub(crate) fn admit(
    trust_domain: &TrustDomain,
    held_sequence: u64,
    catalog: v1::Catalog,
) -> Result<Admitted, CatalogRefused> {
    check_limits(&catalog)?;
    if catalog.sequence < held_sequence {
        return Err(CatalogRefused::Rollback {
            held: held_sequence,
            got: catalog.sequence,
        });
    }
    let bundle = BundleData::try_from(catalog.bundle.unwrap_or_default())?;
    if &bundle.trust_domain != trust_domain {
        return Err(CatalogRefused::ForeignBundle {
            got: bundle.trust_domain,
            trust_domain: trust_domain.clone(),
        });
    }
    let (services, left_out) = in_lane(trust_domain, catalog.exports);
    Ok(Admitted {
        imports: Imports {
            sequence: catalog.sequence,
            services,
        },
        bundle,
        gateways: gateways(&catalog.gateways)?,
        capability: catalog.capability.map(Capability::try_from).transpose()?,
        lease: lease::granted(catalog.lease_millis),
        left_out,
    })
}

fn check_limits(catalog: &v1::Catalog) -> Result<(), CatalogRefused> {
    if catalog.version != CATALOG_VERSION {
        return Err(CatalogRefused::Version(catalog.version));
    }
    if catalog.exports.len() > wire::CATALOG_EXPORTS {
        return Err(CatalogRefused::Entries {
            entries: catalog.exports.len(),
        });
    }
    let bytes = catalog.encoded_len();
    if bytes > wire::CATALOG_BYTES {
        return Err(CatalogRefused::Bytes { bytes });
    }
    Ok(())
}

/// Parses a peer's gateways.
pub(crate) fn gateways(texts: &[String]) -> Result<Vec<HostPort>, InvalidMessage> {
    if texts.len() > MAX_GATEWAYS {
        return Err(InvalidMessage::new(
            "gateways",
            format!("there are more than {MAX_GATEWAYS}"),
        ));
    }
    texts
        .iter()
        .map(|text| HostPort::parse(text).map_err(|error| InvalidMessage::new("gateways", error)))
        .collect()
}

fn in_lane(trust_domain: &TrustDomain, exports: Vec<v1::Export>) -> (Vec<Export>, Vec<OutOfLane>) {
    let (mut services, mut left_out, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for export in exports {
        match check_lane(trust_domain, export) {
            Ok(export) if !seen.insert(export.service.clone()) => {
                left_out.push(OutOfLane::Twice {
                    service: export.service.to_string(),
                });
            }
            Ok(export) => services.push(export),
            Err(why) => left_out.push(why),
        }
    }
    services.sort_by(|a, b| a.service.cmp(&b.service));
    (services, left_out)
}

fn check_lane(trust_domain: &TrustDomain, export: v1::Export) -> Result<Export, OutOfLane> {
    let export = Export::try_from(export)?;
    let foreign = export.endpoints.iter().find(|endpoint| {
        endpoint.spiffe_id.trust_domain() != trust_domain
            || !matches!(endpoint.spiffe_id.role(), Role::Workload { .. })
    });
    match foreign {
        None => Ok(export),
        Some(endpoint) => Err(OutOfLane::Identity {
            service: export.service.to_string(),
            id: endpoint.spiffe_id.to_string(),
            trust_domain: trust_domain.clone(),
        }),
    }
}

#[cfg(test)]
mod tests;
