//! Starts an execution, and finds the one that was started.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use operations::pipeline::{Idempotency, Order, Run};
use serde_json::{Value, json};

use super::super::text::is_full_hash;
use super::super::{Called, Failure, Pipeline, Refused, cannot};
use super::{CodePipeline, PAGES, conflict, wire};
use crate::aws::Trouble;

/// So far back it is looked for what was started.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A variable's longest value, in characters (API reference, `PipelineVariable`).
const LONGEST_VALUE: usize = 1000;

impl CodePipeline {
    pub(super) async fn start_order(&self, order: &Order) -> Called<Run> {
        if let (true, Some(stage), Some(earlier)) = (order.is_rollback, &self.target.stage, &order.back_to) {
            return self.roll_back(stage, earlier).await;
        }
        let mut body = json!({ "name": self.target.pipeline, "clientRequestToken": order.id });
        let variables = self.variables(order).await?;
        if !variables.is_empty() {
            let list: Vec<Value> =
                variables.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
            body["variables"] = json!(list);
        }
        if let Some(action) = &self.target.source_action {
            body["sourceRevisions"] = json!([{
                "actionName": action, "revisionType": self.target.revision.name(), "revisionValue": order.commit,
            }]);
        }
        let started: Result<wire::Started, Trouble> = match self.capabilities().idempotency_of(order) {
            // The token sees to it that all tries are one start.
            Idempotency::Repeat => self.caller.repeat("StartPipelineExecution", &body).await,
            Idempotency::Find | Idempotency::Ask => self.caller.act("StartPipelineExecution", &body).await,
        };
        let started = started.map_err(|trouble| match trouble.code.as_str() {
            "ConflictException" => {
                Failure::transient("CodePipeline is busy with this pipeline; it can be started later")
            }
            "ConcurrentPipelineExecutionsLimitExceededException" => {
                conflict("as many executions of the pipeline run already as may run at once")
            }
            _ => trouble.failure,
        })?;
        Ok(self.planned(&started.pipeline_execution_id, order))
    }

    /// Where the commit could not be passed, the run's id carries it, so that what is taken can be compared with it.
    fn planned(&self, execution: &str, order: &Order) -> Run {
        let mut run = self.run(execution);
        if self.target.source_action.is_none() && is_full_hash(&order.commit) {
            run.id = format!("{execution}+{}", order.commit);
        }
        run
    }

    async fn roll_back(&self, stage: &str, earlier: &Run) -> Called<Run> {
        let (target, _) = super::follow::parts(earlier)?;
        let body =
            json!({ "pipelineName": self.target.pipeline, "stageName": stage, "targetPipelineExecutionId": target });
        let started: Result<wire::Started, Trouble> = self.caller.act("RollbackStage", &body).await;
        let started = started.map_err(|trouble| match trouble.code.as_str() {
            "UnableToRollbackStageException" => conflict(
                "CodePipeline can't roll the stage back to that execution: the stage runs just now, the pipeline was \
                 changed since, or that execution did not succeed in it or was a rollback itself",
            ),
            "PipelineExecutionOutdatedException" => {
                conflict("that execution is too old for CodePipeline to go back to")
            }
            "ConflictException" => Failure::transient("CodePipeline is busy with this pipeline; try again later"),
            _ => trouble.failure,
        })?;
        Ok(self.run(&started.pipeline_execution_id))
    }

    /// The variables that go along. CodePipeline refuses those that the pipeline does not declare, with words that name
    /// none of them, so they are asked for first.
    async fn variables(&self, order: &Order) -> Called<BTreeMap<String, String>> {
        let body = json!({ "name": self.target.pipeline });
        let got: wire::GotPipeline = self.caller.read("GetPipeline", &body).await.map_err(Failure::from)?;
        let declared: HashSet<&str> = got.pipeline.variables.iter().map(|variable| variable.name.as_str()).collect();
        let mut all = BTreeMap::new();
        // What the pipeline may like to know, where it declares it.
        let known = [
            ("MUSTER_SERVICE", order.service.as_str()),
            ("MUSTER_ENVIRONMENT", order.environment.as_str()),
            ("MUSTER_REF", order.reference.as_str()),
            ("MUSTER_COMMIT", order.commit.as_str()),
            ("MUSTER_BY", order.by.as_str()),
            ("MUSTER_REASON", order.reason.as_str()),
        ];
        for (name, value) in known {
            let value: String =
                value.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST_VALUE).collect();
            if declared.contains(name) && !value.is_empty() {
                all.insert(name.to_owned(), value);
            }
        }
        for (name, value) in &order.parameters {
            if !declared.contains(name.as_str()) {
                return Err(malformed(&format!("the pipeline declares no variable {name}, so it can't be given")));
            }
            if value.is_empty() || value.chars().count() > LONGEST_VALUE || value.contains(['\r', '\n']) {
                let why = "must be a line that is not empty and not longer than 1000 characters";
                return Err(malformed(&format!("the value of {name} {why}")));
            }
            all.insert(name.clone(), value.clone());
        }
        if let Some(name) = &self.target.id_variable {
            if !declared.contains(name.as_str()) {
                let why = "which the configuration has as `id_variable`";
                return Err(malformed(&format!("the pipeline declares no variable {name}, {why}")));
            }
            all.insert(name.clone(), order.id.clone());
        }
        Ok(all)
    }

    pub(super) async fn find_order(&self, order: &Order) -> Called<Option<Run>> {
        if order.is_rollback && self.target.stage.is_some() {
            return Err(cannot("a stage's rollback by CodePipeline carries nothing that it could be found by"));
        }
        let Some(name) = &self.target.id_variable else {
            return Err(cannot(
                "executions of this pipeline carry nothing that they could be found by (`id_variable`)",
            ));
        };
        for execution in self.recent().await? {
            // An execution of a rollback has the variables of the one that it goes back to.
            let trigger = execution.trigger.as_ref().and_then(|trigger| trigger.trigger_type.as_deref());
            if execution.is_rollback() || trigger.is_some_and(|trigger| trigger != "StartPipelineExecution") {
                continue;
            }
            let whole = self.execution(&execution.pipeline_execution_id).await?;
            let id = whole.variables.iter().find(|variable| variable.name == *name);
            let is_it = id.and_then(|variable| variable.resolved_value.as_deref()) == Some(order.id.as_str());
            if is_it && !whole.is_rollback() {
                return Ok(Some(self.planned(&whole.pipeline_execution_id, order)));
            }
        }
        Ok(None)
    }

    /// The executions of the last day, the newest first.
    async fn recent(&self) -> Called<Vec<wire::Execution>> {
        let since = (self.caller.clock().now().as_duration().as_secs_f64() - DAY.as_secs_f64()).max(0.0);
        let mut all = Vec::new();
        let mut seen = HashSet::new();
        let mut body = json!({ "pipelineName": self.target.pipeline, "maxResults": 100 });
        for _ in 0..PAGES {
            let page: wire::Executions =
                self.caller.read("ListPipelineExecutions", &body).await.map_err(Failure::from)?;
            let length = page.pipeline_execution_summaries.len();
            let young = |execution: &wire::Execution| execution.start_time.is_none_or(|began| began >= since);
            let young: Vec<_> = page.pipeline_execution_summaries.into_iter().filter(young).collect();
            let reached = young.len() < length;
            all.extend(young);
            match page.next_token {
                Some(token) if !reached && seen.insert(token.clone()) => body["nextToken"] = json!(token),
                Some(_) | None => return Ok(all),
            }
        }
        Ok(all)
    }
}

fn malformed(why: &str) -> Failure {
    Failure::refused(Refused::Malformed, why)
}
