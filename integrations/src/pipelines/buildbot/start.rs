//! Forcing a build, and finding the one that was forced.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use operations::pipeline::{Order, Run};
use serde_json::{Map, Value};

use super::Buildbot;
use super::wire::{Builders, Forced, Requests, Schedulers};
use crate::pipelines::{Called, Failure, Refused, text};

/// A request is looked for this far back.
const BACK: SignedDuration = SignedDuration::from_mins(24 * 60 + 15);

/// So many requests stand on a page, and so many pages are read.
const PER_PAGE: usize = 100;
const PAGES: usize = 50;

/// Parameters of the call itself, which a field of that name would replace.
const TAKEN: [&str; 3] = ["builderNames", "builderid", "owner"];

impl Buildbot {
    pub(super) async fn forced(&self, order: &Order) -> Called<Run> {
        let (scheduler, builder) = (&self.target.scheduler, &self.target.builder);
        let answer: Called<Schedulers> = self.ask(&["forceschedulers", scheduler], &[]).await;
        let known = match answer {
            Err(failure) if failure.is(Refused::NotFound) => {
                let why = format!("Buildbot has no force scheduler `{scheduler}`");
                return Err(Failure::refused(Refused::NotFound, why));
            }
            other => other?.forceschedulers.into_iter().next(),
        };
        let Some(known) = known else {
            return Err(Failure::refused(Refused::NotFound, format!("Buildbot has no force scheduler `{scheduler}`")));
        };
        if known.enabled == Some(false) {
            return Err(Failure::refused(Refused::Conflict, format!("Buildbot: `{scheduler}` is turned off")));
        }
        if !known.builder_names.contains(builder) {
            let why = format!("Buildbot: the force scheduler `{scheduler}` does not start the builder `{builder}`");
            return Err(Failure::refused(Refused::NotFound, why));
        }
        let mut params = self.values(order, &known.declared())?;
        params.insert("builderNames".to_owned(), Value::from(vec![builder.as_str()]));
        if known.declared().contains_key("reason") {
            // The column that it ends in is 256 characters wide, with Buildbot's own words around it.
            let by = text::harmless_name(order.by.as_str());
            let reason = order.reason.short(100);
            let said = format!("{} by {by}: {}", order.id, reason.as_str());
            params.entry("reason").or_insert_with(|| Value::from(said.chars().take(160).collect::<String>()));
        }
        let forced: Forced = self.control(&["forceschedulers", scheduler], "force", params, false).await?.json()?;
        match forced.result.1.values().next() {
            Some(request) if forced.result.1.len() == 1 => Ok(self.run(*request)),
            _ => Err(Failure::Unknown { why: "Buildbot did not say which build it requested".to_owned() }),
        }
    }

    fn values(&self, order: &Order, declared: &BTreeMap<&str, &str>) -> Called<Map<String, Value>> {
        let names = &self.target.fields;
        let rollback = if order.is_rollback { "true" } else { "false" };
        let own = [
            (&names.id, order.id.as_str(), true),
            (&names.commit, &order.commit, true),
            (&names.reference, &order.reference, false),
            (&names.service, &order.service, false),
            (&names.environment, &order.environment, false),
            (&names.rollback, rollback, false),
        ];
        let own = own.into_iter().filter(|(name, ..)| !name.is_empty());
        let given = order.parameters.iter().map(|(name, value)| (name, value.as_str(), true));
        let mut values = Map::new();
        for (name, value, is_needed) in own.chain(given) {
            if values.contains_key(name) || TAKEN.contains(&name.as_str()) {
                return Err(refused(format!("Buildbot: the field `{name}` is one that Muster sets itself")));
            }
            let Some(kind) = declared.get(name.as_str()) else {
                if is_needed {
                    return Err(refused(format!(
                        "Buildbot: the force scheduler `{}` does not declare the field `{name}`, so it would be \
                         dropped; add util.StringParameter(name=\"{name}\") to its properties",
                        self.target.scheduler
                    )));
                }
                continue;
            };
            // A box that is ticked is true itself, and no text is.
            let value = match (*kind, value) {
                ("bool", "true") => Value::from(true),
                ("bool", "false") => Value::from(false),
                ("bool", _) => return Err(refused(format!("Buildbot: the field `{name}` must be `true` or `false`"))),
                _ => Value::from(value),
            };
            values.insert(name.clone(), value);
        }
        Ok(values)
    }

    pub(super) async fn found(&self, id: &str) -> Called<Option<Run>> {
        let builders: Builders = self.ask(&["builders"], &[("name", &self.target.builder)]).await?;
        let Some(builder) = builders.builders.iter().find(|builder| builder.name == self.target.builder) else {
            let why = format!("Buildbot has no builder `{}`", self.target.builder);
            return Err(Failure::refused(Refused::NotFound, why));
        };
        let builder = builder.builderid.to_string();
        let since = self.api.clock().now().checked_sub(BACK).unwrap_or(Timestamp::MIN).as_second();
        let name = &self.target.fields.id;
        for page in 0..PAGES {
            let (limit, offset) = (PER_PAGE.to_string(), (page * PER_PAGE).to_string());
            let query =
                [("property", name.as_str()), ("order", "-buildrequestid"), ("limit", &limit), ("offset", &offset)];
            let requests: Requests = self.ask(&["builders", &builder, "buildrequests"], &query).await?;
            let requests = requests.buildrequests;
            if let Some(request) = requests.iter().find(|request| request.carries(name, id)) {
                return Ok(Some(self.run(request.buildrequestid)));
            }
            if requests.len() < PER_PAGE || requests.last().is_some_and(|request| request.submitted_at < since) {
                break;
            }
        }
        Ok(None)
    }

    fn run(&self, request: u64) -> Run {
        Run { id: request.to_string(), url: self.page(&format!("buildrequests/{request}")) }
    }
}

fn refused(why: String) -> Failure {
    Failure::refused(Refused::Malformed, why)
}
