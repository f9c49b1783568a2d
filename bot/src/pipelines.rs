//! What carries deploys out, and who is told of them: built from the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use integrations::changes::{Change, Kind as ChangeKind, Outcome as ChangeOutcome, Told};
use integrations::clock::SharedClock;
use integrations::http::api::{Called, Failure, Refused};
use integrations::http::public::Public;
use integrations::pipelines::{AnyPipeline, Kept, Shared};
use operations::deploy::{Deploy, How, Kind, Target};
use operations::text::Outside;

use crate::config::Config;

/// The pipelines by where they deploy to, and whoever is told of deploys by name.
#[derive(Clone)]
pub struct Pipelines {
    by_target: Arc<BTreeMap<Target, AnyPipeline>>,
    /// None where it is the pipeline that deployed.
    told: Arc<BTreeMap<String, Option<Told>>>,
    production: Arc<BTreeSet<Target>>,
    http: reqwest::Client,
}

impl Pipelines {
    /// Those of a configuration, which has tried them already.
    ///
    /// # Errors
    /// One can't be built, and why.
    pub fn build(config: &Config, http: &reqwest::Client, clock: &SharedClock) -> Result<Pipelines, String> {
        let shared = Shared { http: http.clone(), clock: clock.clone(), public: Public::new(clock.clone())? };
        let mut by_target = BTreeMap::new();
        for (target, pipeline) in &config.pipelines {
            let built = pipeline.build(&shared).map_err(|why| format!("{target}: {why}"))?;
            by_target.insert(target.clone(), built);
        }
        let mut told = BTreeMap::new();
        for (name, change) in &config.changes {
            let built = change.build(http, clock).map_err(|why| format!("changes.{name}: {why}"))?;
            told.insert(name.clone(), built);
        }
        let production = config.services.iter().flat_map(|service| {
            let there = service.environments.iter().filter(|it| it.production);
            there.map(|it| Target { service: service.name.clone(), environment: it.name.clone() })
        });
        let (by_target, production) = (Arc::new(by_target), Arc::new(production.collect()));
        Ok(Pipelines { by_target, told: Arc::new(told), production, http: http.clone() })
    }

    /// The one that deploys there.
    #[must_use]
    pub fn of(&self, target: &Target) -> Option<AnyPipeline> {
        self.by_target.get(target).cloned()
    }

    /// The client for addresses that operators have written.
    #[must_use]
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Tells somebody outside that a deploy began or ended.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn tell(&self, to: &str, it: &Deploy, by: &Outside) -> Called<()> {
        let Some(told) = self.told.get(to) else {
            return Err(Failure::refused(Refused::NotFound, format!("changes.{to} is not configured any more")));
        };
        match (told, change(it, by)) {
            (Some(told), Some(change)) => told.tell(&change).await,
            // Only what has an end is a change.
            (Some(_), None) => Ok(()),
            (None, _) => self.keep(it).await,
        }
    }

    async fn keep(&self, it: &Deploy) -> Called<()> {
        let target = &it.wanted.target;
        let (Some(pipeline), Some(plan), true) = (self.of(target), &it.plan, it.touched()) else { return Ok(()) };
        let how = it.ended().map(|(how, _)| how);
        let kept = Kept {
            id: it.order_id(),
            commit: plan.commit().id.as_str().to_owned(),
            environment: target.environment.clone(),
            is_production: self.production.contains(target),
            succeeded: how.map(|how| how == How::Succeeded),
            description: format!(
                "{} {} by Muster: {}",
                it.wanted.kind.title(),
                it.id,
                how.map_or("running", How::words)
            ),
            url: it.run.as_ref().and_then(|run| run.url.clone()),
        };
        pipeline.keep(&kept).await
    }
}

/// A deploy as a change; none where nothing has changed.
fn change(it: &Deploy, by: &Outside) -> Option<Change> {
    let (how, ended) = it.ended()?;
    let outcome = match how {
        How::Succeeded => ChangeOutcome::Succeeded,
        How::Failed => ChangeOutcome::Failed,
        How::Cancelled => ChangeOutcome::Cancelled,
        How::Planned | How::Denied | How::Refused | How::Expired | How::NotStarted => return None,
    };
    let plan = it.plan.as_ref()?;
    let target = &it.wanted.target;
    let summary = format!(
        "{} of {} {} to {}: {}",
        it.wanted.kind.title(),
        target.service,
        it.release_name().as_str(),
        target.environment,
        how.words()
    );
    Some(Change {
        id: it.order_id(),
        summary: Outside::new(&summary),
        service: Outside::new(&target.service),
        environment: Outside::new(&target.environment),
        version: it.release_name(),
        commit: plan.commit().id.clone(),
        by: by.clone(),
        kind: match it.wanted.kind {
            Kind::Deploy => ChangeKind::Deploy,
            Kind::Rollback => ChangeKind::Rollback,
            Kind::Promotion => ChangeKind::Promotion,
        },
        outcome,
        began: it.began_at?,
        ended,
        url: it.run.as_ref().and_then(|run| run.url.clone()),
    })
}
