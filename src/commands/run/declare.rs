//! What `weft run` writes before the program starts, and takes back after.

use std::net::{Ipv4Addr, TcpListener};

use protocol::name::{Label, ServiceName};
use protocol::wire::v1::{DeleteRequest, HostStatus, StatusRequest};

use super::RunArgs;
use crate::api::{Api, refused};
use crate::commands::manifest::{self, Workload};
use crate::commands::{Global, change, get};
use crate::failure::Failure;
use crate::settings::defaults;

/// What a service speaks.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Protocol {
    /// HTTP/1.1.
    Http,
    /// HTTP/2 with prior knowledge.
    Http2,
    /// gRPC.
    Grpc,
    /// Bytes over TCP; the server may speak first.
    Tcp,
    /// Packets over UDP.
    Udp,
    /// Detected for each connection: HTTP or TCP.
    Auto,
}

impl Protocol {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Http2 => "http2",
            Self::Grpc => "grpc",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Auto => "auto",
        }
    }
}

/// What is to be declared, all of it checked.
#[derive(Debug)]
pub(super) struct Wanted {
    service: ServiceName,
    name: Label,
    service_account: Label,
    node: String,
    port: Option<u16>,
    protocol: Option<Protocol>,
}

/// A workload that is stored.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) service: ServiceName,
    pub(super) node: String,
    name: Label,
    proxy_port: u16,
    version: u64,
}

/// Checks what was typed.
pub(super) fn wanted(args: &RunArgs, global: &Global) -> Result<Wanted, Failure> {
    let service = global.service(&args.service)?;
    let node = match &args.node {
        Some(node) => node.to_string(),
        None => global.context()?.node.ok_or_else(|| {
            Failure::usage("it isn't clear which node the program is to run beside")
                .because("the context names none")
                .hint("--node NAME   (weft status -o wide lists them)")
        })?,
    };
    let name = args
        .name
        .clone()
        .map_or_else(|| own_name(&service, &node, args.port), Ok)?;
    let service_account = args
        .service_account
        .clone()
        .unwrap_or_else(|| service.name.clone());
    Ok(Wanted {
        service,
        name,
        service_account,
        node,
        port: args.port,
        protocol: args.protocol,
    })
}

/// One port of one host has one program: the same name again takes the place of what a killed run left. Callers have no port,
/// so each has its process's number.
fn own_name(service: &ServiceName, node: &str, port: Option<u16>) -> Result<Label, Failure> {
    let last = port.map_or_else(
        || format!("run{}", std::process::id()),
        |port| port.to_string(),
    );
    Label::parse(&manifest::fitted(&format!(
        "{}-{node}-{last}",
        service.name
    )))
    .map_err(|error| Failure::usage(error).hint("--name NAME"))
}

impl Wanted {
    /// Stores the workload, and the service if it isn't there.
    pub(super) async fn declare(self, api: &mut Api, global: &Global) -> Result<Declared, Failure> {
        let proxy_port = free_port()?;
        let mut text = String::new();
        if self.needs_service(api).await? {
            let protocol = self.protocol.map_or("http", Protocol::as_str);
            text = manifest::service(&self.service, protocol) + "---\n";
        }
        let Self {
            service,
            name,
            service_account,
            node,
            port,
            ..
        } = self;
        text += &Workload {
            name: &name,
            service: &service,
            service_account: &service_account,
            node: &node,
            port,
            proxy_port,
        }
        .yaml();
        let version = change::store(api, &text, "weft run", false, global)
            .await?
            .version;
        Ok(Declared {
            service,
            node,
            name,
            proxy_port,
            version,
        })
    }

    /// A service that is there stays as its owner wrote it, unless its protocol is said.
    async fn needs_service(&self, api: &mut Api) -> Result<bool, Failure> {
        if self.port.is_none() {
            return Ok(false);
        }
        let there = get::fetch(
            api,
            "Service",
            self.service.namespace.as_str(),
            self.service.name.as_str(),
        )
        .await?;
        Ok(there.is_empty() || self.protocol.is_some())
    }
}

impl Declared {
    /// Waits until the node knows it. Hosts out of touch hold nobody up, so it is asked whether this one is among them.
    pub(super) async fn until_acknowledged(&self, api: &mut Api) -> Result<(), Failure> {
        api.acknowledged(self.version, defaults::WAIT).await?;
        let status = api
            .client
            .status(StatusRequest {})
            .await
            .map_err(|status| refused("no status", &status))?
            .into_inner();
        knows(&status.hosts, &self.node, self.version)
    }

    /// Where the program sends its HTTP requests.
    pub(super) fn proxy_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.proxy_port)
    }

    /// Takes the workload back, on a connection of its own: the old one may have been in the middle of something.
    pub(super) async fn take_back(&self, global: &Global) -> Result<(), Failure> {
        let namespace = self.service.namespace.to_string();
        let what = DeleteRequest {
            kind: "Workload".to_owned(),
            namespace,
            name: self.name.to_string(),
            dry_run: false,
        };
        let mut api = global.api().await?;
        let failed = |status| {
            refused(
                &format!(
                    "the workload {}/{} stays declared",
                    self.service.namespace, self.name
                ),
                &status,
            )
            .hint(format!(
                "weft delete workload {}/{}",
                self.service.namespace, self.name
            ))
        };
        api.client.delete(what).await.map(drop).map_err(failed)
    }
}

fn knows(hosts: &[HostStatus], node: &str, version: u64) -> Result<(), Failure> {
    let nodes = || hosts.iter().filter(|host| host.role == "node");
    let Some(host) = nodes().find(|host| host.name == node) else {
        let known = nodes()
            .map(|host| host.name.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        return Err(Failure::new(format!("there is no node called {node}"))
            .because(format!("known are: {known}"))
            .hint("--node NAME"));
    };
    if !host.rejected.is_empty() {
        return Err(
            Failure::new(format!("node {node} refused the workload")).because(&host.rejected)
        );
    }
    if host.version < version {
        return Err(
            Failure::timed_out(format!("node {node} doesn't know the workload yet"))
                .because(format!(
                    "it is {} and at version {} of {version}",
                    host.state, host.version
                ))
                .hint("weft status -o wide"),
        );
    }
    Ok(())
}

fn free_port() -> Result<u16, Failure> {
    let taken =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    taken
        .map(|address| address.port())
        .map_err(|error| Failure::new("no free port for the proxy").because(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_does_not_know_the_workload_is_not_run_beside() {
        let host = |name: &str, version, rejected: &str| HostStatus {
            name: name.into(),
            role: "node".into(),
            state: "READY".into(),
            version,
            rejected: rejected.into(),
            ..HostStatus::default()
        };
        assert!(knows(&[host("n1", 7, "")], "n1", 7).is_ok());
        let cases = [
            (
                host("n2", 7, ""),
                "there is no node called n1: known are: n2\nTry: --node NAME",
            ),
            (
                host("n1", 6, ""),
                "node n1 doesn't know the workload yet: it is READY and at version 6 of 7\nTry: weft status -o wide",
            ),
            (
                host("n1", 7, "port taken"),
                "node n1 refused the workload: port taken",
            ),
        ];
        for (host, said) in cases {
            assert_eq!(knows(&[host], "n1", 7).expect_err(said).render(false), said);
        }
    }

    #[test]
    fn a_name_says_what_runs_where_and_is_a_label() {
        let service = ServiceName::parse("shop/cart").expect("a name");
        assert_eq!(
            own_name(&service, "n1", Some(8080))
                .ok()
                .map(|name| name.to_string())
                .as_deref(),
            Some("cart-n1-8080")
        );
        assert!(own_name(&service, &"n".repeat(63), Some(8080)).is_ok());
        assert!(own_name(&service, "n1", None).is_ok());
    }
}
