use super::*;
use crate::price::Catalog;

const TODAY: &str = "2026-11-25";

fn seller(id: &str) -> Seller {
    id.parse().unwrap()
}

/// Makes quotes of `type region capacity usd` lines, with the GPUs of the machine where the list has them.
fn quotes(lines: &str) -> Vec<Quote> {
    let quote = |line: &str| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        Quote {
            instance_type: cells[0].to_owned(),
            region: cells[1].to_owned(),
            capacity: cells[2].parse().unwrap(),
            usd: cells[3].parse().unwrap(),
            as_of: TODAY.parse().unwrap(),
            source: "list",
            gpus: cells.get(4).map(|gpus| gpus.parse().unwrap()),
        }
    };
    let lines = lines.lines().filter(|line| !line.trim().is_empty());
    lines.map(quote).collect()
}

fn reading(lines: &str) -> Reading {
    Reading {
        quotes: quotes(lines),
        ..Reading::default()
    }
}

/// Known prices of the same lines, a month older.
fn known(cloud: &str, lines: &str) -> Vec<Price> {
    let old = |quote: Quote| Price {
        as_of: "2026-10-25".parse().unwrap(),
        source: "old".to_owned(),
        ..price_of(seller(cloud), quote)
    };
    quotes(lines).into_iter().map(old).collect()
}

fn merged(old: &str, new: &str) -> Merged {
    merge(
        known("aws", old),
        seller("aws"),
        reading(new),
        &Accept::none(),
    )
}

fn shown(prices: &[Price]) -> Vec<String> {
    let held = |price: &Price| {
        price
            .held
            .as_ref()
            .map_or(String::new(), |held| format!(" held {}", held.usd))
    };
    prices
        .iter()
        .map(|price| {
            format!(
                "{} {} {}{}",
                price.key,
                price.usd,
                price.source,
                held(price)
            )
        })
        .collect()
}

fn reasons(merged: &Merged) -> Vec<(Reason, usize)> {
    let all = merged.set_aside.0.iter();
    all.map(|(reason, examples)| (*reason, examples.count))
        .collect()
}

#[test]
fn a_near_price_takes_the_place_of_the_old_one_and_a_confirmed_one_gets_the_day() {
    let merged = merged(
        "g6.xlarge us-east-1 on-demand 0.8\ng6.xlarge us-east-1 spot 0.4\ng6.xlarge us-east-2 spot 0.4",
        "g6.xlarge us-east-1 on-demand 0.8\ng6.xlarge us-east-1 spot 0.42\ng6.xlarge us-east-2 spot 0.3\ng6.xlarge us-west-2 spot 0.5",
    );
    assert_eq!(
        shown(&merged.rows),
        [
            "aws/g6.xlarge/us-east-1/on-demand 0.8 list",
            "aws/g6.xlarge/us-east-1/spot 0.42 list",
            "aws/g6.xlarge/us-east-2/spot 0.3 list",
            "aws/g6.xlarge/us-west-2/spot 0.5 list",
        ]
    );
    assert!(
        merged
            .rows
            .iter()
            .all(|price| price.as_of.to_string() == TODAY)
    );
    let moves: Vec<f64> = merged
        .changed
        .iter()
        .map(|change| (change.relative() * 100.0).round())
        .collect();
    assert_eq!(
        (moves, merged.unchanged, merged.added.len(), merged.kept()),
        (vec![-25.0, 5.0], 1, 1, 4)
    );
}

#[test]
fn a_far_price_is_held_until_it_comes_back_or_is_accepted() {
    let first = merged(
        "g6.xlarge us-east-1 spot 0.4",
        "g6.xlarge us-east-1 spot 0.6",
    );
    assert_eq!(
        shown(&first.rows),
        ["aws/g6.xlarge/us-east-1/spot 0.4 old held 0.6"]
    );
    assert_eq!((first.held.len(), first.kept()), (1, 0));
    let again = |lines: &str, accept: &Accept| {
        let merged = merge(first.rows.clone(), seller("aws"), reading(lines), accept);
        shown(&merged.rows).join(", ")
    };
    let none = Accept::none();
    // It comes again, it moves on, no list speaks of it, it is back.
    assert_eq!(
        again("g6.xlarge us-east-1 spot 0.6", &none),
        "aws/g6.xlarge/us-east-1/spot 0.4 old held 0.6"
    );
    assert_eq!(
        again("g6.xlarge us-east-1 spot 0.7", &none),
        "aws/g6.xlarge/us-east-1/spot 0.4 old held 0.7"
    );
    assert_eq!(
        again("", &none),
        "aws/g6.xlarge/us-east-1/spot 0.4 old held 0.6"
    );
    assert_eq!(
        again("g6.xlarge us-east-1 spot 0.41", &none),
        "aws/g6.xlarge/us-east-1/spot 0.41 list"
    );
    let named = Accept::Only(["aws/g6.xlarge/us-east-1/spot".to_owned()].into());
    let other = Accept::Only(["aws/g6.xlarge/us-east-2/spot".to_owned()].into());
    assert_eq!(
        again("g6.xlarge us-east-1 spot 0.7", &named),
        "aws/g6.xlarge/us-east-1/spot 0.7 list"
    );
    // So much more than what was held nobody has seen.
    for accept in [&named, &Accept::All] {
        assert_eq!(
            again("g6.xlarge us-east-1 spot 0.8", accept),
            "aws/g6.xlarge/us-east-1/spot 0.4 old held 0.8"
        );
    }
    let news = merge(
        known("aws", "g6.xlarge us-east-1 spot 0.4"),
        seller("aws"),
        reading("g6.xlarge us-east-1 spot 0.6"),
        &Accept::All,
    );
    assert_eq!(shown(&news.rows), shown(&first.rows));
    assert_eq!(
        again("", &Accept::All),
        "aws/g6.xlarge/us-east-1/spot 0.6 list"
    );
    assert_eq!(
        again("", &other),
        "aws/g6.xlarge/us-east-1/spot 0.4 old held 0.6"
    );
}

#[test]
fn what_cannot_be_is_set_aside_and_the_old_row_stays() {
    let old = "g6.xlarge us-east-1 on-demand 0.8\ng6.12xlarge us-east-1 on-demand 4.6";
    for (lines, reason) in [
        ("g6.xlarge us-east-1 on-demand 0", Reason::Zero),
        ("g6.xlarge us-east-1 on-demand -0.8", Reason::Negative),
        ("g6.12xlarge us-east-1 on-demand 4.6 12", Reason::GpuCount),
        (
            "g9.xlarge us-east-1 on-demand 0.8",
            Reason::UnknownInstanceType,
        ),
        ("p5e.48xlarge us-east-1 on-demand 60", Reason::NotSold),
        ("g6.xlarge moon-1 on-demand 0.8", Reason::UnknownRegion),
        ("g6.xlarge us-east-1 spot 0.9", Reason::SpotAboveOnDemand),
        ("g6.xlarge eu-west-1 on-demand 2.1", Reason::RegionSpread),
    ] {
        let merged = merged(old, lines);
        assert_eq!(reasons(&merged), [(reason, 1)], "{lines}");
        assert_eq!((merged.rows.len(), merged.kept()), (2, 0), "{lines}");
    }
}

#[test]
fn a_machine_with_a_part_of_a_gpu_may_count_it_as_one() {
    for gpus in ["0.125", "1"] {
        let merged = merged("", &format!("g6f.large us-east-1 on-demand 0.2 {gpus}"));
        assert_eq!((reasons(&merged), merged.rows.len()), (vec![], 1), "{gpus}");
    }
}

#[test]
fn of_two_prices_for_one_thing_none_is_taken() {
    let equal = merged(
        "",
        "g6.xlarge us-east-1 spot 0.4\ng6.xlarge us-east-1 spot 0.40",
    );
    assert_eq!((reasons(&equal), equal.added.len()), (vec![], 1));
    let two = merged(
        "g6.xlarge us-east-1 spot 0.4",
        "g6.xlarge us-east-1 spot 0.4\ng6.xlarge us-east-1 spot 0.41",
    );
    assert_eq!(reasons(&two), [(Reason::TwoPrices, 2)]);
    assert_eq!(shown(&two.rows), ["aws/g6.xlarge/us-east-1/spot 0.4 old"]);
    // The 0 of a Capacity Block beside the price is no second price.
    let block = merged(
        "",
        "g6.xlarge us-east-1 spot 0.4\ng6.xlarge us-east-1 spot 0",
    );
    assert_eq!(
        (reasons(&block), block.added.len()),
        (vec![(Reason::Zero, 1)], 1)
    );
}

#[test]
fn a_row_is_lost_only_where_the_whole_list_was_read() {
    let old = "g6.xlarge us-east-1 spot 0.4\ng6.xlarge us-east-1 on-demand 0.8\ng6.xlarge us-east-2 on-demand 0.8\ng6.2xlarge us-east-2 on-demand 1";
    let new = "g6.xlarge us-east-2 on-demand 0\ng6.2xlarge us-east-2 on-demand 1";
    let covered = |region: Option<&str>| {
        let covered = Coverage {
            capacity: Capacity::OnDemand,
            region: region.map(str::to_owned),
        };
        let reading = Reading {
            covered: [covered].into(),
            ..reading(new)
        };
        let merged = merge(known("aws", old), seller("aws"), reading, &Accept::none());
        assert_eq!(merged.rows.len() + merged.lost.len(), 4);
        shown(&merged.lost).join(", ")
    };
    let lost = "aws/g6.xlarge/us-east-1/on-demand 0.8 old";
    assert_eq!(covered(None), lost);
    assert_eq!(covered(Some("us-east-1")), lost);
    assert_eq!(covered(Some("us-east-2")), "");
}

#[test]
fn a_row_whose_price_cannot_be_read_is_not_lost() {
    let lost = |reason: Reason, capacity: Option<Capacity>| {
        let mut reading = reading("");
        let covered = Coverage {
            capacity: Capacity::OnDemand,
            region: None,
        };
        reading.covered.insert(covered);
        reading.set_aside.push(SetAside {
            reason,
            what: "g6.xlarge, Linux".to_owned(),
            region: "us-east-1".to_owned(),
            capacity,
            price: "N/A".to_owned(),
        });
        let old = known("aws", "g6.xlarge us-east-1 on-demand 0.8");
        let merged = merge(old, seller("aws"), reading, &Accept::none());
        merged.lost.len()
    };
    assert_eq!(lost(Reason::NotANumber, Some(Capacity::OnDemand)), 0);
    assert_eq!(lost(Reason::Currency, None), 0);
    // A row for Windows says nothing of Linux, nor one of spot of on-demand.
    assert_eq!(lost(Reason::System, None), 1);
    assert_eq!(lost(Reason::Blank, Some(Capacity::Spot)), 1);
}

#[test]
fn an_older_list_changes_nothing() {
    let mut old = known("aws", "g6.xlarge us-east-1 spot 0.4");
    old[0].as_of = "2026-11-26".parse().unwrap();
    let merged = merge(
        old,
        seller("aws"),
        reading("g6.xlarge us-east-1 spot 0.41"),
        &Accept::none(),
    );
    assert_eq!(reasons(&merged), [(Reason::NotInForce, 1)]);
    assert_eq!(
        shown(&merged.rows),
        ["aws/g6.xlarge/us-east-1/spot 0.4 old"]
    );
}

/// A feed that took queued capacity for on-demand gave 4.20 $ per GPU in 10 of 17 regions.
fn poisoned() -> (Vec<Price>, String) {
    let is_h100 = |price: &Price| {
        price.key.instance_type == "a3-highgpu-8g" && price.key.capacity == Capacity::OnDemand
    };
    let all = Catalog::embedded()
        .all(|known| known.id() == "gcp")
        .unwrap();
    let old: Vec<Price> = all.into_iter().filter(is_h100).collect();
    assert!(old.len() >= 10, "{}", old.len());
    let wrong = old.len() * 10 / 17;
    let line = |(at, price): (usize, &Price)| {
        let usd = if at < wrong {
            "33.6".to_owned()
        } else {
            price.usd.to_string()
        };
        format!("a3-highgpu-8g {} on-demand {usd}\n", price.key.region)
    };
    let lines = old.iter().enumerate().map(line).collect();
    (old, lines)
}

#[test]
fn a_wrong_majority_does_not_win_over_known_prices() {
    let (old, lines) = poisoned();
    let wrong = old.len() * 10 / 17;
    let merged = merge(old.clone(), seller("gcp"), reading(&lines), &Accept::none());
    assert_eq!(
        (merged.held.len(), merged.unchanged),
        (wrong, old.len() - wrong)
    );
    let usd = |prices: &[Price]| prices.iter().map(|price| price.usd).collect::<Vec<_>>();
    assert_eq!(usd(&merged.rows), usd(&old));
    // Nor does a person's word let them in: the right ones contradict them.
    let accepted = merge(merged.rows, seller("gcp"), reading(&lines), &Accept::All);
    assert_eq!(usd(&accepted.rows), usd(&old));
    assert_eq!(reasons(&accepted), [(Reason::RegionSpread, wrong)]);
}

#[test]
fn where_nothing_is_known_neither_side_is_taken() {
    let (old, lines) = poisoned();
    let merged = merge(Vec::new(), seller("gcp"), reading(&lines), &Accept::none());
    assert_eq!(shown(&merged.rows), Vec::<String>::new());
    assert_eq!(reasons(&merged), [(Reason::RegionSpread, old.len())]);
}

#[test]
fn a_known_price_that_is_wrong_goes_with_a_persons_word() {
    // The wrong one keeps new regions out until then.
    let old = known("aws", "g6.xlarge us-east-1 on-demand 0.2");
    let lines = "g6.xlarge us-east-1 on-demand 0.8\ng6.xlarge us-east-2 on-demand 0.8";
    let first = merge(old, seller("aws"), reading(lines), &Accept::none());
    assert_eq!(
        (first.held.len(), reasons(&first)),
        (1, vec![(Reason::RegionSpread, 1)])
    );
    let second = merge(first.rows, seller("aws"), reading(lines), &Accept::All);
    assert_eq!(
        shown(&second.rows),
        [
            "aws/g6.xlarge/us-east-1/on-demand 0.8 list",
            "aws/g6.xlarge/us-east-2/on-demand 0.8 list"
        ]
    );
}

#[test]
fn news_that_contradicts_what_was_taken_back_goes_too() {
    // On-demand would fall, but its new price is too far from the other region's; the spot price fits only the new one.
    let merged = merged(
        "g6.xlarge us-east-1 on-demand 1\ng6.xlarge us-east-2 on-demand 2.4\ng6.xlarge us-east-2 spot 2.4",
        "g6.xlarge us-east-2 on-demand 2.6\ng6.xlarge us-east-2 spot 2.6",
    );
    assert_eq!(
        reasons(&merged),
        [(Reason::SpotAboveOnDemand, 1), (Reason::RegionSpread, 1)]
    );
    assert_eq!(merged.kept(), 0);
}

#[test]
fn a_known_spot_price_speaks_against_an_on_demand_price_that_falls_below_it() {
    let old = "g6.xlarge us-east-1 on-demand 0.9\ng6.xlarge us-east-1 spot 0.8";
    for lines in [
        "g6.xlarge us-east-1 on-demand 0.7",
        "g6.xlarge us-east-1 on-demand 0.7\ng6.xlarge us-east-1 spot 0.8",
        "g6.xlarge us-east-1 on-demand 0.7\ng6.xlarge us-east-1 spot 0.81",
    ] {
        let merged = merged(old, lines);
        let usd: Vec<String> = merged
            .rows
            .iter()
            .map(|price| price.usd.to_string())
            .collect();
        assert_eq!(usd, ["0.9", "0.8"], "{lines}");
        assert!(doubts(&merged.rows).is_empty(), "{lines}");
        let found = reasons(&merged);
        assert_eq!(found[0].0, Reason::SpotAboveOnDemand, "{lines}");
    }
    // Both move together; and of a spot price that was above already nobody knows anything.
    let both = merged(
        old,
        "g6.xlarge us-east-1 on-demand 0.7\ng6.xlarge us-east-1 spot 0.6",
    );
    assert_eq!((both.changed.len(), reasons(&both)), (2, vec![]));
    let wrong = merged(
        "g6.xlarge us-east-1 on-demand 0.7\ng6.xlarge us-east-1 spot 0.8",
        "g6.xlarge us-east-1 on-demand 0.72",
    );
    assert_eq!((wrong.changed.len(), reasons(&wrong)), (1, vec![]));
}
