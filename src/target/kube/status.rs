//! What can go wrong with one request, as a value: [`CallError`].
//!
//! It is made from the server's `Status`, from an answer that is none, or from the chain of causes of a broken
//! connection, and words all of them for people. It never holds more of a foreign body than a short beginning.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use rustls::CertificateError;
use serde::Deserialize;

use crate::diagnostic::{Kind, Problem};
use crate::process::{plain, redact};
use crate::text;

/// How much of a foreign answer is shown: enough to recognise a login page.
const EXCERPT: usize = 80;
/// How much of one level of a chain is shown.
const CAUSE: usize = 200;

/// One item of `details.causes` of a `Status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct StatusCause {
    pub reason: String,
    pub message: String,
    pub field: String,
}

/// A field that another manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldConflict {
    pub field: String,
    pub manager: String,
}

/// Whether the same request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    No,
    /// If sending it twice does no harm.
    IfRepeatable,
    /// The server has not seen it.
    Yes,
}

/// Why a request has no good answer.
#[derive(Clone, Debug)]
pub struct CallError {
    pub kind: Kind,
    /// The HTTP status, if there was an answer.
    pub code: Option<u16>,
    /// The `reason` of a `Status`, such as `Conflict`.
    pub reason: Option<String>,
    pub message: String,
    pub causes: Vec<StatusCause>,
    /// What is underneath a broken connection, outermost first.
    pub chain: Vec<String>,
    pub retry_after: Option<Duration>,
    pub hint: Option<String>,
    server: Arc<str>,
    pub(super) again: Again,
    /// Set when new credentials were needed, and this is why there are none.
    credentials: Option<Box<Problem>>,
}

impl CallError {
    fn new(kind: Kind, server: &Arc<str>, message: String) -> Self {
        CallError {
            kind,
            code: None,
            reason: None,
            message,
            causes: Vec::new(),
            chain: Vec::new(),
            retry_after: None,
            hint: None,
            server: server.clone(),
            again: Again::No,
            credentials: None,
        }
    }

    /// Whether the server may have done what was asked, though nobody has heard so.
    pub fn may_be_done(&self) -> bool {
        match self.code {
            // A gateway that has lost patience knows no more than we do.
            Some(code) => code == 504,
            None => {
                self.again == Again::IfRepeatable
                    || self.again == Again::No
                        && matches!(self.kind, Kind::Timeout | Kind::Protocol)
            }
        }
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        CallError {
            hint: Some(hint.into()),
            ..self
        }
    }

    pub(super) fn timeout(server: &Arc<str>, limit: Duration) -> Self {
        if limit.is_zero() {
            let message = format!("no time is left to ask {server}");
            return CallError {
                again: Again::Yes,
                ..CallError::new(Kind::Timeout, server, message)
            };
        }
        let limit = text::whole_seconds(limit);
        CallError::new(Kind::Timeout, server, format!("no answer from {server} within {limit}"))
            .hint("check that the server is well, and that nothing on the way swallows packets (VPN, firewall)")
    }

    pub(super) fn too_large(server: &Arc<str>, limit: usize) -> Self {
        let mebibytes = limit >> 20;
        CallError::new(
            Kind::Protocol,
            server,
            format!("the answer of {server} is larger than {mebibytes} MiB"),
        )
    }

    /// A request that can't be built: a bug, or a name that was not checked.
    pub(super) fn bad_request(server: &Arc<str>, cause: &dyn fmt::Display) -> Self {
        CallError::new(
            Kind::Internal,
            server,
            format!("cannot build the request: {cause}"),
        )
    }

    pub(super) fn no_credentials(server: &Arc<str>, problem: Problem) -> Self {
        let error = CallError::new(problem.kind, server, problem.one_line());
        CallError {
            credentials: Some(Box::new(problem)),
            ..error
        }
    }

    /// A good status with a body that is not what was asked for.
    pub(super) fn not_json(server: &Arc<str>, code: u16, body: &[u8]) -> Self {
        let error = CallError::new(
            Kind::Protocol,
            server,
            format!("not an answer of Kubernetes: {}", excerpt(body)),
        );
        CallError {
            code: Some(code),
            ..error
        }
        .hint(IN_BETWEEN)
    }

    /// An answer with a status that is not 2xx.
    pub(super) fn answer(
        server: &Arc<str>,
        code: StatusCode,
        retry_after: Option<Duration>,
        body: &[u8],
    ) -> Self {
        let error = match serde_json::from_slice::<Status>(body) {
            Ok(status) if status.kind == "Status" => from_status(server, code, status),
            _ => from_foreign(server, code, body),
        };
        let again = match code.as_u16() {
            // The server did nothing with it.
            429 => Again::Yes,
            503 => Again::IfRepeatable,
            _ => Again::No,
        };
        let retry_after = retry_after.or(error.retry_after);
        CallError {
            code: Some(code.as_u16()),
            retry_after,
            again,
            ..error
        }
    }

    /// A connection that could not be made (`sent` is false), or that broke.
    pub(super) fn connection(server: &Arc<str>, error: &(dyn Error + 'static), sent: bool) -> Self {
        let levels = levels(error);
        let call_error = from_levels(server, &levels, sent);
        CallError {
            chain: words(&levels),
            ..call_error
        }
    }

    /// Adds that the server's `Retry-After` is too late for the deadline.
    pub(super) fn too_late(mut self, wait: Duration) -> Self {
        let wait = text::whole_seconds(wait);
        self.message
            .truncate(self.message.trim_end_matches('.').len());
        self.message.push_str(&format!(
            "; it asks to come back after {wait}, when the time for this is over"
        ));
        self
    }

    /// Tells whether the server does not serve the whole API of the path, rather than not have the object.
    pub fn is_missing_api(&self) -> bool {
        self.code == Some(404)
            && (self.reason.is_none()
                || self
                    .message
                    .starts_with("the server could not find the requested resource"))
    }

    /// Returns the fields that other managers own, if that is why the server refused.
    pub fn field_conflicts(&self) -> Vec<FieldConflict> {
        let conflicts = self
            .causes
            .iter()
            .filter(|cause| cause.reason == "FieldManagerConflict");
        conflicts
            .map(|cause| FieldConflict {
                field: cause.field.clone(),
                manager: between(&cause.message, "conflict with \"", "\"")
                    .unwrap_or_default()
                    .to_owned(),
            })
            .collect()
    }

    /// Returns the problem of not having been able to do what was attempted, as in "cannot list models".
    pub fn problem(self, attempted: &str) -> Problem {
        if let Some(problem) = self.credentials {
            // The plugin's words say what is wrong; what was attempted comes before them.
            let detail = if problem.detail.is_empty() {
                problem.summary.clone()
            } else {
                problem.detail.clone()
            };
            return Problem {
                summary: attempted.to_owned(),
                detail,
                ..*problem
            };
        }
        let detail = match self.code {
            Some(code) => format!("{code} from {}: {}", self.server, self.message),
            None => self.message.clone(),
        };
        let causes = self
            .causes
            .iter()
            .map(StatusCause::to_string)
            .filter(|cause| !detail.contains(cause.as_str()));
        let problem = Problem::error(self.kind, attempted).detail(detail.as_str());
        let problem = causes
            .chain(self.chain.iter().cloned())
            .fold(problem, Problem::cause);
        problem.hint_if(self.hint)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for CallError {}

impl fmt::Display for StatusCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.message),
            field => write!(f, "{field}: {}", self.message),
        }
    }
}

const IN_BETWEEN: &str =
    "see what answers there: a proxy, a login page or a load balancer stands before the API server";

#[derive(Deserialize)]
struct Status {
    kind: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    reason: String,
    details: Option<Details>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    causes: Vec<StatusCause>,
    retry_after_seconds: u64,
}

fn from_status(server: &Arc<str>, code: StatusCode, status: Status) -> CallError {
    let details = status.details.unwrap_or_default();
    let message = plain(&status.message);
    let hint = match code.as_u16() {
        401 => Some("log in again, or have your identity admitted to this cluster".to_owned()),
        403 => rbac_hint(&message),
        409 if details
            .causes
            .iter()
            .any(|cause| cause.reason == "FieldManagerConflict") =>
        {
            Some(
                "leave the field out of the manifest, or take it over with `--force-conflicts`"
                    .to_owned(),
            )
        }
        409 if status.reason == "Conflict" => {
            Some("the object changed meanwhile: run the command again".to_owned())
        }
        _ => None,
    };
    let message = match code.as_u16() {
        401 => "the server does not accept the credentials".to_owned(),
        _ if message.is_empty() => code
            .canonical_reason()
            .unwrap_or("no reason given")
            .to_owned(),
        _ => message,
    };
    // The server calls it an internal error when an applied object does not fit its schema.
    let misfit = message.starts_with("failed to create typed patch object");
    let kind = if misfit {
        Kind::Rejected
    } else {
        kind_of(code)
    };
    CallError {
        reason: Some(status.reason).filter(|reason| !reason.is_empty()),
        causes: details.causes,
        retry_after: Some(Duration::from_secs(details.retry_after_seconds))
            .filter(|wait| !wait.is_zero()),
        hint,
        ..CallError::new(kind, server, message)
    }
}

fn kind_of(code: StatusCode) -> Kind {
    match code.as_u16() {
        401 => Kind::Unauthorized,
        403 => Kind::Denied,
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        429 => Kind::Throttled,
        500.. => Kind::Unavailable,
        400.. => Kind::Rejected,
        _ => Kind::Protocol,
    }
}

/// Words an answer that is not a `Status`: a short text of the API server, or a page of something before it.
fn from_foreign(server: &Arc<str>, code: StatusCode, body: &[u8]) -> CallError {
    let page = body.trim_ascii_start().starts_with(b"<");
    let words = excerpt(body);
    match code.as_u16() {
        404 if !page => CallError::new(
            Kind::NotFound,
            server,
            "the server has nothing at this path".to_owned(),
        ),
        401 if !page => CallError::new(
            Kind::Unauthorized,
            server,
            "the server does not accept the credentials".into(),
        ),
        429 | 500.. => CallError::new(kind_of(code), server, words),
        _ => CallError::new(
            Kind::Protocol,
            server,
            format!("not an answer of Kubernetes: {words}"),
        )
        .hint(IN_BETWEEN),
    }
}

/// Returns the beginning of a foreign body, fit to be shown.
fn excerpt(body: &[u8]) -> String {
    let start = String::from_utf8_lossy(&body[..body.len().min(4 * EXCERPT)]);
    let line = redact(&plain(&start), &[]);
    if line.is_empty() {
        "an empty body".to_owned()
    } else {
        shorten(line, EXCERPT)
    }
}

fn shorten(line: String, limit: usize) -> String {
    match line.char_indices().nth(limit) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

/// Names the right that is missing, out of `User "x" cannot get resource "models" in API group "kubeai.org" ...`.
fn rbac_hint(message: &str) -> Option<String> {
    let user = between(message, "User \"", "\"")?;
    if let Some(path) = between(message, " cannot get path \"", "\"") {
        return Some(format!(
            "grant `{user}` the verb `get` on the URL `{path}` with a ClusterRole"
        ));
    }
    let verb = between(message, "\" cannot ", " resource ")?;
    let resource = between(message, " resource \"", "\"")?;
    let resource = match between(message, " in API group \"", "\"").unwrap_or_default() {
        "" => resource.to_owned(),
        group => format!("{resource}.{group}"),
    };
    Some(match between(message, " in the namespace \"", "\"") {
        Some(namespace) => {
            format!("grant `{user}` the verb `{verb}` on `{resource}` in namespace `{namespace}`")
        }
        None => format!("grant `{user}` the verb `{verb}` on `{resource}` with a ClusterRole"),
    })
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?
        .1
        .split_once(after)
        .map(|(found, _)| found)
}

/// Returns an error and all that is underneath. `io::Error` hides what it wraps from `source()`.
fn levels<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let mut levels = vec![error];
    while let Some(&level) = levels.last() {
        let wrapped = level
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        match wrapped
            .map(|inner| inner as &(dyn Error + 'static))
            .or_else(|| level.source())
        {
            Some(inner) => levels.push(inner),
            None => break,
        }
    }
    levels
}

/// Words the levels, without those that only repeat or announce another one.
fn words(levels: &[&(dyn Error + 'static)]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for level in levels {
        // rustls adds links to its manual, and all names of a certificate that has the wrong ones.
        let level = level.to_string();
        let level = shorten(
            plain(level.split(": https://docs.rs").next().unwrap_or_default()),
            CAUSE,
        );
        if !words.iter().any(|above| above.contains(&level)) {
            words.retain(|above| !level.contains(above.as_str()));
            words.push(level);
        }
    }
    words
}

fn from_levels(server: &Arc<str>, levels: &[&(dyn Error + 'static)], sent: bool) -> CallError {
    let says = |start: &str| {
        levels
            .iter()
            .any(|level| level.to_string().starts_with(start))
    };
    let unreachable = |message: String| CallError::new(Kind::Unreachable, server, message);
    // Before all others: what is underneath is then about the proxy, not about the server.
    if says("tunnel error") || says("SOCKS error") {
        return unreachable(format!("no way to {server}"))
            .hint("check the proxy: HTTPS_PROXY and NO_PROXY, or `proxy-url` of the kubeconfig");
    }
    if let Some(tls) = levels
        .iter()
        .find_map(|level| level.downcast_ref::<rustls::Error>())
    {
        return from_tls(server, tls);
    }
    if says("dns error") {
        return unreachable(format!("the name of {server} is not known here"))
            .hint("check the VPN: the name of a private cluster is known in its own network only");
    }
    use io::ErrorKind as Io;
    let io = levels
        .iter()
        .rev()
        .find_map(|level| level.downcast_ref::<io::Error>())
        .map(io::Error::kind);
    match io {
        Some(Io::ConnectionRefused) => unreachable(format!("{server} refuses connections")).hint(
            "check that the cluster is running, and that its `server` in the kubeconfig is right",
        ),
        Some(Io::TimedOut) if !sent => {
            let error = CallError::new(
                Kind::Timeout,
                server,
                format!("no connection to {server} in time"),
            );
            error.hint("check that this network reaches the server (VPN, authorised networks)")
        }
        Some(Io::NetworkUnreachable | Io::HostUnreachable) => {
            unreachable(format!("there is no way to {server} from here"))
                .hint("check the network and the VPN")
        }
        _ if sent => {
            let error = unreachable(format!(
                "the connection to {server} broke before the answer was complete"
            ));
            CallError {
                again: Again::IfRepeatable,
                ..error
            }
        }
        _ => CallError {
            again: Again::Yes,
            ..unreachable(format!("no connection to {server}"))
        },
    }
}

fn from_tls(server: &Arc<str>, error: &rustls::Error) -> CallError {
    let unreachable = |message: String| CallError::new(Kind::Unreachable, server, message);
    match error {
        // An own certificate as `certificate-authority-data` satisfies Go, but not rustls. The way out is the
        // issuer's certificate, never to switch the check off.
        // A CA that was made anew under its old name gives a bad signature: the one that is known here did not sign.
        rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => unreachable(format!(
            "the certificate of {server} is not signed by an authority that is known here"
        ))
        .hint(
            "ask for the certificate of the CA that issued it: mcai needs that one in \
                 `certificate-authority-data`, where kubectl also takes the server's own",
        ),
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => unreachable(format!("the certificate of {server} has expired"))
            .hint("check this machine's clock, then have the certificate renewed"),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => unreachable(format!("the certificate of {server} is for another name"))
            .hint("use a name of the certificate as `server`, or set `tls-server-name`"),
        rustls::Error::InvalidCertificate(_) => {
            unreachable(format!("the certificate of {server} is not good"))
        }
        rustls::Error::InvalidMessage(_) => unreachable(format!("{server} does not speak TLS"))
            .hint("check host and port of the `server`, and whether it should be `http://`"),
        rustls::Error::AlertReceived(_) => CallError::new(
            Kind::Unauthorized,
            server,
            format!("{server} ends the TLS handshake"),
        )
        .hint("fetch the credentials again: the client certificate may have expired"),
        _ => unreachable(format!("no TLS connection to {server}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Arc<str> {
        Arc::from("10.0.0.1:6443")
    }

    fn answer(code: u16, body: &str) -> CallError {
        CallError::answer(
            &server(),
            StatusCode::from_u16(code).unwrap(),
            None,
            body.as_bytes(),
        )
    }

    #[test]
    fn a_forbidden_call_names_the_right_to_grant() {
        let error = answer(
            403,
            r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"models.kubeai.org \"llama-3-8b\" is forbidden: User \"dev@example.com\" cannot patch resource \"models\" in API group \"kubeai.org\" in the namespace \"kubeai\"","reason":"Forbidden","details":{"name":"llama-3-8b","group":"kubeai.org","kind":"models"},"code":403}"#,
        );
        assert_eq!(error.reason.as_deref(), Some("Forbidden"));
        let problem = error.problem("cannot preview models");
        assert_eq!(
            (problem.kind, problem.summary.as_str()),
            (Kind::Denied, "cannot preview models")
        );
        assert!(
            problem.detail.starts_with(
                "403 from 10.0.0.1:6443: models.kubeai.org \"llama-3-8b\" is forbidden"
            )
        );
        assert_eq!(
            problem.hints,
            [
                "grant `dev@example.com` the verb `patch` on `models.kubeai.org` in namespace `kubeai`"
            ]
        );
        assert_eq!(
            rbac_hint(
                "nodes is forbidden: User \"a\" cannot list resource \"nodes\" in API group \"\" at the cluster scope"
            ),
            Some("grant `a` the verb `list` on `nodes` with a ClusterRole".to_owned())
        );
        assert_eq!(
            rbac_hint("forbidden: User \"a\" cannot get path \"/readyz\""),
            Some("grant `a` the verb `get` on the URL `/readyz` with a ClusterRole".to_owned())
        );
    }

    #[test]
    fn conflicts_name_field_and_manager() {
        let error = answer(
            409,
            r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Apply failed with 1 conflict: conflict with \"kubeai-manager\" using kubeai.org/v1: .spec.replicas","reason":"Conflict","details":{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"kubeai-manager\" using kubeai.org/v1","field":".spec.replicas"}]},"code":409}"#,
        );
        let conflict = FieldConflict {
            field: ".spec.replicas".into(),
            manager: "kubeai-manager".into(),
        };
        assert_eq!(error.field_conflicts(), [conflict]);
        let problem = error.problem("cannot apply");
        assert_eq!(problem.kind, Kind::Conflict);
        assert!(
            problem.hints[0].contains("--force-conflicts"),
            "{problem:?}"
        );
        let stale = answer(
            409,
            r#"{"kind":"Status","message":"the object has been modified","reason":"Conflict"}"#,
        );
        assert!(stale.field_conflicts().is_empty());
        assert!(stale.hint.unwrap().contains("run the command again"));
        let exists = answer(
            409,
            r#"{"kind":"Status","message":"secrets \"r1\" already exists","reason":"AlreadyExists"}"#,
        );
        assert_eq!(
            (exists.reason.as_deref(), exists.hint),
            (Some("AlreadyExists"), None)
        );
    }

    #[test]
    fn a_rejected_object_names_each_field() {
        let error = answer(
            422,
            r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Model.kubeai.org \"m\" is invalid: [spec.url: Invalid value: bad, spec.x: Required value]","reason":"Invalid","details":{"name":"m","group":"kubeai.org","kind":"Model","causes":[{"reason":"FieldValueInvalid","message":"Invalid value: bad","field":"spec.url"},{"reason":"FieldValueRequired","message":"must be there","field":"spec.y"}]},"code":422}"#,
        );
        assert_eq!(error.causes[0].field, "spec.url");
        let problem = error.problem("cannot preview models");
        assert_eq!(problem.kind, Kind::Rejected);
        // The first one is in the message already.
        assert_eq!(problem.causes, ["spec.y: must be there"]);
    }

    #[test]
    fn an_object_that_does_not_fit_is_no_failure_of_the_server() {
        let body = r#"{"kind":"Status","message":"failed to create typed patch object (/a; /v1, Kind=ConfigMap): .dat: field not declared in schema","code":500}"#;
        assert_eq!(answer(500, body).kind, Kind::Rejected);
    }

    #[test]
    fn tells_a_missing_api_from_a_missing_object() {
        assert!(answer(404, "404 page not found\n").is_missing_api());
        let generic = r#"{"kind":"Status","message":"the server could not find the requested resource","reason":"NotFound"}"#;
        assert!(answer(404, generic).is_missing_api());
        let object = answer(
            404,
            r#"{"kind":"Status","message":"namespaces \"nope\" not found","reason":"NotFound"}"#,
        );
        assert!(!object.is_missing_api());
        assert_eq!(
            object.problem("cannot read").detail,
            "404 from 10.0.0.1:6443: namespaces \"nope\" not found"
        );
    }

    #[test]
    fn words_the_other_codes() {
        let unauthorized = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"Unauthorized","reason":"Unauthorized","code":401}"#;
        let page = "<html>\n<head><title>Sign in</title>";
        let cases = [
            (
                401,
                unauthorized,
                Kind::Unauthorized,
                "the server does not accept the credentials",
            ),
            (
                500,
                "[+]ping ok\n[-]etcd failed: x\nreadyz check failed",
                Kind::Unavailable,
                "[+]ping ok [-]etcd failed: x readyz check failed",
            ),
            (503, "", Kind::Unavailable, "an empty body"),
            (
                403,
                page,
                Kind::Protocol,
                "not an answer of Kubernetes: <html> <head><title>Sign in</title>",
            ),
            (
                302,
                "",
                Kind::Protocol,
                "not an answer of Kubernetes: an empty body",
            ),
            (
                418,
                r#"{"teapot":true}"#,
                Kind::Protocol,
                "not an answer of Kubernetes: {\"teapot\":true}",
            ),
        ];
        for (code, body, kind, message) in cases {
            let error = answer(code, body);
            assert_eq!(
                (error.kind, error.message.as_str()),
                (kind, message),
                "{code}"
            );
        }
        let busy = r#"{"kind":"Status","message":"slow down","reason":"TooManyRequests","details":{"retryAfterSeconds":3}}"#;
        let error = answer(429, busy);
        assert_eq!(
            (error.again, error.retry_after),
            (Again::Yes, Some(Duration::from_secs(3)))
        );
        let late = error.too_late(Duration::from_secs(3));
        assert_eq!(
            late.message,
            "slow down; it asks to come back after 3 s, when the time for this is over"
        );
    }

    #[test]
    fn foreign_bodies_are_cut_and_cleaned() {
        let error = CallError::not_json(
            &server(),
            200,
            format!("\x1b[31m\0{}", "no json ".repeat(1000)).as_bytes(),
        );
        assert!(
            error.message.chars().count() < 120 && error.message.ends_with("..."),
            "{}",
            error.message
        );
        assert!(!error.message.contains('\u{1b}') && !error.message.contains('\0'));
        let secret = CallError::not_json(&server(), 200, b"token Abcdefghij0123456789abcdefghij");
        assert_eq!(secret.message, "not an answer of Kubernetes: token ***");
    }

    #[derive(Debug, thiserror::Error)]
    #[error("client error (Connect)")]
    struct Outer(#[source] io::Error);

    #[test]
    fn walks_to_the_true_cause() {
        let tls = |error| {
            Outer(io::Error::other(io::Error::new(
                io::ErrorKind::InvalidData,
                rustls::Error::InvalidCertificate(error),
            )))
        };
        let unknown =
            CallError::connection(&server(), &tls(CertificateError::UnknownIssuer), false);
        assert_eq!(
            unknown.chain,
            [
                "client error (Connect)",
                "invalid peer certificate: UnknownIssuer"
            ]
        );
        let problem = unknown.problem("cannot read the cluster");
        assert!(
            problem.hints[0].contains("the CA that issued it")
                && !problem.hints[0].contains("insecure"),
            "{problem:?}"
        );
        let expired = CallError::connection(&server(), &tls(CertificateError::Expired), false);
        assert_eq!(
            (expired.again, expired.message.as_str()),
            (Again::No, "the certificate of 10.0.0.1:6443 has expired")
        );
        let refused = CallError::connection(
            &server(),
            &Outer(io::ErrorKind::ConnectionRefused.into()),
            false,
        );
        assert_eq!(
            (refused.kind, refused.again),
            (Kind::Unreachable, Again::No)
        );
        assert_eq!(refused.message, "10.0.0.1:6443 refuses connections");
        #[derive(Debug, thiserror::Error)]
        #[error("tunnel error: failed to create underlying connection")]
        struct Proxied(#[source] Outer);
        let proxy = CallError::connection(
            &server(),
            &Proxied(Outer(io::ErrorKind::ConnectionRefused.into())),
            false,
        );
        assert_eq!(proxy.message, "no way to 10.0.0.1:6443");
        let reset = CallError::connection(
            &server(),
            &Outer(io::ErrorKind::ConnectionReset.into()),
            true,
        );
        assert_eq!(
            (reset.kind, reset.again),
            (Kind::Unreachable, Again::IfRepeatable)
        );
        assert_eq!(
            CallError::timeout(&server(), Duration::from_secs(10)).message,
            "no answer from 10.0.0.1:6443 within 10 s"
        );
    }

    #[test]
    fn missing_credentials_keep_their_own_words() {
        let problem = Problem::error(Kind::Credentials, "cannot get credentials")
            .detail("the credential plugin `aws` ended with exit code 255")
            .cause("token expired")
            .hint("log in again");
        let got = CallError::no_credentials(&server(), problem).problem("cannot read the cluster");
        assert_eq!(
            (got.kind, got.summary.as_str()),
            (Kind::Credentials, "cannot read the cluster")
        );
        assert_eq!(
            got.detail,
            "the credential plugin `aws` ended with exit code 255"
        );
        assert_eq!((got.causes.len(), got.hints.len()), (1, 1));
    }
}
