//! HTTP/3 between two of our own endpoints: what `weft/1` can do for requests, `h3` can.
#![allow(
    clippy::unwrap_used,
    clippy::missing_docs_in_private_items,
    reason = "a test may end by panicking"
)]

#[path = "h3/abuse.rs"]
mod abuse;
#[path = "h3/packets.rs"]
mod packets;
#[path = "h3/world.rs"]
mod world;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use protocol::frame::{Fields, FieldsBuilder, HttpVersion, Refusal, RequestHead, ResponseHead};
use tunnel::{
    CloseCode, Event, Exchange, MessageError, Opening, RequestError, StreamCode, Tunnel, send_body,
};
use world::{PAYMENTS_HOST, World};

const LIMIT: Duration = Duration::from_secs(60);

fn fields(pairs: &[(&str, &str)]) -> Fields {
    let mut fields = FieldsBuilder::default();
    for (name, value) in pairs {
        fields.push(name.as_bytes(), value.as_bytes()).unwrap();
    }
    fields.build()
}

fn head(path: &str) -> RequestHead {
    RequestHead {
        service: "shop/payments".parse().unwrap(),
        version: HttpVersion::Http2,
        method: http::Method::POST,
        authority: PAYMENTS_HOST.into(),
        path: path.into(),
        fields: fields(&[
            ("x-one", "1"),
            ("te", "trailers"),
            ("x-two", "2"),
            ("x-two", "3"),
        ]),
        upgrade: false,
    }
}

fn answer(status: u16) -> ResponseHead {
    ResponseHead {
        version: HttpVersion::Http2,
        status: StatusCode::from_u16(status).unwrap(),
        fields: fields(&[("x-kept", "yes")]),
    }
}

async fn next(listener: &Tunnel) -> Exchange {
    let opening = listener.accept_stream().await.unwrap().open().await;
    match opening.unwrap().unwrap() {
        Opening::Http(exchange) => exchange,
        other => panic!("{other:?}"),
    }
}

/// Answers every request with its own body and trailers, until the tunnel ends.
fn echo(listener: Tunnel) -> tokio::task::JoinHandle<()> {
    tokio::spawn(async move {
        while let Some(arriving) = listener.accept_stream().await {
            tokio::spawn(async move {
                if let Ok(Some(Opening::Http(mut exchange))) = arriving.open().await {
                    let end = !exchange.has_body();
                    exchange.send.response(&answer(200), end).await.unwrap();
                    if !end {
                        let (body, _lent) = exchange.recv.lend();
                        drop(send_body(&mut exchange.send, body).await);
                    }
                }
            });
        }
    })
}

#[tokio::test]
async fn heads_bodies_and_trailers_go_both_ways_as_sent() {
    let pair = World::new().pair(PAYMENTS_HOST).await;
    let server = tokio::spawn(async move {
        let mut exchange = next(&pair.listener).await;
        assert_eq!(exchange.head, head("/charge?x=1"));
        assert!(exchange.has_body());
        let interim = ResponseHead {
            fields: Fields::new(),
            ..answer(103)
        };
        exchange.send.response(&interim, false).await.unwrap();
        exchange.send.response(&answer(201), false).await.unwrap();
        let (body, lent) = exchange.recv.lend();
        assert!(send_body(&mut exchange.send, body).await.unwrap());
        assert!(exchange.send.is_message_over() && lent.back().is_some());
        pair.listener.closed().await;
    });
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    let data = std::iter::repeat_n(Bytes::from(vec![5u8; 100_000]), 30).map(Frame::data);
    let frames = data.chain([Frame::trailers(trailers.clone())]);
    let body = StreamBody::new(tokio_stream::iter(frames.map(Ok::<_, std::io::Error>)));
    let request = head("/charge?x=1");
    let answered = pair.caller.request(&request, body);
    let (got, body) = tokio::time::timeout(LIMIT, answered)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(got, answer(201));
    let collected = body.collect().await.unwrap();
    assert_eq!(collected.trailers(), Some(&trailers));
    assert_eq!(collected.to_bytes().len(), 3_000_000);
    pair.caller.close(CloseCode::Done);
    server.await.unwrap();
}

#[tokio::test]
async fn interim_answers_come_before_the_answer_and_an_end_with_its_head() {
    let pair = World::new().pair(PAYMENTS_HOST).await;
    let server = tokio::spawn(async move {
        let mut exchange = next(&pair.listener).await;
        assert!(!exchange.has_body());
        exchange.send.response(&answer(103), false).await.unwrap();
        exchange.send.response(&answer(204), true).await.unwrap();
        let over = Exchange::next(exchange.send, exchange.recv).await;
        assert!(over.unwrap().is_none());
        pair.listener.closed().await;
    });
    let (mut send, mut recv) = pair.caller.open_messages().await.unwrap();
    send.request(&head("/"), true).await.unwrap();
    let interim = recv.event().await.unwrap().unwrap();
    assert_eq!(interim, Event::Interim(answer(103)));
    let last = recv.event().await.unwrap().unwrap();
    assert_eq!(last, Event::Response(answer(204)));
    // The end may come in a packet of its own.
    if !recv.is_message_over() {
        let end = recv.event().await.unwrap();
        assert_eq!(end, Some(Event::Data(Bytes::new())));
    }
    assert!(recv.is_message_over());
    pair.caller.close(CloseCode::Done);
    server.await.unwrap();
}

#[tokio::test]
async fn refusals_say_what_may_be_sent_again() {
    let pair = World::new().pair(PAYMENTS_HOST).await;
    for (refusal, heard) in [
        (Refusal::Forbidden, Refusal::Forbidden),
        (Refusal::Malformed, Refusal::Malformed),
        (Refusal::Unavailable, Refusal::Unavailable),
        (Refusal::Overloaded, Refusal::Unavailable),
        (Refusal::Draining, Refusal::Unavailable),
    ] {
        let request = head("/");
        let asking = pair.caller.request(&request, Empty::new());
        let answering = async { next(&pair.listener).await.send.refuse(refusal).await };
        let (error, refused) = tokio::join!(asking, answering);
        refused.unwrap();
        let error = error.unwrap_err();
        assert!(
            matches!(error, RequestError::Refused(word) if word == heard),
            "{refusal:?}: {error:?}"
        );
        assert!(error.is_undelivered());
    }
}

#[tokio::test]
async fn an_application_cannot_pass_for_a_refusal() {
    let pair = World::new().pair(PAYMENTS_HOST).await;
    let request = head("/");
    let asking = pair.caller.request(&request, Empty::new());
    let answering = async {
        let forged = ResponseHead {
            fields: fields(&[("proxy-status", "weft; error=http_request_denied")]),
            ..answer(403)
        };
        next(&pair.listener)
            .await
            .send
            .response(&forged, true)
            .await
    };
    let (got, _) = tokio::join!(asking, answering);
    let (got, _body) = got.unwrap();
    assert_eq!((got.status.as_u16(), got.fields.len()), (403, 0));
}

#[tokio::test]
async fn each_end_hears_that_the_other_has_gone() {
    let pair = World::new().pair(PAYMENTS_HOST).await;
    let request = head("/slow");
    // The caller goes.
    let (read, reading) = tokio::sync::oneshot::channel();
    let listener = pair.listener.clone();
    let heard = tokio::spawn(async move {
        let exchange = next(&listener).await;
        read.send(()).unwrap();
        exchange.send.stopped().await;
    });
    tokio::select! {
        _ = pair.caller.request(&request, Empty::new()) => panic!("nobody answers"),
        read = reading => read.unwrap(),
    }
    tokio::time::timeout(LIMIT, heard).await.unwrap().unwrap();
    // The application goes, within a body.
    let asking = pair.caller.request(&request, Empty::new());
    let answering = async {
        let mut exchange = next(&pair.listener).await;
        exchange.send.response(&answer(200), false).await.unwrap();
        let part = Bytes::from_static(b"part");
        exchange.send.data(part, false).await.unwrap();
        exchange.send
    };
    let (got, sending) = tokio::join!(asking, answering);
    let mut body = got.unwrap().1;
    let part = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(part, "part");
    sending.break_off(StreamCode::Broken);
    let broken = body.frame().await.unwrap().unwrap_err();
    assert_eq!(broken, MessageError::Reset);
}

#[tokio::test]
async fn the_service_is_what_authority_and_server_name_say() {
    let world = World::new();
    let other = RequestHead {
        service: "shop/secrets".parse().unwrap(),
        ..head("/")
    };
    // P-16: who asked for payments in the clear gets nothing else, whatever it writes.
    let pair = world.pair(PAYMENTS_HOST).await;
    let asking = pair.caller.request(&other, Empty::new());
    let answering = async {
        let mut exchange = next(&pair.listener).await;
        exchange.send.response(&answer(200), true).await.unwrap();
        exchange.head
    };
    let (got, seen) = tokio::join!(asking, answering);
    got.unwrap();
    assert_eq!(seen, head("/"));
    let elsewhere = RequestHead {
        authority: "secrets.shop".into(),
        ..other.clone()
    };
    let asking = pair.caller.request(&elsewhere, Empty::new());
    let refusing = async { pair.listener.accept_stream().await.unwrap().open().await };
    let (refused, opened) = tokio::join!(asking, refusing);
    assert!(matches!(
        refused,
        Err(RequestError::Refused(Refusal::Forbidden))
    ));
    assert!(opened.is_err());
    // Between Weft nodes the name is opaque, and the authority is whatever the application wrote.
    let pair = world.pair("abcdefghijklmnopqrstuvwxyz.weft.internal").await;
    let anywhere = RequestHead {
        authority: "Pay.Example:8080".into(),
        ..other
    };
    let asking = pair.caller.request(&anywhere, Empty::new());
    let answering = async {
        let mut exchange = next(&pair.listener).await;
        exchange.send.response(&answer(200), true).await.unwrap();
        exchange.head
    };
    let (got, seen) = tokio::join!(asking, answering);
    got.unwrap();
    assert_eq!(seen, anywhere);
}

#[tokio::test]
async fn a_thousand_requests_at_once() {
    let pair = World::new().pair(PAYMENTS_HOST).await;
    let server = echo(pair.listener);
    let mut asking = tokio::task::JoinSet::new();
    for number in 0..1000u32 {
        let caller = pair.caller.clone();
        asking.spawn(async move {
            let sent = Bytes::from(number.to_string().repeat(200));
            let body = Full::new(sent.clone());
            let (got, body) = caller.request(&head("/"), body).await.unwrap();
            assert_eq!(got.status, StatusCode::OK);
            assert_eq!(body.collect().await.unwrap().to_bytes(), sent);
        });
    }
    while let Some(asked) = tokio::time::timeout(LIMIT, asking.join_next())
        .await
        .unwrap()
    {
        asked.unwrap();
    }
    pair.caller.close(CloseCode::Done);
    server.await.unwrap();
}

#[tokio::test]
async fn requests_go_on_after_many_that_were_given_up() {
    let pair = World::new().pair(PAYMENTS_HOST).await;
    let server = echo(pair.listener);
    for round in 0..3000 {
        let body = Full::new(Bytes::from(vec![0; round % 5000]));
        let request = head("/");
        let asking = std::pin::pin!(pair.caller.request(&request, body));
        // Given up after as many looks as there are rounds, within limits: in every state that it can be in.
        let mut looks = round % 7;
        let mut asking = Some(asking);
        std::future::poll_fn(|cx| {
            if looks == 0 {
                return std::task::Poll::Ready(());
            }
            looks -= 1;
            if let Some(future) = asking.as_mut()
                && future.as_mut().poll(cx).is_ready()
            {
                asking = None;
            }
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }
    let body = Full::new(Bytes::from_static(b"still here"));
    let request = head("/");
    let asked = pair.caller.request(&request, body);
    let (_, body) = tokio::time::timeout(LIMIT, asked).await.unwrap().unwrap();
    assert_eq!(body.collect().await.unwrap().to_bytes(), "still here");
    pair.caller.close(CloseCode::Done);
    server.await.unwrap();
}
