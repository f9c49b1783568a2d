//! What each event of deploys, locks and freezes changes.

use std::sync::Arc;

use super::event::{DeployEvent, HoldEvent};
use super::{Approval, Deploy, How, Kind, Release, Stage};
use crate::ids::DeployId;
use crate::journal::Record;
use crate::locks::{Freeze, Lock};
use crate::state::State;
use crate::timer::Timer;

/// So many deploys are remembered; the oldest that are over are forgotten first.
const REMEMBERED: usize = 2_000;

/// Folds what happened to a deploy.
pub(crate) fn folded(state: &mut State, id: DeployId, what: &DeployEvent, record: &Record) {
    let at = record.at;
    if let DeployEvent::Asked { .. } = what {
        asked(state, id, what, record);
        return;
    }
    let mut timers = Vec::new();
    let Some(it) = state.deploys.get_mut(&id).map(Arc::make_mut) else { return };
    match what {
        DeployEvent::Asked { .. } => {}
        DeployEvent::Planned { plan, rules } => {
            it.plan = Some(plan.clone());
            it.rules.clone_from(rules);
        }
        DeployEvent::ApprovalAsked { needs, who, until } => {
            it.stage = Stage::Approving { needs: *needs, who: who.clone(), until: *until };
            timers.push((*until, Timer::ApprovalEnds(id)));
        }
        DeployEvent::Approved { by, needs, rules, .. } => {
            it.approved_by.clone_from(rules);
            it.approvals.push(Approval { by: by.clone(), at });
            if let Stage::Approving { needs: still, .. } = &mut it.stage {
                *still = *needs;
            }
        }
        DeployEvent::Replanned { plan, difference, rules } => {
            it.plan = Some(plan.clone());
            it.rules.clone_from(rules);
            it.approvals.clear();
            it.approved_by.clear();
            it.voided = Some(difference.clone());
        }
        DeployEvent::Queued => {
            it.stage = Stage::Queued;
            it.queued_at.get_or_insert(at);
        }
        DeployEvent::Turned => {
            it.stage = Stage::Checking;
            it.rounds += 1;
        }
        DeployEvent::Began => {
            it.stage = Stage::Starting;
            it.began_at = Some(at);
        }
        DeployEvent::Dispatched { run } => {
            it.stage = Stage::Running;
            it.run = Some(run.clone());
        }
        DeployEvent::Lost { evidence } => {
            it.stage = Stage::Unknown { looks: it.lost, evidence: evidence.clone() };
            // A run that is found each time and can't be watched is not looked for for ever.
            it.lost += u32::from(it.run.is_some());
        }
        DeployEvent::NotFound { evidence } => {
            if let Stage::Unknown { looks, evidence: known } = &mut it.stage {
                *looks += 1;
                *known = evidence.clone();
            }
        }
        DeployEvent::LookedAgain { .. } => {
            it.lost = 0;
            // One whose run is known is watched again.
            if it.run.is_some() {
                it.stage = Stage::Running;
            }
        }
        DeployEvent::Answered { .. } => {}
        DeployEvent::Progressed { progress } => {
            if let Some(run) = &progress.run {
                it.run = Some(run.clone());
            }
            it.lost = 0;
            it.progress = Some(progress.clone());
        }
        DeployEvent::GateAnswered { id, .. } => {
            it.not_done = None;
            if let Some(progress) = &mut it.progress {
                progress.gates.retain(|gate| &gate.id != id);
            }
        }
        DeployEvent::Stopping { by } => {
            it.not_done = None;
            it.stopping = Some(by.clone());
        }
        DeployEvent::NotDone { why } => it.not_done = Some(why.clone()),
        DeployEvent::Verifying { until, asks } => {
            it.asks = *asks;
            it.deployed_at = Some(at);
            it.stage = Stage::Verifying { until: *until };
            timers.push((*until, Timer::VerifyEnds(id)));
        }
        DeployEvent::Checked { what } => it.verified = Some(what.clone()),
        DeployEvent::Logged { log } => it.log = Some(log.clone()),
        DeployEvent::Alerted { group } => it.alerts.push(*group),
        DeployEvent::Ended { how, why, .. } => {
            if *how == How::Succeeded {
                it.deployed_at.get_or_insert(at);
                it.verified = Some(why.clone()).filter(|why| !why.is_empty());
            }
            it.stage = Stage::Ended { how: *how, at, why: why.clone() };
        }
    }
    let ended = matches!(what, DeployEvent::Ended { how: How::Succeeded, .. });
    let it = Arc::clone(&state.deploys[&id]);
    state.due.extend(timers);
    if ended {
        runs(state, &it, record);
    }
}

fn asked(state: &mut State, id: DeployId, what: &DeployEvent, record: &Record) {
    let DeployEvent::Asked { wanted, by, channel, nature, nonce, incident, after, policy } = what else { return };
    while state.deploys.len() >= REMEMBERED {
        let over = state.deploys.values().find(|it| !it.is_open()).map(|it| it.id);
        let Some(oldest) = over else { break };
        state.deploys.remove(&oldest);
        state.cards.retain(|(card, _), _| *card != crate::effect::CardId::Deploy(oldest));
    }
    let deploy = Deploy {
        id,
        wanted: wanted.clone(),
        by: by.clone(),
        asked_at: record.at,
        channel: channel.clone(),
        nature: *nature,
        nonce: nonce.clone(),
        incident: *incident,
        policy: policy.clone(),
        rules: Vec::new(),
        approved_by: Vec::new(),
        after: *after,
        plan: None,
        rounds: 0,
        stage: Stage::Planning,
        approvals: Vec::new(),
        voided: None,
        queued_at: None,
        began_at: None,
        run: None,
        lost: 0,
        progress: None,
        deployed_at: None,
        log: None,
        stopping: None,
        not_done: None,
        asks: false,
        verified: None,
        alerts: Vec::new(),
        rolled_back: None,
    };
    state.deploys.insert(id, Arc::new(deploy));
}

/// A deploy did well: it is what runs now. Going back says something about what ran before.
fn runs(state: &mut State, it: &Deploy, record: &Record) {
    let Some(plan) = &it.plan else { return };
    if it.wanted.kind == Kind::Rollback {
        let since = it.wanted.release;
        let bad = |other: &Deploy| {
            other.wanted.target == it.wanted.target
                && other.id < it.id
                && since.is_none_or(|since| other.id > since)
                && other.touched()
        };
        let bad: Vec<DeployId> = state.deploys.values().filter(|other| bad(other)).map(|other| other.id).collect();
        for other in bad {
            if let Some(other) = state.deploys.get_mut(&other).map(Arc::make_mut) {
                other.rolled_back.get_or_insert(it.id);
            }
        }
    }
    let release = Release {
        deploy: it.id,
        commit: plan.commit().clone(),
        reference: it.wanted.reference.clone(),
        at: it.deployed_at.unwrap_or(record.at),
        by: it.by.clone(),
    };
    state.running.insert(it.wanted.target.clone(), release);
}

/// Folds what happened to a lock or a freeze.
pub(crate) fn held(state: &mut State, what: &HoldEvent, record: &Record) {
    match what {
        HoldEvent::Locked { lock, target, by, until, remind, reason } => {
            state.last_lock = lock.0;
            state.due.insert((*until, Timer::LockEnds(*lock)));
            state.due.extend(remind.map(|remind| (remind, Timer::LockReminder(*lock))));
            let locked = Lock {
                id: *lock,
                target: target.clone(),
                by: by.clone(),
                at: record.at,
                until: *until,
                reason: reason.clone(),
                reminded: false,
            };
            state.locks.insert(*lock, Arc::new(locked));
        }
        HoldEvent::LockReminded { lock } => {
            if let Some(lock) = state.locks.get_mut(lock).map(Arc::make_mut) {
                lock.reminded = true;
            }
        }
        HoldEvent::LockKept { lock: id, until, remind, .. } => {
            if let Some(lock) = state.locks.get_mut(id).map(Arc::make_mut) {
                (lock.until, lock.reminded) = (*until, false);
                state.due.insert((*until, Timer::LockEnds(*id)));
                state.due.extend(remind.map(|remind| (remind, Timer::LockReminder(*id))));
            }
        }
        HoldEvent::Unlocked { lock, .. } => {
            state.locks.remove(lock);
        }
        HoldEvent::FreezeBegan { freeze, scope, by, until, reason } => {
            state.last_freeze = freeze.0;
            state.due.extend(until.map(|until| (until, Timer::FreezeEnds(*freeze))));
            let frozen = Freeze {
                id: *freeze,
                scope: scope.clone(),
                by: by.clone(),
                at: record.at,
                until: *until,
                reason: reason.clone(),
            };
            state.freezes.insert(*freeze, Arc::new(frozen));
        }
        HoldEvent::FreezeEnded { freeze, .. } => {
            state.freezes.remove(freeze);
        }
    }
}
