//! What went wrong, as a value: one [`Problem`] serves findings in the manifest, clusters that could not be
//! read, events and failures. `report` words it for people, `failure` maps it to an exit code.

use std::fmt;
use std::sync::Arc;

/// The case a problem belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The manifest, or a Model in it, is wrong.
    Manifest,
    /// A rule of residency is not met.
    Residency,
    /// The fleet would cost more than the manifest's budget.
    Budget,
    /// A price is older than it may be.
    PriceAge,
    /// A flag, a setting or a kubeconfig is wrong.
    Settings,
    /// A credential plugin failed, or its answer can't be used.
    Credentials,
    /// No connection: refused, reset, name not found, TLS.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// 401.
    Unauthorized,
    /// 403.
    Denied,
    /// 404: the object, the namespace or the whole API.
    NotFound,
    /// Another field manager owns a field, or the object belongs to somebody else.
    Conflict,
    /// 400 or 422: the server refuses the object.
    Rejected,
    /// 429.
    Throttled,
    /// 5xx.
    Unavailable,
    /// An answer that is not the Kubernetes API's.
    Protocol,
    /// The context leads to another cluster than the manifest says.
    WrongCluster,
    /// The cluster changed after the plan was made.
    Stale,
    /// A model does not get ready.
    NotReady,
    /// A file can't be read or written.
    Io,
    /// The command line is wrong.
    Usage,
    /// A signal ended the run before it began to write.
    Interrupted,
    /// A bug in mcai.
    Internal,
}

impl Kind {
    /// Whether nothing is wrong but that a rule of the user's forbids it.
    pub fn is_policy(self) -> bool {
        matches!(self, Kind::Residency | Kind::Budget | Kind::PriceAge)
    }

    /// Whether it is about reaching a cluster at all, rather than about what was found there.
    pub fn is_about_reach(self) -> bool {
        matches!(
            self,
            Kind::Credentials
                | Kind::Unreachable
                | Kind::Timeout
                | Kind::Unauthorized
                | Kind::Denied
                | Kind::Throttled
                | Kind::Unavailable
                | Kind::Protocol
        )
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Warning,
    Error,
}

/// A text that positions point into: the manifest, a settings file.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// How it is shown: a path as the user gave it, or `<stdin>`.
    pub name: String,
    pub text: String,
}

/// A place in a [`Source`]; lines and columns count from 1, columns in characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    pub source: Arc<Source>,
    pub line: usize,
    pub column: usize,
}

impl Span {
    /// Returns the line of the source that the span points into, without its end.
    pub fn source_line(&self) -> &str {
        self.source
            .text
            .lines()
            .nth(self.line.saturating_sub(1))
            .unwrap_or_default()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.source.name, self.line, self.column)
    }
}

/// Without the text of the source: a derived form would print a whole manifest per node.
impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// More words than this help nobody to find the right one.
const LISTED: usize = 20;

/// One thing that is wrong, with all that a person needs to mend it.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    pub kind: Kind,
    pub severity: Severity,
    /// The case, without names of the user's, so that readers learn to recognise it.
    pub summary: String,
    /// What exactly, and why it matters.
    pub detail: String,
    /// What is underneath, outermost first.
    pub causes: Vec<String>,
    /// One thing to do, or a likely spelling.
    pub hints: Vec<String>,
    pub cluster: Option<String>,
    pub span: Option<Span>,
}

impl Problem {
    pub fn error(kind: Kind, summary: impl Into<String>) -> Self {
        Problem {
            kind,
            severity: Severity::Error,
            summary: summary.into(),
            detail: String::new(),
            causes: Vec::new(),
            hints: Vec::new(),
            cluster: None,
            span: None,
        }
    }

    pub fn warning(kind: Kind, summary: impl Into<String>) -> Self {
        Problem {
            severity: Severity::Warning,
            ..Problem::error(kind, summary)
        }
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds every level of an error's chain as a cause, leaving out levels that only repeat the one above.
    pub fn chain(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(level) = next {
            let words = level.to_string();
            if !self
                .causes
                .last()
                .is_some_and(|above| above.ends_with(&words))
            {
                self.causes.push(words);
            }
            next = level.source();
        }
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a hint, if there is one.
    pub fn hint_if(self, hint: Option<String>) -> Self {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }

    /// Adds "did you mean" when one of the known words is near.
    pub fn suggest<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        match crate::text::nearest(word, known) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// Adds "did you mean", or else the few words that are known.
    pub fn suggest_or_list<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        match crate::text::nearest(word, known.iter().copied()) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None if known.is_empty() || known.len() > LISTED => self,
            None => self.hint(format!("known: {}", crate::text::quoted_list(known))),
        }
    }

    pub fn at(mut self, span: &Span) -> Self {
        self.span = Some(span.clone());
        self
    }

    pub fn on(mut self, cluster: impl Into<String>) -> Self {
        self.cluster = Some(cluster.into());
        self
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Returns the problem on one line: summary, detail and the innermost cause.
    pub fn one_line(&self) -> String {
        let mut line = self.summary.clone();
        for part in [
            self.detail.as_str(),
            self.causes.last().map_or("", String::as_str),
        ] {
            if !part.is_empty() {
                line.push_str(": ");
                line.push_str(part);
            }
        }
        line
    }
}
