//! `mcai cost [GPU[:COUNT]]`.

use std::time::Duration;

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCandidates;

use crate::app::App;
use crate::cli::{forms, names};
use crate::cloud::{Capacity, Seller, country};
use crate::diagnostic::{Kind, Problem};
use crate::failure::{Exit, Failure};
use crate::manifest;
use crate::place::{self, Needs};
use crate::price::{self, AgeRule, Market, Query, Sort, Terms};
use crate::project::Project;
use crate::report::{CostView, Format, contract, cost_text};
use crate::text::{nearest, parse_age};

pub(super) const EXAMPLES: &str = "\
Examples:
  mcai cost                                 the manifest's own machines, and cheaper ones like them
  mcai cost H100:8                          machines with eight of them, each form by itself
  mcai cost a100-80gb --residency eu --capacity spot
  mcai cost p5.48xlarge --all               one instance type in every region
  mcai cost H100:8 -o json | jq '.offers[0].ranked.usdPerHour'";

#[derive(Args)]
pub(super) struct QueryArgs {
    /// A GPU kind, a short name or a resource profile and how many GPUs a machine has, or an instance type; the manifest's if none is named
    #[arg(value_name = "GPU[:COUNT]|TYPE", add = ArgValueCandidates::new(names::gpus))]
    gpu: Option<String>,
    /// Ask only these clouds, or other sellers
    #[arg(long, value_delimiter = ',', value_name = "CLOUD", value_parser = seller, add = ArgValueCandidates::new(names::sellers))]
    clouds: Option<Vec<Seller>>,
    /// Ask only in these regions
    #[arg(long = "region", value_delimiter = ',', value_name = "REGION", add = ArgValueCandidates::new(names::regions))]
    regions: Vec<String>,
    /// Ask only in these countries or groups of countries, as in the manifest's residency rules
    #[arg(long, value_delimiter = ',', value_name = "WORD", value_parser = residency, add = ArgValueCandidates::new(names::residencies))]
    residency: Vec<String>,
    /// Compare these prices; all are shown
    #[arg(long, value_enum, default_value = "on-demand", value_name = "CAPACITY")]
    capacity: Compared,
    /// Order within a GPU kind
    #[arg(long, value_enum, default_value = "gpu-price", value_name = "BY")]
    sort: Sort,
    /// Show every region, not just the cheapest one of each instance type, and all sellers
    #[arg(long)]
    all: bool,
    /// Refuse with exit code 4 when a compared price is older, such as 90d or 36h
    #[arg(long, value_name = "AGE", value_parser = parse_age)]
    max_age: Option<Duration>,
    /// Form of the answer
    #[arg(short, long, value_parser = forms::of_prices(), default_value = "table", value_name = "FORM")]
    pub output: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Compared {
    OnDemand,
    Spot,
    /// Committed for one year or three
    Reserved,
    /// The cheapest of all
    Any,
}

impl Compared {
    fn capacities(self) -> &'static [Capacity] {
        match self {
            Compared::OnDemand => &[Capacity::OnDemand],
            Compared::Spot => &[Capacity::Spot],
            Compared::Reserved => &[Capacity::Reserved1y, Capacity::Reserved3y],
            Compared::Any => &Capacity::ALL,
        }
    }
}

/// Reads who sells machines, in any case.
fn seller(text: &str) -> Result<Seller, String> {
    let plain = text.to_lowercase().parse();
    plain.or_else(|_: String| text.parse())
}

fn residency(text: &str) -> Result<String, String> {
    let word = text.to_lowercase();
    if country::is_word(&word) {
        return Ok(word);
    }
    let near = nearest(&word, country::words());
    let likely = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    Err(country::no_word(text) + &likely)
}

pub(super) fn run(app: &App, args: &QueryArgs) -> Result<Exit, Failure> {
    let (project, not_applied) = match &args.gpu {
        Some(_) => optional_project(app)?,
        None => (Some(needed_project(app)?), Vec::new()),
    };
    let no_terms = Terms::default();
    let terms = project.as_ref().map_or(&no_terms, |project| &project.terms);
    let (query, unknown) = query(args, project.as_ref(), terms)?;
    let catalog = app.catalog(project.as_ref())?;
    let today = app.host.today();
    let market = Market {
        catalog: &catalog,
        terms,
        today,
    };
    let answer = query.answer(&market)?;
    if answer.rows.is_empty() {
        return Err(query.nothing(&market)?.into());
    }
    let view = CostView {
        answer: &answer,
        capacities: &query.capacities,
        today,
        named_sellers: args.clouds.is_some() || args.all,
    };
    let rule = project.as_ref().and_then(Project::refusing_age);
    check_age(&view, args.max_age, rule)?;
    show(app, &view, &not_applied, &unknown);
    Ok(Exit::Reached)
}

/// Shows the answer; people get what to know about it beside it.
fn show(app: &App, view: &CostView<'_>, not_applied: &[Problem], unknown: &[String]) {
    let report = &app.report;
    let (answer, compared) = (view.answer, view.capacities);
    let document = contract::CostResult::new(answer, compared, view.today, not_applied);
    report.answer(&document, || {
        cost_text(view, report.format, report.width, &report.out, not_applied)
    });
    if report.format.is_for_people() {
        report.problems(not_applied);
        let notes = view.notes();
        notes
            .iter()
            .chain(unknown)
            .for_each(|note| report.note(note));
    }
}

/// Reads the manifest, without which there is nothing to ask.
fn needed_project(app: &App) -> Result<Project, Failure> {
    if !manifest::is_there(&app.host, app.flags.manifest.as_deref()) {
        let problem = Problem::error(Kind::Usage, "nothing to ask the prices of")
            .detail("neither a GPU is named, nor is there a manifest with pools")
            .hint("name a GPU kind, such as `mcai cost H100:8`; or go to a manifest with `-C DIR`");
        return Err(problem.into());
    }
    app.project()
}

/// Reads the manifest for its terms, if there is one; a broken one is in the way of nothing else. One that was named is
/// meant to be there.
fn optional_project(app: &App) -> Result<(Option<Project>, Vec<Problem>), Failure> {
    let named = app.flags.manifest.as_deref();
    if !manifest::is_there(&app.host, named) {
        return Ok((None, Vec::new()));
    }
    if named.is_some() {
        manifest::find(&app.host, named)?;
    }
    Ok(match app.checked_project() {
        Ok(project) => (Some(project), Vec::new()),
        Err(failure) => {
            let first = failure.problems.iter().find(|problem| problem.is_error());
            let why = first.map_or(String::new(), Problem::one_line);
            let problem =
                Problem::warning(Kind::Manifest, "the manifest's own prices are not applied")
                    .detail("the manifest is not valid")
                    .cause(why)
                    .hint("`mcai check` shows all that is wrong with it");
            (None, vec![problem])
        }
    })
}

/// Makes the question of the flags and of the manifest; and remarks on what could not be asked.
fn query(
    args: &QueryArgs,
    project: Option<&Project>,
    terms: &Terms,
) -> Result<(Query, Vec<String>), Problem> {
    let needs = match (&args.gpu, project) {
        (Some(word), _) => {
            let machines = price::machines(word, terms)?;
            let sellers = price::sellers_of(&machines);
            Needs {
                machines,
                sellers,
                ..Needs::default()
            }
        }
        (None, Some(project)) => place::needs(project),
        (None, None) => Needs::default(),
    };
    if needs.machines.is_empty() {
        return Err(Problem::error(Kind::Settings, "the manifest asks for no GPU")
            .detail("no pool has a GPU kind that mcai knows, and no model's profile is meant for one")
            .hint("name a GPU kind, such as `mcai cost H100:8`"));
    }
    let unknown = needs.unknown.iter().map(|pool| {
        format!("pool `{pool}` is not compared: its GPU is not known; give it `gpu` and `count`")
    });
    let unknown = unknown.collect();
    let query = Query {
        machines: needs.machines,
        sellers: match &args.clouds {
            Some(named) => named.clone(),
            None if args.all => price::sellers().collect(),
            None => needs.sellers,
        },
        regions: args.regions.clone(),
        residency: args.residency.clone(),
        capacities: args.capacity.capacities().to_vec(),
        sort: args.sort,
        every_region: args.all,
        choices: needs.choices,
    };
    Ok((query, unknown))
}

/// Refuses an answer whose compared prices are older than the command line allows, or else the manifest.
fn check_age(
    view: &CostView<'_>,
    asked: Option<Duration>,
    rule: Option<&AgeRule>,
) -> Result<(), Problem> {
    let check = |most, by| view.answer.check_age(view.today, most, by);
    match (asked, rule) {
        (Some(most), _) => check(most, "`--max-age`"),
        (None, Some(rule)) => {
            check(rule.max_age, "`policy.prices`").map_err(|problem| problem.at(&rule.span))
        }
        (None, None) => Ok(()),
    }
}
