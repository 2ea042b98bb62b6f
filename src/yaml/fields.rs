//! Reading mappings: every key asked for is known, so what is left over is unknown, with its likely spelling.
//! A reader that returns `None` has reported why; its neighbours are read all the same.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use super::node::{Key, Node, Value};
use crate::diagnostic::{Kind, Problem, Span};

/// Collects what is wrong with a document.
#[derive(Default)]
pub struct Findings(RefCell<Vec<Problem>>);

impl Findings {
    pub fn push(&self, problem: Problem) {
        let mut problems = self.0.borrow_mut();
        // One mistake in a shared anchor or base spec is seen once per use.
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }

    /// Returns how many there are so far.
    pub fn count(&self) -> usize {
        self.0.borrow().len()
    }

    /// Reports an error in the manifest.
    pub fn error(&self, span: &Span, summary: &str, detail: impl Into<String>) {
        self.push(
            Problem::error(Kind::Manifest, summary)
                .detail(detail)
                .at(span),
        );
    }

    pub fn wrong_type(&self, node: &Node, wanted: &str) {
        self.error(
            &node.span,
            "wrong type",
            format!("expected {wanted}, found {}", node.type_name()),
        );
    }

    /// Returns all findings in the order of the text.
    pub fn into_sorted(self) -> Vec<Problem> {
        let mut problems = self.0.into_inner();
        problems.sort_by_key(|p| p.span.as_ref().map(|s| (s.line, s.column)));
        problems
    }
}

/// The keys of one mapping that are known and not yet read.
pub struct Fields<'a> {
    node: &'a Node,
    /// How findings name the mapping: "the manifest", "a cluster".
    what: &'static str,
    asked: Vec<&'static str>,
    findings: &'a Findings,
}

impl<'a> Fields<'a> {
    pub fn of(node: &'a Node, what: &'static str, findings: &'a Findings) -> Option<Self> {
        if !matches!(node.value, Value::Map(_)) {
            findings.wrong_type(node, &format!("a mapping ({what})"));
            return None;
        }
        Some(Fields {
            node,
            what,
            asked: Vec::new(),
            findings,
        })
    }

    /// Returns the node of a key; an explicit null is as good as no key.
    pub fn node(&mut self, key: &'static str) -> Option<&'a Node> {
        if !self.asked.contains(&key) {
            self.asked.push(key);
        }
        self.node.get(key).filter(|node| node.value != Value::Null)
    }

    pub fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'a Node, &Findings) -> Option<T>,
    ) -> Option<T> {
        let node = self.node(key)?;
        read(node, self.findings)
    }

    pub fn required<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'a Node, &Findings) -> Option<T>,
    ) -> Option<T> {
        if self.node(key).is_none() {
            let detail = format!("{} needs `{key}`", self.what);
            self.findings.error(&self.node.span, "missing key", detail);
            return None;
        }
        self.optional(key, read)
    }

    /// Reports every key that nobody asked for.
    pub fn finish(self) {
        for (key, _) in self.node.entries() {
            if !self.asked.contains(&key.name.as_str()) {
                self.findings.push(unknown_key(key, self.what, &self.asked));
            }
        }
    }
}

fn unknown_key(key: &Key, what: &str, known: &[&'static str]) -> Problem {
    Problem::error(Kind::Manifest, "unknown key")
        .detail(format!("`{}` is not a key of {what}", key.name))
        .at(&key.span)
        .suggest_or_list(&key.name, known.iter().copied())
}

pub fn string(node: &Node, findings: &Findings) -> Option<String> {
    let text = node.as_str();
    if text.is_none() {
        let quote = matches!(
            node.value,
            Value::Integer(_) | Value::Float(_) | Value::Bool(_)
        );
        let mut problem = Problem::error(Kind::Manifest, "wrong type")
            .detail(format!("expected a string, found {}", node.type_name()))
            .at(&node.span);
        if quote {
            problem = problem.hint("put it in quotes");
        }
        findings.push(problem);
    }
    text.map(str::to_owned)
}

pub fn integer(node: &Node, findings: &Findings) -> Option<i64> {
    let number = node.as_integer();
    if number.is_none() {
        findings.wrong_type(node, "an integer");
    }
    number
}

/// Reads a string that has rules of its own.
pub fn checked<T: FromStr<Err = String>>(node: &Node, findings: &Findings) -> Option<T> {
    let text = string(node, findings)?;
    text.parse()
        .map_err(|why: String| findings.error(&node.span, "invalid value", why))
        .ok()
}

/// Reads each item of a list, or `None` where the node is no list; broken items are reported and left out.
pub fn list<'a, T>(
    node: &'a Node,
    findings: &Findings,
    read: impl Fn(&'a Node, &Findings) -> Option<T>,
) -> Option<Vec<T>> {
    let Value::List(items) = &node.value else {
        findings.wrong_type(node, "a list");
        return None;
    };
    Some(
        items
            .iter()
            .filter_map(|item| read(item, findings))
            .collect(),
    )
}

/// Reads each entry of a mapping from names to things; broken entries are reported and left out.
pub fn each<'a, K: FromStr<Err: Display> + Ord, T>(
    node: &'a Node,
    findings: &Findings,
    read: impl Fn(&K, &'a Key, &'a Node) -> Option<T>,
) -> Option<BTreeMap<K, T>> {
    let Value::Map(entries) = &node.value else {
        findings.wrong_type(node, "a mapping");
        return None;
    };
    let mut things = BTreeMap::new();
    for (key, value) in entries {
        match key.name.parse::<K>() {
            Err(why) => findings.error(&key.span, "invalid name", why.to_string()),
            Ok(name) => {
                if let Some(thing) = read(&name, key, value) {
                    things.insert(name, thing);
                }
            }
        }
    }
    Some(things)
}

pub fn string_map(node: &Node, findings: &Findings) -> Option<BTreeMap<String, String>> {
    each(node, findings, |_: &String, _, value| {
        string(value, findings)
    })
}
