//! A proxy in front of a real API server that breaks things on order. It speaks HTTP/2 and HTTP/1.1 with the
//! cluster's own certificate, so clients notice nothing until a fault is set.

use std::future::{pending, ready};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::anyhow;
use futures::stream::{self, StreamExt};
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use super::background::{handle, wait};
use super::certificates::Identity;
use super::cluster::{Access, Cluster};

type Body = UnsyncBoxBody<Bytes, anyhow::Error>;

/// What goes wrong, for which requests.
#[derive(Clone)]
pub(crate) struct Fault {
    kind: Kind,
    on: String,
    after: usize,
    times: usize,
}

#[derive(Clone)]
enum Kind {
    Pass,
    Delay(Duration),
    Refuse,
    Hang,
    Reset,
    Cut,
    Answer(Answer),
}

#[derive(Clone)]
struct Answer {
    status: StatusCode,
    retry_after: Option<u32>,
    content_type: &'static str,
    body: Bytes,
}

impl Fault {
    fn new(kind: Kind) -> Fault {
        Fault {
            kind,
            on: String::new(),
            after: 0,
            times: usize::MAX,
        }
    }

    pub(crate) fn pass() -> Fault {
        Fault::new(Kind::Pass)
    }

    /// Answers rightly, but late.
    pub(crate) fn delay(by: Duration) -> Fault {
        Fault::new(Kind::Delay(by))
    }

    /// Nobody listens, and what was connected is closed.
    pub(crate) fn refuse() -> Fault {
        Fault::new(Kind::Refuse)
    }

    /// Takes connections and requests, and never answers. With `on` or `after` TLS is still set up.
    pub(crate) fn hang() -> Fault {
        Fault::new(Kind::Hang)
    }

    /// Takes the request, then resets the connection.
    pub(crate) fn reset() -> Fault {
        Fault::new(Kind::Reset)
    }

    /// Begins the true answer and breaks off in the middle of its body.
    pub(crate) fn cut() -> Fault {
        Fault::new(Kind::Cut)
    }

    pub(crate) fn unauthorized() -> Fault {
        Fault::status(401, "Unauthorized", "Unauthorized", None)
    }

    pub(crate) fn forbidden() -> Fault {
        let message = r#"models.kubeai.org is forbidden: User "ci" cannot list resource "models""#;
        Fault::status(403, "Forbidden", message, None)
    }

    /// What API priority and fairness answers.
    pub(crate) fn too_many_requests(retry_after: u32) -> Fault {
        let message = "too many requests, please try again later.";
        Fault::status(429, "TooManyRequests", message, Some(retry_after))
    }

    pub(crate) fn unavailable() -> Fault {
        let message = "the server is currently unable to handle the request";
        Fault::status(503, "ServiceUnavailable", message, None)
    }

    /// A sign-in page: what captive portals and proxies put in the place of an API.
    pub(crate) fn html() -> Fault {
        Fault::rubbish("text/html", b"<html><body>Please sign in</body></html>")
    }

    pub(crate) fn binary() -> Fault {
        Fault::rubbish("application/json", b"\x00\xff\xfe\x1b[31m\x07 not JSON")
    }

    /// A body that no client should take in whole.
    pub(crate) fn huge(bytes: usize) -> Fault {
        let mut body = vec![b'x'; bytes];
        body[..8].copy_from_slice(br#"{"kind":"#);
        Fault::rubbish("application/json", &body)
    }

    fn status(code: u16, reason: &str, message: &str, retry_after: Option<u32>) -> Fault {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        });
        Fault::new(Kind::Answer(Answer {
            status: StatusCode::from_u16(code).expect("a status code"),
            retry_after,
            content_type: "application/json",
            body: Bytes::from(status.to_string()),
        }))
    }

    fn rubbish(content_type: &'static str, body: &[u8]) -> Fault {
        Fault::new(Kind::Answer(Answer {
            status: StatusCode::OK,
            retry_after: None,
            content_type,
            body: Bytes::copy_from_slice(body),
        }))
    }

    /// Only requests that begin so: `PATCH /apis/kubeai.org`.
    pub(crate) fn on(mut self, beginning: &str) -> Fault {
        self.on = beginning.into();
        self
    }

    /// Lets this many (matching) requests pass first.
    pub(crate) fn after(mut self, requests: usize) -> Fault {
        self.after = requests;
        self
    }

    /// Recovers after this many faults.
    pub(crate) fn times(mut self, faults: usize) -> Fault {
        self.times = faults;
        self
    }

    /// Whether it holds for everything, and so already for connections.
    fn is_total(&self) -> bool {
        self.on.is_empty() && self.after == 0 && self.times == usize::MAX
    }

    /// What happens to this request.
    fn next(&mut self, request: &str) -> Kind {
        if !request.starts_with(&self.on) {
            return Kind::Pass;
        }
        if self.after > 0 {
            self.after -= 1;
            return Kind::Pass;
        }
        if self.times == 0 {
            return Kind::Pass;
        }
        self.times -= 1;
        self.kind.clone()
    }
}

/// How a proxy meets its clients, where that is not as the cluster does.
#[derive(Default)]
pub(crate) struct Front {
    pub(crate) http2: Http2,
    /// Its own certificate, instead of the cluster's.
    pub(crate) identity: Option<Identity>,
    /// The authority whose clients, and nobody else, are let in: as admins of the cluster.
    pub(crate) clients: Option<String>,
}

#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum Http2 {
    #[default]
    Spoken,
    /// Agreed to, and then not understood.
    Claimed,
    NotOffered,
}

/// Stands in front of one cluster until dropped.
pub(crate) struct Proxy {
    state: Arc<State>,
    access: Access,
}

struct State {
    fault: Mutex<Fault>,
    requests: Mutex<Vec<String>>,
    /// What to do with connections; those that exist end with `Refuse` and `End`.
    turn: watch::Sender<Turn>,
    upstream: Client<HttpsConnector<HttpConnector>, Incoming>,
    target: String,
    http2: Http2,
    /// Who the clients are behind the proxy, if their certificates say who they are.
    admin: Option<HeaderValue>,
}

#[derive(Clone, Copy, PartialEq)]
enum Turn {
    Serve,
    Refuse,
    Hang,
    End,
}

impl Proxy {
    pub(crate) fn in_front_of(cluster: &Cluster) -> Proxy {
        Proxy::with(cluster, &Front::default())
    }

    pub(crate) fn with(cluster: &Cluster, front: &Front) -> Proxy {
        let access = cluster.access();
        let admin = HeaderValue::try_from(format!("Bearer {}", access.token));
        let state = Arc::new(State {
            fault: Mutex::new(Fault::pass()),
            requests: Mutex::default(),
            turn: watch::Sender::new(Turn::Serve),
            upstream: Client::builder(TokioExecutor::new()).build(connector(&access.ca)),
            target: access.server.clone(),
            http2: front.http2,
            admin: front.clients.as_ref().and(admin.ok()),
        });
        let (listener, address) = wait(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("its address");
            (listener, address)
        });
        let acceptor = acceptor(cluster.dir(), front);
        handle().spawn(listen(Arc::clone(&state), listener, address, acceptor));
        Proxy {
            state,
            access: Access {
                server: format!("https://{address}"),
                ..access
            },
        }
    }

    /// Replaces the fault at once, for requests that begin from now on.
    pub(crate) fn set(&self, fault: Fault) {
        let turn = match fault.kind {
            Kind::Refuse => Turn::Refuse,
            Kind::Hang if fault.is_total() => Turn::Hang,
            _ => Turn::Serve,
        };
        *self.state.fault.lock().unwrap() = fault;
        let before = self.state.turn.send_replace(turn);
        if before != turn && (before == Turn::Refuse || turn == Turn::Refuse) {
            // The listener opens and closes on the other thread.
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// How to reach the cluster through this proxy.
    pub(crate) fn access(&self) -> Access {
        self.access.clone()
    }

    /// All requests so far, as `GET /api/v1/nodes?limit=1`.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.requests.lock().unwrap().clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.turn.send_replace(Turn::End);
    }
}

fn acceptor(dir: &Path, front: &Front) -> TlsAcceptor {
    let identity = front.identity.clone();
    let identity = identity.unwrap_or_else(|| Identity::in_folder(dir));
    let certificates = CertificateDer::pem_slice_iter(identity.certificate.as_bytes());
    let certificates = certificates.collect::<Result<_, _>>().expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("PEM");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let clients = match &front.clients {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(ca) => {
            let roots = Arc::new(roots(ca.as_bytes()));
            WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
                .build()
                .expect("an authority")
        }
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_client_cert_verifier(clients)
        .with_single_cert(certificates, key)
        .expect("they belong together");
    config.alpn_protocols = vec![b"h2".into(), b"http/1.1".into()];
    if front.http2 == Http2::NotOffered {
        config.alpn_protocols.remove(0);
    }
    TlsAcceptor::from(Arc::new(config))
}

fn roots(ca: &[u8]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(ca).flatten());
    roots
}

fn connector(ca: &Path) -> HttpsConnector<HttpConnector> {
    let roots = roots(&std::fs::read(ca).expect("the cluster's certificate"));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_only()
        .enable_http1()
        .build()
}

async fn listen(
    state: Arc<State>,
    listener: TcpListener,
    address: SocketAddr,
    acceptor: TlsAcceptor,
) {
    let mut turn = state.turn.subscribe();
    let mut listener = Some(listener);
    loop {
        let now = *turn.borrow_and_update();
        match now {
            Turn::End => return,
            // Closing the socket is what makes the system refuse.
            Turn::Refuse => listener = None,
            Turn::Serve | Turn::Hang if listener.is_none() => {
                listener = Some(
                    TcpListener::bind(address)
                        .await
                        .expect("its own port again"),
                );
            }
            Turn::Serve | Turn::Hang => {}
        }
        tokio::select! {
            _ = turn.changed() => {}
            stream = accept(listener.as_ref()) => {
                let (state, acceptor) = (Arc::clone(&state), acceptor.clone());
                // Its end, however it comes, is the client's to judge.
                handle().spawn(async move { let _ = connection(state, acceptor, stream).await; });
            }
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> TcpStream {
    match listener {
        Some(listener) => match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => pending().await,
        },
        None => pending().await,
    }
}

async fn connection(
    state: Arc<State>,
    acceptor: TlsAcceptor,
    stream: TcpStream,
) -> Result<(), anyhow::Error> {
    let mut turn = state.turn.subscribe();
    let mut ends = state.turn.subscribe();
    let reset = Arc::new(Notify::new());
    stream.set_nodelay(true)?;
    // A second handle on the socket: TLS and HTTP keep the first.
    let stream = stream.into_std()?;
    let socket = TcpStream::from_std(stream.try_clone()?)?;
    let stream = TcpStream::from_std(stream)?;

    let ordered = Arc::clone(&reset);
    let serve = async move {
        turn.wait_for(|turn| *turn != Turn::Hang).await?;
        let stream = acceptor.accept(stream).await?;
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let is_http2 = is_http2 && state.http2 == Http2::Spoken;
        let stream = TokioIo::new(stream);
        let service = service_fn(move |request| {
            let (state, reset) = (Arc::clone(&state), Arc::clone(&ordered));
            async move { respond(&state, &reset, request).await }
        });
        if is_http2 {
            let server = http2::Builder::new(TokioExecutor::new());
            server.serve_connection(stream, service).await?;
        } else {
            let server = http1::Builder::new();
            server.serve_connection(stream, service).await?;
        }
        Ok::<(), anyhow::Error>(())
    };
    tokio::select! {
        outcome = serve => outcome,
        _ = ends.wait_for(|turn| matches!(turn, Turn::Refuse | Turn::End)) => Ok(()),
        () = reset.notified() => Ok(socket.set_zero_linger()?),
    }
}

async fn respond(
    state: &State,
    reset: &Notify,
    request: Request<Incoming>,
) -> Result<Response<Body>, anyhow::Error> {
    let line = format!(
        "{} {}",
        request.method(),
        request
            .uri()
            .path_and_query()
            .map_or("", PathAndQuery::as_str)
    );
    let kind = state.fault.lock().unwrap().next(&line);
    state.requests.lock().unwrap().push(line);
    match kind {
        Kind::Pass => state.forward(request).await,
        Kind::Delay(by) => {
            sleep(by).await;
            state.forward(request).await
        }
        Kind::Reset => {
            reset.notify_one();
            pending().await
        }
        Kind::Refuse | Kind::Hang => pending().await,
        Kind::Cut => Ok(cut(state.forward(request).await?).await),
        Kind::Answer(answer) => Ok(answer.response()),
    }
}

impl State {
    async fn forward(&self, request: Request<Incoming>) -> Result<Response<Body>, anyhow::Error> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        parts.uri = format!("{}{path}", self.target).parse()?;
        parts.version = Version::HTTP_11;
        parts.headers.remove(header::HOST);
        if let Some(admin) = &self.admin {
            parts.headers.insert(header::AUTHORIZATION, admin.clone());
        }
        let response = self
            .upstream
            .request(Request::from_parts(parts, body))
            .await?;
        let (mut parts, body) = response.into_parts();
        parts.version = Version::default();
        // They are about the connection behind, not the one in front.
        parts.headers.remove(header::CONNECTION);
        parts.headers.remove(header::TRANSFER_ENCODING);
        Ok(Response::from_parts(
            parts,
            body.map_err(anyhow::Error::from).boxed_unsync(),
        ))
    }
}

impl Answer {
    fn response(self) -> Response<Body> {
        let mut response = Response::builder()
            .status(self.status)
            .header(header::CONTENT_TYPE, self.content_type);
        if let Some(seconds) = self.retry_after {
            response = response.header(header::RETRY_AFTER, seconds);
        }
        let body = Full::new(self.body).map_err(|never| match never {});
        response.body(body.boxed_unsync()).expect("a response")
    }
}

async fn cut(response: Response<Body>) -> Response<Body> {
    let (parts, mut body) = response.into_parts();
    let first = body.frame().await.and_then(Result::ok);
    let bytes = first
        .and_then(|frame| frame.into_data().ok())
        .unwrap_or_default();
    let half = stream::once(ready(Ok(Frame::data(bytes.slice(..bytes.len() / 2)))));
    let end = stream::once(async {
        // Long enough for the half to be on its way: an error at once would throw it away.
        sleep(Duration::from_millis(20)).await;
        Err(anyhow!("cut on order"))
    });
    Response::from_parts(parts, StreamBody::new(half.chain(end)).boxed_unsync())
}
