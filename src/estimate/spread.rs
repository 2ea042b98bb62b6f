//! What a model's replicas may cost at most, where several pools can carry them: whoever places them may put some on each.

use super::Way;
use crate::value::Usd;

/// Beyond so many replicas a simpler bound is near enough.
const COUNTED: u64 = 1000;

/// Returns the most that the machines for so many replicas cost, however the replicas are spread over the pools.
pub(super) fn dearest(ways: &[Way<'_>], replicas: u64) -> Usd {
    match ways {
        [] => Usd::ZERO,
        [only] => only.whole(replicas),
        ways if replicas <= COUNTED => counted(ways, replicas as usize),
        ways => bound(ways, replicas),
    }
}

/// Fills a table with the most that so many replicas or fewer can cost, pool by pool. A machine more needs one replica on
/// it when it is the pool's first, and else that all before it are full.
fn counted(ways: &[Way<'_>], replicas: usize) -> Usd {
    let mut most = vec![Usd::ZERO; replicas + 1];
    for way in ways {
        let before = most.clone();
        let machines = (1..).take_while(|machines| way.pool.max.is_none_or(|max| *machines <= max));
        for machines in machines {
            let needed = (machines as usize - 1) * way.each() as usize + 1;
            if needed > replicas {
                break;
            }
            let usd = way.node.usd.times(f64::from(machines));
            for count in needed..=replicas {
                most[count] = most[count].max(before[count - needed] + usd);
            }
        }
    }
    most.last().copied().unwrap_or_default()
}

/// A pool with k replicas has at most (k - 1) / each + 1 machines: so all cost at most a machine of each pool, and for each
/// replica its share of a full machine of the dearest.
fn bound(ways: &[Way<'_>], replicas: u64) -> Usd {
    let shares = ways.iter().map(|way| way.node.usd.per(way.each() as f64));
    let share = shares.max().unwrap_or_default();
    let machines: Usd = ways.iter().map(|way| way.node.usd).sum();
    machines + share.times(replicas as f64)
}
