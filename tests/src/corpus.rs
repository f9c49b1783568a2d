//! Journals of formats that were released: what a replay of one must come to, for ever.

use operations::state::State;

/// What people would see of a state, in lines: what was said and done, by whom and when. Muster's own words are left out,
/// because they may be put better one day.
#[must_use]
pub fn told(state: &State) -> String {
    let mut lines =
        vec![format!("{} records, {} alert groups, {} cards", state.seq, state.groups.len(), state.cards.len())];
    for group in state.groups.values() {
        let resolved = group.resolved_at.map_or_else(|| "firing".to_owned(), |at| format!("resolved {at}"));
        let acknowledged = group.acknowledged.as_ref().map_or("nobody", |by| by.by.name.as_str());
        let members = group.members.len();
        lines.push(format!(
            "{} {} of {}: {}, opened {}, {resolved}, acknowledged by {acknowledged}, {members} alerts, {} left out",
            group.id,
            group.title.as_str(),
            group.service.as_ref().map_or("no service", |service| service.as_str()),
            group.severity,
            group.opened_at,
            group.truncated
        ));
    }
    for it in state.storms.values() {
        let ended = it.ended_at.map_or_else(|| "raging".to_owned(), |at| format!("over {at}"));
        lines.push(format!("{}: began {}, {ended}, {} held back", it.id, it.began_at, it.held.len()));
    }
    for it in state.deploys.values() {
        let ended = it.ended().map_or_else(|| "open".to_owned(), |(how, at)| format!("{} {at}", how.words()));
        let commit = it.plan.as_ref().map_or_else(|| "nothing".into(), |plan| plan.commit().short());
        let approved: Vec<&str> = it.approvals.iter().map(|approval| approval.by.name.as_str()).collect();
        lines.push(format!(
            "{} {} of {} to {} by {}: {ended}, approved by {}",
            it.id,
            it.wanted.kind.name(),
            it.wanted.target.service,
            it.wanted.target.environment,
            it.by.name.as_str(),
            if approved.is_empty() { "nobody".to_owned() } else { approved.join(", ") }
        ));
        lines.push(format!("  {}, asked {}", commit.as_str(), it.asked_at));
    }
    for (target, release) in &state.running {
        lines.push(format!("{target} runs {} of {}", release.commit.short().as_str(), release.deploy));
    }
    lines.extend(state.troubles.iter().map(|(trouble, since)| format!("{trouble:?} since {since}")));
    for it in state.incidents.values() {
        let at = |at: Option<jiff::Timestamp>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        lines.push(String::new());
        lines.push(format!("{} {}: {}, {}", it.id, it.title.as_str(), it.severity, it.status.name()));
        lines.push(format!(
            "declared {} by {}, mitigated {}, resolved {}",
            it.declared_at,
            it.declared_by.name.as_str(),
            at(it.mitigated_at),
            at(it.resolved_at)
        ));
        let groups: Vec<String> = it.groups.iter().map(ToString::to_string).collect();
        let roles = it.roles.iter().map(|(role, who)| format!("{} {}", role.key(), who.name.as_str()));
        let roles: Vec<String> = roles.collect();
        let responders: Vec<&str> = it.responders.iter().map(|(who, _)| who.name.as_str()).collect();
        let rooms = it.rooms.iter().map(|(platform, room)| format!("{} {}", platform.key(), room.name.as_str()));
        let rooms: Vec<String> = rooms.collect();
        lines.push(format!("alerts: {}", groups.join(", ")));
        lines.push(format!("roles: {}", roles.join(", ")));
        lines.push(format!("responders: {}", responders.join(", ")));
        lines.push(format!("rooms: {}", rooms.join(", ")));
        lines.extend(it.actions.iter().map(|action| format!("to do: {}", action.text.as_str())));
        lines.extend(it.failed.keys().map(|key| format!("failed: {key}")));
        lines.push(format!("postmortem: {}", at(it.postmortem.as_ref().map(|page| page.at))));
        for entry in &it.timeline {
            let by = entry.by.as_ref().map_or("-", |by| by.name.as_str());
            let quote = entry.quote.as_ref().map_or_else(String::new, |quote| format!(": {}", quote.as_str()));
            lines.push(format!("  {} {} {by}{quote}", entry.at, entry.kind.name()));
        }
    }
    lines.join("\n") + "\n"
}
