//! How a rollout stands, by the same rules as `kubectl rollout status` (kubernetes.io, "Deployments", "Deployment
//! status"; the other kinds as in github.com/kubernetes/kubectl `pkg/polymorphichelpers/rollout_status.go`).

use operations::pipeline::{Progress, RunState};
use operations::text::Outside;

use super::Workload;
use super::wire::Object;
use crate::redact;

pub(super) fn progress(kind: Workload, object: &Object) -> Progress {
    let status = &object.status;
    let (done, total) = match kind {
        Workload::Deployment => (status.updated_replicas, object.spec.replicas.unwrap_or(1)),
        Workload::StatefulSet => (status.updated_replicas, wanted(object)),
        Workload::DaemonSet => (status.updated_number_scheduled, status.desired_number_scheduled),
    };
    let as_it_is = |state, step: &str| {
        let step = Some(redact::outside("", step).short(200)).filter(|step| !step.is_empty());
        Progress { state, step, done: done.min(total), total, gates: Vec::new(), run: None }
    };
    // What the status says is about an older generation.
    if status.observed_generation < object.metadata.generation {
        return Progress { done: 0, ..as_it_is(RunState::Queued, "") };
    }
    match kind {
        Workload::Deployment => {
            let progressing = status.conditions.iter().find(|condition| condition.kind == "Progressing");
            if let Some(late) = progressing.filter(|condition| condition.reason == "ProgressDeadlineExceeded") {
                return as_it_is(RunState::Failed, &format!("ProgressDeadlineExceeded: {}", late.message));
            }
            if done < total {
                return as_it_is(RunState::Running, "new pods are being made");
            }
            if status.replicas > status.updated_replicas {
                return as_it_is(RunState::Running, "old pods are being stopped");
            }
            if status.available_replicas < status.updated_replicas {
                return as_it_is(RunState::Running, "new pods are not available yet");
            }
        }
        Workload::StatefulSet => {
            if done < total || status.ready_replicas < object.spec.replicas.unwrap_or(1) {
                return as_it_is(RunState::Running, "new pods are being made");
            }
            // With a partition, older pods stay, and so does the older revision.
            if partition(object) == 0 && status.update_revision != status.current_revision {
                return as_it_is(RunState::Running, "new pods are not ready yet");
            }
        }
        Workload::DaemonSet => {
            if done < total {
                return as_it_is(RunState::Running, "new pods are being made");
            }
            if status.number_available < total {
                return as_it_is(RunState::Running, "new pods are not available yet");
            }
        }
    }
    as_it_is(RunState::Succeeded, "")
}

/// The step where something is wrong with a pod, which says more than that it takes time.
pub(super) fn with_trouble(mut progress: Progress, words: &str) -> Progress {
    progress.step = Some(redact::outside("", words).short(200)).filter(|step: &Outside| !step.is_empty());
    progress
}

fn partition(object: &Object) -> u32 {
    object.spec.update_strategy.rolling_update.as_ref().and_then(|rolling| rolling.partition).unwrap_or(0)
}

/// So many pods of a StatefulSet get the new template.
fn wanted(object: &Object) -> u32 {
    object.spec.replicas.unwrap_or(1).saturating_sub(partition(object))
}
