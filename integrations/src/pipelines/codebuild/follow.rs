//! How a build stands, and the end of its log.

use operations::pipeline::{Log, Progress, Run, RunState};
use operations::text::Outside;
use serde_json::json;

use super::super::tail::tail;
use super::super::{Called, Failure, Refused};
use super::{CodeBuild, wire};
use crate::redact;

/// The phases that a build goes through, in this order (User Guide, "Build phase transitions"); `COMPLETED` follows.
const PHASES: [&str; 10] = [
    "SUBMITTED",
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "UPLOAD_ARTIFACTS",
    "FINALIZING",
];

/// So many events of a log are read at once, and so many pages: a page may be empty and not the last.
const EVENTS: u32 = 500;
const PAGES: usize = 5;

impl CodeBuild {
    pub(super) fn progress(&self, run: &Run, build: &wire::Build) -> Called<Progress> {
        let phase = build.current_phase.as_deref().unwrap_or_default();
        let state = match build.build_status.as_deref() {
            Some("IN_PROGRESS") if matches!(phase, "" | "SUBMITTED" | "QUEUED") => RunState::Queued,
            Some("IN_PROGRESS") => RunState::Running,
            Some("SUCCEEDED") => RunState::Succeeded,
            Some("FAILED" | "FAULT" | "TIMED_OUT") => RunState::Failed,
            Some("STOPPED") => RunState::Cancelled,
            Some(_) | None => {
                return Err(Failure::refused(Refused::Malformed, "CodeBuild told a status that is not known"));
            }
        };
        let mut progress = Progress::bare(state);
        progress.total = PHASES.len() as u32;
        let is_done = |phase: &&wire::Phase| {
            PHASES.contains(&phase.phase_type.as_str()) && phase.phase_status.as_deref() == Some("SUCCEEDED")
        };
        progress.done = u32::try_from(build.phases.iter().filter(is_done).count()).unwrap_or(u32::MAX);
        progress.step = match state {
            RunState::Queued | RunState::Running if !phase.is_empty() => Some(Outside::new(phase)),
            RunState::Failed => failed(build).map(words),
            _ => None,
        };
        if let Some(words) = other_commit(build) {
            let step = progress.step.as_ref().map(|step| format!("{}; {words}", step.as_str()));
            progress.step = Some(Outside::new(&step.unwrap_or(words)));
        }
        // CodeBuild itself tries a failed build again where the project says so: as another build.
        let next = build.auto_retry_config.as_ref().and_then(|config| config.next_auto_retry.as_deref());
        let next = next.map(|arn| arn.rsplit_once("build/").map_or(arn, |(_, id)| id));
        if let (RunState::Failed, Some(next)) = (state, next.filter(|next| self.check_id(next).is_ok())) {
            progress.state = RunState::Running;
            progress.run = Some(Run { id: next.to_owned(), url: None });
            return Ok(progress);
        }
        let now = self.run(build);
        if now.url != run.url {
            progress.run = Some(now);
        }
        Ok(progress)
    }

    pub(super) async fn tail(&self, build: &wire::Build) -> Called<Log> {
        let phase = failed(build).map(|phase| phase.phase_type.as_str()).or(build.current_phase.as_deref());
        let step = phase.filter(|phase| *phase != "COMPLETED").map(Outside::new);
        let logs = build.logs.as_ref();
        let names = logs.and_then(|logs| Some((logs.group_name.as_deref()?, logs.stream_name.as_deref()?)));
        let Some((group, stream)) = names else {
            // It was not written yet, or the project writes none there; what failed is told all the same.
            let text = failed(build).map(context).unwrap_or_default();
            return Ok(Log { step, tail: tail(&text, &[]) });
        };
        let mut pieces: Vec<String> = Vec::new();
        let mut length = 0;
        let mut body = json!({
            "logGroupName": group, "logStreamName": stream, "limit": EVENTS, "startFromHead": false,
        });
        let mut last: Option<String> = None;
        for _ in 0..PAGES {
            let page: wire::Events = match self.logs.read("GetLogEvents", &body).await {
                Ok(page) => page,
                // The stream comes into being with the first line.
                Err(trouble) if trouble.code == "ResourceNotFoundException" => break,
                Err(trouble) => return Err(trouble.failure),
            };
            let text: String =
                page.events.iter().map(|event| format!("{}\n", event.message.trim_end_matches(['\r', '\n']))).collect();
            length += text.chars().count();
            pieces.push(text);
            // The same token again means that there is nothing before it (API reference, `GetLogEvents`).
            match page.next_backward_token {
                Some(token) if length < 2 * Log::LONGEST && last.as_ref() != Some(&token) => {
                    body["nextToken"] = json!(token);
                    last = Some(token);
                }
                Some(_) | None => break,
            }
        }
        pieces.reverse();
        Ok(Log { step, tail: tail(pieces.concat(), &[]) })
    }
}

fn failed(build: &wire::Build) -> Option<&wire::Phase> {
    let is_failed =
        |phase: &&wire::Phase| matches!(phase.phase_status.as_deref(), Some("FAILED" | "FAULT" | "TIMED_OUT"));
    build.phases.iter().find(is_failed)
}

fn context(phase: &wire::Phase) -> String {
    phase.contexts.iter().filter_map(|context| context.message.as_deref()).collect::<Vec<_>>().join("\n")
}

fn words(phase: &wire::Phase) -> Outside {
    let why = redact::outside("", &context(phase)).short(200);
    if why.is_empty() {
        return Outside::new(&phase.phase_type);
    }
    Outside::new(&format!("{}: {}", phase.phase_type, why.as_str()))
}

/// Words about another commit than the planned one, where both are told by their ids.
fn other_commit(build: &wire::Build) -> Option<String> {
    let (planned, taken) = (build.source_version.as_deref()?, build.resolved_source_version.as_deref()?);
    let is_hash = |id: &str| id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hash(planned) || !is_hash(taken) || planned.eq_ignore_ascii_case(taken) {
        return None;
    }
    Some(format!("it builds {} and not the planned {}", &taken[..12], &planned[..12]))
}
