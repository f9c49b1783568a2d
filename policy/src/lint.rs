//! What a rule must say of itself, and what a team's file may say at all.

use cedar_policy::{ActionConstraint, Effect, EntityUid, Policy, ResourceConstraint};

use crate::reads::{looks_at_approvals, looks_at_change};

/// The annotations that are known. Cedar takes any, so a slip of the pen would go unnoticed.
const KNOWN: &[&str] = &["id", "reason", "fix", "who", "needs"];

/// The longest sentence of a rule, in characters: it is told in chats.
const LONGEST: usize = 300;

/// What is wrong with a rule, each with a hint where there is one.
pub(crate) fn check(policy: &Policy, team: Option<&str>) -> Vec<(String, Option<String>)> {
    let mut wrong = Vec::new();
    let mut tell = |what: String, hint: Option<&str>| wrong.push((what, hint.map(str::to_owned)));
    match policy.annotation("id") {
        None => tell("the rule has no name".to_owned(), Some("put @id(\"a-name-with-hyphens\") before it")),
        Some(id) if !is_name(id) => tell(
            format!("{id:?} is no name for a rule"),
            Some("small letters, digits and hyphens, 60 at most; it is told to people"),
        ),
        Some(_) => {}
    }
    match policy.annotation("reason") {
        None => tell(
            "the rule says nothing to people".to_owned(),
            Some("put @reason(\"One sentence that says what holds.\") before it"),
        ),
        Some(reason) if !is_sentence(reason) => tell(
            "its @reason is no sentence".to_owned(),
            Some("one line with a full stop at its end, 300 characters at most"),
        ),
        Some(_) => {}
    }
    if policy.annotation("fix").is_some_and(|fix| !is_sentence(fix)) {
        tell(
            "its @fix is no sentence".to_owned(),
            Some("one line with a full stop at its end, 300 characters at most"),
        );
    }
    if let Some(who) = policy.annotation("who") {
        if policy.effect() == Effect::Forbid {
            tell("@who says for whom a rule is that allows something; this one forbids".to_owned(), None);
        }
        for word in who.split_whitespace().filter(|word| !is_who(word)) {
            tell(format!("{word:?} in @who is nobody"), Some("everyone, owner, role:NAME or team:NAME"));
        }
    }
    let speaks = looks_at_approvals(policy);
    match policy.annotation("needs") {
        Some("approvals") if policy.effect() == Effect::Permit => {
            tell("@needs is for rules that forbid until others have approved; this one allows".to_owned(), None);
        }
        Some("approvals") if !speaks => {
            tell("it @needs approvals, but does not look at context.change.approvals".to_owned(), None);
        }
        Some("approvals") => {}
        Some(other) => tell(format!("@needs(\"{other}\") is nothing that can be got"), Some("@needs(\"approvals\")")),
        None if speaks && policy.effect() == Effect::Forbid => tell(
            "it looks at approvals, but nobody would be asked for any".to_owned(),
            Some("put @needs(\"approvals\") before it"),
        ),
        None => {}
    }
    if policy.effect() == Effect::Permit && looks_at_change(policy) {
        tell(
            "it allows by what the change is, but is asked before anybody knows that".to_owned(),
            Some("allow it, and forbid it where the change is not as it should be"),
        );
    }
    let mut unknown: Vec<&str> = policy.annotations().map(|(key, _)| key).filter(|key| !KNOWN.contains(key)).collect();
    unknown.sort_unstable();
    for key in unknown {
        tell(format!("there is no annotation @{key}"), Some("@id, @reason, @fix, @who and @needs are read"));
    }
    if let Some(team) = team
        && let Some(what) = beyond(policy, team)
    {
        tell(what, Some("a central file (policies/*.cedar) may say that"));
    }
    wrong
}

/// What a rule of a team's file says about what is not the team's.
fn beyond(policy: &Policy, team: &str) -> Option<String> {
    let is_own = |uid: &EntityUid| uid.type_name().to_string() == "Team" && uid.id().unescaped() == team;
    let fenced = match policy.resource_constraint() {
        ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) => is_own(&uid),
        ResourceConstraint::Any | ResourceConstraint::Eq(_) | ResourceConstraint::Is(_) => false,
    };
    if !fenced {
        return Some(format!("a rule of the team {team} must be about its own services: resource in Team::{team:?}"));
    }
    match policy.action_constraint() {
        ActionConstraint::Any => {
            Some("a team's rule must name what it is about: action == … or action in …".to_owned())
        }
        ActionConstraint::Eq(uid) => central(&uid),
        ActionConstraint::In(uids) => uids.iter().find_map(central),
    }
}

/// Who approves and who freezes is not for those to say who are approved and frozen.
fn central(action: &EntityUid) -> Option<String> {
    let name = action.id().unescaped();
    matches!(name, "approve" | "freeze" | "unfreeze").then(|| format!("a team's file says nothing about {name}"))
}

fn is_name(id: &str) -> bool {
    (1..=60).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !id.starts_with('-')
        && !id.ends_with('-')
}

fn is_sentence(words: &str) -> bool {
    words.ends_with('.') && words.chars().count() <= LONGEST && !words.chars().any(char::is_control)
}

fn is_who(word: &str) -> bool {
    let named = |prefix: &str| word.strip_prefix(prefix).is_some_and(|name| !name.is_empty());
    word == "everyone" || word == "owner" || named("role:") || named("team:")
}
