//! Entries of a peer's catalog, in both directions; a peer is never believed to speak of addresses or of other peers (P-17).

use super::{CATALOG_ENDPOINTS, InvalidMessage, field, v1};
use crate::view::{Endpoint, Export};

impl From<&Export> for v1::Export {
    fn from(export: &Export) -> Self {
        let abroad = |endpoint: &Endpoint| v1::Endpoint {
            peer: String::new(),
            address: String::new(),
            ..endpoint.into()
        };
        Self {
            service: Some((&export.service).into()),
            protocol: export.protocol.to_string(),
            idempotent: field::texts(&export.idempotent),
            endpoints: export.endpoints.iter().map(abroad).collect(),
        }
    }
}

impl TryFrom<v1::Export> for Export {
    type Error = InvalidMessage;
    fn try_from(message: v1::Export) -> Result<Self, InvalidMessage> {
        if message.endpoints.len() > CATALOG_ENDPOINTS {
            return Err(InvalidMessage::new(
                "endpoints",
                format!("there are more than {CATALOG_ENDPOINTS}"),
            ));
        }
        let endpoints: Vec<Endpoint> = field::each("endpoints", message.endpoints)?;
        if let Some(at) = endpoints
            .iter()
            .position(|e| e.peer.is_some() || e.address.is_some())
        {
            return Err(InvalidMessage::new(
                format!("endpoints[{at}]"),
                "an exported endpoint has neither peer nor address",
            ));
        }
        Ok(Self {
            service: field::nested("service", message.service)?,
            protocol: field::parse("protocol", &message.protocol)?,
            idempotent: field::parse_each("idempotent", &message.idempotent)?,
            endpoints,
        })
    }
}
