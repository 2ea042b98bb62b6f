//! The connection to one API server: HTTP/2 over a single one, else HTTP/1.1 over as many as are needed.
//!
//! hyper-util's pooled client is not used: when both protocols are offered it opens a connection per parallel
//! request before it knows that one is enough. Here the first caller connects, the others wait for it; what the
//! server speaks is remembered. Main type: [`Link`].

use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::HOST;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::rt::{Read, Write};
use hyper_rustls::{HttpsConnector, ResolveServerName};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection as Transport, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tower::{Service, ServiceExt};

use super::proxy::{Protocol, Proxy};

const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Azure's load balancer drops a silent connection after 240 s and tells nobody.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_LIMIT: Duration = Duration::from_secs(10);

pub(super) type Body = Full<Bytes>;
type BoxError = Box<dyn Error + Send + Sync>;

/// A complete answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The server has not seen the request.
    Unsent(Arc<dyn Error + Send + Sync>),
    /// It may have seen the request.
    Cut(Arc<dyn Error + Send + Sync>),
    TooLarge,
}

impl Fault {
    fn unsent(error: impl Into<BoxError>) -> Self {
        Fault::Unsent(Arc::from(error.into()))
    }

    fn cut(error: impl Into<BoxError>) -> Self {
        Fault::Cut(Arc::from(error.into()))
    }

    fn of<T>(mut error: TrySendError<T>) -> Self {
        match error.take_message() {
            Some(_) => Fault::unsent(error.into_error()),
            None => Fault::cut(error.into_error()),
        }
    }
}

/// Ends the task that drives a connection, together with what uses it.
struct Driver(AbortHandle);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn drive(connection: impl Future<Output = hyper::Result<()>> + Send + 'static) -> Driver {
    // What goes wrong on a connection is reported to the requests on it.
    Driver(tokio::spawn(async { drop(connection.await) }).abort_handle())
}

/// An HTTP/2 connection, for all requests at once.
struct Multiplexed {
    sender: http2::SendRequest<Body>,
    /// The server has answered on it: it does speak HTTP/2, and not only say so.
    proven: AtomicBool,
    _driver: Driver,
}

/// An HTTP/1.1 connection, for one request at a time.
struct Single {
    sender: http1::SendRequest<Body>,
    _driver: Driver,
}

enum Connection {
    Http2(Arc<Multiplexed>),
    Http1(Single),
}

#[derive(Default)]
struct Shared {
    http2: Option<Arc<Multiplexed>>,
    /// The last failure to connect, for those who waited for it.
    failed: Option<(Instant, Fault)>,
}

/// How the certificate of a server is checked, and the name in it.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) config: ClientConfig,
    pub(super) name: Arc<dyn ResolveServerName + Send + Sync>,
}

/// The way to one server, and the connections on it.
pub(super) struct Link {
    /// Scheme, host and port.
    server: Uri,
    proxy: Option<Proxy>,
    tls: Tls,
    http1: AtomicBool,
    shared: tokio::sync::Mutex<Shared>,
    idle: Mutex<Vec<Single>>,
    opened: Arc<AtomicUsize>,
}

impl Link {
    /// Makes a link, without connecting yet. `opened` counts its connections.
    pub(super) fn new(
        server: &Uri,
        proxy: Option<Proxy>,
        tls: Tls,
        opened: Arc<AtomicUsize>,
    ) -> Self {
        let plain = server.scheme_str() == Some("http");
        let port = server.port_u16().unwrap_or(if plain { 80 } else { 443 });
        // The port is written out because the proxy connectors take 443 for every missing one.
        let address = format!(
            "{}://{}:{port}/",
            if plain { "http" } else { "https" },
            server.host().unwrap_or_default()
        );
        Link {
            server: address.parse().unwrap_or_else(|_| server.clone()),
            proxy,
            tls,
            // Only inside TLS can a server say that it speaks HTTP/2.
            http1: AtomicBool::new(plain),
            shared: tokio::sync::Mutex::default(),
            idle: Mutex::default(),
            opened,
        }
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn exchange(
        &self,
        request: Request<Body>,
        body_limit: usize,
    ) -> Result<Answer, Fault> {
        match self.connection().await? {
            Connection::Http2(shared) => self.over_http2(&shared, request, body_limit).await,
            Connection::Http1(single) => self.over_http1(single, request, body_limit).await,
        }
    }

    /// Leaves the shared connection to the requests that are on it: after a time-out it may be dead.
    pub(super) fn forget(&self) {
        self.replace_http2(|_| true);
    }

    async fn over_http2(
        &self,
        shared: &Arc<Multiplexed>,
        request: Request<Body>,
        limit: usize,
    ) -> Result<Answer, Fault> {
        let mut sender = shared.sender.clone();
        match sender.try_send_request(request).await {
            Ok(response) => {
                shared.proven.store(true, Ordering::Relaxed);
                collect(response, limit).await
            }
            Err(error) => {
                self.distrust(shared);
                Err(Fault::of(error))
            }
        }
    }

    /// Drops a broken HTTP/2 connection. If nothing ever came over it, HTTP/2 itself is in doubt: some load
    /// balancers agree to it and can't do it.
    fn distrust(&self, broken: &Arc<Multiplexed>) {
        if !broken.proven.load(Ordering::Relaxed) {
            self.http1.store(true, Ordering::Relaxed);
        }
        self.replace_http2(|known| Arc::ptr_eq(known, broken));
    }

    fn replace_http2(&self, is_bad: impl Fn(&Arc<Multiplexed>) -> bool) {
        // Whoever has the lock is about to connect anew anyway.
        if let Ok(mut shared) = self.shared.try_lock() {
            shared.http2.take_if(|known| is_bad(known));
        }
    }

    async fn over_http1(
        &self,
        mut single: Single,
        request: Request<Body>,
        limit: usize,
    ) -> Result<Answer, Fault> {
        let request = in_origin_form(request).map_err(Fault::unsent)?;
        single.sender.ready().await.map_err(Fault::unsent)?;
        let response = single
            .sender
            .try_send_request(request)
            .await
            .map_err(Fault::of)?;
        let answer = collect(response, limit).await?;
        if !single.sender.is_closed() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(single);
        }
        Ok(answer)
    }

    async fn connection(&self) -> Result<Connection, Fault> {
        let asked = Instant::now();
        if !self.http1.load(Ordering::Relaxed) {
            let mut shared = self.shared.lock().await;
            // Whoever had the lock before may have found out.
            if !self.http1.load(Ordering::Relaxed) {
                return self.shared_connection(&mut shared, asked).await;
            }
        }
        match self.take_idle() {
            Some(single) => Ok(Connection::Http1(single)),
            None => self.dial(&[b"http/1.1"]).await,
        }
    }

    async fn shared_connection(
        &self,
        shared: &mut Shared,
        asked: Instant,
    ) -> Result<Connection, Fault> {
        if let Some(http2) = shared
            .http2
            .as_ref()
            .filter(|http2| !http2.sender.is_closed())
        {
            return Ok(Connection::Http2(http2.clone()));
        }
        // It failed while this caller waited for the same: trying again in a row would multiply the time.
        if let Some((_, fault)) = shared.failed.as_ref().filter(|(at, _)| *at > asked) {
            return Err(fault.clone());
        }
        let dialed = self.dial(&[b"h2", b"http/1.1"]).await;
        match &dialed {
            Ok(Connection::Http2(http2)) => shared.http2 = Some(http2.clone()),
            Ok(Connection::Http1(_)) => self.http1.store(true, Ordering::Relaxed),
            Err(fault) => shared.failed = Some((Instant::now(), fault.clone())),
        }
        dialed
    }

    fn take_idle(&self) -> Option<Single> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|single| !single.sender.is_closed());
        idle.pop()
    }

    /// Connects directly or through the proxy, offering the given protocols.
    async fn dial(&self, protocols: &[&[u8]]) -> Result<Connection, Fault> {
        let (tcp, started) = (tcp(), Instant::now());
        let connection = match &self.proxy {
            None => self.open(self.secured(tcp, protocols)).await,
            Some(proxy) => match proxy.protocol {
                Protocol::Http => self.open(self.secured(tunnel(proxy, tcp), protocols)).await,
                // As in Go, the proxy's certificate is checked by the same authorities as the server's.
                Protocol::Https => {
                    let to_proxy = HttpsConnector::from((tcp, self.tls.config.clone()));
                    self.open(self.secured(tunnel(proxy, to_proxy), protocols))
                        .await
                }
                Protocol::Socks5 => self.open(self.secured(socks(proxy, tcp), protocols)).await,
            },
        };
        let connection = connection.map_err(Fault::unsent)?;
        let protocol = match connection {
            Connection::Http2(_) => "HTTP/2",
            Connection::Http1(_) => "HTTP/1.1",
        };
        let (server, millis) = (&self.server, started.elapsed().as_millis() as u64);
        tracing::debug!(%server, protocol, millis, "connected");
        self.opened.fetch_add(1, Ordering::Relaxed);
        Ok(connection)
    }

    fn secured<C>(&self, connector: C, protocols: &[&[u8]]) -> HttpsConnector<C> {
        let mut config = self.tls.config.clone();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        HttpsConnector::new(connector, config, false, self.tls.name.clone())
    }

    async fn open<C>(&self, mut connector: C) -> Result<Connection, BoxError>
    where
        C: Service<Uri, Error = BoxError> + Send,
        C::Response: Transport + Read + Write + Send + Unpin + 'static,
    {
        let stream = connector.ready().await?.call(self.server.clone()).await?;
        if stream.connected().is_negotiated_h2() {
            let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .keep_alive_interval(PING_INTERVAL)
                .keep_alive_timeout(PING_LIMIT)
                .keep_alive_while_idle(true)
                .handshake(stream)
                .await?;
            let proven = AtomicBool::new(false);
            return Ok(Connection::Http2(Arc::new(Multiplexed {
                sender,
                proven,
                _driver: drive(connection),
            })));
        }
        let (sender, connection) = http1::handshake(stream).await?;
        Ok(Connection::Http1(Single {
            sender,
            _driver: drive(connection),
        }))
    }
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    // Without it the second HTTP/2 round waits 40 ms for an acknowledgement.
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_LIMIT));
    tcp
}

fn tunnel<C>(proxy: &Proxy, connector: C) -> Tunnel<C> {
    let tunnel = Tunnel::new(proxy.address.clone(), connector);
    match proxy.basic_auth() {
        Some(login) => tunnel.with_auth(login),
        None => tunnel,
    }
}

fn socks(proxy: &Proxy, tcp: HttpConnector) -> SocksV5<HttpConnector> {
    let socks = SocksV5::new(proxy.address.clone(), tcp);
    match proxy.user_and_password() {
        Some((user, password)) => socks.with_auth(user, password),
        None => socks,
    }
}

/// HTTP/1.1 wants the path alone, and the host as a header.
fn in_origin_form(mut request: Request<Body>) -> Result<Request<Body>, BoxError> {
    let uri = request.uri();
    let host = uri.authority().map_or("", |authority| authority.as_str());
    let host = HeaderValue::from_str(host.rsplit('@').next().unwrap_or_default())?;
    let path: Uri = uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .parse()?;
    request.headers_mut().insert(HOST, host);
    *request.uri_mut() = path;
    Ok(request)
}

async fn collect(response: Response<Incoming>, limit: usize) -> Result<Answer, Fault> {
    let (head, mut body) = response.into_parts();
    if body.size_hint().lower() > limit as u64 {
        return Err(Fault::TooLarge);
    }
    let mut collected = Vec::new();
    while let Some(frame) = body.frame().await {
        // Trailers say nothing that is needed here.
        let Ok(data) = frame.map_err(Fault::cut)?.into_data() else {
            continue;
        };
        if collected.len() + data.len() > limit {
            return Err(Fault::TooLarge);
        }
        collected.extend_from_slice(&data);
    }
    Ok(Answer {
        status: head.status,
        headers: head.headers,
        body: collected.into(),
    })
}
