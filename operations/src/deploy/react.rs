//! What is still to be done outside after something happened to deploys, locks and freezes.
//!
//! What holds: the card of a deploy is one message on each chat, brought up to date; its details are said in its thread;
//! only whoever asked for a deploy is notified, when it waits for them, fails or ends.

use std::sync::Arc;

use super::effect::DeployEffect;
use super::event::{DeployEvent, HoldEvent};
use super::{Deploy, How, Kind, Stage, Target};
use crate::card::{Card, Quote, Style};
use crate::chat::Actor;
use crate::effect::{CardId, Effect, Place};
use crate::ids::{DeployId, Platform};
use crate::journal::Record;
use crate::locks::{Freeze, Lock, Scope};
use crate::pipeline::{Changes, Gate};
use crate::state::State;
use crate::text::{Outside, Span, Text, TimeStyle};

/// A run that is not found is looked for so often before a person is asked.
const LOOKS: u32 = 3;

/// The effects that follow from what happened to a deploy.
pub(crate) fn reacted(state: &State, id: DeployId, what: &DeployEvent, record: &Record) -> Vec<Effect> {
    let Some(it) = state.deploys.get(&id).map(Arc::as_ref) else { return Vec::new() };
    let seq = record.seq;
    let mut effects = show(state, id);
    let mut todo = |what: DeployEffect| effects.push(Effect::Deploy { deploy: id, what });
    match what {
        DeployEvent::Asked { .. } | DeployEvent::Turned => todo(DeployEffect::Plan { round: it.rounds }),
        DeployEvent::Planned { plan, .. } => {
            if let Some(changes) = plan.looked.changes.as_ref().filter(|it| it.ahead > 0 || it.behind > 0) {
                effects.extend(in_thread(state, seq, id, &changes_card(changes)));
            }
        }
        // The first time the card says it all.
        DeployEvent::ApprovalAsked { .. } => {
            if let Some(difference) = &it.voided {
                let title = Text::new().plain("The plan changed while it waited, so it has to be approved anew: ");
                effects.extend(in_thread(state, seq, id, &Card::line(title.outside(difference).plain("."))));
            }
        }
        DeployEvent::Approved { by, needs, .. } => {
            let words = match needs {
                0 => " approved the plan.".to_owned(),
                1 => " approved the plan. One more approval is needed.".to_owned(),
                needs => format!(" approved the plan. {needs} more approvals are needed."),
            };
            effects.extend(in_thread(state, seq, id, &Card::line(who(state, by).plain(words))));
        }
        DeployEvent::Began => {
            todo(DeployEffect::Dispatch);
            effects.extend(broken_through(state, it));
            effects.extend(gone_back_from(state, it));
            if let (true, Some(freeze)) = (it.wanted.break_glass, state.freezes_on(&it.wanted.target).next()) {
                effects.extend(crate::react::tell_everybody(state, seq, &broke_glass(state, it, freeze)));
            }
        }
        DeployEvent::Dispatched { .. } => {
            todo(DeployEffect::Follow);
            for to in &state.settings.told_of_deploys {
                todo(DeployEffect::Tell { to: to.clone() });
            }
            if it.stopping.is_some() {
                todo(DeployEffect::Cancel);
            }
        }
        DeployEvent::Lost { evidence } | DeployEvent::NotFound { evidence } => match it.stage {
            Stage::Unknown { looks, .. } if looks < LOOKS => todo(DeployEffect::Look { look: looks + 1 }),
            Stage::Unknown { looks, .. } if looks == LOOKS => {
                let what = if it.run.is_some() { format!("how {id} stands") } else { format!("whether {id} ran") };
                let title = Text::new().text(notify(state, &it.by));
                let title = title
                    .plain(format!(", nobody knows {what}. Look at the pipeline, and say on the card how it is. "));
                let card = Card::line(title).with(Text::new().plain("Known is: ").outside(&evidence.short(300)));
                effects.extend(in_thread(state, seq, id, &card));
            }
            _ => {}
        },
        DeployEvent::LookedAgain { .. } => match it.stage {
            Stage::Unknown { looks, .. } => todo(DeployEffect::Look { look: looks + 1 }),
            _ => todo(DeployEffect::Follow),
        },
        DeployEvent::Progressed { progress } => {
            if it.stage == Stage::Running && !progress.state.is_over() {
                todo(DeployEffect::Follow);
            }
            if let Some(gate) = progress.gates.first().filter(|_| it.stage == Stage::Running) {
                effects.extend(in_thread(state, seq, id, &gate_card(state, it, gate)));
            }
        }
        DeployEvent::GateAnswered { gate, id: key, approve, by } => {
            let gate = Gate { id: key.clone(), name: gate.clone() };
            let named = state.settings.name_of(by);
            todo(DeployEffect::Gate { gate: gate.clone(), approve: *approve, by: named });
            let words = if *approve { " approved “" } else { " rejected “" };
            let title = who(state, by).plain(words).outside(&gate.name.short(80)).plain("” at the pipeline.");
            effects.extend(in_thread(state, seq, id, &Card::line(title)));
        }
        DeployEvent::Stopping { by } => {
            if it.run.is_some() {
                todo(DeployEffect::Cancel);
            }
            effects.extend(in_thread(state, seq, id, &Card::line(who(state, by).plain(" wants it stopped."))));
        }
        DeployEvent::NotDone { why } => {
            let title = Text::new().text(notify(state, &it.by)).plain(": ").outside(&why.short(300));
            effects.extend(in_thread(state, seq, id, &Card::line(title)));
        }
        DeployEvent::Verifying { asks, .. } => {
            if *asks {
                todo(DeployEffect::Verify);
            }
        }
        DeployEvent::Logged { log } => {
            let step = log.step.as_ref().map(|step| format!(" of “{}”", step.short(60).as_str())).unwrap_or_default();
            let mut card = Card::line(Text::new().plain("The end of the log:"));
            card.quotes.push(Quote { label: format!("Log{step}"), words: log.tail.clone() });
            effects.extend(in_thread(state, seq, id, &card));
        }
        // Where another has taken its place, that one's thread tells.
        DeployEvent::Alerted { .. } if state.running(&it.wanted.target).is_some_and(|it| it.deploy > id) => {}
        DeployEvent::Alerted { group } => {
            let title =
                Text::new().text(notify(state, &it.by)).plain(format!(": {group} opened soon after this deploy."));
            let mut card = Card::line(title);
            let runs = state.running(&it.wanted.target).is_some_and(|running| running.deploy == id);
            if runs && state.last_good(&it.wanted.target).is_some() {
                card = card.button("Roll back", roll_back(it), Style::Danger);
            }
            effects.extend(in_thread(state, seq, id, &card));
        }
        DeployEvent::Ended { how, why, by } => {
            effects.extend(broken_through(state, it));
            effects.extend(over(state, seq, it, *how, why, by.as_ref()));
        }
        // One that needs nobody's approval goes on; `/why` says what changed.
        DeployEvent::Replanned { .. }
        | DeployEvent::Queued
        | DeployEvent::Answered { .. }
        | DeployEvent::Checked { .. } => {}
    }
    // Those that wait in the same environment have another place now.
    if matches!(what, DeployEvent::Ended { .. } | DeployEvent::Turned | DeployEvent::Began) {
        let waiting: Vec<DeployId> =
            state.queue(&it.wanted.target).iter().map(|it| it.id).filter(|it| *it != id).collect();
        effects.extend(waiting.into_iter().flat_map(|it| show(state, it)));
    }
    effects
}

/// What a button types to go back from a deploy.
fn roll_back(it: &Deploy) -> String {
    format!("deploy rollback {} {}", it.wanted.target.service, it.wanted.target.environment)
}

fn over(state: &State, seq: u64, it: &Deploy, how: How, why: &Outside, by: Option<&Actor>) -> Vec<Effect> {
    let mut effects = Vec::new();
    let id = it.id;
    if how == How::Failed && it.run.is_some() {
        effects.push(Effect::Deploy { deploy: id, what: DeployEffect::Log });
    }
    if it.began_at.is_some() && matches!(how, How::Succeeded | How::Failed | How::Cancelled) {
        let tell = |to: &String| Effect::Deploy { deploy: id, what: DeployEffect::Tell { to: to.clone() } };
        effects.extend(state.settings.told_of_deploys.iter().map(tell));
    }
    effects.extend(gone_back_from(state, it));
    // Alerts that opened soon after it show how it stands.
    let groups = it.alerts.iter().flat_map(|group| crate::react::show_alert(state, *group));
    effects.extend(groups);
    // Whoever ended it knows.
    let own = by.is_some_and(|by| state.settings.same_person(&by.user, &it.by.user));
    if how == How::Planned || own {
        return effects;
    }
    let words = match how {
        How::Succeeded => "is done",
        How::Failed => "has failed",
        How::Cancelled => "was stopped",
        How::Denied => "was denied",
        How::Refused => "is not allowed",
        How::Expired => "was not approved in time",
        How::NotStarted | How::Planned => "was not started: nothing has changed",
    };
    let what = format!(": {} of {} ", it.wanted.kind.title().to_lowercase(), it.wanted.target.service);
    let name = it.release_name();
    let mut title = Text::new().text(notify(state, &it.by)).plain(what);
    if !name.is_empty() {
        title = title.plain(if it.wanted.kind == Kind::Rollback { "to " } else { "" }).outside(&name).plain(" ");
    }
    title = title.plain(format!("in {} ", it.wanted.target.environment));
    title = match by {
        // Nobody made it so: somebody knows it.
        Some(by) if how == How::NotStarted => {
            title.plain("was not started, says ").text(who(state, by)).plain(": nothing has changed")
        }
        Some(by) => title.plain(format!("{words} by ")).text(who(state, by)),
        None => title.plain(words),
    };
    let mut card = Card::line(title.plain("."));
    if !why.is_empty() {
        card = card.with(Text::new().outside(&why.short(500)));
    }
    effects.extend(in_thread(state, seq, id, &card));
    effects
}

/// The cards that tell of a rollback: those of what it goes back from, and of the alerts that opened soon after that.
fn gone_back_from(state: &State, it: &Deploy) -> Vec<Effect> {
    let (Kind::Rollback, Some(release)) = (it.wanted.kind, it.wanted.release) else { return Vec::new() };
    let between = state.deploys_to(&it.wanted.target).take_while(|other| other.id > release);
    let left = between.filter(|other| other.id < it.id && other.touched());
    left.flat_map(|other| {
        let alerts = other.alerts.iter().flat_map(|group| crate::react::show_alert(state, *group));
        show(state, other.id).into_iter().chain(alerts).collect::<Vec<_>>()
    })
    .collect()
}

fn changes_card(changes: &Changes) -> Card {
    let commits = |count: u32| if count == 1 { "1 commit".to_owned() } else { format!("{count} commits") };
    let comes = if changes.ahead == 1 { "comes" } else { "come" };
    let goes = if changes.behind == 1 { "goes" } else { "go" };
    let mut card = Card::line(Text::new().plain(match (changes.ahead, changes.behind) {
        (0, behind) => format!("{} {goes}.", commits(behind)),
        (ahead, 0) => format!("{} {comes}:", commits(ahead)),
        (ahead, behind) => format!("{} {goes}, and {} {comes}:", commits(behind), commits(ahead)),
    }));
    for commit in changes.commits.iter().take(15) {
        let mut line = Text::new().plain("· ").outside(&commit.short()).plain(" ").outside(&commit.subject.short(80));
        if !commit.author.is_empty() {
            line = line.plain(" (").outside(&commit.author.short(40)).plain(")");
        }
        card = card.with(line);
    }
    for pull in changes.pulls.iter().take(10) {
        card = card.with(Text::new().plain(format!("· #{} ", pull.number)).outside(&pull.title.short(80)));
    }
    if let Some(url) = &changes.url {
        card = card.with(Text::new().link("Compare", url));
    }
    card
}

fn gate_card(state: &State, it: &Deploy, gate: &Gate) -> Card {
    let title = Text::new()
        .text(notify(state, &it.by))
        .plain(": the pipeline waits for “")
        .outside(&gate.name.short(80))
        .plain("”. Somebody else can answer it:");
    Card::line(title)
        .button("Approve there", format!("deploy gate approve {} {}", it.id, gate.id), Style::Primary)
        .button("Reject there", format!("deploy gate reject {} {}", it.id, gate.id), Style::Danger)
}

fn broke_glass(state: &State, it: &Deploy, freeze: &Freeze) -> Card {
    let title = Text::new().plain("⚠️ ").text(who(state, &it.by)).plain(format!(
        " goes through the freeze of {} with {} ({}).",
        freeze.scope.words(),
        it.id,
        it.wanted.target
    ));
    let mut card = Card::line(title);
    card.quotes.push(Quote { label: "Why".to_owned(), words: it.wanted.reason.clone() });
    card
}

/// A deploy's card, on every chat.
pub(crate) fn show(state: &State, id: DeployId) -> Vec<Effect> {
    chats(state).map(|on| Effect::ShowCard { card: CardId::Deploy(id), place: Place::Deploy(on, id) }).collect()
}

fn in_thread(state: &State, seq: u64, id: DeployId, card: &Card) -> Vec<Effect> {
    let say = |on| Effect::Say { seq, place: Place::DeployThread(on, id), card: Box::new(card.clone()) };
    chats(state).map(say).collect()
}

fn chats(state: &State) -> impl Iterator<Item = Platform> {
    state.settings.chats.keys().copied()
}

fn who(state: &State, actor: &Actor) -> Text {
    Text::new().span(Span::Person(state.settings.name_of(actor), actor.user.platform))
}

fn notify(state: &State, actor: &Actor) -> Text {
    Text::new().span(Span::Notify(actor.user.clone(), state.settings.name_of(actor)))
}

/// The effects that follow from what happened to a lock or a freeze.
pub(crate) fn reacted_to_hold(state: &State, what: &HoldEvent, record: &Record) -> Vec<Effect> {
    let seq = record.seq;
    let say = |card: Card| -> Vec<Effect> {
        let say = |on| Effect::Say { seq, place: Place::Deploys(on), card: Box::new(card.clone()) };
        chats(state).map(say).collect()
    };
    match what {
        HoldEvent::Locked { target, by, until, reason, .. } => {
            let title = Text::new().plain("🔒 ").text(who(state, by)).plain(format!(" locked {target} until "));
            let mut effects = say(with_reason(Card::line(title.time(*until, TimeStyle::Full).plain(".")), reason));
            effects.extend(state.queue(target).iter().flat_map(|it| show(state, it.id)));
            effects
        }
        HoldEvent::LockReminded { lock } => {
            let Some(lock) = state.locks.get(lock) else { return Vec::new() };
            say(reminder(state, lock))
        }
        HoldEvent::LockKept { lock, by, until, .. } => {
            let Some(lock) = state.locks.get(lock) else { return Vec::new() };
            let title = Text::new().plain("🔒 ").text(who(state, by)).plain(format!(" keeps {} until ", lock.target));
            let mut effects = say(Card::line(title.time(*until, TimeStyle::Full).plain(".")));
            effects.extend(state.queue(&lock.target).iter().flat_map(|it| show(state, it.id)));
            effects
        }
        HoldEvent::Unlocked { by, target, .. } => {
            let on = target.as_ref().map(|target| format!(" on {target}")).unwrap_or_default();
            let title = match by {
                Some(by) => Text::new().plain("🔓 ").text(who(state, by)).plain(format!(" took the lock{on} away.")),
                None => Text::new().plain(format!("🔓 The lock{on} is over.")),
            };
            say(Card::line(title))
        }
        HoldEvent::FreezeBegan { freeze, scope, by, until, reason } => {
            let title = Text::new().plain("❄️ ").text(who(state, by)).plain(format!(" froze {}", scope.words()));
            let title = match until {
                Some(until) => title.plain(" until ").time(*until, TimeStyle::Full),
                None => title.plain(" until somebody ends it"),
            };
            let title = title.plain(format!(" ({freeze}). Rollbacks go on; a deploy that can't wait needs "));
            let title = title.code("--break-glass --reason").plain(".");
            let mut effects = crate::react::tell_everybody(state, seq, &with_reason(Card::line(title), reason));
            effects.extend(hold_all_back(state, scope));
            effects
        }
        HoldEvent::FreezeEnded { freeze, by, scope } => {
            let of = scope.as_ref().map(|scope| format!(" of {}", scope.words())).unwrap_or_default();
            let title = match by {
                Some(by) => Text::new().text(who(state, by)).plain(format!(" ended the freeze{of}")),
                None => Text::new().plain(format!("The freeze{of} is over")),
            };
            let title = title.plain(match state.still_frozen() {
                None => format!(" ({freeze}): deploys go on."),
                Some(still) => format!(" ({freeze}). Still frozen: {still}."),
            });
            let mut effects = crate::react::tell_everybody(state, seq, &Card::line(title));
            effects.extend(scope.iter().flat_map(|scope| hold_all_back(state, scope)));
            effects
        }
    }
}

/// A deploy that goes through a freeze goes through the pipeline's own, too, and it is closed behind it.
fn broken_through(state: &State, it: &Deploy) -> Option<Effect> {
    let target = &it.wanted.target;
    (it.wanted.break_glass && state.freezes_on(target).next().is_some()).then(|| hold_back(state, target)).flatten()
}

fn hold_back(state: &State, target: &Target) -> Option<Effect> {
    let pipeline = state.settings.environment(target)?.pipeline?;
    pipeline.freezes.then(|| Effect::HoldBack { target: target.clone() })
}

/// Has every pipeline that a freeze is about hold back what starts by itself, or let it go on.
fn hold_all_back(state: &State, scope: &Scope) -> Vec<Effect> {
    let all = state.settings.services.iter().flat_map(|service| {
        service.environments.iter().filter_map(|environment| {
            let target = Target { service: service.name.clone(), environment: environment.name.clone() };
            if scope.covers(&target, environment.production) { hold_back(state, &target) } else { None }
        })
    });
    all.collect()
}

/// What people are told where a pipeline could not be held back, or let go on.
pub(crate) fn not_held_back(state: &State, seq: u64, about: &str, why: &Outside) -> Vec<Effect> {
    let title = Text::new().plain(format!("⚠️ Muster could not {about}: ")).outside(&why.short(300));
    let card = Card::line(title.plain(". Do it at the pipeline; deploys through Muster are held back all the same."));
    let say = |on| Effect::Say { seq, place: Place::Deploys(on), card: Box::new(card.clone()) };
    chats(state).map(say).collect()
}

fn reminder(state: &State, lock: &Lock) -> Card {
    let title = Text::new()
        .plain("🔒 ")
        .text(notify(state, &lock.by))
        .plain(format!(", do you still need the lock on {}? It ends ", lock.target))
        .time(lock.until, TimeStyle::Ago)
        .plain(".");
    let target = format!("{} {}", lock.target.service, lock.target.environment);
    Card::line(title).button("Keep it another hour", format!("lock keep {}", lock.id), Style::Plain).button(
        "Unlock",
        format!("unlock {target}"),
        Style::Primary,
    )
}

fn with_reason(mut card: Card, reason: &Outside) -> Card {
    if !reason.is_empty() {
        card.quotes.push(Quote { label: "Why".to_owned(), words: reason.clone() });
    }
    card
}
