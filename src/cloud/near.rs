//! Real instance types near a name that is none.

use std::collections::HashSet;

use super::{InstanceType, Seller};
use crate::gpu;
use crate::text::nearest;

/// More names than this are no help.
const MOST: usize = 4;

/// Returns what a name that is no instance type of these sellers may mean: first what is spelled like it, then what
/// shares its size (`NC80`), then what has the GPU that it speaks of (`H200`).
pub fn near_instances(
    name: &str,
    sellers: impl IntoIterator<Item = Seller>,
) -> Vec<&'static InstanceType> {
    let known = of_same_seller(name, sellers.into_iter().collect());
    let names = known.iter().map(|row| row.instance_type.as_str());
    let spelled = nearest(name, names);
    let is_spelled = |row: &&InstanceType| spelled == Some(&row.instance_type);
    // A letter is a slip; further off, the name may rather mean another thing that it says.
    let is_slip =
        |other: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase()) <= 1;
    let spelled = || known.iter().copied().filter(is_spelled);
    if let Some(row) = spelled().find(|row| is_slip(&row.instance_type)) {
        return vec![row];
    }
    let mut near = of_same_size_or_gpu(name, &known);
    if near.is_empty() {
        near.extend(spelled());
    }
    let mut seen = HashSet::new();
    near.retain(|row| seen.insert(&row.instance_type));
    near.truncate(MOST);
    near
}

fn of_same_size_or_gpu(name: &str, known: &[&'static InstanceType]) -> Vec<&'static InstanceType> {
    let wanted = sizes(name);
    let shares_size = |row: &&InstanceType| {
        let has = sizes(&row.instance_type);
        wanted.iter().any(|size| has.contains(size))
    };
    let kinds: Vec<&str> = parts(name)
        .flat_map(|part| gpu::matching(&part))
        .map(|gpu| gpu.name.as_str())
        .collect();
    let has_gpu = |row: &&InstanceType| kinds.contains(&row.gpu.as_str());
    let by_size = known.iter().copied().filter(shares_size);
    by_size
        .chain(known.iter().copied().filter(has_gpu))
        .collect()
}

/// Returns the instance types of the sellers whose names begin like this one, such as `Standard_`; else of all.
fn of_same_seller(name: &str, sellers: Vec<Seller>) -> Vec<&'static InstanceType> {
    let first = |name: &str| parts(name).next();
    let is_alike = |row: &InstanceType| first(&row.instance_type) == first(name);
    let mut alike = sellers.clone();
    alike.retain(|seller| seller.instances().any(is_alike));
    let sellers = if alike.is_empty() { sellers } else { alike };
    sellers.into_iter().flat_map(Seller::instances).collect()
}

/// Returns the hint that names the likely instance types, if there are any.
pub fn near_instances_hint(
    name: &str,
    sellers: impl IntoIterator<Item = Seller>,
) -> Option<String> {
    match near_instances(name, sellers).as_slice() {
        [] => None,
        [one] => Some(format!("did you mean `{}`?", one.instance_type)),
        several => {
            let of = |row: &&InstanceType| match row.gpu_count {
                Some(count) => format!("`{}` ({count} {})", row.instance_type, row.gpu),
                None => format!("`{}` ({})", row.instance_type, row.gpu),
            };
            let names: Vec<String> = several.iter().map(of).collect();
            Some(format!("near it: {}", names.join(", ")))
        }
    }
}

/// Returns the parts of a name, in lower case.
fn parts(name: &str) -> impl Iterator<Item = String> {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    parts.map(str::to_lowercase)
}

/// Returns letters with the number behind them, such as `nc80` of `NC80adis`: of two digits at least, as `v5` is none,
/// and no GPU's name.
fn sizes(name: &str) -> Vec<String> {
    let size = |part: String| {
        let letters = part
            .find(|c: char| c.is_ascii_digit())
            .filter(|at| *at > 0)?;
        let digits = part[letters..].chars().take_while(char::is_ascii_digit);
        let digits = digits.count();
        (digits > 1 && gpu::matching(&part).is_empty()).then(|| part[..letters + digits].to_owned())
    };
    parts(name).filter_map(size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(name: &str, cloud: &str) -> Vec<&'static str> {
        let found = near_instances(name, cloud.parse::<Seller>());
        found.iter().map(|row| row.instance_type.as_str()).collect()
    }

    #[test]
    fn a_name_that_was_made_up_leads_to_what_it_may_mean() {
        assert_eq!(
            near("Standard_NC80s_v4_H200", "azure"),
            ["Standard_NC80adis_H100_v5", "Standard_ND96isr_H200_v5"]
        );
        assert_eq!(
            near("p5-h200.48xlarge", "aws"),
            ["p5e.48xlarge", "p5en.48xlarge"]
        );
    }

    #[test]
    fn a_slip_leads_to_one_name() {
        assert_eq!(near("g6.2xlarg", "aws"), ["g6.2xlarge"]);
        assert_eq!(near("a3-highgpu-8", "gcp"), ["a3-highgpu-8g"]);
        assert_eq!(
            near("standard_nd96isr_h100_v5", "azure"),
            ["Standard_ND96isr_H100_v5"]
        );
        assert_eq!(near("turbo", "azure"), Vec::<&str>::new());
    }

    #[test]
    fn the_way_it_begins_tells_whose_it_is() {
        let found = near_instances("Standard_NC80s_v4_H200", Seller::clouds());
        let names: Vec<&str> = found.iter().map(|row| row.instance_type.as_str()).collect();
        assert_eq!(
            names,
            ["Standard_NC80adis_H100_v5", "Standard_ND96isr_H200_v5"]
        );
    }
}
