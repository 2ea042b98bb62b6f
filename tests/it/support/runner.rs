//! A stand-in for the runners of GitHub and GitLab: reads examples/ci as they do and executes the steps of a job with
//! bash. What only a forge has is left out: actions (`uses:`), images, caches, artifacts.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use super::condition::{Values, holds};
use super::contract::fault;
use super::forge::{Forge, TOKEN};
use super::program::{Run, Running, Sandbox};

/// What a deploy leaves for later steps.
const REPORT: &str = "mcai-deploy.json";

type Variables = BTreeMap<String, String>;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ForgeKind {
    GitHub,
    GitLab,
}

impl ForgeKind {
    pub(crate) const BOTH: [ForgeKind; 2] = [ForgeKind::GitHub, ForgeKind::GitLab];

    /// The pipeline's file in the repository.
    pub(crate) fn file(self) -> &'static str {
        match self {
            ForgeKind::GitHub => "examples/ci/github/mcai.yml",
            ForgeKind::GitLab => "examples/ci/gitlab/.gitlab-ci.yml",
        }
    }

    pub(crate) fn pipeline(self) -> Value {
        let text = fs::read_to_string(self.file()).expect("the pipeline");
        serde_saphyr::from_str(&text).expect("it is YAML")
    }
}

/// Names the jobs that GitHub would run where these names have these values.
pub(crate) fn jobs_of_github(values: &Values<'_>) -> Vec<String> {
    let pipeline = ForgeKind::GitHub.pipeline();
    let jobs = pipeline["jobs"].as_object().expect("jobs");
    let run = |job: &Value| {
        let condition = job.get("if").map(|text| text.as_str().expect("a text"));
        condition.is_none_or(|condition| holds(condition, values))
    };
    let run = jobs.iter().filter(|(_, job)| run(job));
    run.map(|(name, _)| name.clone()).collect()
}

/// One job's steps: the name and what to execute, with the variables of this step alone.
struct Step {
    name: String,
    script: String,
    variables: Variables,
}

pub(crate) struct Runner {
    pub(crate) sandbox: Sandbox,
    pub(crate) forge: Forge,
    kind: ForgeKind,
    kubeconfig: String,
}

impl Runner {
    /// A project's checkout with the scripts where the README says that they are to be.
    pub(crate) fn new(kind: ForgeKind, mut sandbox: Sandbox) -> Runner {
        for folder in ["examples/ci", "examples/ci/gitlab"] {
            for entry in fs::read_dir(folder).expect("the examples") {
                let path = entry.expect("an entry").path();
                if path.extension().is_some_and(|extension| extension == "sh") {
                    let name = path.file_name().expect("a name").to_string_lossy();
                    let text = fs::read_to_string(&path).expect("a script");
                    let place = format!("ci/mcai/{name}");
                    sandbox.write(&place, &text);
                    let mode = fs::metadata(&path).expect("its mode").permissions();
                    fs::set_permissions(sandbox.dir().join(place), mode).expect("can set it");
                }
            }
        }
        let program = PathBuf::from(env!("CARGO_BIN_EXE_mcai"));
        let folder = program.parent().expect("a folder").display();
        let path = std::env::var("PATH").unwrap_or_default();
        let first = sandbox.home().join("bin");
        sandbox.env("PATH", &format!("{}:{folder}:{path}", first.display()));
        sandbox.env("CI", "true");
        let socket = sandbox.home().join("forge");
        let forge = Forge::start(&socket);
        let settings = sandbox.home().join(".config/gh");
        fs::create_dir_all(&settings).expect("can make the folder");
        let text = format!("http_unix_socket: {}\n", socket.display());
        fs::write(settings.join("config.yml"), text).expect("can write gh's settings");
        Runner {
            sandbox,
            forge,
            kind,
            kubeconfig: String::new(),
        }
    }

    /// The kubeconfig that the forge keeps as a secret.
    pub(crate) fn secret_kubeconfig(&mut self, text: &str) {
        self.kubeconfig = text.to_owned();
    }

    /// From now on a script of bash plays mcai.
    pub(crate) fn play_mcai(&self, script: &str) {
        let folder = self.sandbox.home().join("bin");
        fs::create_dir_all(&folder).expect("can make the folder");
        let program = folder.join("mcai");
        fs::write(&program, format!("#!/usr/bin/env bash\n{script}\n")).expect("can write it");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(&program, mode).expect("can set it");
    }

    /// The report of the last deploy, which keeps to its schema.
    #[track_caller]
    pub(crate) fn report(&self) -> Value {
        let text = self.sandbox.read(REPORT);
        let report = serde_json::from_str(&text).expect("JSON");
        assert_eq!(fault(&report), None, "{text}");
        report
    }

    /// Executes a job that is to end with this code; returns its last step.
    #[track_caller]
    pub(crate) fn ends(&self, job: &str, code: i32) -> Run {
        self.ends_with(job, code, &[])
    }

    /// Executes a job with other variables than the pipeline says; a step that fails is the last.
    #[track_caller]
    pub(crate) fn ends_with(&self, job: &str, code: i32, variables: &[(&str, &str)]) -> Run {
        let report = self.sandbox.dir().join(REPORT);
        // Every job has a checkout of its own.
        let _ = fs::remove_file(&report);
        let mut last = None;
        for mut step in self.steps(job) {
            for (name, value) in variables {
                step.variables.insert((*name).into(), (*value).into());
            }
            let run = self.start(&step).wait();
            let failed = run.code != Some(0);
            last = Some((step.name, run));
            if failed {
                break;
            }
        }
        let (step, run) = last.expect("a step");
        assert_eq!(
            run.code,
            Some(code),
            "{:?}, job {job}, step {step}\n{}\n{}",
            self.kind,
            run.stdout,
            run.stderr
        );
        if report.exists() {
            self.report();
        }
        run
    }

    /// Executes a job's steps but the last, which is started and left alone.
    pub(crate) fn starts(&self, name: &str) -> Running {
        let mut steps = self.steps(name);
        let last = steps.pop().expect("a step");
        for step in steps {
            self.start(&step).wait().code(0);
        }
        self.start(&last)
    }

    fn start(&self, step: &Step) -> Running {
        let script = self.sandbox.home().join("step.sh");
        fs::write(&script, &step.script).expect("can write the script");
        let mut variables = step.variables.clone();
        variables.extend(self.exported());
        let words = ["--noprofile", "--norc", "-e", &script.display().to_string()];
        self.sandbox.program("bash", &words, &variables)
    }

    fn steps(&self, job: &str) -> Vec<Step> {
        let pipeline = self.kind.pipeline();
        match self.kind {
            ForgeKind::GitHub => self.steps_of_github(&pipeline, job),
            ForgeKind::GitLab => vec![self.step_of_gitlab(&pipeline, job)],
        }
    }

    fn steps_of_github(&self, pipeline: &Value, job: &str) -> Vec<Step> {
        let steps = pipeline["jobs"][job]["steps"].as_array().expect("steps");
        let runs = steps.iter().filter(|step| step.get("run").is_some());
        runs.map(|step| {
            let mut variables = self.variables_of_github();
            for map in [&pipeline["env"], &step["env"]] {
                variables.extend(self.resolved(map));
            }
            Step {
                name: step["name"].as_str().expect("a name").to_owned(),
                script: step["run"].as_str().expect("a script").to_owned(),
                variables,
            }
        })
        .collect()
    }

    /// A file in which a step leaves something for the next.
    fn file(&self, name: &str) -> String {
        self.sandbox.home().join(name).display().to_string()
    }

    fn variables_of_github(&self) -> Variables {
        [
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_REPOSITORY", "acme/models".to_owned()),
            ("RUNNER_TEMP", self.sandbox.home().display().to_string()),
            ("GITHUB_ENV", self.file("github-env")),
            ("GITHUB_PATH", self.file("github-path")),
            ("GITHUB_STEP_SUMMARY", self.file("github-summary")),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// What earlier steps wrote to `GITHUB_ENV`.
    fn exported(&self) -> Variables {
        let text = fs::read_to_string(self.file("github-env")).unwrap_or_default();
        let pairs = text
            .lines()
            .map(|line| line.split_once('=').expect("a pair"));
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// Returns variables with their `${{ }}` replaced.
    fn resolved(&self, map: &Value) -> Variables {
        let entries = map.as_object().into_iter().flatten();
        entries
            .map(|(name, value)| {
                let mut text = value.as_str().expect("a text").to_owned();
                while let Some((before, rest)) = text.split_once("${{") {
                    let (expression, after) = rest.split_once("}}").expect("its end");
                    text = format!("{before}{}{after}", self.context(expression.trim()));
                }
                (name.clone(), text)
            })
            .collect()
    }

    fn context(&self, expression: &str) -> &str {
        match expression {
            "github.token" => TOKEN,
            "github.event.pull_request.number" => "7",
            "github.event.pull_request.head.sha" => "0123456789abcdef0123456789abcdef01234567",
            "github.server_url" => "https://forge.test",
            "github.repository" => "acme/models",
            "github.run_id" => "42",
            "secrets.MCAI_KUBECONFIG" | "secrets.MCAI_PLAN_KUBECONFIG" => &self.kubeconfig,
            "vars.MCAI_REPOSITORY" | "vars.MCAI_REVISION" => "",
            other => panic!("the stand-in knows no `{other}`"),
        }
    }

    /// One shell executes all lines.
    fn step_of_gitlab(&self, pipeline: &Value, job: &str) -> Step {
        let template = pipeline[job]["extends"].as_str().unwrap_or_default();
        let mut variables = self.variables_of_gitlab();
        for map in [&pipeline["variables"], &pipeline[template]["variables"]] {
            for (name, value) in map.as_object().into_iter().flatten() {
                let value = value.as_str().expect("a text");
                let directory = self.sandbox.dir().display().to_string();
                variables.insert(name.clone(), value.replace("$CI_PROJECT_DIR", &directory));
            }
        }
        let lines = [
            &pipeline["default"]["before_script"],
            &pipeline[job]["script"],
        ];
        let lines = lines
            .iter()
            .flat_map(|lines| lines.as_array().expect("lines"));
        let script: String = lines
            .map(|line| line.as_str().expect("a line").to_owned() + "\n")
            .collect();
        if template == ".clouds" {
            let tokens = pipeline[template]["id_tokens"].as_object();
            let names = tokens.expect("tokens").keys();
            variables.extend(names.map(|name| (name.clone(), format!("token of {name}"))));
        }
        Step {
            name: "script".to_owned(),
            script: format!("set -o pipefail\n{script}"),
            variables,
        }
    }

    fn variables_of_gitlab(&self) -> Variables {
        // A variable of type file: its value is a path.
        let kubeconfig = self.sandbox.home().join("kubeconfig");
        fs::write(&kubeconfig, &self.kubeconfig).expect("can write the kubeconfig");
        fs::set_permissions(&kubeconfig, fs::Permissions::from_mode(0o600)).expect("can set it");
        [
            ("GITLAB_CI", "true".to_owned()),
            ("CI_PROJECT_DIR", self.sandbox.dir().display().to_string()),
            ("CI_PROJECT_ID", "1".to_owned()),
            ("CI_MERGE_REQUEST_IID", "7".to_owned()),
            (
                "CI_API_V4_URL",
                format!("http://{}/api/v4", self.forge.address),
            ),
            (
                "CI_COMMIT_SHA",
                "0123456789abcdef0123456789abcdef01234567".to_owned(),
            ),
            (
                "CI_JOB_URL",
                "https://forge.test/acme/models/actions/runs/42".to_owned(),
            ),
            ("MCAI_GITLAB_TOKEN", TOKEN.to_owned()),
            ("KUBECONFIG", kubeconfig.display().to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }
}
