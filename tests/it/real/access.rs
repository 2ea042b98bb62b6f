//! Ways to a cluster: kubeconfig lists, contexts of one's own, credential plugins, rights.

use serde_json::{Value, json};

use super::{Fleet, in_order, model};
use crate::support::kubeconfig;

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn contexts_come_from_flags_variables_and_the_users_settings() {
    let mut fleet = Fleet::new(1);
    fleet.manifest(&model("llama", ", minReplicas: 0"));
    let access = fleet.kubeai[0].cluster.access();
    std::fs::write(
        fleet.sandbox.dir().join("one"),
        kubeconfig(&[("other", access.clone())]),
    )
    .unwrap();
    std::fs::write(
        fleet.sandbox.dir().join("two"),
        kubeconfig(&[("mine", access)]),
    )
    .unwrap();
    let run = fleet.run(&["plan", "--kubeconfig", "one"]);
    run.code(7);
    in_order(
        &run.stderr,
        &[
            "error: unknown kubeconfig context (cluster `aws-us-east-1`)",
            "mcai.yaml:6:60   no context `c1` in `[DIR]/one`",
        ],
    );
    fleet
        .run(&[
            "plan",
            "--kubeconfig",
            "one",
            "--context",
            "aws-us-east-1=other",
        ])
        .code(0);
    let list = std::env::join_paths([
        fleet.sandbox.dir().join("missing"),
        fleet.sandbox.dir().join("one"),
        fleet.sandbox.dir().join("two"),
    ])
    .unwrap();
    fleet
        .sandbox
        .env("KUBECONFIG", &list.into_string().unwrap());
    fleet.sandbox.env("MCAI_CONTEXT_AWS_US_EAST_1", "mine");
    let run = fleet.run(&["plan"]);
    in_order(&run.code(0).stdout, &["aws-us-east-1  (context mine)\n"]);
    let run = fleet.run(&["config", "view", "--origin"]);
    in_order(
        &run.code(0).stdout,
        &["aws-us-east-1:  # context mine (MCAI_CONTEXT_AWS_US_EAST_1)\n"],
    );
    fleet.sandbox.env("MCAI_CONTEXT_AWS_US_EAST_1", "");
    let settings = fleet.sandbox.home().join(".config/mcai");
    std::fs::create_dir_all(&settings).unwrap();
    std::fs::write(
        settings.join("config.yaml"),
        "contexts:\n  aws-us-east-1: other\n",
    )
    .unwrap();
    let run = fleet.run(&["config", "view", "--origin"]);
    in_order(
        &run.code(0).stdout,
        &["aws-us-east-1:  # context other ([HOME]/.config/mcai/config.yaml:2:18)\n"],
    );
    fleet.run(&["plan"]).code(0);
    let run = fleet.run(&["plan", "--context", "aws-us-est-1=other"]);
    run.code(1);
    in_order(&run.stderr, &["hint: did you mean `aws-us-east-1`?"]);
}

/// Makes a script the credential plugin of the first context.
fn log_in_with(fleet: &Fleet, script: &str) {
    let contexts = [("c1", fleet.kubeai[0].cluster.access())];
    let mut config: Value = serde_json::from_str(&kubeconfig(&contexts)).unwrap();
    config["users"][0]["user"] = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script],
        "env": [{"name": "SECRET_OF_PLUGIN", "value": "s3cr3t-value"}],
        "installHint": "get the plugin from its makers", "interactiveMode": "IfAvailable",
    }});
    let file = fleet.sandbox.home().join(".kube/config");
    std::fs::write(file, config.to_string()).unwrap();
}

/// What a plugin prints to log in at the first cluster.
fn answer_of_plugin(fleet: &Fleet) -> Value {
    let token = fleet.kubeai[0].cluster.access().token;
    json!({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token}})
}

/// The log promises to have no header, body or credential in it.
#[test]
#[ignore = "needs the real parts: scripts/test"]
fn the_log_tells_of_requests_and_plugins_but_nothing_that_is_secret() {
    let fleet = Fleet::new(1);
    let answer = answer_of_plugin(&fleet);
    let token = fleet.kubeai[0].cluster.access().token;
    let secrets = [
        &token,
        "Bearer",
        "s3cr3t-of-model",
        "s3cr3t-value",
        "ExecCredential",
        "said-by-plugin",
    ];
    // Without a plugin first.
    for (name, plugin) in [("with-token", false), ("with-plugin", true)] {
        let more = ", minReplicas: 0, env: { HF_TOKEN: s3cr3t-of-model }";
        fleet.manifest(&model(name, more));
        if plugin {
            log_in_with(&fleet, &format!("echo said-by-plugin >&2; echo '{answer}'"));
        }
        for words in ["plan -vv", "deploy --yes -vv --log-format json"] {
            let run = fleet.run(&words.split(' ').collect::<Vec<_>>());
            let log = &run.code(0).stderr;
            // There is a log, of all that has secrets.
            let request = format!("PATCH /apis/kubeai.org/v1/namespaces/[NS]/models/{name}");
            assert!(log.contains(&request), "{log}");
            assert_eq!(log.contains("ran a credential plugin"), plugin, "{log}");
            for secret in secrets {
                assert!(!log.contains(secret), "`{secret}` in\n{log}");
            }
        }
        let stored = fleet.kubeai[0].model(name).expect("it is deployed");
        assert_eq!(stored["spec"]["env"]["HF_TOKEN"], "s3cr3t-of-model");
    }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn a_credential_plugin_is_run_once_and_its_failure_is_told_without_its_secrets() {
    let fleet = Fleet::new(1);
    fleet.manifest(&(model("one", ", minReplicas: 0") + &model("two", ", minReplicas: 0")));
    let count = fleet.sandbox.dir().join("count");
    let answer = answer_of_plugin(&fleet);
    log_in_with(
        &fleet,
        &format!("echo x >> {}; echo '{answer}'", count.display()),
    );
    fleet.run(&["plan"]).code(0);
    assert_eq!(std::fs::read_to_string(&count).unwrap(), "x\n");

    let script = "echo \"cannot log in with $SECRET_OF_PLUGIN\" >&2; exit 3";
    log_in_with(&fleet, script);
    let run = fleet.run(&["plan"]);
    run.code(7);
    in_order(&run.stderr, &["cannot log in with ***"]);
    assert!(!run.stderr.contains("s3cr3t"), "{}", run.stderr);
    assert!(
        run.stderr.contains("(cluster `aws-us-east-1`)"),
        "{}",
        run.stderr
    );
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn who_may_only_read_gets_a_plan_that_is_not_verified_and_no_deploy() {
    let fleet = Fleet::new(1);
    fleet.manifest(&model("llama", ", minReplicas: 0"));
    let rules =
        json!([{"apiGroups": ["kubeai.org"], "resources": ["models"], "verbs": ["get", "list"]}]);
    fleet.contexts(&[("c1", fleet.kubeai[0].user(&rules))]);
    let run = fleet.run(&["plan"]);
    run.code(0);
    in_order(
        &run.stdout,
        &["  + Model/llama  create  (not verified by the server)\n"],
    );
    in_order(
        &run.stderr,
        &[
            "error: cannot apply the model (cluster `aws-us-east-1`)",
            "403",
            "cannot patch resource",
        ],
    );
    fleet.run(&["deploy", "--yes"]).code(1);
    assert!(fleet.kubeai[0].model("llama").is_none());

    // Reading nothing but models and writing them is enough.
    let rules = json!([{"apiGroups": ["kubeai.org"], "resources": ["models"], "verbs": ["get", "list", "patch", "create"]}]);
    fleet.contexts(&[("c1", fleet.kubeai[0].user(&rules))]);
    let run = fleet.run(&["deploy", "--yes"]);
    run.code(0);
    in_order(&run.stderr, &["warning: cannot leave mcai's marker"]);
}
