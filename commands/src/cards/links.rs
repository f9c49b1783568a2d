//! Which links that alerts bring along are shown.

use operations::alert::Group;
use operations::state::State;
use operations::text::{Outside, Text};

use crate::names::joined;

/// The longest link, in bytes: both chats take 2,000 or more.
const LONGEST: usize = 2000;

/// The links that help, and what the group is called.
pub(super) fn footer(state: &State, group: &Group) -> Text {
    let allowed = |url: &&str| is_allowed(url, &state.settings.link_hosts);
    let from_alert = |name| group.annotation(name).map(Outside::as_str).filter(allowed);
    // What stands in the configuration is the operator's own word: no list of hosts is needed for it.
    let configured = super::alert::service(state, group).and_then(|service| service.dashboard.as_deref());
    let links = [
        ("Runbook", from_alert("runbook_url")),
        ("Dashboard", from_alert("dashboard_url").or(configured.filter(|url| is_allowed(url, &[])))),
        ("Source", sources(group).find(allowed)),
    ];
    let mut parts: Vec<Text> =
        links.into_iter().filter_map(|(words, url)| url.map(|url| Text::new().link(words, url))).collect();
    parts.push(Text::new().plain(group.id.to_string()));
    joined(parts, " · ")
}

/// Where the source can be looked at: the rule of a member that fires, else of any, else the group.
fn sources(group: &Group) -> impl Iterator<Item = &str> {
    let of = |firing: bool| {
        let members = group.members.values().filter(move |member| member.firing == firing);
        members.filter_map(|member| member.alert.source_url.as_deref())
    };
    of(true).chain(of(false)).chain(group.source_url.as_deref())
}

/// Whether a link may be shown: http or https, nobody's name in it, and to a host that is allowed where some are named.
fn is_allowed(url: &str, hosts: &[String]) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>|\"`\\".contains(c);
    if url.len() > LONGEST || url.chars().any(odd) {
        return false;
    }
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    let Some(scheme) = ["https://", "http://"].into_iter().find(|scheme| lower.starts_with(scheme)) else {
        return false;
    };
    let authority = url[scheme.len()..].split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    // Whoever reads `https://grafana.example@evil.example` would take it for the former.
    if host.is_empty() || authority.contains('@') {
        return false;
    }
    hosts.is_empty() || hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host.trim_end_matches('.')))
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn only_plain_links_to_allowed_hosts_are_shown() {
        let hosts = ["grafana.example.com".to_owned()];
        assert!(is_allowed("https://anything.example/x", &[]) && is_allowed("HTTP://[::1]:9090/graph?g0=a%20b", &[]));
        assert!(is_allowed("https://Grafana.example.com:3000/d/1", &hosts));
        for url in [
            "javascript:alert(1)",
            "https://evil.example/",
            "https://grafana.example.com@evil.example/",
            "https://grafana.example.com:x@evil.example/",
            "https://grafana.example.com.evil.example/",
            "https://evil.example\\@grafana.example.com/",
            "https:///x",
            "https://",
            "ftp://grafana.example.com/",
            "data:text/html,x",
            "",
        ] {
            assert!(!is_allowed(url, &hosts), "{url}");
        }
        for url in
            ["https://x.example/a|b", "https://x.example/a b", "https://x.example/<a>", "https://\u{e9}", "é://x"]
        {
            assert_eq!(is_allowed(url, &[]), url == "https://\u{e9}", "{url}");
        }
        assert!(!is_allowed(&format!("https://x.example/{}", "a".repeat(2000)), &[]));
    }
}
