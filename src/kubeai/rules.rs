//! KubeAI's rules for a Model's `spec`, checked offline with positions: the CRD's schema and CEL rules, and what its
//! controller demands beyond them. A test runs one corpus through these rules and through a real API server.

use std::collections::HashSet;

use super::Version;
use super::fields::{Field, SPEC, Type};
use super::profile::ProfileCount;
use crate::diagnostic::{Kind, Problem, Severity};
use crate::text::{nearest, quoted_list};
use crate::yaml::{Findings, Node, Value};

/// The url schemes of a model; `oci` came after 0.23.
const SCHEMES: &[(&str, Version)] = &[
    ("hf", Version::V0_22),
    ("pvc", Version::V0_22),
    ("ollama", Version::V0_22),
    ("s3", Version::V0_22),
    ("gs", Version::V0_22),
    ("oss", Version::V0_22),
    ("oci", Version::V0_24),
];

/// Adapters, and models with a cacheProfile, come from these only.
const STORES: [&str; 4] = ["hf", "s3", "gs", "oss"];

/// CRD limits on `files`.
const MAX_FILES: usize = 10;
const MAX_FILE_CONTENT: usize = 100_000;
const MAX_FILE_PATH: usize = 1024;
/// CRD limit on an adapter's name.
const MAX_ADAPTER_NAME: usize = 63;

/// Reports everything that KubeAI would refuse, or silently never run, in one `spec`.
pub fn check(spec: &Node, version: Version, findings: &Findings) {
    Checker {
        spec,
        version,
        findings,
    }
    .check();
}

struct Checker<'a> {
    spec: &'a Node,
    version: Version,
    findings: &'a Findings,
}

impl Checker<'_> {
    fn check(&self) {
        self.check_type(self.spec, &Type::Object(SPEC), "spec");
        self.check_url();
        self.check_replicas();
        self.check_profiles();
        self.check_adapters();
        self.check_files();
        self.remark();
    }

    fn refuse(&self, node: &Node, summary: &str, detail: impl Into<String>) {
        self.findings.error(&node.span, summary, detail);
    }

    fn warn(&self, node: &Node, summary: &str, detail: impl Into<String>) {
        self.findings.push(
            Problem::warning(Kind::Manifest, summary)
                .detail(detail)
                .at(&node.span),
        );
    }

    fn text(&self, key: &str) -> Option<&str> {
        self.spec.get(key).and_then(Node::as_str)
    }

    fn check_type(&self, node: &Node, wanted: &Type, path: &str) {
        match wanted {
            Type::Text if node.as_str().is_none() => drop(crate::yaml::string(node, self.findings)),
            Type::Flag if node.as_bool().is_none() => {
                self.findings.wrong_type(node, "true or false")
            }
            Type::Integer(least, most) => self.check_integer(node, *least, *most, path),
            Type::OneOf(values) => self.check_one_of(node, values, path),
            Type::ListOf(item) => match &node.value {
                Value::List(items) => items
                    .iter()
                    .for_each(|node| self.check_type(node, item, path)),
                _ => self.findings.wrong_type(node, "a list"),
            },
            Type::MapOfText => drop(crate::yaml::string_map(node, self.findings)),
            Type::Object(fields) => self.check_object(node, fields, path),
            Type::Text | Type::Flag => {}
        }
    }

    fn check_integer(&self, node: &Node, least: i64, most: i64, path: &str) {
        match node.as_integer() {
            None => self.findings.wrong_type(node, "an integer"),
            Some(number) if number < least => self.refuse(
                node,
                "value too small",
                format!("`{path}` is at least {least}"),
            ),
            Some(number) if number > most => self.refuse(
                node,
                "value too large",
                format!("`{path}` is at most {most}"),
            ),
            Some(_) => {}
        }
    }

    fn check_one_of(&self, node: &Node, values: &[(&str, Version)], path: &str) {
        let Some(text) = node.as_str() else {
            return self.findings.wrong_type(node, "a string");
        };
        let known: Vec<&str> = values
            .iter()
            .filter(|(_, since)| *since <= self.version)
            .map(|(name, _)| *name)
            .collect();
        if known.contains(&text) {
            return;
        }
        let detail = format!(
            "`{text}` is not one of `{path}`'s values: {}",
            quoted_list(&known)
        );
        let mut problem = Problem::error(Kind::Manifest, "unknown value")
            .detail(detail)
            .at(&node.span);
        problem = if values.iter().any(|(name, _)| *name == text) {
            problem.hint("it came with KubeAI 0.24: set `kubeai: { version: \"0.24\" }` if the clusters have that")
        } else {
            problem.suggest(text, known)
        };
        self.findings.push(problem);
    }

    fn check_object(&self, node: &Node, fields: &[Field], path: &str) {
        let Value::Map(entries) = &node.value else {
            return self
                .findings
                .wrong_type(node, &format!("a mapping (`{path}`)"));
        };
        for (key, value) in entries {
            let inner = format!("{path}.{}", key.name);
            match fields.iter().find(|field| field.name == key.name) {
                Some(_) if value.value == Value::Null => {}
                Some(field) => self.check_type(value, &field.of, &inner),
                None => self.check_unknown(key, fields, path),
            }
        }
        for field in fields.iter().filter(|field| field.required) {
            if node
                .get(field.name)
                .is_none_or(|value| value.value == Value::Null)
            {
                self.refuse(
                    node,
                    "missing key",
                    format!("`{path}` needs `{}`", field.name),
                );
            }
        }
    }

    /// An unknown key is a mistake when a known one is near; otherwise a newer KubeAI may know it.
    fn check_unknown(&self, key: &crate::yaml::Key, fields: &[Field], path: &str) {
        let near = nearest(&key.name, fields.iter().map(|field| field.name));
        let mut problem = Problem::error(Kind::Manifest, "unknown key")
            .detail(format!(
                "`{}` is not a key of `{path}` in KubeAI's Model",
                key.name
            ))
            .at(&key.span);
        match near {
            Some(near) => problem = problem.hint(format!("did you mean `{near}`?")),
            None => {
                problem.severity = Severity::Warning;
                problem = problem
                    .hint("the cluster decides whether its KubeAI knows it; the plan will tell");
            }
        }
        self.findings.push(problem);
    }

    fn check_url(&self) {
        let Some((node, url)) = self
            .spec
            .get("url")
            .and_then(|node| Some((node, node.as_str()?)))
        else {
            return;
        };
        let known: Vec<&str> = SCHEMES
            .iter()
            .filter(|(_, since)| *since <= self.version)
            .map(|(name, _)| *name)
            .collect();
        let Some(scheme) = scheme_of(url, &known) else {
            let schemes: Vec<String> = known.iter().map(|scheme| format!("{scheme}://")).collect();
            let mut problem = Problem::error(Kind::Manifest, "unknown url scheme")
                .detail(format!(
                    "`{url}` does not start with one of {}",
                    quoted_list(&schemes)
                ))
                .at(&node.span);
            if let Some((scheme, rest)) = url
                .split_once(':')
                .filter(|(scheme, _)| known.contains(scheme))
            {
                problem = problem.hint(format!(
                    "write `{scheme}://{}`",
                    rest.trim_start_matches('/')
                ));
            } else if url.starts_with("oci://") {
                problem = problem.hint("`oci://` came after KubeAI 0.23: set `kubeai: { version: \"0.24\" }` if the clusters have that");
            }
            return self.findings.push(problem);
        };
        if self.version >= Version::V0_24 && !is_v0_24_url(url) {
            let problem = Problem::error(Kind::Manifest, "unknown url form")
                .detail(format!("`{url}` has a character that KubeAI 0.24 refuses"))
                .at(&node.span);
            self.findings.push(if url.contains('@') {
                problem.hint("use a tag that never moves instead of a digest")
            } else {
                problem
            });
        }
        if self.spec.get("cacheProfile").is_none() && matches!(scheme, "gs" | "oss") {
            self.refuse(
                node,
                "cacheProfile is missing",
                format!("a model from `{scheme}://` needs a cacheProfile"),
            );
        }
        if let Some(cache) = self
            .spec
            .get("cacheProfile")
            .filter(|_| !STORES.contains(&scheme))
        {
            self.refuse(
                cache,
                "cacheProfile does not fit",
                "only models from hf, s3, gs and oss are cached",
            );
        }
    }

    fn check_replicas(&self) {
        let number = |key| {
            self.spec
                .get(key)
                .and_then(|node| Some((node, node.as_integer()?)))
        };
        if let (Some((node, least)), Some((_, most))) =
            (number("minReplicas"), number("maxReplicas"))
            && least > most
        {
            self.refuse(
                node,
                "minReplicas above maxReplicas",
                format!("{least} is more than {most}"),
            );
        }
        let manual = self.spec.get("autoscalingDisabled").and_then(Node::as_bool) == Some(true);
        match (manual, self.spec.get("replicas")) {
            (false, Some(node)) => self.findings.push(
                Problem::error(Kind::Manifest, "replicas belongs to KubeAI")
                    .detail("KubeAI's autoscaler sets `replicas`, between minReplicas and maxReplicas")
                    .hint("set minReplicas and maxReplicas, or `autoscalingDisabled: true` beside `replicas`")
                    .at(&node.span),
            ),
            (true, None) => {
                let node = self.spec.get("autoscalingDisabled").unwrap_or(self.spec);
                self.refuse(node, "replicas is missing", "without autoscaling KubeAI makes no pod until `replicas` is set");
            }
            _ => {}
        }
    }

    fn check_profiles(&self) {
        let Some((node, text)) = self
            .spec
            .get("resourceProfile")
            .and_then(|node| Some((node, node.as_str()?)))
        else {
            return;
        };
        match text.parse::<ProfileCount>() {
            Err(why) => self.refuse(node, "invalid resourceProfile", why),
            Ok(profile)
                if profile.count > 1
                    && self.text("engine") == Some("VLLM")
                    && profile.name.contains("gpu") =>
            {
                let parallel = |arg: &Node| {
                    arg.as_str()
                        .is_some_and(|arg| arg.contains("parallel-size"))
                };
                if !self
                    .spec
                    .get("args")
                    .is_some_and(|args| args.items().iter().any(parallel))
                {
                    let detail = format!(
                        "vLLM uses one of {} unless `--tensor-parallel-size={}` is in args",
                        profile.count, profile.count
                    );
                    self.warn(node, "GPUs that would stand idle", detail);
                }
            }
            Ok(_) => {}
        }
    }

    fn check_adapters(&self) {
        let Some(adapters) = self.spec.get("adapters") else {
            return;
        };
        if self.text("engine").is_some_and(|engine| engine != "VLLM") {
            self.refuse(
                adapters,
                "adapters do not fit the engine",
                "only VLLM loads adapters",
            );
        }
        for adapter in adapters.items() {
            if let Some((node, name)) = adapter
                .get("name")
                .and_then(|node| Some((node, node.as_str()?)))
            {
                let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
                if name.is_empty() || name.len() > MAX_ADAPTER_NAME || !name.bytes().all(good) {
                    self.refuse(
                        node,
                        "invalid adapter name",
                        format!("`{name}` is not 1 to {MAX_ADAPTER_NAME} of a-z, 0-9 and `-`"),
                    );
                }
            }
            if let Some((node, url)) = adapter
                .get("url")
                .and_then(|node| Some((node, node.as_str()?)))
                && scheme_of(url, &STORES).is_none()
            {
                self.refuse(
                    node,
                    "unknown url scheme",
                    format!("`{url}`: adapters come from hf, s3, gs and oss"),
                );
            }
        }
    }

    fn check_files(&self) {
        let Some(files) = self.spec.get("files") else {
            return;
        };
        if files.items().len() > MAX_FILES {
            self.refuse(
                files,
                "too many files",
                format!("{} files; {MAX_FILES} is the most", files.items().len()),
            );
        }
        let mut paths = HashSet::new();
        for file in files.items() {
            if let Some((node, path)) = file
                .get("path")
                .and_then(|node| Some((node, node.as_str()?)))
            {
                if !path.starts_with('/')
                    || path.contains(':')
                    || path.chars().count() > MAX_FILE_PATH
                {
                    self.refuse(
                        node,
                        "invalid file path",
                        format!("`{path}` is not absolute and without `:`"),
                    );
                }
                if !paths.insert(path) {
                    self.refuse(
                        node,
                        "duplicate file path",
                        format!("`{path}` is given twice"),
                    );
                }
            }
            if let Some(content) = file.get("content").filter(|node| {
                node.as_str()
                    .is_some_and(|text| text.chars().count() > MAX_FILE_CONTENT)
            }) {
                self.refuse(
                    content,
                    "file too large",
                    format!(
                        "more than {MAX_FILE_CONTENT} characters; use a volume or the model's url"
                    ),
                );
            }
        }
    }

    /// Reports what works, but hardly as meant.
    fn remark(&self) {
        if let Some(owner) = self.spec.get("owner") {
            self.warn(owner, "owner has no effect", "KubeAI has deprecated it");
        }
        let gguf = self
            .text("url")
            .is_some_and(|url| url.to_lowercase().contains("gguf"));
        if let Some(engine) = self
            .spec
            .get("engine")
            .filter(|engine| gguf && engine.as_str() == Some("VLLM"))
        {
            self.warn(
                engine,
                "engine hardly fits the model",
                "GGUF files are for OLlama and LlamaCpp",
            );
        }
    }
}

fn scheme_of<'a>(url: &str, known: &[&'a str]) -> Option<&'a str> {
    let (scheme, _) = url.split_once("://")?;
    known.iter().copied().find(|one| *one == scheme)
}

/// KubeAI 0.24's pattern: `^([a-z0-9]+):\/\/([a-zA-Z0-9._:/-]+)(\?.*)?$`.
fn is_v0_24_url(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let path = rest.split_once('?').map_or(rest, |(path, _)| path);
    !path.is_empty()
        && path
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._:/-".contains(&b))
}
