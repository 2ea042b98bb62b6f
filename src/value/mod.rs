//! Small values that are checked when they are made, so that nothing later checks them again.

mod usd;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::diagnostic::Span;

pub use usd::{NoUsd, Usd};

/// Kubernetes' limit on labels of names.
pub const LONGEST_LABEL: usize = 63;
/// KubeAI's limit on names of Models, in its CRD.
pub const LONGEST_MODEL_NAME: usize = 40;

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let check: fn(&str) -> Result<(), String> = $check;
                check(text).map(|()| $name(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type!(
    /// The name of a cluster in the manifest: a DNS label, as it becomes part of file names and Terraform names.
    ClusterName,
    |text| dns_label(text, LONGEST_LABEL)
);
name_type!(
    /// The name of a model, which is the name of its KubeAI object: at most 40 characters (a rule of KubeAI's CRD).
    ModelName,
    |text| dns_subdomain(text, LONGEST_MODEL_NAME)
);
name_type!(
    /// A Kubernetes namespace.
    Namespace,
    |text| dns_label(text, LONGEST_LABEL)
);
name_type!(
    /// The name of a project: a label value on every object of mcai's.
    ProjectName,
    |text| dns_label(text, LONGEST_LABEL)
);
name_type!(
    /// Whose objects these are on the clusters: 12 characters of a-z and 0-9.
    ProjectId,
    |text| {
        let good = text.len() == 12 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if good { Ok(()) } else { Err(format!("`{text}` is not 12 characters of a-z and 0-9")) }
    }
);

impl ProjectId {
    /// Returns a fresh id; the hasher's keys are std's only source of random numbers.
    pub fn random() -> Self {
        use std::hash::{BuildHasher, RandomState};
        let mut bits = u128::from(RandomState::new().hash_one(0)) << 64
            | u128::from(RandomState::new().hash_one(1));
        let digits = (0..12).map(|_| {
            let digit = char::from_digit((bits % 36) as u32, 36).unwrap_or('0');
            bits /= 36;
            digit
        });
        ProjectId(digits.collect())
    }
}

/// Checks RFC 1123's label, as Kubernetes does.
fn dns_label(text: &str, longest: usize) -> Result<(), String> {
    if text.len() > longest {
        return Err(format!("`{text}` is longer than {longest} characters"));
    }
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if text.is_empty() || !text.bytes().all(inner) || text.starts_with('-') || text.ends_with('-') {
        return Err(format!(
            "`{text}` is not made of a-z, 0-9 and `-` (not at the ends)"
        ));
    }
    Ok(())
}

fn dns_subdomain(text: &str, longest: usize) -> Result<(), String> {
    if text.len() > longest {
        return Err(format!(
            "`{text}` is {} characters long; {longest} is the most",
            text.len()
        ));
    }
    text.split('.')
        .try_for_each(|label| dns_label(label, longest))
        .map_err(|_| format!("`{text}` is not made of a-z, 0-9, `-` and `.` (not at the ends)"))
}

/// A text that is never shown: a key, a token.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// Returns the text itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A value with the place it came from, for `config view --origin` and for errors that cite it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sourced<T> {
    pub value: T,
    pub origin: Origin,
}

impl<T> Sourced<T> {
    /// Returns the place in a file, if the value came from one.
    pub fn span(&self) -> Option<&Span> {
        match &self.origin {
            Origin::File(span) => Some(span),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    Flag(&'static str),
    Variable(String),
    /// The manifest, or the user's settings file.
    File(Span),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) => write!(f, "{name}"),
            Origin::Variable(name) => write!(f, "{name}"),
            Origin::File(span) => write!(f, "{span}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_rules() {
        assert!("llama-3.1-8b".parse::<ModelName>().is_ok());
        assert!("a".repeat(41).parse::<ModelName>().is_err());
        for wrong in ["", "-a", "a-", "A", "a_b", "a/b"] {
            assert!(wrong.parse::<ClusterName>().is_err(), "{wrong}");
        }
        assert!(ProjectId::random().as_str().parse::<ProjectId>().is_ok());
    }
}
