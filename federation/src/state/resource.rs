//! Configured objects: what `weft apply` stores.

use std::fmt;

use protocol::name::Label;
use protocol::resource::{Kind, Resource, ResourceName};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Outcome, Refusal, State};

/// Kind, namespace and name; written `Service/shop/payments`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceKey {
    /// `Service`, `Workload`, …
    pub kind: Kind,
    /// Its namespace.
    pub namespace: Label,
    /// Its name.
    pub name: Label,
}

impl From<ResourceName> for ResourceKey {
    fn from(name: ResourceName) -> Self {
        Self {
            kind: name.kind,
            namespace: name.namespace,
            name: name.name,
        }
    }
}

impl fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind, self.namespace, self.name)
    }
}

impl Serialize for ResourceKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ResourceKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut parts = text.splitn(3, '/');
        let (Some(kind), Some(namespace), Some(name)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(D::Error::custom(
                "a resource is written Kind/namespace/name",
            ));
        };
        Ok(Self {
            kind: kind.parse().map_err(D::Error::custom)?,
            namespace: Label::parse(namespace).map_err(D::Error::custom)?,
            name: Label::parse(name).map_err(D::Error::custom)?,
        })
    }
}

/// A resource with the version at which it came to be as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredResource {
    /// As checked by `protocol::resource`.
    pub resource: Resource,
    /// The state's version after the change.
    pub version: u64,
}

/// What applying did, or would do, to one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// There was none of that name.
    Created,
    /// It was another.
    Configured,
    /// It was the same.
    Unchanged,
}

impl Effect {
    /// The word that `weft apply` prints.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

impl State {
    /// What applying would do to this resource.
    pub fn effect_of(&self, resource: &Resource) -> Effect {
        match self.resources.get(&ResourceKey::from(resource.name())) {
            None => Effect::Created,
            Some(stored) if &stored.resource == resource => Effect::Unchanged,
            Some(_) => Effect::Configured,
        }
    }

    /// Stores all of them; says what was done to each.
    pub(super) fn put_resources(&mut self, resources: Vec<Resource>) -> Outcome {
        let version = self.version + 1;
        let mut effects = Vec::with_capacity(resources.len());
        for resource in resources {
            let effect = self.effect_of(&resource);
            if effect != Effect::Unchanged {
                self.resources.insert(
                    ResourceKey::from(resource.name()),
                    StoredResource { resource, version },
                );
            }
            effects.push(effect);
        }
        Outcome::Applied { effects }
    }

    pub(super) fn delete_resource(&mut self, key: &ResourceKey) -> Outcome {
        match self.resources.remove(key) {
            Some(_) => Outcome::Done,
            None => Outcome::Refused(Refusal::UnknownResource {
                resource: key.to_string(),
            }),
        }
    }
}
