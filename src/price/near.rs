//! Why nobody has what was asked for, and where else it is to be had.

use super::ask::sellers;
use super::{Answer, Machine, Market, Offer, Query};
use crate::cloud::Seller;
use crate::diagnostic::{Kind, Problem};
use crate::text::{count, either};

/// More places than this are no help.
const MOST: usize = 3;

impl Query {
    /// Says that nobody has it, and for each thing that was asked for what there is without it.
    pub fn nothing(&self, market: &Market<'_>) -> Result<Problem, Problem> {
        let words: Vec<String> = self.machines.iter().map(Machine::word).collect();
        let what = either(words.iter().map(String::as_str));
        let mut problem = Problem::error(Kind::Settings, "nobody has such a machine there")
            .detail(format!("no offer of {what} {}", self.place()));
        let doubted = Answer::doubted_words(self.doubted(&self.found(market)?));
        let mut hints = Vec::new();
        hints.extend(doubted.map(|words| format!("{words}: `mcai cost check` shows why")));
        for (dropped, wider) in self.wider() {
            let offers = wider.offers(market)?;
            if !offers.is_empty() {
                hints.push(format!("{dropped}: {}", places(&offers)));
            }
        }
        if hints.is_empty() {
            let all = self.without_filters().offers(market)?;
            hints.push(match all.as_slice() {
                [] => "no price of it is known at all".to_owned(),
                all => format!("anywhere: {}", places(all)),
            });
        }
        problem.hints = hints;
        Ok(problem)
    }

    /// Returns, in words, where it was looked for.
    fn place(&self) -> String {
        let mut words = Vec::new();
        if !self.regions.is_empty() {
            words.push(format!("in region {}", either(names(&self.regions))));
        }
        if !self.residency.is_empty() {
            words.push(format!("in {}", either(names(&self.residency))));
        }
        words.push(format!("from {}", either(self.asked_sellers())));
        words.join(", ")
    }

    /// Returns who was asked; where nobody else was, the user's own machines.
    fn asked_sellers(&self) -> Vec<&'static str> {
        let ids = |sells: fn(&Seller) -> bool| -> Vec<&str> {
            let sellers = self.sellers.iter().filter(|seller| sells(seller));
            sellers.map(|seller| seller.id()).collect()
        };
        let sells = |seller: &Seller| seller.cloud().is_none_or(|cloud| cloud.has_regions);
        match ids(sells) {
            nobody if nobody.is_empty() => ids(|_| true),
            sellers => sellers,
        }
    }

    /// Returns the same question with one thing less, for each that narrows it.
    fn wider(&self) -> Vec<(&'static str, Query)> {
        let mut wider = Vec::new();
        if !self.regions.is_empty() {
            let mut query = self.clone();
            query.regions.clear();
            wider.push(("in other regions", query));
        }
        if !self.residency.is_empty() {
            let mut query = self.clone();
            query.residency.clear();
            wider.push(("in other countries", query));
        }
        let mut query = self.clone();
        query.sellers = sellers().collect();
        wider.push(("from other sellers (`--clouds`)", query));
        wider.extend(self.of_another_size());
        wider
    }

    /// Returns the same question for other machines with the same GPU, if it is about some of them only.
    fn of_another_size(&self) -> Option<(&'static str, Query)> {
        if self.machines.iter().all(|machine| machine.gpus.is_none()) {
            return None;
        }
        let is_named = |machine: &Machine| machine.instance_type.is_some();
        let words = match self.machines.iter().any(is_named) {
            true => "another instance type with the same GPU",
            false => "with another number of GPUs",
        };
        let mut query = self.clone();
        for machine in &mut query.machines {
            machine.gpus = None;
            machine.instance_type = None;
        }
        Some((words, query))
    }

    fn without_filters(&self) -> Query {
        Query {
            regions: Vec::new(),
            residency: Vec::new(),
            sellers: sellers().collect(),
            ..self.clone()
        }
    }

    /// Returns the offers that fit all that is asked for, the cheapest first.
    fn offers(&self, market: &Market<'_>) -> Result<Vec<Offer>, Problem> {
        let mut found = self.found(market)?.offers;
        found.retain(|offer| self.is_asked(offer.seller, &offer.region, offer.country));
        let per_gpu = |offer: &Offer| {
            let (capacity, _) = offer.best(&self.capacities, market.today)?;
            offer.per_gpu(capacity)
        };
        found.sort_by_key(|offer| (per_gpu(offer).is_none(), per_gpu(offer)));
        Ok(found)
    }
}

fn names(words: &[String]) -> impl Iterator<Item = &str> {
    words.iter().map(String::as_str)
}

/// Returns the first few instance types, each with a few of its regions, in the order of the offers.
fn places(offers: &[Offer]) -> String {
    let mut types: Vec<(&Offer, Vec<&str>)> = Vec::new();
    for offer in offers {
        let is_same = |known: &&mut (&Offer, Vec<&str>)| {
            known.0.seller == offer.seller && known.0.instance_type == offer.instance_type
        };
        match types.iter_mut().find(is_same) {
            Some((_, regions)) => regions.push(&offer.region),
            None => types.push((offer, vec![&offer.region])),
        }
    }
    let of = |(offer, regions): &(&Offer, Vec<&str>)| {
        format!(
            "{} `{}` in {}",
            offer.seller,
            offer.instance_type,
            some(regions)
        )
    };
    let mut words: Vec<String> = types.iter().take(MOST).map(of).collect();
    if types.len() > MOST {
        words.push(count(types.len() - MOST, "more instance type"));
    }
    words.join("; ")
}

fn some(regions: &[&str]) -> String {
    let shown: Vec<&str> = regions.iter().take(MOST).copied().collect();
    match (shown.join(", "), regions.len().saturating_sub(MOST)) {
        (shown, _) if shown == "*" => "all its regions".to_owned(),
        (shown, 0) => shown,
        (shown, left) => format!("{shown} and {left} more"),
    }
}
