//! HTTP to public feeds: one client with proxies, time limits, a body limit and few tries. Clusters are reached by
//! `target::kube`, which has other needs. Main types: [`Client`], [`Body`].

#[cfg(test)]
pub(crate) mod loopback;

use std::time::Duration;

use jiff::civil::Date;
use reqwest::{NoProxy, Proxy, StatusCode, Url, header};

use crate::diagnostic::{Kind, Problem};
use crate::host::Host;

/// Time to connect, and the longest silence while an answer comes.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const SILENCE_LIMIT: Duration = Duration::from_secs(30);
/// A feed that throttles is asked again after 1, 2, 4 and 8 seconds, or when it says.
const TRIES: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// A feed that asks for more patience than this has failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

pub struct Client {
    inner: reqwest::Client,
    first_pause: Duration,
}

impl Client {
    /// Makes a client; nothing is connected yet.
    pub fn new(host: &Host) -> Result<Self, Problem> {
        let first = |names: [&str; 2]| names.into_iter().find_map(|name| host.var(name));
        let direct = first(["NO_PROXY", "no_proxy"]).and_then(NoProxy::from_string);
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("mcai/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_LIMIT)
            .read_timeout(SILENCE_LIMIT)
            // It would tell the next server the address that leads there, with its key.
            .referer(false)
            // Only what `Host` says counts.
            .no_proxy();
        for (names, is_https) in [
            (["HTTPS_PROXY", "https_proxy"], true),
            (["HTTP_PROXY", "http_proxy"], false),
        ] {
            let make = |url| match is_https {
                true => Proxy::https(url),
                false => Proxy::http(url),
            };
            if let Some(url) = first(names) {
                let proxy = make(url).map_err(|_| {
                    // The address is not repeated: it may hold a password.
                    Problem::error(Kind::Settings, "cannot use the proxy").detail(format!(
                        "the variable {} is no address of a proxy",
                        names[0]
                    ))
                })?;
                builder = builder.proxy(proxy.no_proxy(direct.clone()));
            }
        }
        let inner = builder
            .build()
            .map_err(|error| Problem::error(Kind::Internal, "cannot set up HTTP").chain(&error))?;
        Ok(Client {
            inner,
            first_pause: FIRST_PAUSE,
        })
    }

    /// Asks for an address, again when the server is busy or the connection breaks; the answer is a success.
    pub async fn get(&self, url: &str) -> Result<Body, Problem> {
        let mut pause = self.first_pause;
        for last in (0..TRIES).map(|try_| try_ + 1 == TRIES) {
            let wait = match self.inner.get(url).send().await {
                Ok(answer) if answer.status().is_success() => {
                    return Ok(Body {
                        url: shown(url),
                        inner: answer,
                    });
                }
                Ok(answer) => match retry_after(&answer, pause).filter(|_| !last) {
                    Some(wait) => wait,
                    None => return Err(refused(url, answer).await),
                },
                Err(error) if last || !(error.is_connect() || error.is_request()) => {
                    return Err(unreachable(url, &error));
                }
                Err(_) => pause,
            };
            tracing::info!(url = shown(url), wait_ms = wait.as_millis(), "asks again");
            tokio::time::sleep(wait).await;
            pause *= 2;
        }
        Err(Problem::error(Kind::Internal, "no try was made"))
    }

    /// Asks for an address and reads the whole answer, of at most `limit` bytes.
    pub async fn bytes(&self, url: &str, limit: usize) -> Result<Vec<u8>, Problem> {
        self.get(url).await?.whole(limit).await
    }

    /// Asks for a JSON document of at most `limit` bytes.
    pub async fn json<T: serde::de::DeserializeOwned>(
        &self,
        url: &str,
        limit: usize,
    ) -> Result<T, Problem> {
        let bytes = self.bytes(url, limit).await?;
        serde_json::from_slice(&bytes).map_err(|error| not_as_expected(url, &error))
    }
}

/// An answer that comes in pieces.
pub struct Body {
    url: String,
    inner: reqwest::Response,
}

impl Body {
    /// Returns the next piece, or nothing at the end; an answer that breaks off is a problem.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        let chunk = self.inner.chunk().await;
        chunk
            .map(|chunk| chunk.map(Vec::from))
            .map_err(|error| unreachable(&self.url, &error))
    }

    /// Returns the day on which the document changed last, where the server says so.
    pub fn modified(&self) -> Option<Date> {
        let header = self.inner.headers().get(header::LAST_MODIFIED)?;
        let time = jiff::fmt::rfc2822::parse(header.to_str().ok()?).ok()?;
        Some(time.date())
    }

    /// Reads all of it, of at most `limit` bytes.
    pub async fn whole(mut self, limit: usize) -> Result<Vec<u8>, Problem> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk().await? {
            if bytes.len() + chunk.len() > limit {
                let most = limit / 1024 / 1024;
                return Err(Problem::error(Kind::Protocol, "the answer is too large")
                    .detail(format!("`{}` has more than {most} MiB", self.url)));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    }
}

/// Returns an address with the parameters of a query.
pub fn with_query(address: &str, query: &[(&str, &str)]) -> Result<String, Problem> {
    let url = Url::parse_with_params(address, query);
    url.map(String::from).map_err(|error| {
        Problem::error(Kind::Settings, "not an address")
            .detail(format!("`{address}`"))
            .chain(&error)
    })
}

/// Returns the problem of an answer that is not what the feed used to send.
pub fn not_as_expected(url: &str, error: &(dyn std::error::Error + 'static)) -> Problem {
    Problem::error(Kind::Protocol, "the answer is not as expected")
        .detail(format!("`{}`", shown(url)))
        .chain(error)
}

/// How long to wait before the next try, if there should be one.
fn retry_after(answer: &reqwest::Response, pause: Duration) -> Option<Duration> {
    let is_busy = answer.status() == StatusCode::TOO_MANY_REQUESTS
        || matches!(answer.status().as_u16(), 500 | 502 | 503 | 504);
    if !is_busy {
        return None;
    }
    let said = answer.headers().get(header::RETRY_AFTER);
    let said = said.and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let wait = said.map_or(pause, Duration::from_secs);
    (wait <= LONGEST_PAUSE).then_some(wait)
}

/// An address without what may be a key.
fn shown(url: &str) -> String {
    url.split_once('?')
        .map_or_else(|| url.to_owned(), |(address, _)| format!("{address}?..."))
}

async fn refused(url: &str, answer: reqwest::Response) -> Problem {
    let status = answer.status();
    let kind = match status {
        StatusCode::TOO_MANY_REQUESTS => Kind::Throttled,
        StatusCode::UNAUTHORIZED => Kind::Unauthorized,
        StatusCode::FORBIDDEN => Kind::Denied,
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::BAD_REQUEST => Kind::Rejected,
        status if status.is_server_error() => Kind::Unavailable,
        _ => Kind::Protocol,
    };
    Problem::error(kind, "the server refuses").detail(format!("{status} from `{}`", shown(url)))
}

fn unreachable(url: &str, error: &reqwest::Error) -> Problem {
    let (kind, summary) = match error {
        error if error.is_timeout() => (Kind::Timeout, "no answer in time"),
        error if error.is_body() || error.is_decode() => (Kind::Protocol, "the answer breaks off"),
        _ => (Kind::Unreachable, "cannot reach the server"),
    };
    let problem = Problem::error(kind, summary).detail(format!("`{}`", shown(url)));
    // reqwest's own words repeat the address, with its key.
    match std::error::Error::source(error) {
        Some(cause) => problem.chain(cause),
        None => problem,
    }
}

#[cfg(test)]
impl Client {
    /// Returns a client that does not wait long between tries.
    pub(crate) fn impatient() -> Self {
        let inner = reqwest::Client::builder().no_proxy().build();
        Client {
            inner: inner.expect("a client without TLS files"),
            first_pause: Duration::from_millis(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::loopback::{Answer, Server};
    use super::*;

    fn get(server: &Server) -> Result<Vec<u8>, Problem> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let url = format!("{}/feed?key=hidden", server.url);
        runtime.block_on(Client::impatient().bytes(&url, 100))
    }

    #[test]
    fn a_busy_server_is_asked_again() {
        let calls = AtomicUsize::new(0);
        let server = Server::start(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
            0 => Answer::status(429, ""),
            1 => Answer::status(503, ""),
            _ => Answer::ok("prices"),
        });
        assert_eq!(get(&server).unwrap(), b"prices");
        assert_eq!(server.seen().len(), 3);
    }

    #[test]
    fn queries_are_encoded() {
        let url = with_query(
            "https://prices.test/list",
            &[("key", "a/b+c"), ("q", "it's d")],
        );
        assert_eq!(
            url.unwrap(),
            "https://prices.test/list?key=a%2Fb%2Bc&q=it%27s+d"
        );
        let problem = with_query("prices.test", &[("key", "hidden")]).unwrap_err();
        assert_eq!(problem.detail, "`prices.test`");
        assert!(!format!("{problem:?}").contains("hidden"), "{problem:?}");
    }

    #[test]
    fn one_that_stays_busy_has_failed() {
        let server = Server::start(|_| Answer::status(429, ""));
        let problem = get(&server).unwrap_err();
        assert_eq!(problem.kind, Kind::Throttled);
        assert_eq!(server.seen().len(), TRIES as usize);
        assert!(!format!("{problem:?}").contains("hidden"), "{problem:?}");
    }

    #[test]
    fn other_refusals_cuts_and_floods_are_final() {
        let cases: [(fn() -> Answer, Kind); 3] = [
            (|| Answer::status(403, "no"), Kind::Denied),
            (
                || Answer {
                    cut: true,
                    ..Answer::ok("0123456789")
                },
                Kind::Protocol,
            ),
            (|| Answer::ok(vec![b'x'; 101]), Kind::Protocol),
        ];
        for (answer, kind) in cases {
            let server = Server::start(move |_| answer());
            let problem = get(&server).unwrap_err();
            assert_eq!(
                (problem.kind, server.seen().len()),
                (kind, 1),
                "{problem:?}"
            );
        }
    }
}
