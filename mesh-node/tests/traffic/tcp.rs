//! TCP across trust domains: who speaks first, half-close and reset both ways, bulk, denials, apps that aren't there, policy changes.

#[path = "tcp/connect.rs"]
mod connect;
#[path = "tcp/detected.rs"]
mod detected;
#[path = "tcp/ends.rs"]
mod ends;
#[path = "tcp/limits.rs"]
mod limits;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use protocol::view::{Protocol, View};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::bed::cluster::{Cluster, RunningNode, allow, endpoint, offer, service, workload};
use super::bed::{PATIENCE, free_port, until};

/// An app that does the same with each connection.
struct Tcp {
    port: u16,
    accepted: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Tcp {
    async fn start<H, F>(handle: H) -> Self
    where
        H: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&accepted);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let handled = handle(stream);
                let counted = Arc::clone(&counted);
                connections.spawn(async move {
                    // Health checks say nothing, and are no callers.
                    let _count = counted;
                    handled.await;
                });
            }
        });
        Self {
            port,
            accepted,
            task: task.abort_handle(),
        }
    }

    /// Gives back what it gets, and ends when that ends.
    async fn echo() -> Self {
        let seen = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&seen);
        let mut echo = Self::start(move |mut stream| {
            let counted = Arc::clone(&counted);
            async move {
                let mut buffer = vec![0; 64 << 10];
                let mut first = true;
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    if std::mem::take(&mut first) {
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                    if stream.write_all(&buffer[..length]).await.is_err() {
                        return;
                    }
                }
            }
        })
        .await;
        echo.accepted = seen;
        echo
    }

    /// Connections that said something.
    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }
}

impl Drop for Tcp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// `cart` on node a in east calls `db`, which runs on node w in west.
struct Far {
    east: Cluster,
    west: Cluster,
    a: RunningNode,
    w: RunningNode,
    listener: u16,
    proxy: u16,
    app: u16,
    protocol: Protocol,
}

impl Far {
    async fn start(protocol: Protocol, app: u16) -> Self {
        let (east, west) = (Cluster::start("east"), Cluster::start("west"));
        let (a, w) = (east.node("a").await, west.node("w").await);
        let far = Self {
            east,
            west,
            a,
            w,
            listener: free_port(),
            proxy: free_port(),
            app,
            protocol,
        };
        far.west.send(&far.w, &far.view_of_w(1)).await;
        far.east.send(&far.a, &far.view_of_a(1)).await;
        far
    }

    fn view_of_w(&self, version: u64) -> View {
        let mut view = self.west.view(version);
        view.workloads = vec![workload(
            "db",
            Some(("shop/db", self.app, self.protocol)),
            &[],
            None,
        )];
        view.server_names = vec![offer(&self.west, &self.east, "shop/db", "db")];
        self.west.befriend(&mut view, &self.east, &self.a);
        view.policies = vec![allow("shop/db", self.east.spiffe_id("shop", "cart"))];
        view
    }

    fn view_of_a(&self, version: u64) -> View {
        let mut view = self.east.view(version);
        self.east.befriend(&mut view, &self.west, &self.w);
        view.workloads = vec![workload(
            "cart",
            None,
            &[(self.listener, "db.shop.svc.clusterset.local")],
            Some(self.proxy),
        )];
        let endpoints = vec![endpoint(&self.west, &self.east, &self.w, "db")];
        view.services
            .extend([service("shop/db", self.protocol, endpoints, None)]);
        view
    }

    async fn connect(&self) -> TcpStream {
        connect(self.listener).await
    }

    /// Takes the policy that lets `cart` in away.
    async fn deny(&self, version: u64) {
        let mut view = self.view_of_w(version);
        view.policies.clear();
        self.west.send(&self.w, &view).await;
    }
}

async fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

async fn say(stream: &mut TcpStream, text: &[u8]) {
    stream.write_all(text).await.unwrap();
}

async fn hear(stream: &mut TcpStream, expected: &[u8]) {
    let mut heard = vec![0; expected.len()];
    let read = timeout(PATIENCE, stream.read_exact(&mut heard)).await;
    read.expect("in time").unwrap();
    assert_eq!(
        String::from_utf8_lossy(&heard),
        String::from_utf8_lossy(expected)
    );
}

/// Everything up to the end.
async fn rest(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut heard))
        .await
        .expect("in time")
        .map(|_| heard)
}

#[track_caller]
fn assert_reset<T: std::fmt::Debug>(read: std::io::Result<T>) {
    let error = read.expect_err("the connection breaks, and does not end");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
}

/// Breaks a connection instead of ending it.
fn reset(stream: TcpStream) {
    let socket = socket2::SockRef::from(&stream);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
}

/// The lines of a node's access log that are about TCP.
async fn lines(node: &RunningNode, count: usize) -> Vec<serde_json::Value> {
    let path = node.dir.join("access.log");
    let mut lines = Vec::new();
    until("the connections are in the log", async || {
        let log = std::fs::read_to_string(&path).unwrap_or_default();
        let complete = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines = complete
            .filter(|line: &serde_json::Value| line["protocol"] == "tcp")
            .collect();
        lines.len() >= count
    })
    .await;
    lines
}

#[tokio::test]
async fn the_server_may_speak_first() {
    let app = Tcp::start(|mut stream| async move {
        // A health check has gone before.
        if stream.write_all(b"220 ready\r\n").await.is_ok() {
            drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await);
        }
    })
    .await;
    for protocol in [Protocol::Tcp, Protocol::Auto] {
        let far = Far::start(protocol, app.port).await;
        hear(&mut far.connect().await, b"220 ready\r\n").await;
    }
}

#[tokio::test]
async fn one_connection_leaves_one_line_at_each_end() {
    let app = Tcp::echo().await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    let mut stream = far.connect().await;
    say(&mut stream, b"four").await;
    stream.shutdown().await.unwrap();
    assert_eq!(rest(&mut stream).await.unwrap(), b"four");
    for (node, direction, peer) in [(&far.a, "outbound", "west"), (&far.w, "inbound", "east")] {
        let lines = lines(node, 1).await;
        let [line] = lines.as_slice() else {
            panic!("{lines:?}")
        };
        assert_eq!(line["direction"], direction);
        assert_eq!(line["source"], "spiffe://east.example/ns/shop/sa/cart");
        assert_eq!(line["destination"], "spiffe://west.example/ns/shop/sa/db");
        assert_eq!(
            (&line["service"], &line["peer"]),
            (&"shop/db".into(), &peer.into())
        );
        assert_eq!(
            (&line["request_bytes"], &line["response_bytes"]),
            (&4.into(), &4.into())
        );
        assert_eq!((&line["attempts"], line.get("error")), (&1.into(), None));
    }
}
