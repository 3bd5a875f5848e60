//! `AuthorizationPolicy`: who may call a service, and who may not.

mod caller;
mod request;
mod resolve;

pub use caller::Caller;
pub use request::Request;

use super::{Metadata, field::Field, fields::Fields, node::Node, target_ref};
use crate::{authorization::Action, name::ServiceName};

/// A policy for some services of its namespace, as its owner writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationPolicy {
    /// Its name.
    pub metadata: Metadata,
    /// The services that it covers.
    pub targets: Vec<ServiceName>,
    /// What it does.
    pub action: Action,
    /// Whom and what it does it to.
    pub rules: Vec<PolicyRule>,
}

/// One of `from` asking for one of `to`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyRule {
    /// Empty: anybody.
    pub from: Vec<Caller>,
    /// Empty: anything.
    pub to: Vec<Request>,
}

impl AuthorizationPolicy {
    pub(super) fn check(metadata: Metadata, envelope: &Fields<'_>) -> Option<Self> {
        let spec = envelope
            .required("spec")?
            .fields(&["targetRefs", "action", "rules"])?;
        let targets = target_ref::check(&spec, &metadata.namespace);
        let action = spec.or("action", action, Action::Allow);
        let rules = spec.or("rules", |f| f.each(rule), Vec::new());
        if rules.is_empty() && action == Action::Deny {
            spec.wrong("a Deny without rules denies nothing");
        }
        Some(Self {
            metadata,
            targets: targets?,
            action,
            rules,
        })
    }

    pub(super) fn spec(&self) -> Node {
        let action = match self.action {
            Action::Allow => "Allow",
            Action::Deny => "Deny",
        };
        Node::map([
            ("targetRefs", Some(target_ref::to_node(&self.targets))),
            ("action", Some(Node::text(action))),
            ("rules", Some(Node::list(self.rules.iter().map(rule_node)))),
        ])
    }
}

fn action(field: &Field<'_>) -> Option<Action> {
    match field.text()? {
        "Allow" => Some(Action::Allow),
        "Deny" => Some(Action::Deny),
        _ => {
            field.wrong("it is neither Allow nor Deny");
            None
        }
    }
}

fn rule(field: &Field<'_>) -> Option<PolicyRule> {
    let fields = field.fields(&["from", "to"])?;
    Some(PolicyRule {
        from: fields.or("from", |f| f.some(caller::check), Vec::new()),
        to: fields.or("to", |f| f.some(request::check), Vec::new()),
    })
}

fn rule_node(rule: &PolicyRule) -> Node {
    let from = (!rule.from.is_empty()).then(|| Node::list(rule.from.iter().map(caller::to_node)));
    let to = (!rule.to.is_empty()).then(|| Node::list(rule.to.iter().map(request::to_node)));
    Node::map([("from", from), ("to", to)])
}
