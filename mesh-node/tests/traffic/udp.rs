//! UDP between two nodes: packets of every size, flows that stay apart, ends, denials, apps that aren't there.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use protocol::authorization::Policy;
use protocol::name::MeshHost;
use protocol::view::{Protocol, View};
use tokio::net::UdpSocket;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::bed::cluster::{Cluster, RunningNode, allow, endpoint, offer, service, workload};
use super::bed::{PATIENCE, until};

/// Answers each packet with itself.
struct Echo {
    port: u16,
    received: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Echo {
    async fn start(port: u16) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", port)).await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let received = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&received);
        let task = tokio::spawn(async move {
            let mut packet = vec![0; 70_000];
            loop {
                let (length, from) = socket.recv_from(&mut packet).await.unwrap();
                counted.fetch_add(1, Ordering::Relaxed);
                socket.send_to(&packet[..length], from).await.unwrap();
            }
        });
        Self {
            port,
            received,
            task: task.abort_handle(),
        }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// East: `cart` on node a sends packets to `dns`, which runs on node b.
struct Names {
    cluster: Cluster,
    a: RunningNode,
    b: RunningNode,
    listener: u16,
    app: u16,
}

impl Names {
    async fn start(app: u16) -> Self {
        let cluster = Cluster::start("east");
        let (a, b) = (cluster.node("a").await, cluster.node("b").await);
        let names = Self {
            listener: free_udp_port(),
            app,
            cluster,
            a,
            b,
        };
        let view = names.view_of_b(1, Vec::new());
        names.cluster.send(&names.b, &view).await;
        names.cluster.send(&names.a, &names.view_of_a(1)).await;
        names
    }

    fn view_of_a(&self, version: u64) -> View {
        let mut view = self.cluster.view(version);
        view.workloads = vec![workload("cart", None, &[(self.listener, "dns.shop")], None)];
        let endpoints = vec![endpoint(&self.cluster, &self.cluster, &self.b, "dns")];
        let (name, service) = service("shop/dns", Protocol::Udp, endpoints, None);
        view.services.insert(name, service);
        view
    }

    fn view_of_b(&self, version: u64, policies: Vec<Policy>) -> View {
        let mut view = self.cluster.view(version);
        view.workloads = vec![workload(
            "dns",
            Some(("shop/dns", self.app, Protocol::Udp)),
            &[],
            None,
        )];
        view.server_names = vec![offer(&self.cluster, &self.cluster, "shop/dns", "dns")];
        view.policies = policies;
        view
    }

    /// A socket of an app on node a.
    async fn app_socket(&self) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let listener = SocketAddr::from(([127, 0, 0, 1], self.listener));
        socket.connect(listener).await.unwrap();
        socket
    }
}

fn free_udp_port() -> u16 {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

/// Asks until there is an answer, as whoever uses UDP must.
async fn ask(socket: &UdpSocket, question: &[u8]) -> Vec<u8> {
    let mut answer = vec![0; 70_000];
    let asking = async {
        loop {
            socket.send(question).await.unwrap();
            let received = timeout(Duration::from_secs(1), socket.recv(&mut answer)).await;
            match received {
                Ok(Ok(length)) if answer[..length] == *question => {
                    return answer[..length].to_vec();
                }
                // The answer to an earlier question that took its time, or none yet.
                Ok(_) | Err(_) => {}
            }
        }
    };
    timeout(PATIENCE, asking).await.expect("never answered")
}

fn lines(node: &RunningNode) -> Vec<serde_json::Value> {
    let log = std::fs::read_to_string(log_of(&node.dir)).unwrap_or_default();
    log.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

fn log_of(dir: &Path) -> std::path::PathBuf {
    dir.join("access.log")
}

async fn line(node: &RunningNode, key: &str, value: &str) -> serde_json::Value {
    let find = || lines(node).into_iter().find(|line| line[key] == value);
    until(&format!("{key} {value} is logged"), async || {
        find().is_some()
    })
    .await;
    find().unwrap()
}

#[tokio::test]
async fn packets_of_every_size_come_back_whole() {
    let echo = Echo::start(0).await;
    let names = Names::start(echo.port).await;
    let socket = names.app_socket().await;
    for length in [1, 0, 1_200, 1_400, 9_000, 65_507] {
        let packet = vec![length as u8; length];
        assert_eq!(ask(&socket, &packet).await, packet, "{length}");
    }
}

#[tokio::test]
async fn flows_of_different_ports_stay_apart() {
    let echo = Echo::start(0).await;
    let names = Arc::new(Names::start(echo.port).await);
    let mut apps = tokio::task::JoinSet::new();
    for app in 0..20u8 {
        let names = Arc::clone(&names);
        apps.spawn(async move {
            let socket = names.app_socket().await;
            for turn in 0..20u8 {
                assert_eq!(ask(&socket, &[app, turn]).await, [app, turn]);
            }
        });
    }
    apps.join_all().await;
}

#[tokio::test]
async fn a_question_that_was_answered_ends_its_flow_and_the_next_begins_another() {
    let echo = Echo::start(0).await;
    let names = Names::start(echo.port).await;
    let socket = names.app_socket().await;
    ask(&socket, b"what?").await;
    let out = line(&names.a, "end", "idle").await;
    let (asked, answered) = (&out["request_packets"], &out["response_packets"]);
    assert!(
        asked.as_u64() >= Some(1) && answered.as_u64() >= Some(1),
        "{out}"
    );
    assert_eq!(out["protocol"], "udp");
    assert_eq!(out["direction"], "outbound");
    assert_eq!(out["service"], "shop/dns");
    assert_eq!(out["source"], "spiffe://east.example/ns/shop/sa/cart");
    assert_eq!(out["destination"], "spiffe://east.example/ns/shop/sa/dns");
    let inward = line(&names.b, "end", "finished").await;
    assert_eq!(inward["direction"], "inbound");
    assert_eq!(inward["source"], "spiffe://east.example/ns/shop/sa/cart");
    assert!(inward["policy"].is_string(), "{inward}");
    assert_eq!(ask(&socket, b"and now?").await, b"and now?");
}

#[tokio::test]
async fn who_may_not_gets_nothing_through() {
    let echo = Echo::start(0).await;
    let names = Names::start(echo.port).await;
    let nobody = names.cluster.spiffe_id("shop", "somebody-else");
    let view = names.view_of_b(2, vec![allow("shop/dns", nobody)]);
    names.cluster.send(&names.b, &view).await;
    let socket = names.app_socket().await;
    for packet in [&b"a"[..], &[7; 5_000]] {
        socket.send(packet).await.unwrap();
    }
    let out = line(&names.a, "error", "forbidden").await;
    assert_eq!(out["request_packets"], 0);
    let inward = line(&names.b, "error", "forbidden").await;
    assert_eq!(inward["policy"], "shop/callers");
    assert_eq!(echo.received.load(Ordering::Relaxed), 0);
    // Allowed, the same flow goes on.
    let cart = names.cluster.spiffe_id("shop", "cart");
    let view = names.view_of_b(3, vec![allow("shop/dns", cart)]);
    names.cluster.send(&names.b, &view).await;
    assert_eq!(ask(&socket, b"again").await, b"again");
    // What a View takes back ends at once.
    let view = names.view_of_b(
        4,
        vec![allow("shop/dns", names.cluster.spiffe_id("shop", "x"))],
    );
    names.cluster.send(&names.b, &view).await;
    until("the session was cut off", async || {
        let cut_off = |line: &serde_json::Value| {
            line["error"] == "forbidden" && line["request_packets"].as_u64() > Some(0)
        };
        lines(&names.b).iter().any(cut_off)
    })
    .await;
}

#[tokio::test]
async fn an_app_that_is_not_there_ends_the_session_until_it_is() {
    let names = Names::start(free_udp_port()).await;
    let socket = names.app_socket().await;
    socket.send(b"anybody?").await.unwrap();
    let inward = line(&names.b, "error", "app-gone").await;
    assert!(
        inward["detail"].as_str().unwrap().contains("refused"),
        "{inward}"
    );
    line(&names.a, "error", "broken-off").await;
    let _echo = Echo::start(names.app).await;
    assert_eq!(ask(&socket, b"and now?").await, b"and now?");
}

#[tokio::test]
async fn a_flow_outlives_its_tunnel() {
    let echo = Echo::start(0).await;
    let mut names = Names::start(echo.port).await;
    let socket = names.app_socket().await;
    assert_eq!(ask(&socket, b"before").await, b"before");
    names.b = names.cluster.restart(names.b).await;
    assert_eq!(ask(&socket, b"after").await, b"after");
}

#[tokio::test]
async fn a_port_turns_to_udp_and_back_with_its_service() {
    let echo = Echo::start(0).await;
    let names = Names::start(echo.port).await;
    let mut view = names.view_of_a(2);
    for service in view.services.values_mut() {
        service.protocol = Protocol::Http;
    }
    names.cluster.send(&names.a, &view).await;
    until("it takes connections", async || {
        tokio::net::TcpStream::connect(("127.0.0.1", names.listener))
            .await
            .is_ok()
    })
    .await;
    names.cluster.send(&names.a, &names.view_of_a(3)).await;
    let socket = names.app_socket().await;
    assert_eq!(ask(&socket, b"back").await, b"back");
}

#[tokio::test]
async fn packets_cross_a_gateway_into_another_cluster_where_a_policy_lets_them() {
    let echo = Echo::start(0).await;
    let names = Names::start(echo.port).await;
    let east = &names.cluster;
    let west = Cluster::start("west");
    let w = west.node("w").await;
    let mut view = west.view(1);
    view.workloads = vec![workload(
        "dns",
        Some(("shop/dns", echo.port, Protocol::Udp)),
        &[],
        None,
    )];
    view.server_names = vec![offer(&west, east, "shop/dns", "dns")];
    west.befriend(&mut view, east, &names.a);
    west.send(&w, &view).await;
    let gateway = west.gateway("gw", &west.view_of_gateway(1, east, &w)).await;
    let mut called = names.view_of_a(2);
    east.befriend(&mut called, &west, &w);
    for peer in called.peers.values_mut() {
        peer.gateways = vec![gateway.address.into()];
    }
    let host = "dns.shop.svc.west.clusterset.local";
    called.workloads[0].listeners[0].host = MeshHost::parse(host).unwrap();
    let endpoints = vec![endpoint(&west, east, &w, "dns")];
    called
        .services
        .extend([service("shop/dns", Protocol::Udp, endpoints, None)]);
    east.send(&names.a, &called).await;
    // Across trust domains nothing is allowed that no policy allows.
    let socket = names.app_socket().await;
    socket.send(b"denied").await.unwrap();
    let denied = line(&w, "error", "forbidden").await;
    assert_eq!(denied["peer"], "east");
    assert_eq!(echo.received.load(Ordering::Relaxed), 0);
    view.version = 2;
    view.policies = vec![allow("shop/dns", east.spiffe_id("shop", "cart"))];
    west.send(&w, &view).await;
    for length in [1, 1_200, 9_000] {
        let packet = vec![length as u8; length];
        assert_eq!(ask(&socket, &packet).await, packet, "{length}");
    }
}
