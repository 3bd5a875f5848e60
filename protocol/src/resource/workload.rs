//! `Workload`: a program on a node, with what it serves and what it calls.

use std::collections::BTreeSet;

use super::{Metadata, field::Field, fields::Fields, format_duration, node::Node};
use crate::{
    name::{Label, ServiceName},
    view::{HealthCheck, Listener},
};

/// A workload, as its owner declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Its name.
    pub metadata: Metadata,
    /// The node that it runs on.
    pub node: Label,
    /// The account it runs as; its own name unless another is written.
    pub service_account: Label,
    /// What it serves.
    pub serves: Vec<Serves>,
    /// How to see whether it is healthy.
    pub health: HealthCheck,
    /// Ports that lead from it to services.
    pub listeners: Vec<Listener>,
    /// Where it finds its HTTP proxy, if it wants one.
    pub proxy_port: Option<u16>,
}

/// One service that a workload serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serves {
    /// The service, in the workload's namespace.
    pub service: ServiceName,
    /// On this port of 127.0.0.1.
    pub port: u16,
}

impl Workload {
    /// Makes a workload that serves nothing and calls nothing.
    pub fn new(metadata: Metadata, node: Label) -> Self {
        let service_account = metadata.name.clone();
        let (serves, listeners) = (Vec::new(), Vec::new());
        Self {
            metadata,
            node,
            service_account,
            serves,
            health: HealthCheck::default(),
            listeners,
            proxy_port: None,
        }
    }

    pub(super) fn check(metadata: Metadata, envelope: &Fields<'_>) -> Option<Self> {
        let spec = envelope.required("spec")?;
        let fields = spec.fields(&[
            "node",
            "serviceAccount",
            "serves",
            "health",
            "listeners",
            "proxyPort",
        ])?;
        let node = fields.required("node").and_then(|f| f.parse());
        let serves = fields.or(
            "serves",
            |f| f.each(|f| serves(f, &metadata.namespace)),
            Vec::new(),
        );
        let workload = Self {
            service_account: fields.or("serviceAccount", Field::parse, metadata.name.clone()),
            health: fields.or("health", health, HealthCheck::default()),
            listeners: fields.or("listeners", |f| f.each(listener), Vec::new()),
            proxy_port: fields.or("proxyPort", |f| f.port().map(Some), None),
            serves,
            ..Self::new(metadata, node?)
        };
        workload.check_twice(&spec);
        Some(workload)
    }

    /// A port leads to one thing, and a service is served once.
    fn check_twice(&self, spec: &Field<'_>) {
        let mut ports = BTreeSet::new();
        let listened = self.listeners.iter().map(|l| l.port).chain(self.proxy_port);
        for port in listened.filter(|&port| !ports.insert(port)) {
            spec.wrong(format!("two listeners have port {port}"));
        }
        for served in self.serves.iter().filter(|s| ports.contains(&s.port)) {
            spec.wrong(format!(
                "port {} is both a listener's and the app's",
                served.port
            ));
        }
        let mut services = BTreeSet::new();
        for served in self.serves.iter().filter(|s| !services.insert(&s.service)) {
            spec.wrong(format!("the service {} is served twice", served.service));
        }
    }

    pub(super) fn spec(&self) -> Node {
        Node::map([
            ("node", Some(Node::text(&self.node))),
            ("serviceAccount", Some(Node::text(&self.service_account))),
            ("serves", list_node(&self.serves, serves_node)),
            ("health", Some(health_node(&self.health))),
            ("listeners", list_node(&self.listeners, listener_node)),
            (
                "proxyPort",
                self.proxy_port.map(|port| Node::from(u32::from(port))),
            ),
        ])
    }
}

fn list_node<T>(items: &[T], node: impl Fn(&T) -> Node) -> Option<Node> {
    (!items.is_empty()).then(|| Node::list(items.iter().map(node)))
}

fn serves(field: &Field<'_>, namespace: &Label) -> Option<Serves> {
    let fields = field.fields(&["service", "port"])?;
    let service = fields.required("service").and_then(|f| f.parse());
    let port = fields.required("port").and_then(|f| f.port());
    Some(Serves {
        service: ServiceName::new(namespace.clone(), service?),
        port: port?,
    })
}

fn serves_node(serves: &Serves) -> Node {
    Node::map([
        ("service", Some(Node::text(&serves.service.name))),
        ("port", Some(u32::from(serves.port).into())),
    ])
}

fn listener(field: &Field<'_>) -> Option<Listener> {
    let fields = field.fields(&["port", "host"])?;
    let port = fields.required("port").and_then(|f| f.port());
    let host = fields.required("host").and_then(|f| f.parse());
    Some(Listener {
        port: port?,
        host: host?,
    })
}

fn listener_node(listener: &Listener) -> Node {
    Node::map([
        ("port", Some(u32::from(listener.port).into())),
        ("host", Some(Node::text(&listener.host))),
    ])
}

fn health(field: &Field<'_>) -> Option<HealthCheck> {
    let fields = field.fields(&["httpPath", "every", "healthyAfter", "unhealthyAfter"])?;
    let default = HealthCheck::default();
    Some(HealthCheck {
        http_path: fields.optional("httpPath").and_then(|f| http_path(&f)),
        every: fields.or("every", Field::duration, default.every),
        healthy_after: fields.or("healthyAfter", Field::count, default.healthy_after),
        unhealthy_after: fields.or("unhealthyAfter", Field::count, default.unhealthy_after),
    })
}

fn http_path(field: &Field<'_>) -> Option<String> {
    let path = field.text()?;
    if !path.starts_with('/') || path.parse::<http::uri::PathAndQuery>().is_err() {
        field.wrong("a path is expected, such as /healthz");
    }
    Some(path.to_owned())
}

fn health_node(health: &HealthCheck) -> Node {
    Node::map([
        ("httpPath", health.http_path.as_ref().map(Node::text)),
        ("every", Some(Node::text(format_duration(health.every)))),
        ("healthyAfter", Some(health.healthy_after.into())),
        ("unhealthyAfter", Some(health.unhealthy_after.into())),
    ])
}
