//! What the one who asked about deploys, locks and freezes is told.

use operations::card::{Card, Colour, Quote, Style};
use operations::deploy::command::{DeployReply, Did};
use operations::deploy::{Deploy, How, Stage, Target};
use operations::effect::{CardId, Place};
use operations::ids::DeployId;
use operations::state::State;
use operations::text::{Outside, Span, Text, TimeStyle};

use crate::cards;
use crate::names::{joined, person};

/// So many lines of a list are shown.
const LISTED: usize = 10;

/// The card for an answer.
pub(crate) fn card(state: &State, reply: &DeployReply) -> Card {
    let plain = |words: String| Card::line(Text::new().plain(words));
    match reply {
        DeployReply::Asked(id) => asked(state, *id),
        DeployReply::Shown(id) => cards::deploy(state, *id).unwrap_or_default(),
        DeployReply::Did(id, did) => did_words(state, *id, *did),
        DeployReply::OfferRollback(target, release) => offer(state, target, *release),
        DeployReply::Status(open) => status(state, open),
        DeployReply::History(service, shown) => history(state, service.as_deref(), shown),
        DeployReply::Where(service) => where_is(state, service),
        DeployReply::Changes(service, since, shown) => changes(state, service.as_deref(), *since, shown),
        DeployReply::Locked(lock) => match state.locks.get(lock) {
            Some(lock) => {
                let text =
                    Text::new().plain(format!("{} is yours until ", lock.target)).time(lock.until, TimeStyle::Full);
                let text = text.plain(". You are asked before it ends whether you still need it. To let it go: ");
                Card::line(text.code(format!("/unlock {} {}", lock.target.service, lock.target.environment)))
            }
            None => plain("The lock is gone already.".to_owned()),
        },
        DeployReply::Unlocked(target) => plain(format!("{target} is not locked any more.")),
        DeployReply::Locks => locks(state),
        DeployReply::Frozen(freeze) => {
            let Some(it) = state.freezes.get(freeze) else { return plain(format!("{freeze} is over already.")) };
            let text = Text::new().plain(format!("{} is frozen", it.scope.words()));
            let text = match it.until {
                Some(until) => text.plain(" until ").time(until, TimeStyle::Full),
                None => text,
            };
            Card::line(text.plain("; everybody is told. To end it: ").code(format!("/unfreeze {freeze}")))
        }
        DeployReply::Unfrozen(scope) => plain(match state.still_frozen() {
            None => format!("{} is not frozen any more; everybody is told.", scope.words()),
            Some(still) => {
                format!("That freeze of {} is over; everybody is told. Still frozen: {still}.", scope.words())
            }
        }),
        DeployReply::Form => {
            plain("The form can't be opened here any more. Type it instead: /deploy SERVICE to ENVIRONMENT".to_owned())
        }
        DeployReply::Why(id) => why(state, *id),
    }
}

/// Where a deploy's card is, on the chat that it was asked on.
fn place(state: &State, it: &Deploy) -> Option<Text> {
    let on = it.by.user.platform;
    let channel = state.channel_of_card(CardId::Deploy(it.id), Place::Deploy(on, it.id))?;
    let name = Outside::new("the channel for deploys");
    Some(Text::new().span(Span::Channel(on, channel.clone(), name)))
}

fn asked(state: &State, id: DeployId) -> Card {
    let Some(it) = state.deploys.get(&id) else { return Card::default() };
    let kind = it.wanted.kind.title().to_lowercase();
    let text = Text::new().bold(id.to_string()).plain(format!(": {kind} of ")).text(cards::what(it));
    let text = text.plain(if it.wanted.dry_run { ", only the plan. " } else { ". " });
    Card::line(match (place(state, it), it.wanted.dry_run) {
        (Some(place), true) => text.plain("It comes into ").text(place).plain("."),
        (None, true) => text.plain("It comes into the channel for deploys."),
        (Some(place), false) => {
            text.plain("See ").text(place).plain("; you are told when it waits for you, fails or ends.")
        }
        (None, false) => text.plain("You are told when it waits for you, fails or ends."),
    })
}

fn did_words(state: &State, id: DeployId, did: Did) -> Card {
    let is_queued = state.deploys.get(&id).is_some_and(|it| it.stage == Stage::Queued);
    Card::line(Text::new().plain(match did {
        Did::Approved(0) if is_queued => format!("You approved {id}. It goes on when its turn comes."),
        Did::Approved(0) => format!("You approved {id}. It goes on now."),
        Did::Approved(1) => format!("You approved {id}. It needs one more approval."),
        Did::Approved(more) => format!("You approved {id}. It needs {more} more approvals."),
        Did::Denied => format!("You denied {id}: nothing is deployed. Whoever asked is told."),
        Did::Cancelled => format!("{id} is cancelled: nothing is deployed."),
        Did::Stopping => format!("The pipeline is asked to stop {id}. The card shows when it has."),
        Did::Ran => format!("You said that {id} ran."),
        Did::DidNot => format!("You said that {id} did not run. It can be tried again from its card."),
        Did::Looking => format!("The run of {id} is looked for again; that takes up to half a minute."),
        Did::Gate => format!("The pipeline of {id} is told."),
    }))
}

fn offer(state: &State, target: &Target, release: DeployId) -> Card {
    let Some(it) = state.deploys.get(&release) else { return Card::default() };
    let mut text =
        Text::new().plain("Roll ").bold(target.service.clone()).plain(" in ").bold(target.environment.clone());
    text = text.plain(" back to ").outside(&it.release_name()).plain("?");
    let mut card = Card::coloured(Colour::Waiting, text);
    let good = Text::new().plain("The last release that is known to be good, deployed ");
    let good = good.time(it.deployed_at.unwrap_or(it.asked_at), TimeStyle::Ago);
    card = card.with(good.plain(" by ").span(person(state, &it.by)).plain(format!(" · {release}")));
    if let Some(running) = state.running(target) {
        card = card.with(Text::new().plain("Runs now: ").text(cards::release(state, running)));
        card = match goes(state, running.deploy, release) {
            Some(goes) => card.with(Text::new().plain(goes)),
            None => card,
        };
    }
    if let Some(spoilt) = state.spoilt(target) {
        card = card.with(Text::new().plain(format!("{} has failed there since, or is under way.", spoilt.id)));
    }
    let click = format!("rollback {} {} to {release}", target.service, target.environment);
    if click.encode_utf16().count() <= crate::click::LONGEST {
        card = card.button("Roll back now", click, Style::Danger);
    }
    let line = format!("/rollback {} {} to … --reason …", target.service, target.environment);
    card.with(Text::new().plain("Another release, or a reason with it: ").code(line))
}

/// What goes with a release, where it came right after the one that is gone back to.
fn goes(state: &State, running: DeployId, back_to: DeployId) -> Option<String> {
    let plan = state.deploys.get(&running)?.plan.as_ref()?;
    plan.running.as_ref().filter(|before| before.deploy == back_to)?;
    let changes = plan.looked.changes.as_ref().filter(|changes| changes.ahead > 0 && changes.behind == 0)?;
    let commits = if changes.ahead == 1 { "1 commit".to_owned() } else { format!("{} commits", changes.ahead) };
    Some(format!("That takes back {commits}."))
}

/// A deploy in a line.
fn line(state: &State, it: &Deploy) -> Text {
    let mut text = Text::new().bold(it.id.to_string()).plain(format!(" {} ", it.wanted.target.service));
    text = text.outside(&it.release_name()).plain(format!(" to {} · ", it.wanted.target.environment));
    text = match &it.stage {
        Stage::Planning => text.plain("is being planned"),
        Stage::Approving { needs: 1, .. } => text.plain("needs 1 approval"),
        Stage::Approving { needs, .. } => text.plain(format!("needs {needs} approvals")),
        Stage::Queued => text.text(cards::waiting_for(state, it)),
        Stage::Checking => text.plain("is being checked"),
        Stage::Starting => text.plain("is being started"),
        Stage::Unknown { .. } => text.plain("⚪ nobody knows how it stands"),
        Stage::Running => match it.progress.as_ref().filter(|progress| progress.total > 0) {
            Some(progress) => {
                text.plain(format!("runs {}/{}", (progress.done + 1).min(progress.total), progress.total))
            }
            None => text.plain("runs"),
        },
        Stage::Verifying { .. } => text.plain("is being verified"),
        Stage::Ended { how, at, .. } => text.plain(format!("{} ", how.words())).time(*at, TimeStyle::Ago),
    };
    text.plain(" · ").span(person(state, &it.by))
}

fn listed(state: &State, mut card: Card, ids: &[DeployId]) -> Card {
    for it in ids.iter().take(LISTED).filter_map(|id| state.deploys.get(id)) {
        card = card.with(line(state, it));
    }
    if ids.len() > LISTED {
        card = card.with(Text::new().plain(format!("and {} more", ids.len() - LISTED)));
    }
    card
}

fn status(state: &State, open: &[DeployId]) -> Card {
    if open.is_empty() {
        return Card::line(Text::new().plain("Nothing is being deployed. What was: ").code("/deploy history"));
    }
    let words = if open.len() == 1 {
        "1 deploy is under way".to_owned()
    } else {
        format!("{} deploys are under way", open.len())
    };
    listed(state, Card::coloured(Colour::Waiting, Text::new().bold(words)), open)
}

fn history(state: &State, service: Option<&str>, shown: &[DeployId]) -> Card {
    let of = service.map(|service| format!(" of {service}")).unwrap_or_default();
    if shown.is_empty() {
        return Card::line(Text::new().plain(format!("No deploy{of} has ended yet. To begin one: ")).code("/deploy"));
    }
    listed(state, Card::coloured(Colour::Waiting, Text::new().bold(format!("The last deploys{of}"))), shown)
}

fn where_is(state: &State, service: &str) -> Card {
    let mut card = Card::coloured(Colour::Waiting, Text::new().bold(service.to_owned()).plain(": what runs where"));
    let environments = state.settings.service(service).map(|it| it.environments.as_slice()).unwrap_or_default();
    if environments.is_empty() {
        return card.with(Text::new().plain("It has no environments in services.toml, so nothing can be deployed."));
    }
    for environment in environments.iter().take(LISTED) {
        let target = Target { service: service.to_owned(), environment: environment.name.clone() };
        let mut text = Text::new().bold(environment.name.clone()).plain(": ");
        text = match state.running(&target) {
            Some(running) => text.text(cards::release(state, running)),
            None => text.plain("nothing that Muster brought there"),
        };
        if let Some(spoilt) = state.spoilt(&target).filter(|it| !it.is_open()) {
            text =
                text.plain(format!(" · ⚠️ {} {} since", spoilt.id, spoilt.ended().map_or("", |(how, _)| how.words())));
        }
        if let Some(holding) = state.holding(&target) {
            text = text.plain(format!(" · {} is under way", holding.id));
        }
        let queue: Vec<String> = state.queue(&target).iter().map(|it| it.id.to_string()).collect();
        if !queue.is_empty() {
            text = text.plain(format!(" · queued: {}", queue.join(", ")));
        }
        if let Some(lock) = state.lock_on(&target) {
            text =
                text.plain(" · 🔒 ").span(person(state, &lock.by)).plain(" until ").time(lock.until, TimeStyle::Clock);
        }
        for freeze in state.freezes_on(&target).take(2) {
            text = text.plain(format!(" · ❄️ {}", freeze.id));
        }
        if environment.pipeline.is_none() {
            text = text.plain(" · no pipeline");
        }
        card = card.with(text);
    }
    card.footer = Some(Text::new().plain("What came: ").code(format!("/changes {service}")));
    card
}

fn changes(state: &State, service: Option<&str>, since: jiff::Timestamp, shown: &[DeployId]) -> Card {
    let of = service.map_or_else(|| "to production".to_owned(), |service| format!("of {service}"));
    let title = Text::new().bold(format!("Changes {of}")).plain(" since ").time(since, TimeStyle::Full);
    if shown.is_empty() {
        return Card::line(title.plain(": none that Muster deployed. Further back: ").code("/changes 30d"));
    }
    let mut card = Card::coloured(Colour::Waiting, title);
    for it in shown.iter().take(LISTED).filter_map(|id| state.deploys.get(id)) {
        card = card.with(line(state, it));
        let commits =
            it.plan.as_ref().and_then(|plan| plan.looked.changes.as_ref()).map(|changes| changes.commits.as_slice());
        for commit in commits.unwrap_or_default().iter().take(3) {
            let text = Text::new().plain("  · ").outside(&commit.subject.short(80));
            let by = if commit.author.is_empty() {
                text
            } else {
                text.plain(" (").outside(&commit.author.short(40)).plain(")")
            };
            card = card.with(by);
        }
    }
    card
}

fn locks(state: &State) -> Card {
    if state.locks.is_empty() && state.freezes.is_empty() {
        return Card::line(
            Text::new().plain("Nothing is locked or frozen. To lock: ").code("/lock SERVICE ENVIRONMENT for 2h why"),
        );
    }
    let mut card = Card::coloured(Colour::Waiting, Text::new().bold("Locked and frozen"));
    for freeze in state.freezes.values().take(LISTED) {
        let mut text =
            Text::new().plain("❄️ ").bold(freeze.id.to_string()).plain(format!(" {} · ", freeze.scope.words()));
        text = text.span(person(state, &freeze.by)).plain(" since ").time(freeze.at, TimeStyle::Ago);
        text = match freeze.until {
            Some(until) => text.plain(" until ").time(until, TimeStyle::Full),
            None => text.plain(" until somebody ends it"),
        };
        if !freeze.reason.is_empty() {
            text = text.plain(" · “").outside(&freeze.reason.short(100)).plain("”");
        }
        card = card.with(text);
    }
    for lock in state.locks.values().take(LISTED) {
        let mut text =
            Text::new().plain("🔒 ").bold(lock.target.to_string()).plain(" · ").span(person(state, &lock.by));
        text = text.plain(" since ").time(lock.at, TimeStyle::Ago).plain(" until ").time(lock.until, TimeStyle::Full);
        if !lock.reason.is_empty() {
            text = text.plain(" · “").outside(&lock.reason.short(100)).plain("”");
        }
        card = card.with(text);
    }
    card.footer = Some(Text::new().code("/unlock SERVICE ENVIRONMENT").plain(" · ").code("/unfreeze FREEZE-1"));
    card
}

/// Everything that stands around a deploy.
fn why(state: &State, id: DeployId) -> Card {
    let Some(it) = state.deploys.get(&id) else { return Card::default() };
    let title =
        Text::new().bold(id.to_string()).plain(format!(": why it is as it is · counts as {}", it.nature.name()));
    let mut card = Card::coloured(Colour::Waiting, title);
    card = card.with(line(state, it));
    let rules = if it.rules.is_empty() { "none yet".to_owned() } else { it.rules.join(", ") };
    let text = Text::new().plain("Decided by the rules ").code(rules).plain(" of version ").code(it.policy.clone());
    card = card.with(text.plain("."));
    if let Some(plan) = &it.plan {
        let text = Text::new().plain("The plan is ").code(plan.digest.get(..16).unwrap_or_default()).plain(", made ");
        let again = match it.rounds {
            0 => String::new(),
            1 => ", looked at again once".to_owned(),
            many => format!(", looked at again {many} times"),
        };
        card = card.with(text.time(plan.at, TimeStyle::Full).plain(again + "."));
        for line in cards::plan_lines(state, it, plan) {
            card = card.with(line);
        }
    }
    if let Stage::Ended { why, .. } = &it.stage
        && !why.is_empty()
    {
        card = card.with(cards::sentence(why));
    }
    if let Stage::Queued = it.stage {
        card = card.with(cards::waiting_for(state, it));
    }
    if !it.approvals.is_empty() {
        let by: Vec<Text> = it
            .approvals
            .iter()
            .map(|approval| {
                Text::new().span(person(state, &approval.by)).plain(" ").time(approval.at, TimeStyle::Clock)
            })
            .collect();
        let text = Text::new().plain("Approved by ").text(joined(by, ", "));
        card = card.with(match &it.stage {
            Stage::Approving { .. } => text,
            _ if it.approved_by.is_empty() => text,
            _ => text.plain(", and so let go by the rules ").code(it.approved_by.join(", ")),
        });
    }
    if let Some(voided) = &it.voided {
        card = card.with(Text::new().plain("Planned anew: ").outside(&voided.short(300)));
    }
    if it.began_at.is_some() && !matches!(it.ended(), Some((How::NotStarted, _))) {
        card = card.with(Text::new().plain("At the pipeline its run carries the id ").code(it.order_id()).plain("."));
    }
    if let Some(log) = &it.log {
        card.quotes.push(Quote { label: "The end of the log".to_owned(), words: log.tail.clone() });
    }
    card
}
