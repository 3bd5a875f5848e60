//! Server names.

use super::{InvalidMessage, SERVER_NAME_BYTES, field, v1};
use crate::view::ServerName;

impl From<&ServerName> for v1::ServerName {
    fn from(name: &ServerName) -> Self {
        Self {
            name: name.name.clone(),
            service: Some((&name.service).into()),
            spiffe_id: name.spiffe_id.to_string(),
            trust_domain: name.trust_domain.to_string(),
        }
    }
}

impl TryFrom<v1::ServerName> for ServerName {
    type Error = InvalidMessage;
    fn try_from(message: v1::ServerName) -> Result<Self, InvalidMessage> {
        Ok(Self {
            name: server_name("name", message.name)?,
            service: field::nested("service", message.service)?,
            spiffe_id: field::parse("spiffe_id", &message.spiffe_id)?,
            trust_domain: field::parse("trust_domain", &message.trust_domain)?,
        })
    }
}

/// Checks that TLS can carry it: labels of `[a-z0-9-]` with dots between them.
pub(super) fn server_name(field: &str, name: String) -> Result<String, InvalidMessage> {
    let is_label = |label: &str| crate::name::Label::parse(label).is_ok();
    if name.len() > SERVER_NAME_BYTES || !name.split('.').all(is_label) {
        return Err(InvalidMessage::new(
            field,
            "it is not a DNS name in lower case",
        ));
    }
    Ok(name)
}
