//! What the fake controller answers: whoever comes is enrolled, what is asked for is signed, Views come from the test.

use super::*;

#[derive(Debug)]
struct ControllerCertificates {
    plain: Arc<CertifiedKey>,
    with_root: Arc<CertifiedKey>,
}

impl ServerCertificates for ControllerCertificates {
    fn for_server_name(&self, server_name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        match server_name? {
            tunnel::CONTROLLER_NAME => Some(Arc::clone(&self.plain)),
            tunnel::JOIN_NAME => Some(Arc::clone(&self.with_root)),
            _ => None,
        }
    }
}

pub(super) fn serve(shared: Arc<Shared>, bind: SocketAddr) -> (tunnel::Endpoint, JoinSet<()>) {
    let key = PrivateKey::generate().unwrap();
    let csr = key.csr().unwrap();
    let id = SpiffeId::controller(&shared.trust_domain);
    let chain = shared
        .authority
        .issue(
            &csr,
            &id,
            Duration::from_secs(3600),
            SystemTime::now(),
            rand::random(),
        )
        .unwrap();
    let svid = X509Svid::from_parts(chain, key).unwrap();
    let root = shared.root.clone().into();
    let certificates = ControllerCertificates {
        plain: svid.certified_key(),
        with_root: svid.certified_key_with_root(&root),
    };
    let alpns = vec![Alpn::Control.id().to_vec(), Alpn::Enrol.id().to_vec()];
    let server = tls::server(
        Arc::new(certificates),
        Arc::clone(&shared.trust),
        ClientAuth::Optional,
        alpns,
    );
    let routing = Arc::new(Routing::new_unenrolled());
    routing.install(
        handle(CONTROLLER),
        shared.keys.clone(),
        vec![allowed(OWN, None)],
    );
    let secret = NodeSecret::ephemeral();
    let config = EndpointConfig {
        bind,
        secret: &secret,
        routing,
        server: Some(server),
        limits: Limits::default(),
    };
    let endpoint = tunnel::Endpoint::bind(config).unwrap();
    let mut tasks = JoinSet::new();
    let accepting = endpoint.clone();
    tasks.spawn(async move {
        let mut callers = JoinSet::new();
        while let Some(arrival) = accepting.accept().await {
            let shared = Arc::clone(&shared);
            callers.spawn(async move {
                let fake = Fake(Arc::clone(&shared));
                let routes = tonic::service::Routes::new(ControlServer::new(fake.clone()))
                    .add_service(EnrolmentServer::new(fake));
                match arrival.prove(&shared.trust).await {
                    Ok(Accepted::Tunnel(tunnel)) => tunnel::rpc::serve(&tunnel, routes).await,
                    Ok(Accepted::Stranger(stranger)) => {
                        tunnel::rpc::serve_stranger(&stranger, routes).await
                    }
                    Err(error) => tracing::debug!(%error, "nobody"),
                }
            });
        }
    });
    (endpoint, tasks)
}

#[derive(Clone)]
struct Fake(Arc<Shared>);

fn caller_name<T>(request: &Request<T>) -> String {
    let caller = request.extensions().get::<tunnel::rpc::Caller>().unwrap();
    caller
        .id
        .as_ref()
        .unwrap()
        .path()
        .rsplit('/')
        .next()
        .unwrap()
        .to_owned()
}

#[tonic::async_trait]
impl Enrolment for Fake {
    async fn enrol(
        &self,
        request: Request<v1::EnrolRequest>,
    ) -> Result<Response<v1::EnrolReply>, Status> {
        let request = request.into_inner();
        if request.secret != [5; 32] {
            return Err(Status::permission_denied("the join token is not known"));
        }
        let id = SpiffeId::node(&self.0.trust_domain, &label(&request.name));
        let mut handles = self.0.handles.lock();
        let next = handles.len() as u32 + 10;
        let handle = *handles.entry(request.name).or_insert(next);
        Ok(Response::new(v1::EnrolReply {
            cluster: self.0.cluster.to_string(),
            spiffe_id: id.to_string(),
            svid: Some(self.0.sign(&request.csr, &id)),
            bundle: Some(v1::Bundle {
                trust_domain: self.0.trust_domain.to_string(),
                sequence: 1,
                roots: vec![self.0.root.clone()],
                valid_until: 0,
            }),
            handle,
            routing_keys: (&self.0.keys).into(),
            local: Some((&self.0.keys.capability(selector(OWN), u64::MAX)).into()),
            controller_handle: CONTROLLER,
        }))
    }

    async fn redeem(
        &self,
        _: Request<v1::RedeemRequest>,
    ) -> Result<Response<v1::RedeemReply>, Status> {
        Err(Status::unimplemented("not here"))
    }
}

#[tonic::async_trait]
impl Control for Fake {
    type FollowStream = Pin<Box<dyn Stream<Item = Result<v1::View, Status>> + Send>>;

    async fn follow(
        &self,
        request: Request<Streaming<v1::FollowRequest>>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let name = caller_name(&request);
        let views = tokio_stream::wrappers::WatchStream::new(self.0.view_of(&name).subscribe());
        let shared = Arc::clone(&self.0);
        let mut words = request.into_inner();
        tokio::spawn(async move {
            while let Some(Ok(word)) = words.next().await {
                match word.kind.unwrap() {
                    v1::follow_request::Kind::Acknowledge(a) => {
                        shared
                            .acknowledged
                            .lock()
                            .insert(name.clone(), (a.version, a.rejected));
                    }
                    v1::follow_request::Kind::Health(health) => {
                        let mut known = shared.health.lock();
                        known.extend(health.workloads.into_iter().map(|w| (w.name, w.healthy)));
                    }
                    v1::follow_request::Kind::Hello(_) | v1::follow_request::Kind::Heartbeat(_) => {
                    }
                }
            }
        });
        Ok(Response::new(Box::pin(
            views.filter_map(|view| view.map(Ok)),
        )))
    }

    async fn issue(
        &self,
        request: Request<v1::IssueRequest>,
    ) -> Result<Response<v1::SvidChain>, Status> {
        let request = request.into_inner();
        let id = request.spiffe_id.parse().unwrap();
        Ok(Response::new(self.0.sign(&request.csr, &id)))
    }
}
