//! Requests to a real API server, by path: the tests' own client, independent of the one under test.

use std::fmt;

use http::{Method, Request};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;

const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";

#[derive(Clone)]
pub(crate) struct Api(Client);

/// What the API server said instead of an answer.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) code: u16,
    pub(crate) message: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

pub(crate) type Answer<T = Value> = Result<T, Refused>;

impl Api {
    pub(super) async fn connect(kubeconfig: Kubeconfig, context: &str) -> Api {
        let options = KubeConfigOptions {
            context: Some(context.into()),
            ..KubeConfigOptions::default()
        };
        let config = Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .expect("the kubeconfig of the test clusters is right");
        Api(Client::try_from(config).expect("a client for it"))
    }

    /// The text at a path: logs, metrics, /readyz.
    pub(crate) async fn text(&self, path: &str) -> Answer<String> {
        self.send(Method::GET, path, "", Vec::new()).await
    }

    /// The object or list at a path, `None` if it is not there.
    pub(crate) async fn get(&self, path: &str) -> Answer<Option<Value>> {
        match self.json(Method::GET, path, "", &Value::Null).await {
            Ok(object) => Ok(Some(object)),
            Err(Refused { code: 404, .. }) => Ok(None),
            Err(refused) => Err(refused),
        }
    }

    pub(crate) async fn list(&self, path: &str) -> Answer<Vec<Value>> {
        let mut list = self.json(Method::GET, path, "", &Value::Null).await?;
        match list["items"].take() {
            Value::Array(items) => Ok(items),
            _ => Ok(Vec::new()),
        }
    }

    /// Creates an object; `path` is its collection.
    pub(crate) async fn create(&self, path: &str, manager: &str, object: &Value) -> Answer {
        let path = managed(path, manager);
        self.json(Method::POST, &path, "application/json", object)
            .await
    }

    /// Server-side apply, taking over fields of others.
    pub(crate) async fn apply(&self, path: &str, manager: &str, object: &Value) -> Answer {
        let path = format!("{}&force=true", managed(path, manager));
        self.json(Method::PATCH, &path, APPLY, object).await
    }

    /// A merge patch: recorded as an update by this manager.
    pub(crate) async fn patch(&self, path: &str, manager: &str, patch: &Value) -> Answer {
        let path = managed(path, manager);
        self.json(Method::PATCH, &path, MERGE, patch).await
    }

    /// Deletes what is at the path; nothing there is fine.
    pub(crate) async fn delete(&self, path: &str) -> Answer<()> {
        match self.send(Method::DELETE, path, "", Vec::new()).await {
            Ok(_) | Err(Refused { code: 404, .. }) => Ok(()),
            Err(refused) => Err(refused),
        }
    }

    async fn json(&self, method: Method, path: &str, kind: &str, body: &Value) -> Answer {
        let body = if body.is_null() {
            Vec::new()
        } else {
            serde_json::to_vec(body).expect("it is JSON")
        };
        let text = self.send(method, path, kind, body).await?;
        Ok(serde_json::from_str(&text).expect("API servers answer in JSON"))
    }

    async fn send(&self, method: Method, path: &str, kind: &str, body: Vec<u8>) -> Answer<String> {
        let mut request = Request::builder().method(method).uri(path);
        if !kind.is_empty() {
            request = request.header(http::header::CONTENT_TYPE, kind);
        }
        let request = request.body(body).expect("a path of the API");
        self.0.request_text(request).await.map_err(Refused::from)
    }
}

fn managed(path: &str, manager: &str) -> String {
    let sign = if path.contains('?') { '&' } else { '?' };
    format!("{path}{sign}fieldManager={manager}")
}

impl From<kube::Error> for Refused {
    fn from(error: kube::Error) -> Refused {
        match error {
            kube::Error::Api(status) => Refused {
                code: status.code,
                message: status.message,
            },
            other => Refused {
                code: 0,
                message: other.to_string(),
            },
        }
    }
}

/// The path of an object, or of its collection if `name` is empty, from its `apiVersion` and `kind`.
pub(crate) fn path_of(object: &Value, namespace: &str, name: &str) -> String {
    let version = object["apiVersion"].as_str().unwrap_or_default();
    let kind = object["kind"].as_str().unwrap_or_default();
    let root = if version.contains('/') { "apis" } else { "api" };
    let plural = format!("{}s", kind.to_lowercase()).replace("policys", "policies");
    let scope = match kind {
        "Namespace"
        | "Node"
        | "CustomResourceDefinition"
        | "ClusterRole"
        | "ClusterRoleBinding"
        | "ValidatingAdmissionPolicy"
        | "ValidatingAdmissionPolicyBinding" => String::new(),
        _ => format!("/namespaces/{namespace}"),
    };
    let end = if name.is_empty() {
        String::new()
    } else {
        format!("/{name}")
    };
    format!("/{root}/{version}{scope}/{plural}{end}")
}
