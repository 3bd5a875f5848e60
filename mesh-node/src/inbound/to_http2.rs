//! A request to an app that speaks HTTP/2: hyper's client, with bodies that stream.

use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri, Version};
use http_body::Body;
use tunnel::{HttpVersion, Lent, MessageRecv, MessageSend, ResponseHead, StreamCode, send_body};

use super::Inbound;
use super::app::Instance;
use super::exchange::{AppRequest, Outcome, UnderWay};
use crate::http::body::{AppBody, Counted};
use crate::http::fields::{self, Class};
use crate::http::send::{Http2Answer, SendError, Unsent};
use crate::observe::Record;

/// Where the request's half of the stream is.
enum Kept {
    Here(MessageRecv),
    Lent(Lent),
}

impl Inbound {
    /// Sends it to this instance.
    pub(super) async fn to_http2(
        &self,
        instance: &Instance,
        request: &AppRequest,
        under_way: UnderWay,
    ) -> Outcome {
        let UnderWay { send, recv, record } = under_way;
        let (body, kept) = if request.has_body {
            let (body, lent) = recv.lend();
            (Some(body), Kept::Lent(lent))
        } else {
            (None, Kept::Here(recv))
        };
        let body = AppBody::new(body, request.length, record.received());
        let call = match call(request, body) {
            Ok(call) => call,
            Err(error) => {
                tracing::debug!(%error, "a request can't be said in HTTP/2");
                return refuse(send, record).await;
            }
        };
        let answer = tokio::select! {
            answer = instance.app.http2().send(call) => answer,
            // The caller has gone: the app hears of it as its stream ends.
            () = send.stopped() => return Outcome::Cancelled,
        };
        match answer {
            Ok(answer) => give(answer, send, kept, record).await,
            Err(unsent) => back(unsent, send, kept, record),
        }
    }
}

/// The request as HTTP/2 has it.
fn call(request: &AppRequest, body: AppBody) -> Result<Request<AppBody>, http::Error> {
    let head = &request.head;
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.path_and_query = Some(PathAndQuery::try_from(head.path.as_str())?);
    parts.authority = Some(Authority::try_from(head.authority.as_str())?);
    let mut call = Request::new(body);
    *call.method_mut() = head.method.clone();
    *call.version_mut() = Version::HTTP_2;
    *call.uri_mut() = Uri::from_parts(parts)?;
    *call.headers_mut() = request.fields.to_map();
    Ok(call)
}

async fn refuse(mut send: MessageSend, mut record: Record) -> Outcome {
    let refusal = tunnel::Refusal::Malformed;
    record.failed(
        http::StatusCode::BAD_REQUEST,
        refusal.word(),
        &refusal.word(),
    );
    record.finish();
    if let Err(error) = send.refuse(refusal).await {
        tracing::trace!(%error, "a refusal was not heard");
    }
    Outcome::Answered(None)
}

/// Sends the answer back as it comes.
async fn give(
    answer: Response<Http2Answer>,
    mut send: MessageSend,
    kept: Kept,
    mut record: Record,
) -> Outcome {
    let (parts, body) = answer.into_parts();
    record.status(parts.status);
    let fields = match fields::crossing_map(&parts.headers, |class| class == Class::Private) {
        Ok(fields) => fields,
        Err(error) => {
            record.broken_off(&error);
            record.finish();
            send.break_off(StreamCode::Broken);
            return Outcome::Answered(None);
        }
    };
    let head = ResponseHead {
        version: HttpVersion::Http2,
        status: parts.status,
        fields,
    };
    let end = body.is_end_stream();
    if send.response(&head, end).await.is_err() {
        return Outcome::Cancelled;
    }
    let body = Counted::new(body, record.open(()));
    if !end {
        match send_body(&mut send, body).await {
            Ok(true) => {}
            Ok(false) => {
                send.break_off(StreamCode::Broken);
                return Outcome::Answered(None);
            }
            Err(_) => return Outcome::Cancelled,
        }
    }
    let recv = match kept {
        Kept::Here(recv) => Some(recv),
        Kept::Lent(lent) => lent.back(),
    };
    Outcome::Answered(recv.map(|recv| (send, recv)))
}

/// No answer: what is left of the request goes back to who tries on.
fn back(unsent: Unsent, send: MessageSend, kept: Kept, record: Record) -> Outcome {
    let recv = match kept {
        Kept::Here(recv) => Some(recv),
        Kept::Lent(lent) => unsent
            .request
            .map(Request::into_body)
            .and_then(AppBody::into_recv)
            .or_else(|| lent.back()),
    };
    let detail = unsent.error.to_string();
    let taken = match unsent.error {
        SendError::NoConnection { source, .. } => Err(source),
        SendError::Broken(_) => Ok(()),
    };
    match (taken, recv) {
        (Err(source), Some(recv)) => {
            Outcome::NotTaken(Box::new(UnderWay { send, recv, record }), source)
        }
        // The app may have begun to read: the caller's node decides on another go.
        (_, recv) => Outcome::Broken(send, recv, Box::new(record), detail),
    }
}
