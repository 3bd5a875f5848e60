//! A request that our own engine read: HTTP/1. One task carries it from the app's connection to the tunnel and its answer back.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Method, StatusCode};
use protocol::name::MeshHost;
use tunnel::{HttpVersion, MessageSend, RequestHead, ResponseHead, Tunnel};

use super::carrier::{self, CallerFault, Carrier, NotCarried, Stream};
use super::replay::Replay;
use super::rescue::OutboundError;
use super::stall::{Stall, Verdict};
use super::{Answered, Outbound, Source};
use crate::http::fields::{self, Class};
use crate::http::target::Target;
use crate::http1::head::HeadError;
use crate::http1::request::Request;
use crate::http1::{FlowError, Form, Framing, Inflow, Outflow, write};
use crate::io::Io;
use crate::observe::Record;
use crate::splice::splice;

/// What is read ahead of a connection while its request is under way: pipelined requests wait in the socket beyond that.
const AHEAD: usize = 16 << 10;

/// An HTTP/1 request on its way.
struct Http1<'a> {
    io: &'a mut Io,
    version: HttpVersion,
    inflow: Inflow,
    replay: Replay,
    stall: Stall,
}

impl Carrier for Http1<'_> {
    type Answer = Stream;

    fn is_replayable(&self) -> bool {
        self.replay.is_replayable()
    }

    async fn carry(
        &mut self,
        tunnel: &Tunnel,
        head: &RequestHead,
    ) -> Result<(ResponseHead, Stream), NotCarried> {
        let (send, recv) = tunnel.open_messages().await?;
        let mut stream = Stream { send, recv };
        self.replay.begin();
        let bodiless = self.replay.is_untouched() && self.inflow.is_over();
        tunnel
            .send_request(&mut stream.send, head, bodiless)
            .await?;
        let head = std::future::poll_fn(|cx| self.poll_answer(cx, tunnel, &mut stream)).await?;
        Ok((head, stream))
    }
}

impl Http1<'_> {
    /// Waits for the answer's head, while the body is sent and interim answers go back.
    fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        tunnel: &Tunnel,
        stream: &mut Stream,
    ) -> Poll<Result<ResponseHead, NotCarried>> {
        while let Poll::Ready(event) = stream.recv.poll_event(cx) {
            match carrier::answer(event)? {
                head if !head.is_interim() => return Poll::Ready(Ok(head)),
                // HTTP/1.0 has none (RFC 9110 section 15.2).
                head if self.version == HttpVersion::Http11 => {
                    let crossing =
                        fields::crossing(&head.fields, false, |class| class == Class::Private);
                    self.io.push(write::interim(&head, &crossing.build()));
                }
                _ => {}
            }
        }
        if let Poll::Ready(Err(_)) = self.io.poll_flush(cx) {
            return Poll::Ready(Err(NotCarried::Caller(CallerFault::Gone)));
        }
        if let Poll::Ready(Err(fault)) = self.poll_body(cx, &mut stream.send) {
            return Poll::Ready(Err(NotCarried::Caller(fault)));
        }
        if self.inflow.is_over() && self.poll_gone(cx) {
            return Poll::Ready(Err(NotCarried::Caller(CallerFault::Gone)));
        }
        if self.poll_stalled(cx, tunnel, self.replay.is_blocked()) {
            return Poll::Ready(Err(NotCarried::Caller(CallerFault::Gone)));
        }
        Poll::Pending
    }

    /// Whether to end it: the app went while its body waited for who reads it, or too much of the tunnel waits.
    fn poll_stalled(&mut self, cx: &mut Context<'_>, tunnel: &Tunnel, blocked: bool) -> bool {
        let moved = self.inflow.bytes + self.io.written;
        match self.stall.poll(cx, tunnel, blocked, moved) {
            Verdict::Goes => false,
            Verdict::Looked => self.io.has_broken(),
            Verdict::GiveUp => true,
        }
    }

    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        send: &mut MessageSend,
    ) -> Poll<Result<(), CallerFault>> {
        let (inflow, io) = (&mut self.inflow, &mut *self.io);
        self.replay.poll(cx, send, |cx| inflow.poll_part(cx, io))
    }

    /// Whether the app has gone. What it sends ahead is read up to a bound.
    fn poll_gone(&mut self, cx: &mut Context<'_>) -> bool {
        while self.io.buf.len() < AHEAD {
            match self.io.poll_fill(cx) {
                Poll::Ready(Ok(0) | Err(_)) => return true,
                Poll::Ready(Ok(_)) => {}
                Poll::Pending => return false,
            }
        }
        false
    }
}

/// What an exchange needs to know of its request once the head has gone.
struct Asked {
    method: Method,
    version: HttpVersion,
    keep_alive: bool,
    upgrade: bool,
    is_grpc: bool,
}

impl Outbound {
    /// Carries one request of `source` and its answer. Gives the connection back when another request may follow on it.
    /// `last`: whether this is to be the last one.
    pub(crate) async fn exchange(
        &self,
        source: &Arc<Source>,
        fixed: Option<&MeshHost>,
        request: Request,
        mut io: Io,
        last: impl Fn() -> bool,
    ) -> Option<Io> {
        let mut record = self.observer.outbound(
            &source.id,
            Arc::clone(&source.label),
            request.method.clone(),
        );
        let asked = Asked {
            method: request.method.clone(),
            version: request.version,
            keep_alive: request.keep_alive,
            upgrade: request.upgrade,
            is_grpc: request.is_grpc,
        };
        let has_body = request.framing != Framing::Nothing;
        let mut carrier = Http1 {
            version: request.version,
            inflow: Inflow::new(request.framing),
            io: &mut io,
            replay: Replay::default(),
            stall: Stall::default(),
        };
        match self
            .call1(source, fixed, request, &mut carrier, &mut record)
            .await
        {
            Ok(answered) => {
                let given = give(answered, &asked, &mut carrier, record, last).await;
                match given {
                    Given::Next => Some(io),
                    Given::Close => None,
                    Given::Upgraded(upgraded) => {
                        let (stream, record) = *upgraded;
                        carry_on(io, stream, record).await;
                        None
                    }
                }
            }
            Err(error) => {
                let keep = asked.keep_alive && !has_body && !error.ends_connection() && !last();
                refuse(io, &error, &asked, keep, record).await
            }
        }
    }

    /// Answers a head that can't be taken, and ends the connection.
    pub(crate) async fn refuse_head(&self, io: Io, error: HeadError, source: &Arc<Source>) {
        let record =
            self.observer
                .outbound(&source.id, Arc::clone(&source.label), Method::default());
        let asked = Asked {
            method: Method::GET,
            version: HttpVersion::Http11,
            keep_alive: false,
            upgrade: false,
            is_grpc: false,
        };
        refuse(io, &error.into(), &asked, false, record).await;
    }

    async fn call1(
        &self,
        source: &Arc<Source>,
        fixed: Option<&MeshHost>,
        request: Request,
        carrier: &mut Http1<'_>,
        record: &mut Record,
    ) -> Result<Answered<Stream>, OutboundError> {
        let target = Target::of_http1(&request)?;
        let way = self.way(fixed, &target, record)?;
        let head = RequestHead {
            service: way.service.facts.name.clone(),
            version: request.version,
            method: request.method,
            authority: way.authority(target.authority),
            path: target.path,
            fields: request.fields,
            upgrade: request.upgrade,
        };
        self.try_until_answered(source, &way, &head, carrier, record)
            .await
    }
}

/// What becomes of the connection after an answer.
enum Given {
    Next,
    Close,
    Upgraded(Box<(Stream, Record)>),
}

/// Writes the answer as it comes, while the rest of the body goes out.
async fn give(
    answered: Answered<Stream>,
    asked: &Asked,
    carrier: &mut Http1<'_>,
    mut record: Record,
    last: impl Fn() -> bool,
) -> Given {
    let Answered {
        head,
        answer: mut stream,
        tunnel,
        busy,
    } = answered;
    record.status(head.status);
    let crossing = fields::crossing(&head.fields, true, |class| class == Class::Private).build();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        if !asked.upgrade {
            record.broken_off(&"an upgrade that nobody asked for");
            return Given::Close;
        }
        carrier.io.push(write::interim(&head, &crossing));
        record.hold((tunnel, busy));
        return Given::Upgraded(Box::new((stream, record)));
    }
    let over = stream.recv.is_message_over();
    let Some(form) = write::form(&head, &asked.method, asked.version, over) else {
        record.broken_off(&"the answer's length can be read in two ways");
        carrier.io.reset();
        return Given::Close;
    };
    let keep = asked.keep_alive
        && form != Form::UntilClose
        && (carrier.inflow.is_over() || !over)
        && !last();
    let text = write::response(&head, &crossing, form, asked.version, keep);
    carrier.io.push(text);
    let mut outflow = Outflow::new(form);
    let flowed = std::future::poll_fn(|cx| {
        if let Poll::Ready(Err(fault)) = carrier.poll_body(cx, &mut stream.send) {
            tracing::debug!(
                ?fault,
                "a request's body broke off after its answer had begun"
            );
            carrier.replay.break_off();
        }
        let polled = outflow.poll(cx, carrier.io, &mut stream.recv);
        if polled.is_pending() && carrier.inflow.is_over() && carrier.poll_gone(cx) {
            return Poll::Ready(Err(FlowError::Io(std::io::ErrorKind::UnexpectedEof.into())));
        }
        let blocked = carrier.replay.is_blocked() || !carrier.io.is_flushed();
        if polled.is_pending() && carrier.poll_stalled(cx, &tunnel, blocked) {
            return Poll::Ready(Err(FlowError::Idle));
        }
        polled
    })
    .await;
    record.passed(carrier.inflow.bytes, outflow.bytes);
    record.grpc_status(outflow.grpc_status.take());
    if let Err(error) = flowed {
        record.broken_off(&error);
        record.finish();
        // What the app has of the answer must not look whole.
        carrier.io.reset();
        return Given::Close;
    }
    record.finish();
    let sent_whole = stream.send.is_message_over() && !carrier.replay.is_broken();
    if sent_whole {
        tunnel.give_back(stream.send, stream.recv);
    }
    drop(busy);
    if keep && sent_whole {
        Given::Next
    } else {
        Given::Close
    }
}

/// After an upgrade: bytes both ways. What the app sent ahead goes only now (P-15).
async fn carry_on(io: Io, stream: Stream, mut record: Record) {
    let (Some(send), Some(recv)) = (stream.send.into_bytes(), stream.recv.into_bytes()) else {
        record.broken_off(&"the encoding carries no upgrades");
        return record.finish();
    };
    let (passed, ended) = splice(io, send, recv).await;
    record.passed(passed.from, passed.to);
    if let Err(error) = ended {
        record.broken_off(&error);
    }
    record.finish();
}

/// The mesh answers itself.
async fn refuse(
    mut io: Io,
    error: &OutboundError,
    asked: &Asked,
    keep: bool,
    mut record: Record,
) -> Option<Io> {
    if matches!(error, OutboundError::Caller(CallerFault::Gone)) {
        drop(record);
        return None;
    }
    let response = error.answer(asked.is_grpc);
    record.failed(response.status(), error.reason(), error);
    record.finish();
    let bodiless = asked.method == Method::HEAD;
    io.push(write::own(&response, asked.version, keep, bodiless));
    io.flush().await.ok()?;
    keep.then_some(io)
}
