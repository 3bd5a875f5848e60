//! Which services a policy is for, as Gateway API writes references.

use super::{field::Field, fields::Fields, node::Node};
use crate::name::{Label, ServiceName};

/// Reads `targetRefs` of a policy in `namespace`: services of group `""` in the same namespace, at least one, none twice.
pub(super) fn check(spec: &Fields<'_>, namespace: &Label) -> Option<Vec<ServiceName>> {
    let refs = spec.required("targetRefs")?;
    let names = refs.some(target)?;
    if let Some(at) = (1..names.len()).find(|&i| names[..i].contains(&names[i])) {
        refs.wrong(format!("the service {:?} is there twice", names[at]));
    }
    Some(
        names
            .into_iter()
            .map(|name| ServiceName::new(namespace.clone(), name))
            .collect(),
    )
}

fn target(field: &Field<'_>) -> Option<Label> {
    let fields = field.fields(&["group", "kind", "name"])?;
    exactly(&fields, "group", "");
    exactly(&fields, "kind", "Service");
    fields.required("name")?.parse()
}

fn exactly(fields: &Fields<'_>, name: &str, only: &str) {
    let Some(field) = fields.optional(name) else {
        return;
    };
    if field.text().is_some_and(|text| text != only) {
        field.wrong_try("policies are for services only", format!("write {only:?}"));
    }
}

/// Writes them.
pub(super) fn to_node(targets: &[ServiceName]) -> Node {
    Node::list(targets.iter().map(|target| {
        Node::map([
            ("group", Some(Node::text(""))),
            ("kind", Some(Node::text("Service"))),
            ("name", Some(Node::text(&target.name))),
        ])
    }))
}
