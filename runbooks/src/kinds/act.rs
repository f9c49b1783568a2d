//! Steps that are Muster's own commands, or actions of a service: a mapping of arguments.

use std::collections::BTreeMap;

use operations::runbook::page::{Template, What};

use super::Fence;
use crate::map::{self, Map};
use crate::places::{Findings, Place, near};
use crate::uses::Uses;
use crate::yaml::{self, Node, Value};

/// An argument.
struct Argument {
    name: &'static str,
    is_needed: bool,
    /// What it may be, where that is said.
    words: &'static [&'static str],
    /// Whether it is a mapping of its own.
    is_map: bool,
}

const fn needed(name: &'static str) -> Argument {
    Argument { name, is_needed: true, words: &[], is_map: false }
}

const fn optional(name: &'static str) -> Argument {
    Argument { name, is_needed: false, words: &[], is_map: false }
}

const fn one_of(name: &'static str, words: &'static [&'static str]) -> Argument {
    Argument { name, is_needed: true, words, is_map: false }
}

const fn mapping(name: &'static str, is_needed: bool) -> Argument {
    Argument { name, is_needed, words: &[], is_map: true }
}

/// The arguments of each kind.
fn arguments(kind: &str) -> &'static [Argument] {
    match kind {
        "deploy" => const { &[needed("service"), needed("environment"), optional("ref"), optional("reason")] },
        "rollback" => const { &[needed("service"), needed("environment"), optional("to"), optional("reason")] },
        "silence" => const { &[mapping("labels", true), needed("for"), optional("reason")] },
        "incident" => {
            const {
                &[
                    one_of("do", &["declare", "note", "update", "severity", "mitigate", "resolve"]),
                    optional("title"),
                    optional("text"),
                    optional("severity"),
                ]
            }
        }
        "ticket" => const { &[needed("title"), optional("text"), optional("project")] },
        "notify" => const { &[needed("to"), needed("text")] },
        "aws.ssm_automation" => const { &[needed("document"), mapping("parameters", false), optional("region")] },
        "aws.lambda" => const { &[needed("function"), mapping("payload", false), optional("region")] },
        "kubernetes" => {
            const {
                &[
                    one_of("do", &["restart", "undo", "scale"]),
                    one_of("kind", &["deployment", "statefulset", "daemonset"]),
                    needed("namespace"),
                    needed("name"),
                    optional("replicas"),
                ]
            }
        }
        "call" => const { &[needed("page"), mapping("with", false)] },
        _ => &[],
    }
}

/// Reads an action.
pub(super) fn read(fence: &Fence<'_>, uses: &mut Uses, found: &mut Findings<'_>) -> Option<What> {
    let with = read_arguments(fence, uses, found)?;
    Some(What::Act { action: fence.kind.to_owned(), with })
}

/// Reads a call of another page.
pub(super) fn call(fence: &Fence<'_>, uses: &mut Uses, found: &mut Findings<'_>) -> Option<What> {
    let mut all = read_arguments(fence, uses, found)?;
    let page = all.remove("page")?.0;
    if page.contains("{{") {
        found.tell(fence.at, "which page is called is fixed, so that it can be checked", None);
        return None;
    }
    let inner = |(name, value): (String, Template)| Some((name.strip_prefix("with.")?.to_owned(), value));
    Some(What::Call { page, with: all.into_iter().filter_map(inner).collect() })
}

/// Arguments, those of a mapping within as `labels.service`.
fn read_arguments(fence: &Fence<'_>, uses: &mut Uses, found: &mut Findings<'_>) -> Option<BTreeMap<String, Template>> {
    let known = arguments(fence.kind);
    let empty = Node { at: fence.body_at, value: Value::Map(Vec::new()) };
    let node = if fence.body.trim().is_empty() { empty } else { yaml::read(fence.body, fence.body_at, found)? };
    let mut map = Map::of(node, &format!("a step of kind {}", fence.kind), found)?;
    let mut all: BTreeMap<String, (Place, String)> = BTreeMap::new();
    for argument in known {
        if argument.is_map {
            let inner = map::pairs_of(map.map(argument.name, found), found);
            if inner.is_empty() && argument.is_needed {
                found.tell(fence.at, format!("a step of kind {} lacks `{}`", fence.kind, argument.name), None);
            }
            all.extend(inner.into_iter().map(|(name, value)| (format!("{}.{name}", argument.name), value)));
            continue;
        }
        let value = if argument.is_needed { map.needed(argument.name, found) } else { map.text(argument.name, found) };
        let Some((at, value)) = value else { continue };
        if !argument.words.is_empty() && !argument.words.contains(&value.as_str()) {
            let known = argument.words.iter().copied();
            let hint = near(&value, known).unwrap_or_else(|| format!("it is one of {}", argument.words.join(", ")));
            found.tell(at, format!("{} can't be {}", argument.name, value.escape_debug()), Some(hint));
        }
        all.insert(argument.name.to_owned(), (at, value));
    }
    map.finish(found);
    for (at, text) in all.values() {
        uses.shown(*at, text);
    }
    Some(all.into_iter().map(|(name, (_, text))| (name, Template(text))).collect())
}
