//! The user's kubeconfig: which files, merged as kubectl merges them, and one context out of it.
//!
//! It is read when the first context is asked for, once per run. It must never show what a kubeconfig holds
//! besides names: not even a syntax error may quote the line. Main types: [`Kubeconfig`], [`Context`].

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use http::Uri;
use kube::config::{AuthInfo, Cluster, Kubeconfig as Document, KubeconfigError};

use crate::diagnostic::{Kind, Problem};
use crate::text;

/// Where a kubeconfig may be, in order of precedence.
#[derive(Clone, Debug, Default)]
pub struct Locations {
    /// The flag `--kubeconfig`.
    pub explicit: Option<PathBuf>,
    /// The variable `KUBECONFIG`: a list of files.
    pub kubeconfig_env: Option<OsString>,
    pub home: Option<PathBuf>,
}

impl Locations {
    /// Returns the files to read. Only one that was named by the flag has to be there.
    fn files(&self) -> Vec<PathBuf> {
        if let Some(file) = &self.explicit {
            return vec![file.clone()];
        }
        if let Some(list) = self.kubeconfig_env.as_ref().filter(|list| !list.is_empty()) {
            return std::env::split_paths(list)
                .filter(|file| !file.as_os_str().is_empty())
                .collect();
        }
        self.home
            .iter()
            .map(|home| home.join(".kube").join("config"))
            .collect()
    }
}

/// The kubeconfig of a run.
pub struct Kubeconfig {
    locations: Locations,
    loaded: OnceLock<Result<Document, Problem>>,
}

impl Kubeconfig {
    pub fn new(locations: Locations) -> Self {
        Kubeconfig {
            locations,
            loaded: OnceLock::new(),
        }
    }

    /// Returns the names of all contexts, in the order of the files.
    pub fn contexts(&self) -> Result<Vec<String>, Problem> {
        Ok(self
            .document()?
            .contexts
            .iter()
            .map(|context| context.name.clone())
            .collect())
    }

    /// Returns the name that `kubectl config use-context` has set.
    pub fn current(&self) -> Result<Option<String>, Problem> {
        Ok(self
            .document()?
            .current_context
            .clone()
            .filter(|name| !name.is_empty()))
    }

    /// Returns a context with its cluster and its user.
    pub fn context(&self, name: &str) -> Result<Context, Problem> {
        let document = self.document()?;
        let context = document
            .contexts
            .iter()
            .find(|context| context.name == name)
            .and_then(|context| context.context.as_ref())
            .ok_or_else(|| self.unknown_context(name, document))?;
        let cluster = document
            .clusters
            .iter()
            .find(|cluster| cluster.name == context.cluster)
            .and_then(|cluster| cluster.cluster.clone())
            .ok_or_else(|| {
                dangling(
                    name,
                    "cluster",
                    &context.cluster,
                    document.clusters.iter().map(|c| &*c.name),
                )
            })?;
        let user = find_user(document, name, context.user.as_deref().unwrap_or_default())?;
        refuse_auth_provider(name, &user)?;
        let server = server_url(name, &cluster, &user)?;
        Ok(Context {
            name: name.to_owned(),
            namespace: context.namespace.clone(),
            server,
            cluster,
            user,
        })
    }

    fn document(&self) -> Result<&Document, Problem> {
        self.loaded
            .get_or_init(|| load(&self.locations))
            .as_ref()
            .map_err(Problem::clone)
    }

    fn unknown_context(&self, name: &str, document: &Document) -> Problem {
        let files = self.locations.files();
        let shown = text::quoted_list(files.iter().map(|file| file.display().to_string()));
        let detail = match (files.is_empty(), document.contexts.is_empty()) {
            (true, _) => format!("there is no kubeconfig to look for context `{name}` in"),
            (false, true) => format!("no context `{name}`: {shown} holds no contexts"),
            (false, false) => format!("no context `{name}` in {shown}"),
        };
        let problem = Problem::error(Kind::Settings, "unknown kubeconfig context").detail(detail);
        if document.contexts.is_empty() {
            return problem.hint("name the file with `--kubeconfig` or the variable KUBECONFIG");
        }
        problem.suggest_or_list(
            name,
            document
                .contexts
                .iter()
                .map(|context| context.name.as_str()),
        )
    }
}

fn load(locations: &Locations) -> Result<Document, Problem> {
    let must_exist = locations.explicit.is_some();
    let mut merged = Document::default();
    for file in locations.files() {
        if !must_exist && !file.exists() {
            continue;
        }
        // `read_from` also makes certificate, key, token and plugin paths relative to the file's directory.
        merged = Document::read_from(&file)
            .and_then(|document| merged.merge(document))
            .map_err(|error| unreadable(&file, &error))?;
    }
    Ok(merged)
}

fn unreadable(file: &Path, error: &KubeconfigError) -> Problem {
    let problem = Problem::error(Kind::Settings, "cannot read the kubeconfig");
    match error {
        KubeconfigError::ReadConfig(cause, _) => problem
            .detail(format!("`{}`", file.display()))
            .cause(cause.to_string()),
        KubeconfigError::Parse(cause) => {
            let place = cause
                .location()
                .map(|at| format!(":{}:{}", at.line(), at.column()))
                .unwrap_or_default();
            problem
                .detail(format!(
                    "`{}{place}` is not valid kubeconfig YAML",
                    file.display()
                ))
                .cause(without_values(&cause.without_snippet().to_string()))
        }
        other => problem
            .detail(format!("`{}`", file.display()))
            .cause(other.to_string()),
    }
}

/// Cuts the found value out of `invalid type: string "hunter2", expected ...`.
fn without_values(message: &str) -> String {
    let quotes_value = [
        "invalid type",
        "invalid value",
        "cannot parse",
        "unknown variant",
    ];
    let message = message.lines().next().unwrap_or_default();
    match message.split_once(", expected") {
        Some((_, wanted)) if quotes_value.iter().any(|start| message.contains(start)) => {
            format!("expected{wanted}")
        }
        None if quotes_value.iter().any(|start| message.contains(start)) => {
            "a value of another type".to_owned()
        }
        _ => crate::process::redact(message, &[]),
    }
}

fn find_user(document: &Document, context: &str, user: &str) -> Result<AuthInfo, Problem> {
    // Without a user the API server sees an anonymous caller, as with kubectl.
    if user.is_empty() {
        return Ok(AuthInfo::default());
    }
    document
        .auth_infos
        .iter()
        .find(|named| named.name == user)
        .map(|named| named.auth_info.clone().unwrap_or_default())
        .ok_or_else(|| {
            dangling(
                context,
                "user",
                user,
                document.auth_infos.iter().map(|named| &*named.name),
            )
        })
}

fn dangling<'a>(
    context: &str,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
) -> Problem {
    Problem::error(
        Kind::Settings,
        format!("kubeconfig context names an unknown {what}"),
    )
    .detail(format!(
        "context `{context}` names {what} `{name}`, which no kubeconfig defines"
    ))
    .suggest(name, known)
}

/// Refuses what kubectl has dropped since 1.26, with the way out.
fn refuse_auth_provider(context: &str, user: &AuthInfo) -> Result<(), Problem> {
    let Some(provider) = &user.auth_provider else {
        return Ok(());
    };
    let problem = Problem::error(
        Kind::Credentials,
        "kubeconfig user has a retired kind of credentials",
    )
    .detail(format!(
        "the user of context `{context}` has `auth-provider: {}`",
        provider.name
    ));
    Err(match provider.name.as_str() {
        "azure" => problem.hint("run `kubelogin convert-kubeconfig`"),
        "gcp" => problem.hint(
            "install `gke-gcloud-auth-plugin`, then run `gcloud container clusters get-credentials` for the cluster",
        ),
        "oidc" => problem.hint("use the plugin `kubectl oidc-login` instead"),
        _ => problem,
    })
}

fn server_url(context: &str, cluster: &Cluster, user: &AuthInfo) -> Result<Uri, Problem> {
    let problem = || Problem::error(Kind::Settings, "kubeconfig cluster has no usable server");
    let server = cluster
        .server
        .as_deref()
        .unwrap_or_default()
        .trim_end_matches('/');
    if server.is_empty() {
        return Err(problem().detail(format!(
            "the cluster of context `{context}` has no `server`"
        )));
    }
    // kubectl too takes `host:port`, and then goes by whether TLS is configured.
    let secure = cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || user.client_certificate.is_some()
        || user.client_certificate_data.is_some();
    let url = match (server.contains("://"), secure) {
        (true, _) => server.to_owned(),
        (false, true) => format!("https://{server}"),
        (false, false) => format!("http://{server}"),
    };
    url.parse::<Uri>()
        .ok()
        .filter(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|h| !h.is_empty())
        })
        .ok_or_else(|| {
            problem().detail(format!(
                "the `server` of context `{context}` is not a URL: `{server}`"
            ))
        })
}

/// One way to one cluster: the server, and who we are there.
#[derive(Clone)]
pub struct Context {
    pub name: String,
    /// The namespace that kubectl would use; mcai's own comes from the manifest.
    pub namespace: Option<String>,
    pub server: Uri,
    pub(super) cluster: Cluster,
    pub(super) user: AuthInfo,
}

/// Without cluster and user: the environment of a plugin is in there.
impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("name", &self.name)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Context {
    /// Checks that the files that the context names can be read; the first that can't is the problem.
    pub(super) fn check_files(&self) -> Result<(), Problem> {
        let unless = |data: bool, file: &Option<String>| if data { None } else { file.clone() };
        let (cluster, user) = (&self.cluster, &self.user);
        let files = [
            (
                "certificate-authority",
                unless(
                    cluster.certificate_authority_data.is_some(),
                    &cluster.certificate_authority,
                ),
            ),
            (
                "client-certificate",
                unless(
                    user.client_certificate_data.is_some(),
                    &user.client_certificate,
                ),
            ),
            (
                "client-key",
                unless(user.client_key_data.is_some(), &user.client_key),
            ),
            ("tokenFile", unless(user.token.is_some(), &user.token_file)),
        ];
        for (key, file) in files {
            let Some(file) = file else { continue };
            File::open(&file).map_err(|error| {
                Problem::error(
                    Kind::Settings,
                    "cannot read a file that the kubeconfig names",
                )
                .detail(format!("`{key}` of context `{}` is `{file}`", self.name))
                .cause(error.to_string())
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "
apiVersion: v1
kind: Config
current-context: blue
clusters:
- { name: blue, cluster: { server: 'https://blue.example.com:6443/', certificate-authority: ca.crt } }
- { name: bare, cluster: { server: 'bare.example.com:8080' } }
- { name: empty, cluster: {} }
users:
- { name: me, user: { token: first, client-certificate: me.crt, exec: { apiVersion: v1, command: ./plugin } } }
- { name: old, user: { auth-provider: { name: azure } } }
contexts:
- { name: blue, context: { cluster: blue, user: me, namespace: ai } }
- { name: bare, context: { cluster: bare, user: '' } }
- { name: empty, context: { cluster: empty } }
- { name: gone, context: { cluster: bleu, user: me } }
- { name: nobody, context: { cluster: blue, user: mee } }
- { name: retired, context: { cluster: blue, user: old } }
";
    const SECOND: &str = "
current-context: green
clusters: [{ name: blue, cluster: { server: 'https://other' } }, { name: green, cluster: { server: 'https://green' } }]
users: [{ name: me, user: { token: second } }]
contexts: [{ name: blue, context: { cluster: green } }, { name: green, context: { cluster: green, user: me } }]
";

    fn two_files() -> (tempfile::TempDir, Kubeconfig) {
        let home = tempfile::tempdir().unwrap();
        let files = [
            home.path().join("first"),
            home.path().join("missing"),
            home.path().join("second"),
        ];
        std::fs::write(&files[0], FIRST).unwrap();
        std::fs::write(&files[2], SECOND).unwrap();
        let list = std::env::join_paths(files.iter().map(PathBuf::as_path).chain([Path::new("")]))
            .unwrap();
        (
            home,
            Kubeconfig::new(Locations {
                kubeconfig_env: Some(list),
                ..Locations::default()
            }),
        )
    }

    #[test]
    fn the_first_file_wins_and_missing_ones_are_skipped() {
        let (home, config) = two_files();
        assert_eq!(config.current().unwrap().as_deref(), Some("blue"));
        assert_eq!(
            config.contexts().unwrap(),
            [
                "blue", "bare", "empty", "gone", "nobody", "retired", "green"
            ]
        );
        let blue = config.context("blue").unwrap();
        assert_eq!(blue.server, "https://blue.example.com:6443");
        assert_eq!(blue.namespace.as_deref(), Some("ai"));
        let beside = |file: &str| Some(home.path().join(file).display().to_string());
        assert_eq!(blue.cluster.certificate_authority, beside("ca.crt"));
        assert_eq!(blue.user.client_certificate, beside("me.crt"));
        assert_eq!(blue.user.exec.as_ref().unwrap().command, beside("./plugin"));
        assert_eq!(config.context("green").unwrap().server, "https://green");
        assert_eq!(
            config.context("bare").unwrap().server,
            "http://bare.example.com:8080"
        );
    }

    #[test]
    fn says_what_is_wrong_with_a_context() {
        let (_home, config) = two_files();
        let cases = [
            ("bleu", "unknown kubeconfig context", "did you mean `blue`?"),
            (
                "gone",
                "kubeconfig context names an unknown cluster",
                "did you mean `blue`?",
            ),
            (
                "nobody",
                "kubeconfig context names an unknown user",
                "did you mean `me`?",
            ),
            (
                "retired",
                "kubeconfig user has a retired kind of credentials",
                "run `kubelogin convert-kubeconfig`",
            ),
        ];
        for (name, summary, hint) in cases {
            let problem = config.context(name).unwrap_err();
            assert_eq!(
                (problem.summary.as_str(), problem.hints[0].as_str()),
                (summary, hint),
                "{name}"
            );
        }
        assert_eq!(
            config.context("empty").unwrap_err().detail,
            "the cluster of context `empty` has no `server`"
        );
    }

    #[test]
    fn names_files_that_cannot_be_read() {
        let (home, config) = two_files();
        let problem = config.context("blue").unwrap().check_files().unwrap_err();
        assert!(
            problem
                .detail
                .starts_with("`certificate-authority` of context `blue`"),
            "{problem:?}"
        );
        let missing = home.path().join("none");
        let explicit = Kubeconfig::new(Locations {
            explicit: Some(missing.clone()),
            ..Locations::default()
        });
        assert_eq!(
            explicit.contexts().unwrap_err().detail,
            format!("`{}`", missing.display())
        );
        let at_home = Kubeconfig::new(Locations {
            home: Some(home.path().into()),
            ..Locations::default()
        });
        let problem = at_home.context("blue").unwrap_err();
        assert!(
            problem.detail.contains(".kube/config` holds no contexts"),
            "{problem:?}"
        );
    }

    #[test]
    fn a_broken_file_does_not_tell_its_secrets() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("config");
        for broken in [
            "users:\n- name: me\n  user: { token: hunter22, password: [hunter22] }\n",
            "users:\n- name: me\n  user: hunter22\n",
            "users:\n- name: me\n   token: hunter22\n  - : x",
            "users: hunter22\n",
            "users:\n- name: me\n  user: { impersonate: a, exec: { interactiveMode: hunter22 } }\n",
        ] {
            std::fs::write(&file, broken).unwrap();
            let config = Kubeconfig::new(Locations {
                explicit: Some(file.clone()),
                ..Locations::default()
            });
            let problem = config.contexts().unwrap_err();
            assert!(
                problem.detail.contains("is not valid kubeconfig YAML"),
                "{problem:?}"
            );
            assert!(!format!("{problem:?}").contains("hunter22"), "{problem:?}");
        }
    }
}
