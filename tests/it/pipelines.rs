//! What stands in the pipelines of examples/ci: which jobs run when, and with which secrets. `ci` executes them.

use std::fs;
use std::process::Command;

use super::support::{ForgeKind, Sandbox, jobs_of_github};

#[test]
#[ignore = "needs check-jsonschema: scripts/test"]
fn the_pipelines_are_what_the_forges_schemas_say() {
    let program = std::env::var("MCAI_TEST_CHECK_JSONSCHEMA")
        .expect("MCAI_TEST_CHECK_JSONSCHEMA is the path of check-jsonschema: run scripts/test");
    for (kind, schema) in [
        (ForgeKind::GitHub, "vendor.github-workflows"),
        (ForgeKind::GitLab, "vendor.gitlab-ci"),
    ] {
        let check = |file: &str| {
            let mut command = Command::new(&program);
            command.args(["--builtin-schema", schema, file]);
            command.output().expect("can run check-jsonschema")
        };
        let output = check(kind.file());
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{shown}");
        // The schema does look at it.
        let sandbox = Sandbox::new();
        let text = fs::read_to_string(kind.file()).unwrap();
        sandbox.write("wrong.yml", &text.replace("timeout", "time-out"));
        let wrong = sandbox.dir().join("wrong.yml");
        assert!(
            !check(&wrong.display().to_string()).status.success(),
            "{kind:?}"
        );
    }
}

#[test]
fn github_plans_for_its_own_pull_requests_and_deploys_the_default_branch() {
    let push = |reference| {
        [
            ("github.event_name", "push"),
            ("github.ref", reference),
            ("github.repository", "acme/models"),
            ("github.event.repository.default_branch", "main"),
        ]
    };
    let pull_request = |from| {
        [
            ("github.event_name", "pull_request"),
            ("github.ref", "refs/pull/7/merge"),
            ("github.repository", "acme/models"),
            ("github.event.repository.default_branch", "main"),
            ("github.event.pull_request.head.repo.full_name", from),
        ]
    };
    assert_eq!(
        jobs_of_github(&push("refs/heads/main")),
        ["check", "deploy"]
    );
    for reference in ["refs/heads/topic", "refs/heads/x/main", "refs/tags/main"] {
        assert_eq!(jobs_of_github(&push(reference)), ["check"], "{reference}");
    }
    let own = jobs_of_github(&pull_request("acme/models"));
    assert_eq!(own, ["check", "plan"]);
    let fork = jobs_of_github(&pull_request("mallory/models"));
    assert_eq!(fork, ["check"]);
}

#[test]
fn a_fork_and_a_plan_get_no_secret_of_the_deploy() {
    let github = ForgeKind::GitHub.pipeline();
    assert_eq!(
        github["on"],
        serde_json::json!({"push": null, "pull_request": null})
    );
    assert_eq!(
        github["permissions"],
        serde_json::json!({"contents": "read"})
    );
    let [check, plan, deploy] = ["check", "plan", "deploy"].map(|job| &github["jobs"][job]);
    assert!(!check.to_string().contains("secrets."));
    assert_eq!(check.get("permissions"), None);
    assert!(!plan.to_string().contains("secrets.MCAI_KUBECONFIG"));
    assert_eq!(deploy["concurrency"]["cancel-in-progress"], false);
    assert_eq!(deploy["environment"], "production");

    let gitlab = ForgeKind::GitLab.pipeline();
    let rule = |job: &str| {
        gitlab[job]["rules"][0]["if"]
            .as_str()
            .expect("a rule")
            .to_owned()
    };
    let own = "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID";
    assert!(rule("plan").contains(own));
    assert_eq!(rule("deploy"), "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH");
    assert_eq!(gitlab["deploy"]["resource_group"], "mcai-deploy");
    assert_eq!(gitlab["deploy"]["environment"]["name"], "production");
}
