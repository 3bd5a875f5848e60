//! A resource in serde: the same manifest, as a tree, for those who store it or print it as JSON.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use super::{
    Resource, defaults,
    field::Field,
    manifest,
    node::{At, Key, Node, Value},
    report::Report,
};
use crate::name::Label;

impl Serialize for Resource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        manifest::to_node(self).serialize(serializer)
    }
}

/// Needs a format that describes itself, such as JSON; checks as [`super::parse`] does.
impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let node = tree(serde_json::Value::deserialize(deserializer)?);
        let namespace = Label::parse(defaults::NAMESPACE).map_err(D::Error::custom)?;
        let report = Report::new("");
        let resource = manifest::check(
            &Field {
                node: &node,
                path: String::new(),
                report: &report,
            },
            &namespace,
        );
        let resource = report.unless_problems(resource).map_err(D::Error::custom)?;
        resource.ok_or_else(|| D::Error::custom("not a resource"))
    }
}

fn tree(json: serde_json::Value) -> Node {
    use serde_json::Value as Json;
    match json {
        Json::Null => Value::Null.into(),
        Json::Bool(value) => Value::Bool(value).into(),
        Json::Number(number) => match number.as_i128() {
            Some(integer) => Value::Integer(integer).into(),
            None => Value::Float(number.as_f64().unwrap_or(f64::NAN)).into(),
        },
        Json::String(text) => Value::Text(text).into(),
        Json::Array(items) => Node::list(items.into_iter().map(tree)),
        Json::Object(entries) => {
            let key = |text| Key {
                text,
                at: At::default(),
            };
            Value::Map(
                entries
                    .into_iter()
                    .map(|(text, value)| (key(text), tree(value)))
                    .collect(),
            )
            .into()
        }
    }
}
