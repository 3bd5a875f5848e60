//! The two clusters, federated: everything that the steps act upon.

use std::time::Duration;

use http::Method;
use tokio::time::{Instant, sleep, timeout};

use super::{
    child::Child,
    cluster::{Cluster, Plan},
    load::{Clients, Door, Expect, Flow, Kind, Outcome},
    place::Place,
    screen::Screen,
    trouble::DemoError,
};

/// The names that the demo's applications call.
pub(super) mod host {
    /// East's shop, and west's when east's is gone.
    pub(in super::super) const SHOP: &str = "shop.shop";
    /// East's till, and west's when east's is gone.
    pub(in super::super) const TILL: &str = "till.shop";
    /// West's till.
    pub(in super::super) const WEST_TILL: &str = "till.shop.svc.west.clusterset.local";
    /// A service that only west has.
    pub(in super::super) const LEDGER: &str = "ledger.shop.svc.west.clusterset.local";
    /// A service that west keeps to itself.
    pub(in super::super) const VAULT: &str = "vault.shop.svc.west.clusterset.local";
    /// A service that doesn't exist; its name is as long as the vault's.
    pub(in super::super) const NOWHERE: &str = "blank.shop.svc.west.clusterset.local";
    /// East's shop, as west calls it.
    pub(in super::super) const EAST_SHOP: &str = "shop.shop.svc.east.clusterset.local";
}

const WEST: Plan = Plan {
    name: "west",
    apps: &[
        ("shop", "shop-1", 1),
        ("shop", "shop-2", 2),
        ("till", "till-1", 1),
        ("till", "till-2", 2),
        ("ledger", "ledger", 1),
        ("vault", "vault", 2),
    ],
    caller: "clerk",
    listeners: &[],
};

const EAST: Plan = Plan {
    name: "east",
    apps: &[
        ("shop", "shop-1", 1),
        ("shop", "shop-2", 2),
        ("till", "till-1", 1),
        ("till", "till-2", 2),
    ],
    caller: "cart",
    listeners: &[
        host::SHOP,
        host::TILL,
        host::WEST_TILL,
        host::LEDGER,
        host::VAULT,
    ],
};

/// How long the first calls may take to go through.
const PATIENCE: Duration = Duration::from_secs(45);

/// The two clusters and the load's connections.
#[derive(Debug)]
pub(super) struct World {
    /// Where the load arises.
    pub(super) east: Cluster,
    /// The peer.
    pub(super) west: Cluster,
    /// The applications' connections to their nodes.
    pub(super) clients: Clients,
    /// The files. The last field: they go when the processes have gone.
    pub(super) place: Place,
}

impl World {
    /// Starts both clusters.
    pub(super) async fn start(place: Place, screen: &mut Screen) -> Result<Self, DemoError> {
        let clients = Clients::default();
        screen.say("starting the clusters west and east: each a controller, a gateway, two nodes, and applications");
        let west = Cluster::start(&place, &clients.http, &WEST);
        let east = Cluster::start(&place, &clients.http, &EAST);
        let (west, east) = tokio::try_join!(west, east)?;
        Ok(Self {
            east,
            west,
            clients,
            place,
        })
    }

    /// Federates the two by invitation and lets each other's callers in.
    pub(super) async fn federate(&self, screen: &mut Screen) -> Result<(), DemoError> {
        screen.say("federating: weft peer invite west | weft peer join; exporting");
        let invitation = self
            .east
            .weft(&self.place, &["peer", "invite", "west", "--expires", "15m"])
            .await?;
        let file = self.place.write("invitation", &invitation)?;
        self.west
            .weft(
                &self.place,
                &["peer", "join", "-f", &file.to_string_lossy(), "--yes"],
            )
            .await?;
        for service in ["shop/shop", "shop/till", "shop/ledger"] {
            let export = [
                "service",
                "export",
                service,
                "--to",
                "east",
                "--allow",
                "shop/cart",
            ];
            self.west.weft(&self.place, &export).await?;
        }
        let export = [
            "service",
            "export",
            "shop/shop",
            "--to",
            "west",
            "--allow",
            "shop/clerk",
        ];
        self.east.weft(&self.place, &export).await?;
        Ok(())
    }

    /// Sets the failover policies of east.
    pub(super) async fn prefer_local(&self, screen: &mut Screen) -> Result<(), DemoError> {
        screen.say(
            "weft failover set shop/shop --prefer local --then peer:west --failback 10,50,100/2s",
        );
        for service in ["shop/shop", "shop/till"] {
            let order = [
                "failover",
                "set",
                service,
                "--prefer",
                "local",
                "--then",
                "peer:west",
            ];
            let failback = ["--failback", "10,50,100/2s", "--wait=30s"];
            let arguments: Vec<&str> = order.into_iter().chain(failback).collect();
            self.east.weft(&self.place, &arguments).await?;
        }
        Ok(())
    }

    /// Waits until every call that the steps will make has gone through once.
    pub(super) async fn warm_up(&mut self) -> Result<(), DemoError> {
        let (east, west) = (self.east.proxy, self.west.proxy);
        let calls = [
            Flow::new(host::SHOP, Door::Proxy(east), Kind::Get, 1),
            Flow::new(host::SHOP, self.listener(host::SHOP), Kind::Get, 1),
            Flow::new(host::TILL, self.listener(host::TILL), Kind::Converse, 1),
            Flow::new(
                host::WEST_TILL,
                self.listener(host::WEST_TILL),
                Kind::Converse,
                1,
            ),
            Flow::new(host::LEDGER, self.listener(host::LEDGER), Kind::Post, 1),
            Flow::new(
                "shop.shop.svc.west.clusterset.local",
                Door::Proxy(east),
                Kind::Get,
                1,
            ),
            Flow::new(host::EAST_SHOP, Door::Proxy(west), Kind::Get, 1).expecting(Expect::Either),
        ];
        for call in &calls {
            self.until_served(call).await?;
        }
        Ok(())
    }

    /// Calls until it is served, twenty times in a row, so that each endpoint had its turn.
    async fn until_served(&mut self, flow: &Flow) -> Result<(), DemoError> {
        let until = Instant::now() + PATIENCE;
        let mut row = 0;
        while row < 20 {
            self.check()?;
            let outcome = timeout(Duration::from_secs(3), self.clients.call(flow, "0-0")).await;
            let last = match outcome {
                Ok(Outcome::Served { .. }) => {
                    row += 1;
                    continue;
                }
                Ok(Outcome::Refused(why) | Outcome::Failed(why)) => why,
                Err(_) => "no answer within 3 s".to_owned(),
            };
            row = 0;
            if Instant::now() > until {
                let what = format!("{flow} is served");
                return Err(DemoError::Late {
                    what,
                    seconds: PATIENCE.as_secs(),
                    last,
                });
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// A listener of east's caller.
    pub(super) fn listener(&self, host: &str) -> Door {
        Door::Listener(self.east.listener(host))
    }

    /// What the mesh answers to a GET of east's application, made comparable: the name asked for is left out.
    pub(super) async fn answer_for(&self, host: &str) -> Result<String, DemoError> {
        let door = Door::Proxy(self.east.proxy);
        let answer = self
            .clients
            .http
            .request(
                Method::GET,
                door,
                host,
                "/basket",
                None,
                bytes::Bytes::new(),
            )
            .await;
        let answer = answer.map_err(DemoError::Failed)?;
        let mut headers: Vec<String> = Vec::new();
        for (name, value) in &answer.headers {
            if name != http::header::DATE && name != "x-request-id" {
                headers.push(format!(
                    "{name}: {}",
                    String::from_utf8_lossy(value.as_bytes())
                ));
            }
        }
        headers.sort();
        let name = host.split('.').next().unwrap_or(host);
        let text = format!(
            "{}\n{}\n\n{}",
            answer.status,
            headers.join("\n"),
            String::from_utf8_lossy(&answer.body)
        );
        Ok(text.replace(name, "NAME"))
    }

    /// Says so if a process ended that nobody killed.
    pub(super) fn check(&mut self) -> Result<(), DemoError> {
        self.children().try_for_each(Child::check)
    }

    /// Ends every process.
    pub(super) async fn end(&mut self) -> Result<(), DemoError> {
        for child in self.children() {
            child.kill().await?;
        }
        Ok(())
    }

    fn children(&mut self) -> impl Iterator<Item = &mut Child> {
        self.east.children().chain(self.west.children())
    }
}
