//! What the fleet costs as the manifest declares it: by model and cluster, and in sums.

use serde_json::Value;

use super::{Amount, Load, Range, Rates, Replicas, Takes, Total, Unknown};
use crate::place::Desired;
use crate::price::At;
use crate::project::{Cluster, Model, Pool, Throughput};
use crate::value::Usd;

/// What selected models cost on selected clusters.
pub struct Estimate<'p> {
    /// By cluster, then by model.
    pub rows: Vec<Row<'p>>,
    pub clusters: Vec<Part>,
    pub clouds: Vec<Part>,
    pub fleet: Part,
    /// Nodes that pools keep whether anything runs on them or not; they are in no sum.
    pub kept: Vec<Kept<'p>>,
}

/// Nodes below which a pool does not shrink.
pub struct Kept<'p> {
    pub cluster: &'p Cluster,
    pub pool: &'p Pool,
    pub usd: Usd,
}

/// One model on one cluster.
pub struct Row<'p> {
    pub model: &'p Model,
    pub cluster: &'p Cluster,
    pub replicas: Replicas,
    pub takes: Result<Takes<'p>, Unknown>,
    /// Alone on its machines.
    pub min: Option<Amount>,
    pub max: Option<Amount>,
    pub tokens: Option<TokenPrice<'p>>,
}

/// What a million tokens cost on a replica that is busy all the time.
pub struct TokenPrice<'p> {
    /// If the replica did nothing but read.
    pub input: Option<Range>,
    /// If everything is charged to what it writes.
    pub output: Option<Range>,
    pub source: &'p str,
}

/// A sum, at the fewest and at the most replicas.
pub struct Part {
    /// The name of a cluster or of a cloud.
    pub name: String,
    pub min: Total,
    pub max: Total,
}

/// Returns what is declared, priced.
pub fn estimate<'p>(rates: &'p Rates, desired: &Desired<'p>) -> Estimate<'p> {
    let mut rows = Vec::new();
    for wanted in &desired.clusters {
        for object in &wanted.objects {
            let model = desired.project.models.get(&object.model);
            let spec = &object.object["spec"];
            rows.extend(model.map(|model| row(rates, model, wanted.cluster, spec)));
        }
    }
    let clusters = parts(&rows, |cluster| cluster.name.to_string());
    let mut clouds = parts(&rows, |cluster| cluster.cloud.to_string());
    clouds.sort_by(|one, other| one.name.cmp(&other.name));
    let fleet = part("fleet".to_owned(), &rows, |_| true);
    Estimate {
        rows,
        clusters,
        clouds,
        fleet,
        kept: kept(rates, desired),
    }
}

fn kept<'p>(rates: &'p Rates, desired: &Desired<'p>) -> Vec<Kept<'p>> {
    let clusters = desired.clusters.iter().map(|wanted| wanted.cluster);
    let kept = clusters.flat_map(|cluster| {
        let pools = rates.known(cluster).filter(|(pool, _)| pool.min > 0);
        pools.map(move |(pool, node)| Kept {
            cluster,
            pool,
            usd: node.usd.times(f64::from(pool.min)),
        })
    });
    kept.collect()
}

fn row<'p>(rates: &'p Rates, model: &'p Model, cluster: &'p Cluster, spec: &Value) -> Row<'p> {
    let replicas = Replicas::of(spec);
    let takes = rates.takes(cluster, spec);
    let amount = |count: Option<u64>| match &takes {
        _ if count == Some(0) => Some(Amount::default()),
        Ok(Takes::NoGpu) => Some(Amount::default()),
        Ok(takes) => Some(takes.amount(takes.running(count)?)),
        Err(_) => None,
    };
    let throughput = model.throughput.as_ref();
    Row {
        model,
        cluster,
        replicas,
        min: amount(Some(replicas.min)),
        max: amount(replicas.max),
        tokens: throughput.and_then(|measured| token_price(measured, takes.as_ref().ok()?)),
        takes,
    }
}

/// Returns what tokens cost on the pools for which the measurement holds.
fn token_price<'p>(measured: &'p Throughput, takes: &Takes<'_>) -> Option<TokenPrice<'p>> {
    let holds = |gpu: Option<&str>| match &measured.gpus {
        None => true,
        Some(kinds) => gpu.is_some_and(|gpu| kinds.iter().any(|kind| kind.name == gpu)),
    };
    let ways = takes.ways().iter().filter(|way| holds(way.pool.gpu));
    let replica: Vec<Usd> = ways.map(|way| way.shared(1)).collect();
    let price = |rate: f64| {
        let tokens_per_hour = rate * 3600.0;
        Range::over(replica.iter().copied()).times(1_000_000.0 / tokens_per_hour)
    };
    (!replica.is_empty()).then(|| TokenPrice {
        input: measured.input.map(price),
        output: measured.output.map(price),
        source: &measured.source,
    })
}

/// Returns a sum for each name that clusters have, in the order of the rows.
fn parts(rows: &[Row<'_>], name: impl Fn(&Cluster) -> String) -> Vec<Part> {
    let mut names: Vec<String> = Vec::new();
    for row in rows {
        let name = name(row.cluster);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let named = |wanted: String| part(wanted.clone(), rows, |cluster| name(cluster) == wanted);
    names.into_iter().map(named).collect()
}

fn part(name: String, rows: &[Row<'_>], is_in: impl Fn(&Cluster) -> bool) -> Part {
    let total = |at: At| {
        let rows = rows.iter().filter(|row| is_in(row.cluster));
        let loads = rows.map(|row| Load {
            cluster: row.cluster,
            model: row.model.name.as_str(),
            takes: row.takes.clone(),
            replicas: row.replicas.at(at),
            least: row.replicas.min,
        });
        Total::of(&loads.collect::<Vec<_>>())
    };
    Part {
        name,
        min: total(At::Min),
        max: total(At::Max),
    }
}
