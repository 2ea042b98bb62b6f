//! Every fault of the proxy as a client sees it, which is `curl`: neither our client nor our server judges itself.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Access, Cluster, Fault, Proxy};

const PATH: &str = "/api/v1/namespaces";

/// The status code and body, or curl's exit code: 7 refused, 18 and 92 cut short, 28 timed out, 56 reset.
pub(crate) fn curl(access: &Access, path: &str, flags: &[&str]) -> (String, String) {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--max-time",
            "2",
            "--write-out",
            "\n%{http_code}",
        ])
        .arg("--cacert")
        .arg(&access.ca)
        .args([
            "--header",
            &format!("Authorization: Bearer {}", access.token),
        ])
        .args(flags)
        .arg(format!("{}{path}", access.server))
        .output()
        .expect("curl is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, code) = text.rsplit_once('\n').expect("a line with the code");
    let code = match output.status.code() {
        Some(0) => code.into(),
        // A reset while it still writes is 55: a matter of microseconds.
        Some(55) => "curl 56".into(),
        other => format!("curl {}", other.unwrap_or(-1)),
    };
    (code, body.into())
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn each_is_what_it_says() {
    let proxy = Proxy::in_front_of(&Cluster::number(1));
    for version in ["--http1.1", "--http2"] {
        let ask = || curl(&proxy.access(), PATH, &[version]);
        let answers = |fault: Fault| {
            proxy.set(fault);
            [ask().0, ask().0, ask().0].join(" ")
        };

        assert_eq!(answers(Fault::pass()), "200 200 200");
        assert_eq!(answers(Fault::refuse()), "curl 7 curl 7 curl 7");
        assert_eq!(answers(Fault::hang().times(1)), "curl 28 200 200");
        assert_eq!(answers(Fault::hang().after(2)), "200 200 curl 28");
        assert_eq!(answers(Fault::too_many_requests(1).times(2)), "429 429 200");
        assert_eq!(answers(Fault::unavailable()), "503 503 503");
        assert_eq!(answers(Fault::unauthorized().after(1)), "200 401 401");
        assert_eq!(
            answers(Fault::forbidden().on("GET /api/v1/nodes")),
            "200 200 200"
        );
        assert_eq!(
            answers(Fault::forbidden().on("GET /api/v1/name")),
            "403 403 403"
        );
        assert_eq!(answers(Fault::reset()), "curl 56 curl 56 curl 56");
        let cut = if version == "--http2" {
            "curl 92"
        } else {
            "curl 18"
        };
        assert_eq!(answers(Fault::cut().times(1)), format!("{cut} 200 200"));

        proxy.set(Fault::cut());
        let half = ask().1;
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&half);
        assert!(half.contains("NamespaceList") && parsed.is_err(), "{half}");
        proxy.set(Fault::html());
        assert!(ask().1.starts_with("<html>"));
        proxy.set(Fault::binary());
        assert!(ask().1.starts_with('\0'));
        proxy.set(Fault::huge(3 << 20));
        assert_eq!(ask().1.len(), 3 << 20);
        let start = Instant::now();
        proxy.set(Fault::delay(Duration::from_millis(300)));
        assert_eq!(ask().0, "200");
        assert!(start.elapsed() > Duration::from_millis(300));
    }
    assert_eq!(proxy.requests().last().unwrap(), &format!("GET {PATH}"));
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_hanging_server_does_not_even_set_up_tls() {
    let proxy = Proxy::in_front_of(&Cluster::number(2));
    proxy.set(Fault::hang());
    assert_eq!(curl(&proxy.access(), PATH, &[]).0, "curl 28");
    assert!(proxy.requests().is_empty());
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn retry_after_is_a_header() {
    let proxy = Proxy::in_front_of(&Cluster::number(3));
    proxy.set(Fault::too_many_requests(7));
    let (_, answer) = curl(&proxy.access(), PATH, &["--include"]);
    assert!(answer.to_lowercase().contains("retry-after: 7"), "{answer}");
}
