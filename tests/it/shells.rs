//! Completion in real shells, and mcai as a plugin of kubectl. Names come from the manifest; no cluster is asked.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::support::{Run, Sandbox};

/// A cluster that would never answer: completion must not ask it.
const MANIFEST: &str = "version: 1
project: shells
id: k7m2q9x4p1zt
clusters:
  aws-us-east-1: { cloud: aws, region: us-east-1, stage: prod, context: dead }
  gcp-europe-west4: { cloud: gcp, region: europe-west4, stage: test, context: eks-prod }
models:
  llama-3-8b:
    spec: { engine: VLLM, features: [TextGeneration], url: hf://x/y }
  qwen-7b:
    spec: { engine: VLLM, features: [TextGeneration], url: hf://x/y }
";

const KUBECONFIG: &str = "clusters: [{ name: dead, cluster: { server: 'https://127.0.0.1:9' } }]
users: [{ name: me, user: {} }]
contexts:
- { name: dead, context: { cluster: dead, user: me } }
- { name: eks-prod, context: { cluster: dead, user: me } }
";

/// A project, with `mcai` and `kubectl-mcai` in PATH.
fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::new();
    sandbox.write("mcai.yaml", MANIFEST);
    sandbox.write("kubeconfig", KUBECONFIG);
    let bin = sandbox.home().join("bin");
    fs::create_dir(&bin).expect("can make the folder");
    for (program, name) in [
        (env!("CARGO_BIN_EXE_mcai"), "mcai"),
        (env!("CARGO_BIN_EXE_kubectl-mcai"), "kubectl-mcai"),
        (
            concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/completions/kubectl_complete-mcai"
            ),
            "kubectl_complete-mcai",
        ),
    ] {
        symlink(program, bin.join(name)).expect("can link");
    }
    let path = format!(
        "{}:{}",
        bin.display(),
        std::env::var("PATH").unwrap_or_default()
    );
    let kubeconfig = sandbox.dir().join("kubeconfig").display().to_string();
    sandbox
        .env("PATH", &path)
        .env("KUBECONFIG", &kubeconfig)
        .env("TERM", "dumb");
    sandbox
}

/// What is typed before the tab, and what a shell offers then.
const OFFERS: [(&str, &[&str]); 8] = [
    ("mcai deploy ", &["llama-3-8b", "qwen-7b"]),
    ("mcai deploy q", &["qwen-7b"]),
    ("mcai plan --clusters a", &["aws-us-east-1"]),
    ("mcai status --stage ", &["prod", "test"]),
    ("mcai check -m mcai.yaml -o j", &["json", "jsonl"]),
    ("mcai dep", &["deploy"]),
    ("mcai plan --clus", &["--cluster-timeout", "--clusters"]),
    ("mcai help ex", &["exit-codes"]),
];

/// Runs a script that prints the offers for its one argument, a line each.
fn offers(sandbox: &Sandbox, shell: &str, script: &str, typed: &str) -> Vec<String> {
    let run = sandbox.run(shell, &["-c", script, shell, typed]);
    assert_eq!(run.stderr, "", "{shell}: {typed}");
    sorted(&run)
}

fn sorted(run: &Run) -> Vec<String> {
    let mut offers: Vec<String> = run.stdout.lines().map(str::to_owned).collect();
    offers.retain(|line| !line.is_empty());
    offers.sort();
    offers
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn bash_completes_with_the_names_of_the_manifest() {
    let script = r#"
source <(mcai completion bash)
read -ra COMP_WORDS <<<"$1"
[[ $1 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_TYPE=9
_clap_complete_mcai mcai "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}""#;
    let sandbox = sandbox();
    for (typed, expected) in OFFERS {
        assert_eq!(offers(&sandbox, "bash", script, typed), expected, "{typed}");
    }
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn fish_completes_with_the_names_of_the_manifest() {
    let script =
        "source (mcai completion fish | psub); complete -C $argv[1] | string replace -r '\\t.*' ''";
    let sandbox = sandbox();
    let fish = |typed: &str| {
        let run = sandbox.run("fish", &["-c", script, typed]);
        assert_eq!(run.stderr, "", "{typed}");
        sorted(&run)
    };
    for (typed, expected) in OFFERS {
        assert_eq!(fish(typed), expected, "{typed}");
    }
    assert_eq!(
        fish("mcai plan --context aws-us-east-1="),
        ["aws-us-east-1=dead", "aws-us-east-1=eks-prod"]
    );
    assert_eq!(
        fish("mcai plan --clusters gcp-europe-west4,a"),
        ["gcp-europe-west4,aws-us-east-1"]
    );
}

/// Types lines, each with the tab key at its end, in a shell on a terminal of its own; returns what stands there then.
/// After the tab each line becomes a comment, so that it is shown whole and not run.
fn typed(sandbox: &Sandbox, shell: &str, setup: &str, lines: &[&str]) -> String {
    let script = r#"
shell=$1 setup=$2
shift 2
{
  printf '%s\n' "$setup"
  sleep 2
  for line; do
    printf '%s\t' "$line"
    sleep 1
    printf '\001#\n'
    sleep 0.2
  done
  printf 'exit\n'
} | script --quiet --command "$shell" /dev/null"#;
    let words = [&["-c", script, "bash", shell, setup], lines].concat();
    sandbox.run("bash", &words).stdout
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn the_tab_key_completes_in_zsh_and_bash() {
    let sandbox = sandbox();
    let zsh = "PS1=; autoload -U compinit; compinit -u -D; source <(mcai completion zsh)";
    let bash = "PS1=; source <(mcai completion bash)";
    let lines = [
        ("mcai deploy q", "mcai deploy qwen-7b"),
        ("mcai plan --clusters gcp", "--clusters gcp-europe-west4"),
        ("mcai plan --clusters=gcp", "--clusters=gcp-europe-west4"),
        (
            "mcai plan --context aws-us-east-1=e",
            "aws-us-east-1=eks-prod",
        ),
        (
            "mcai -C .. -m project/mcai.yaml status q",
            "project/mcai.yaml status qwen-7b",
        ),
    ];
    for (shell, setup) in [("zsh -f -i", zsh), ("bash --norc -i", bash)] {
        let shown = typed(&sandbox, shell, setup, &lines.map(|(line, _)| line));
        for (line, whole) in lines {
            assert!(shown.contains(whole), "{shell}: {line}\n{shown}");
        }
    }
}

/// PowerShell can't be had from a package registry: what its registration would call is called here.
#[test]
fn powershell_is_answered_by_its_protocol() {
    let mut sandbox = sandbox();
    sandbox.env("MCAI_COMPLETE", "powershell");
    let run = sandbox.mcai(&["--", "mcai", "deploy", "q"]);
    run.is(0, "qwen-7b\n", "");
}

#[test]
#[ignore = "needs the real parts: scripts/test"]
fn kubectl_finds_mcai_and_completes_it() {
    let sandbox = sandbox();
    let kubectl = std::env::var("MCAI_TEST_KUBECTL").expect("scripts/test says where kubectl is");
    let run = sandbox.run(&kubectl, &["mcai", "check"]);
    run.is(0, "valid: 2 clusters, 2 models\n", "");
    let run = sandbox.run(&kubectl, &["mcai", "plan", "--help"]);
    assert!(
        run.code(0).stdout.contains("Usage: kubectl mcai plan "),
        "{}",
        run.stdout
    );
    let run = sandbox.run(&kubectl, &["mcai", "frob"]);
    assert!(
        run.code(64).stderr.contains("Usage: kubectl mcai "),
        "{}",
        run.stderr
    );
    let run = sandbox.run(&kubectl, &["__complete", "mcai", "deploy", ""]);
    assert!(
        run.code(0).stdout.starts_with("llama-3-8b\nqwen-7b\n:4\n"),
        "{}",
        run.stdout
    );
    assert!(Path::new(&kubectl).is_file());
}
