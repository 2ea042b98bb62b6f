//! A stand-in for GitHub and GitLab: the few routes of their APIs that keep the comments of one pull request, for the
//! real `gh` and `curl`. It listens on a Unix socket, where `gh` can be made to send everything, and on a port.

use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;

use super::background::{handle, wait};

/// What the forge takes for the pipeline's token.
pub(crate) const TOKEN: &str = "forge-token";

/// Who the pipeline is to the forge.
const PIPELINE: u64 = 99;

/// Comments on a page, as both forges have it at most.
const PAGE: usize = 100;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comment {
    pub(crate) by_pipeline: bool,
    pub(crate) body: String,
}

#[derive(Default)]
struct State {
    /// The id is the place, from 1.
    comments: Vec<Comment>,
    refuses: bool,
    loses: Option<Method>,
}

/// Runs until dropped.
pub(crate) struct Forge {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
    listening: [JoinHandle<()>; 2],
}

impl Forge {
    /// Starts one with its Unix socket at this path.
    pub(crate) fn start(socket: &Path) -> Forge {
        let state = Arc::new(Mutex::new(State::default()));
        let port = wait(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = port.local_addr().expect("its address");
        let unix = wait(async { UnixListener::bind(socket) }).expect("a socket");
        let (for_port, for_unix) = (Arc::clone(&state), Arc::clone(&state));
        let listening = [
            handle().spawn(async move {
                while let Ok((stream, _)) = port.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&for_port)));
                }
            }),
            handle().spawn(async move {
                while let Ok((stream, _)) = unix.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&for_unix)));
                }
            }),
        ];
        Forge {
            address,
            state,
            listening,
        }
    }

    pub(crate) fn comments(&self) -> Vec<Comment> {
        self.state.lock().unwrap().comments.clone()
    }

    /// Somebody comments.
    pub(crate) fn comment(&self, body: &str) {
        self.state.lock().unwrap().comments.push(Comment {
            by_pipeline: false,
            body: body.to_owned(),
        });
    }

    /// From now on every request is forbidden.
    pub(crate) fn refuse(&self) {
        self.state.lock().unwrap().refuses = true;
    }

    /// The next request of this kind is carried out, but its answer gets lost.
    pub(crate) fn lose_an_answer_to(&self, method: Method) {
        self.state.lock().unwrap().loses = Some(method);
    }
}

impl Drop for Forge {
    fn drop(&mut self) {
        for task in &self.listening {
            task.abort();
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, state: Arc<Mutex<State>>) {
    let service = service_fn(|request: Request<Incoming>| {
        let state = Arc::clone(&state);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map(|body| body.to_bytes());
            let request = Request::from_parts(head, body.unwrap_or_default());
            let answer = answer_or_lose(&request, &mut state.lock().unwrap());
            ready(Ok::<_, Infallible>(answer)).await
        }
    });
    // How a connection ends is the client's to judge.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn answer_or_lose(request: &Request<Bytes>, state: &mut State) -> Response<Full<Bytes>> {
    let answer = answer(request, state);
    match state.loses.take_if(|method| request.method() == *method) {
        None => answer,
        Some(_) => {
            let lost = json!({"message": "504 Gateway Timeout"});
            respond(StatusCode::GATEWAY_TIMEOUT, &lost)
        }
    }
}

fn answer(request: &Request<Bytes>, state: &mut State) -> Response<Full<Bytes>> {
    if state.refuses {
        return respond(StatusCode::FORBIDDEN, &json!({"message": "403 Forbidden"}));
    }
    if !is_authorized(request) {
        return respond(StatusCode::UNAUTHORIZED, &json!({"message": "no token"}));
    }
    let path = request.uri().path();
    let last = path.rsplit('/').next().unwrap_or_default();
    match (request.method(), path) {
        (&Method::GET, "/api/v4/user") => respond(StatusCode::OK, &json!({"id": PIPELINE})),
        (&Method::GET, "/repos/acme/models/issues/7/comments")
        | (&Method::GET, "/api/v4/projects/1/merge_requests/7/notes") => list(request, state),
        (&Method::POST, "/repos/acme/models/issues/7/comments")
        | (&Method::POST, "/api/v4/projects/1/merge_requests/7/notes") => {
            state.comments.push(Comment {
                by_pipeline: true,
                body: body_of(request),
            });
            respond(StatusCode::CREATED, &json!({"id": state.comments.len()}))
        }
        (&Method::PATCH, _) if path.starts_with("/repos/acme/models/issues/comments/") => {
            edit(last, request, state)
        }
        (&Method::PUT, _) if path.starts_with("/api/v4/projects/1/merge_requests/7/notes/") => {
            edit(last, request, state)
        }
        _ => respond(StatusCode::NOT_FOUND, &json!({"message": "no such route"})),
    }
}

fn is_authorized(request: &Request<Bytes>) -> bool {
    let header = |name| {
        request
            .headers()
            .get(name)
            .and_then(|text| text.to_str().ok())
    };
    header("authorization") == Some(&format!("token {TOKEN}"))
        || header("private-token") == Some(TOKEN)
}

/// A page of comments, with what either forge's client looks at.
fn list(request: &Request<Bytes>, state: &State) -> Response<Full<Bytes>> {
    let query = request.uri().query().unwrap_or_default();
    let page = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("page="))
        .map_or(1, |number| number.parse().expect("a number"));
    let shown = |(i, comment): (usize, &Comment)| {
        let kind = if comment.by_pipeline { "Bot" } else { "User" };
        let author = if comment.by_pipeline { PIPELINE } else { 1 };
        json!({"id": i + 1, "user": {"type": kind}, "author": {"id": author}, "body": comment.body})
    };
    let rows: Vec<Value> = (state.comments.iter().enumerate())
        .skip((page - 1) * PAGE)
        .take(PAGE)
        .map(shown)
        .collect();
    let mut response = respond(StatusCode::OK, &json!(rows));
    if state.comments.len() > page * PAGE {
        let path = request.uri().path();
        let next = format!(
            "<https://api.github.com{path}?per_page=100&page={}>; rel=\"next\"",
            page + 1
        );
        let next = next.parse().expect("a header");
        response.headers_mut().insert("link", next);
    }
    response
}

fn edit(id: &str, request: &Request<Bytes>, state: &mut State) -> Response<Full<Bytes>> {
    let place = id.parse::<usize>().unwrap_or(0).wrapping_sub(1);
    match state.comments.get_mut(place) {
        Some(comment) => {
            comment.body = body_of(request);
            respond(StatusCode::OK, &json!({"id": place + 1}))
        }
        None => respond(
            StatusCode::NOT_FOUND,
            &json!({"message": "no such comment"}),
        ),
    }
}

/// The comment in a request: JSON from `gh`, a form from `curl`.
fn body_of(request: &Request<Bytes>) -> String {
    if let Ok(json) = serde_json::from_slice::<Value>(request.body()) {
        return json["body"].as_str().expect("a text").to_owned();
    }
    let form = std::str::from_utf8(request.body()).expect("UTF-8");
    decode(form.strip_prefix("body=").expect("one field"))
}

fn decode(encoded: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next(), rest.next()].map(|digit| digit.expect("a digit"));
                let digits = std::str::from_utf8(&digits).expect("ASCII");
                u8::from_str_radix(digits, 16).expect("hexadecimal")
            }
            other => other,
        });
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn respond(status: StatusCode, json: &Value) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(json.to_string())))
        .expect("a response")
}
