//! The View: every field checked, each trust domain once, or nothing of it is believed.

use std::{collections::BTreeMap, fmt::Display};

use super::{InvalidMessage, field, v1};
use crate::{
    cid::{Handle, RoutingKeys},
    name::HostPort,
    view::{BundleData, PeerRoute, Service, View, ViewError},
};

/// The schema of Views that this software understands.
pub const VIEW_SCHEMA: u32 = 1;

impl From<&View> for v1::View {
    fn from(view: &View) -> Self {
        Self {
            schema: VIEW_SCHEMA,
            version: view.version,
            cluster: view.cluster.to_string(),
            trust_domain: view.trust_domain.to_string(),
            routing_keys: (&view.routing_keys).into(),
            selectors: field::messages(&view.selectors),
            handles: view.handles.iter().map(Into::into).collect(),
            bundles: field::messages(&view.bundles),
            workloads: field::messages(&view.workloads),
            server_names: field::messages(&view.server_names),
            policies: field::messages(&view.policies),
            local: Some((&view.local).into()),
            peers: field::messages(view.peers.values()),
            services: field::messages(view.services.values()),
        }
    }
}

impl TryFrom<v1::View> for View {
    type Error = ViewError;
    fn try_from(message: v1::View) -> Result<Self, ViewError> {
        if message.schema != VIEW_SCHEMA {
            return Err(ViewError::Schema(message.schema));
        }
        Ok(Self {
            version: message.version,
            cluster: field::parse("cluster", &message.cluster)?,
            trust_domain: field::parse("trust_domain", &message.trust_domain)?,
            routing_keys: RoutingKeys::try_from(message.routing_keys)?,
            selectors: field::each("selectors", message.selectors)?,
            handles: handles(message.handles)?,
            bundles: bundles(message.bundles)?,
            workloads: field::each("workloads", message.workloads)?,
            server_names: field::each("server_names", message.server_names)?,
            policies: field::each("policies", message.policies)?,
            local: field::nested("local", message.local)?,
            peers: peers(message.peers)?,
            services: services(message.services)?,
        })
    }
}

fn handles(messages: Vec<v1::HandleAddress>) -> Result<BTreeMap<Handle, HostPort>, InvalidMessage> {
    once_each("handles", field::each("handles", messages)?)
}

fn bundles(messages: Vec<v1::Bundle>) -> Result<Vec<BundleData>, InvalidMessage> {
    let bundles: Vec<BundleData> = field::each("bundles", messages)?;
    // P-1: a second bundle of one trust domain would have to be pooled with the first.
    once_each(
        "bundles",
        bundles.iter().map(|b| (b.trust_domain.clone(), ())),
    )?;
    Ok(bundles)
}

fn peers(
    messages: Vec<v1::PeerRoute>,
) -> Result<BTreeMap<crate::name::ClusterName, PeerRoute>, InvalidMessage> {
    let peers: Vec<PeerRoute> = field::each("peers", messages)?;
    once_each("peers", peers.into_iter().map(|p| (p.peer.clone(), p)))
}

fn services(
    messages: Vec<v1::Service>,
) -> Result<BTreeMap<crate::name::ServiceName, Service>, InvalidMessage> {
    let services: Vec<Service> = field::each("services", messages)?;
    once_each(
        "services",
        services.into_iter().map(|s| (s.name.clone(), s)),
    )
}

fn once_each<K, V>(
    field: &str,
    entries: impl IntoIterator<Item = (K, V)>,
) -> Result<BTreeMap<K, V>, InvalidMessage>
where
    K: Ord + Clone + Display,
{
    let mut map = BTreeMap::new();
    for (key, value) in entries {
        let name = key.clone();
        if map.insert(key, value).is_some() {
            return Err(InvalidMessage::new(field, format!("{name} is there twice")));
        }
    }
    Ok(map)
}
