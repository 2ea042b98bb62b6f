//! What the user asks the prices of: `H100:8`, `a100-80gb`, `p5.48xlarge`. Main type: [`Machine`].

use std::collections::BTreeSet;

use super::Terms;
use crate::cloud::{InstanceType, Seller, near_instances_hint};
use crate::diagnostic::{Kind, Problem};
use crate::gpu::{self, Gpu};
use crate::text::{count, either, quoted_list};

/// Machines that are asked for: of a kind of GPU, of a number of them, of a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    pub gpu: &'static Gpu,
    /// Exactly so many in one machine; any number where nothing is said.
    pub gpus: Option<f64>,
    pub instance_type: Option<String>,
}

/// Fractions of GPUs are written with four decimals.
const SAME: f64 = 0.000_05;

impl Machine {
    /// Whether a machine is one of these.
    pub fn covers(&self, gpu: &str, gpus: Option<f64>, instance_type: &str) -> bool {
        let has = |wanted: f64| gpus.is_some_and(|gpus| (gpus - wanted).abs() < SAME);
        let is_named = |name: &String| name == instance_type;
        self.gpu.name == gpu
            && self.gpus.is_none_or(has)
            && self.instance_type.as_ref().is_none_or(is_named)
    }

    /// Whether an instance type is one of these.
    pub fn is(&self, row: &InstanceType) -> bool {
        self.covers(&row.gpu, row.gpu_count, &row.instance_type)
    }

    /// Returns the word that asks for these machines.
    pub fn word(&self) -> String {
        match (&self.instance_type, self.gpus) {
            (Some(name), _) => name.clone(),
            (None, Some(gpus)) => format!("{}:{gpus}", self.gpu.name),
            (None, None) => self.gpu.name.clone(),
        }
    }
}

/// Returns everybody of whom mcai knows machines.
pub fn sellers() -> impl Iterator<Item = Seller> {
    Seller::clouds().chain(Seller::others().iter().copied())
}

/// Returns who is asked for machines where nobody is named: the clouds that mcai runs on, and others where an instance type is
/// named that no cloud has.
pub fn sellers_of(machines: &[Machine]) -> Vec<Seller> {
    let names = || {
        machines
            .iter()
            .filter_map(|machine| machine.instance_type.as_ref())
    };
    let has = |seller: &Seller| names().any(|name| seller.instance(name).is_some());
    let clouds: Vec<Seller> = Seller::clouds().collect();
    if clouds.iter().any(has) {
        return clouds;
    }
    let others = Seller::others().iter().copied().filter(has);
    clouds.into_iter().chain(others).collect()
}

/// Returns the machines that a word asks for: a kind, an alias or a resource profile with an optional `:COUNT`, or an instance type. An
/// ambiguous alias stands for each of its kinds.
pub fn machines(word: &str, terms: &Terms) -> Result<Vec<Machine>, Problem> {
    let (name, gpus) = match word.rsplit_once(':') {
        Some((name, number)) => (name, Some(number_of_gpus(number)?)),
        None => (word, None),
    };
    let kinds = gpu::matching(name);
    if kinds.is_empty() {
        return match (gpus, instance_type(name)) {
            (None, Some(machines)) => Ok(machines),
            (Some(_), Some(machines)) => Err(counted(name, &machines)),
            (_, None) => Err(unknown(name)),
        };
    }
    let machine = |gpu| Machine {
        gpu,
        gpus,
        instance_type: None,
    };
    let machines: Vec<Machine> = kinds.into_iter().map(machine).collect();
    match gpus {
        Some(gpus) => with_count(machines, gpus, terms),
        None => Ok(machines),
    }
}

fn number_of_gpus(text: &str) -> Result<f64, Problem> {
    let number = text.parse::<f64>().ok();
    number
        .filter(|number| number.is_finite() && *number > 0.0)
        .ok_or_else(|| {
            Problem::error(Kind::Usage, "not a number of GPUs")
                .detail(format!("`{text}` is not a number above 0"))
                .hint("write a kind and how many of it one machine has, such as `H100:8`")
        })
}

fn instance_type(name: &str) -> Option<Vec<Machine>> {
    let found = sellers().filter_map(|seller| seller.instance(name));
    let machine = |row: &InstanceType| {
        Some(Machine {
            gpu: gpu::by_name(&row.gpu)?,
            gpus: row.gpu_count,
            instance_type: Some(name.to_owned()),
        })
    };
    let machines: Vec<Machine> = found.filter_map(machine).collect();
    (!machines.is_empty()).then_some(machines)
}

/// Leaves the kinds of which there are machines with so many GPUs.
fn with_count(machines: Vec<Machine>, gpus: f64, terms: &Terms) -> Result<Vec<Machine>, Problem> {
    let (there, lacking): (Vec<_>, Vec<_>) = machines
        .into_iter()
        .partition(|machine| counts(machine.gpu, terms).contains(&in_parts(gpus)));
    if !there.is_empty() {
        return Ok(there);
    }
    let mut problem = Problem::error(Kind::Settings, "no machine has so many GPUs");
    let names = lacking.iter().map(|machine| machine.gpu.name.as_str());
    problem = problem.detail(format!(
        "nobody has {gpus} {} in one machine",
        either(names)
    ));
    for machine in &lacking {
        let counts = counts(machine.gpu, terms);
        let counts: Vec<String> = counts.into_iter().map(from_parts).collect();
        problem = problem.hint(match counts.as_slice() {
            [] => format!("no machine with {} is known", machine.gpu.name),
            counts => format!("of {} there are {}", machine.gpu.name, quoted_list(counts)),
        });
    }
    Err(problem)
}

/// Counts that can be sorted, and are the same where they look the same.
fn in_parts(gpus: f64) -> u64 {
    (gpus * 10_000.0).round() as u64
}

fn from_parts(parts: u64) -> String {
    (parts as f64 / 10_000.0).to_string()
}

fn counts(kind: &Gpu, terms: &Terms) -> BTreeSet<u64> {
    let sold = sellers().flat_map(Seller::instances);
    let sold = sold.filter(|row| row.gpu == kind.name);
    let own = terms.own.iter().filter(|own| own.gpu.name == kind.name);
    let own = own.filter_map(|own| own.gpus).map(f64::from);
    let counts = sold.filter_map(|row| row.gpu_count).chain(own);
    counts.map(in_parts).collect()
}

/// Returns everybody who has such machines in their table.
pub(super) fn who_has(machines: &[Machine]) -> impl Iterator<Item = (Seller, &'static str)> {
    let rows = sellers().flat_map(|seller| seller.instances().map(move |row| (seller, row)));
    let wanted = rows.filter(|(_, row)| machines.iter().any(|machine| machine.is(row)));
    wanted.map(|(seller, row)| (seller, row.instance_type.as_str()))
}

/// Says that an instance type has the number of GPUs that it has.
fn counted(name: &str, machines: &[Machine]) -> Problem {
    let kinds = machines.iter().map(|machine| match machine.gpus {
        Some(gpus) => format!("{gpus} {}", machine.gpu.name),
        None => machine.gpu.name.clone(),
    });
    let kinds: BTreeSet<String> = kinds.collect();
    let kinds = either(kinds.iter().map(String::as_str));
    Problem::error(Kind::Usage, "an instance type takes no number of GPUs")
        .detail(format!("a `{name}` has {kinds}"))
        .hint(format!("ask for `{name}`, or for a GPU kind with a number"))
}

/// Says what a word may mean that is neither a GPU nor an instance type.
fn unknown(name: &str) -> Problem {
    if looks_like_instance_type(name) {
        let problem = Problem::error(Kind::Settings, "unknown instance type");
        let problem = problem.detail(format!("nobody has an instance type `{name}`"));
        return problem.hint_if(near_instances_hint(name, sellers()));
    }
    let kinds = count(gpu::all().len(), "kind");
    let problem = Problem::error(Kind::Settings, "unknown GPU kind");
    let problem = problem.detail(format!("`{name}` is none of the {kinds} that mcai knows"));
    let example = "write a kind such as `H100`, or an instance type such as `p5.48xlarge`";
    problem.hint(gpu::near_hint(name).unwrap_or_else(|| example.to_owned()))
}

/// Instance types of the clouds have dots or underscores, or begin like others of their family.
fn looks_like_instance_type(name: &str) -> bool {
    let is_family = |row: &InstanceType| {
        let family = row.instance_type.split('-').next().unwrap_or_default();
        family.len() < row.instance_type.len() && name.starts_with(&format!("{family}-"))
    };
    let of_clouds = || Seller::clouds().flat_map(Seller::instances);
    name.contains(['.', '_']) || (gpu::near(name).is_empty() && of_clouds().any(is_family))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(word: &str) -> Vec<String> {
        let machines = machines(word, &Terms::default()).unwrap();
        machines.iter().map(Machine::word).collect()
    }

    fn problem(word: &str) -> Problem {
        machines(word, &Terms::default()).unwrap_err()
    }

    #[test]
    fn an_alias_a_count_and_a_name_are_read() {
        assert_eq!(words("H100-SXM:8"), ["H100-SXM-80GB:8"]);
        assert_eq!(words("a100-80gb"), ["A100-PCIe-80GB", "A100-SXM-80GB"]);
        assert_eq!(words("rtxpro6000:0.25"), ["RTX-PRO-6000-96GB:0.25"]);
        assert_eq!(words("p5.48xlarge"), ["p5.48xlarge"]);
        assert_eq!(words("nvidia-gpu-l4:1"), ["L4-24GB:1"]);
        assert_eq!(words("nvidia-gpu-h100:8"), words("h100:8"));
    }

    #[test]
    fn kinds_of_which_no_machine_has_so_many_are_left_out() {
        assert_eq!(words("h100:8"), ["H100-PCIe-80GB:8", "H100-SXM-80GB:8"]);
    }

    #[test]
    fn what_is_not_there_is_named_with_what_is() {
        let found = problem("L4:3");
        assert_eq!(found.detail, "nobody has 3 L4-24GB in one machine");
        let counts = "of L4-24GB there are `0.125`, `0.25`, `0.5`, `1`, `2`, `4` and `8`";
        assert_eq!(found.hints, [counts]);
        assert_eq!(problem("h10:8").hints.len(), 1);
        let found = problem("Standard_NC80s_v4_H200");
        assert!(
            found.hints[0].contains("Standard_ND96isr_H200_v5"),
            "{found:?}"
        );
        for word in ["a3-highgpu-9g", "a3-highgpu-9g:8"] {
            assert_eq!(problem(word).summary, "unknown instance type");
        }
        let counted = problem("p5.48xlarge:8");
        assert_eq!(counted.detail, "a `p5.48xlarge` has 8 H100-SXM-80GB");
        assert_eq!(problem("H100:many").kind, Kind::Usage);
        assert_eq!(problem("H100:0").kind, Kind::Usage);
    }
}
