//! How connections end, and how they never begin.

use std::hash::Hasher;

use tokio::sync::mpsc;

use super::*;

#[tokio::test]
async fn a_half_close_of_the_caller_is_passed_on() {
    let app = Tcp::start(|mut stream| async move {
        let mut heard = Vec::new();
        if stream.read_to_end(&mut heard).await.is_ok() && !heard.is_empty() {
            let answer = format!("got {}", heard.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    let mut stream = far.connect().await;
    say(&mut stream, b"some words").await;
    stream.shutdown().await.unwrap();
    assert_eq!(rest(&mut stream).await.unwrap(), b"got 10");
}

#[tokio::test]
async fn a_half_close_of_the_service_is_passed_on() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let app = Tcp::start(move |mut stream| {
        let tell = tell.clone();
        async move {
            drop(stream.write_all(b"bye").await);
            drop(stream.shutdown().await);
            let mut heard = Vec::new();
            drop(stream.read_to_end(&mut heard).await);
            if !heard.is_empty() {
                tell.send(heard).unwrap();
            }
        }
    })
    .await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    let mut stream = far.connect().await;
    assert_eq!(rest(&mut stream).await.unwrap(), b"bye");
    say(&mut stream, b"one more thing").await;
    stream.shutdown().await.unwrap();
    let heard = timeout(PATIENCE, told.recv()).await.expect("in time");
    assert_eq!(heard.unwrap(), b"one more thing");
}

#[tokio::test]
async fn a_reset_of_the_caller_reaches_the_service() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let app = Tcp::start(move |mut stream| {
        let tell = tell.clone();
        async move {
            let mut heard = [0; 2];
            if stream.read_exact(&mut heard).await.is_ok() {
                stream.write_all(b"ok").await.unwrap();
                tell.send(rest(&mut stream).await).unwrap();
            }
        }
    })
    .await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    let mut stream = far.connect().await;
    say(&mut stream, b"hi").await;
    hear(&mut stream, b"ok").await;
    reset(stream);
    let ended = timeout(PATIENCE, told.recv()).await.expect("in time");
    assert_reset(ended.unwrap());
}

#[tokio::test]
async fn a_reset_of_the_service_reaches_the_caller() {
    let app = Tcp::start(|mut stream| async move {
        let mut heard = [0; 2];
        if stream.read_exact(&mut heard).await.is_ok() {
            stream.write_all(b"part of it").await.unwrap();
            // Until the caller has heard that much.
            stream.read_exact(&mut heard).await.unwrap();
            reset(stream);
        }
    })
    .await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    let mut stream = far.connect().await;
    say(&mut stream, b"hi").await;
    hear(&mut stream, b"part of it").await;
    say(&mut stream, b"go").await;
    assert_reset(rest(&mut stream).await);
    assert_eq!(lines(&far.w, 1).await[0]["error"], "app-broke-off");
    assert_eq!(lines(&far.a, 1).await[0]["error"], "remote-broke-off");
}

/// A caller that has heard the end still learns that nobody hears him.
#[tokio::test]
async fn a_service_that_ends_and_then_resets_reaches_an_idle_caller() {
    let (go, went) = tokio::sync::watch::channel(false);
    let app = Tcp::start(move |mut stream| {
        let mut went = went.clone();
        async move {
            drop(stream.write_all(b"bye").await);
            drop(stream.shutdown().await);
            drop(went.wait_for(|went| *went).await);
            reset(stream);
        }
    })
    .await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    let mut stream = far.connect().await;
    assert_eq!(rest(&mut stream).await.unwrap(), b"bye");
    go.send_replace(true);
    until("the caller's connection is gone", async || {
        stream.write_all(b"x").await.is_err()
    })
    .await;
}

#[tokio::test]
async fn bulk_arrives_as_it_was_sent_both_ways_at_once() {
    const LENGTH: usize = 64 << 20;
    let app = Tcp::echo().await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    let (mut from, mut to) = far.connect().await.into_split();
    let sending = async move {
        let mut hash = std::hash::DefaultHasher::new();
        let mut chunk = vec![0u8; 1 << 20];
        for round in 0..LENGTH / chunk.len() {
            let bytes = chunk.iter_mut().enumerate();
            bytes.for_each(|(at, byte)| *byte = (at ^ (at >> 7) ^ (round * 31)) as u8);
            hash.write(&chunk);
            to.write_all(&chunk).await.unwrap();
        }
        to.shutdown().await.unwrap();
        hash.finish()
    };
    let receiving = async move {
        let mut hash = std::hash::DefaultHasher::new();
        let (mut length, mut chunk) = (0, vec![0; 1 << 20]);
        while let read @ 1.. = from.read(&mut chunk).await.unwrap() {
            hash.write(&chunk[..read]);
            length += read;
        }
        assert_eq!(length, LENGTH);
        hash.finish()
    };
    let (sent, received) = tokio::join!(sending, receiving);
    assert_eq!(sent, received);
}

#[tokio::test]
async fn p_12_without_a_policy_no_caller_of_another_trust_domain_is_let_in() {
    let app = Tcp::echo().await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    far.deny(2).await;
    let mut stream = far.connect().await;
    drop(stream.write_all(b"anybody?").await);
    assert_reset(rest(&mut stream).await);
    // P-16: what isn't offered at all looks the same.
    let mut view = far.view_of_w(3);
    view.server_names[0].service = super::super::bed::cluster::service_name("shop/other");
    far.west.send(&far.w, &view).await;
    let mut stream = far.connect().await;
    drop(stream.write_all(b"anybody?").await);
    assert_reset(rest(&mut stream).await);
    assert_eq!(app.accepted(), 0, "no app got a byte");
    let errors: Vec<_> = lines(&far.a, 2).await;
    assert!(
        errors.iter().all(|line| line["error"] == "forbidden"),
        "{errors:?}"
    );
    assert_eq!(lines(&far.w, 2).await[0]["policy"], "default-deny");
}

#[tokio::test]
async fn p_12_a_rule_about_requests_lets_no_connection_in() {
    let app = Tcp::echo().await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    let mut view = far.view_of_w(2);
    view.policies[0].rules[0].methods = vec!["GET".to_owned()];
    far.west.send(&far.w, &view).await;
    assert_reset(rest(&mut far.connect().await).await);
}

#[tokio::test]
async fn p_8_a_connection_ends_when_its_policy_does() {
    let app = Tcp::echo().await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    let mut stream = far.connect().await;
    say(&mut stream, b"hi").await;
    hear(&mut stream, b"hi").await;
    // A View that changes nothing for it leaves it alone.
    far.west.send(&far.w, &far.view_of_w(2)).await;
    say(&mut stream, b"still").await;
    hear(&mut stream, b"still").await;
    far.deny(3).await;
    assert_reset(rest(&mut stream).await);
    assert_eq!(lines(&far.w, 1).await[0]["error"], "forbidden");
}

#[tokio::test]
async fn a_service_without_endpoints_takes_no_connection() {
    let far = Far::start(Protocol::Tcp, free_port()).await;
    let mut view = far.view_of_a(2);
    view.services
        .values_mut()
        .for_each(|service| service.endpoints.clear());
    far.east.send(&far.a, &view).await;
    assert_reset(rest(&mut far.connect().await).await);
    assert_eq!(lines(&far.a, 1).await[0]["error"], "no-endpoint");
}

#[tokio::test]
async fn an_app_that_takes_no_connection_is_passed_over() {
    let app = Tcp::echo().await;
    let far = Far::start(Protocol::Tcp, app.port).await;
    // East has one too, first in order, of which nobody has heard yet that it is gone.
    let b = far.east.node("b").await;
    let mut view = far.east.view(1);
    let gone = Some(("shop/db", free_port(), Protocol::Tcp));
    view.workloads = vec![workload("db", gone, &[], None)];
    view.server_names = vec![offer(&far.east, &far.east, "shop/db", "db")];
    far.east.send(&b, &view).await;
    let mut view = far.view_of_a(2);
    let near = endpoint(&far.east, &far.east, &b, "db");
    view.services
        .values_mut()
        .for_each(|service| service.endpoints.insert(0, near.clone()));
    far.east.send(&far.a, &view).await;
    let mut stream = far.connect().await;
    say(&mut stream, b"said at once").await;
    hear(&mut stream, b"said at once").await;
    stream.shutdown().await.unwrap();
    assert_eq!(rest(&mut stream).await.unwrap(), b"");
    let line = &lines(&far.a, 1).await[0];
    assert_eq!(
        (&line["attempts"], &line["peer"]),
        (&2.into(), &"west".into())
    );
    assert_eq!(lines(&b, 1).await[0]["error"], "unavailable");
}

#[tokio::test]
async fn a_draining_node_takes_no_connection_and_lets_those_it_has_end() {
    let app = Tcp::echo().await;
    let mut far = Far::start(Protocol::Tcp, app.port).await;
    let mut stream = far.connect().await;
    say(&mut stream, b"hi").await;
    hear(&mut stream, b"hi").await;
    let (listener, log) = (far.listener, far.w.dir.join("access.log"));
    let late = async {
        // Nobody else has the service: this one waits for as long as a successor may take.
        let mut late = None;
        until("a new connection is refused", async || {
            let stream = connect(listener).await;
            drop(late.replace(stream));
            std::fs::read_to_string(&log).is_ok_and(|log| log.contains(r#""error":"draining""#))
        })
        .await;
        say(&mut stream, b"bye").await;
        hear(&mut stream, b"bye").await;
        stream.shutdown().await.unwrap();
        assert_eq!(rest(&mut stream).await.unwrap(), b"");
    };
    tokio::join!(far.w.stop(), late);
}
