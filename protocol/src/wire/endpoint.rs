//! Endpoints.

use super::{InvalidMessage, field, server_name::server_name, v1};
use crate::view::Endpoint;

impl From<&Endpoint> for v1::Endpoint {
    fn from(endpoint: &Endpoint) -> Self {
        Self {
            peer: field::text(endpoint.peer.as_ref()),
            handle: endpoint.handle.into(),
            address: field::text(endpoint.address.as_ref()),
            server_name: endpoint.server_name.clone(),
            spiffe_id: endpoint.spiffe_id.to_string(),
            locality: endpoint.locality.to_string(),
            weight: endpoint.weight,
            healthy: endpoint.healthy,
            workload: endpoint.workload.to_string(),
        }
    }
}

impl TryFrom<v1::Endpoint> for Endpoint {
    type Error = InvalidMessage;
    fn try_from(message: v1::Endpoint) -> Result<Self, InvalidMessage> {
        Ok(Self {
            peer: field::parse_optional("peer", &message.peer)?,
            handle: field::check("handle", message.handle)?,
            address: field::parse_optional("address", &message.address)?,
            server_name: server_name("server_name", message.server_name)?,
            spiffe_id: field::parse("spiffe_id", &message.spiffe_id)?,
            locality: field::parse("locality", &message.locality)?,
            weight: message.weight,
            healthy: message.healthy,
            workload: field::parse("workload", &message.workload)?,
        })
    }
}
