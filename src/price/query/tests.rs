use super::*;
use crate::cloud::country;
use crate::price::{Catalog, OwnMachine, Terms, machines};

fn query(word: &str) -> Query {
    Query {
        machines: machines(word, &Terms::default()).unwrap(),
        sellers: Seller::clouds().collect(),
        regions: Vec::new(),
        residency: Vec::new(),
        capacities: vec![Capacity::OnDemand],
        sort: Sort::GpuPrice,
        every_region: false,
        choices: Vec::new(),
    }
}

fn answer_on(query: &Query, terms: &Terms, today: &str) -> Answer {
    let market = Market {
        catalog: &Catalog::embedded(),
        terms,
        today: today.parse().unwrap(),
    };
    query.answer(&market).unwrap()
}

fn answer(query: &Query) -> Answer {
    answer_on(query, &Terms::default(), "2026-11-25")
}

fn names(answer: &Answer) -> Vec<String> {
    let rows = answer.rows.iter().map(|row| &row.offer);
    rows.map(|offer| format!("{}/{}", offer.region, offer.instance_type))
        .collect()
}

#[test]
fn kinds_stand_apart_and_the_cheapest_is_first_in_each() {
    let answer = answer(&query("a100"));
    let kinds = answer.rows.iter().map(|row| row.offer.gpu.name.as_str());
    assert!(kinds.is_sorted());
    for pair in answer.rows.windows(2) {
        let [one, other] = pair else { continue };
        let is_same_kind = one.offer.gpu.name == other.offer.gpu.name;
        assert!(!is_same_kind || one.per_gpu() <= other.per_gpu());
    }
}

#[test]
fn spot_is_compared_while_it_is_new_and_shown_when_it_is_old() {
    let spot = Query {
        capacities: vec![Capacity::Spot],
        ..query("H100-SXM:8")
    };
    let terms = Terms::default();
    let fresh = answer_on(&spot, &terms, "2026-07-20");
    assert_eq!(fresh.rows[0].ranked.unwrap().0, Capacity::Spot);
    assert!(!fresh.has_old_spot());
    let old = answer_on(&spot, &terms, "2026-11-25");
    assert!(old.rows.iter().all(|row| row.ranked.is_none()));
    assert!(
        old.rows
            .iter()
            .any(|row| row.price(Capacity::Spot).is_some())
    );
    assert!(old.has_old_spot());
    // It could not win against on-demand either.
    let any = Query {
        capacities: Capacity::ALL.to_vec(),
        ..spot
    };
    let ranked = answer_on(&any, &terms, "2026-11-25");
    let by_spot = |row: &Row| matches!(row.ranked, Some((Capacity::Spot, _)));
    assert!(!ranked.rows.iter().any(by_spot));
}

#[test]
fn what_has_no_price_of_the_kind_is_last() {
    let h200 = answer(&query("H200:8"));
    assert_eq!(
        h200.rows.last().unwrap().offer.instance_type,
        "p5e.48xlarge"
    );
    assert_eq!(h200.rows.last().unwrap().ranked, None);
}

#[test]
fn one_region_stands_for_the_others_unless_all_are_asked_for() {
    let one = answer(&query("p5.48xlarge"));
    assert_eq!(names(&one), ["us-east-1/p5.48xlarge"]);
    let all = answer(&Query {
        every_region: true,
        ..query("p5.48xlarge")
    });
    assert_eq!(all.rows.len(), one.rows[0].more_regions + 1);
    assert_eq!(all.more_regions(), 0);
}

#[test]
fn the_cheapest_region_is_that_of_the_price_which_is_shown() {
    let spot = Query {
        capacities: vec![Capacity::Spot],
        ..query("a3-highgpu-1g")
    };
    // Asked for and too old to be compared; and not even asked for, where nothing else is known.
    for asked in [spot, query("a3-highgpu-1g")] {
        let one = answer(&asked);
        let all = answer(&Query {
            every_region: true,
            ..asked
        });
        let spot = |row: &Row| row.price(Capacity::Spot).map(|asked| asked.usd);
        let prices = || all.rows.iter().filter_map(spot);
        assert!(one.rows[0].ranked.is_none());
        assert_eq!(spot(&one.rows[0]), prices().min());
        assert!(prices().min() < prices().max());
    }
}

#[test]
fn a_country_must_be_known_where_one_is_asked_for() {
    let asked = Query {
        residency: vec!["eu".to_owned()],
        sellers: sellers().collect(),
        ..query("H100-SXM")
    };
    let found = answer(&asked);
    assert!(found.nowhere > 0);
    let is_in_eu = |row: &Row| row.offer.country.is_some_and(|country| country.is_in("eu"));
    assert!(!found.rows.is_empty() && found.rows.iter().all(is_in_eu));
}

#[test]
fn others_who_sell_it_are_named_and_not_ranked() {
    let found = answer(&query("H100-SXM:8"));
    assert!(
        found
            .rows
            .iter()
            .all(|row| row.offer.seller.cloud().is_some())
    );
    let others: Vec<&str> = found.other_sellers.iter().map(|one| one.id()).collect();
    assert_eq!(others, ["hyperstack", "nebius", "oci"]);
}

fn choice(region: &str, instance_type: &str) -> Choice {
    let seller: Seller = "aws".parse().unwrap();
    Choice {
        name: "aws-1/pool".to_owned(),
        seller,
        region: region.to_owned(),
        country: seller.country(region).unwrap(),
        instance_type: instance_type.to_owned(),
        gpu: crate::gpu::by_name("H100-SXM-80GB").unwrap(),
        gpus: Some(8.0),
        bought_as: &[Capacity::OnDemand],
        usd: None,
    }
}

#[test]
fn what_the_manifest_has_chosen_is_shown_whatever_it_costs() {
    let with = |region: &str| Query {
        choices: vec![choice(region, "p5.48xlarge")],
        ..query("p5.48xlarge")
    };
    let cheapest = answer(&with("us-east-1"));
    assert_eq!(names(&cheapest), ["us-east-1/p5.48xlarge"]);
    assert_eq!(cheapest.rows[0].choices, ["aws-1/pool"]);
    let dearer = answer(&with("ap-south-1"));
    let expected = ["us-east-1/p5.48xlarge", "ap-south-1/p5.48xlarge"];
    assert_eq!(names(&dearer), expected);
    assert_eq!(dearer.more_regions() + 1, cheapest.more_regions());
    // No price of it is known there: it is shown all the same, behind those that have one.
    let unpriced = answer(&with("eu-central-1"));
    assert_eq!(names(&unpriced)[1], "eu-central-1/p5.48xlarge");
    assert_eq!(unpriced.rows[1].ranked, None);
}

#[test]
fn what_the_manifest_has_chosen_elsewhere_is_left_out_and_named() {
    let all = Query {
        choices: vec![choice("us-east-1", "p5.48xlarge")],
        ..query("H100-SXM:8")
    };
    let none = Vec::<String>::new;
    for narrowed in [
        Query {
            residency: vec!["eu".to_owned()],
            ..all.clone()
        },
        Query {
            regions: vec!["eu-north-1".to_owned()],
            ..all.clone()
        },
        Query {
            sellers: vec!["gcp".parse().unwrap()],
            ..all.clone()
        },
    ] {
        let found = answer(&narrowed);
        let without = answer(&Query {
            choices: Vec::new(),
            ..narrowed
        });
        assert_eq!(names(&found), names(&without));
        assert_eq!(found.more_regions(), without.more_regions());
        assert_eq!(
            (found.elsewhere, without.elsewhere),
            (vec!["aws-1/pool".to_owned()], none())
        );
    }
    assert_eq!(answer(&all).elsewhere, none());
}

#[test]
fn a_pool_s_own_price_is_that_of_its_choice_alone() {
    let priced = Choice {
        usd: Some("20".parse().unwrap()),
        ..choice("us-east-1", "p5.48xlarge")
    };
    let another = Choice {
        name: "aws-1/another".to_owned(),
        ..choice("us-east-1", "p5.48xlarge")
    };
    let asked = Query {
        choices: vec![priced.clone(), another],
        ..query("p5.48xlarge")
    };
    let found = answer(&asked);
    let prices: Vec<String> = found.rows.iter().map(price).collect();
    assert_eq!(prices, ["aws-1/pool 20 yours", "aws-1/another 55.04"]);
    let asked_instead = &found.rows[0].offer.prices[&Capacity::OnDemand];
    assert_eq!(asked_instead.list.unwrap().to_string(), "55.04");
    assert_eq!(found.more_regions(), 13);
    // Where it is bought otherwise, the price is for that.
    let spot = Query {
        choices: vec![Choice {
            bought_as: &[Capacity::Spot],
            ..priced
        }],
        ..query("p5.48xlarge")
    };
    let found = answer(&spot);
    assert_eq!(
        found.rows.iter().map(price).collect::<Vec<_>>(),
        [" 55.04", "aws-1/pool 55.04"]
    );
}

/// Returns who has chosen a row, and what it is compared by.
fn price(row: &Row) -> String {
    let (capacity, usd) = row.ranked.unwrap();
    let yours = row.offer.prices[&capacity].is_yours();
    let mark = if yours { " yours" } else { "" };
    format!("{} {usd}{mark}", row.choices.join(" "))
}

#[test]
fn own_machines_are_ranked_among_the_others() {
    let own = |cluster: &str, usd: &str| OwnMachine {
        cloud: "bare-metal".parse().unwrap(),
        cluster: cluster.to_owned(),
        pool: "boxes".to_owned(),
        country: country::find("ch").unwrap(),
        gpu: crate::gpu::by_name("H100-SXM-80GB").unwrap(),
        gpus: Some(8),
        usd: usd.parse().unwrap(),
    };
    let terms = Terms {
        own: vec![own("zurich", "18"), own("bern", "60")],
        ..Terms::default()
    };
    let found = answer_on(&query("H100-SXM:8"), &terms, "2026-11-25");
    let expected = ["zurich/boxes", "us-east-1/p5.48xlarge", "bern/boxes"];
    assert_eq!(names(&found)[..3], expected);
}

#[test]
fn each_order_is_kept() {
    let sorted = |sort| {
        let query = Query {
            sort,
            ..query("A100-SXM-80GB")
        };
        answer(&query).rows
    };
    let price = sorted(Sort::Price);
    assert!(price.is_sorted_by_key(|row| row.ranked.map(|(_, usd)| usd)));
    assert!(sorted(Sort::Region).is_sorted_by_key(|row| row.offer.region.clone()));
    assert!(sorted(Sort::Instance).is_sorted_by_key(|row| row.offer.instance_type.clone()));
    let ages = sorted(Sort::Age);
    assert!(ages.is_sorted_by(|one, other| one.as_of() >= other.as_of()));
}
