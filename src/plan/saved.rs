//! A plan in a file, to be carried out later exactly as it was shown.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::diagnostic::{Kind, Problem};
use crate::host;

/// Counts up when the form changes; a plan of another form is refused.
const FORMAT: u32 = 2;
const KIND: &str = "SavedPlan";
/// A plan of a hundred clusters with thirty models each is about 10 MB.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct File {
    kind: String,
    format: u32,
    plan: Plan,
}

pub fn save(plan: &Plan, path: &Path) -> Result<(), Problem> {
    let file = File {
        kind: KIND.to_owned(),
        format: FORMAT,
        plan: plan.clone(),
    };
    let text = serde_json::to_string_pretty(&file)
        .map_err(|error| Problem::error(Kind::Internal, "cannot write the plan").chain(&error))?;
    host::write_whole(path, &format!("{text}\n")).map_err(|error| {
        Problem::error(Kind::Io, "cannot write the plan")
            .detail(format!("`{}`", path.display()))
            .chain(&error)
    })
}

pub fn load(path: &Path) -> Result<Plan, Problem> {
    let shown = path.display().to_string();
    let text = host::read_text(path, &shown, MAX_BYTES)?;
    let wrong = |why: String| {
        Problem::error(Kind::Settings, "not a saved plan")
            .detail(format!("`{shown}`: {why}"))
            .hint("`mcai plan --out FILE` makes one")
    };
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if value.get("kind").and_then(|kind| kind.as_str()) != Some(KIND) {
        return Err(wrong("it has another kind".into()));
    }
    match value.get("format").and_then(serde_json::Value::as_u64) {
        Some(format) if format == u64::from(FORMAT) => {}
        other => {
            return Err(wrong(format!(
                "its format is {other:?}, this mcai reads {FORMAT}"
            )));
        }
    }
    serde_json::from_value::<File>(value)
        .map(|file| file.plan)
        .map_err(|error| wrong(error.to_string()))
}
