//! The tree.

use serde_json::{Map, Number};

use crate::diagnostic::Span;

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub span: Span,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    String(String),
    List(Vec<Node>),
    /// In the order of the text; keys are unique.
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    pub name: String,
    pub span: Span,
}

impl Node {
    /// Returns the name of the node's type, as findings say it.
    pub fn type_name(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number",
            Value::String(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(k, _)| k.name == key)
            .map(|(_, node)| node)
    }

    /// Returns the entries of a mapping; none for any other node.
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the items of a list; none for any other node.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_integer(&self) -> Option<i64> {
        match self.value {
            Value::Integer(number) => Some(number),
            _ => None,
        }
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(yes) => Some(yes),
            _ => None,
        }
    }

    /// Returns the value without positions.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(yes) => Json::Bool(*yes),
            Value::Integer(number) => Json::from(*number),
            Value::Float(number) => Number::from_f64(*number).map_or(Json::Null, Json::Number),
            Value::String(text) => Json::String(text.clone()),
            Value::List(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Value::Map(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(k, v)| (k.name.clone(), v.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// Merges `patch` into the node as a JSON merge patch (RFC 7386): mappings are merged, null removes, all else
    /// replaces. Every leaf keeps the span of the text it came from.
    pub fn merge(&mut self, patch: &Node) {
        let Value::Map(changes) = &patch.value else {
            *self = patch.clone();
            return;
        };
        if !matches!(self.value, Value::Map(_)) {
            *self = Node {
                span: patch.span.clone(),
                value: Value::Map(Vec::new()),
            };
        }
        let Value::Map(entries) = &mut self.value else {
            unreachable!("made a mapping above")
        };
        for (key, change) in changes {
            let at = entries.iter().position(|(k, _)| k.name == key.name);
            match (at, &change.value) {
                (Some(i), Value::Null) => drop(entries.remove(i)),
                (None, Value::Null) => {}
                (Some(i), _) => entries[i].1.merge(change),
                (None, _) => {
                    let mut fresh = Node {
                        span: change.span.clone(),
                        value: Value::Null,
                    };
                    fresh.merge(change);
                    entries.push((key.clone(), fresh));
                }
            }
        }
    }

    /// Calls `visit` with the path (`args[1]`, `loadBalancing.strategy`) of every leaf: scalars, empty lists and mappings.
    pub fn leaves<'a>(&'a self, path: &str, visit: &mut dyn FnMut(&str, &'a Node)) {
        match &self.value {
            Value::Map(entries) if !entries.is_empty() => {
                for (key, node) in entries {
                    let joined = if path.is_empty() {
                        key.name.clone()
                    } else {
                        format!("{path}.{}", key.name)
                    };
                    node.leaves(&joined, visit);
                }
            }
            Value::List(items) if !items.is_empty() => {
                for (i, node) in items.iter().enumerate() {
                    node.leaves(&format!("{path}[{i}]"), visit);
                }
            }
            _ => visit(path, self),
        }
    }
}
