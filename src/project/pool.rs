//! GPU pools, and whether a model's pods fit their nodes.

use crate::cloud::{Capacity, Cloud, InstanceType, near_instances_hint};
use crate::diagnostic::{Kind, Problem, Span};
use crate::gpu;
use crate::kubeai::profile::{ProfileCount, shipped};
use crate::manifest::PoolDoc;
use crate::text::quoted_list;
use crate::value::Usd;
use crate::yaml::Findings;

#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    pub name: String,
    pub instance_type: Option<String>,
    /// Canonical name of the GPU kind, where known.
    pub gpu: Option<&'static str>,
    pub gpus_per_node: Option<u32>,
    pub vcpus: Option<f64>,
    pub memory_gib: Option<f64>,
    /// Fewest nodes: they are there, and paid for, whether anything runs on them or not.
    pub min: u32,
    pub max: Option<u32>,
    pub capacity: String,
    /// The resource profile that its nodes serve, where known.
    pub profile: Option<String>,
    /// What the user says that a node costs for an hour.
    pub hourly_usd: Option<Usd>,
}

impl Pool {
    /// Makes a pool of what the manifest says and the cloud's table adds; an instance type may be newer than the table.
    pub fn new(doc: &PoolDoc, cloud: Cloud, findings: &Findings) -> Pool {
        let instance = doc
            .instance_type
            .as_ref()
            .and_then(|name| known_instance(&name.value, doc, cloud, findings));
        let stated = doc
            .gpu
            .as_ref()
            .and_then(|name| stated_gpu(&name.value, doc, findings));
        if let (Some(stated), Some(instance)) = (stated, instance)
            && stated.name != instance.gpu
        {
            let detail = format!(
                "`{}` has {}, not {}",
                instance.instance_type, instance.gpu, stated.name
            );
            findings.error(&doc.span, "GPU kind does not fit the instance type", detail);
        }
        let kind = stated.or_else(|| instance.and_then(|instance| gpu::by_name(&instance.gpu)));
        let shipped = kind
            .map(|gpu| gpu.profile.clone())
            .filter(|profile| !profile.is_empty());
        Pool {
            name: doc.name.clone(),
            instance_type: doc.instance_type.as_ref().map(|name| name.value.clone()),
            gpu: kind.map(|gpu| gpu.name.as_str()),
            gpus_per_node: doc
                .count
                .or_else(|| instance.and_then(InstanceType::visible_gpus)),
            vcpus: instance.and_then(|instance| instance.vcpus),
            memory_gib: instance.and_then(|instance| instance.memory_gib),
            min: doc.min.or(doc.nodes).unwrap_or(0),
            max: doc.max.or(doc.nodes),
            capacity: doc.capacity.clone(),
            profile: doc.profile.clone().or(shipped),
            hourly_usd: doc.hourly_usd,
        }
    }

    /// Returns the capacities in which its nodes are bought; what is reserved may be so for either term.
    pub fn bought_as(&self) -> &'static [Capacity] {
        match self.capacity.as_str() {
            "spot" => &[Capacity::Spot],
            "reserved" => &[Capacity::Reserved1y, Capacity::Reserved3y],
            _ => &[Capacity::OnDemand],
        }
    }

    /// Says what one replica asks of a node that the pool's nodes don't have: GPUs are certain, cores and memory depend
    /// on the cluster's own profiles.
    fn misfit(&self, wanted: &ProfileCount) -> Option<Misfit> {
        let profile = shipped(&wanted.name)?;
        let gpus = wanted.count * profile.gpus.unwrap_or(0);
        if let Some(has) = self.gpus_per_node.filter(|has| gpus > *has) {
            return Some(Misfit {
                certain: true,
                words: format!("{gpus} GPUs in one node, pool `{}` has {has}", self.name),
            });
        }
        let over = |unit: &str, each: Option<f64>, has: Option<f64>| {
            let needs = each? * f64::from(wanted.count);
            let has = has?;
            let words = format!("{needs} {unit} in one node, pool `{}` has {has}", self.name);
            (needs > has).then_some(Misfit {
                certain: false,
                words,
            })
        };
        over("CPU cores", profile.cpu, self.vcpus)
            .or_else(|| over("GiB of memory", profile.memory_gib, self.memory_gib))
    }
}

struct Misfit {
    certain: bool,
    words: String,
}

fn known_instance(
    name: &str,
    doc: &PoolDoc,
    cloud: Cloud,
    findings: &Findings,
) -> Option<&'static InstanceType> {
    let table = cloud.provider();
    let found = table.instance(name);
    if found.is_none() && table.has_regions {
        let span = doc
            .instance_type
            .as_ref()
            .and_then(|name| name.span())
            .unwrap_or(&doc.span);
        let problem = Problem::warning(Kind::Manifest, "unknown instance type")
            .detail(format!(
                "`{name}` is not in mcai's table of {} GPU instances",
                table.name
            ))
            .at(span);
        findings.push(problem.hint_if(near_instances_hint(name, [cloud.into()])));
    }
    found
}

fn stated_gpu(name: &str, doc: &PoolDoc, findings: &Findings) -> Option<&'static gpu::Gpu> {
    let span = doc
        .gpu
        .as_ref()
        .and_then(|name| name.span())
        .unwrap_or(&doc.span);
    match gpu::matching(name).as_slice() {
        [one] => Some(one),
        [] => {
            let names = gpu::all().iter().map(|gpu| gpu.name.as_str());
            let problem = Problem::error(Kind::Manifest, "unknown GPU kind")
                .detail(format!("`{name}` is not a GPU kind"))
                .at(span);
            findings.push(problem.suggest(name, names));
            None
        }
        several => {
            let detail = format!(
                "`{name}` may be {}",
                quoted_list(several.iter().map(|gpu| gpu.name.as_str()))
            );
            findings.error(span, "ambiguous GPU kind", detail);
            None
        }
    }
}

/// Reports when no pool that serves a model's profile has nodes large enough for one replica.
pub(super) fn check_fit<'a>(
    wanted: &ProfileCount,
    pools: impl Iterator<Item = &'a Pool>,
    place: &str,
    span: &Span,
    findings: &Findings,
) {
    let misfits: Option<Vec<Misfit>> = pools.map(|pool| pool.misfit(wanted)).collect();
    let Some(misfits) = misfits.filter(|misfits| !misfits.is_empty()) else {
        return;
    };
    let words: Vec<&str> = misfits.iter().map(|misfit| misfit.words.as_str()).collect();
    let detail = format!("a replica on {place} needs {}", words.join("; "));
    let summary = "no node is large enough";
    findings.push(if misfits.iter().all(|misfit| misfit.certain) {
        Problem::error(Kind::Manifest, summary)
            .detail(detail)
            .at(span)
    } else {
        let hint = "as KubeAI ships the profile; if the cluster's own asks for less, this is fine";
        Problem::warning(Kind::Manifest, summary)
            .detail(detail)
            .hint(hint)
            .at(span)
    });
}
