//! A request to an app that speaks HTTP/2: one task carries it there and the answer back.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use h2::client::ResponseFuture;
use h2::{Reason, RecvStream};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri, Version};
use tunnel::{HttpVersion, MessageError, Refusal, ResponseHead};

use super::Inbound;
use super::app::Instance;
use super::exchange::{AppRequest, Outcome, UnderWay};
use crate::http::fields::{self, Class};
use crate::http::send::http2::Sent;
use crate::http::send::{Busy, SendError};
use crate::http1::FlowError;
use crate::http2::{Inflow, Outflow};

impl Inbound {
    /// Sends it to this instance.
    pub(super) async fn to_http2(
        &self,
        instance: &Instance,
        request: &AppRequest,
        under_way: UnderWay,
    ) -> Outcome {
        let call = match call(request) {
            Ok(call) => call,
            Err(error) => {
                tracing::debug!(%error, "a request can't be said in HTTP/2");
                return refuse(under_way).await;
            }
        };
        let mut stopped = pin!(under_way.send.stopped());
        let sent = tokio::select! {
            biased;
            sent = instance.app.http2().send(call, !request.has_body) => sent,
            () = stopped.as_mut() => return Outcome::Cancelled,
        };
        let Sent { answer, body, busy } = match sent {
            Ok(sent) => sent,
            Err(SendError::NoConnection { source, .. }) => {
                return Outcome::NotTaken(Box::new(under_way), source);
            }
            Err(error @ SendError::Broken(_)) => return under_way.broken(error.to_string()),
        };
        let outflow = if request.has_body {
            Outflow::new(body, request.length)
        } else {
            Outflow::over(body)
        };
        let mut carrying = Carrying {
            under_way,
            outflow,
            unwanted: false,
            _busy: busy,
        };
        match carrying.carry(answer, stopped).await {
            Ended::Whole => carrying.under_way.finish(),
            Ended::Cancelled => Outcome::Cancelled,
            Ended::Unanswered(detail) => carrying.under_way.broken(detail),
            Ended::BrokenOff(detail) => carrying.under_way.break_off(&detail),
        }
    }
}

/// The request as HTTP/2 has it.
fn call(request: &AppRequest) -> Result<Request<()>, http::Error> {
    let head = &request.head;
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.path_and_query = Some(PathAndQuery::try_from(head.path.as_str())?);
    parts.authority = Some(Authority::try_from(head.authority.as_str())?);
    let mut call = Request::new(());
    *call.method_mut() = head.method.clone();
    *call.version_mut() = Version::HTTP_2;
    *call.uri_mut() = Uri::from_parts(parts)?;
    *call.headers_mut() = fields::to_map(&request.fields, |_, _| true);
    Ok(call)
}

async fn refuse(under_way: UnderWay) -> Outcome {
    let UnderWay {
        mut send,
        mut record,
        ..
    } = under_way;
    let refusal = Refusal::Malformed;
    record.failed(StatusCode::BAD_REQUEST, refusal.word(), &refusal.word());
    record.finish();
    if let Err(error) = send.refuse(refusal).await {
        tracing::trace!(%error, "a refusal was not heard");
    }
    Outcome::Answered(None)
}

/// A request on its way to an app, and its answer on the way back. Dropped before both are through, it resets the app's stream.
struct Carrying {
    under_way: UnderWay,
    outflow: Outflow,
    /// The app takes no more of the body; its answer may still come.
    unwanted: bool,
    _busy: Busy,
}

/// How it ended.
enum Ended {
    /// The answer is through.
    Whole,
    /// The caller has gone, or broke the rules within its body.
    Cancelled,
    /// The app's stream or connection broke, and why.
    Unanswered(String),
    /// The answer broke off after it had begun, and why.
    BrokenOff(String),
}

impl Carrying {
    async fn carry(
        &mut self,
        answer: ResponseFuture,
        mut stopped: Pin<&mut impl Future<Output = ()>>,
    ) -> Ended {
        match self.head(answer, stopped.as_mut()).await {
            Ok(answer) => self.give(answer, stopped).await,
            Err(ended) => ended,
        }
    }

    /// Waits for the answer's head, while the body is sent. Interim answers are passed over.
    async fn head(
        &mut self,
        mut answer: ResponseFuture,
        mut stopped: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Response<RecvStream>, Ended> {
        poll_fn(|cx| {
            if !self.unwanted
                && let Poll::Ready(Err(error)) = self.outflow.poll(cx, &mut self.under_way.recv)
            {
                match error {
                    // It may answer all the same, as servers do that refuse a large body.
                    FlowError::Io(_) => self.unwanted = true,
                    _ => return Poll::Ready(Err(Ended::Cancelled)),
                }
            }
            match Pin::new(&mut answer).poll(cx) {
                Poll::Ready(answer) => {
                    Poll::Ready(answer.map_err(|error| Ended::Unanswered(error.to_string())))
                }
                Poll::Pending => stopped.as_mut().poll(cx).map(|()| Err(Ended::Cancelled)),
            }
        })
        .await
    }

    /// Sends the answer back as it comes.
    async fn give(
        &mut self,
        answer: Response<RecvStream>,
        mut stopped: Pin<&mut impl Future<Output = ()>>,
    ) -> Ended {
        let (parts, body) = answer.into_parts();
        self.under_way.record.status(parts.status);
        let fields = match fields::crossing_map(&parts.headers, |class| class == Class::Private) {
            Ok(fields) => fields,
            Err(error) => return Ended::BrokenOff(error.to_string()),
        };
        let head = ResponseHead {
            version: HttpVersion::Http2,
            status: parts.status,
            fields,
        };
        let mut inflow = Inflow::new(body);
        if let Err(error) = self.under_way.send.response(&head, inflow.is_over()).await {
            return Ended::by(error.into());
        }
        let flowed = poll_fn(|cx| {
            if !self.unwanted
                && let Poll::Ready(Err(error)) = self.outflow.poll(cx, &mut self.under_way.recv)
            {
                tracing::debug!(%error, "a request's body broke off after its answer had begun");
                self.unwanted = true;
                // What the app has of the request must not look whole.
                if !matches!(error, FlowError::Io(_)) {
                    self.outflow.reset(Reason::CANCEL);
                }
            }
            match inflow.poll(cx, &mut self.under_way.send) {
                Poll::Pending => {
                    let gone = || Err(FlowError::Message(MessageError::Reset));
                    stopped.as_mut().poll(cx).map(|()| gone())
                }
                flowed => flowed,
            }
        })
        .await;
        let record = &mut self.under_way.record;
        record.passed(self.outflow.bytes, inflow.bytes);
        record.grpc_status(inflow.grpc_status.take());
        match flowed {
            Ok(()) => Ended::Whole,
            Err(error) => Ended::by(error),
        }
    }
}

impl Ended {
    fn by(error: FlowError) -> Self {
        match error {
            FlowError::Message(MessageError::Reset | MessageError::TunnelLost) => Self::Cancelled,
            error => Self::BrokenOff(error.to_string()),
        }
    }
}
