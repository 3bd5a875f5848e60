//! One cluster of the demo, each part a process: a controller, a gateway, two nodes that joined by token, and
//! applications beside the nodes.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use tokio::time::{Instant, sleep};

use super::{
    child::Child, load::Http, manifest, place::Place, port::Port, product, trouble::DemoError,
};

/// How long a process may take until it is ready.
const READY: Duration = Duration::from_secs(30);

/// What a cluster of the demo is made of.
#[derive(Debug)]
pub(super) struct Plan {
    /// Its name; its trust domain is NAME.example.
    pub(super) name: &'static str,
    /// Service, instance, and the node (1 or 2) beside which it runs.
    pub(super) apps: &'static [(&'static str, &'static str, usize)],
    /// The application that calls, beside the first node.
    pub(super) caller: &'static str,
    /// Names to which the caller has a listener.
    pub(super) listeners: &'static [&'static str],
}

/// A part of the mesh, with its metrics.
#[derive(Debug)]
pub(super) struct Host {
    /// Its process.
    pub(super) child: Child,
    /// The port of /metrics and /readyz.
    pub(super) metrics: u16,
}

/// An application that serves.
#[derive(Debug)]
pub(super) struct App {
    /// Its service.
    pub(super) service: &'static str,
    /// Its name.
    pub(super) instance: &'static str,
    /// The node (1 or 2) beside which it runs.
    pub(super) node: usize,
    /// Where it serves.
    pub(super) port: u16,
    /// Its process.
    pub(super) child: Child,
}

/// One running cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    /// Its name.
    pub(super) name: &'static str,
    /// The controller's data directory: the way in for every command.
    pub(super) data_dir: PathBuf,
    /// The controller.
    pub(super) controller: Host,
    /// The gateway.
    pub(super) gateway: Host,
    /// The nodes.
    pub(super) nodes: Vec<Host>,
    /// What serves.
    pub(super) apps: Vec<App>,
    /// The caller's `HTTP_PROXY` port.
    pub(super) proxy: u16,
    /// The caller's listeners: name and port.
    pub(super) listeners: Vec<(&'static str, u16)>,
}

impl Cluster {
    /// Starts every process and declares its services and workloads.
    pub(super) async fn start(place: &Place, http: &Http, plan: &Plan) -> Result<Self, DemoError> {
        let name = plan.name;
        let (mut control, mut door) = (Port::take()?, Port::take()?);
        let data_dir = place.folder(name)?.join("controller");
        let controller = controller(place, name, &mut control, &door)?;
        controller.ready(http, "the controller").await?;
        let mut cluster = Self {
            name,
            data_dir,
            gateway: join(
                place,
                &Joiner::gateway(name, &controller_dir(place, name)),
                &mut door,
            )
            .await?,
            controller,
            nodes: Vec::new(),
            apps: Vec::new(),
            proxy: 0,
            listeners: Vec::new(),
        };
        for number in 1..=2 {
            let joiner = Joiner::node(name, number, &cluster.data_dir);
            cluster
                .nodes
                .push(join(place, &joiner, &mut Port::take()?).await?);
        }
        for &(service, instance, node) in plan.apps {
            cluster
                .apps
                .push(app(place, name, service, instance, node)?);
        }
        cluster.gateway.ready(http, "the gateway").await?;
        for node in &cluster.nodes {
            node.ready(http, "the node").await?;
        }
        cluster.declare(place, plan).await?;
        Ok(cluster)
    }

    /// Applies the manifest; waits until the nodes have it.
    async fn declare(&mut self, place: &Place, plan: &Plan) -> Result<(), DemoError> {
        // The node will listen there for the caller: held until the manifest is about to tell it.
        let mut proxy = Port::take()?;
        let mut listeners = Vec::new();
        for &host in plan.listeners {
            listeners.push((host, Port::take()?));
        }
        self.proxy = proxy.release();
        self.listeners = listeners
            .iter_mut()
            .map(|(host, port)| (*host, port.release()))
            .collect();
        let manifest = manifest::of(self, plan);
        let file = place.write(format!("{}/manifest.yaml", self.name), &manifest)?;
        self.weft(
            place,
            &["apply", "-f", &file.to_string_lossy(), "--wait=30s"],
        )
        .await?;
        Ok(())
    }

    /// Runs a command against this cluster.
    pub(super) async fn weft(
        &self,
        place: &Place,
        arguments: &[&str],
    ) -> Result<String, DemoError> {
        weft(place, &self.data_dir, arguments).await
    }

    /// The caller's listener for a name.
    pub(super) fn listener(&self, host: &str) -> u16 {
        self.listeners
            .iter()
            .find(|(name, _)| *name == host)
            .map_or(0, |(_, port)| *port)
    }

    /// The applications that serve one of these services.
    pub(super) fn serving<'a>(
        &'a mut self,
        services: &'a [&str],
    ) -> impl Iterator<Item = &'a mut App> {
        self.apps
            .iter_mut()
            .filter(|app| services.contains(&app.service))
    }

    /// Every process.
    pub(super) fn children(&mut self) -> impl Iterator<Item = &mut Child> {
        let apps = self.apps.iter_mut().map(|app| &mut app.child);
        let nodes = self.nodes.iter_mut().map(|node| &mut node.child);
        apps.chain(nodes)
            .chain([&mut self.gateway.child, &mut self.controller.child])
    }
}

impl Host {
    /// Waits until it says that it is ready.
    pub(super) async fn ready(&self, http: &Http, what: &str) -> Result<(), DemoError> {
        let until = Instant::now() + READY;
        loop {
            let last = match http.fetch(self.metrics, "/readyz").await {
                Ok(answer) if answer.status.is_success() => return Ok(()),
                Ok(answer) => String::from_utf8_lossy(&answer.body).into_owned(),
                Err(why) => why,
            };
            if Instant::now() > until {
                let what = format!("{what} {} was ready", self.child.name());
                return Err(DemoError::Late {
                    what,
                    seconds: READY.as_secs(),
                    last: format!("{last}\n{}", self.child.last_words()),
                });
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn weft(
    place: &Place,
    data_dir: &std::path::Path,
    arguments: &[&str],
) -> Result<String, DemoError> {
    let data_dir = data_dir.to_string_lossy();
    let arguments: Vec<&str> = ["--data-dir", &data_dir]
        .into_iter()
        .chain(arguments.iter().copied())
        .collect();
    product::run(place, &arguments).await
}

fn controller_dir(place: &Place, cluster: &str) -> PathBuf {
    place.at(cluster).join("controller")
}

fn controller(
    place: &Place,
    name: &str,
    control: &mut Port,
    door: &Port,
) -> Result<Host, DemoError> {
    let mut metrics = Port::take()?;
    let arguments: Vec<OsString> = vec![
        "controller".into(),
        "--data-dir".into(),
        controller_dir(place, name).into(),
        format!("--cluster={name}").into(),
        format!("--trust-domain={name}.example").into(),
        format!("--listen=127.0.0.1:{}", control.release()).into(),
        format!("--advertise=127.0.0.1:{}", control.number()).into(),
        format!("--gateway=127.0.0.1:{}", door.number()).into(),
        format!("--metrics=127.0.0.1:{}", metrics.release()).into(),
    ];
    let child = Child::start(place, format!("{name}-controller"), arguments)?;
    Ok(Host {
        child,
        metrics: metrics.number(),
    })
}

/// A host about to join.
struct Joiner<'a> {
    role: &'static str,
    cluster: &'a str,
    name: String,
    zone: &'static str,
    controller: &'a std::path::Path,
}

impl<'a> Joiner<'a> {
    fn gateway(cluster: &'a str, controller: &'a std::path::Path) -> Self {
        Self {
            role: "gateway",
            cluster,
            name: format!("{cluster}-gateway"),
            zone: "a",
            controller,
        }
    }

    fn node(cluster: &'a str, number: usize, controller: &'a std::path::Path) -> Self {
        let zone = if number == 1 { "a" } else { "b" };
        Self {
            role: "node",
            cluster,
            name: format!("{cluster}-{number}"),
            zone,
            controller,
        }
    }
}

/// Makes a token and starts a gateway or node with it.
async fn join(place: &Place, joiner: &Joiner<'_>, port: &mut Port) -> Result<Host, DemoError> {
    let Joiner {
        role,
        cluster,
        name,
        zone,
        controller,
    } = joiner;
    let token = weft(place, controller, &["token", "create", "--role", role]).await?;
    let token = place.write(format!("{cluster}/{name}.token"), &token)?;
    let mut metrics = Port::take()?;
    let arguments: Vec<OsString> = vec![
        (*role).into(),
        "--data-dir".into(),
        place.at(cluster).join(name).into(),
        "--join".into(),
        token.into(),
        format!("--name={name}").into(),
        format!("--listen=127.0.0.1:{}", port.release()).into(),
        format!("--advertise=127.0.0.1:{}", port.number()).into(),
        format!("--locality=demo/{cluster}/{zone}").into(),
        format!("--metrics=127.0.0.1:{}", metrics.release()).into(),
    ];
    let child = Child::start(place, name.clone(), arguments)?;
    Ok(Host {
        child,
        metrics: metrics.number(),
    })
}

fn app(
    place: &Place,
    cluster: &str,
    service: &'static str,
    instance: &'static str,
    node: usize,
) -> Result<App, DemoError> {
    let mut port = Port::take()?;
    let kind = if service == "till" { "grpc" } else { "http" };
    let records = place.at("records").join(format!("{cluster}-{instance}"));
    let arguments: Vec<OsString> = vec![
        "demo-app".into(),
        kind.into(),
        format!("--port={}", port.release()).into(),
        format!("--cluster={cluster}").into(),
        format!("--instance={instance}").into(),
        "--records".into(),
        records.into(),
    ];
    let child = Child::start(place, format!("{cluster}-{instance}"), arguments)?;
    Ok(App {
        service,
        instance,
        node,
        port: port.number(),
        child,
    })
}
