//! A call that came over HTTP/2: one a stream at the app, one exchange a stream in the tunnel. One task carries it there and its answer
//! back.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response};
use protocol::name::MeshHost;
use tunnel::{HttpVersion, MessageSend, RequestError, RequestHead, ResponseHead, Tunnel};

use super::carrier::{self, CallerFault, Carrier, NotCarried, Stream};
use super::replay::Replay;
use super::rescue::OutboundError;
use super::stall::{Stall, Verdict};
use super::{Answered, Outbound, Source};
use crate::http::fields::{self, Class};
use crate::http::target::Target;
use crate::http1::FlowError;
use crate::http2::{Inflow, Outflow};
use crate::observe::Record;

/// A call on its way.
struct Http2 {
    inflow: Inflow,
    replay: Replay,
    stall: Stall,
}

impl Carrier for Http2 {
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

impl Http2 {
    /// Waits for the answer's head, while the body is sent. Interim answers are passed over.
    fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        tunnel: &Tunnel,
        stream: &mut Stream,
    ) -> Poll<Result<ResponseHead, NotCarried>> {
        while let Poll::Ready(event) = stream.recv.poll_event(cx) {
            let head = carrier::answer(event)?;
            if !head.is_interim() {
                return Poll::Ready(Ok(head));
            }
        }
        if let Poll::Ready(Err(fault)) = self.poll_body(cx, &mut stream.send) {
            return Poll::Ready(Err(NotCarried::Caller(fault)));
        }
        if self.is_stalled(cx, tunnel, false, 0) {
            return Poll::Ready(Err(NotCarried::Caller(CallerFault::Gone)));
        }
        Poll::Pending
    }

    /// Whether to end it as too much of the tunnel waits for who reads it. `waiting`: its answer does; `sent`: so much of that has gone.
    fn is_stalled(
        &mut self,
        cx: &mut Context<'_>,
        tunnel: &Tunnel,
        waiting: bool,
        sent: u64,
    ) -> bool {
        let blocked = waiting || self.replay.is_blocked();
        let moved = self.inflow.bytes + sent;
        self.stall.poll(cx, tunnel, blocked, moved) == Verdict::GiveUp
    }

    fn poll_body(
        &mut self,
        cx: &mut Context<'_>,
        send: &mut MessageSend,
    ) -> Poll<Result<(), CallerFault>> {
        let inflow = &mut self.inflow;
        self.replay.poll(cx, send, |cx| inflow.poll_part(cx))
    }
}

impl Outbound {
    /// Carries one call of `source` and its answer; `fixed` is the host that the listener leads to, else the call names its own.
    pub(crate) async fn call(
        &self,
        source: &Arc<Source>,
        fixed: Option<&MeshHost>,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) {
        let (parts, body) = request.into_parts();
        let mut record =
            self.observer
                .outbound(&source.id, Arc::clone(&source.label), parts.method.clone());
        let is_grpc = super::is_grpc(&parts.headers);
        let is_head = parts.method == Method::HEAD;
        let mut carrier = Http2 {
            // The messages of a gRPC call come when they come.
            inflow: if is_grpc {
                Inflow::new(body)
            } else {
                Inflow::impatient(body)
            },
            replay: Replay::default(),
            stall: Stall::default(),
        };
        let answered = {
            let mut calling = pin!(self.call2(source, fixed, parts, &mut carrier, &mut record));
            std::future::poll_fn(|cx| match calling.as_mut().poll(cx) {
                Poll::Ready(answered) => Poll::Ready(Some(answered)),
                // The app has reset the stream, or its connection is gone.
                Poll::Pending => respond.poll_reset(cx).map(|_| None),
            })
            .await
        };
        match answered {
            Some(Ok(answered)) => give(answered, &mut carrier, record, respond).await,
            None | Some(Err(OutboundError::Caller(CallerFault::Gone))) => {
                record.passed(carrier.inflow.bytes, 0);
            }
            Some(Err(error)) => {
                let answer = error.answer(is_grpc);
                record.passed(carrier.inflow.bytes, answer.body().len() as u64);
                record.failed(answer.status(), error.reason(), &error);
                record.finish();
                refuse(answer, is_head, respond).await;
            }
        }
    }

    async fn call2(
        &self,
        source: &Arc<Source>,
        fixed: Option<&MeshHost>,
        parts: Parts,
        carrier: &mut Http2,
        record: &mut Record,
    ) -> Result<Answered<Stream>, OutboundError> {
        let target = Target::parse(&parts.method, &parts.uri, parts.version, &parts.headers)?;
        // P-14: on entry.
        let fields = fields::crossing_map(&parts.headers, |class| {
            matches!(class, Class::Identity | Class::Private)
        })
        .map_err(|error| OutboundError::Unsendable(RequestError::Head(error).to_string()))?;
        let way = self.way(fixed, &target, record)?;
        let head = RequestHead {
            service: way.service.facts.name.clone(),
            version: HttpVersion::Http2,
            method: parts.method,
            authority: way.authority(target.authority),
            path: target.path,
            fields,
            upgrade: false,
        };
        self.try_until_answered(source, &way, &head, carrier, record)
            .await
    }
}

/// Sends the answer as it comes, while the rest of the body goes out.
async fn give(
    answered: Answered<Stream>,
    carrier: &mut Http2,
    mut record: Record,
    mut respond: SendResponse<Bytes>,
) {
    let Answered {
        head,
        answer: mut stream,
        tunnel,
        busy: _busy,
    } = answered;
    record.status(head.status);
    if head.status.is_informational() {
        record.broken_off(&"an upgrade that nobody asked for");
        record.finish();
        return respond.send_reset(Reason::INTERNAL_ERROR);
    }
    let mut response = Response::new(());
    *response.status_mut() = head.status;
    *response.headers_mut() =
        fields::crossing_to_map(&head.fields, |class| class == Class::Private);
    let over = stream.recv.is_message_over();
    let mut outflow = match respond.send_response(response, over) {
        Ok(body) if over => Outflow::over(body),
        Ok(body) => Outflow::new(body, None),
        // The app has reset the stream meanwhile.
        Err(error) => return tracing::debug!(%error, "an answer was not wanted any more"),
    };
    let flowed = std::future::poll_fn(|cx| {
        if let Poll::Ready(Err(fault)) = carrier.poll_body(cx, &mut stream.send) {
            tracing::debug!(
                ?fault,
                "a request's body broke off after its answer had begun"
            );
            carrier.replay.break_off();
        }
        let polled = outflow.poll(cx, &mut stream.recv);
        if polled.is_pending() && outflow.is_reset(cx) {
            return Poll::Ready(Err(FlowError::Io(std::io::ErrorKind::UnexpectedEof.into())));
        }
        let (waiting, sent) = (outflow.is_waiting(), outflow.sent);
        if polled.is_pending() && carrier.is_stalled(cx, &tunnel, waiting, sent) {
            return Poll::Ready(Err(FlowError::Idle));
        }
        polled
    })
    .await;
    record.passed(carrier.inflow.bytes, outflow.bytes);
    record.grpc_status(outflow.grpc_status.take());
    match flowed {
        Ok(()) => {
            record.finish();
            if stream.send.is_message_over() && !carrier.replay.is_broken() {
                tunnel.give_back(stream.send, stream.recv);
            }
        }
        // Whoever asked has gone.
        Err(FlowError::Io(error)) => tracing::debug!(%error, "an answer was not wanted to its end"),
        Err(error) => {
            record.broken_off(&error);
            record.finish();
            // What the app has of the answer must not look whole.
            outflow.reset(Reason::INTERNAL_ERROR);
        }
    }
}

/// The mesh answers itself.
async fn refuse(answer: Response<Bytes>, is_head: bool, mut respond: SendResponse<Bytes>) {
    let (mut parts, text) = answer.into_parts();
    if !text.is_empty() {
        let length = HeaderValue::from(text.len());
        parts.headers.insert(CONTENT_LENGTH, length);
    }
    let over = text.is_empty() || is_head;
    let body = match respond.send_response(Response::from_parts(parts, ()), over) {
        Ok(body) => body,
        Err(error) => return tracing::debug!(%error, "a refusal was not wanted any more"),
    };
    if !over && let Err(error) = Outflow::new(body, None).send_all(text).await {
        tracing::debug!(%error, "a refusal was not heard");
    }
}
