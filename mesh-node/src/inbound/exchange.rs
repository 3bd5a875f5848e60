//! The HTTP exchanges of one stream: caller → authorize → limit → app, again and again.

use std::sync::Arc;

use tunnel::{Exchange, MessageRecv, MessageSend, RequestHead, StreamCode};

use super::app::{AppError, Speaks};
use super::{Accepting, Inbound, framing, rescue};
use crate::http::fields::{self, Class};
use crate::observe::Record;

/// A stream's two halves, when another exchange may follow.
pub(super) type Halves = Option<(MessageSend, MessageRecv)>;

impl Inbound {
    /// Serves one exchange after another until the caller ends the stream.
    pub(super) async fn exchanges(&self, accepting: &Accepting, mut exchange: Exchange) {
        loop {
            // A future of its own, so that a stream that waits for its next exchange takes little memory.
            let served = Box::pin(self.exchange(accepting, exchange)).await;
            let Some((send, recv)) = served else { return };
            match Exchange::next(send, recv).await {
                Ok(Some(next)) => exchange = next,
                Ok(None) => return,
                Err(error) => return tracing::debug!(%error, "a stream broke between exchanges"),
            }
        }
    }

    /// The steps.
    async fn exchange(&self, accepting: &Accepting, exchange: Exchange) -> Halves {
        let has_body = exchange.has_body();
        let Exchange { head, send, recv } = exchange;
        let mut record = self.begin(accepting, &head);
        let allowed = self
            .allow(accepting, &head, &mut record)
            .and_then(|counted| {
                let length = framing::declared_length(&head, has_body)?;
                let mut fields = fields::crossing(&head.fields, head.upgrade, |class| {
                    matches!(class, Class::Identity | Class::Private)
                });
                // P-14: before the stamp everything that claims an identity is out, so nobody nominates the mesh's own fields away.
                accepting
                    .caller_fields
                    .stamp(&mut fields)
                    .map_err(|_| tunnel::Refusal::Malformed)?;
                Ok((counted, length, fields.build()))
            });
        let (_counted, length, fields) = match allowed {
            Ok(allowed) => allowed,
            Err(refusal) => return rescue::refuse(send, recv, record, refusal).await,
        };
        let request = AppRequest {
            head,
            fields,
            length,
            has_body,
        };
        self.to_app(accepting, request, send, recv, record).await
    }

    fn begin(&self, accepting: &Accepting, head: &RequestHead) -> Record {
        let caller = accepting.tunnel.remote().id();
        let mut record = self.observer.inbound(
            caller,
            Arc::clone(&accepting.caller),
            Arc::clone(&accepting.peer),
            head.method.clone(),
        );
        record.path(&head.path);
        record.destination(&accepting.shown);
        record.attempts(1);
        record
    }

    /// To one healthy instance after another, until one takes it.
    async fn to_app(
        &self,
        accepting: &Accepting,
        request: AppRequest,
        send: MessageSend,
        recv: MessageRecv,
        record: Record,
    ) -> Halves {
        let instances = self.apps.instances(&request.head.service, &accepting.shown);
        let mut under_way = UnderWay { send, recv, record };
        let mut last = "no healthy instance is here".to_owned();
        for instance in instances {
            let outcome = match instance.speaks(request.head.version) {
                Speaks::Http1 => self.to_http1(&instance, &request, under_way).await,
                Speaks::Http2 => self.to_http2(&instance, &request, under_way).await,
            };
            match outcome {
                Outcome::Answered(halves) => return halves,
                Outcome::NotTaken(back, error) => {
                    under_way = *back;
                    last = error.to_string();
                    self.apps.refused(&instance);
                }
                Outcome::Broken(send, recv, record, detail) => {
                    let error = AppError::Broken {
                        detail,
                        is_grpc: request.is_grpc(),
                    };
                    return rescue::answer(send, recv, *record, error).await;
                }
                Outcome::Cancelled => return None,
            }
        }
        let UnderWay { send, recv, record } = under_way;
        rescue::answer(send, Some(recv), record, AppError::Unavailable(last)).await
    }
}

/// A request as an app is to get it.
pub(super) struct AppRequest {
    pub(super) head: RequestHead,
    /// What crosses, and who calls.
    pub(super) fields: tunnel::Fields,
    /// How long the body is, as far as its head says.
    pub(super) length: Option<u64>,
    pub(super) has_body: bool,
}

impl AppRequest {
    pub(super) fn is_grpc(&self) -> bool {
        self.fields
            .get("content-type")
            .is_some_and(|value| value.starts_with(b"application/grpc"))
    }
}

/// An exchange under way.
pub(super) struct UnderWay {
    pub(super) send: MessageSend,
    pub(super) recv: MessageRecv,
    pub(super) record: Record,
}

/// How an instance dealt with a request.
pub(super) enum Outcome {
    /// Its answer has gone back, whole or broken off.
    Answered(Halves),
    /// It got no byte: another instance may have it.
    NotTaken(Box<UnderWay>, std::io::Error),
    /// It may have seen the request, and gave no answer.
    Broken(MessageSend, Option<MessageRecv>, Box<Record>, String),
    /// The caller has gone.
    Cancelled,
}

impl UnderWay {
    /// The answer broke off after it had begun: the caller must not take it for whole.
    pub(super) fn break_off(mut self, detail: &dyn std::fmt::Display) -> Outcome {
        self.record.broken_off(detail);
        self.record.finish();
        self.send.break_off(StreamCode::Broken);
        Outcome::Answered(None)
    }

    /// There is no answer.
    pub(super) fn broken(self, detail: String) -> Outcome {
        Outcome::Broken(self.send, Some(self.recv), Box::new(self.record), detail)
    }

    /// The answer is through.
    pub(super) fn finish(self) -> Outcome {
        self.record.finish();
        let over = self.send.is_message_over() && self.recv.is_message_over();
        Outcome::Answered(over.then_some((self.send, self.recv)))
    }
}
