//! A request that hyper read: HTTP/2. One call a stream at the app, one exchange a stream in the tunnel.

use std::sync::Arc;

use http::header::HOST;
use http::{Request, Response};
use hyper::body::Incoming;
use protocol::name::MeshHost;
use tunnel::{HttpVersion, RequestError, RequestHead, ResponseHead, Tunnel, TunnelBody};

use super::carrier::{Carrier, NotCarried};
use super::pool::InUse;
use super::replay::Replay;
use super::rescue::OutboundError;
use super::{Answered, Outbound, Source};
use crate::http::body::{Answer, Cleaned, Counted};
use crate::http::fields::{self, Class};
use crate::http::send::Busy;
use crate::http::target::Target;
use crate::observe::{Open, Record};

/// The answer's body, on whose end the request's record is written.
pub(crate) type OutboundBody = Counted<Answer, Open<(Option<InUse>, Option<Busy>)>>;

struct Http2 {
    body: Replay<Incoming>,
}

impl Carrier for Http2 {
    type Answer = TunnelBody;

    fn is_replayable(&self) -> bool {
        self.body.is_replayable()
    }

    async fn carry(
        &mut self,
        tunnel: &Tunnel,
        head: &RequestHead,
    ) -> Result<(ResponseHead, TunnelBody), NotCarried> {
        let body = Cleaned(self.body.attempt());
        Ok(tunnel.request(head, body).await?)
    }
}

impl Outbound {
    /// Answers one request of `source`; `fixed` is the host that the listener leads to, else the request names its own.
    pub(crate) async fn request(
        &self,
        source: &Arc<Source>,
        fixed: Option<&MeshHost>,
        request: Request<Incoming>,
    ) -> Response<OutboundBody> {
        let mut record = self.observer.outbound(
            &source.id,
            Arc::clone(&source.label),
            request.method().clone(),
        );
        let is_grpc = super::is_grpc(request.headers());
        match self.call(source, fixed, request, &mut record).await {
            Ok(answered) => {
                let head = answered.head;
                record.status(head.status);
                let open = record.open((Some(answered.tunnel), Some(answered.busy)));
                let mut response =
                    Response::new(Counted::new(Answer::Tunnel(answered.answer), open));
                *response.status_mut() = head.status;
                *response.headers_mut() =
                    fields::crossing(&head.fields, false, |class| class == Class::Private)
                        .build()
                        .to_map();
                response
            }
            Err(error) => {
                let response = error.answer(is_grpc);
                record.failed(response.status(), error.reason(), &error);
                let open = record.open((None, None));
                response.map(|body| Counted::new(body, open))
            }
        }
    }

    async fn call(
        &self,
        source: &Arc<Source>,
        fixed: Option<&MeshHost>,
        request: Request<Incoming>,
        record: &mut Record,
    ) -> Result<Answered<TunnelBody>, OutboundError> {
        let target = Target::parse(
            request.method(),
            request.uri(),
            request.version(),
            request.headers(),
        )?;
        let (parts, body) = request.into_parts();
        let mut headers = parts.headers;
        headers.remove(HOST);
        // P-14: on entry.
        let fields = fields::crossing_map(&headers, |class| {
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
        let mut carrier = Http2 {
            body: Replay::new(body, record.received()),
        };
        self.try_until_answered(source, &way, &head, &mut carrier, record)
            .await
    }
}
