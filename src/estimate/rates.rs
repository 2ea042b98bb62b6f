//! What a node of each pool costs: as the user says, else as the pool's instance type is sold.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::Unknown;
use crate::cloud::{Capacity, Seller};
use crate::diagnostic::Problem;
use crate::price::{Market, Offer, Wanted, YOURS};
use crate::project::{Cluster, Pool, Project};
use crate::value::{ClusterName, Usd};

/// What a node costs for an hour, and how that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct NodePrice {
    pub usd: Usd,
    /// As what it is priced; nothing where the user says the price of a node.
    pub capacity: Option<Capacity>,
    /// Whether the way in which the node is bought has no usable price, and it counts as on demand: it costs at most so
    /// much.
    pub at_most: bool,
    pub as_of: Option<Date>,
    pub source: String,
    /// Whether the user's own terms made it.
    pub is_yours: bool,
}

/// What a node of every pool of a project costs, on a day.
pub struct Rates {
    /// In the order of each cluster's pools.
    nodes: BTreeMap<ClusterName, Vec<Result<NodePrice, Unknown>>>,
    pub today: Date,
}

impl Rates {
    /// Reads the prices of the pools' instance types, and no others.
    pub fn read(project: &Project, market: &Market) -> Result<Self, Problem> {
        let clusters = || project.clusters.values();
        let wanted: Wanted<'_> = clusters().flat_map(listed_types).collect();
        let offers = match wanted.is_empty() {
            true => Vec::new(),
            false => market.offers(&wanted)?.offers,
        };
        let nodes = clusters().map(|cluster| {
            let pools = cluster.pools.iter();
            let prices = pools.map(|pool| node_price(cluster, pool, &offers, market.today));
            (cluster.name.clone(), prices.collect())
        });
        Ok(Rates {
            nodes: nodes.collect(),
            today: market.today,
        })
    }

    /// Returns the pools of a cluster with the prices of their nodes, where these are known.
    pub(super) fn known<'a>(
        &'a self,
        cluster: &'a Cluster,
    ) -> impl Iterator<Item = (&'a Pool, &'a NodePrice)> {
        let prices = self.nodes.get(&cluster.name).into_iter().flatten();
        let pools = cluster.pools.iter().zip(prices);
        pools.filter_map(|(pool, price)| Some((pool, price.as_ref().ok()?)))
    }

    /// Returns the pools of a cluster that carry a profile, by their place in the manifest, with the prices of their nodes.
    pub(super) fn of<'a>(
        &'a self,
        cluster: &'a Cluster,
        profile: &str,
    ) -> impl Iterator<Item = (usize, &'a Pool, &'a Result<NodePrice, Unknown>)> {
        let prices = self.nodes.get(&cluster.name).into_iter().flatten();
        let pools = cluster.pools.iter().zip(prices).enumerate();
        pools
            .map(|(at, (pool, price))| (at, pool, price))
            .filter(move |(_, pool, _)| pool.profile.as_deref() == Some(profile))
    }
}

/// Returns the instance types whose prices are to be read from lists.
fn listed_types(cluster: &Cluster) -> impl Iterator<Item = (Seller, &str)> {
    let priced = |pool: &&Pool| pool.hourly_usd.is_none();
    let pools = cluster.pools.iter().filter(priced);
    pools.filter_map(|pool| Some((cluster.cloud.into(), pool.instance_type.as_deref()?)))
}

fn node_price(
    cluster: &Cluster,
    pool: &Pool,
    offers: &[Offer],
    today: Date,
) -> Result<NodePrice, Unknown> {
    if let Some(usd) = pool.hourly_usd {
        return Ok(NodePrice {
            usd,
            capacity: None,
            at_most: false,
            as_of: None,
            source: YOURS.to_owned(),
            is_yours: true,
        });
    }
    let no_type = || Unknown::NoInstanceType(pool.name.clone());
    let instance_type = pool.instance_type.as_ref().ok_or_else(no_type)?;
    let region = cluster.region.as_deref().ok_or_else(no_type)?;
    let seller = Seller::from(cluster.cloud);
    let is_it = |offer: &&Offer| {
        offer.seller == seller && offer.instance_type == *instance_type && offer.region == region
    };
    let offer = offers.iter().find(is_it);
    let price = offer.and_then(|offer| price_of(offer, pool.bought_as(), today));
    price.ok_or_else(|| Unknown::NoPrice {
        instance_type: instance_type.clone(),
        region: region.to_owned(),
    })
}

/// Returns the price of a machine as a pool buys it. Spot of long ago says nothing; a machine that is reserved has the
/// price of the cheaper term, as the manifest does not say which it is.
fn price_of(offer: &Offer, bought_as: &[Capacity], today: Date) -> Option<NodePrice> {
    let best = offer.best(bought_as, today);
    let at_most = best.is_none();
    let capacity = best.map_or(Capacity::OnDemand, |(capacity, _)| capacity);
    let asked = offer.prices.get(&capacity)?;
    Some(NodePrice {
        usd: asked.usd,
        capacity: Some(capacity),
        at_most,
        as_of: asked.as_of,
        source: asked.source.clone(),
        is_yours: asked.is_yours(),
    })
}
