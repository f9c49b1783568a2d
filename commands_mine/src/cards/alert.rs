//! An alert group's card.

use operations::alert::{Acknowledgement, Group};
use operations::card::{Card, Colour, Quote, Style};
use operations::ids::GroupId;
use operations::state::State;
use operations::text::{Outside, Text, TimeStyle};

use super::{joined, lasted, person};

/// So many members are named; the others are counted.
const NAMED: usize = 3;

/// An alert group's card; none where it is forgotten.
#[must_use]
pub fn alert(state: &State, id: GroupId) -> Option<Card> {
    let group = state.groups.get(&id)?;
    let card = match (group.resolved_at, &group.acknowledged) {
        (Some(resolved_at), _) => return Some(resolved(state, group, resolved_at)),
        (None, Some(acknowledged)) => acknowledged_card(state, group, acknowledged),
        (None, None) => firing(group),
    };
    let mut card = card.with(members(state, group));
    if group.truncated > 0 {
        let words = format!("The source left {} more out: what they do is not known here.", group.truncated);
        card = card.with(Text::new().plain(words));
    }
    if let Some(incident) = group.incident {
        card = card.with(Text::new().plain("Incident ").bold(incident.to_string()));
    }
    for name in ["summary", "description"] {
        if let Some(words) = group.annotation(name).filter(|_| card.quotes.is_empty()) {
            card.quotes.push(Quote { label: "From the alert".to_owned(), words: words.clone() });
        }
    }
    card.footer = Some(footer(state, group));
    Some(card)
}

fn title(group: &Group, colour: Colour) -> Text {
    let mut title = Text::new().plain(format!("{} ", colour.emoji())).outside(&group.title);
    if let Some(service) = &group.service {
        title = title.plain(" · ").outside(service);
    }
    title.plain(format!(" · {}", group.severity))
}

fn firing(group: &Group) -> Card {
    let title = title(group, Colour::Firing).plain(" · firing since ").time(group.since(), TimeStyle::Clock);
    let card = Card::coloured(Colour::Firing, title)
        .button("Acknowledge", format!("alert ack {}", group.id), Style::Primary);
    declare(card, group, Style::Plain)
}

fn acknowledged_card(state: &State, group: &Group, acknowledged: &Acknowledgement) -> Card {
    let title = title(group, Colour::Acknowledged).plain(" · firing since ").time(group.since(), TimeStyle::Clock);
    let mut line = Text::new()
        .plain("Acknowledged by ")
        .span(person(state, &acknowledged.by))
        .plain(" at ")
        .time(acknowledged.at, TimeStyle::Clock);
    if let Some(asks_again) = acknowledged.asks_again.filter(|_| !acknowledged.asked) {
        line = line.plain(" · asks again at ").time(asks_again, TimeStyle::Clock);
    }
    let card = declare(Card::coloured(Colour::Acknowledged, title).with(line), group, Style::Primary);
    card.button("Take over", format!("alert takeover {}", group.id), Style::Plain)
        .button("Undo", format!("alert unack {}", group.id), Style::Plain)
}

fn declare(card: Card, group: &Group, style: Style) -> Card {
    match group.incident {
        Some(_) => card,
        None => card.button("Declare incident", format!("incident declare {}", group.id), style),
    }
}

fn resolved(state: &State, group: &Group, resolved_at: jiff::Timestamp) -> Card {
    let mut title = title(group, Colour::Resolved).plain(format!(" · resolved after {}", lasted(group.opened_at, resolved_at)));
    if let Some(at) = group.first_acknowledged_at {
        title = title.plain(format!(" (acknowledged after {})", lasted(group.opened_at, at)));
    }
    let mut card = Card::coloured(Colour::Resolved, title);
    if let Some(acknowledged) = &group.acknowledged {
        card = card.with(Text::new().plain("Acknowledged by ").span(person(state, &acknowledged.by)));
    }
    if let Some(incident) = group.incident {
        card = card.with(Text::new().plain("Incident ").bold(incident.to_string()));
    }
    card.footer = Some(footer(state, group));
    card
}

/// How many there are, which ones, where, and whose they are.
fn members(state: &State, group: &Group) -> Text {
    let firing: Vec<_> = group.members.values().filter(|member| member.firing).collect();
    let count = match firing.len() {
        1 => "1 alert".to_owned(),
        many => format!("{many} alerts"),
    };
    let mut parts = vec![Text::new().plain(count)];
    let names: Vec<Outside> = firing
        .iter()
        .filter_map(|member| member.alert.labels.get("instance").or_else(|| member.alert.labels.get("pod")))
        .map(|name| name.short(60))
        .collect();
    if !names.is_empty() {
        let named = names.iter().take(NAMED).map(|name| Text::new().outside(name)).collect();
        let mut text = joined(named, ", ");
        if names.len() > NAMED {
            text = text.plain(format!(" and {} more", names.len() - NAMED));
        }
        parts.push(text);
    }
    let place = ["environment", "env", "cluster"].into_iter().find_map(|name| group.label(name));
    parts.extend(place.map(|place| Text::new().outside(&place.short(60))));
    let service = group.service.as_ref().map(Outside::as_str);
    let known = state.settings.services.iter().find(|known| Some(known.name.as_str()) == service);
    if let Some(owner) = known.and_then(|known| known.owner.as_deref()) {
        parts.push(Text::new().plain(format!("owner: {owner}")));
    }
    joined(parts, " · ")
}

/// The links that help, and what the group is called.
fn footer(state: &State, group: &Group) -> Text {
    let mut parts = Vec::new();
    let service = group.service.as_ref().map(Outside::as_str);
    let known = state.settings.services.iter().find(|known| Some(known.name.as_str()) == service);
    let from_alert = |name| group.annotation(name).map(Outside::as_str);
    let dashboard = from_alert("dashboard_url").or(known.and_then(|known| known.dashboard.as_deref()));
    let links = [("Runbook", from_alert("runbook_url")), ("Dashboard", dashboard), ("Source", source(group))];
    for (words, url) in links {
        if let Some(url) = url.filter(|url| is_allowed(url, &state.settings.link_hosts)) {
            parts.push(Text::new().link(words, url));
        }
    }
    parts.push(Text::new().plain(group.id.to_string()));
    joined(parts, " · ")
}

fn source(group: &Group) -> Option<&str> {
    let member = group.members.values().find_map(|member| member.alert.source_url.as_deref());
    member.or(group.source_url.as_deref())
}

/// Whether a link may be shown: http or https, no user in it, and to a host that is allowed where some are named.
fn is_allowed(url: &str, hosts: &[String]) -> bool {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else { return false };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let odd = url.len() > 2000 || url.chars().any(|c| c.is_whitespace() || c.is_control() || "<>|\"`".contains(c));
    if odd || authority.is_empty() || authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    hosts.is_empty() || hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn only_plain_links_to_allowed_hosts_are_shown() {
        let hosts = ["grafana.example.com".to_owned()];
        assert!(is_allowed("https://anything.example/x", &[]));
        assert!(is_allowed("https://Grafana.example.com:3000/d/1", &hosts));
        for url in [
            "javascript:alert(1)",
            "https://evil.example/",
            "https://grafana.example.com@evil.example/",
            "https://grafana.example.com.evil.example/",
            "https://evil.example\\@grafana.example.com/",
            "https:///x",
            "ftp://grafana.example.com/",
        ] {
            assert!(!is_allowed(url, &hosts), "{url}");
        }
        assert!(!is_allowed("https://x.example/a|b", &[]) && !is_allowed("https://x.example/a b", &[]));
    }
}
