//! Which proxy leads to an API server, by the rules of kubectl (Go's `ProxyFromEnvironment`).
//!
//! kube's own choice is not used: it compares NO_PROXY with the proxy's URL instead of the server's. The login
//! in a proxy URL is sent to the proxy and shown to nobody. Main types: [`Environment`], [`Proxy`].

use std::fmt;
use std::net::IpAddr;

use http::{HeaderValue, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

use crate::diagnostic::{Kind, Problem};

/// The variables that decide about proxies, each with its name for messages.
#[derive(Clone, Default)]
pub struct Environment {
    https: Option<(&'static str, String)>,
    http: Option<(&'static str, String)>,
    no: String,
}

impl Environment {
    /// Picks the variables; an empty one counts as not set.
    pub fn new(variable: impl Fn(&str) -> Option<String>) -> Self {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| {
                Some((
                    *name,
                    variable(name).filter(|value| !value.trim().is_empty())?,
                ))
            })
        };
        Environment {
            https: first(&["HTTPS_PROXY", "https_proxy"]),
            http: first(&["HTTP_PROXY", "http_proxy"]),
            no: first(&["NO_PROXY", "no_proxy"])
                .map(|(_, list)| list)
                .unwrap_or_default(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http,
    /// HTTP CONNECT inside TLS to the proxy.
    Https,
    /// Names are resolved by the proxy, as Go does.
    Socks5,
}

/// A proxy to go through.
#[derive(Clone)]
pub struct Proxy {
    pub protocol: Protocol,
    /// Where to connect to: scheme, host and port, without login.
    pub address: Uri,
    login: Intercept,
}

impl Proxy {
    /// Returns the header for the CONNECT request.
    pub fn basic_auth(&self) -> Option<HeaderValue> {
        self.login.basic_auth().cloned()
    }

    /// Returns user and password for the SOCKS handshake.
    pub fn user_and_password(&self) -> Option<(String, String)> {
        self.login
            .raw_auth()
            .map(|(user, password)| (user.to_owned(), password.to_owned()))
    }
}

/// `http://proxy:3128`, without login.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.protocol {
            Protocol::Http => "http",
            Protocol::Https => "https",
            Protocol::Socks5 => "socks5",
        };
        write!(
            f,
            "{scheme}://{}",
            self.address
                .authority()
                .map_or("", |authority| authority.as_str())
        )
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// Returns the proxy for a server: the kubeconfig's `proxy-url`, else what the environment says.
pub fn choose(
    server: &Uri,
    proxy_url: Option<&str>,
    environment: &Environment,
) -> Result<Option<Proxy>, Problem> {
    // As in client-go, NO_PROXY has no say about `proxy-url`.
    if let Some(url) = proxy_url.filter(|url| !url.is_empty()) {
        return parse("`proxy-url` of the kubeconfig", url).map(Some);
    }
    let variable = if server.scheme_str() == Some("http") {
        &environment.http
    } else {
        &environment.https
    };
    let Some((name, url)) = variable else {
        return Ok(None);
    };
    if is_bypassed(server, &environment.no) {
        return Ok(None);
    }
    parse(&format!("the variable {name}"), url).map(Some)
}

fn parse(origin: &str, url: &str) -> Result<Proxy, Problem> {
    let problem = || Problem::error(Kind::Settings, "cannot use the proxy");
    let url = url.trim();
    let (scheme, protocol, default_port) = match url
        .split_once("://")
        .map(|(scheme, _)| scheme.to_lowercase())
    {
        None => ("http", Protocol::Http, 80),
        Some(scheme) => match scheme.as_str() {
            "http" => ("http", Protocol::Http, 80),
            "https" => ("https", Protocol::Https, 443),
            // The connector only looks at host and port.
            "socks5" | "socks5h" => ("http", Protocol::Socks5, 1080),
            other => {
                return Err(problem().detail(format!(
                    "{origin} has the scheme `{other}`; http, https and socks5 are supported"
                )));
            }
        },
    };
    // The value itself stays unsaid: it may hold a password.
    let unusable = || {
        problem()
            .detail(format!(
                "{origin} is not a proxy URL such as http://proxy.example.com:3128"
            ))
            .hint("write special characters of user and password as %XX")
    };
    // An unencoded `/`, `?` or `#` in a password ends the host early: what would be taken for the host is the login.
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host_end = after_scheme
        .find(['/', '?', '#'])
        .unwrap_or(after_scheme.len());
    let host_and_port = after_scheme[..host_end]
        .rsplit('@')
        .next()
        .unwrap_or_default();
    let port = host_and_port
        .rsplit_once(':')
        .map(|(_, port)| port)
        .filter(|port| !port.ends_with(']'));
    if after_scheme[host_end..].contains('@')
        || port.is_some_and(|port| port.parse::<u16>().is_err())
    {
        return Err(unusable());
    }
    let login = Matcher::builder()
        .all(url)
        .build()
        .intercept(&Uri::from_static("https://any"))
        .ok_or_else(unusable)?;
    let host = login
        .uri()
        .host()
        .filter(|host| !host.is_empty())
        .ok_or_else(unusable)?;
    let port = login.uri().port_u16().unwrap_or(default_port);
    let address = format!("{scheme}://{host}:{port}/")
        .parse()
        .map_err(|_| unusable())?;
    Ok(Proxy {
        protocol,
        address,
        login,
    })
}

/// Tells whether the environment's proxy is not for this server. hyper-util's matcher knows domains and
/// networks; ports, `*` for addresses, `*.` and loopback are added here, as in Go.
fn is_bypassed(server: &Uri, no_proxy: &str) -> bool {
    let host = server
        .host()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_lowercase();
    if host == "localhost"
        || host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
    {
        return true;
    }
    let port = server
        .port_u16()
        .unwrap_or(if server.scheme_str() == Some("http") {
            80
        } else {
            443
        });
    let items: Vec<String> = no_proxy
        .split(',')
        .filter_map(|item| rule_for(item, &host, port))
        .collect();
    let matcher = Matcher::builder()
        .all("http://any")
        .no(items.join(","))
        .build();
    items.iter().any(|item| item == "*") || matcher.intercept(server).is_none()
}

/// Returns an item of NO_PROXY in the matcher's spelling, unless it is empty or for another port.
fn rule_for(item: &str, host: &str, port: u16) -> Option<String> {
    let item = item.trim().to_lowercase();
    let (name, wanted) = split_port(&item);
    if name.is_empty() || wanted.is_some_and(|wanted| wanted != port) {
        return None;
    }
    let name = name
        .strip_prefix("*.")
        .map_or_else(|| name.to_owned(), |domain| format!(".{domain}"));
    // To Go `.example.com` is every name below example.com, but not that name; the matcher takes both.
    (name.strip_prefix('.') != Some(host)).then_some(name)
}

fn split_port(item: &str) -> (&str, Option<u16>) {
    if let Some((address, rest)) = item.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (
            address,
            rest.strip_prefix(':').and_then(|port| port.parse().ok()),
        );
    }
    match item.split_once(':') {
        // A second colon makes it a bare IPv6 address.
        Some((name, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (item, None),
        },
        _ => (item, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose_with(server: &str, variables: &[(&str, &str)]) -> String {
        let environment = Environment::new(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        });
        match choose(&server.parse().unwrap(), None, &environment) {
            Ok(Some(proxy)) => proxy.to_string(),
            Ok(None) => "direct".to_owned(),
            Err(problem) => problem.detail,
        }
    }

    #[test]
    fn picks_the_variable_by_scheme() {
        let both = [("HTTPS_PROXY", "http://s:1"), ("HTTP_PROXY", "http://p:2")];
        assert_eq!(choose_with("https://k8s.example.com", &both), "http://s:1");
        assert_eq!(choose_with("http://k8s.example.com", &both), "http://p:2");
        let socks = [("HTTPS_PROXY", "socks5://a")];
        assert_eq!(
            choose_with("https://k8s.example.com", &socks),
            "socks5://a:1080"
        );
        // Neither Go nor kubectl knows it.
        let all = [("ALL_PROXY", "socks5://a")];
        assert_eq!(choose_with("https://k8s.example.com", &all), "direct");
        let port = [("HTTPS_PROXY", "http://a:99999")];
        assert!(choose_with("https://k8s.example.com", &port).contains("is not a proxy URL"));
        assert_eq!(
            choose_with("https://k8s.example.com", &[("https_proxy", "s:3128")]),
            "http://s:3128"
        );
        assert_eq!(
            choose_with("https://k8s.example.com", &[("HTTPS_PROXY", "https://s")]),
            "https://s:443"
        );
        assert_eq!(
            choose_with(
                "https://k8s.example.com",
                &[("HTTPS_PROXY", ""), ("HTTP_PROXY", "p")]
            ),
            "direct"
        );
    }

    #[test]
    fn no_proxy_follows_go() {
        let cases = [
            ("https://api.example.com:6443", "", false),
            ("https://api.example.com:6443", "example.com", true),
            ("https://api.example.com:6443", ".example.com", true),
            ("https://api.example.com:6443", "*.example.com", true),
            ("https://api.example.com:6443", "API.Example.Com", true),
            ("https://example.com", ".example.com", false),
            ("https://notexample.com", "example.com", false),
            ("https://api.example.com:6443", "api.example.com:6443", true),
            ("https://api.example.com:6443", "api.example.com:443", false),
            ("https://api.example.com", "api.example.com:443", true),
            (
                "https://api.example.com:6443",
                ",, other.com , api.example.com,",
                true,
            ),
            ("https://api.example.com:6443", ",", false),
            ("https://api.example.com:6443", "*", true),
            ("https://10.1.2.3:6443", "*", true),
            ("https://10.1.2.3:6443", "10.0.0.0/8", true),
            ("https://10.1.2.3:6443", "10.1.2.3", true),
            ("https://10.1.2.3:6443", "10.1.2.3:6443", true),
            ("https://10.1.2.3:6443", "10.1.2.3:1", false),
            ("https://11.1.2.3:6443", "10.0.0.0/8", false),
            ("https://[fd00::1]:6443", "fd00::/8", true),
            ("https://[fd00::1]:6443", "[fd00::1]:6443", true),
            ("https://localhost:6443", "", true),
            ("https://127.8.8.8:6443", "", true),
            ("https://[::1]:6443", "", true),
        ];
        for (server, list, direct) in cases {
            let chosen = choose_with(
                server,
                &[("HTTPS_PROXY", "http://proxy:3128"), ("NO_PROXY", list)],
            );
            assert_eq!(chosen == "direct", direct, "{server} with NO_PROXY={list}");
        }
    }

    #[test]
    fn the_kubeconfig_has_the_last_word() {
        let environment = Environment::new(|name| (name == "NO_PROXY").then(|| "*".to_owned()));
        let server = Uri::from_static("https://127.0.0.1:6443");
        let proxy = choose(&server, Some("socks5://bastion:9000"), &environment)
            .unwrap()
            .unwrap();
        assert_eq!(
            (proxy.protocol, proxy.to_string()),
            (Protocol::Socks5, "socks5://bastion:9000".to_owned())
        );
    }

    #[test]
    fn logins_are_decoded_and_hidden() {
        let server = Uri::from_static("https://k8s.example.com");
        let proxy = choose(
            &server,
            Some("http://me:p%40ss@proxy:3128"),
            &Environment::default(),
        )
        .unwrap()
        .unwrap();
        assert_eq!(proxy.basic_auth().unwrap(), "Basic bWU6cEBzcw==");
        assert_eq!(format!("{proxy:?}"), "Proxy(http://proxy:3128)");
        let socks = choose(
            &server,
            Some("socks5://me:p%40ss@proxy"),
            &Environment::default(),
        )
        .unwrap()
        .unwrap();
        assert_eq!(
            socks.user_and_password(),
            Some(("me".to_owned(), "p@ss".to_owned()))
        );
        let wrong = choose(
            &server,
            Some("http://me:pa ss#1@proxy"),
            &Environment::default(),
        )
        .unwrap_err();
        assert!(!format!("{wrong:?}").contains("pa ss"), "{wrong:?}");
        assert_eq!(
            choose_with("https://x", &[("HTTPS_PROXY", "ftp://me:secret@proxy")]),
            "the variable HTTPS_PROXY has the scheme `ftp`; http, https and socks5 are supported"
        );
    }
}
