//! Why a deploy, lock or freeze is not done, in words.

use super::flags::BECAUSE;
use operations::card::{Card, Style};
use operations::deploy::Kind;
use operations::deploy::command::{DeployAsk, DeployRefusal, Request};
use operations::ids::DeployId;
use operations::state::State;
use operations::text::{Outside, Text, TimeStyle, cut};

use crate::cards;
use crate::names::person;

/// So many are offered as buttons.
const OFFERED: usize = 5;

/// The card for a refusal.
pub(crate) fn card(state: &State, refusal: &DeployRefusal) -> Card {
    let plain = |words: String| Text::new().plain(words);
    let said = |words: String, next: String| Card::line(plain(words).code(next));
    match refusal {
        DeployRefusal::NoService(service) => {
            let text = Text::new().plain("There is no service ").outside(&Outside::new(service).short(40));
            Card::line(text.plain(". What is under way: ").code("/deploy status"))
        }
        DeployRefusal::NoEnvironment(target) => {
            let text = Text::new().plain(format!("{} has no environment ", target.service));
            let text = text.outside(&Outside::new(&target.environment).short(40)).plain(". What it has: ");
            Card::line(text.code(format!("/where {}", target.service)))
        }
        DeployRefusal::NoPipeline(target) => said(
            format!(
                "Nothing is configured that deploys {target}. Whoever runs Muster adds a `pipeline` in services.toml. What runs where: "
            ),
            format!("/where {}", target.service),
        ),
        DeployRefusal::WhichEnvironment { request, environments } => which_environment(state, request, environments),
        DeployRefusal::WhichDeploy { deploys, ask } => which_deploy(state, deploys, ask),
        DeployRefusal::NoDeploy(id) => {
            said(format!("There is no {id}, or it ended long ago. The last ones: "), "/deploy history".to_owned())
        }
        DeployRefusal::AlreadyAsked(id) => {
            let mut card = said(
                format!("You asked for exactly this already: it is {id}. To see it: "),
                format!("/deploy status {id}"),
            );
            card = card.button(&format!("Show {id}"), format!("deploy status {id}"), Style::Primary);
            card
        }
        DeployRefusal::CannotRollBack(target) => said(
            format!("What deploys {target} can't go back. Deploy the earlier release instead: "),
            format!("/deploy {}@RELEASE to {}", target.service, target.environment),
        ),
        DeployRefusal::NothingBefore(target) => said(
            format!(
                "Muster knows no earlier release of {target} that is good: one without an incident, that nobody went back from. \
                 Name one: "
            ),
            // What is asked about a service at all has no environment to name.
            match state.settings.environment(target) {
                Some(it) => format!("/deploy {}@REF to {}", target.service, it.name),
                None => format!("/deploy {}@REF", target.service),
            },
        ),
        DeployRefusal::NoRelease(target, name) => {
            let text = Text::new().plain(format!("Muster has not deployed a release of {target} that is called "));
            let text = text.outside(name).plain(". Those that it has: ");
            Card::line(text.code(format!("/deploy history {}", target.service)))
        }
        DeployRefusal::AlreadyRuns(target, name) => {
            let text = Text::new().outside(name).plain(format!(" runs already: {target}. What runs where: "));
            Card::line(text.code(format!("/where {}", target.service)))
        }
        DeployRefusal::NothingRuns(target) => said(
            format!("There is nothing to promote: Muster has not deployed {target}. Do that first: "),
            format!("/deploy {} to {}", target.service, target.environment),
        ),
        DeployRefusal::NotHealthy(target, why) => {
            let text = Text::new().plain(format!("Not promoted: {target} does not do well, because ")).outside(why);
            Card::line(
                text.plain(". Once it does: ").code(format!("/promote {} {} to …", target.service, target.environment)),
            )
        }
        DeployRefusal::NoParameter { target, name, values } => {
            let text = Text::new().plain(format!("A deploy of {target} takes no parameter "));
            let text = match values {
                None => text.outside(name).plain(". "),
                Some(values) => {
                    let values = Outside::new(&values.join(", ")).short(200);
                    Text::new().outside(name).plain(" may be ").outside(&values).plain(". ")
                }
            };
            Card::line(text.plain("Without it: ").code(format!("/deploy {} to {}", target.service, target.environment)))
        }
        DeployRefusal::NotWaiting(id) => about(state, *id, "does not wait for approval"),
        DeployRefusal::Own(id) => Card::line(plain(format!(
            "You asked for {id} yourself, so somebody else approves it; your accounts on both chats are one person. Its card \
             names who can."
        ))),
        DeployRefusal::ApprovedAlready(id) => Card::line(plain(format!(
            "You have approved {id} already. It needs somebody else as well; its card names who can."
        ))),
        DeployRefusal::OtherPlan(id) => {
            let words = format!(
                "The plan of {id} is not the one that you looked at: it changed since. Look at it, and approve that: "
            );
            let mut card = said(words, format!("/deploy status {id}"));
            if let Some(plan) = state.deploys.get(id).and_then(|it| it.plan.as_ref()) {
                card = card.button("Approve the new plan", format!("approve {id} {}", plan.short()), Style::Primary);
            }
            card
        }
        DeployRefusal::Over(id) => {
            let how = state.deploys.get(id).and_then(|it| it.ended()).map(|(how, _)| how.words()).unwrap_or_default();
            about(state, *id, &format!("is over: {how}"))
        }
        DeployRefusal::NotOver(id) => about(state, *id, "is not over, so it can't be tried again"),
        DeployRefusal::Succeeded(id) => about(state, *id, "did what it was to do, so it isn't tried again"),
        DeployRefusal::CannotStop(id) => match state.deploys.get(id).map(|it| it.stage.clone()) {
            Some(operations::deploy::Stage::Verifying { .. }) => {
                let it = &state.deploys[id];
                let target = format!("{} {}", it.wanted.target.service, it.wanted.target.environment);
                said(
                    format!("{id} is deployed already: there is nothing to stop. To go back: "),
                    format!("/rollback {target}"),
                )
            }
            Some(operations::deploy::Stage::Unknown { .. }) => Card::line(plain(format!(
                "Nobody knows how {id} stands, so it can't be stopped. Look at the pipeline, and say on its card how it is."
            ))),
            _ => Card::line(plain(format!(
                "What runs {id} can't be stopped from here. Stop it at the pipeline; the card follows."
            ))),
        },
        DeployRefusal::StoppingAlready(id) => {
            Card::line(plain(format!("{id} is being stopped already. The card shows when it has.")))
        }
        DeployRefusal::Known(id) => about(state, *id, "stands as its card shows"),
        DeployRefusal::NoGate(id) => about(state, *id, "has nothing at the pipeline that waits for this answer"),
        DeployRefusal::Locked { target, by, until } => {
            let text = plain(format!("{target} is locked by "))
                .span(person(state, by))
                .plain(" until ")
                .time(*until, TimeStyle::Full);
            Card::line(
                text.plain(". Ask them, or: ").code(format!("/unlock {} {}", target.service, target.environment)),
            )
        }
        DeployRefusal::NoLock(_) => said(
            "That lock is over already. To lock it again: ".to_owned(),
            "/lock SERVICE ENVIRONMENT for 1h".to_owned(),
        ),
        DeployRefusal::NotLocked(target) => said(format!("{target} is not locked. What is: "), "/locks".to_owned()),
        DeployRefusal::LockTooLong => {
            said("A lock lasts from a minute to a week. Try ".to_owned(), "/lock SERVICE ENVIRONMENT for 2h".to_owned())
        }
        DeployRefusal::IsPast => {
            said("That is over already. Try ".to_owned(), "/freeze production until 18:00".to_owned())
        }
        DeployRefusal::NeedsReason(what) => said(
            format!("A {what} deploy says why, because everybody is told. Try it again with "),
            "--break-glass --reason why it can't wait".to_owned(),
        ),
        DeployRefusal::WhichFreeze(freezes) => {
            let mut card = Card::line(plain("Which freeze?".to_owned()));
            for freeze in freezes.iter().filter_map(|id| state.freezes.get(id)).take(OFFERED) {
                card = card.with(plain(format!("{} {}", freeze.id, freeze.scope.words())));
                card = card.button(
                    &cut(&format!("{} {}", freeze.id, freeze.scope.words()), 75),
                    format!("unfreeze {}", freeze.id),
                    Style::Plain,
                );
            }
            if freezes.len() > OFFERED {
                let more = format!("… and {} more. All of them: ", freezes.len() - OFFERED);
                card = card.with(plain(more).code("/locks"));
            }
            card
        }
        DeployRefusal::NoFreeze(id) => said(format!("There is no {id}. What is frozen: "), "/locks".to_owned()),
        DeployRefusal::NotFrozen => {
            said("Nothing is frozen. To freeze: ".to_owned(), "/freeze production until 18:00 why".to_owned())
        }
    }
}

fn about(state: &State, id: DeployId, is: &str) -> Card {
    let words = Text::new().plain(format!("{id} {is}. To see it: ")).code(format!("/deploy status {id}"));
    let card = Card::line(words);
    match state.deploys.get(&id) {
        Some(it) => card.with(Text::new().plain(format!("{} of {}", it.wanted.kind.title(), it.wanted.target))),
        None => card,
    }
}

/// The line that asks for the same in an environment.
#[must_use]
pub(crate) fn line(request: &Request, environment: &str) -> String {
    let mut line = match request.kind {
        Kind::Rollback => format!("rollback {} {environment}", request.service),
        Kind::Deploy | Kind::Promotion => format!("deploy {}", request.service),
    };
    if request.kind != Kind::Rollback {
        if let Some(reference) = &request.reference {
            line.push_str(&format!("@{reference}"));
        }
        line.push_str(&format!(" to {environment}"));
    } else if let Some(release) = &request.release {
        line.push_str(&format!(" to {release}"));
    } else if let Some(reference) = &request.reference {
        line.push_str(&format!(" to {reference}"));
    }
    for (name, value) in &request.parameters {
        line.push_str(&format!(" {name}={value}"));
    }
    if request.dry_run {
        line.push_str(" --dry-run");
    }
    if request.break_glass {
        line.push_str(" --break-glass");
    }
    if !request.reason.is_empty() {
        line.push_str(&format!("{BECAUSE}{}", request.reason.as_str().replace(['\n', '\t'], " ")));
    }
    line
}

fn which_environment(state: &State, request: &Request, environments: &[String]) -> Card {
    let verb = if request.kind == Kind::Rollback { "roll back" } else { "deploy" };
    let title = Text::new().plain(format!("Where do you want to {verb} ")).bold(request.service.clone()).plain("?");
    let mut card = Card::coloured(operations::card::Colour::Waiting, title);
    for environment in environments.iter().take(OFFERED) {
        let target = operations::deploy::Target { service: request.service.clone(), environment: environment.clone() };
        let mut text = Text::new().bold(environment.clone()).plain(": ");
        text = match state.running(&target) {
            Some(running) => text.text(cards::release(state, running)),
            None => text.plain("nothing that Muster brought there"),
        };
        card = card.with(text);
        let line = line(request, environment);
        let production = state.settings.environment(&target).is_some_and(|it| it.production);
        if line.encode_utf16().count() <= crate::click::LONGEST {
            let style = if production { Style::Danger } else { Style::Plain };
            card = card.button(&cut(environment, 75), line, style);
        } else {
            card = card.with(Text::new().plain("Type ").code(format!("/{line}")));
        }
    }
    card
}

fn which_deploy(state: &State, deploys: &[DeployId], ask: &DeployAsk) -> Card {
    if deploys.is_empty() {
        let what = match ask {
            DeployAsk::Approve { .. } | DeployAsk::Deny { .. } => "No deploy waits for approval.",
            DeployAsk::Retry => "No deploy of yours has failed.",
            DeployAsk::ItRan | DeployAsk::ItDidNot | DeployAsk::LookAgain => "How every deploy stands is known.",
            DeployAsk::Gate { .. } => "No pipeline waits for an answer.",
            DeployAsk::Show | DeployAsk::Cancel => "Nothing is being deployed.",
        };
        return Card::line(Text::new().plain(format!("{what} The last ones: ")).code("/deploy history"));
    }
    let mut card = Card::line(Text::new().plain("Which deploy?"));
    for it in deploys.iter().take(OFFERED).filter_map(|id| state.deploys.get(id)) {
        let label = format!("{} {}", it.id, it.wanted.target);
        card = card.with(
            Text::new().plain(format!("{label} ")).outside(&it.release_name()).plain(" · ").span(person(state, &it.by)),
        );
        // An approval is for what was looked at: its button carries the plan.
        let plan = it.plan.as_ref().map(operations::deploy::Plan::short).unwrap_or_default();
        let click = match ask {
            DeployAsk::Approve { .. } => format!("approve {} {plan}", it.id),
            DeployAsk::Deny { .. } => format!("deny {}", it.id),
            other => format!("deploy {} {}", other.word(), it.id),
        };
        card = card.button(&cut(&label, 75), click, Style::Plain);
    }
    card
}
