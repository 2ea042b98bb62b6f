//! examples/ci, run as the forges would: every step by bash, the comments by the real `gh` and `curl`, with a stand-in
//! for the forge.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use http::Method;

use super::support::{ForgeKind, MANIFEST, Runner, Sandbox, assert_same};

const FILE: &str = "deploy/aws-1/kubeai/model-llama.yaml";

/// The first and the last line of a comment.
const MARKER: &str = "<!-- mcai-plan mcai.yaml -->\n";
const LOG: &str = "Commit `0123456789`, [log](https://forge.test/acme/models/actions/runs/42)\n";

fn runner(kind: ForgeKind) -> Runner {
    let runner = Runner::new(kind, Sandbox::new());
    runner.sandbox.write("mcai.yaml", MANIFEST);
    runner
}

/// The plan that creates the model, as the pipeline shows it.
fn created() -> String {
    format!(
        "{MARKER}### shop · Plan: 1 to create on 1 cluster

| Cluster | Where | Models |
|---|---|---|
| `aws-1` | `directory deploy/aws-1` | 1 to create |

#### `aws-1`

```diff
+ Model/llama  create
+     url: hf://x/y
+     replicas: 1..3
```

Merging deploys this, planned anew. {LOG}"
    )
}

fn kept() -> String {
    format!(
        "{MARKER}### shop · No changes: 1 model object as the manifest says

| Cluster | Where | Models |
|---|---|---|
| `aws-1` | `directory deploy/aws-1` | 1 kept |

Nothing would change. {LOG}"
    )
}

#[test]
#[ignore = "needs bash, gh, curl and jq: scripts/test"]
fn a_change_is_checked_shown_and_deployed() {
    for kind in ForgeKind::BOTH {
        let runner = runner(kind);
        let check = runner.ends("check", 0);
        assert!(check.stdout.ends_with("valid: 1 cluster, 1 model\n"));

        let plan = runner.ends("plan", 0);
        let comments = runner.forge.comments();
        assert_eq!(comments.len(), 1, "{kind:?}");
        assert_same("the comment", &comments[0].body, &created());
        let shown = created().replace(MARKER, "");
        assert!(plan.stdout.ends_with(&shown), "{}", plan.stdout);
        assert!(
            !runner.sandbox.dir().join(FILE).exists(),
            "a plan writes nothing"
        );

        let deploy = runner.ends("deploy", 0);
        assert_eq!(runner.report()["kind"], "DeployResult");
        assert!(runner.sandbox.read(FILE).contains("url: hf://x/y"));
        let words = "deploy: deployed: every model is ready (mcai's exit code: 2)\n";
        assert!(deploy.stdout.ends_with(words), "{}", deploy.stdout);
        assert!(deploy.stderr.contains(&format!("written {FILE}")));

        let again = runner.ends("deploy", 0);
        let words =
            "deploy: nothing to do: the clusters are as the manifest says (mcai's exit code: 0)\n";
        assert!(again.stdout.ends_with(words), "{}", again.stdout);
    }
}

#[test]
#[ignore = "needs bash, gh, curl and jq: scripts/test"]
fn a_pull_request_has_one_comment_that_is_kept_up_to_date() {
    for kind in ForgeKind::BOTH {
        let runner = runner(kind);
        // On two pages; somebody plays the pipeline.
        runner.forge.comment(&format!("{MARKER}mine"));
        for number in 0..120 {
            runner.forge.comment(&format!("{number}"));
        }
        runner.ends("plan", 0);
        runner.sandbox.mcai(&["deploy", "--yes"]).code(0);
        let before = runner.forge.comments();
        assert_same("the comment", &before[121].body, &created());

        runner.ends("plan", 0);
        let after = runner.forge.comments();
        assert_same("the comment", &after[121].body, &kept());
        assert_eq!(
            (&before[..121], 122),
            (&after[..121], after.len()),
            "{kind:?}"
        );
    }
}

#[test]
#[ignore = "needs bash, gh, curl and jq: scripts/test"]
fn a_wrong_manifest_fails_the_check_and_shows_why() {
    for kind in ForgeKind::BOTH {
        let runner = runner(kind);
        let manifest = MANIFEST.replace("us-east-1", "us-east-9");
        runner.sandbox.write("mcai.yaml", &manifest);
        let check = runner.ends("check", 1);
        assert!(
            check.stderr.contains("error: unknown region\n"),
            "{}",
            check.stderr
        );
        runner.ends("plan", 1);
        let expected = format!(
            "{MARKER}### mcai failed: 1 error

```diff
! error: unknown region
#   --> mcai.yaml:5:32   cluster `aws-1`: `us-east-9` is not a region of aws
#   5 |   aws-1: {{ cloud: aws, region: us-east-9, directory: deploy/aws-1 }}
#     |                                ^
#   hint: did you mean `us-east-1`?
```

**mcai ended with exit code 1: this can't be deployed as it is.** {LOG}"
        );
        assert_same("the comment", &runner.forge.comments()[0].body, &expected);
        runner.ends("deploy", 1);
        assert!(!runner.sandbox.dir().join("deploy").exists());
    }
}

/// A kubeconfig whose server nobody listens for.
const DEAD: &str = "{apiVersion: v1, kind: Config,
clusters: [{name: gke, cluster: {server: 'http://127.0.0.1:9'}}],
users: [{name: gke, user: {token: secret-token}}],
contexts: [{name: gke, context: {cluster: gke, user: gke}}]}";

#[test]
#[ignore = "needs bash, gh, curl and jq: scripts/test"]
fn an_unreadable_cluster_fails_the_plan_but_is_shown_and_nothing_is_deployed() {
    for kind in ForgeKind::BOTH {
        let mut runner = runner(kind);
        runner.secret_kubeconfig(DEAD);
        let gcp = "  gcp-1: { cloud: gcp, region: europe-west4, context: gke }\nmodels:";
        let manifest = MANIFEST.replace("models:", gcp);
        runner.sandbox.write("mcai.yaml", &manifest);
        runner.ends("check", 0);
        let plan = runner.ends("plan", 7);
        let comment = &runner.forge.comments()[0].body;
        for words in [
            "### shop · Plan: 1 to create on 1 cluster, 1 cluster not read · 1 error\n",
            "(cluster `gcp-1`)\n",
            "127.0.0.1:9",
            "#### `aws-1`\n",
            "**A cluster could not be read: the plan lacks it.**",
        ] {
            assert!(comment.contains(words), "`{words}` in\n{comment}");
        }
        let deploy = runner.ends("deploy", 1);
        let words = "deploy: refused: nothing was changed (mcai's exit code: 1)\n";
        assert!(deploy.stdout.ends_with(words), "{}", deploy.stdout);
        assert!(!runner.sandbox.dir().join(FILE).exists());
        for run in [plan, deploy] {
            let shown = run.stdout + &run.stderr;
            assert!(!shown.contains("secret-token"), "{shown}");
        }
    }
}

#[test]
#[ignore = "needs bash, gh, curl and jq: scripts/test"]
fn a_comment_that_cannot_be_posted_fails_the_job() {
    for kind in ForgeKind::BOTH {
        let runner = runner(kind);
        runner.forge.refuse();
        let plan = runner.ends("plan", 1);
        assert!(plan.stdout.contains("### shop · Plan: 1 to create"));
        assert!(plan.stderr.contains("403"), "{}", plan.stderr);
        // What mcai says counts for more.
        runner.ends_with("plan", 64, &[("MCAI_FLAGS", "--no-such-flag")]);
    }
}

#[test]
#[ignore = "needs bash, gh, curl and jq: scripts/test"]
fn a_comment_whose_answer_gets_lost_is_not_posted_twice() {
    for kind in ForgeKind::BOTH {
        let runner = runner(kind);
        runner.forge.lose_an_answer_to(Method::POST);
        let plan = runner.ends("plan", 1);
        assert!(plan.stderr.contains("504"), "{}", plan.stderr);
        assert_eq!(runner.forge.comments().len(), 1, "{kind:?}");
        runner.ends("plan", 0);
        assert_eq!(runner.forge.comments().len(), 1, "{kind:?}");
    }
    // To read or to write over a comment once more changes nothing, so it is tried again; `gh` never does.
    let runner = runner(ForgeKind::GitLab);
    runner.ends("plan", 0);
    for method in [Method::GET, Method::PUT] {
        runner.forge.lose_an_answer_to(method);
        runner.ends("plan", 0);
        assert_eq!(runner.forge.comments().len(), 1);
    }
}

#[test]
#[ignore = "needs bash, gh, curl and jq: scripts/test"]
fn a_plan_without_a_word_is_never_well() {
    for kind in ForgeKind::BOTH {
        for (code, ends) in [(0, 1), (2, 1), (7, 7), (70, 70)] {
            let runner = runner(kind);
            runner.play_mcai(&format!("[[ $1 != plan ]] || exit {code}"));
            runner.ends("plan", ends);
            let expected = format!(
                "{MARKER}### mcai failed\n\nThe log of the job says why.\n\n\
                 **mcai ended with exit code {code}: this can't be deployed as it is.** {LOG}"
            );
            assert_same("the comment", &runner.forge.comments()[0].body, &expected);
        }
    }
}

/// The stand-in has the script cancelled as soon as it runs itself, and bears no signal.
#[test]
#[ignore = "needs bash, gh, curl and jq: scripts/test"]
fn a_deploy_that_is_cancelled_at_once_leaves_no_mcai_behind() {
    for kind in ForgeKind::BOTH {
        let runner = runner(kind);
        runner.play_mcai(
            "[[ $1 == deploy ]] || exit 0
             kill -INT $PPID
             exec sleep 170",
        );
        let deploy = runner.ends("deploy", 143);
        let words = "deploy: interrupted: what is applied stays, run the job again to go on (mcai's exit code: 143)\n";
        assert!(deploy.stdout.ends_with(words), "{}", deploy.stdout);
    }
}

#[test]
#[ignore = "needs bash, gh, curl and jq: scripts/test"]
fn flags_are_the_same_for_plan_and_deploy() {
    for kind in ForgeKind::BOTH {
        let runner = runner(kind);
        runner.ends("deploy", 0);
        let other = MANIFEST.replace("llama:", "mistral:");
        runner.sandbox.write("mcai.yaml", &other);
        let flags = [("MCAI_FLAGS", "--prune\n--clouds aws\n")];
        runner.ends_with("plan", 0, &flags);
        assert!(
            runner.forge.comments()[0]
                .body
                .contains("- Model/llama  delete\n")
        );
        runner.ends_with("deploy", 0, &flags);
        assert!(!runner.sandbox.dir().join(FILE).exists());

        // Without a word from mcai on stdout the comment points to the log.
        runner.ends_with("plan", 64, &[("MCAI_FLAGS", "--no-such-flag")]);
        let failed = format!(
            "{MARKER}### mcai failed\n\nThe log of the job says why.\n\n\
             **mcai ended with exit code 64: this can't be deployed as it is.** {LOG}"
        );
        assert_same("the comment", &runner.forge.comments()[0].body, &failed);
        let flags = [("MCAI_FLAGS", "--prune\n--no-such-flag\n")];
        runner.ends_with("plan", 64, &flags);
        runner.ends_with("deploy", 64, &flags);
    }
}

#[test]
#[ignore = "needs bash, gh, curl and jq: scripts/test"]
fn what_is_secret_is_for_the_job_alone() {
    let mut runner = runner(ForgeKind::GitHub);
    runner.secret_kubeconfig(DEAD);
    runner.ends("plan", 0);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&runner.sandbox.home().join("kubeconfig")), 0o600);

    let runner = self::runner(ForgeKind::GitLab);
    runner.ends("plan", 0);
    for cloud in ["aws", "gcp", "azure"] {
        let file = format!(".mcai/{cloud}-id-token");
        let token = format!("token of {}_ID_TOKEN", cloud.to_uppercase());
        assert_same(&file, &runner.sandbox.read(&file), &token);
        assert_eq!(mode(&runner.sandbox.dir().join(&file)), 0o600);
    }
}

#[test]
#[ignore = "needs bash, gh, curl and jq: scripts/test"]
fn without_mcai_on_the_runner_its_source_must_be_named_exactly() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let tools = tempfile::tempdir().unwrap();
    let path = without_mcai(tools.path());
    for (variables, error) in [
        (
            &[][..],
            "MCAI_REPOSITORY is not set: the URL of mcai's Git repository",
        ),
        (
            &[
                ("MCAI_REPOSITORY", "https://forge.test/mcai"),
                ("MCAI_REVISION", "main"),
            ],
            "MCAI_REVISION is not a full commit of mcai",
        ),
        (
            &[
                ("MCAI_REPOSITORY", "file:///nowhere"),
                ("MCAI_REVISION", commit),
            ],
            "failed to clone into: ",
        ),
    ] {
        let sandbox = Sandbox::new();
        let run = Command::new("bash")
            .arg(fs::canonicalize("examples/ci/install.sh").unwrap())
            .current_dir(sandbox.dir())
            .env("PATH", &path)
            .env("CARGO_HOME", sandbox.home())
            .env("CARGO_NET_RETRY", "0")
            .env_remove("GITLAB_CI")
            .env_remove("GITHUB_PATH")
            .env_remove("MCAI_REPOSITORY")
            .env_remove("MCAI_REVISION")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let stderr = String::from_utf8_lossy(&run.stderr);
        assert!(!run.status.success() && stderr.contains(error), "{stderr}");
    }
}

/// Returns PATH without mcai. Whoever has installed it has it beside cargo, which is needed: instead of such a folder
/// there is one with links to all else that is in it.
fn without_mcai(tools: &Path) -> OsString {
    let path = std::env::var_os("PATH").expect("PATH");
    let folders = std::env::split_paths(&path).enumerate().map(|(i, folder)| {
        if !folder.join("mcai").exists() {
            return folder;
        }
        let links = tools.join(i.to_string());
        fs::create_dir(&links).unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name() != "mcai" {
                symlink(entry.path(), links.join(entry.file_name())).unwrap();
            }
        }
        links
    });
    std::env::join_paths(folders).unwrap()
}
