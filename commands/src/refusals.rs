//! Why not, in words: what was understood, why not, who can, and what to type next.

use operations::card::{Card, Quote, Style};
use operations::command::{AlertAsk, Ask};
use operations::ids::{GroupId, IncidentId};
use operations::incident::Status;
use operations::policy::{On, Rule, Verb};
use operations::refusal::Refusal;
use operations::settings::Person;
use operations::state::State;
use operations::text::{Text, TimeStyle, cut};

use crate::click;
use crate::names::{self, joined, person};

/// So many are offered as buttons: what fits into a row on both platforms.
const OFFERED: usize = 5;

/// So many rules are told.
const SHOWN_RULES: usize = 3;

/// So many people of a group are named.
const NAMED: usize = 4;

/// The longest label of a button, in characters.
const LABEL: usize = 75;

/// The words for a refusal.
pub(crate) fn card(state: &State, refusal: &Refusal) -> Card {
    let plain = |words: String| Text::new().plain(words);
    match refusal {
        Refusal::WhichIncident { open, resolved, ask } => which_incident(state, open, resolved, ask),
        Refusal::NotAllowed { verb, on, rules, who } => not_allowed(state, *verb, on, rules, who),
        Refusal::DiskFull => Card::line(plain(
            "Muster's disk is full, so nothing can be written down and nothing was done. Ask whoever runs Muster to make room; \
             it goes on by itself then, and you can do this again."
                .to_owned(),
        )),
        Refusal::NoSuchIncident(id) => {
            let newest = state
                .incidents
                .keys()
                .next_back()
                .map(|newest| format!(" The newest is {newest}."))
                .unwrap_or_default();
            Card::line(plain(format!("There is no {id}.{newest} To see them: ")).code("/incident list all"))
        }
        Refusal::WhichAlert { firing, ask } => which_alert(state, firing, *ask),
        Refusal::NoSuchAlert(id) => Card::line(
            plain(format!("There is no {id}, or it was resolved long ago. What fires now: ")).code("/alert list"),
        ),
        Refusal::AlreadyAcknowledged { group, by, at } => Card::line(
            plain(format!("{group} is with "))
                .span(person(state, by))
                .plain(" since ")
                .time(*at, TimeStyle::Clock)
                .plain(" already. Anybody can take it over: ")
                .code(format!("/alert takeover {group}")),
        )
        .button("Take over", click::alert_line(AlertAsk::TakeOver, *group), Style::Plain),
        Refusal::NotAcknowledged(group) => Card::line(
            plain(format!("Nobody takes care of {group} yet, so there is nothing to undo. To do so: "))
                .code(format!("/ack {group}")),
        )
        .button("Acknowledge", click::alert_line(AlertAsk::Acknowledge, *group), Style::Primary),
        Refusal::AlertResolved(group) => Card::line(
            plain(format!("{group} is resolved: there is nothing to take care of any more. What fires now: "))
                .code("/alert list"),
        ),
        Refusal::AlreadyDeclared(group, id) => Card::line(
            plain(format!("{group} belongs to {id} already. To see it: ")).code(format!("/incident show {id}")),
        )
        .button(&format!("Show {id}"), click::line(&Ask::Show, *id), Style::Primary),
        Refusal::AlreadyIs(id, Status::Resolved) => reopenable(
            *id,
            Card::line(
                plain(format!("{id} is resolved already. If it is back: ")).code(format!("/incident reopen {id}")),
            ),
        ),
        Refusal::AlreadyIs(id, status) => Card::line(
            plain(format!("{id} is {} already. When it is over: ", status.name()))
                .code(format!("/incident resolve {id}")),
        ),
        Refusal::IsResolved(id) => {
            let words = format!(
                "{id} is resolved: its status, severity, roles and updates don't change any more. If it is back: "
            );
            reopenable(*id, Card::line(plain(words).code(format!("/incident reopen {id}"))))
        }
        Refusal::NotResolved(id) => {
            let status = state.incidents.get(id).map_or("open", |it| it.status.name());
            Card::line(
                plain(format!("{id} is {status}: only a resolved incident can be reopened. To see it: "))
                    .code(format!("/incident show {id}")),
            )
        }
        Refusal::AlreadySeverity(id, severity) => Card::line(
            plain(format!("{id} is {severity} already. To choose another: ")).code(format!("/incident sev {id}")),
        ),
        Refusal::AlreadyRole(id, role, Some(who)) => Card::line(
            plain(format!("{} of {id} is ", role.title()))
                .span(person(state, who))
                .plain(" already. To free the role: ")
                .code(format!("/incident role {id} {} nobody", role.key())),
        ),
        Refusal::AlreadyRole(id, role, None) => Card::line(
            plain(format!("{} of {id} is nobody already. Anybody can take the role: ", role.title()))
                .code(format!("/incident role {id} {} me", role.key())),
        ),
        Refusal::Deploy(refusal) => crate::deploy::refusals::card(state, refusal),
        Refusal::Empty(what) => {
            let example = match *what {
                "title" => "/incident declare Checkout is failing",
                "note" => "/incident note The cache was cold",
                "update" => "/incident update The rollback runs",
                _ => "/incident action Alert earlier on cart errors",
            };
            Card::line(plain(format!("The {what} was empty. Try ")).code(example))
        }
    }
}

/// What was understood, which rule says no, and who can.
fn not_allowed(state: &State, verb: Verb, on: &On, rules: &[Rule], who: &[String]) -> Card {
    let text = Text::new().plain("You can't ");
    let text = match (verb, on) {
        (Verb::View, On::Workspace) => text.plain("look at this"),
        (Verb::View, On::Service(service)) => text.plain("look at ").outside(&service.as_str().into()),
        (Verb::Acknowledge, On::Service(service)) => {
            text.plain("take care of alerts of ").outside(&service.as_str().into())
        }
        (Verb::Acknowledge, _) => text.plain("take care of this alert"),
        (Verb::Declare, On::Service(service)) => {
            text.plain("declare an incident about ").outside(&service.as_str().into())
        }
        (Verb::Declare, _) => text.plain("declare an incident"),
        (Verb::View, On::Incident(incident, _)) => text.plain(format!("look at {incident}")),
        (Verb::Work, On::Incident(incident, _)) => text.plain(format!("work on {incident}")),
        (Verb::Work, _) => text.plain("work on incidents"),
        (Verb::View, On::Environment(target)) => text.plain(format!("look at {target}")),
        (verb, On::Environment(target)) => text.plain(match verb {
            Verb::Deploy => format!("deploy {} to {}", target.service, target.environment),
            Verb::Rollback => format!("roll {target} back"),
            Verb::Promote => format!("promote {} to {}", target.service, target.environment),
            Verb::Approve => format!("approve deploys of {target}"),
            Verb::Steer => format!("steer deploys of {target} that somebody else asked for"),
            Verb::Lock => format!("lock {target}"),
            Verb::Unlock => format!("unlock {target}"),
            Verb::Freeze => format!("freeze {target}"),
            _ => format!("let {target} go on"),
        }),
        (Verb::Freeze, _) => text.plain("hold deploys back"),
        (_, _) => text.plain("let deploys go on"),
    };
    let Some(first) = rules.first() else {
        let card = Card::line(text.plain(": no rule gives you that."));
        let mut card = match (verb, on) {
            (Verb::Deploy, On::Environment(target)) => {
                let line = format!("/deploy {} to {} --dry-run", target.service, target.environment);
                card.with(Text::new().code(line).plain(" shows you what would be done."))
            }
            _ => card,
        };
        if let Some(who) = whose(state, on, who) {
            card = card.with(Text::new().plain("It is for ").text(who).plain("."));
        }
        return card;
    };
    let mut card = Card::line(text.plain(" (rule ").code(&first.id).plain(")."));
    for rule in rules.iter().take(SHOWN_RULES) {
        let mut line = Text::new().outside(&rule.reason.as_str().into());
        if let Some(fix) = &rule.fix {
            line = line.plain(" ").outside(&fix.as_str().into());
        }
        if rules.len() > 1 {
            line = line.plain(" (").code(&rule.id).plain(")");
        }
        card = card.with(line);
    }
    card
}

/// For whom rules are, in words: the people where they are known.
pub(crate) fn whose(state: &State, on: &On, who: &[String]) -> Option<Text> {
    let owners = owners(state, on);
    let team = |team: &str| {
        let members = state.settings.people.iter().filter(|person| state.settings.is_in(person, team));
        group(Text::new().plain("the team ").outside(&team.into()), members)
    };
    let mut parts: Vec<Text> = Vec::new();
    for word in who {
        match word.split_once(':') {
            Some(("role", role)) => {
                let text = Text::new().plain("whoever has the role ").outside(&role.into());
                parts.push(group(text, state.settings.with_role(role)));
            }
            Some(("team", name)) => parts.push(team(name)),
            _ if word == "owner" => parts.extend(owners.iter().map(|owner| team(owner))),
            _ => parts.push(Text::new().plain("everybody")),
        }
    }
    if parts.is_empty() { None } else { Some(joined(parts, ", or ")) }
}

/// The people of [`whose`], each once.
pub(crate) fn people_of<'a>(state: &'a State, on: &On, who: &[String]) -> Vec<&'a Person> {
    let settings = &state.settings;
    let owners = owners(state, on);
    let is_one = |person: &&Person| {
        let in_team = |team: &String| settings.is_in(person, team);
        let is_meant = |word: &String| match word.split_once(':') {
            Some(("role", role)) => settings.with_role(role).any(|it| it.key == person.key),
            Some(("team", team)) => settings.is_in(person, team),
            _ => word == "owner" && owners.iter().any(in_team),
        };
        person.active && who.iter().any(is_meant)
    };
    settings.people.iter().filter(is_one).collect()
}

/// The teams that own what it is about.
fn owners(state: &State, on: &On) -> Vec<String> {
    let owner = |service: &String| {
        let found = state.settings.services.iter().find(|it| it.name == *service);
        found.and_then(|service| service.owner.clone())
    };
    match on {
        On::Workspace => Vec::new(),
        On::Service(service) => owner(service).into_iter().collect(),
        On::Incident(_, services) => services.iter().filter_map(owner).collect(),
        On::Environment(target) => owner(&target.service).into_iter().collect(),
    }
}

/// A group with the names of some of its people.
fn group<'a>(text: Text, people: impl Iterator<Item = &'a Person>) -> Text {
    let people: Vec<&Person> = people.filter(|person| person.active).collect();
    let mut names: Vec<Text> =
        people.iter().take(NAMED).map(|person| Text::new().outside(&person.name.short(40))).collect();
    if people.len() > NAMED {
        names.push(Text::new().plain(format!("{} more", people.len() - NAMED)));
    }
    if names.is_empty() { text } else { text.plain(" (").text(joined(names, ", ")).plain(")") }
}

fn reopenable(id: IncidentId, card: Card) -> Card {
    card.button("Reopen", click::line(&Ask::Reopen(None), id), Style::Plain)
}

fn which_incident(state: &State, open: &[IncidentId], resolved: &[IncidentId], ask: &Ask) -> Card {
    let candidates = candidates(open, resolved, ask);
    if candidates.is_empty() {
        let (words, next) = match ask {
            Ask::Reopen(_) => {
                ("No incident is resolved, so none can be reopened. To see what is open: ", "/incident list")
            }
            _ => ("No incident is open. To declare one: ", "/incident declare"),
        };
        return Card::line(Text::new().plain(words).code(next));
    }
    let title = format!("Which incident {}?", about(ask));
    let mut card = Card::line(Text::new().bold(title).plain(" This is no incident's room, so it has to be said."));
    let kept = candidates.iter().take(OFFERED).all(|id| click::keeps_words(ask, *id));
    for it in candidates.iter().take(OFFERED).filter_map(|id| state.incidents.get(id)) {
        let line = names::incident(it).plain(format!(" · {} · {}", it.severity, it.status.name()));
        card = card.with(line);
        // An action item without its words would be nothing.
        if !matches!(ask, Ask::AddAction(_)) || (kept && click::words(ask).is_some()) {
            let label = cut(&names::incident(it).words().replace(['\n', '\t'], " "), LABEL);
            card = card.button(&label, click::line(ask, it.id), Style::Plain);
        }
    }
    let example = click::line(&bare(ask), candidates[0]);
    if !kept {
        let words = match ask {
            Ask::AddNote(_) | Ask::PostUpdate(_) => {
                "Your words are too long for a button: it opens a form to paste them into."
            }
            Ask::AddAction(_) => "Your words are too long for a button. Type the number before them: ",
            _ => {
                "Your words are too long for a button, which leaves them out. To keep them, type the number before them: "
            }
        };
        let mut text = Text::new().plain(words);
        if !matches!(ask, Ask::AddNote(_) | Ask::PostUpdate(_)) {
            text = text.code(format!("/{example} …"));
        }
        card = card.with(text);
        card.quotes
            .extend(click::words(ask).map(|words| Quote { label: "Your words".to_owned(), words: words.clone() }));
    }
    if candidates.len() > OFFERED {
        let words = format!("{} more are not shown. Say which one: ", candidates.len() - OFFERED);
        card = card.with(Text::new().plain(words).code(format!("/{example}")));
    }
    card
}

/// The incidents that a question can be about: the open ones; where it may be about resolved ones, those too.
fn candidates(open: &[IncidentId], resolved: &[IncidentId], ask: &Ask) -> Vec<IncidentId> {
    match ask {
        Ask::Reopen(_) => resolved.to_vec(),
        Ask::WritePostmortem => [resolved, open].concat(),
        Ask::Show | Ask::ShowTimeline | Ask::AddNote(_) | Ask::AddAction(_) => [open, resolved].concat(),
        Ask::SetSeverity(_)
        | Ask::ChooseSeverity
        | Ask::SetRole(..)
        | Ask::ChooseRole
        | Ask::PostUpdate(_)
        | Ask::Mitigate(_)
        | Ask::Resolve(_) => open.to_vec(),
    }
}

/// What was understood, as the rest of "Which incident…".
fn about(ask: &Ask) -> String {
    match ask {
        Ask::Show => "do you want to see".to_owned(),
        Ask::SetSeverity(severity) => format!("is {severity}"),
        Ask::ChooseSeverity => "gets another severity".to_owned(),
        Ask::SetRole(role, _) => format!("is the role {} in", role.title()),
        Ask::ChooseRole => "is the role in".to_owned(),
        Ask::AddNote(_) => "is the note about".to_owned(),
        Ask::PostUpdate(_) => "is the update about".to_owned(),
        Ask::AddAction(_) => "is the action item from".to_owned(),
        Ask::Mitigate(_) => "is mitigated".to_owned(),
        Ask::Resolve(_) => "is resolved".to_owned(),
        Ask::Reopen(_) => "is to be reopened".to_owned(),
        Ask::ShowTimeline => "is the timeline of".to_owned(),
        Ask::WritePostmortem => "is the postmortem of".to_owned(),
    }
}

/// The question without its words.
fn bare(ask: &Ask) -> Ask {
    match ask {
        Ask::AddNote(_) => Ask::AddNote("".into()),
        Ask::PostUpdate(_) => Ask::PostUpdate("".into()),
        Ask::AddAction(_) => Ask::AddAction("".into()),
        Ask::Mitigate(_) => Ask::Mitigate(None),
        Ask::Resolve(_) => Ask::Resolve(None),
        Ask::Reopen(_) => Ask::Reopen(None),
        Ask::Show
        | Ask::SetSeverity(_)
        | Ask::ChooseSeverity
        | Ask::SetRole(..)
        | Ask::ChooseRole
        | Ask::ShowTimeline
        | Ask::WritePostmortem => ask.clone(),
    }
}

fn which_alert(state: &State, firing: &[GroupId], ask: AlertAsk) -> Card {
    if firing.is_empty() {
        let words = match ask {
            AlertAsk::Acknowledge => "No alert waits to be acknowledged here. What fires: ",
            AlertAsk::TakeOver | AlertAsk::Unacknowledge => "No alert is acknowledged here. What fires: ",
            AlertAsk::Show => "No alert fires here. What fires elsewhere: ",
        };
        return Card::line(Text::new().plain(words).code("/alert list"));
    }
    let title = match ask {
        AlertAsk::Acknowledge => "Which alert do you acknowledge?",
        AlertAsk::TakeOver => "Which alert do you take over?",
        AlertAsk::Unacknowledge => "Which alert don't you take care of any more?",
        AlertAsk::Show => "Which alert do you want to see?",
    };
    let mut card = Card::line(Text::new().bold(title));
    for group in firing.iter().take(OFFERED).filter_map(|id| state.groups.get(id)) {
        let mut line = Text::new().bold(group.id.to_string()).plain(" ").outside(&group.title.short(80));
        if let Some(service) = &group.service {
            line = line.plain(" · ").outside(&service.short(60));
        }
        card = card.with(line.plain(format!(" · {}", group.severity)));
        let label = cut(&format!("{} {}", group.id, names::alert(group)).replace(['\n', '\t'], " "), LABEL);
        card = card.button(&label, click::alert_line(ask, group.id), Style::Plain);
    }
    if firing.len() > OFFERED {
        let words = format!("{} more are not shown. All of them: ", firing.len() - OFFERED);
        card = card.with(Text::new().plain(words).code("/alert list"));
    }
    card
}
