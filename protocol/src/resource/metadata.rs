//! What each resource says about itself.

use std::collections::BTreeMap;

use super::{field::Field, node::Node};
use crate::name::{Label, ServiceName};

/// Name, namespace, and what people pin to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// Where the name is unique.
    pub namespace: Label,
    /// The name.
    pub name: Label,
    /// Free text, of which `weft.dev/…` means something to Weft.
    pub annotations: BTreeMap<String, String>,
    /// Free text to select by.
    pub labels: BTreeMap<String, String>,
}

impl Metadata {
    /// Names a resource, with nothing pinned to it.
    pub fn new(namespace: Label, name: Label) -> Self {
        Self {
            namespace,
            name,
            annotations: BTreeMap::new(),
            labels: BTreeMap::new(),
        }
    }

    /// Names the service of this namespace and name.
    pub fn service_name(&self) -> ServiceName {
        ServiceName::new(self.namespace.clone(), self.name.clone())
    }

    pub(super) fn check(field: &Field<'_>, default_namespace: &Label) -> Option<Self> {
        let fields = field.fields(&["name", "namespace", "annotations", "labels"])?;
        let name = fields.required("name").and_then(|f| f.parse());
        let namespace = fields.or("namespace", Field::parse, default_namespace.clone());
        let annotations = fields.or("annotations", texts, BTreeMap::new());
        let labels = fields.or("labels", texts, BTreeMap::new());
        Some(Self {
            namespace,
            name: name?,
            annotations,
            labels,
        })
    }

    pub(super) fn to_node(&self) -> Node {
        Node::map([
            ("name", Some(Node::text(&self.name))),
            ("namespace", Some(Node::text(&self.namespace))),
            ("annotations", texts_node(&self.annotations)),
            ("labels", texts_node(&self.labels)),
        ])
    }
}

fn texts(field: &Field<'_>) -> Option<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for (key, value) in field.entries()? {
        let text = value.text().unwrap_or_default().to_owned();
        if texts.insert(key.to_owned(), text).is_some() {
            value.wrong("this key is there twice");
        }
    }
    Some(texts)
}

fn texts_node(texts: &BTreeMap<String, String>) -> Option<Node> {
    (!texts.is_empty()).then(|| {
        Node::map(
            texts
                .iter()
                .map(|(key, text)| (key.as_str(), Some(Node::text(text)))),
        )
    })
}
