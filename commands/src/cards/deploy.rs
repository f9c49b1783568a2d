//! A deploy's card.

use jiff::SignedDuration;
use operations::card::{Card, Colour, Quote, Style};
use operations::deploy::{Deploy, How, Kind, Plan, Release, Stage};
use operations::ids::{DeployId, GroupId, UserRef};
use operations::pipeline::{Checks, RefKind, RunState};
use operations::state::State;
use operations::text::{Outside, Text, TimeStyle};

use crate::names::{in_words, joined, person};
use crate::refusals::whose;

/// So many authors are named.
const NAMED: usize = 4;

/// A deploy's card; none where it is forgotten.
#[must_use]
pub fn deploy(state: &State, id: DeployId) -> Option<Card> {
    let it = state.deploys.get(&id)?;
    let colour = colour(it);
    let title = Text::new().plain(format!("{} {} ", colour.emoji(), it.wanted.kind.title())).text(what(it));
    let title = match &it.stage {
        Stage::Ended { how, .. } => title.plain(format!(" · {}", ended(it, *how))),
        Stage::Unknown { .. } => title.plain(" · unknown"),
        _ => title,
    };
    // How it stands comes first: that is what it is looked at for.
    let mut card = stage(state, it, Card::coloured(colour, title)).with(asked(state, it));
    for line in it.plan.as_ref().map(|plan| plan_lines(state, it, plan)).unwrap_or_default() {
        card = card.with(line);
    }
    let alerts: Vec<Text> = it
        .alerts
        .iter()
        .filter(|group| was_there(state, it, **group))
        .map(|group| Text::new().plain(group.to_string()))
        .take(4)
        .collect();
    if !alerts.is_empty() {
        card = card.with(Text::new().plain("Alerts soon after it: ").text(joined(alerts, ", ")));
    }
    if !it.wanted.parameters.is_empty() {
        let said =
            it.wanted.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ");
        card = card.with(Text::new().plain("With ").outside(&Outside::new(&said).short(200)));
    }
    if !it.wanted.reason.is_empty() {
        card.quotes.push(Quote { label: "Why".to_owned(), words: it.wanted.reason.clone() });
    }
    card.footer = Some(footer(it));
    Some(card)
}

/// Whether nothing else had taken its place when an alert group opened.
fn was_there(state: &State, it: &Deploy, group: GroupId) -> bool {
    let Some(opened) = state.groups.get(&group).map(|group| group.opened_at) else { return true };
    let later = state.deploys_to(&it.wanted.target).take_while(|other| other.id > it.id);
    !later.filter(|other| other.touched()).any(|other| other.began_at.is_some_and(|at| at <= opened))
}

/// What is deployed and where: `checkout v142 (a1b2c3d) to production`, or `checkout to v141 (d4e5f6a) in production`.
pub(crate) fn what(it: &Deploy) -> Text {
    let (target, name) = (&it.wanted.target, it.release_name());
    let back = it.wanted.kind == Kind::Rollback;
    let mut text = Text::new().bold(target.service.clone());
    if !name.is_empty() {
        text = text.plain(if back { " to " } else { " " }).outside(&name);
    }
    text.plain(if back { " in " } else { " to " }).bold(target.environment.clone())
}

/// Who asked, and who approved.
fn asked(state: &State, it: &Deploy) -> Text {
    let mut text =
        Text::new().plain("Asked by ").span(person(state, &it.by)).plain(" ").time(it.asked_at, TimeStyle::Ago);
    if !it.approvals.is_empty() {
        let by = it.approvals.iter().map(|approval| Text::new().span(person(state, &approval.by))).collect();
        text = text.plain(" · Approved by ").text(joined(by, ", "));
    }
    if it.wanted.dry_run {
        text = text.plain(" · a dry run: only the plan");
    }
    if it.wanted.break_glass {
        text = text.plain(" · goes through freezes and checks");
    }
    if let Some(incident) = it.incident {
        text = text.plain(format!(" · {incident}"));
    }
    text
}

fn colour(it: &Deploy) -> Colour {
    match &it.stage {
        Stage::Unknown { .. } => Colour::Suppressed,
        Stage::Ended { how: How::Succeeded, .. } => Colour::Resolved,
        Stage::Ended { how: How::Failed, .. } => Colour::Firing,
        Stage::Ended { .. } => Colour::Suppressed,
        _ => Colour::Waiting,
    }
}

fn ended(it: &Deploy, how: How) -> String {
    match (how, it.began_at, it.deployed_at) {
        (How::Succeeded, Some(began), Some(deployed)) => format!("done in {}", took(deployed.duration_since(began))),
        _ => how.words().to_owned(),
    }
}

/// A span of time with its seconds: `3 min 52 s`.
pub(crate) fn took(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 if seconds % 60 == 0 => format!("{} min", seconds / 60),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => in_words(span),
    }
}

/// What would be done, in lines; of what has begun, what is or was done.
pub(crate) fn plan_lines(state: &State, it: &Deploy, plan: &Plan) -> Vec<Text> {
    let target = &it.wanted.target;
    let waits = matches!(it.stage, Stage::Planning | Stage::Approving { .. } | Stage::Queued | Stage::Checking);
    let mut lines = Vec::new();
    // What ran before is news only before it is replaced.
    if waits || it.wanted.dry_run || plan.looked.changes.is_some() {
        lines.push(changes(state, it, plan));
    }
    if !waits && !it.wanted.dry_run {
        // Checks, alerts, locks and freezes are those of now.
        return lines;
    }
    let mut parts = vec![Text::new().plain(match &plan.looked.checks {
        Checks::Passed(count) => format!("Checks passed ({count})"),
        Checks::Pending(1) => "⚠️ 1 check still runs".to_owned(),
        Checks::Pending(count) => format!("⚠️ {count} checks still run"),
        Checks::Failed(_) => "⚠️ Checks failed".to_owned(),
        Checks::None => "No checks".to_owned(),
        Checks::Unknown => "Checks not known".to_owned(),
    })];
    if let Checks::Failed(names) = &plan.looked.checks {
        let names = names.iter().take(3).map(|name| Text::new().outside(&name.short(40))).collect();
        parts[0] = parts[0].clone().plain(": ").text(joined(names, ", "));
    }
    let firing: Vec<Text> =
        state.firing_on(target).map(|group| Text::new().plain(group.id.to_string())).take(4).collect();
    parts.push(if firing.is_empty() {
        Text::new().plain("no open alerts")
    } else {
        Text::new().plain("⚠️ fires: ").text(joined(firing, ", "))
    });
    let open: Vec<Text> =
        state.incidents_of(&target.service).map(|id| Text::new().plain(id.to_string())).take(4).collect();
    if !open.is_empty() {
        parts.push(Text::new().plain("open: ").text(joined(open, ", ")));
    }
    parts.push(match state.lock_on(target) {
        Some(lock) => Text::new().plain("🔒 ").span(person(state, &lock.by)),
        None => Text::new().plain("not locked"),
    });
    parts.extend(state.freezes_on(target).map(|freeze| Text::new().plain(format!("❄️ {}", freeze.id))));
    lines.push(joined(parts, " · "));
    if plan.looked.resolved.kind == RefKind::Unmerged {
        lines.push(Text::new().plain("⚠️ This commit is not on the default branch."));
    }
    for warning in plan.looked.warnings.iter().take(3) {
        lines.push(Text::new().plain("⚠️ ").outside(&warning.short(200)));
    }
    if let Some(voided) = &it.voided {
        lines.push(Text::new().plain("↳ Planned anew: ").outside(&voided.short(300)));
    }
    lines
}

/// “5 commits by Ann, Cy since v142 · usual size 4”.
fn changes(state: &State, it: &Deploy, plan: &Plan) -> Text {
    let since = plan.running.as_ref().map(Release::name);
    let Some(changes) = &plan.looked.changes else {
        return match since {
            Some(since) => Text::new().plain("Runs now: ").outside(&since),
            None => Text::new().plain("What runs there now is not known to Muster."),
        };
    };
    let mut text = Text::new().plain(match (changes.ahead, changes.behind) {
        (0, 0) => "The commit that runs there already".to_owned(),
        (0, 1) => "Takes back 1 commit".to_owned(),
        (0, behind) => format!("Takes back {behind} commits"),
        (1, 0) => "1 commit".to_owned(),
        (ahead, 0) => format!("{ahead} commits"),
        (ahead, behind) => format!("{ahead} commits come and {behind} go"),
    });
    let authors: Vec<Text> =
        changes.authors.iter().take(NAMED).map(|author| Text::new().outside(&author.short(40))).collect();
    if !authors.is_empty() {
        text = text.plain(" by ").text(joined(authors, ", "));
    }
    if changes.authors.len() > NAMED {
        text = text.plain(format!(" and {} more", changes.authors.len() - NAMED));
    }
    if let Some(since) = since.filter(|_| changes.ahead > 0 || changes.behind > 0) {
        text = text.plain(if changes.ahead == 0 { " from " } else { " since " }).outside(&since);
    }
    // Of what is over the usual size has it in it.
    if let Some(usual) =
        state.usual_size(&it.wanted.target).filter(|usual| *usual > 0 && changes.ahead > 0 && it.is_open())
    {
        text = text.plain(format!(" · usual size {usual}"));
    }
    if !changes.pulls.is_empty() {
        let pulls: Vec<String> = changes.pulls.iter().take(5).map(|pull| format!("#{}", pull.number)).collect();
        text = text.plain(format!(" · {}", pulls.join(", ")));
    }
    if let Some(url) = &changes.url {
        text = text.plain(" · ").link("Compare", url);
    }
    text
}

/// How it stands, and what can be done.
fn stage(state: &State, it: &Deploy, card: Card) -> Card {
    let id = it.id;
    let cancel = |card: Card| card.button("Cancel", format!("deploy cancel {id}"), Style::Plain);
    match &it.stage {
        Stage::Planning => cancel(card.with(Text::new().plain("The pipeline is asked what would be done."))),
        Stage::Approving { needs, who, until } => {
            let digest = it.plan.as_ref().map(Plan::short).unwrap_or_default();
            let card = card.with(approving(state, it, *needs, who).plain(" · until ").time(*until, TimeStyle::Clock));
            let card = card.button("Approve", format!("approve {id} {digest}"), Style::Primary);
            cancel(card.button("Deny", format!("deny {id}"), Style::Danger))
        }
        Stage::Queued => cancel(card.with(waiting_for(state, it))),
        Stage::Checking => {
            cancel(card.with(Text::new().plain("It is its turn; whether the plan still holds is being checked.")))
        }
        Stage::Starting => card.with(Text::new().plain("The pipeline is asked to start it.")),
        Stage::Unknown { looks, evidence } => {
            let words = match (it.run.is_some(), looks) {
                (true, _) => "Nobody knows how it stands. What is known: ",
                (false, 0) => "Nobody knows whether the pipeline started it; it is looked for. What is known: ",
                (false, _) => "Nobody knows whether the pipeline started it. What is known: ",
            };
            let mut card = card.with(Text::new().plain(words).outside(&evidence.short(300)));
            if *looks > 0 {
                let times = if *looks == 1 { "once".to_owned() } else { format!("{looks} times") };
                card = card.with(Text::new().plain(format!("Looked for its run {times}.")));
            }
            card.button("It ran", format!("deploy ran {id}"), Style::Plain)
                .button("It did not", format!("deploy didnot {id}"), Style::Plain)
                .button("Look again", format!("deploy look {id}"), Style::Primary)
        }
        Stage::Running => running(state, it, card),
        Stage::Verifying { until } => {
            card.with(Text::new().plain("Deployed · being verified until ").time(*until, TimeStyle::Clock))
        }
        Stage::Ended { how, why, .. } => over(state, it, *how, why, card),
    }
}

fn approving(state: &State, it: &Deploy, needs: u32, who: &[String]) -> Text {
    let more = if it.approvals.is_empty() { "" } else { " more" };
    let count = if needs == 1 { format!("1{more} approval") } else { format!("{needs}{more} approvals") };
    let text = Text::new().plain(format!("Needs {count} from "));
    let on = operations::policy::On::Environment(it.wanted.target.clone());
    let named = crate::refusals::people_of(state, &on, who);
    // Whoever asked or has approved is nobody to wait for.
    let counted = |account: &UserRef| {
        let same = |other: &operations::chat::Actor| state.settings.same_person(&other.user, account);
        same(&it.by) || it.approvals.iter().any(|approval| same(&approval.by))
    };
    let can: Vec<_> = named.into_iter().filter(|person| !person.accounts.iter().any(counted)).collect();
    if can.is_empty() {
        return match whose(state, &on, who) {
            Some(who) => text.text(who).plain(", not ").span(person(state, &it.by)),
            None => text.plain("somebody else"),
        };
    }
    let mut names: Vec<Text> =
        can.iter().take(NAMED).map(|person| Text::new().outside(&person.name.short(40))).collect();
    if can.len() > NAMED {
        names.push(Text::new().plain(format!("{} more", can.len() - NAMED)));
    }
    let last = names.pop().unwrap_or_default();
    if names.is_empty() { text.text(last) } else { text.text(joined(names, ", ")).plain(" or ").text(last) }
}

/// Whom or what it waits for.
pub(crate) fn waiting_for(state: &State, it: &Deploy) -> Text {
    let target = &it.wanted.target;
    if let Some(lock) = state.lock_on(target).filter(|lock| !state.settings.same_person(&lock.by.user, &it.by.user)) {
        let text = Text::new().plain("Waits: ").span(person(state, &lock.by));
        return text.plain(" keeps the environment until ").time(lock.until, TimeStyle::Full).plain(".");
    }
    let before = state.queue(target).iter().take_while(|other| other.id != it.id).count();
    let holding = state.holding(target).map(|holding| holding.id);
    let ahead = before + usize::from(holding.is_some());
    let mut text = Text::new().plain(format!("Waits for its turn: {ahead} before it"));
    if let Some(holding) = state.holding(target).filter(|it| matches!(it.stage, Stage::Unknown { .. })) {
        let what = if holding.run.is_some() { "how {} stands" } else { "whether {} ran" };
        let what = what.replace("{}", &holding.id.to_string());
        return text.plain(format!(". Nobody knows {what}; that has to be said first."));
    }
    if let Some(holding) = holding {
        text = text.plain(format!(", {holding} is under way"));
    }
    if let (Some(expected), Ok(ahead)) = (state.expected(target), i32::try_from(ahead)) {
        text = text.plain(format!(" · usually about {}", took(expected * ahead)));
    }
    text
}

fn running(state: &State, it: &Deploy, card: Card) -> Card {
    let mut text = Text::new();
    match &it.progress {
        Some(progress) => {
            text = text.plain(match progress.state {
                RunState::Queued => "Waits at the pipeline",
                RunState::Waiting => "Waits at the pipeline for somebody's word",
                _ => "Running",
            });
            if progress.total > 0 && progress.state != RunState::Queued {
                text = text.plain(format!(" {}/{}", (progress.done + 1).min(progress.total), progress.total));
            }
            if let Some(step) = &progress.step {
                text = text.plain(" “").outside(&step.short(80)).plain("”");
            }
        }
        None => text = text.plain("Started"),
    }
    if let Some(began) = it.began_at {
        text = text.plain(" · began ").time(began, TimeStyle::Ago);
    }
    if let Some(expected) = state.expected(&it.wanted.target) {
        text = text.plain(format!(" · usually {}", took(expected)));
    }
    let mut card = card.with(text);
    for gate in it.progress.iter().flat_map(|progress| &progress.gates).take(1) {
        card = card.with(Text::new().plain("The pipeline waits for “").outside(&gate.name.short(80)).plain("”."));
        let click = |word: &str| format!("deploy gate {word} {} {}", it.id, gate.id);
        if click("approve").encode_utf16().count() <= crate::click::LONGEST {
            card = card.button("Approve there", click("approve"), Style::Primary);
            card = card.button("Reject there", click("reject"), Style::Danger);
        }
    }
    if let Some(why) = &it.not_done {
        card = card.with(Text::new().plain("⚠️ ").outside(&why.short(300)));
    }
    let can = state.settings.environment(&it.wanted.target).and_then(|it| it.pipeline);
    match &it.stopping {
        Some(by) if it.not_done.is_none() => {
            card.with(Text::new().span(person(state, by)).plain(" wants it stopped; the pipeline is asked."))
        }
        _ if can.is_some_and(|can| can.cancels) => {
            card.button("Cancel", format!("deploy cancel {}", it.id), Style::Danger)
        }
        _ => card,
    }
}

fn over(state: &State, it: &Deploy, how: How, why: &Outside, card: Card) -> Card {
    let id = it.id;
    let mut card = card;
    if how == How::Succeeded {
        if !why.is_empty() {
            card = card.with(Text::new().plain("Verified: ").outside(&why.short(200)));
        }
    } else if how == How::Denied && !why.is_empty() {
        // Somebody's own words.
        card = card.with(Text::new().plain("“").outside(&why.short(300)).plain("”"));
    } else if !why.is_empty() {
        card = card.with(sentence(why));
    }
    if let Some(back) = it.rolled_back {
        return card.with(Text::new().plain(format!("Rolled back by {back}.")));
    }
    let target = &it.wanted.target;
    let runs = state.running(target).is_some_and(|running| running.deploy == id);
    let failed = how == How::Failed && state.running(target).is_none_or(|running| running.deploy < id);
    if matches!(how, How::Failed | How::Cancelled | How::NotStarted | How::Expired) {
        card = card.button("Retry", format!("deploy retry {id}"), Style::Primary);
    }
    let back = format!("deploy rollback {} {}", target.service, target.environment);
    let fits = back.encode_utf16().count() <= crate::click::LONGEST;
    if (runs || failed) && fits && it.wanted.kind != Kind::Rollback && state.last_good(target).is_some() {
        card = card.button("Roll back…", back, Style::Danger);
    }
    card
}

/// Words that begin a line.
pub(crate) fn sentence(words: &Outside) -> Text {
    let words = words.short(500);
    let mut chars = words.as_str().chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    Text::new().outside(&Outside::new(&(first + chars.as_str())))
}

fn footer(it: &Deploy) -> Text {
    let mut parts = vec![Text::new().plain(it.id.to_string())];
    if let Some(plan) = &it.plan {
        // What `/approve D-1` may be followed by.
        if let Stage::Approving { .. } = it.stage {
            parts.push(Text::new().plain(format!("plan {}", plan.short())));
        }
        if let Some(url) = &plan.commit().url {
            parts.push(Text::new().link("Commit", url));
        }
    }
    if let Some(url) = it.run.as_ref().and_then(|run| run.url.as_ref()) {
        parts.push(Text::new().link("Pipeline", url));
    }
    parts.push(Text::new().code(format!("/why {}", it.id)));
    joined(parts, " · ")
}

/// A release with who brought it, and when: `v142 (a1b2c3d) · deployed 3 min ago by Ann · D-2`.
pub(crate) fn release(state: &State, release: &Release) -> Text {
    Text::new()
        .outside(&release.name())
        .plain(" · deployed ")
        .time(release.at, TimeStyle::Ago)
        .plain(" by ")
        .span(person(state, &release.by))
        .plain(format!(" · {}", release.deploy))
}
