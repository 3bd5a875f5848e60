//! The three parts, each started as its own command would start it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use federation::{Controller, ControllerSettings};
use mesh_node::gateway::{FlowLimits, Gateway, GatewaySettings};
use mesh_node::node::{Http3, Node, NodeSettings};
use protocol::forward::InitialRate;
use protocol::invitation::JoinToken;
use protocol::name::Label;
use protocol::wire::v1::CreateTokenRequest;

use super::super::part::{Hooks, Part};
use super::super::process::{Process, UdpPort};
use crate::api::{self, Api};
use crate::context::Context;
use crate::failure::Failure;
use crate::settings::defaults;
use crate::settings::listen;
use crate::settings::up::Settings;
use crate::shutdown;

/// Nobody but this process sees the tokens that it makes for itself.
const TOKEN_SECONDS: u64 = 120;

/// The ports of the three.
pub(super) fn ports(settings: &Settings) -> [UdpPort; 3] {
    [
        UdpPort {
            name: "controller",
            flag: "--controller-listen",
            address: settings.controller_listen,
        },
        UdpPort {
            name: "gateway",
            flag: "--gateway-listen",
            address: settings.gateway_listen,
        },
        UdpPort {
            name: "node",
            flag: "--node-listen",
            address: settings.node_listen,
        },
    ]
}

/// The context that the next command finds this cluster by.
pub(super) fn context(settings: &Settings, socket: PathBuf) -> Context {
    Context::new(
        settings.cluster.to_string(),
        socket,
        Some(settings.name.to_string()),
        settings.data_dir.clone(),
    )
}

/// Starts the controller.
pub(super) async fn controller(process: &Process, settings: &Settings) -> Result<Part, Failure> {
    let start = ControllerSettings {
        data_dir: process.data_dir.part("controller")?,
        cluster: settings.cluster.clone(),
        trust_domain: settings.trust_domain.clone(),
        bind: settings.controller_listen,
        advertise: settings.inside(settings.controller_listen),
        gateways: vec![settings.advertise.clone()],
        name: listen::label_from(defaults::CONTROLLER_NAME),
        svid_lifetime: settings.svid_lifetime,
        catalog_lease: defaults::CATALOG_LEASE,
        sockets: process.sockets.clone(),
    };
    let part = Part::start("controller", move |hooks: Hooks| async move {
        let controller = Controller::start(start)
            .await
            .map_err(|error| Failure::new("the controller can't start").caused_by(&error))?;
        let stop = hooks.begun(controller.ready(), controller.local_addr());
        controller
            .run(stop)
            .await
            .map_err(|error| Failure::new("the controller ended").caused_by(&error))
    });
    watched(process, part.await?)
}

/// Enrols the gateway if it has not been yet, and starts it.
pub(super) async fn gateway(
    process: &Process,
    settings: &Settings,
    context: &Context,
) -> Result<Part, Failure> {
    let data_dir = process.data_dir.part("gateway")?;
    let name = gateway_name(&settings.name);
    let start = GatewaySettings {
        join: Some(token(context, "gateway", &name).await?),
        data_dir,
        name,
        bind: settings.gateway_listen,
        inner_bind: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        advertise: Some(settings.advertise.clone()),
        locality: settings.locality.clone(),
        controller: Some(settings.inside(settings.controller_listen)),
        flows: FlowLimits::default(),
        initials: InitialRate::default(),
        sockets: process.sockets.clone(),
    };
    let part = Part::start("gateway", move |hooks: Hooks| async move {
        let gateway = Gateway::start(start)
            .await
            .map_err(|error| Failure::new("the gateway can't start").caused_by(&error))?;
        let stop = hooks.begun(gateway.ready(), gateway.local_addr());
        gateway.run(shutdown::token(stop)).await;
        Ok(())
    });
    watched(process, part.await?)
}

/// Enrols the node if it has not been yet, and starts it.
pub(super) async fn node(
    process: &Process,
    settings: &Settings,
    context: &Context,
) -> Result<Part, Failure> {
    let data_dir = process.data_dir.part("node")?;
    let start = NodeSettings {
        join: Some(token(context, "node", &settings.name).await?),
        data_dir,
        name: settings.name.clone(),
        bind: settings.node_listen,
        advertise: Some(settings.inside(settings.node_listen)),
        locality: settings.locality.clone(),
        controller: Some(settings.inside(settings.controller_listen)),
        limits: tunnel::Limits::default(),
        sockets: process.sockets.clone(),
        shards: mesh_node::node::default_shards(),
        http3: Http3::default(),
    };
    let part = Part::start("node", move |hooks: Hooks| async move {
        let node = Node::start(start)
            .await
            .map_err(|error| Failure::new("the node can't start").caused_by(&error))?;
        let stop = hooks.begun(node.ready(), node.local_addr());
        node.run(stop)
            .await
            .map_err(|error| Failure::new("the node has failed").caused_by(&error))
    });
    watched(process, part.await?)
}

fn watched(process: &Process, part: Part) -> Result<Part, Failure> {
    process.watch(part.name, part.ready.clone());
    Ok(part)
}

/// A token for this name alone: a part whose files were lost comes back as who it was.
async fn token(context: &Context, role: &str, name: &Label) -> Result<JoinToken, Failure> {
    let mut api = Api::connect(context).await?;
    let request = CreateTokenRequest {
        role: role.to_owned(),
        expires_seconds: TOKEN_SECONDS,
        name: name.to_string(),
    };
    let reply = api
        .client
        .create_token(request)
        .await
        .map_err(|status| api::refused(&format!("a join token for the {role}"), &status))?;
    JoinToken::parse(&reply.into_inner().token).map_err(|error| {
        Failure::new("the controller made a token that makes no sense").because(error)
    })
}

/// Hosts have one name each; the machine's own goes to the node.
fn gateway_name(node: &Label) -> Label {
    let stem: String = node.as_str().chars().take(60).collect();
    Label::parse(&format!("{stem}-gw")).unwrap_or_else(|_| node.clone())
}
