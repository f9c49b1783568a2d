//! The kinds of steps: what stands in their fences, as it is read into [`What`].

mod act;
mod http;
mod sh;

pub(crate) use self::http::kind_of_body;
use operations::runbook::page::{Effect, Item, OnFailure, Probe, Template, What};

use crate::attributes::Attributes;
use crate::places::{Findings, Place};
use crate::uses::Uses;
use crate::{front, inputs, yaml};

/// The first words of fences that are steps. Checklists are the kind `manual`.
pub(crate) const KINDS: [&str; 17] = [
    "http",
    "sh",
    "deploy",
    "rollback",
    "silence",
    "incident",
    "ticket",
    "notify",
    "query",
    "approval",
    "input",
    "wait",
    "call",
    "aws.ssm_automation",
    "aws.lambda",
    "kubernetes",
    "manual",
];

/// The kind of what people tick.
pub(crate) const MANUAL: &str = "manual";

/// A fence with where its parts stand.
pub(crate) struct Fence<'f> {
    pub(crate) kind: &'f str,
    pub(crate) at: Place,
    pub(crate) body: &'f str,
    pub(crate) body_at: Place,
}

/// What holds for a kind where the page says nothing else.
pub(crate) struct Usual {
    /// Whether it is done twice as well as once.
    pub(crate) effect: Effect,
    /// Whether it changes nothing, so a dry run does it.
    pub(crate) reads: bool,
    /// Whether it waits for people, and so may wait long.
    pub(crate) waits: bool,
    pub(crate) on_failure: OnFailure,
}

/// What holds for it.
pub(crate) fn usual(what: &What) -> Usual {
    let waits = matches!(what, What::Manual { .. } | What::Approval { .. } | What::Form { .. });
    let reads = match what {
        What::Http(request) => matches!(request.method.as_str(), "GET" | "HEAD"),
        What::Query { .. } | What::Until { .. } | What::Pause { .. } => true,
        What::Sh { .. }
        | What::Act { .. }
        | What::Manual { .. }
        | What::Approval { .. }
        | What::Form { .. }
        | What::Call { .. } => false,
    };
    let effect = if reads || waits { Effect::Retryable } else { Effect::Once };
    let on_failure = if waits { OnFailure::Stop } else { OnFailure::Ask };
    Usual { effect, reads, waits, on_failure }
}

/// Reads a fence.
pub(crate) fn read(
    fence: &Fence<'_>,
    attributes: &mut Attributes,
    uses: &mut Uses,
    found: &mut Findings<'_>,
) -> Option<What> {
    match fence.kind {
        "http" => http::read(fence.body, fence.body_at, uses, found).map(What::Http),
        "sh" => sh::read(fence, attributes, uses, found),
        "query" => query(fence, uses, found).map(|query| What::Query { query }),
        "approval" => approval(fence, attributes, uses, found),
        "input" => {
            let node = yaml::read(fence.body, fence.body_at, found);
            let fields = node.map(|node| inputs::read(node, "a form's fields", found)).unwrap_or_default();
            if fields.is_empty() {
                found.tell(fence.at, "a form asks for something", Some("reason: { type: text }".to_owned()));
            }
            Some(What::Form { fields })
        }
        "wait" => wait(fence, attributes, uses, found),
        "call" => act::call(fence, uses, found),
        MANUAL => {
            let hint = "- [ ] what to look at".to_owned();
            found.tell(fence.at, "what people do by hand is a checklist, and no fence", Some(hint));
            None
        }
        _ => act::read(fence, uses, found),
    }
}

/// A checklist. One that ends with `(link)` asks for one.
pub(crate) fn manual(items: Vec<(String, Place)>, uses: &mut Uses) -> What {
    let mut item = |(words, at): (String, Place)| {
        uses.shown(at, &words);
        match words.strip_suffix("(link)") {
            Some(words) => Item { words: Template(words.trim_end().to_owned()), wants_link: true },
            None => Item { words: Template(words), wants_link: false },
        }
    };
    What::Manual { items: items.into_iter().map(&mut item).collect() }
}

fn query(fence: &Fence<'_>, uses: &mut Uses, found: &mut Findings<'_>) -> Option<Template> {
    let body = fence.body.trim();
    if body.is_empty() {
        found.tell(fence.at, "there is no query", Some("sum(rate(http_requests_total[5m]))".to_owned()));
        return None;
    }
    if let Some(at) = outside_of_quotes(fence.body) {
        let hint = "up{cluster=\"{{ inputs.cluster }}\"}".to_owned();
        let at = within(fence.body_at, fence.body, at);
        found.tell(at, "in a query a value stands within double quotes, so that it is no query of its own", Some(hint));
    }
    uses.shown(fence.body_at, fence.body);
    Some(Template(body.to_owned()))
}

/// Where the first `{{` outside of double quotes stands.
fn outside_of_quotes(text: &str) -> Option<usize> {
    let mut is_inside = false;
    let mut i = 0;
    while let Some(c) = text[i..].chars().next() {
        if text[i..].starts_with("{{") {
            if !is_inside {
                return Some(i);
            }
            // What stands within a template has quotes of its own.
            i += text[i..].find("}}").map_or(text.len() - i, |end| end + 2);
            continue;
        }
        match c {
            '\\' if is_inside => i += text[i + 1..].chars().next().map_or(0, char::len_utf8),
            '"' => is_inside = !is_inside,
            _ => {}
        }
        i += c.len_utf8();
    }
    None
}

/// Where a byte of a body stands.
pub(crate) fn within(at: Place, body: &str, byte: usize) -> Place {
    let place = Place::of(body, byte);
    let column = if place.line == 1 { place.column + at.column - 1 } else { place.column };
    Place { line: at.line + place.line - 1, column }
}

fn approval(fence: &Fence<'_>, attributes: &mut Attributes, uses: &mut Uses, found: &mut Findings<'_>) -> Option<What> {
    let least = attributes.number("least", 9, found).unwrap_or(1);
    let of = attributes.value("of", found).map(|(at, said)| {
        let said = said.split(',').map(|who| (at, who.trim().to_owned())).collect();
        front::people(said, true, found)
    });
    let question = fence.body.trim();
    if question.is_empty() {
        found.tell(fence.at, "an approval asks something: what stands in the fence", None);
    }
    uses.shown(fence.body_at, fence.body);
    Some(What::Approval { question: Template(question.to_owned()), least, of: of.unwrap_or_default() })
}

fn wait(fence: &Fence<'_>, attributes: &mut Attributes, uses: &mut Uses, found: &mut Findings<'_>) -> Option<What> {
    let lasts = attributes.duration("for", found);
    let until = attributes.value("until", found);
    let (probe, every) =
        (attributes.one_of("probe", &[("http", true), ("query", false)], found), attributes.duration("every", found));
    match (lasts, until) {
        (Some(lasts), None) => {
            if probe.is_some() || every.is_some() {
                found.tell(fence.at, "probe and every belong to until", None);
            }
            Some(What::Pause { lasts })
        }
        (None, Some((at, is))) => {
            uses.expected(at, &is);
            let Some(is_http) = probe else {
                found.tell(fence.at, "what is looked at is said with probe=http or probe=query", None);
                return None;
            };
            let probe = if is_http {
                Probe::Http(http::read(fence.body, fence.body_at, uses, found)?)
            } else {
                Probe::Query(query(fence, uses, found)?)
            };
            let Some(every) = every else {
                found.tell(fence.at, "how often it is looked at is missing", Some("every=30s".to_owned()));
                return None;
            };
            Some(What::Until { probe, every, is: operations::runbook::page::Expression(is) })
        }
        (Some(_), Some(_)) | (None, None) => {
            let hint = "for=5m, or until=\"output.value < 1\" probe=query every=30s".to_owned();
            found.tell(fence.at, "a wait is for a time, or until something is so", Some(hint));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_outside_of_quotes_are_found() {
        for (query, at) in [
            ("up{a=\"{{ x }}\"}", None),
            ("up{a=\"{{ x['y'] }} \\\" {{ z }}\"}", None),
            ("up{a={{ x }}}", Some(5)),
            ("{{ x }}", Some(0)),
            ("a{b=\"c\"} + {{ x }}", Some(11)),
        ] {
            assert_eq!(outside_of_quotes(query), at, "{query}");
        }
    }
}
