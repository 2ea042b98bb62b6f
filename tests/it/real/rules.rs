//! One corpus of Models through mcai's offline rules and through the real API server's dry run: the verdicts agree.

use std::collections::BTreeMap;
use std::sync::Arc;

use mcai::diagnostic::{Problem, Source};
use mcai::kubeai::render::{self, Identity};
use mcai::kubeai::{Version, rules};
use mcai::yaml::{self, Findings};
use serde::Deserialize;

use crate::support::{Cluster, unique};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// What the API server should say.
    server: Answer,
    /// What mcai should say, where it is stricter: KubeAI's controller never runs such a model.
    #[serde(default)]
    mcai: Option<Answer>,
    spec: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    Good,
    Bad,
}

fn of(good: bool) -> Answer {
    if good { Answer::Good } else { Answer::Bad }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn offline_rules_agree_with_the_api_server() {
    let corpus: Vec<Case> = serde_saphyr::from_str(include_str!("../../fixtures/models.yaml"))
        .expect("the corpus is YAML");
    assert!(
        corpus
            .iter()
            .filter(|case| case.server == Answer::Bad)
            .count()
            > 20
    );
    let kubeai = Cluster::number(1).kubeai(&unique("rules"));
    let namespace = kubeai.namespace.parse().expect("a namespace");
    let identity = Identity {
        project: "rules".parse().expect("a name"),
        id: "aaaaaaaaaaaa".parse().expect("an id"),
    };
    let mut wrong = Vec::new();
    for case in &corpus {
        let source = Arc::new(Source {
            name: case.name.clone(),
            text: case.spec.clone(),
        });
        let (spec, _) =
            yaml::parse(&source).unwrap_or_else(|problem| panic!("{}: {problem:?}", case.name));
        let findings = Findings::default();
        rules::check(&spec, Version::V0_22, &findings);
        let findings = findings.into_sorted();
        let offline = of(!findings.iter().any(Problem::is_error));
        let name = "corpus".parse().expect("a name");
        let object = render::model(
            &identity,
            &namespace,
            &name,
            spec.to_json(),
            &BTreeMap::new(),
            &BTreeMap::new(),
        );
        let answer = kubeai.dry_run("mcai", &object);
        let server = of(answer.is_ok());
        if server != case.server || offline != case.mcai.unwrap_or(case.server) {
            let words: Vec<String> = findings.iter().map(Problem::one_line).collect();
            wrong.push(format!(
                "{}: server {server:?} ({answer:?}), mcai {offline:?} ({words:?})",
                case.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
