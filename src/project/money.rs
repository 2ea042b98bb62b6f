//! What the manifest says about money: names in it are looked up, and own machines get their pools.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::check::Checker;
use super::{Cluster, Pool, Throughput};
use crate::cloud::{Seller, near_instances_hint};
use crate::diagnostic::{Kind, Problem, Span};
use crate::gpu::{self, Gpu};
use crate::manifest::{DiscountDoc, FixedDoc, ModelDoc, OwnMachineDoc};
use crate::price::{Discount, Fixed, OwnMachine, Scope, Terms};
use crate::value::{ClusterName, Sourced};

type Clusters = BTreeMap<ClusterName, Cluster>;

impl Checker<'_> {
    pub(super) fn catalog(&self) -> Option<Sourced<PathBuf>> {
        let text = self.document.prices.catalog.as_ref()?;
        let path = self.below_root(text);
        if path.is_none() {
            let detail = format!("`{}` is not a path below the manifest's folder", text.value);
            self.findings
                .error(self.place(text), "catalog outside the project", detail);
        }
        path
    }

    /// Gives pools the prices that `prices.ownMachines` has for them.
    pub(super) fn price_own_machines(&self, clusters: &mut Clusters) {
        for own in &self.document.prices.own {
            // A cluster with findings of its own is known by its name all the same.
            let known = self.document.clusters.keys().map(ClusterName::as_str);
            let name: Option<ClusterName> = self.dangling(&own.cluster, "cluster", known);
            if let Some(cluster) = name.and_then(|name| clusters.get_mut(&name)) {
                self.price_pool(own, cluster);
            }
        }
    }

    fn price_pool(&self, own: &OwnMachineDoc, cluster: &mut Cluster) {
        let names: Vec<String> = cluster.pools.iter().map(|pool| pool.name.clone()).collect();
        let Some(pool) = cluster
            .pools
            .iter_mut()
            .find(|pool| pool.name == own.pool.value)
        else {
            let detail = format!(
                "cluster `{}` has no GPU pool `{}`",
                cluster.name, own.pool.value
            );
            let problem = Problem::error(Kind::Manifest, "unknown pool").detail(detail);
            let known = names.iter().map(String::as_str);
            self.findings.push(
                problem
                    .suggest_or_list(&own.pool.value, known)
                    .at(self.place(&own.pool)),
            );
            return;
        };
        if pool.hourly_usd.is_some() {
            let detail = format!(
                "pool `{}` of cluster `{}` has a price already",
                pool.name, cluster.name
            );
            self.findings
                .error(&own.span, "two prices for one pool", detail);
        }
        pool.hourly_usd = Some(own.usd);
    }

    /// Returns the user's terms; machines of the user's own are the pools whose price the manifest says, where there is no
    /// cloud to sell them.
    pub(super) fn terms(&self, clusters: &Clusters) -> Terms {
        let prices = &self.document.prices;
        let is_own = |cluster: &&Cluster| !cluster.cloud.provider().has_regions;
        let own = clusters.values().filter(is_own).flat_map(|cluster| {
            let pools = cluster.pools.iter();
            pools.filter_map(|pool| own_machine(cluster, pool))
        });
        Terms {
            discounts: prices
                .discounts
                .iter()
                .map(|doc| self.discount(doc))
                .collect(),
            fixed: prices.fixed.iter().map(|doc| self.fixed(doc)).collect(),
            own: own.collect(),
        }
    }

    fn discount(&self, doc: &DiscountDoc) -> Discount {
        let sellers: Vec<Seller> = match &doc.clouds {
            Some(sellers) => sellers.clone(),
            None => Seller::clouds()
                .chain(Seller::others().iter().copied())
                .collect(),
        };
        for region in doc.regions.iter().flatten() {
            self.check_region(region, &sellers);
        }
        for name in doc.instance_types.iter().flatten() {
            self.check_instance_type(name, &sellers);
        }
        let gpus = doc.gpus.as_ref().map(|names| {
            let kinds = names.iter().flat_map(|name| self.kinds(name, &doc.span));
            kinds.collect()
        });
        let texts = |names: &Option<Vec<Sourced<String>>>| {
            let names = names.as_ref()?.iter();
            Some(names.map(|name| name.value.clone()).collect())
        };
        Discount {
            scope: Scope {
                clouds: doc.clouds.clone(),
                regions: texts(&doc.regions),
                instance_types: texts(&doc.instance_types),
                gpus,
                capacities: doc.capacities.clone(),
            },
            percent: doc.percent,
            until: doc.until,
        }
    }

    fn fixed(&self, doc: &FixedDoc) -> Fixed {
        self.check_instance_type(&doc.instance_type, &[doc.cloud]);
        if let Some(region) = &doc.region {
            self.check_region(region, &[doc.cloud]);
        }
        Fixed {
            cloud: doc.cloud,
            instance_type: doc.instance_type.value.clone(),
            region: doc.region.as_ref().map(|region| region.value.clone()),
            capacity: doc.capacity,
            usd: doc.usd,
            until: doc.until,
        }
    }

    pub(super) fn throughput(&self, doc: &ModelDoc) -> Option<Throughput> {
        let doc = doc.throughput.as_ref()?;
        let gpu = doc.gpu.as_ref();
        Some(Throughput {
            input: doc.input,
            output: doc.output,
            gpus: gpu.map(|name| self.kinds(name, &doc.span)),
            source: doc.source.clone(),
        })
    }

    fn check_region(&self, region: &Sourced<String>, sellers: &[Seller]) {
        let is_known = |seller: &Seller| seller.country(&region.value).is_some();
        // Of sellers that are no clouds the table has few regions.
        let is_open = |seller: &Seller| seller.cloud().is_none();
        if sellers.iter().any(is_known) || sellers.iter().all(is_open) {
            return;
        }
        let clouds = sellers.iter().filter_map(|seller| seller.cloud());
        let names = clouds
            .flat_map(|cloud| cloud.regions())
            .map(|row| row.region.as_str());
        let detail = format!("`{}` is not a region of {}", region.value, of(sellers));
        let problem = Problem::error(Kind::Manifest, "unknown region").detail(detail);
        self.findings
            .push(problem.suggest(&region.value, names).at(self.place(region)));
    }

    fn check_instance_type(&self, name: &Sourced<String>, sellers: &[Seller]) {
        let mut rows = sellers.iter().flat_map(|seller| seller.instances());
        if rows.any(|row| row.instance_type == name.value) {
            return;
        }
        let detail = format!("`{}` is not in mcai's table of {}", name.value, of(sellers));
        let mut problem = Problem::error(Kind::Manifest, "unknown instance type").detail(detail);
        let near = near_instances_hint(&name.value, sellers.iter().copied());
        problem.hints.extend(near);
        self.findings.push(problem.at(self.place(name)));
    }

    /// Returns the GPU kinds that a name may mean; one that means none is reported.
    fn kinds(&self, name: &Sourced<String>, span: &Span) -> Vec<&'static Gpu> {
        let kinds = gpu::matching(&name.value);
        if kinds.is_empty() {
            let mut problem = Problem::error(Kind::Manifest, "unknown GPU kind")
                .detail(format!("`{}` is not a GPU kind", name.value));
            problem.hints.extend(gpu::near_hint(&name.value));
            self.findings.push(problem.at(name.span().unwrap_or(span)));
        }
        kinds
    }

    fn place<'a>(&'a self, text: &'a Sourced<String>) -> &'a Span {
        text.span().unwrap_or(&self.document.span)
    }
}

/// Says whose table was looked at.
fn of(sellers: &[Seller]) -> String {
    match sellers {
        [one] => one.to_string(),
        _ => "any seller".to_owned(),
    }
}

fn own_machine(cluster: &Cluster, pool: &Pool) -> Option<OwnMachine> {
    Some(OwnMachine {
        cloud: cluster.cloud.into(),
        cluster: cluster.name.to_string(),
        pool: pool.name.clone(),
        country: cluster.country,
        gpu: gpu::by_name(pool.gpu?)?,
        gpus: pool.gpus_per_node,
        usd: pool.hourly_usd?,
    })
}
