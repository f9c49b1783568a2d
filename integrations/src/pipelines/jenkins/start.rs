//! Starting a build, and finding the one that was started.
//!
//! What holds: what the job does not declare, or does not offer as a choice, is refused before anything is sent;
//! an answer that does not name an item of this Jenkins's own queue is not believed, and the build is looked for.

use jiff::{SignedDuration, Timestamp};
use operations::pipeline::{Order, Run};
use percent_encoding::percent_decode_str;
use reqwest::Method;
use reqwest::header::LOCATION;

use super::wire::{Builds, Definition, Item, Job, Queue, carries};
use super::{Jenkins, Place};
use crate::http::api::Reply;
use crate::pipelines::text::web;
use crate::pipelines::{Called, Failure, Refused};

/// A build is looked for this far back.
const BACK: SignedDuration = SignedDuration::from_mins(24 * 60 + 15);

/// So many builds are asked for at once.
const BUILDS: usize = 50;

/// So many times.
const PAGES: usize = 20;

impl Jenkins {
    pub(super) async fn started(&self, order: &Order) -> Called<Run> {
        let declared = self.declared().await?;
        let values = self.values(order, &declared)?;
        let pairs: Vec<(&str, &str)> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let reply = self.act(|| self.call(Method::POST, &["buildWithParameters"]).form(&pairs)).await?;
        if let Some(item) = self.queue_item(&reply) {
            let url = Some(format!("{}/queue/item/{item}/", self.api.base().as_str().trim_end_matches('/')));
            return Ok(Run { id: Place::Queue(item, order.id.clone()).id(), url: url.and_then(|url| web(&url)) });
        }
        // Some proxies and old versions leave the item out; a plug-in may also have refused to queue it.
        let why = "Jenkins took the build but did not say where it is queued";
        match self.found(&order.id).await {
            Ok(Some(run)) => Ok(run),
            Ok(None) => Err(Failure::Unknown { why: why.to_owned() }),
            Err(failure) => Err(Failure::Unknown { why: format!("{why}: {failure}") }),
        }
    }

    async fn declared(&self) -> Called<Vec<Definition>> {
        let tree = "buildable,property[parameterDefinitions[name,type,choices]]";
        let job: Job = self.get(&["api", "json"]).query(&[("tree", tree)]).send().await?.json()?;
        if job.buildable == Some(false) {
            return Err(Failure::refused(Refused::Conflict, "Jenkins: the job is disabled"));
        }
        Ok(job.declared())
    }

    /// What is sent. Jenkins drops undeclared parameters without a word (SECURITY-170), and answers 500 to a value
    /// that is none of a parameter's choices.
    fn values(&self, order: &Order, declared: &[Definition]) -> Called<Vec<(String, String)>> {
        let names = &self.target.parameters;
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
        let mut values: Vec<(String, String)> = Vec::new();
        for (name, value, is_needed) in own.chain(given) {
            if values.iter().any(|(known, _)| known == name) {
                return Err(refused(format!("Jenkins: the parameter `{name}` is one that Muster sets itself")));
            }
            let Some(definition) = declared.iter().find(|definition| definition.name == *name) else {
                if is_needed {
                    return Err(refused(format!(
                        "Jenkins: the job `{}` does not declare the parameter `{name}`, so it would be dropped; \
                         add it to the job (This project is parameterised)",
                        self.target.job
                    )));
                }
                continue;
            };
            let is_offered =
                definition.choices.as_ref().is_none_or(|choices| choices.iter().any(|choice| choice == value));
            if !is_offered {
                return Err(refused(format!("Jenkins: `{value}` is none of the choices of the parameter `{name}`")));
            }
            values.push((name.clone(), value.to_owned()));
        }
        Ok(values)
    }

    /// The number in `Location: …/queue/item/7/`. It is sent with 201, by old versions and some proxies with a
    /// redirect. One on another host is somebody else's.
    fn queue_item(&self, reply: &Reply) -> Option<u64> {
        let url = self.api.base().join(reply.headers.get(LOCATION)?.to_str().ok()?).ok()?;
        if !self.api.is_own(&url) {
            return None;
        }
        let (_, item) = url.path().trim_end_matches('/').rsplit_once("/queue/item/")?;
        item.parse().ok()
    }

    /// The queue is looked at before the builds, so that what leaves it meanwhile is seen among them.
    pub(super) async fn found(&self, id: &str) -> Called<Option<Run>> {
        let name = &self.target.parameters.id;
        let tree = "items[id,cancelled,why,task[url],actions[parameters[name,value]]]";
        let queue: Queue = self.api.get(&["queue", "api", "json"]).query(&[("tree", tree)]).send().await?.json()?;
        let is_it = |item: &&Item| carries(&item.actions, name, id) && self.is_own_task(item);
        if let Some(item) = queue.items.iter().find(is_it) {
            return Ok(Some(Run { id: Place::Queue(item.id, id.to_owned()).id(), url: None }));
        }
        self.build_of(id).await
    }

    /// The build that carries this id. `allBuilds` goes beyond the hundred that `builds` ends at.
    pub(super) async fn build_of(&self, id: &str) -> Called<Option<Run>> {
        let since = self.api.clock().now().checked_sub(BACK).unwrap_or(Timestamp::MIN).as_millisecond();
        for page in 0..PAGES {
            let (from, to) = (page * BUILDS, (page + 1) * BUILDS);
            let tree = format!("allBuilds[number,url,timestamp,actions[parameters[name,value]]]{{{from},{to}}}");
            let builds: Builds = self.get(&["api", "json"]).query(&[("tree", &tree)]).send().await?.json()?;
            let name = &self.target.parameters.id;
            if let Some(build) = builds.builds.iter().find(|build| carries(&build.actions, name, id)) {
                return Ok(Some(Run { id: Place::Build(build.number).id(), url: web(&build.url) }));
            }
            if builds.builds.len() < BUILDS || builds.builds.last().is_some_and(|build| build.timestamp < since) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    /// Whether an item is this job's: a job can hand its parameters on to others.
    pub(super) fn is_own_task(&self, item: &Item) -> bool {
        let Some(path) = item.task.as_ref().and_then(|task| task.url.parse::<url::Url>().ok()) else { return false };
        let path = percent_decode_str(path.path().trim_end_matches('/')).decode_utf8_lossy().into_owned();
        let own = format!("/{}", self.path.join("/"));
        // What stands before is where Jenkins is served; a folder more would be another job.
        path.strip_suffix(&own).is_some_and(|before| !before.split('/').any(|part| part == "job"))
    }
}

fn refused(why: String) -> Failure {
    Failure::refused(Refused::Malformed, why)
}
