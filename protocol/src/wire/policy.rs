//! Authorization policies: one that can't be read makes its View unreadable, so that nothing becomes more permissive (P-12).

use super::{InvalidMessage, field, v1};
use crate::authorization::{Action, Policy, Principal, Rule};

impl From<&Policy> for v1::AuthorizationPolicy {
    fn from(policy: &Policy) -> Self {
        Self {
            namespace: policy.namespace.to_string(),
            name: policy.name.to_string(),
            targets: field::messages(&policy.targets),
            deny: policy.action == Action::Deny,
            rules: field::messages(&policy.rules),
        }
    }
}

impl TryFrom<v1::AuthorizationPolicy> for Policy {
    type Error = InvalidMessage;
    fn try_from(message: v1::AuthorizationPolicy) -> Result<Self, InvalidMessage> {
        Ok(Self {
            namespace: field::parse("namespace", &message.namespace)?,
            name: field::parse("name", &message.name)?,
            targets: field::each("targets", message.targets)?,
            action: if message.deny {
                Action::Deny
            } else {
                Action::Allow
            },
            rules: field::each("rules", message.rules)?,
        })
    }
}

impl From<&Rule> for v1::AuthorizationRule {
    fn from(rule: &Rule) -> Self {
        Self {
            from: field::messages(&rule.from),
            methods: rule.methods.clone(),
            paths: field::texts(&rule.paths),
        }
    }
}

impl TryFrom<v1::AuthorizationRule> for Rule {
    type Error = InvalidMessage;
    fn try_from(message: v1::AuthorizationRule) -> Result<Self, InvalidMessage> {
        if let Some(at) = message.methods.iter().position(|m| !is_method(m)) {
            return Err(InvalidMessage::new(
                format!("methods[{at}]"),
                "it is not an HTTP method",
            ));
        }
        Ok(Self {
            from: field::each("from", message.from)?,
            methods: message.methods,
            paths: field::parse_each("paths", &message.paths)?,
        })
    }
}

fn is_method(text: &str) -> bool {
    http::Method::from_bytes(text.as_bytes()).is_ok()
}

impl From<&Principal> for v1::Principal {
    fn from(principal: &Principal) -> Self {
        match principal {
            Principal::Id(id) => Self {
                spiffe_id: id.to_string(),
                ..Self::default()
            },
            Principal::Workloads {
                trust_domain,
                namespace,
                service_account,
            } => Self {
                trust_domain: field::text(trust_domain.as_ref()),
                namespace: field::text(namespace.as_ref()),
                service_account: field::text(service_account.as_ref()),
                spiffe_id: String::new(),
            },
        }
    }
}

impl TryFrom<v1::Principal> for Principal {
    type Error = InvalidMessage;
    fn try_from(message: v1::Principal) -> Result<Self, InvalidMessage> {
        let others = [
            &message.trust_domain,
            &message.namespace,
            &message.service_account,
        ];
        match field::parse_optional("spiffe_id", &message.spiffe_id)? {
            Some(id) if others.iter().all(|text| text.is_empty()) => Ok(Self::Id(id)),
            Some(_) => Err(InvalidMessage::new(
                "spiffe_id",
                "it stands beside other conditions",
            )),
            None => Ok(Self::Workloads {
                trust_domain: field::parse_optional("trust_domain", &message.trust_domain)?,
                namespace: field::parse_optional("namespace", &message.namespace)?,
                service_account: field::parse_optional(
                    "service_account",
                    &message.service_account,
                )?,
            }),
        }
    }
}
