//! GPU kinds: canonical name, aliases, memory, the KubeAI resource profile that asks for one. The table is
//! `data/gpus.csv`.

use std::sync::OnceLock;

use serde::Deserialize;

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
}

/// Returns every kind that is known.
pub fn all() -> &'static [Gpu] {
    static TABLE: OnceLock<Vec<Gpu>> = OnceLock::new();
    TABLE.get_or_init(|| crate::text::embedded_csv(include_str!("../data/gpus.csv")))
}

/// Returns the kind with exactly this canonical name, in any case.
pub fn by_name(name: &str) -> Option<&'static Gpu> {
    all().iter().find(|gpu| gpu.name.eq_ignore_ascii_case(name))
}

/// Returns every kind that a name or alias may mean: more than one where it is ambiguous.
pub fn matching(word: &str) -> Vec<&'static Gpu> {
    let word = word.to_lowercase();
    match by_name(&word) {
        Some(gpu) => vec![gpu],
        None => all()
            .iter()
            .filter(|gpu| gpu.aliases.split(';').any(|alias| alias == word))
            .collect(),
    }
}
