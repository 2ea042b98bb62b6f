//! Which machines the manifest's pools are, and its models ask for: what `mcai cost` compares when nothing is named.

use crate::cloud::Seller;
use crate::gpu::{self, Gpu};
use crate::kubeai::profile::{ProfileCount, shipped};
use crate::price::{self, Choice, Machine};
use crate::project::{Cluster, Model, Pool, Project};

/// The machines of a manifest.
#[derive(Debug, Default)]
pub struct Needs {
    pub machines: Vec<Machine>,
    /// The instance types that the pools name, where they are.
    pub choices: Vec<Choice>,
    /// The clouds of the clusters.
    pub sellers: Vec<Seller>,
    /// Pools, with their clusters, of whose GPUs nothing is known.
    pub unknown: Vec<String>,
}

/// Returns what the pools are, and what the models ask for that no pool has.
pub fn needs(project: &Project) -> Needs {
    let mut needs = Needs::default();
    for cluster in project.clusters.values() {
        push_new(&mut needs.sellers, cluster.cloud.into());
        for pool in &cluster.pools {
            needs.add_pool(cluster, pool);
        }
        let placed = project.models.values();
        let placed = placed.filter(|model| model.excluded_from(cluster).is_none());
        for wanted in placed.filter_map(|model| profile(model, cluster)) {
            if cluster.pools_for(&wanted.name).next().is_none() {
                needs.add_profile(project, &wanted);
            }
        }
    }
    needs
}

impl Needs {
    fn add_pool(&mut self, cluster: &Cluster, pool: &Pool) {
        let Some(gpu) = pool.gpu.and_then(gpu::by_name) else {
            self.unknown.push(format!("{}/{}", cluster.name, pool.name));
            return;
        };
        let instance = pool.instance_type.as_ref();
        let instance = instance.and_then(|name| cluster.cloud.provider().instance(name));
        // The table knows fractions, a pool what Kubernetes sees.
        let gpus = match instance {
            Some(instance) => instance.gpu_count,
            None => pool.gpus_per_node.map(f64::from),
        };
        let machine = Machine {
            gpu,
            gpus,
            instance_type: None,
        };
        push_new(&mut self.machines, machine);
        self.choices.extend(choice(cluster, pool, gpu, gpus));
    }

    /// A profile may be meant for several kinds of GPUs.
    fn add_profile(&mut self, project: &Project, wanted: &ProfileCount) {
        let each = shipped(&wanted.name).and_then(|profile| profile.gpus);
        let gpus = each.unwrap_or(0).saturating_mul(wanted.count);
        let kinds = gpu::all().iter().filter(|gpu| gpu.profile == wanted.name);
        for kind in kinds.filter(|_| gpus > 0) {
            let exactly = price::machines(&format!("{}:{gpus}", kind.name), &project.terms);
            let any = || {
                vec![Machine {
                    gpu: kind,
                    gpus: None,
                    instance_type: None,
                }]
            };
            for machine in exactly.unwrap_or_else(|_| any()) {
                push_new(&mut self.machines, machine);
            }
        }
    }
}

/// Returns the machine that a pool names: an instance type in the cluster's region, or the user's own.
fn choice(cluster: &Cluster, pool: &Pool, gpu: &'static Gpu, gpus: Option<f64>) -> Option<Choice> {
    let own = || (cluster.name.to_string(), pool.name.clone());
    let (region, instance_type) = match &cluster.region {
        Some(region) => (region.clone(), pool.instance_type.clone()?),
        None => own(),
    };
    Some(Choice {
        name: format!("{}/{}", cluster.name, pool.name),
        seller: cluster.cloud.into(),
        region,
        country: cluster.country,
        instance_type,
        gpu,
        gpus,
        bought_as: pool.bought_as(),
        // A machine of no cloud is offered with its price.
        usd: cluster.region.as_ref().and(pool.hourly_usd),
    })
}

fn profile(model: &Model, cluster: &Cluster) -> Option<ProfileCount> {
    let spec = model.effective_spec(cluster);
    spec.get("resourceProfile")?.as_str()?.parse().ok()
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}
