//! Ways to a cluster with something on them: proxies, client certificates, HTTP/1.1, credentials that end.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::{Fleet, in_order, model};
use crate::support::{
    Access, Authority, Fault, Front, Http2, Identity, Proxy, Run, Tunnel, kubeconfig,
};

/// User and password of a proxy: as in its URL, and as the proxy gets them.
const LOGIN: (&str, &str) = ("me:p%40ssw0rd", "bWU6cEBzc3cwcmQ=");

fn fleet() -> Fleet {
    let fleet = Fleet::new(1);
    fleet.manifest(&model("llama", ", minReplicas: 0"));
    fleet
}

impl Fleet {
    fn access(&self) -> Access {
        self.kubeai[0].cluster.access()
    }

    fn proxy(&self, front: &Front) -> Proxy {
        Proxy::with(&self.kubeai[0].cluster, front)
    }

    /// Writes the kubeconfig, with more about the cluster and with this user, unless it is null.
    fn reach(&self, access: Access, cluster: Value, user: Value) {
        let mut config: Value = serde_json::from_str(&kubeconfig(&[("c1", access)])).unwrap();
        for (key, value) in cluster.as_object().into_iter().flatten() {
            config["clusters"][0]["cluster"][key] = value.clone();
        }
        if !user.is_null() {
            config["users"][0]["user"] = user;
        }
        self.write(".kube/config", &config.to_string());
    }

    /// Writes the kubeconfig with the server by another name; returns its new name and port.
    fn reach_as(&self, name: &str) -> String {
        let server = self.access().server.replace("127.0.0.1", name);
        let cluster = json!({"server": server, "tls-server-name": "localhost"});
        self.reach(self.access(), cluster, Value::Null);
        server.replace("https://", "")
    }

    /// Writes a file below the home.
    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.sandbox.home().join(path), text).unwrap();
    }

    /// A user whose plugin gives these answers one after the other; asked once more, it fails.
    fn plugin(&self, answers: &[Value]) -> Value {
        let version = "client.authentication.k8s.io/v1";
        for (i, status) in answers.iter().enumerate() {
            let answer = json!({"apiVersion": version, "kind": "ExecCredential", "status": status});
            self.write(&format!("answer-{}", i + 1), &answer.to_string());
        }
        self.write("runs", "");
        let script = "cd; echo x >> runs; cat answer-$(($(wc -l < runs)))";
        json!({"exec": {"apiVersion": version, "command": "sh", "args": ["-c", script], "interactiveMode": "Never"}})
    }

    fn runs_of_the_plugin(&self) -> usize {
        let runs = std::fs::read_to_string(self.sandbox.home().join("runs")).unwrap();
        runs.lines().count()
    }

    #[track_caller]
    fn plan_works(&self) -> Run {
        let run = self.run(&["plan"]);
        in_order(&run.code(0).stdout, &["Plan: 1 to create on 1 cluster\n"]);
        hides_the_login(&run);
        run
    }

    #[track_caller]
    fn plan_fails(&self, words: &[&str]) -> Run {
        let run = self.run(&["plan", "--cluster-timeout", "4s"]);
        in_order(&run.code(7).stderr, &["(cluster `aws-us-east-1`)\n"]);
        in_order(&run.stderr, words);
        hides_the_login(&run);
        run
    }
}

#[track_caller]
fn hides_the_login(run: &Run) {
    let shown = format!("{}{}", run.stdout, run.stderr);
    assert!(
        !shown.contains("ssw0rd") && !shown.contains(LOGIN.1),
        "{shown}"
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn the_proxy_of_the_environment_finds_servers_by_its_own_names() {
    let mut fleet = fleet();
    let proxy = Tunnel::answering("200 OK");
    let url = format!("http://{}@{}", LOGIN.0, proxy.address);
    fleet.sandbox.env("HTTPS_PROXY", &url);
    let server = fleet.reach_as("cluster.test");
    fleet.plan_works();
    let run = fleet.run(&["plan", "-o", "json", "--out", "saved"]);
    hides_the_login(run.code(0));
    assert!(!fleet.sandbox.read("saved").contains("ssw0rd"));
    let requests = proxy.requests();
    assert_eq!(requests.len(), 2, "one connection for each run");
    let login = format!("\r\nProxy-Authorization: Basic {}\r\n", LOGIN.1);
    in_order(&requests[0], &[&format!("CONNECT {server} "), &login]);
}

/// 0.0.0.0 leads to this machine, but is no loopback address by the rules of proxies.
#[test]
#[ignore = "needs the real parts: scripts/test"]
fn no_proxy_leads_past_the_proxy_whatever_empty_items_it_has() {
    let mut fleet = fleet();
    fleet.reach_as("0.0.0.0");
    for (no_proxy, proxied) in [
        (",", 1),
        ("other.test,0.0.0.0:1,", 1),
        ("0.0.0.0", 0),
        (",other.test, 0.0.0.0,", 0),
        ("*", 0),
    ] {
        let proxy = Tunnel::answering("200 OK");
        let url = format!("{}@{}", LOGIN.0, proxy.address);
        fleet.sandbox.env("HTTPS_PROXY", &url);
        fleet.sandbox.env("NO_PROXY", no_proxy);
        fleet.plan_works();
        assert_eq!(proxy.requests().len(), proxied, "NO_PROXY={no_proxy}");
    }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn the_proxy_of_a_kubeconfig_holds_even_on_this_machine_and_despite_no_proxy() {
    let mut fleet = fleet();
    let (own, other) = (Tunnel::answering("200 OK"), Tunnel::answering("200 OK"));
    let url = format!("http://{}", other.address);
    fleet.sandbox.env("HTTPS_PROXY", &url).env("NO_PROXY", "*");
    fleet.plan_works();
    let url = format!("http://{}@{}", LOGIN.0, own.address);
    fleet.reach(fleet.access(), json!({"proxy-url": url}), Value::Null);
    fleet.plan_works();
    assert_eq!((own.requests().len(), other.requests().len()), (1, 0));
    in_order(&own.requests()[0], &["CONNECT 127.0.0.1:", LOGIN.1]);
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_proxy_that_refuses_is_named_without_its_password() {
    let mut fleet = fleet();
    let server = fleet.reach_as("cluster.test");
    for (answer, cause) in [
        ("403 Forbidden", "unsuccessful"),
        ("407 Authenticate", "proxy authorization required"),
        ("", "refused"),
    ] {
        let proxy = Tunnel::answering(answer);
        let url = format!("http://{}@{}", LOGIN.0, proxy.address);
        let way = format!("no way to {server} through http://{}\n", proxy.address);
        if answer.is_empty() {
            drop(proxy);
        }
        fleet.sandbox.env("HTTPS_PROXY", &url);
        fleet.plan_fails(&[&way, cause, "hint: check the proxy: HTTPS_PROXY"]);
    }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_proxy_whose_password_is_not_encoded_is_refused_without_showing_it() {
    let mut fleet = fleet();
    fleet.reach_as("cluster.test");
    for password in ["2468/x", "2468#x", "2468?x"] {
        let url = format!("http://me:{password}@proxy.test:3128");
        fleet.sandbox.env("HTTPS_PROXY", &url);
        let run = fleet.plan_fails(&["HTTPS_PROXY", "hint: write special characters"]);
        assert!(!run.stderr.contains("2468"), "{}", run.stderr);
    }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn client_certificates_of_kubeconfigs_and_plugins_open_the_server() {
    let fleet = fleet();
    let authority = Authority::new("clients");
    let proxy = fleet.proxy(&Front {
        clients: Some(authority.certificate.clone()),
        ..Front::default()
    });
    let (old, new) = (authority.issue(), authority.issue());
    fleet.write(".kube/old.crt", &old.certificate);
    fleet.write(".kube/old.key", &old.key);
    let files = json!({"client-certificate": "old.crt", "client-key": "old.key"});
    let encode = |pem: &String| BASE64.encode(pem);
    let data = |of: &Identity| json!({"client-certificate-data": encode(&of.certificate), "client-key-data": encode(&of.key)});
    let answer =
        |of: &Identity| json!({"clientCertificateData": of.certificate, "clientKeyData": of.key});
    for user in [data(&old), files, fleet.plugin(&[answer(&old)])] {
        fleet.reach(proxy.access(), json!({}), user);
        fleet.plan_works();
    }
    // A new certificate needs a new connection.
    let user = fleet.plugin(&[answer(&old), answer(&new)]);
    fleet.reach(proxy.access(), json!({}), user);
    proxy.set(Fault::unauthorized().after(3).times(1));
    fleet.plan_works();
    assert_eq!(fleet.runs_of_the_plugin(), 2);

    for user in [json!({}), data(&Authority::new("others").issue())] {
        fleet.reach(proxy.access(), json!({}), user);
        let hint = "hint: fetch the credentials again: the client certificate";
        fleet.plan_fails(&["ends the TLS handshake", hint]);
    }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn servers_without_http2_are_deployed_to_even_if_they_claim_to_have_it() {
    for http2 in [Http2::NotOffered, Http2::Claimed] {
        let fleet = fleet();
        let proxy = fleet.proxy(&Front {
            http2,
            ..Front::default()
        });
        fleet.reach(proxy.access(), json!({}), Value::Null);
        let run = fleet.run(&["deploy", "--yes"]);
        in_order(&run.code(0).stdout, &["1 cluster changed, 0 failed"]);
        assert!(fleet.kubeai[0].model("llama").is_some());
    }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_token_file_lies_beside_the_kubeconfig_and_is_named_if_it_is_missing() {
    let fleet = fleet();
    fleet.reach(fleet.access(), json!({}), json!({"tokenFile": "token"}));
    fleet.plan_fails(&["`tokenFile` of context `c1` is `[HOME]/.kube/token`"]);
    fleet.write(".kube/token", &format!("{}\n", fleet.access().token));
    fleet.plan_works();
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn credentials_that_end_during_a_wait_are_replaced_without_a_word() {
    let anything = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]);
    for source in ["file", "plugin"] {
        let fleet = fleet();
        fleet.manifest(&model("llama", ", minReplicas: 1, args: [--test-slow=8s]"));
        let proxy = fleet.proxy(&Front::default());
        let (old, new) = (fleet.kubeai[0].user(&anything).token, fleet.access().token);
        let user = match source {
            "file" => json!({"tokenFile": "token"}),
            _ => fleet.plugin(&[json!({"token": old}), json!({"token": new})]),
        };
        fleet.write(".kube/token", &old);
        fleet.reach(proxy.access(), json!({}), user);
        let running = fleet.sandbox.spawn(&["deploy", "--yes"]);
        running.prints("llama: starting");
        fleet.write(".kube/token", &new);
        proxy.set(Fault::unauthorized().after(2).times(1));
        let run = running.wait();
        in_order(&run.code(0).stderr, &["llama: ready 1/1"]);
        assert!(!run.stderr.contains("401"), "{}", run.stderr);
        assert!(source == "file" || fleet.runs_of_the_plugin() == 2);
    }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_plugin_whose_answer_is_over_or_refused_runs_once_more() {
    let fleet = fleet();
    let proxy = fleet.proxy(&Front::default());
    let requests = |user: Value| {
        fleet.reach(proxy.access(), json!({}), user);
        let before = proxy.requests().len();
        fleet.plan_works();
        proxy.requests().len() - before
    };
    let usual = requests(Value::Null);
    let (good, wrong) = (
        json!({"token": fleet.access().token}),
        json!({"token": "wrong"}),
    );
    let expired = |answer: &Value| json!({"token": answer["token"], "expirationTimestamp": "2020-01-01T00:00:00Z"});

    // What has expired is not even sent.
    let user = fleet.plugin(&[expired(&wrong), good.clone()]);
    assert_eq!((requests(user), fleet.runs_of_the_plugin()), (usual, 2));
    // By a wrong clock everything has expired: the server decides.
    let user = fleet.plugin(&[expired(&good), expired(&good)]);
    assert_eq!((requests(user), fleet.runs_of_the_plugin()), (usual, 2));
    // All parallel requests are refused, and share one run.
    let user = fleet.plugin(&[wrong, good]);
    assert!(requests(user) > usual);
    assert_eq!(fleet.runs_of_the_plugin(), 2);
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn an_unknown_issuer_of_the_server_is_reported_with_the_secure_way_out() {
    let fleet = fleet();
    let server = Authority::new("kubernetes").issue();
    let proxy = fleet.proxy(&Front {
        identity: Some(server.clone()),
        ..Front::default()
    });
    let other = Authority::new("other").certificate;
    // kubeadm, EKS and minikube name every cluster's authority the same: so does a cluster that was made anew.
    let namesake = Authority::new("kubernetes").certificate;
    for ca in [other, server.certificate, namesake] {
        let cluster = json!({"certificate-authority-data": BASE64.encode(ca)});
        fleet.reach(proxy.access(), cluster, Value::Null);
        let run = fleet.plan_fails(&[
            "is not signed by an authority that is known here",
            "hint: ask for the certificate of the CA that issued it",
        ]);
        assert!(!run.stderr.contains("insecure"), "{}", run.stderr);
    }
}
