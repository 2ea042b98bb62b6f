//! Credential plugins of a kubeconfig (`users[].user.exec`), run by mcai itself.
//!
//! kube would run one three times, block the runtime meanwhile, let its stderr into ours and print the
//! environment of the kubeconfig when it fails. Here a plugin runs once for all clusters that ask the same, with
//! its own time limit, and neither that environment nor a token is ever shown. Main types: [`Runner`], [`Plugin`].

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::config::{ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::kubeconfig::Context;
use crate::diagnostic::{Kind, Problem};
use crate::process::{self, Command, Output, ProcessError};

/// Own clock of a plugin: it talks to another server than the cluster, and may have to start a Python.
const PLUGIN_LIMIT: Duration = Duration::from_secs(20);
/// A credential counts as expired so long before its time, for the requests that are on their way.
const EXPIRY_MARGIN: SignedDuration = SignedDuration::from_secs(30);
/// How much of a failed plugin's stderr is shown.
const STDERR_LINES: usize = 5;

const SUPPORTED: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

/// What a plugin or a token file gave.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    pub(super) token: Option<String>,
    /// Certificate and key, as PEM.
    pub(super) certificate: Option<(String, String)>,
    pub(super) expires: Option<Timestamp>,
    /// Tells one answer of a plugin from the next one.
    serial: u64,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

impl Credential {
    pub(super) fn token(token: String, expires: Option<Timestamp>) -> Self {
        Credential {
            token: Some(token),
            certificate: None,
            expires,
            serial: 0,
        }
    }

    /// Tells whether a server would see no difference.
    pub(super) fn is_same_as(&self, other: &Credential) -> bool {
        (&self.token, &self.certificate) == (&other.token, &other.certificate)
    }

    /// Tells whether it will still be good when a request with it arrives.
    pub(super) fn is_current(&self) -> bool {
        self.expires
            .is_none_or(|expires| Timestamp::now() + EXPIRY_MARGIN < expires)
    }
}

/// A plugin as one context asks for it.
#[derive(Clone)]
pub struct Plugin {
    command: Command,
    api_version: String,
    install_hint: Option<String>,
    /// Values of the kubeconfig's own environment for the plugin.
    secrets: Vec<String>,
    context: String,
}

/// Without arguments and secrets.
impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("command", &self.command)
            .finish_non_exhaustive()
    }
}

impl Plugin {
    /// Returns the plugin of a context, unless the context needs none.
    pub(super) fn of(context: &Context) -> Result<Option<Plugin>, Problem> {
        // client-go too prefers a token that is already there.
        if context.user.token.is_some() || context.user.token_file.is_some() {
            return Ok(None);
        }
        context
            .user
            .exec
            .as_ref()
            .map(|exec| Plugin::new(exec, context))
            .transpose()
    }

    fn new(exec: &ExecConfig, context: &Context) -> Result<Plugin, Problem> {
        let unusable = |detail: String| {
            Problem::error(Kind::Credentials, "cannot use the credential plugin").detail(detail)
        };
        let name = &context.name;
        let Some(program) = exec.command.clone().filter(|command| !command.is_empty()) else {
            return Err(unusable(format!(
                "`exec` of context `{name}` has no `command`"
            )));
        };
        let api_version = exec.api_version.clone().unwrap_or_default();
        if !SUPPORTED.contains(&api_version.as_str()) {
            let detail = format!(
                "`exec.apiVersion` of context `{name}` is `{api_version}`, which kubectl has dropped"
            );
            return Err(unusable(detail).hint(renew_hint(&program)));
        }
        if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
            return Err(unusable(format!(
                "`{}` of context `{name}` has to ask on a terminal",
                base_name(&program)
            ))
            .hint(
                "use a plugin that logs in without questions, or `interactiveMode: IfAvailable`",
            ));
        }
        let mut env = environment(exec);
        let secrets = env.values().cloned().collect();
        env.insert(
            "KUBERNETES_EXEC_INFO".to_owned(),
            exec_info(exec, &api_version, context)?,
        );
        let args = exec.args.clone().unwrap_or_default();
        let command = Command {
            program,
            args,
            env,
            limit: PLUGIN_LIMIT,
        };
        Ok(Plugin {
            command,
            api_version,
            install_hint: exec.install_hint.clone(),
            secrets,
            context: name.clone(),
        })
    }

    fn name(&self) -> &str {
        base_name(&self.command.program)
    }

    async fn run(&self, serial: u64) -> Result<Credential, Problem> {
        let started = Instant::now();
        let output = process::run(&self.command).await;
        let millis = started.elapsed().as_millis() as u64;
        tracing::info!(plugin = self.name(), millis, "ran a credential plugin");
        let output = output.map_err(|error| self.did_not_run(&error))?;
        if !output.status.success() {
            return Err(self.failed(&output));
        }
        let credential = parse(&output.stdout, &self.api_version).map_err(|detail| {
            self.with_stderr(
                self.problem(format!("the answer of `{}` {detail}", self.name())),
                &output.stderr,
            )
        })?;
        Ok(Credential {
            serial,
            ..credential
        })
    }

    fn problem(&self, detail: String) -> Problem {
        Problem::error(Kind::Credentials, "cannot get credentials").detail(detail)
    }

    fn did_not_run(&self, error: &ProcessError) -> Problem {
        let name = self.name();
        match error {
            ProcessError::NotFound => {
                let problem =
                    self.problem(format!("the credential plugin `{name}` is not installed"));
                let hint = self
                    .install_hint
                    .as_deref()
                    .map(process::plain)
                    .filter(|hint| !hint.is_empty());
                problem.hint_if(hint.or_else(|| install_hint(name).map(str::to_owned)))
            }
            ProcessError::Timeout(limit) => {
                let seconds = limit.as_secs();
                let problem = self.problem(format!(
                    "the credential plugin `{name}` gave no answer within {seconds} s"
                ));
                problem.hint(self.login_hint())
            }
            ProcessError::TooMuch | ProcessError::Io(_) => self
                .problem(format!("cannot run the credential plugin `{name}`"))
                .cause(error.to_string()),
        }
    }

    fn failed(&self, output: &Output) -> Problem {
        let end = match output.status.code() {
            Some(code) => format!("exit code {code}"),
            None => "a signal".to_owned(),
        };
        let problem = self.problem(format!(
            "the credential plugin `{}` ended with {end}",
            self.name()
        ));
        self.with_stderr(problem, &output.stderr)
            .hint(self.login_hint())
    }

    /// Adds the last lines of stderr, without what they may have taken from environment or answer.
    fn with_stderr(&self, problem: Problem, stderr: &str) -> Problem {
        let secrets: Vec<&str> = self.secrets.iter().map(String::as_str).collect();
        let lines: Vec<String> = stderr
            .lines()
            .map(process::plain)
            .filter(|line| !line.is_empty())
            .collect();
        let last = &lines[lines.len().saturating_sub(STDERR_LINES)..];
        last.iter().fold(problem, |problem, line| {
            problem.cause(process::redact(line, &secrets))
        })
    }

    /// Returns the one thing that most likely helps, for the plugins that are known.
    fn login_hint(&self) -> String {
        let args = &self.command.args;
        let says = |word: &str| args.iter().any(|arg| arg == word);
        let value = |flag: &str| args.iter().skip_while(|arg| *arg != flag).nth(1);
        match self.name() {
            "aws" | "aws-iam-authenticator" => match value("--profile") {
                Some(profile) => format!(
                    "log in again: `aws sso login --profile {profile}`, or renew its access keys"
                ),
                None => "log in again: `aws sso login`, or renew the access keys".to_owned(),
            },
            "gke-gcloud-auth-plugin" => "log in again: `gcloud auth login`".to_owned(),
            "kubelogin" if says("get-token") && !says("--oidc-issuer-url") => {
                match value("--login").map(String::as_str) {
                    None | Some("devicecode" | "interactive") => {
                        "run `kubelogin convert-kubeconfig -l azurecli`, then `az login`".to_owned()
                    }
                    _ => "log in again: `az login`".to_owned(),
                }
            }
            "doctl" => "log in again: `doctl auth init`".to_owned(),
            "oci" => "log in again: `oci session authenticate`".to_owned(),
            // Also `kubectl oidc-login`: it opens a browser once and keeps the token.
            _ => format!(
                "run `kubectl --context {} version` once: it calls the same plugin",
                self.context
            ),
        }
    }
}

fn base_name(program: &str) -> &str {
    let name = Path::new(program)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or(program);
    name.strip_suffix(".exe").unwrap_or(name)
}

fn install_hint(name: &str) -> Option<&'static str> {
    match name {
        "aws" => Some("install the AWS CLI, version 2"),
        "aws-iam-authenticator" => {
            Some("run `aws eks update-kubeconfig` again: today's AWS CLI needs no other program")
        }
        "gke-gcloud-auth-plugin" => Some("run `gcloud components install gke-gcloud-auth-plugin`"),
        "kubelogin" => Some("run `az aks install-cli`"),
        _ => None,
    }
}

fn renew_hint(program: &str) -> &'static str {
    match base_name(program) {
        "aws" | "aws-iam-authenticator" => {
            "write the context again with `aws eks update-kubeconfig`"
        }
        "gke-gcloud-auth-plugin" => {
            "write the context again with `gcloud container clusters get-credentials`"
        }
        "kubelogin" => {
            "write the context again with `az aks get-credentials` and `kubelogin convert-kubeconfig`"
        }
        _ => "update the plugin, and let it write the context again",
    }
}

/// The kubeconfig has a list of `{name, value}`.
fn environment(exec: &ExecConfig) -> BTreeMap<String, String> {
    let items = exec.env.iter().flatten();
    items
        .filter_map(|item| Some((item.get("name")?.clone(), item.get("value")?.clone())))
        .collect()
}

fn exec_info(exec: &ExecConfig, api_version: &str, context: &Context) -> Result<String, Problem> {
    let mut spec = json!({ "interactive": false });
    if exec.provide_cluster_info {
        let cluster = ExecAuthCluster::try_from(&context.cluster).map_err(|error| {
            Problem::error(
                Kind::Settings,
                "cannot read the certificate authority of the cluster",
            )
            .detail(format!("context `{}`", context.name))
            .cause(error.to_string())
        })?;
        spec["cluster"] = json!(cluster);
    }
    Ok(json!({ "apiVersion": api_version, "kind": "ExecCredential", "spec": spec }).to_string())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    kind: Option<String>,
    api_version: Option<String>,
    status: Option<ExecStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecStatus {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<String>,
}

/// Reads a plugin's answer. What is wrong is worded without the parser, which would quote the answer.
fn parse(stdout: &[u8], api_version: &str) -> Result<Credential, String> {
    // client-go reads YAML too, and there are plugins that write it.
    let answer: ExecCredential = serde_json::from_slice(stdout)
        .ok()
        .or_else(|| serde_saphyr::from_slice(stdout).ok())
        .filter(|answer: &ExecCredential| answer.kind.as_deref() == Some("ExecCredential"))
        .ok_or("is not an ExecCredential")?;
    if answer.api_version.as_deref() != Some(api_version) {
        let got = answer
            .api_version
            .as_deref()
            .map_or_else(|| "none".to_owned(), process::plain);
        return Err(format!(
            "has the apiVersion `{got}`, the kubeconfig asks for `{api_version}`"
        ));
    }
    let status = answer.status.ok_or("has no `status`")?;
    let given = |value: Option<String>| value.filter(|value| !value.is_empty());
    let certificate = match (
        given(status.client_certificate_data),
        given(status.client_key_data),
    ) {
        (Some(certificate), Some(key)) => Some((certificate, key)),
        (None, None) => None,
        _ => {
            return Err(
                "has a client certificate without key, or a key without certificate".to_owned(),
            );
        }
    };
    let token = given(status.token);
    if token.is_none() && certificate.is_none() {
        return Err("has neither a token nor a client certificate".to_owned());
    }
    let expires = given(status.expiration_timestamp)
        .map(|time| {
            time.parse::<Timestamp>()
                .map_err(|_| "has an `expirationTimestamp` that is not a time")
        })
        .transpose()?;
    Ok(Credential {
        token,
        certificate,
        expires,
        serial: 0,
    })
}

/// The last answer of a plugin, and when it came.
type Slot = Arc<tokio::sync::Mutex<Option<(Instant, Result<Credential, Problem>)>>>;

/// Runs the plugins of all clusters: a few at a time, and each question once.
pub struct Runner {
    running: Semaphore,
    answers: Mutex<HashMap<Command, Slot>>,
    serial: AtomicU64,
}

impl Default for Runner {
    /// As many at a time as there are cores, at least 4: the plugins are Python and Go programs that work hard
    /// for a short while, and then wait for the network.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Runner {
            running: Semaphore::new(cores.max(4)),
            answers: Mutex::default(),
            serial: AtomicU64::new(1),
        }
    }
}

impl Runner {
    pub fn new() -> Arc<Self> {
        Arc::new(Runner::default())
    }

    /// Returns the credential for a plugin. One that the server has refused is given as `refused`: then only a
    /// later answer will do.
    pub(super) async fn credential(
        &self,
        plugin: &Plugin,
        refused: Option<&Credential>,
    ) -> Result<Credential, Problem> {
        let asked = Instant::now();
        let slot = self.slot(&plugin.command);
        let mut last = slot.lock().await;
        match &*last {
            Some((_, Ok(known)))
                if known.is_current() && refused.is_none_or(|r| r.serial != known.serial) =>
            {
                return Ok(known.clone());
            }
            // It failed while this caller waited for the same: no second try, or twenty clusters wait in a row.
            Some((at, Err(problem))) if *at > asked => return Err(problem.clone()),
            _ => {}
        }
        let Ok(_permit) = self.running.acquire().await else {
            return Err(Problem::error(
                Kind::Internal,
                "the plugin runner is closed",
            ));
        };
        let answer = plugin
            .run(self.serial.fetch_add(1, Ordering::Relaxed))
            .await;
        *last = Some((Instant::now(), answer.clone()));
        answer
    }

    fn slot(&self, command: &Command) -> Slot {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.entry(command.clone()).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::kube::kubeconfig::{Kubeconfig, Locations};

    /// A context whose plugin is a shell script. The script is run by `sh`, not by itself: a file that another
    /// thread's child still has open for writing can't be executed.
    fn plugin(script: &str, more: &str) -> (tempfile::TempDir, Plugin) {
        let home = tempfile::tempdir().unwrap();
        let (program, file) = (home.path().join("plugin.sh"), home.path().join("config"));
        std::fs::write(&program, script).unwrap();
        let config = format!(
            "clusters: [{{ name: c, cluster: {{ server: 'https://c:6443', certificate-authority-data: aGVsbG8= }} }}]
contexts: [{{ name: ctx, context: {{ cluster: c, user: u }} }}]
users:
- name: u
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: sh
      args: [{}]
      env: [{{ name: PASS, value: hunter22 }}]
      {more}
",
            program.display()
        );
        std::fs::write(&file, config).unwrap();
        let kubeconfig = Kubeconfig::new(Locations {
            explicit: Some(file),
            ..Locations::default()
        });
        let plugin = Plugin::of(&kubeconfig.context("ctx").unwrap())
            .unwrap()
            .unwrap();
        (home, plugin)
    }

    /// Answers with a token, and counts its runs in the file `runs` beside it.
    const COUNTING: &str = r#"
echo run >> "$(dirname "$0")/runs"
sleep 0.1
echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t-'$PASS'"}}'
"#;

    fn runs(home: &tempfile::TempDir) -> usize {
        std::fs::read_to_string(home.path().join("runs"))
            .unwrap()
            .lines()
            .count()
    }

    #[tokio::test]
    async fn one_run_serves_all_who_ask_the_same() {
        let (home, plugin) = plugin(COUNTING, "");
        let runner = Runner::new();
        let asks = (0..6).map(|_| runner.credential(&plugin, None));
        let answers = futures::future::try_join_all(asks).await.unwrap();
        assert_eq!(answers[0].token.as_deref(), Some("t-hunter22"));
        assert_eq!(runs(&home), 1);
        let again = (0..3).map(|_| runner.credential(&plugin, Some(&answers[0])));
        let fresh = futures::future::try_join_all(again).await.unwrap();
        assert_ne!(fresh[0].serial, answers[0].serial);
        assert_eq!(runs(&home), 2);
    }

    #[tokio::test]
    async fn tells_the_plugin_about_the_cluster() {
        let script = r#"test -n "$KUBERNETES_EXEC_INFO" && echo "$KUBERNETES_EXEC_INFO" > "$(dirname "$0")/info"; exit 1"#;
        let (home, plugin) = plugin(script, "provideClusterInfo: true");
        Runner::new().credential(&plugin, None).await.unwrap_err();
        let info: serde_json::Value =
            serde_json::from_slice(&std::fs::read(home.path().join("info")).unwrap()).unwrap();
        assert_eq!(info["spec"]["interactive"], false);
        assert_eq!(info["spec"]["cluster"]["server"], "https://c:6443");
        assert_eq!(
            info["spec"]["cluster"]["certificate-authority-data"],
            "aGVsbG8K"
        );
    }

    #[tokio::test]
    async fn a_failure_shows_the_end_of_stderr_without_secrets() {
        let script = "for i in 1 2 3 4; do echo \"line $i\" >&2; done
echo \"password $PASS is wrong\" >&2; printf '\\033[31mtoken Abcdefghij0123456789abcdef\\033[0m\\n' >&2; exit 7";
        let (_home, plugin) = plugin(script, "installHint: get it");
        let runner = Runner::new();
        let (one, two) = tokio::join!(
            runner.credential(&plugin, None),
            runner.credential(&plugin, None)
        );
        let problem = one.unwrap_err();
        assert_eq!(two.unwrap_err(), problem);
        assert_eq!(problem.kind, Kind::Credentials);
        assert_eq!(
            problem.detail,
            "the credential plugin `sh` ended with exit code 7"
        );
        assert_eq!(
            problem.causes,
            [
                "line 2",
                "line 3",
                "line 4",
                "password *** is wrong",
                "token ***"
            ]
        );
        assert_eq!(
            problem.hints,
            ["run `kubectl --context ctx version` once: it calls the same plugin"]
        );
        assert!(!format!("{problem:?} {plugin:?}").contains("hunter22"));
    }

    #[tokio::test]
    async fn a_missing_program_shows_the_install_hint() {
        let (_home, plugin) = plugin("", "installHint: |\n        brew install\n        it");
        let missing = Plugin {
            command: Command {
                program: "/none/such".into(),
                ..plugin.command.clone()
            },
            ..plugin
        };
        let problem = Runner::new().credential(&missing, None).await.unwrap_err();
        assert_eq!(
            problem.detail,
            "the credential plugin `such` is not installed"
        );
        assert_eq!(problem.hints, ["brew install it"]);
    }

    #[tokio::test]
    async fn a_hanging_plugin_is_stopped() {
        let (_home, plugin) = plugin("exec sleep 30", "");
        let limit = Duration::from_millis(50);
        let slow = Plugin {
            command: Command {
                limit,
                ..plugin.command.clone()
            },
            ..plugin
        };
        let problem = Runner::new().credential(&slow, None).await.unwrap_err();
        assert!(
            problem.detail.contains("gave no answer within"),
            "{problem:?}"
        );
    }

    #[test]
    fn reads_answers() {
        let v1 = SUPPORTED[0];
        let answer = |status: &str| {
            let text =
                format!(r#"{{"kind":"ExecCredential","apiVersion":"{v1}","status":{status}}}"#);
            parse(text.as_bytes(), v1)
        };
        let token =
            answer(r#"{"token":"t","expirationTimestamp":"2030-01-01T00:00:00Z"}"#).unwrap();
        assert!(token.is_current());
        assert!(
            !answer(r#"{"token":"t","expirationTimestamp":"2020-01-01T00:00:00Z"}"#)
                .unwrap()
                .is_current()
        );
        let pair = answer(r#"{"clientCertificateData":"c","clientKeyData":"k"}"#).unwrap();
        assert_eq!(pair.certificate, Some(("c".to_owned(), "k".to_owned())));
        let yaml = format!("kind: ExecCredential\napiVersion: {v1}\nstatus: {{ token: t }}\n");
        assert_eq!(
            parse(yaml.as_bytes(), v1).unwrap().token.as_deref(),
            Some("t")
        );
        for (status, words) in [
            ("null", "has no `status`"),
            ("{}", "has neither a token nor a client certificate"),
            (
                r#"{"clientKeyData":"k"}"#,
                "has a client certificate without key, or a key without certificate",
            ),
            (
                r#"{"token":"t","expirationTimestamp":"soon"}"#,
                "has an `expirationTimestamp` that is not a time",
            ),
            (r#"{"token":["t"]}"#, "is not an ExecCredential"),
        ] {
            assert_eq!(answer(status).unwrap_err(), words);
        }
        let other = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1","status":{}}"#;
        assert!(
            parse(other.as_bytes(), v1)
                .unwrap_err()
                .contains("has the apiVersion")
        );
        assert_eq!(
            parse(b"token=hunter22", v1).unwrap_err(),
            "is not an ExecCredential"
        );
    }

    #[test]
    fn knows_what_helps_with_the_usual_plugins() {
        let (_home, plugin) = plugin("", "");
        let hint = |program: &str, args: &[&str]| {
            let args = args.iter().map(|arg| (*arg).to_owned()).collect();
            let command = Command {
                program: program.into(),
                args,
                ..plugin.command.clone()
            };
            Plugin {
                command,
                ..plugin.clone()
            }
            .login_hint()
        };
        for (program, args, words) in [
            (
                "/usr/bin/aws",
                &["--profile", "prod", "eks", "get-token"][..],
                "`aws sso login --profile prod`",
            ),
            ("aws", &["eks", "get-token"], "`aws sso login`"),
            ("gke-gcloud-auth-plugin", &[], "`gcloud auth login`"),
            (
                "kubelogin",
                &["get-token", "--login", "azurecli"],
                "log in again: `az login`",
            ),
            (
                "kubelogin",
                &["get-token"],
                "convert-kubeconfig -l azurecli",
            ),
            (
                "kubectl",
                &["oidc-login", "get-token"],
                "`kubectl --context ctx version`",
            ),
        ] {
            assert!(
                hint(program, args).contains(words),
                "{program}: {}",
                hint(program, args)
            );
        }
    }
}
