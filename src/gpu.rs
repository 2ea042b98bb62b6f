//! GPU kinds: canonical name, aliases, memory, the KubeAI resource profile that asks for one. The table is
//! `data/gpus.csv`.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::text::{either, nearest};

/// One kind of GPU; kinds that differ in memory or form (SXM, PCIe, NVL) are different kinds.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Gpu {
    /// Canonical name, such as `A100-SXM-80GB`.
    #[serde(rename = "gpu")]
    pub name: String,
    /// Lower-case short names separated by `;`. One alias may belong to several kinds.
    aliases: String,
    /// The name of KubeAI's shipped resource profile, or empty.
    pub profile: String,
    /// Of one GPU; nothing where models are not sized by it.
    pub memory_gib: Option<f64>,
    /// Who makes it, in lower case.
    pub vendor: String,
}

impl Gpu {
    /// Returns how the chip is built in, where its kind comes in more than one form: `SXM`, `PCIe`, `NVL`.
    pub fn form(&self) -> Option<&'static str> {
        let is_part = |form: &&str| self.name.split('-').any(|part| part == *form);
        FORMS.into_iter().find(is_part)
    }
}

const FORMS: [&str; 3] = ["SXM", "PCIe", "NVL"];

/// Returns every kind that is known.
pub fn all() -> &'static [Gpu] {
    static TABLE: OnceLock<Vec<Gpu>> = OnceLock::new();
    TABLE.get_or_init(|| crate::text::embedded_csv(include_str!("../data/gpus.csv")))
}

/// Returns the kind with exactly this canonical name, in any case.
pub fn by_name(name: &str) -> Option<&'static Gpu> {
    all().iter().find(|gpu| gpu.name.eq_ignore_ascii_case(name))
}

/// Returns every kind that a name, an alias or a resource profile may mean: more than one where it is ambiguous. Spaces
/// count as dashes.
pub fn matching(word: &str) -> Vec<&'static Gpu> {
    let word = word.trim().to_lowercase().replace(' ', "-");
    let is_meant = |gpu: &&Gpu| {
        let mut words = gpu.aliases.split(';').chain([gpu.profile.as_str()]);
        words.any(|known| !known.is_empty() && known == word)
    };
    match by_name(&word) {
        Some(gpu) => vec![gpu],
        None => all().iter().filter(is_meant).collect(),
    }
}

/// Returns the names that a word which is none may stand for: likely spellings, else what has the same number.
pub fn near(word: &str) -> Vec<&'static str> {
    let names = || all().iter().map(|gpu| gpu.name.as_str());
    let aliases = || all().iter().flat_map(|gpu| gpu.aliases.split(';'));
    let mut near: Vec<&str> = Vec::new();
    let spelled = |found: &[&str]| {
        let others = aliases().chain(names()).filter(|name| !name.is_empty());
        nearest(word, others.filter(|name| !found.contains(name)))
    };
    while let Some(name) = spelled(&near).filter(|_| near.len() < MOST_NEAR) {
        near.push(name);
    }
    if near.is_empty() {
        let wanted = number(word);
        let has_it = |name: &&str| wanted.is_some() && number(name) == wanted;
        near.extend(names().filter(has_it).take(MOST_NEAR));
    }
    near
}

/// Returns a hint with the names that a word which is none may stand for, if there are any.
pub fn near_hint(word: &str) -> Option<String> {
    let names = near(word);
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let names = either(quoted.iter().map(String::as_str));
    (!names.is_empty()).then(|| format!("did you mean {names}?"))
}

/// Returns the first number of a name that tells models apart: it has two digits at least.
fn number(name: &str) -> Option<&str> {
    let mut runs = name.split(|c: char| !c.is_ascii_digit());
    runs.find(|run| run.len() > 1)
}

/// More likely names than this are no help.
const MOST_NEAR: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_part_of_a_kind() {
        let form = |name| by_name(name).and_then(Gpu::form);
        assert_eq!(form("A100-SXM-80GB"), Some("SXM"));
        assert_eq!(form("H100-NVL-94GB"), Some("NVL"));
        assert_eq!(form("A100-PCIe-40GB"), Some("PCIe"));
        assert_eq!(form("L4-24GB"), None);
    }

    #[test]
    fn an_ambiguous_name_stands_for_each_form() {
        let names = |word| -> Vec<&str> {
            let kinds = matching(word).into_iter();
            kinds.map(|gpu| gpu.name.as_str()).collect()
        };
        assert_eq!(
            names("H100"),
            ["H100-NVL-94GB", "H100-PCIe-80GB", "H100-SXM-80GB"]
        );
        assert_eq!(names("a100-80gb"), ["A100-PCIe-80GB", "A100-SXM-80GB"]);
        assert_eq!(names("h100-sxm"), ["H100-SXM-80GB"]);
        assert_eq!(names("H100 SXM"), ["H100-SXM-80GB"]);
        assert_eq!(names("A100-40"), ["A100-PCIe-40GB", "A100-SXM-40GB"]);
        assert_eq!(names("a100-80"), names("a100-80gb"));
        assert_eq!(names(""), Vec::<&str>::new());
    }

    #[test]
    fn a_profile_stands_for_each_kind_that_it_is_meant_for() {
        for profile in all().iter().map(|gpu| gpu.profile.as_str()) {
            let meant = all().iter().filter(|gpu| gpu.profile == profile);
            let meant: Vec<&Gpu> = meant.filter(|_| !profile.is_empty()).collect();
            assert_eq!(matching(profile), meant, "{profile}");
        }
    }

    #[test]
    fn likely_names_are_found_by_spelling_and_by_number() {
        assert_eq!(near("l40ss").first(), Some(&"l40s"));
        assert_eq!(near("h10"), ["a10", "h100"]);
        assert_eq!(near("geforce-4090"), ["RTX-4090-24GB"]);
        assert_eq!(near("abacus-machine"), Vec::<&str>::new());
    }
}
