//! `mcai cost [GPU[:COUNT]]`.

use clap::Args;

use crate::app::App;
use crate::cli::forms;
use crate::cloud::{Capacity, Seller};
use crate::diagnostic::{Kind, Problem};
use crate::failure::{Exit, Failure};
use crate::gpu;
use crate::price::{Market, Terms, Wanted};
use crate::report::Format;

pub(super) const EXAMPLES: &str = "\
Examples:
  mcai cost H100:8                     machines with eight of them, cheapest first";

/// Compare what GPU machines cost
#[derive(Args)]
pub(super) struct QueryArgs {
    /// A GPU kind or a short name of it
    #[arg(value_name = "GPU")]
    gpu: String,
    /// Form of the answer
    #[arg(short, long, value_parser = forms::of_prices(), default_value = "table", value_name = "FORM")]
    pub output: Format,
}

pub(super) fn run(app: &App, args: &QueryArgs) -> Result<Exit, Failure> {
    let kinds = gpu::matching(&args.gpu);
    if kinds.is_empty() {
        let problem = Problem::error(Kind::Settings, "unknown GPU kind");
        return Err(problem.detail(format!("`{}`", args.gpu)).into());
    }
    let sold = Seller::clouds().flat_map(|seller| {
        let is_it = |name: &str| kinds.iter().any(|kind| kind.name == name);
        let machines = seller.instances().filter(move |row| is_it(&row.gpu));
        machines.map(move |row| (seller, row.instance_type.as_str()))
    });
    let wanted: Wanted<'_> = sold.collect();
    let catalog = app.catalog(None)?;
    let market = Market {
        catalog: &catalog,
        terms: &Terms::default(),
        today: app.host.today(),
    };
    let lines = market.offers(&wanted)?.offers.into_iter().map(|offer| {
        let usd = offer.prices.get(&Capacity::OnDemand);
        let usd = usd.map_or("-".to_owned(), |asked| asked.usd.rounded(3));
        let (seller, region, name) = (offer.seller, offer.region, offer.instance_type);
        format!("{}  {seller}/{region}/{name}  {usd}\n", offer.gpu.name)
    });
    app.report.data(&lines.collect::<String>());
    Ok(Exit::Reached)
}
