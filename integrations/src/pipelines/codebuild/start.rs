//! Starts a build, and finds the one that was started.

use std::collections::HashSet;
use std::time::Duration;

use operations::pipeline::{Order, Run};
use serde_json::{Value, json};

use super::super::{Called, Failure, Refused};
use super::{CodeBuild, ID, wire};
use crate::aws::Trouble;

/// So far back it is looked for what was started.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// So many pages of a hundred builds are read at most.
const PAGES: usize = 50;

/// So many builds are asked for at once; a hundred may be (API reference, `BatchGetBuilds`), but each is long.
const AT_ONCE: usize = 50;

impl CodeBuild {
    pub(super) async fn start_order(&self, order: &Order) -> Called<Run> {
        let body = json!({
            "projectName": self.target.project,
            "sourceVersion": order.commit,
            "idempotencyToken": order.id,
            "environmentVariablesOverride": variables(order)?,
        });
        let started: Result<wire::Started, Trouble> = self.caller.act("StartBuild", &body).await;
        let started = started.map_err(|trouble| match trouble.code.as_str() {
            "AccountLimitExceededException" => {
                Failure::refused(Refused::Conflict, "as many builds run or wait already as the account may have")
            }
            _ => trouble.failure,
        })?;
        // It runs, whatever its id is; a later look must not fail for it.
        if self.check_id(&started.build.id).is_err() {
            return Err(Failure::Unknown { why: "CodeBuild answered with a build of another project".to_owned() });
        }
        Ok(self.run(&started.build))
    }

    /// The build with this order's id. A build that is tried again has the variables of the one before it, so there may
    /// be several: the first is the one that was started.
    pub(super) async fn find_order(&self, order: &Order) -> Called<Option<Run>> {
        let since = self.caller.clock().now().as_duration().as_secs_f64() - DAY.as_secs_f64();
        let mut first: Option<wire::Build> = None;
        let mut seen = HashSet::new();
        // Without `sortOrder`: it is an error for projects with more than a hundred builds, and the newest come first
        // anyway (API reference, `ListBuildsForProject`).
        let mut body = json!({ "projectName": self.target.project });
        for _ in 0..PAGES {
            let page: wire::Ids = self.caller.read("ListBuildsForProject", &body).await.map_err(Failure::from)?;
            let mut reached = page.ids.is_empty();
            for ids in page.ids.chunks(AT_ONCE) {
                let got: wire::Builds =
                    self.caller.read("BatchGetBuilds", &json!({ "ids": ids })).await.map_err(Failure::from)?;
                for build in got.builds {
                    reached |= build.start_time.is_some_and(|began| began < since);
                    let is_again = build.auto_retry_config.as_ref().is_some_and(|c| c.previous_auto_retry.is_some());
                    let is_it = build.variable(ID) == Some(order.id.as_str()) && self.check_id(&build.id).is_ok();
                    let is_sooner = |other: &wire::Build| age(&build) < age(other);
                    if is_it && !is_again && first.as_ref().is_none_or(is_sooner) {
                        first = Some(build);
                    }
                }
            }
            match page.next_token {
                Some(token) if !reached && seen.insert(token.clone()) => body["nextToken"] = json!(token),
                Some(_) | None => break,
            }
        }
        Ok(first.map(|build| self.run(&build)))
    }
}

fn age(build: &wire::Build) -> (i64, u64) {
    // Seconds are enough where there are no numbers.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time since 1970 fits")]
    let began = build.start_time.unwrap_or(f64::MAX).max(0.0) as u64;
    (build.build_number.unwrap_or(i64::MAX), began)
}

/// The variables that go along, each as plain text.
fn variables(order: &Order) -> Called<Vec<Value>> {
    let plain = |name: &str, value: &str| json!({ "name": name, "value": value, "type": "PLAINTEXT" });
    let mut all = vec![
        plain(ID, &order.id),
        plain("MUSTER_SERVICE", &order.service),
        plain("MUSTER_ENVIRONMENT", &order.environment),
        plain("MUSTER_REF", &order.reference),
        plain("MUSTER_COMMIT", &order.commit),
        plain("MUSTER_ROLLBACK", if order.is_rollback { "true" } else { "false" }),
        plain("MUSTER_BY", order.by.as_str()),
        plain("MUSTER_REASON", order.reason.as_str()),
    ];
    for (name, value) in &order.parameters {
        let mut bytes = name.bytes();
        let is_name = bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        // CodeBuild keeps the names that begin with CODEBUILD_ (User Guide, "Environment variables in build environments").
        if !is_name || name.starts_with("CODEBUILD_") || name.starts_with("MUSTER_") {
            let why =
                format!("{name} can't be a parameter of a build: letters, digits and _, not CODEBUILD_… or MUSTER_…");
            return Err(Failure::refused(Refused::Malformed, why));
        }
        all.push(plain(name, value));
    }
    Ok(all)
}
