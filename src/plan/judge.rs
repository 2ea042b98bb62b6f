//! Whether the manifest's rules about money allow a change of cost. What lowers the cost or keeps it, as a delete does,
//! is never refused: the way back must be open.

use super::CostChange;
use crate::diagnostic::Problem;
use crate::estimate::{Rates, over_budget, refuse_age, too_old, unknown_cost};
use crate::price::AgeRule;
use crate::project::Project;

/// Returns why a change is refused; what does not refuse it becomes a note.
pub(super) fn judge(change: &mut CostChange, project: &Project, rates: &Rates) -> Vec<Problem> {
    let is_raised = change.raises();
    let after = &change.after;
    let (mut refusals, mut notes) = (Vec::new(), Vec::new());
    if let Some(budget) = &project.budget {
        match over_budget(after, budget) {
            Some(problem) if is_raised => refusals.push(problem),
            Some(_) => notes.push(format!(
                "the fleet is over its budget of ${}/h, but this does not raise its cost",
                budget.limit.rounded(2)
            )),
            None => {}
        }
        refusals.extend(unknown_cost(after, budget).filter(|_| is_raised));
    }
    let rule = project.price_policy.as_ref();
    let most = rule.map_or(AgeRule::DEFAULT, |rule| rule.max_age);
    let refusing = project.refusing_age().filter(|_| is_raised);
    if let Some(words) = too_old(after, most, rates) {
        match refusing {
            Some(rule) => {
                refusals.push(refuse_age(&words, most, after, project).at(&rule.span));
            }
            None => notes.push(format!("{words}: `mcai cost refresh` reads new ones")),
        }
    }
    change.notes.extend(notes);
    refusals
}
