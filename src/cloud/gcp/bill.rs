//! What Google bills for a machine: its parts, since the price list has no machines. Main types: [`Part`], [`bill`].
//!
//! Which SKUs belong to which machine is as in cloudpilot-ai/karpenter-provider-gcp, SpareCores/sc-crawler and
//! dstackai/gpuhunt, sizes of bundled disks as in Google's pages on accelerator-optimized machines and on Local SSD
//! (<https://cloud.google.com/compute/docs/disks/local-ssd#lssd_disks_fixed>).

use crate::cloud::InstanceType;

/// Something that has a price of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// One vCPU of a family of hosts.
    Core(&'static str),
    /// One GiB of memory of a family of hosts.
    Ram(&'static str),
    /// One GPU, or a slice of a machine with one.
    Gpu(&'static str),
    /// One GiB of Local SSD.
    LocalSsd,
}

pub(super) const A100_40: &str = "A100 40GB";
pub(super) const A100_80: &str = "A100 80GB";
pub(super) const H100: &str = "H100 80GB";
pub(super) const H100_MEGA: &str = "H100 80GB Mega";
pub(super) const H200: &str = "H200 141GB";
pub(super) const L4: &str = "L4";
pub(super) const RTX_6000: &str = "RTX 6000 96GB";
/// The eighth of a G4 machine with its vCPUs and memory; Google does not bill parts of its GPU otherwise.
pub(super) const RTX_6000_EIGHTH: &str = "RTX 6000 1/8 slice";
/// The eighth of an A4 machine with its vCPUs, memory and disks.
pub(super) const B200_SLICE: &str = "B200 slice";

/// Families of hosts as SKUs name them, which is not as machines are named.
pub(super) const HOSTS: [&str; 6] = ["A2", "A3", "A3Plus", "A3Ultra", "G2", "G4"];

/// How a line of machines is billed.
struct Line {
    prefix: &'static str,
    /// Nothing where the GPU's SKU holds the whole machine.
    host: Option<&'static str>,
    gpu: &'static str,
    /// SKUs of the GPU's kind for one GPU.
    slices_per_gpu: f64,
    ssd_gib_per_gpu: f64,
}

const fn line(
    prefix: &'static str,
    host: &'static str,
    gpu: &'static str,
    ssd_gib_per_gpu: f64,
) -> Line {
    Line {
        prefix,
        host: Some(host),
        gpu,
        slices_per_gpu: 1.0,
        ssd_gib_per_gpu,
    }
}

const fn sliced(prefix: &'static str, gpu: &'static str, slices_per_gpu: f64) -> Line {
    Line {
        prefix,
        host: None,
        gpu,
        slices_per_gpu,
        ssd_gib_per_gpu: 0.0,
    }
}

/// The first that fits counts. Local SSD is bundled with A2 Ultra and every A3; with A2, G2 and G4 it is a choice.
/// A3 Edge, A4X and A4X Max are missing: no public source has their SKUs.
const LINES: [Line; 13] = [
    line("a2-highgpu-", "A2", A100_40, 0.0),
    line("a2-megagpu-", "A2", A100_40, 0.0),
    line("a2-ultragpu-", "A2", A100_80, 375.0),
    line("a3-highgpu-", "A3", H100, 750.0),
    line("a3-megagpu-", "A3Plus", H100_MEGA, 750.0),
    line("a3-ultragpu-8g-nolssd", "A3Ultra", H200, 0.0),
    line("a3-ultragpu-", "A3Ultra", H200, 1500.0),
    sliced("a4-highgpu-", B200_SLICE, 1.0),
    line("g2-standard-", "G2", L4, 0.0),
    sliced("g4-standard-6", RTX_6000_EIGHTH, 8.0),
    sliced("g4-standard-12", RTX_6000_EIGHTH, 8.0),
    sliced("g4-standard-24", RTX_6000_EIGHTH, 8.0),
    line("g4-standard-", "G4", RTX_6000, 0.0),
];

/// Returns the parts of a machine and how many of each, or nothing where that is not known.
pub(super) fn bill(machine: &InstanceType) -> Option<Vec<(Part, f64)>> {
    let name = machine.instance_type.as_str();
    let line = LINES.iter().find(|line| name.starts_with(line.prefix))?;
    let gpus = machine.gpu_count?;
    let mut parts = vec![(Part::Gpu(line.gpu), gpus * line.slices_per_gpu)];
    if let Some(host) = line.host {
        parts.push((Part::Core(host), machine.vcpus?));
        parts.push((Part::Ram(host), machine.memory_gib?));
    }
    if line.ssd_gib_per_gpu > 0.0 {
        parts.push((Part::LocalSsd, gpus * line.ssd_gib_per_gpu));
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::super::PROVIDER;
    use super::*;

    fn parts(name: &str) -> Option<Vec<(Part, f64)>> {
        bill(PROVIDER.instance(name).expect("a machine of the table"))
    }

    #[test]
    fn machines_are_hosts_gpus_and_bundled_disks() {
        let expected = vec![
            (Part::Gpu(H100), 8.0),
            (Part::Core("A3"), 208.0),
            (Part::Ram("A3"), 1872.0),
            (Part::LocalSsd, 6000.0),
        ];
        assert_eq!(parts("a3-highgpu-8g"), Some(expected));
        let ssd = |name| {
            parts(name).and_then(|parts| {
                parts
                    .iter()
                    .find(|(part, _)| *part == Part::LocalSsd)
                    .map(|(_, gib)| *gib)
            })
        };
        for (name, gib) in [
            ("a2-highgpu-8g", None),
            ("a2-ultragpu-4g", Some(1500.0)),
            ("a3-highgpu-1g", Some(750.0)),
            ("a3-megagpu-8g", Some(6000.0)),
            ("a3-ultragpu-8g", Some(12000.0)),
            ("a3-ultragpu-8g-nolssd", None),
            ("g4-standard-48", None),
        ] {
            assert_eq!(ssd(name), gib, "{name}");
        }
    }

    #[test]
    fn slices_hold_the_whole_machine() {
        assert_eq!(
            parts("a4-highgpu-8g"),
            Some(vec![(Part::Gpu(B200_SLICE), 8.0)])
        );
    }

    #[test]
    fn what_nobody_knows_has_no_bill() {
        for name in ["a3-edgegpu-8g", "a4x-highgpu-4g", "a4x-maxgpu-4g-metal"] {
            assert_eq!(parts(name), None, "{name}");
        }
    }
}
