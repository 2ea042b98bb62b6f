use super::*;
use crate::cloud::country;
use crate::price::{Discount, Scope};

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn seller(id: &str) -> Seller {
    id.parse().unwrap()
}

/// Returns the offers of `p5.48xlarge` under some terms, as of a day of November.
fn offers(terms: &Terms) -> Vec<Offer> {
    let catalog = Catalog::embedded();
    let market = Market {
        catalog: &catalog,
        terms,
        today: day("2026-11-25"),
    };
    let wanted = HashSet::from([(seller("aws"), "p5.48xlarge")]);
    market.offers(&wanted).unwrap().offers
}

fn in_region<'o>(offers: &'o [Offer], region: &str) -> &'o Offer {
    let mut offers = offers.iter();
    offers.find(|offer| offer.region == region).unwrap()
}

fn on_demand(offers: &[Offer], region: &str) -> Asked {
    in_region(offers, region).prices[&Capacity::OnDemand].clone()
}

fn discount(percent: f64, scope: Scope) -> Discount {
    Discount {
        scope,
        percent,
        until: None,
    }
}

fn discounts(discounts: Vec<Discount>) -> Terms {
    Terms {
        discounts,
        ..Terms::default()
    }
}

fn fixed(usd: &str, region: Option<&str>) -> Fixed {
    Fixed {
        cloud: seller("aws"),
        instance_type: "p5.48xlarge".to_owned(),
        region: region.map(str::to_owned),
        capacity: Capacity::OnDemand,
        usd: usd.parse().unwrap(),
        until: None,
    }
}

#[test]
fn without_terms_the_list_is_what_it_is() {
    let asked = on_demand(&offers(&Terms::default()), "us-east-1");
    assert_eq!(
        (asked.usd.to_string().as_str(), asked.list),
        ("55.04", None)
    );
    assert_eq!(asked.as_of, Some(day("2026-07-20")));
    assert!(!asked.is_yours());
}

#[test]
fn discounts_apply_one_after_the_other_where_they_fit() {
    let of_aws = Scope {
        clouds: Some(vec![seller("aws")]),
        ..Scope::default()
    };
    let of_frankfurt = Scope {
        regions: Some(vec!["eu-central-1".to_owned()]),
        ..Scope::default()
    };
    let of_spot = Scope {
        capacities: Some(vec![Capacity::Spot]),
        ..Scope::default()
    };
    let terms = discounts(vec![
        discount(10.0, of_aws),
        discount(50.0, Scope::default()),
        discount(99.0, of_frankfurt),
        discount(99.0, of_spot),
    ]);
    let asked = on_demand(&offers(&terms), "us-east-1");
    // 55.04 less a tenth is 49.536, and half of that is left.
    assert_eq!(asked.usd.to_string(), "24.768");
    assert_eq!(asked.list.unwrap().to_string(), "55.04");
    assert_eq!(asked.as_of, Some(day("2026-07-20")));
    assert!(asked.is_yours());
}

#[test]
fn terms_end_after_their_last_day() {
    for (until, usd) in [("2026-11-25", "27.52"), ("2026-11-24", "55.04")] {
        let half = Discount {
            until: Some(day(until)),
            ..discount(50.0, Scope::default())
        };
        let asked = on_demand(&offers(&discounts(vec![half])), "us-east-1");
        assert_eq!(asked.usd.to_string(), usd, "{until}");
        let agreed = Fixed {
            until: Some(day(until)),
            ..fixed("27.52", None)
        };
        let terms = Terms {
            fixed: vec![agreed],
            ..Terms::default()
        };
        let asked = on_demand(&offers(&terms), "us-east-1");
        assert_eq!(asked.usd.to_string(), usd, "{until}");
    }
}

#[test]
fn an_agreed_price_stands_for_the_list_and_knows_no_discount() {
    let half = || vec![discount(50.0, Scope::default())];
    let everywhere = Terms {
        discounts: half(),
        fixed: vec![fixed("40", None)],
        ..Terms::default()
    };
    let found = offers(&everywhere);
    assert!(found.len() > 10);
    for offer in &found {
        let asked = &offer.prices[&Capacity::OnDemand];
        assert_eq!(asked.usd.to_string(), "40", "{}", offer.region);
        assert_eq!((asked.as_of, asked.source.as_str()), (None, YOURS));
    }
    let here = Terms {
        discounts: half(),
        fixed: vec![fixed("40", Some("us-east-1"))],
        ..Terms::default()
    };
    let found = offers(&here);
    let asked = on_demand(&found, "us-east-1");
    assert_eq!(asked.usd.to_string(), "40");
    assert_eq!(asked.list.unwrap().to_string(), "55.04");
    assert_eq!(on_demand(&found, "us-west-2").usd.to_string(), "27.52");
    let spot = &in_region(&found, "us-east-1").prices[&Capacity::Spot];
    assert_eq!(spot.usd.to_string(), "8.4754");
}

#[test]
fn what_is_agreed_for_one_region_has_the_last_word() {
    let (everywhere, here) = (fixed("40", None), fixed("30", Some("us-east-1")));
    for order in [
        vec![everywhere.clone(), here.clone()],
        vec![here, everywhere],
    ] {
        let terms = Terms {
            fixed: order,
            ..Terms::default()
        };
        let found = offers(&terms);
        let asked = on_demand(&found, "us-east-1");
        assert_eq!(asked.usd.to_string(), "30");
        assert_eq!(asked.list.unwrap().to_string(), "55.04");
        assert_eq!(on_demand(&found, "us-west-2").usd.to_string(), "40");
    }
}

#[test]
fn an_agreed_price_is_an_offer_where_no_list_has_one() {
    let terms = Terms {
        fixed: vec![fixed("40", Some("eu-central-1"))],
        ..Terms::default()
    };
    assert!(
        !offers(&Terms::default())
            .iter()
            .any(|offer| offer.region == "eu-central-1")
    );
    let found = offers(&terms);
    let offer = in_region(&found, "eu-central-1");
    assert_eq!(offer.country.unwrap().country, "de");
    assert_eq!(offer.per_gpu(Capacity::OnDemand).unwrap().to_string(), "5");
    assert!(offer.prices[&Capacity::OnDemand].is_yours());
    assert!(found.is_sorted_by_key(|offer| offer.region.clone()));
}

#[test]
fn own_machines_are_offers_of_their_cluster() {
    let terms = Terms {
        own: vec![OwnMachine {
            cloud: seller("bare-metal"),
            cluster: "zurich".to_owned(),
            pool: "boxes".to_owned(),
            country: country::find("ch").unwrap(),
            gpu: gpu::by_name("H100-SXM-80GB").unwrap(),
            gpus: Some(8),
            usd: "18".parse().unwrap(),
        }],
        ..Terms::default()
    };
    let catalog = Catalog::embedded();
    let market = Market {
        catalog: &catalog,
        terms: &terms,
        today: day("2026-11-25"),
    };
    let own: Vec<Offer> = market.own().collect();
    let [offer] = own.as_slice() else {
        panic!("{own:?}")
    };
    assert!(offer.is_own());
    assert_eq!(
        (offer.region.as_str(), offer.instance_type.as_str()),
        ("zurich", "boxes")
    );
    assert_eq!(offer.country.unwrap().country, "ch");
    assert_eq!(
        offer.per_gpu(Capacity::OnDemand).unwrap().to_string(),
        "2.25"
    );
}
