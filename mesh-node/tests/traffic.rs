//! Requests between two nodes of one cluster, and between two clusters, over real tunnels.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod bed;
#[path = "traffic/federated.rs"]
mod federated;
#[path = "traffic/hostile.rs"]
mod hostile;
#[path = "traffic/sharded.rs"]
mod sharded;
#[path = "traffic/tcp.rs"]
mod tcp;
#[path = "traffic/udp.rs"]
mod udp;

use std::num::NonZeroU8;

use bed::app::App;
use bed::cluster::{Cluster, RunningNode, endpoint, offer, service, workload};
use bed::{free_port, get, send, text, until};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use protocol::view::{Protocol, View};

/// East: `cart` on node a calls `pay`, which runs on node b.
struct East {
    cluster: Cluster,
    a: RunningNode,
    b: RunningNode,
    pay: App,
    listener: u16,
    proxy: u16,
}

impl East {
    async fn start() -> Self {
        Self::start_with(NonZeroU8::MIN).await
    }

    async fn start_with(shards: NonZeroU8) -> Self {
        let mut cluster = Cluster::start("east");
        cluster.shards = shards;
        let (a, b) = (cluster.node("a").await, cluster.node("b").await);
        let east = Self {
            pay: App::start("east-pay"),
            listener: free_port(),
            proxy: free_port(),
            cluster,
            a,
            b,
        };
        east.cluster.send(&east.b, &east.view_of_b(1)).await;
        east.cluster.send(&east.a, &east.view_of_a(1)).await;
        east
    }

    fn view_of_a(&self, version: u64) -> View {
        let mut view = self.cluster.view(version);
        view.workloads = vec![workload(
            "cart",
            None,
            &[(self.listener, "pay.shop")],
            Some(self.proxy),
        )];
        let endpoints = vec![endpoint(&self.cluster, &self.cluster, &self.b, "pay")];
        view.services
            .extend([service("shop/pay", Protocol::Http, endpoints, None)]);
        view
    }

    fn view_of_b(&self, version: u64) -> View {
        let mut view = self.cluster.view(version);
        view.workloads = vec![workload(
            "pay",
            Some(("shop/pay", self.pay.port, Protocol::Http)),
            &[],
            None,
        )];
        view.server_names = vec![offer(&self.cluster, &self.cluster, "shop/pay", "pay")];
        view
    }
}

#[tokio::test]
async fn a_request_passes_between_two_svids() {
    let east = East::start().await;
    assert_eq!(get(east.listener, "/").await, (200, "east-pay".to_owned()));
    let (status, headers) = get(east.listener, "/headers").await;
    assert_eq!(status, 200);
    assert!(headers.starts_with("GET /headers HTTP/1.1\n"), "{headers}");
    assert!(
        headers.contains("x-spiffe-caller: spiffe://east.example/ns/shop/sa/cart\n"),
        "{headers}"
    );
    assert!(
        headers.contains(&format!("host: 127.0.0.1:{}\n", east.listener)),
        "{headers}"
    );
    assert!(!headers.contains("transfer-encoding"), "{headers}");
}

#[tokio::test]
async fn every_request_leaves_one_line_at_each_end() {
    let east = East::start().await;
    get(east.listener, "/status/404").await;
    for (node, direction) in [(&east.a, "outbound"), (&east.b, "inbound")] {
        let path = node.dir.join("access.log");
        until("a line is written", async || {
            std::fs::read_to_string(&path).is_ok_and(|log| log.ends_with('\n'))
        })
        .await;
        let line: serde_json::Value =
            serde_json::from_str(std::fs::read_to_string(&path).unwrap().trim()).unwrap();
        assert_eq!(line["direction"], direction);
        assert_eq!(line["status"], 404);
        assert_eq!(line["attempts"], 1);
        assert_eq!(line["source"], "spiffe://east.example/ns/shop/sa/cart");
        assert_eq!(line["destination"], "spiffe://east.example/ns/shop/sa/pay");
        assert_eq!(line["service"], "shop/pay");
        assert_eq!(line["response_bytes"], 8);
    }
}

#[tokio::test]
async fn the_proxy_serves_hosts_of_the_mesh_and_no_others() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let east = East::start().await;
    for (request, status) in [
        (
            "GET http://pay.shop/x HTTP/1.1\r\nhost: pay.shop\r\nconnection: close\r\n\r\n",
            "200",
        ),
        (
            "GET http://example.com/ HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\n\r\n",
            "404",
        ),
        (
            "GET http://nobody.shop/ HTTP/1.1\r\nhost: nobody.shop\r\nconnection: close\r\n\r\n",
            "404",
        ),
        (
            "GET http://pay.shop/x HTTP/1.1\r\nhost: other.shop\r\nconnection: close\r\n\r\n",
            "400",
        ),
        (
            "CONNECT example.com:80 HTTP/1.1\r\nhost: example.com:80\r\nconnection: close\r\n\r\n",
            "404",
        ),
        (
            "GET http://pay.shop/a/../b HTTP/1.1\r\nhost: pay.shop\r\n\r\n",
            "400",
        ),
        (
            "GET http://pay.shop/a%2fb HTTP/1.1\r\nhost: pay.shop\r\n\r\n",
            "400",
        ),
    ] {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", east.proxy))
            .await
            .unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{request}{answer}"
        );
    }
}

#[tokio::test]
async fn bodies_of_any_length_pass_both_ways() {
    let east = East::start().await;
    for length in [0, 1, 100_000, 20 << 20] {
        let body = Bytes::from(vec![b'y'; length]);
        let request = Request::post(format!("http://127.0.0.1:{}/echo", east.listener))
            .body(Full::new(body.clone()))
            .unwrap();
        let response = send(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let back = response.into_body().collect().await.unwrap().to_bytes();
        assert!(
            back == body,
            "{length} bytes sent, {} came back",
            back.len()
        );
    }
    let (status, body) = get(east.listener, "/bytes/30000000").await;
    assert_eq!((status, body.len()), (200, 30_000_000));
}

#[tokio::test]
async fn who_claims_an_identity_is_not_believed() {
    let east = East::start().await;
    let request = Request::get(format!("http://127.0.0.1:{}/headers", east.listener))
        .header(
            "x-forwarded-client-cert",
            "URI=spiffe://east.example/ns/shop/sa/root",
        )
        .header("x_spiffe_caller", "root")
        .header("forwarded", "for=1.2.3.4")
        .header("connection", "x-secret")
        .header("x-secret", "1")
        .header("x-kept", "1")
        .body(Full::default())
        .unwrap();
    let headers = text(send(request).await.unwrap()).await;
    assert!(
        !headers.contains("sa/root")
            && !headers.contains("forwarded: for")
            && !headers.contains("x-secret"),
        "{headers}"
    );
    assert!(
        headers.contains("x-kept: 1")
            && headers.contains("URI=spiffe://east.example/ns/shop/sa/cart"),
        "{headers}"
    );
}

#[tokio::test]
async fn a_node_restarted_without_its_controller_serves_from_its_cache() {
    let mut east = East::start().await;
    assert_eq!(get(east.listener, "/").await.0, 200);
    east.cluster.stop_controller().await;
    east.a = east.cluster.restart(east.a).await;
    assert_eq!(get(east.listener, "/").await, (200, "east-pay".to_owned()));
    assert!(east.a.is_ready());
    east.b = east.cluster.restart(east.b).await;
    assert_eq!(get(east.listener, "/").await, (200, "east-pay".to_owned()));
}

#[tokio::test]
async fn a_damaged_cache_serves_nothing() {
    let mut east = East::start().await;
    east.cluster.stop_controller().await;
    east.a.stop().await;
    let cache = east.a.dir.join("view.cache");
    let mut bytes = std::fs::read(&cache).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&cache, bytes).unwrap();
    let a = east
        .cluster
        .start_node("a", &east.a.dir.clone(), None, east.a.address)
        .await
        .unwrap();
    assert!(!a.is_ready());
    assert!(
        tokio::net::TcpStream::connect(("127.0.0.1", east.listener))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_rejected_view_changes_nothing() {
    let east = East::start().await;
    let mut view = east.view_of_a(2);
    view.bundles[0].sequence = 0;
    view.services.clear();
    east.cluster.post("a", &view);
    until("rejected", async || {
        east.cluster
            .shared
            .acknowledged
            .lock()
            .get("a")
            .is_some_and(|(version, why)| *version == 2 && !why.is_empty())
    })
    .await;
    assert_eq!(get(east.listener, "/").await.0, 200);
}

#[tokio::test]
async fn a_dead_app_is_reported_and_costs_no_request_while_another_lives() {
    let east = East::start().await;
    until("healthy", async || {
        east.cluster.shared.health.lock().get("pay") == Some(&true)
    })
    .await;
    let other = App::start("other-pay");
    let mut view = east.view_of_b(2);
    view.workloads.push(workload(
        "pay2",
        Some(("shop/pay", other.port, Protocol::Http)),
        &[],
        None,
    ));
    view.workloads[1].service_account = bed::cluster::label("pay");
    east.cluster.send(&east.b, &view).await;
    east.pay.kill().await;
    for _ in 0..20 {
        assert_eq!(get(east.listener, "/").await, (200, "other-pay".to_owned()));
    }
    until("reported", async || {
        east.cluster.shared.health.lock().get("pay") == Some(&false)
    })
    .await;
}

#[tokio::test]
async fn http2_with_trailers_passes_both_ways() {
    let east = East::start().await;
    let mut a = east.view_of_a(2);
    let mut b = east.view_of_b(2);
    b.workloads[0].serves[0].protocol = Protocol::Grpc;
    a.services
        .values_mut()
        .for_each(|service| service.protocol = Protocol::Grpc);
    east.cluster.send(&east.b, &b).await;
    east.cluster.send(&east.a, &a).await;
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let request = |path: &str| {
        Request::post(format!("http://127.0.0.1:{}{path}", east.listener))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(Bytes::from_static(b"question")))
            .unwrap()
    };
    let collected = client
        .request(request("/trailers"))
        .await
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap();
    assert_eq!(collected.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(collected.to_bytes(), "message");
    let headers = text(client.request(request("/headers")).await.unwrap()).await;
    assert!(
        headers.contains("te: trailers") && headers.contains("HTTP/2.0"),
        "{headers}"
    );
    // A thousand at once on one connection.
    let all = (0..1000).map(|_| client.request(request("/echo")));
    for response in futures_util::future::join_all(all).await {
        assert_eq!(text(response.unwrap()).await, "question");
    }
}

#[tokio::test]
async fn http2_bodies_beyond_every_window_pass_both_ways() {
    let east = East::start().await;
    let (mut a, mut b) = (east.view_of_a(2), east.view_of_b(2));
    b.workloads[0].serves[0].protocol = Protocol::Http2;
    a.services
        .values_mut()
        .for_each(|service| service.protocol = Protocol::Http2);
    east.cluster.send(&east.b, &b).await;
    east.cluster.send(&east.a, &a).await;
    let client = hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .http2_only(true)
        .build_http();
    let long: Bytes = (0..40u32 << 20).map(|at| (at >> 8) as u8).collect();
    let request = Request::post(format!("http://127.0.0.1:{}/echo", east.listener))
        .body(Full::new(long.clone()))
        .unwrap();
    let answer = client.request(request).await.unwrap();
    let back = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(back == long, "{} of {}", back.len(), long.len());
}

#[tokio::test]
async fn svids_are_renewed_under_load_without_losing_a_request() {
    let east = East::start().await;
    east.cluster.svids_live(std::time::Duration::from_secs(4));
    // Another service account makes both nodes ask for a short-lived SVID at once.
    let mut b = east.view_of_b(2);
    b.workloads[0].service_account = bed::cluster::label("pay-short");
    b.server_names[0].spiffe_id = east.cluster.spiffe_id("shop", "pay-short");
    let mut a = east.view_of_a(2);
    a.services.values_mut().for_each(|service| {
        service.endpoints[0].spiffe_id = east.cluster.spiffe_id("shop", "pay-short")
    });
    east.cluster.send(&east.b, &b).await;
    east.cluster.send(&east.a, &a).await;
    let before = *east.cluster.shared.issued.lock();
    let mut requests = 0;
    while *east.cluster.shared.issued.lock() < before + 4 {
        assert_eq!(
            get(east.listener, "/").await,
            (200, "east-pay".to_owned()),
            "after {requests}"
        );
        requests += 1;
    }
    assert!(requests > 10);
}

/// Sends bytes to a listener and reads until `until` has come.
async fn talk(stream: &mut tokio::net::TcpStream, say: &str, until: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    stream.write_all(say.as_bytes()).await.unwrap();
    let mut heard = Vec::new();
    while !String::from_utf8_lossy(&heard).contains(until) {
        let read = tokio::time::timeout(bed::PATIENCE, stream.read_buf(&mut heard))
            .await
            .unwrap()
            .unwrap();
        assert!(
            read > 0,
            "ended after {:?}",
            String::from_utf8_lossy(&heard)
        );
    }
    String::from_utf8(heard).unwrap()
}

#[tokio::test]
async fn http1_in_all_its_corners() {
    let east = East::start().await;
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", east.listener))
        .await
        .unwrap();
    let s = &mut stream;
    talk(
        s,
        "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n",
        "100 Continue\r\n\r\n",
    )
    .await;
    talk(s, "12345", "5 false").await;
    let head = talk(s, "HEAD /bytes/7 HTTP/1.1\r\nhost: x\r\n\r\n", "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    talk(
        s,
        "GET /status/204 HTTP/1.1\r\nhost: x\r\n\r\n",
        "204 No Content",
    )
    .await;
    talk(s, "GET /length HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "3 true").await;
    talk(
        s,
        "POST /length HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n",
        "0 false",
    )
    .await;
    talk(s, "DELETE /length HTTP/1.1\r\nhost: x\r\n\r\n", "0 false").await;
    talk(s, "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n", "east-pay").await;
    // Two at once on one connection, answered in order.
    let both = talk(
        s,
        "GET /status/201 HTTP/1.1\r\nhost: x\r\n\r\nGET /status/202 HTTP/1.1\r\nhost: x\r\n\r\n",
        "202 Accepted",
    )
    .await;
    assert!(both.starts_with("HTTP/1.1 201"), "{both}");
    talk(
        s,
        "GET / HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n",
        "400 Bad Request",
    )
    .await;
}

#[tokio::test]
async fn connections_to_an_app_are_kept() {
    let east = East::start().await;
    // Health checks connect too; they are told apart by far more requests.
    for _ in 0..300 {
        assert_eq!(get(east.listener, "/").await.0, 200);
    }
    assert!(
        east.pay
            .connections
            .load(std::sync::atomic::Ordering::Relaxed)
            < 100
    );
}

#[tokio::test]
async fn an_app_that_breaks_off_is_asked_again_only_where_that_does_no_harm() {
    let east = East::start().await;
    for _ in 0..20 {
        assert_eq!(get(east.listener, "/").await.0, 200);
    }
    east.pay.break_next(1);
    assert_eq!(get(east.listener, "/").await, (200, "east-pay".to_owned()));
    east.pay.break_next(1);
    let post = Request::post(format!("http://127.0.0.1:{}/", east.listener))
        .body(Full::from("once"))
        .unwrap();
    let response = send(post).await.unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.headers()["x-weft-error"].to_str().unwrap()
        ),
        (502, "broken")
    );
}

#[tokio::test]
async fn retries_stay_within_a_fifth_of_the_requests() {
    let east = East::start().await;
    east.pay.break_next(1_000_000);
    let mut failed = 0;
    for _ in 0..50 {
        failed += u32::from(get(east.listener, "/").await.0 == 502);
    }
    assert_eq!(failed, 50);
    let log = east.a.dir.join("access.log");
    until("all are written", async || {
        std::fs::read_to_string(&log).is_ok_and(|log| log.lines().count() == 50)
    })
    .await;
    let attempts: u64 = std::fs::read_to_string(&log)
        .unwrap()
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["attempts"]
                .as_u64()
                .unwrap()
        })
        .sum();
    assert!(
        (51..=60).contains(&attempts),
        "{attempts} attempts for 50 requests"
    );
}

#[tokio::test]
async fn a_caller_that_goes_is_felt_at_the_app() {
    let east = East::start().await;
    let response = send(
        Request::get(format!(
            "http://127.0.0.1:{}/bytes/2000000000",
            east.listener
        ))
        .body(Full::default())
        .unwrap(),
    )
    .await
    .unwrap();
    drop(response);
    for node in [&east.a, &east.b] {
        let log = node.dir.join("access.log");
        until("its end is written", async || {
            std::fs::read_to_string(&log).is_ok_and(|log| log.contains("\"error\""))
        })
        .await;
    }
}

#[tokio::test]
async fn a_data_directory_of_another_cluster_is_refused() {
    let mut east = East::start().await;
    east.a.stop().await;
    let other = Cluster::start("east");
    let refused = other
        .start_node(
            "a",
            &east.a.dir.clone(),
            Some(other.token()),
            "127.0.0.1:0".parse().unwrap(),
        )
        .await;
    assert!(refused.is_err_and(|error| error.to_string().contains("another cluster")));
}

#[tokio::test]
async fn without_a_good_token_nobody_joins() {
    let east = Cluster::start("east");
    let dir = tempfile::tempdir().unwrap();
    let bind = "127.0.0.1:0".parse().unwrap();
    let path = dir.path().join("node");
    let none = east
        .start_node("x", &path, None, bind)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(none.contains("no join token"), "{none}");
    let mut token = east.token();
    token.secret = [6; 32].into();
    let used = east
        .start_node("x", &path, Some(token), bind)
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(used.contains("refused the join token"), "{used}");
}

#[tokio::test]
async fn a_node_that_stops_finishes_what_it_has_begun() {
    let mut east = East::start().await;
    let request = Request::get(format!("http://127.0.0.1:{}/bytes/50000000", east.listener))
        .body(Full::default())
        .unwrap();
    let response = send(request).await.unwrap();
    let (body, ()) = tokio::join!(response.into_body().collect(), east.a.stop());
    assert_eq!(body.unwrap().to_bytes().len(), 50_000_000);
}
