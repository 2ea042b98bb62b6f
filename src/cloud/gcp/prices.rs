//! Google Cloud's prices. With a key for its billing API they are sums of the parts' list prices; without one they come from
//! a public list of machine types, which also says which machine is where. Main type: [`GcpPrices`].

use futures::FutureExt;
use futures::future::{LocalBoxFuture, join};
use serde::Deserialize;

use super::PROVIDER;
use super::catalog::Catalog;
use super::machine_types::MachineTypes;
use super::sums::Places;
use crate::cloud::feed::{Access, Choice, Feed, Prices, Reading};
use crate::diagnostic::{Kind, Problem};
use crate::text::embedded_csv;
use crate::value::Secret;

/// Machine types by region with prices, made by Cyclenerd every week, and Google's Cloud Billing Catalog.
static FEEDS: [Feed; 2] = [
    Feed {
        id: "gcp-machine-types",
        url: "https://gcloud-compute.com",
        key: None,
    },
    Feed {
        id: "gcp-billing",
        url: "https://cloudbilling.googleapis.com",
        key: Some("MCAI_GCP_API_KEY"),
    },
];

/// Reads the prices of Google Cloud.
pub(super) struct GcpPrices;

impl Prices for GcpPrices {
    fn feeds(&self) -> &'static [Feed] {
        &FEEDS
    }

    fn read<'a>(&'a self, access: &'a Access<'a>) -> LocalBoxFuture<'a, Reading> {
        read(access).boxed_local()
    }
}

async fn read(access: &Access<'_>) -> Reading {
    let (list, catalog) = join(read_list(access), read_catalog(access)).await;
    let mut reading = Reading::default();
    let list = list.and_then(|list| {
        let failure = |problem| reading.failures.push(FEEDS[0].failure("", problem));
        list.map_err(failure).ok()
    });
    reading.rows = list.as_ref().map_or(0, |list| list.rows);
    let Some((mut catalog, outcome)) = catalog else {
        take_list(&mut reading, list);
        return reading;
    };
    reading.rows += catalog.rows;
    match outcome {
        Ok(()) => {
            let sums = catalog.sums(&places(list.as_ref()), &FEEDS[1], access.today);
            reading.quotes = sums.quotes;
            reading.covered = sums.covered;
        }
        Err(problem) => {
            reading.failures.push(FEEDS[1].failure("", problem));
            take_list(&mut reading, list);
        }
    }
    reading.set_aside.extend(catalog.set_aside);
    reading
}

async fn read_list(access: &Access<'_>) -> Option<Result<MachineTypes, Problem>> {
    match access.choice(&FEEDS[0]) {
        Choice::LeftOut => None,
        Choice::Usual | Choice::Named => Some(MachineTypes::read(&FEEDS[0], access).await),
    }
}

/// Reads the catalog, if it is to be read; what it has when it breaks off is no whole, but was read.
async fn read_catalog(access: &Access<'_>) -> Option<(Catalog, Result<(), Problem>)> {
    let mut catalog = Catalog::default();
    let outcome = match billing_key(access)? {
        Ok(key) => catalog.read(&FEEDS[1], access, key).await,
        Err(problem) => Err(problem),
    };
    // Google answers 400 to a key that it does not know.
    let outcome = outcome.map_err(|problem| match problem.kind {
        Kind::Rejected | Kind::Unauthorized | Kind::Denied => {
            problem.hint("check MCAI_GCP_API_KEY: the key must allow the Cloud Billing API")
        }
        _ => problem,
    });
    Some((catalog, outcome))
}

/// Returns the key if the catalog is to be read, and a problem if there is none though the user named the catalog.
fn billing_key<'a>(access: &'a Access<'_>) -> Option<Result<&'a Secret, Problem>> {
    match (access.choice(&FEEDS[1]), access.keys.get(FEEDS[1].id)) {
        (Choice::LeftOut, _) | (Choice::Usual, None) => None,
        (_, Some(key)) => Some(Ok(key)),
        (Choice::Named, None) => Some(Err(Problem::error(Kind::Settings, "no API key")
            .detail(format!("`{}` needs one", access.url(&FEEDS[1])))
            .hint("set MCAI_GCP_API_KEY"))),
    }
}

/// Takes the prices of the list. It covers nothing: whole machine types, such as A4 and A3 Ultra, are missing from it, so
/// that a price is not on it does not mean that it is gone.
fn take_list(reading: &mut Reading, list: Option<MachineTypes>) {
    if let Some(list) = list {
        reading.quotes.extend(list.quotes);
        reading.set_aside.extend(list.set_aside);
    }
}

/// Returns where which machine is: as the list says, and as the embedded prices say, since the list leaves out machines that
/// it has no price for. Without the list, machines that come to a region are only known with the next release.
fn places(list: Option<&MachineTypes>) -> Places {
    #[derive(Deserialize)]
    struct Known {
        instance_type: String,
        region: String,
    }
    let known: Vec<Known> = embedded_csv(PROVIDER.prices_csv);
    let known = known.into_iter().map(|row| (row.instance_type, row.region));
    let listed = list.map(|list| list.places.iter().cloned());
    known.chain(listed.into_iter().flatten()).collect()
}
