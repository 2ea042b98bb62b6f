//! Who we are at a cluster: credentials from the kubeconfig, a token file or a plugin, turned into headers and
//! TLS settings, and renewed when they end or when the server refuses them.
//!
//! kube reads the kubeconfig's data and builds the TLS settings; its client is not used, `connect` says why.
//! Main type: [`Access`].

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderMap, HeaderValue, Request, Response};
use hyper_rustls::{DefaultServerNameResolver, FixedServerNameResolver, ResolveServerName};
use jiff::{SignedDuration, Timestamp};
use kube::client::ConfigExt;
use kube::config::{
    AuthInfo, Config, Context as KubeContext, KubeConfigOptions, Kubeconfig as Document,
    NamedAuthInfo, NamedCluster, NamedContext,
};
use rustls::pki_types::ServerName;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tower::{Layer, ServiceExt};

use super::connect::{Body, Link, Tls};
use super::exec::{Credential, Plugin, Runner};
use super::kubeconfig::Context;
use super::proxy::Proxy;
use crate::diagnostic::{Kind, Problem};

/// As in client-go: a projected service account token is replaced by a new one long before it ends.
const TOKEN_FILE_AGE: SignedDuration = SignedDuration::from_secs(60);
/// A plugin that has just been asked again gives nothing better.
const RENEWAL_PAUSE: Duration = Duration::from_secs(60);

/// Where the credentials come from.
enum Source {
    Kubeconfig,
    TokenFile(String),
    Plugin(Box<Plugin>),
}

/// What a request needs to get through.
#[derive(Clone)]
pub(super) struct Pass {
    pub(super) headers: Arc<HeaderMap>,
    pub(super) link: Arc<Link>,
    number: u64,
}

struct Current {
    pass: Pass,
    credential: Option<Credential>,
    renewed: Option<Instant>,
}

/// The credentials of one session.
pub(super) struct Access {
    context: Context,
    proxy: Option<Proxy>,
    source: Source,
    runner: Arc<Runner>,
    opened: Arc<AtomicUsize>,
    current: Mutex<Current>,
}

impl Access {
    pub(super) async fn open(
        context: &Context,
        proxy: Option<Proxy>,
        runner: &Arc<Runner>,
        opened: Arc<AtomicUsize>,
    ) -> Result<Access, Problem> {
        context.check_files()?;
        let source = source(context)?;
        let credential = fetch(&source, runner, None).await?;
        let config = configure(context, credential.as_ref()).await?;
        let headers = Arc::new(headers(context, &config).await?);
        let link = Arc::new(Link::new(
            &context.server,
            proxy.clone(),
            tls(context, &config)?,
            opened.clone(),
        ));
        let pass = Pass {
            headers,
            link,
            number: 0,
        };
        Ok(Access {
            context: context.clone(),
            proxy,
            source,
            runner: runner.clone(),
            opened,
            current: Mutex::new(Current {
                pass,
                credential,
                renewed: None,
            }),
        })
    }

    /// Returns what a request needs, renewed if its time is over.
    pub(super) async fn pass(&self) -> Result<Pass, Problem> {
        let mut current = self.current.lock().await;
        let over = current
            .credential
            .as_ref()
            .is_some_and(|credential| !credential.is_current());
        if over && self.may_ask(&current) {
            self.renew_to(&mut current, None).await?;
        }
        Ok(current.pass.clone())
    }

    /// Returns another pass than the one that the server has refused, if there can be one. Callers who come
    /// with the same pass share one run of the plugin.
    pub(super) async fn renew(&self, refused: &Pass) -> Result<Option<Pass>, Problem> {
        let mut current = self.current.lock().await;
        if current.pass.number != refused.number {
            return Ok(Some(current.pass.clone()));
        }
        if !self.may_ask(&current) {
            return Ok(None);
        }
        let refused = current.credential.clone();
        self.renew_to(&mut current, refused.as_ref()).await?;
        let same = refused.is_some_and(|old| {
            current
                .credential
                .as_ref()
                .is_some_and(|new| new.is_same_as(&old))
        });
        Ok((!same).then(|| current.pass.clone()))
    }

    fn may_ask(&self, current: &Current) -> bool {
        match self.source {
            Source::Kubeconfig => false,
            Source::TokenFile(_) => true,
            Source::Plugin(_) => current
                .renewed
                .is_none_or(|renewed| renewed.elapsed() > RENEWAL_PAUSE),
        }
    }

    async fn renew_to(
        &self,
        current: &mut Current,
        refused: Option<&Credential>,
    ) -> Result<(), Problem> {
        let fetched = fetch(&self.source, &self.runner, refused).await;
        if fetched.is_err() {
            // A plugin that fails is given the same pause as one that answers: every look of a wait comes by here.
            current.renewed = Some(Instant::now());
        }
        let credential = fetched?;
        let config = configure(&self.context, credential.as_ref()).await?;
        let headers = Arc::new(headers(&self.context, &config).await?);
        // A token is a header; only a new client certificate needs a new connection.
        let certificate = |credential: &Option<Credential>| {
            credential.as_ref().and_then(|c| c.certificate.clone())
        };
        let link = if certificate(&credential) == certificate(&current.credential) {
            current.pass.link.clone()
        } else {
            let tls = tls(&self.context, &config)?;
            Arc::new(Link::new(
                &self.context.server,
                self.proxy.clone(),
                tls,
                self.opened.clone(),
            ))
        };
        let pass = Pass {
            headers,
            link,
            number: current.pass.number + 1,
        };
        *current = Current {
            pass,
            credential,
            renewed: Some(Instant::now()),
        };
        Ok(())
    }
}

fn source(context: &Context) -> Result<Source, Problem> {
    if let (None, Some(file)) = (&context.user.token, &context.user.token_file) {
        return Ok(Source::TokenFile(file.clone()));
    }
    Ok(Plugin::of(context)?.map_or(Source::Kubeconfig, |plugin| {
        Source::Plugin(Box::new(plugin))
    }))
}

async fn fetch(
    source: &Source,
    runner: &Runner,
    refused: Option<&Credential>,
) -> Result<Option<Credential>, Problem> {
    match source {
        Source::Kubeconfig => Ok(None),
        Source::TokenFile(file) => read_token(file).map(Some),
        Source::Plugin(plugin) => runner.credential(plugin, refused).await.map(Some),
    }
}

fn read_token(file: &str) -> Result<Credential, Problem> {
    let token = std::fs::read_to_string(file).map_err(|error| {
        Problem::error(Kind::Credentials, "cannot read the token file")
            .detail(format!("`{file}`"))
            .cause(error.to_string())
    })?;
    // A file ends with a newline, a header must not; kube would fail there.
    Ok(Credential::token(
        token.trim().to_owned(),
        Some(Timestamp::now() + TOKEN_FILE_AGE),
    ))
}

/// Lets kube read certificates and logins. Its own plugin runner and its choice of a proxy are kept out.
async fn configure(context: &Context, credential: Option<&Credential>) -> Result<Config, Problem> {
    let mut cluster = context.cluster.clone();
    cluster.server = Some(context.server.to_string());
    // With a `proxy-url` kube does not look at the environment, where an empty item in NO_PROXY makes it fail.
    cluster.proxy_url = Some("http://unused.invalid".to_owned());
    let user = with_credential(
        AuthInfo {
            exec: None,
            ..context.user.clone()
        },
        credential,
    );
    let named = || "it".to_owned();
    let document = Document {
        clusters: vec![NamedCluster {
            name: named(),
            cluster: Some(cluster),
            ..NamedCluster::default()
        }],
        auth_infos: vec![NamedAuthInfo {
            name: named(),
            auth_info: Some(user),
            ..NamedAuthInfo::default()
        }],
        contexts: vec![NamedContext {
            name: named(),
            context: Some(KubeContext {
                cluster: named(),
                user: Some(named()),
                ..KubeContext::default()
            }),
            ..NamedContext::default()
        }],
        ..Document::default()
    };
    let options = KubeConfigOptions {
        context: Some(named()),
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(document, &options).await;
    let mut config = config.map_err(|error| unusable(context).chain(&error))?;
    if config.root_cert.as_ref().is_some_and(Vec::is_empty) {
        return Err(unusable(context).cause("its certificate authority holds no certificate"));
    }
    check_token(context, &config.auth_info)?;
    config.proxy_url = None;
    Ok(config)
}

/// kube's layer panics at a token that does not fit into a header.
fn check_token(context: &Context, user: &AuthInfo) -> Result<(), Problem> {
    // Serialising is the one way to the token without a further dependency.
    let user = serde_json::to_value(user).unwrap_or_default();
    let token = user["token"].as_str().unwrap_or_default();
    if HeaderValue::from_str(token).is_ok() {
        return Ok(());
    }
    Err(
        Problem::error(Kind::Credentials, "cannot use the token").detail(format!(
            "the token of context `{}` has characters that a header can't hold",
            context.name
        )),
    )
}

fn with_credential(mut user: AuthInfo, credential: Option<&Credential>) -> AuthInfo {
    let Some(credential) = credential else {
        return user;
    };
    if let Some(token) = &credential.token {
        user.token = Some(token.clone().into());
        user.token_file = None;
    }
    if let Some((certificate, key)) = &credential.certificate {
        user.client_certificate_data = Some(BASE64.encode(certificate));
        user.client_key_data = Some(BASE64.encode(key).into());
    }
    user
}

fn unusable(context: &Context) -> Problem {
    Problem::error(Kind::Settings, "cannot use the kubeconfig context")
        .detail(format!("context `{}`", context.name))
}

/// Collects the headers that kube's layers add: login and impersonation.
async fn headers(context: &Context, config: &Config) -> Result<HeaderMap, Problem> {
    type BoxError = Box<dyn std::error::Error + Send + Sync>;
    let echo = tower::service_fn(|request: Request<Body>| async move {
        let mut response = Response::new(());
        std::mem::swap(response.headers_mut(), &mut request.into_parts().0.headers);
        Ok::<_, BoxError>(response)
    });
    let extra = config
        .extra_headers_layer()
        .map_err(|error| unusable(context).chain(&error))?;
    let login = config
        .auth_layer()
        .map_err(|error| unusable(context).chain(&error))?;
    let request = Request::new(Body::default());
    let response = match login {
        Some(login) => login.layer(extra.layer(echo)).oneshot(request).await,
        None => extra.layer(echo).oneshot(request).await,
    };
    response
        .map(|response| response.into_parts().0.headers)
        .map_err(|error| unusable(context).chain(&*error))
}

fn tls(context: &Context, config: &Config) -> Result<Tls, Problem> {
    // Fails if there is a provider already, which is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let name: Arc<dyn ResolveServerName + Send + Sync> = match &config.tls_server_name {
        None => Arc::new(DefaultServerNameResolver::default()),
        Some(name) => {
            let name = ServerName::try_from(name.clone())
                .map_err(|error| unusable(context).chain(&error))?;
            Arc::new(FixedServerNameResolver::new(name))
        }
    };
    let config = config
        .rustls_client_config()
        .map_err(|error| unusable(context).chain(&error))?;
    Ok(Tls { config, name })
}
