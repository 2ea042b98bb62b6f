//! Requests to one cluster, with a deadline, a limit on the answer, and a few careful repetitions.
//!
//! A [`Session`] opens no connection before its first request, and stops whatever it does when it is dropped.
//! Bodies are never logged: they may be Secrets. Main types: [`Session`], [`Call`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use hyper::body::Bytes;
use serde_json::Value;
use tokio::time::Instant;
use tokio::time::error::Elapsed;

use super::access::{Access, Pass};
use super::connect::{Answer, Body, Fault};
use super::exec::Runner;
use super::kubeconfig::Context;
use super::proxy::{self, Environment};
use super::status::{Again, CallError};
use crate::diagnostic::Problem;

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
/// How long a call with its repetitions may take, when nobody set a deadline.
const CALL_LIMIT: Duration = Duration::from_secs(30);
/// A list of 500 large objects is a few megabytes.
const BODY_LIMIT: usize = 32 << 20;
/// The pauses before the second and the third try. There is no jitter: one person's command is no herd.
const PAUSES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];

const AGENT: &str = concat!("mcai/", env!("CARGO_PKG_VERSION"));
const JSON: &str = "application/json";
/// Labels without the objects that carry them; a server that can't leave those out sends all.
const METADATA: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json";
/// The body is JSON, which is YAML: so the server knows it under this name since server-side apply began.
const APPLY: &str = "application/apply-patch+yaml";

/// What all sessions of a run share about the network.
#[derive(Clone, Default)]
pub struct Net {
    pub proxies: Environment,
}

/// One request to be made.
#[derive(Clone)]
pub struct Call {
    method: Method,
    path: String,
    content_type: &'static str,
    body: Bytes,
    accept: &'static str,
    repeatable: bool,
}

impl Call {
    /// Makes a call that is sent once, unless the server has certainly not seen it. `path` may have a query.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        let repeatable = method.is_idempotent();
        Call {
            method,
            path: path.into(),
            content_type: JSON,
            body: Bytes::new(),
            accept: JSON,
            repeatable,
        }
    }

    pub fn get(path: impl Into<String>) -> Self {
        Call::new(Method::GET, path)
    }

    /// A server-side apply; its query names the field manager. Applying twice is applying once.
    pub fn apply(path: impl Into<String>, object: &Value) -> Self {
        let call = Call::new(Method::PATCH, path).body(APPLY, object);
        Call {
            repeatable: true,
            ..call
        }
    }

    pub fn create(path: impl Into<String>, object: &Value) -> Self {
        Call::new(Method::POST, path).body(JSON, object)
    }

    /// `options` are Kubernetes' `DeleteOptions`: preconditions, propagation, dry run.
    pub fn delete(path: impl Into<String>, options: &Value) -> Self {
        Call::new(Method::DELETE, path).body(JSON, options)
    }

    pub fn body(self, content_type: &'static str, body: &Value) -> Self {
        Call {
            content_type,
            body: body.to_string().into(),
            ..self
        }
    }

    pub fn accept(self, accept: &'static str) -> Self {
        Call { accept, ..self }
    }
}

/// A complete answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub body: Bytes,
}

/// A cluster that can be asked. A clone is the same session.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
    until: Option<Instant>,
}

struct Shared {
    context: String,
    /// Host and port, for messages.
    server: Arc<str>,
    /// What stands before every path.
    base: String,
    access: Access,
    requests: AtomicUsize,
    opened: Arc<AtomicUsize>,
}

impl Session {
    /// Finds the way and the credentials, running a plugin if the context has one. It does not connect.
    pub async fn open(
        context: &Context,
        net: &Net,
        runner: &Arc<Runner>,
    ) -> Result<Session, Problem> {
        let proxy = proxy::choose(
            &context.server,
            context.cluster.proxy_url.as_deref(),
            &net.proxies,
        )?;
        let way = proxy
            .as_ref()
            .map(|proxy| format!(" through {proxy}"))
            .unwrap_or_default();
        let opened = Arc::new(AtomicUsize::new(0));
        let access = Access::open(context, proxy, runner, opened.clone()).await?;
        let shared = Shared {
            context: context.name.clone(),
            server: format!("{}{way}", host_and_port(&context.server)).into(),
            base: context.server.to_string().trim_end_matches('/').to_owned(),
            access,
            requests: AtomicUsize::new(0),
            opened,
        };
        tracing::info!(context = %shared.context, server = %shared.server, "will ask");
        Ok(Session {
            shared: Arc::new(shared),
            until: None,
        })
    }

    /// Returns the same session with a deadline for all calls that are made through it.
    pub fn until(&self, deadline: Instant) -> Session {
        Session {
            until: Some(deadline),
            ..self.clone()
        }
    }

    /// Returns the name of the kubeconfig context.
    pub fn context(&self) -> &str {
        &self.shared.context
    }

    /// Returns how many requests were sent, repetitions included.
    pub fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Returns how many connections were opened.
    pub fn connections(&self) -> usize {
        self.shared.opened.load(Ordering::Relaxed)
    }

    pub async fn get(&self, path: &str) -> Result<Value, CallError> {
        self.json(Call::get(path)).await
    }

    /// Reads a list of which only metadata is of interest: the rest of a node or pod is ten times as much, on the wire and
    /// in memory.
    pub async fn get_metadata(&self, path: &str) -> Result<Value, CallError> {
        self.json(Call::get(path).accept(METADATA)).await
    }

    pub async fn get_text(&self, path: &str) -> Result<String, CallError> {
        let reply = self.call(Call::get(path).accept("*/*")).await?;
        Ok(String::from_utf8_lossy(&reply.body).into_owned())
    }

    pub async fn apply(&self, path: &str, object: &Value) -> Result<Value, CallError> {
        self.json(Call::apply(path, object)).await
    }

    pub async fn create(&self, path: &str, object: &Value) -> Result<Value, CallError> {
        self.json(Call::create(path, object)).await
    }

    pub async fn delete(&self, path: &str, options: &Value) -> Result<Value, CallError> {
        self.json(Call::delete(path, options)).await
    }

    /// Makes a call whose answer has to be JSON.
    pub async fn json(&self, call: Call) -> Result<Value, CallError> {
        let reply = self.call(call).await?;
        serde_json::from_slice(&reply.body).map_err(|_| {
            CallError::not_json(&self.shared.server, reply.status.as_u16(), &reply.body)
        })
    }

    /// Makes a call, and repeats it where that is safe and there is time.
    pub async fn call(&self, call: Call) -> Result<Reply, CallError> {
        let started = Instant::now();
        let deadline = self.until.unwrap_or(started + CALL_LIMIT);
        match tokio::time::timeout_at(deadline, self.tries(&call, deadline)).await {
            Ok(result) => result,
            Err(_) => Err(CallError::timeout(
                &self.shared.server,
                deadline.saturating_duration_since(started),
            )),
        }
    }

    async fn tries(&self, call: &Call, deadline: Instant) -> Result<Reply, CallError> {
        let no_credentials = |problem| CallError::no_credentials(&self.shared.server, problem);
        let mut pauses = PAUSES.into_iter();
        let mut renewed = false;
        loop {
            let pass = self.shared.access.pass().await.map_err(no_credentials)?;
            let error = match self.attempt(&pass, call, deadline).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            if error.code == Some(401) {
                let renewal = std::mem::replace(&mut renewed, true);
                if !renewal
                    && self
                        .shared
                        .access
                        .renew(&pass)
                        .await
                        .map_err(no_credentials)?
                        .is_some()
                {
                    continue;
                }
                return Err(error);
            }
            let again =
                error.again == Again::Yes || error.again == Again::IfRepeatable && call.repeatable;
            let Some(pause) = pauses.next().filter(|_| again) else {
                return Err(error);
            };
            let Some(wait) = affordable(&error, pause, deadline) else {
                return Err(late(error));
            };
            let context = &self.shared.context;
            tracing::info!(%context, millis = wait.as_millis() as u64, "waits, then tries again: {error}");
            tokio::time::sleep(wait).await;
        }
    }

    async fn attempt(
        &self,
        pass: &Pass,
        call: &Call,
        deadline: Instant,
    ) -> Result<Reply, CallError> {
        let server = &self.shared.server;
        let request = self
            .request(pass, call)
            .map_err(|error| CallError::bad_request(server, &error))?;
        let left = deadline.saturating_duration_since(Instant::now());
        // Whoever sets a deadline has said how long a cluster may take.
        let limit = if self.until.is_some() {
            left
        } else {
            REQUEST_LIMIT.min(left)
        };
        self.shared.requests.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let answer = tokio::time::timeout(limit, pass.link.exchange(request, BODY_LIMIT)).await;
        self.log(call, started.elapsed(), &answer);
        match answer {
            Ok(Ok(answer)) => judge(server, answer),
            Ok(Err(Fault::TooLarge)) => Err(CallError::too_large(server, BODY_LIMIT)),
            Ok(Err(Fault::Unsent(error))) => Err(CallError::connection(server, &*error, false)),
            Ok(Err(Fault::Cut(error))) => Err(CallError::connection(server, &*error, true)),
            Err(_) => {
                pass.link.forget();
                Err(CallError::timeout(server, limit))
            }
        }
    }

    /// Never a header or a body: they may be secret.
    fn log(&self, call: &Call, took: Duration, answer: &Result<Result<Answer, Fault>, Elapsed>) {
        let (context, method, path) = (&self.shared.context, &call.method, &call.path);
        let millis = took.as_millis() as u64;
        match answer {
            Ok(Ok(answer)) => {
                let (status, bytes) = (answer.status.as_u16(), answer.body.len());
                tracing::info!(%context, status, millis, bytes, "{method} {path}");
            }
            Ok(Err(_)) => tracing::info!(%context, millis, "{method} {path}: no complete answer"),
            Err(_) => tracing::info!(%context, millis, "{method} {path}: no answer in time"),
        }
    }

    fn request(&self, pass: &Pass, call: &Call) -> Result<Request<Body>, http::Error> {
        let url = format!("{}{}", self.shared.base, call.path);
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(url)
            .body(Body::new(call.body.clone()))?;
        let headers = request.headers_mut();
        headers.clone_from(&pass.headers);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        headers.insert(ACCEPT, HeaderValue::from_static(call.accept));
        if !call.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(call.content_type));
        }
        Ok(request)
    }
}

fn host_and_port(server: &Uri) -> String {
    let port = server
        .port_u16()
        .unwrap_or(if server.scheme_str() == Some("http") {
            80
        } else {
            443
        });
    format!("{}:{port}", server.host().unwrap_or_default())
}

fn judge(server: &Arc<str>, answer: Answer) -> Result<Reply, CallError> {
    if answer.status.is_success() {
        return Ok(Reply {
            status: answer.status,
            body: answer.body,
        });
    }
    Err(CallError::answer(
        server,
        answer.status,
        retry_after(&answer.headers),
        &answer.body,
    ))
}

/// Only seconds are read: API servers send no dates.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds)).filter(|wait| !wait.is_zero())
}

/// Returns how long to wait before the next try, if that leaves time for it.
fn affordable(error: &CallError, pause: Duration, deadline: Instant) -> Option<Duration> {
    let wait = error.retry_after.unwrap_or(pause);
    (wait < deadline.saturating_duration_since(Instant::now())).then_some(wait)
}

fn late(error: CallError) -> CallError {
    match error.retry_after {
        Some(wait) => error.too_late(wait),
        None => error,
    }
}
