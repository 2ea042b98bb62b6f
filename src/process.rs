//! Runs other programs (credential plugins, helm): no standard input, a time limit, a limit on what they may
//! say, and an end when the caller goes away. It never prints; what a program said on stderr goes through
//! [`redact`] before a person sees it. Main type: [`Command`].

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::text;

/// What is kept of stdout and of stderr. A credential is a few kilobytes; what says more is not one.
const OUTPUT_LIMIT: usize = 1 << 20;

/// A program to run, with what is added to the environment of mcai.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Command {
    pub program: String,
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub limit: Duration,
}

/// Without arguments and environment: both may hold secrets.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("program", &self.program)
            .finish_non_exhaustive()
    }
}

/// What a program answered, whatever its exit code was.
pub struct Output {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    /// The beginning of stderr, made valid text.
    pub stderr: String,
}

#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("there is no such program")]
    NotFound,
    #[error("no end within {}", text::duration(*.0))]
    Timeout(Duration),
    #[error("more than 1 MiB on stdout")]
    TooMuch,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Runs a program to its end. Dropping the future kills it.
pub async fn run(command: &Command) -> Result<Output, ProcessError> {
    let mut child = tokio::process::Command::new(&command.program)
        .args(&command.args)
        .envs(&command.env)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ProcessError::NotFound,
            _ => ProcessError::Io(error),
        })?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async { tokio::try_join!(child.wait(), beginning(stdout), beginning(stderr)) };
    let (status, (stdout, whole), (stderr, _)) =
        tokio::time::timeout(command.limit, work)
            .await
            .map_err(|_| ProcessError::Timeout(command.limit))??;
    if !whole {
        return Err(ProcessError::TooMuch);
    }
    Ok(Output {
        status,
        stdout,
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    })
}

/// Returns the beginning of what a pipe says, and whether that is all. It reads on to the end: a program that
/// can't write would never end.
async fn beginning(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<(Vec<u8>, bool)> {
    let Some(mut pipe) = pipe else {
        return Ok((Vec::new(), true));
    };
    let mut kept = Vec::new();
    (&mut pipe)
        .take(OUTPUT_LIMIT as u64)
        .read_to_end(&mut kept)
        .await?;
    let rest = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await?;
    Ok((kept, rest == 0))
}

/// The shortest secret value that is replaced: shorter ones would take ordinary words with them.
const SECRET_MIN: usize = 4;
/// From this length on a run of mixed characters is taken for a token.
const TOKEN_MIN: usize = 24;
/// From this length on small letters and digits alone are: a UUID is shorter, or has dashes.
const HEX_MIN: usize = 40;

/// Replaces the given secrets, what follows `Bearer`, and whatever looks like a token, by `***`.
pub fn redact(text: &str, secrets: &[&str]) -> String {
    let mut secrets: Vec<&str> = secrets
        .iter()
        .copied()
        .filter(|s| s.len() >= SECRET_MIN)
        .collect();
    // Longest first: a secret may contain another one.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let known = secrets
        .iter()
        .fold(text.to_owned(), |text, secret| text.replace(secret, "***"));
    redact_tokens(&known)
}

fn redact_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_bearer = false;
    while let Some(first) = rest.chars().next() {
        let in_word = is_token_char(first);
        let end = rest
            .find(|c| is_token_char(c) != in_word)
            .unwrap_or(rest.len());
        let (run, tail) = rest.split_at(end);
        if in_word && (after_bearer || looks_like_token(run)) {
            out.push_str("***");
        } else {
            out.push_str(run);
        }
        // Only blanks may stand between `Bearer` and its token.
        after_bearer = if in_word {
            run.eq_ignore_ascii_case("bearer")
        } else {
            after_bearer && run.trim().is_empty()
        };
        rest = tail;
    }
    out
}

/// The characters of base64, of base64url and of the prefixes that vendors give their tokens. No dot: a JWT is
/// three tokens, and host names stay readable.
fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | '=' | '/')
}

fn looks_like_token(run: &str) -> bool {
    // An absolute path is judged by its parts.
    if run.starts_with('/') {
        return run.split('/').any(looks_like_token);
    }
    let has = |class: fn(&char) -> bool| run.chars().any(|c| class(&c));
    let digits = has(char::is_ascii_digit);
    let lower = has(char::is_ascii_lowercase);
    let upper = has(char::is_ascii_uppercase);
    (run.len() >= TOKEN_MIN && digits && lower && upper)
        || (run.len() >= HEX_MIN && digits && (lower || upper) && !run.contains('-'))
}

/// Returns foreign words as one plain line: no colours, no control characters, no runs of blanks.
pub fn plain(text: &str) -> String {
    let text = anstream::adapter::strip_str(text).to_string();
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        Command {
            program: "sh".into(),
            args: vec!["-c".into(), script.into()],
            env: BTreeMap::from([("WHO".into(), "world".into())]),
            limit: Duration::from_secs(5),
        }
    }

    #[tokio::test]
    async fn collects_output_and_exit_code() {
        let output = run(&sh("echo hello $WHO; echo oops >&2; cat; exit 3"))
            .await
            .unwrap();
        assert_eq!(output.stdout, b"hello world\n");
        assert_eq!(output.stderr, "oops\n");
        assert_eq!(output.status.code(), Some(3));
    }

    #[tokio::test]
    async fn names_what_went_wrong() {
        let missing = Command {
            program: "/no/such/program".into(),
            ..sh("")
        };
        assert!(matches!(run(&missing).await, Err(ProcessError::NotFound)));
        let slow = Command {
            limit: Duration::from_millis(50),
            ..sh("exec sleep 5")
        };
        assert!(matches!(run(&slow).await, Err(ProcessError::Timeout(_))));
        let chatty = sh("head -c 1100000 /dev/zero; head -c 3000000 /dev/zero >&2");
        assert!(matches!(run(&chatty).await, Err(ProcessError::TooMuch)));
    }

    #[test]
    fn makes_foreign_words_plain() {
        assert_eq!(
            plain("\x1b[31mE1: \x07no\r\n\tentry\u{85}\x1b[0m"),
            "E1: no entry"
        );
    }

    #[test]
    fn hides_secrets_and_tokens() {
        let jwt = "eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJzdWIiOiJtZSIsImV4cCI6MTc5OTk5OTk5OX0.c2lnbmF0dXJlMTIzNDU2Nzg5MEE";
        let cases = [
            ("key hunter22 and hunter22x", "key *** and ***x"),
            ("abc is too short", "abc is too short"),
            (
                "Authorization: Bearer s3cr3t.",
                "Authorization: Bearer ***.",
            ),
            (jwt, "***.***.***"),
            ("AKIAIOSFODNN7/wJalrXUtnFEMI/K7MDENG", "***"),
            ("dop_v1_0123456789abcdef0123456789abcdef0123456789", "***"),
            (
                "correlation 0b0e2f9c-52e4-4d3a-9a3e-0f0f0f0f0f0f",
                "correlation 0b0e2f9c-52e4-4d3a-9a3e-0f0f0f0f0f0f",
            ),
            (
                "/home/user/projects/2026/kubeconfig",
                "/home/user/projects/2026/kubeconfig",
            ),
            (
                "https://oidc.eks.eu-west-1.amazonaws.com",
                "https://oidc.eks.eu-west-1.amazonaws.com",
            ),
        ];
        for (text, redacted) in cases {
            assert_eq!(redact(text, &["hunter22", "abc"]), redacted);
        }
    }
}
