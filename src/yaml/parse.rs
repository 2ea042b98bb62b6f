//! Text to tree, with limits: what a manifest can cost is bounded by its size and by [`MAX_NODES`].

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Span as Place, Tag};

use super::node::{Key, Node, Value};
use crate::diagnostic::{Kind, Problem, Source, Span};

/// The size of a manifest that is still read: a hundred times a large one.
pub const MAX_BYTES: u64 = 2 * 1024 * 1024;

/// Nodes of the tree with aliases written out: what a "billion laughs" file runs into.
const MAX_NODES: usize = 100_000;

/// granit-parser has its own limit on nesting; this one keeps the recursion of later walks small too.
const MAX_DEPTH: usize = 100;

/// Returns the tree of the only document in `source`, with findings that leave it usable (duplicate keys).
pub fn parse(source: &Arc<Source>) -> Result<(Node, Vec<Problem>), Problem> {
    let parser = Parser::new_from_str(&source.text);
    let mut builder = Builder {
        source,
        stack: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
        root: None,
        findings: Vec::new(),
    };
    for event in parser {
        let (event, place) = event.map_err(|error| {
            let marker = error.marker();
            let (line, column) = (marker.line(), marker.col() + 1);
            let span = Span {
                source: source.clone(),
                line,
                column,
            };
            Problem::error(Kind::Manifest, "not valid YAML")
                .detail(error.info())
                .at(&span)
        })?;
        builder.take(event, &place)?;
    }
    let Some(root) = builder.root else {
        let span = Span {
            source: source.clone(),
            line: 1,
            column: 1,
        };
        return Err(Problem::error(Kind::Manifest, "the file has no content")
            .hint("start with `version: 1`; docs/manifest.md has a whole example")
            .at(&span));
    };
    Ok((root.node, builder.findings))
}

struct Weighed {
    node: Node,
    /// Nodes in the subtree, itself included.
    weight: usize,
}

enum Frame {
    List {
        span: Span,
        anchor: usize,
        items: Vec<Node>,
        weight: usize,
    },
    Map {
        span: Span,
        anchor: usize,
        entries: Vec<(Key, Node)>,
        merged: Vec<Node>,
        key: Option<Key>,
        weight: usize,
    },
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    stack: Vec<Frame>,
    anchors: HashMap<usize, Weighed>,
    nodes: usize,
    root: Option<Weighed>,
    findings: Vec<Problem>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, place: &Place) -> Result<(), Problem> {
        let span = Span {
            source: self.source.clone(),
            line: place.start.line(),
            column: place.start.col() + 1,
        };
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref());
                self.complete(
                    Weighed {
                        node: Node { span, value },
                        weight: 1,
                    },
                    anchor,
                )
            }
            Event::SequenceStart(_, anchor, _) => self.open(Frame::List {
                span,
                anchor,
                items: Vec::new(),
                weight: 1,
            }),
            Event::MappingStart(_, anchor, _) => self.open(Frame::Map {
                span,
                anchor,
                entries: Vec::new(),
                merged: Vec::new(),
                key: None,
                weight: 1,
            }),
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(id) => {
                let Some(target) = self.anchors.get(&id) else {
                    return Err(
                        Problem::error(Kind::Manifest, "an alias inside its own anchor").at(&span),
                    );
                };
                if self.nodes + target.weight > MAX_NODES {
                    return Err(too_large(&span));
                }
                let copy = Weighed {
                    node: target.node.clone(),
                    weight: target.weight,
                };
                self.nodes += copy.weight - 1;
                self.complete(copy, 0)
            }
            Event::DocumentStart(..) if self.root.is_some() => Err(Problem::error(
                Kind::Manifest,
                "more than one YAML document",
            )
            .detail("a manifest is one document; `---` starts another")
            .at(&span)),
            _ => Ok(()),
        }
    }

    fn open(&mut self, frame: Frame) -> Result<(), Problem> {
        let (Frame::List { span, .. } | Frame::Map { span, .. }) = &frame;
        if self.stack.len() >= MAX_DEPTH {
            return Err(Problem::error(Kind::Manifest, "nested too deeply")
                .detail(format!("more than {MAX_DEPTH} levels"))
                .at(span));
        }
        self.stack.push(frame);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Problem> {
        match self.stack.pop() {
            Some(Frame::List {
                span,
                anchor,
                items,
                weight,
            }) => self.complete(
                Weighed {
                    node: Node {
                        span,
                        value: Value::List(items),
                    },
                    weight,
                },
                anchor,
            ),
            Some(Frame::Map {
                span,
                anchor,
                mut entries,
                merged,
                weight,
                ..
            }) => {
                for (key, node) in merged.iter().flat_map(|base| base.entries()) {
                    if !entries.iter().any(|(k, _)| k.name == key.name) {
                        entries.push((key.clone(), node.clone()));
                    }
                }
                self.complete(
                    Weighed {
                        node: Node {
                            span,
                            value: Value::Map(entries),
                        },
                        weight,
                    },
                    anchor,
                )
            }
            None => Ok(()),
        }
    }

    /// Puts a finished node where it belongs: into the open list or mapping, or at the root.
    fn complete(&mut self, done: Weighed, anchor: usize) -> Result<(), Problem> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(too_large(&done.node.span));
        }
        if anchor != 0 {
            // The copy that an alias is made from counts too.
            self.nodes += done.weight;
            self.anchors.insert(
                anchor,
                Weighed {
                    node: done.node.clone(),
                    weight: done.weight,
                },
            );
        }
        match self.stack.last_mut() {
            None => self.root = Some(done),
            Some(Frame::List { items, weight, .. }) => {
                *weight += done.weight;
                items.push(done.node);
            }
            Some(Frame::Map {
                entries,
                merged,
                key: slot,
                weight,
                ..
            }) => {
                *weight += done.weight;
                match slot.take() {
                    None => *slot = Some(key_of(&done.node)?),
                    Some(key) if key.name == "<<" => match done.node.value {
                        Value::List(bases) => merged.extend(bases),
                        _ => merged.push(done.node),
                    },
                    Some(key) => match entries.iter().find(|(k, _)| k.name == key.name) {
                        Some((first, _)) => {
                            let detail = format!(
                                "`{}` is first given at line {}; the first is used",
                                key.name, first.span.line
                            );
                            self.findings.push(
                                Problem::error(Kind::Manifest, "duplicate key")
                                    .detail(detail)
                                    .at(&key.span),
                            );
                        }
                        None => entries.push((key, done.node)),
                    },
                }
            }
        }
        Ok(())
    }
}

fn key_of(node: &Node) -> Result<Key, Problem> {
    let name = match &node.value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Bool(yes) => yes.to_string(),
        Value::Null => "null".to_owned(),
        Value::List(_) | Value::Map(_) => {
            return Err(Problem::error(Kind::Manifest, "a key that is not a word")
                .detail("keys are strings")
                .at(&node.span));
        }
    };
    Ok(Key {
        name,
        span: node.span.clone(),
    })
}

fn too_large(span: &Span) -> Problem {
    Problem::error(Kind::Manifest, "the file is too large")
        .detail(format!(
            "more than {MAX_NODES} values when aliases are written out"
        ))
        .at(span)
}

/// Returns the value of a scalar in YAML 1.2's core schema.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let quoted =
        style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
    if quoted {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    let radix = |prefix, radix| {
        text.strip_prefix(prefix)
            .and_then(|digits| i64::from_str_radix(digits, radix).ok())
    };
    if let Some(number) = radix("0x", 16)
        .or_else(|| radix("0o", 8))
        .or_else(|| text.parse().ok())
    {
        return Some(Value::Integer(number));
    }
    let plausible = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
        && text.bytes().any(|b| b.is_ascii_digit());
    plausible
        .then(|| text.parse().ok().map(Value::Float))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(Node, Vec<Problem>), Problem> {
        parse(&Arc::new(Source {
            name: "t.yaml".into(),
            text: text.into(),
        }))
    }

    #[test]
    fn keeps_places_and_types() {
        let (node, findings) = read("a: 1\nb: [x, 'true', true]\nc: {d: ~}\n").unwrap();
        assert!(findings.is_empty());
        assert_eq!(
            node.to_json(),
            serde_json::json!({"a": 1, "b": ["x", "true", true], "c": {"d": null}})
        );
        assert_eq!(
            node.get("b").unwrap().items()[1].span.to_string(),
            "t.yaml:2:8"
        );
    }

    #[test]
    fn reports_a_duplicate_with_both_places() {
        let (_, findings) = read("a: 1\nb: 2\na: 3\n").unwrap();
        assert_eq!(findings[0].span.as_ref().unwrap().line, 3);
        assert!(findings[0].detail.contains("line 1"));
    }

    #[test]
    fn merges_keys_of_anchors() {
        let (node, _) = read("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\n").unwrap();
        assert_eq!(
            node.get("use").unwrap().to_json(),
            serde_json::json!({"x": 1, "y": 3})
        );
    }

    #[test]
    fn bounds_a_billion_laughs() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for i in 1..12 {
            text += &format!(
                "a{i}: &a{i} [{}]\n",
                vec![format!("*a{}", i - 1); 9].join(", ")
            );
        }
        assert_eq!(read(&text).unwrap_err().summary, "the file is too large");
    }

    #[test]
    fn refuses_deep_nesting_two_documents_and_nothing() {
        assert!(read(&"[".repeat(5000)).is_err());
        assert_eq!(
            read("a: 1\n---\nb: 2\n").unwrap_err().summary,
            "more than one YAML document"
        );
        assert_eq!(
            read("# only a comment\n").unwrap_err().summary,
            "the file has no content"
        );
    }
}
