//! Starting a pipeline, and finding the one that was started.
//!
//! What holds: a pipeline is asked for once; it is asked for on a branch or tag that stood at the planned commit a
//! moment before, by its full name (`refs/heads/…`, `refs/tags/…`), so that a tag that is called like a branch is not
//! taken for it; one that runs another commit all the same is cancelled and told of.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use operations::pipeline::{Order, Run};
use serde_json::Value;

use super::wire::{Pipeline, SentVariable, Start, Variable};
use super::{GitLab, InputType, PAGES, Pass};
use crate::pipelines::{Called, Failure, Refused, text};

/// A pipeline is looked for this far back.
const BACK: SignedDuration = SignedDuration::from_mins(24 * 60 + 15);

impl GitLab {
    pub(super) async fn started(&self, order: &Order) -> Called<Run> {
        let mut start = Start { reference: String::new(), variables: Vec::new(), inputs: BTreeMap::new() };
        match self.target.pass {
            Pass::Variables => start.variables = self.variables(order)?,
            Pass::Inputs => start.inputs = self.inputs(order)?,
        }
        start.reference = self.ref_at(&order.reference, &order.commit).await?;
        let reply = self.done(self.post(&["pipeline"]).json(&start)).await?;
        let pipeline: Pipeline = reply.json()?;
        if pipeline.sha.eq_ignore_ascii_case(&order.commit) {
            return Ok(pipeline.run());
        }
        Err(self.undone(&pipeline, order).await)
    }

    /// The branch or tag moved between the look at it and the start.
    async fn undone(&self, pipeline: &Pipeline, order: &Order) -> Failure {
        let what = format!(
            "GitLab started pipeline {} on the commit {} instead of {}, because the branch moved",
            pipeline.id,
            short(&pipeline.sha),
            short(&order.commit)
        );
        match self.cancelled(&pipeline.run()).await {
            Ok(()) => Failure::refused(Refused::Conflict, format!("{what}; it was cancelled")),
            Err(failure) => Failure::refused(
                Refused::Conflict,
                format!("{what}; it could not be cancelled, so look at it now: {failure}"),
            ),
        }
    }

    fn variables(&self, order: &Order) -> Called<Vec<SentVariable>> {
        let mut values: BTreeMap<&str, String> = BTreeMap::new();
        for (name, value) in self.own_and_given(order)? {
            // GitLab puts other variables, secrets among them, in where a value says `$NAME`.
            if value.contains('$') {
                let why = format!("GitLab: the value of `{name}` holds a `$`, which GitLab would take for a variable");
                return Err(Failure::refused(Refused::Malformed, why));
            }
            values.insert(name, value.to_owned());
        }
        if self.target.chatops {
            let input = format!("{} {} {}", order.service, order.environment, order.reference);
            let chat = [
                ("CHAT_INPUT", input),
                ("CHAT_CHANNEL", "muster".to_owned()),
                ("CHAT_USER_ID", text::harmless_name(order.by.as_str())),
            ];
            for (name, value) in chat {
                values.entry(name).or_insert(value);
            }
        }
        Ok(values.into_iter().map(|(key, value)| SentVariable { key: key.to_owned(), value }).collect())
    }

    fn inputs(&self, order: &Order) -> Called<BTreeMap<String, Value>> {
        let mut inputs = BTreeMap::new();
        for (name, value) in self.own_and_given(order)? {
            let typed = match self.target.types.get(name) {
                None => Some(Value::from(value)),
                Some(InputType::Boolean) => value.parse::<bool>().ok().map(Value::from),
                Some(InputType::Number) => serde_json::from_str(value).ok().filter(Value::is_number),
            };
            let Some(typed) = typed else {
                let why = format!("GitLab: the input `{name}` must be of another type than `{value}`");
                return Err(Failure::refused(Refused::Malformed, why));
            };
            inputs.insert(name.to_owned(), typed);
        }
        Ok(inputs)
    }

    /// Muster's own values and the parameters that were given.
    fn own_and_given<'o>(&'o self, order: &'o Order) -> Called<Vec<(&'o str, &'o str)>> {
        let mut values = self.target.names.values(order);
        for (name, value) in &order.parameters {
            if values.iter().any(|(own, _)| own == name) {
                let why = format!("GitLab: the parameter `{name}` is one that Muster sets itself");
                return Err(Failure::refused(Refused::Malformed, why));
            }
            values.push((name, value));
        }
        Ok(values)
    }

    pub(super) async fn found(&self, order: &Order) -> Called<Option<Run>> {
        let since = self.api.clock().now().checked_sub(BACK).unwrap_or(Timestamp::MIN).to_string();
        let query = [("created_after", since.as_str()), ("source", "api"), ("order_by", "id"), ("sort", "desc")];
        let mut page = "1".to_owned();
        // More pages than of other things: each is a hundred pipelines of the last day.
        for _ in 0..PAGES * 10 {
            let (mut pipelines, next) = self.page::<Pipeline>(&["pipelines"], &query, &page).await?;
            // One of the right commit is more likely to be the one, and each look is a call.
            pipelines.sort_by_key(|pipeline| !pipeline.sha.eq_ignore_ascii_case(&order.commit));
            for pipeline in &pipelines {
                if !self.carries(pipeline, &order.id).await? {
                    continue;
                }
                if pipeline.sha.eq_ignore_ascii_case(&order.commit) {
                    return Ok(Some(pipeline.run()));
                }
                let why = format!(
                    "GitLab's pipeline {} was started for this, but on the commit {} instead of {}: the branch moved",
                    pipeline.id,
                    short(&pipeline.sha),
                    short(&order.commit)
                );
                return Err(Failure::refused(Refused::Conflict, why));
            }
            match next {
                Some(next) => page = next,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Whether a pipeline carries exactly this id.
    async fn carries(&self, pipeline: &Pipeline, id: &str) -> Called<bool> {
        match self.target.pass {
            Pass::Inputs => Ok(pipeline.name.as_deref().is_some_and(|name| text::holds_word(name, id))),
            Pass::Variables => {
                let path = ["pipelines", &pipeline.id.to_string(), "variables"];
                let variables: Vec<Variable> = self.done(self.get(&path)).await?.json()?;
                let name = &self.target.names.id;
                Ok(variables.iter().any(|variable| variable.key == *name && variable.value.as_deref() == Some(id)))
            }
        }
    }
}

/// A commit as people say it.
pub(super) fn short(id: &str) -> String {
    if text::is_hash(id) { id.chars().take(7).collect() } else { "that is unknown".to_owned() }
}
