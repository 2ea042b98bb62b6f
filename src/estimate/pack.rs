//! How many machines of one pool hold the replicas of several models.

use std::collections::BTreeMap;

/// Returns how many machines of a size take replicas, given as GPUs of one and how many there are.
///
/// Large replicas go first, and each fills the fullest machine that has room before another machine begins. Kubernetes
/// may do worse; it can hardly do better. Machines are counted by their free GPUs, so that a million replicas take no
/// longer than one.
pub(super) fn machines(size: u32, replicas: &[(u32, u64)]) -> u64 {
    let mut left: Vec<(u32, u64)> = replicas.to_vec();
    left.sort_unstable_by(|one, other| other.cmp(one));
    let mut pile = Pile::default();
    for (gpus, count) in left {
        let rest = pile.fill(gpus, count);
        pile.begin(size, gpus, rest);
    }
    pile.machines
}

#[derive(Default)]
struct Pile {
    /// How many machines have so many GPUs free.
    free: BTreeMap<u32, u64>,
    machines: u64,
}

impl Pile {
    /// Puts replicas on machines that are there; returns how many found no room.
    fn fill(&mut self, gpus: u32, mut left: u64) -> u64 {
        let rooms: Vec<u32> = self.free.range(gpus..).map(|(room, _)| *room).collect();
        for room in rooms {
            let machines = self.free.remove(&room).unwrap_or(0);
            let used = self.put(room, gpus, left, machines);
            left -= used.replicas;
            self.leave(room, machines - used.machines);
        }
        left
    }

    /// Puts replicas on new machines.
    fn begin(&mut self, size: u32, gpus: u32, left: u64) {
        let used = self.put(size, gpus, left, u64::MAX);
        self.machines = self.machines.saturating_add(used.machines);
    }

    /// Puts replicas on machines with the same room, as many on each as it takes.
    fn put(&mut self, room: u32, gpus: u32, left: u64, machines: u64) -> Used {
        let each = u64::from(room / gpus);
        let full = (left / each).min(machines);
        self.leave(room % gpus, full);
        let rest = left - full * each;
        if rest == 0 || full == machines {
            return Used {
                machines: full,
                replicas: full * each,
            };
        }
        // Less than `each`, so it fits the room.
        self.leave(room - rest as u32 * gpus, 1);
        Used {
            machines: full + 1,
            replicas: left,
        }
    }

    fn leave(&mut self, room: u32, machines: u64) {
        if machines > 0 {
            *self.free.entry(room).or_default() += machines;
        }
    }
}

struct Used {
    machines: u64,
    replicas: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_are_filled_before_another_begins() {
        for (replicas, expected) in [
            (&[][..], 0),
            (&[(1, 0)], 0),
            (&[(1, 8)], 1),
            (&[(1, 9)], 2),
            // Two of 3 GPUs fit 8, not three.
            (&[(3, 5)], 3),
            // 4 + 4 on one; 4 + 2 + 2 on the next; the last of 2 has a third.
            (&[(2, 3), (4, 3)], 3),
            // The small ones go where the large ones left room: 5 + 3, 5 + 3.
            (&[(3, 2), (5, 2)], 2),
            // 6 + 1 + 1, 6 + 2: the singles find the gaps.
            (&[(6, 2), (1, 2), (2, 1)], 2),
            (&[(8, 2_147_483_647), (1, 1)], 2_147_483_648),
        ] {
            assert_eq!(machines(8, replicas), expected, "{replicas:?}");
        }
    }
}
