//! Services that can be called.

use super::{InvalidMessage, field, v1};
use crate::view::Service;

impl From<&Service> for v1::Service {
    fn from(service: &Service) -> Self {
        Self {
            service: Some((&service.name).into()),
            protocol: service.protocol.to_string(),
            idempotent: field::texts(&service.idempotent),
            endpoints: field::messages(&service.endpoints),
            failover: Some((&service.failover).into()),
        }
    }
}

impl TryFrom<v1::Service> for Service {
    type Error = InvalidMessage;
    fn try_from(message: v1::Service) -> Result<Self, InvalidMessage> {
        Ok(Self {
            name: field::nested("service", message.service)?,
            protocol: field::parse("protocol", &message.protocol)?,
            idempotent: field::parse_each("idempotent", &message.idempotent)?,
            endpoints: field::each("endpoints", message.endpoints)?,
            failover: message.failover.map_or_else(
                || Ok(Default::default()),
                |f| field::nested("failover", Some(f)),
            )?,
        })
    }
}
