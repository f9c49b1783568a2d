//! Files of rules: parsed one by one, named, checked against the schema, put together.
//!
//! What holds: a rule keeps the name that its `@id` gives it, and no two rules share one; a
//! team's file can say nothing about what is not the team's; a rule that could never decide
//! anything is a mistake.

use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;
use operations::policy::Verb;
use operations::problem::Problem;

use crate::SCHEMA;
use crate::lint;
use crate::names::{self, Named};

/// A file of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, for people.
    pub name: String,
    /// What stands in it.
    pub text: String,
    /// The team whose file it is; none for the central ones.
    pub team: Option<String>,
}

/// The shipped schema.
pub(crate) fn schema() -> Schema {
    match Schema::from_cedarschema_str(SCHEMA) {
        Ok((schema, _)) => schema,
        Err(error) => panic!("the shipped schema holds: {error}"),
    }
}

/// Reads files and puts their rules together.
pub(crate) fn read(files: &[File], schema: &Schema) -> Result<(PolicySet, Vec<Named>), Vec<Problem>> {
    let mut problems = Vec::new();
    let mut all = PolicySet::new();
    let mut named = Vec::new();
    for file in files {
        let mut wrong = Vec::new();
        for (at, rule) in one(file, schema, &mut wrong) {
            named.extend(names::named(file, at, &rule));
            let id = rule.id().to_string();
            if all.add(rule).is_err() {
                let what = format!("there is another rule with the name {id}");
                let hint = "every @id must be a name of its own".to_owned();
                wrong.push(problem(file, Some(at), what, Some(hint)));
            }
        }
        wrong.sort_by(|one, other| (one.line, one.column, &one.what).cmp(&(other.line, other.column, &other.what)));
        wrong.dedup();
        problems.extend(wrong);
    }
    if problems.is_empty() { Ok((all, named)) } else { Err(problems) }
}

/// The rules of a file that have a name, with where they begin, in their order; and what is wrong with any of them.
fn one(file: &File, schema: &Schema, problems: &mut Vec<Problem>) -> Vec<(usize, Policy)> {
    let set: PolicySet = match file.text.parse() {
        Ok(set) => set,
        Err(errors) => {
            let errors: cedar_policy::ParseErrors = errors;
            problems.extend(errors.iter().map(|error| told(file, error)));
            return Vec::new();
        }
    };
    if set.templates().next().is_some() {
        let what = "a rule with ?principal or ?resource is a template, which nothing fills in".to_owned();
        problems.push(problem(file, None, what, None));
    }
    let begins = begins(&file.text);
    let mut rules = Vec::new();
    let mut checked = PolicySet::new();
    for rule in set.policies() {
        // Without names of their own they are numbered as they stand.
        let number = rule.id().to_string().strip_prefix("policy").and_then(|number| number.parse::<usize>().ok());
        let at = number.and_then(|number| begins.get(number)).copied().unwrap_or_default();
        for (what, hint) in lint::check(rule, file.team.as_deref()) {
            problems.push(problem(file, Some(at), what, hint));
        }
        if let Some(id) = rule.annotation("id") {
            let id = file.team.as_ref().map_or_else(|| id.to_owned(), |team| format!("{team}/{id}"));
            rules.push((at, rule.new_id(PolicyId::new(id))));
        }
        // Under a name that is no other's, or nothing would be said of the second of two.
        let _ = checked.add(rule.new_id(PolicyId::new(format!("rule {}", checked.policies().count() + 1))));
    }
    let result = Validator::new(schema.clone()).validate_with_level(&checked, ValidationMode::Strict, 1);
    problems.extend(result.validation_errors().map(|error| told(file, error)));
    problems.extend(result.validation_warnings().map(|warning| told(file, warning)));
    rules.sort_by_key(|(at, _)| *at);
    rules
}

/// Where each rule of a text begins: behind the semicolon of the one before, without what is said in between.
fn begins(text: &str) -> Vec<usize> {
    let mut begins = Vec::new();
    let (mut in_string, mut in_rule) = (false, false);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if in_string => drop(chars.next()),
            '"' => in_string = !in_string,
            '/' if !in_string && chars.peek().is_some_and(|(_, next)| *next == '/') => {
                chars.by_ref().find(|(_, c)| *c == '\n');
            }
            ';' if !in_string => in_rule = false,
            c if !in_string && !in_rule && !c.is_whitespace() => {
                in_rule = true;
                begins.push(at);
            }
            _ => {}
        }
    }
    begins
}

fn told(file: &File, error: &dyn Diagnostic) -> Problem {
    let at = error.labels().and_then(|mut labels| labels.next()).map(|label| label.offset());
    let what = one_line(&error.to_string());
    let hint = nearest_action(&what).or_else(|| error.help().map(|help| one_line(&help.to_string())));
    problem(file, at, what, hint)
}

/// The action that was meant where one is told not to be known: Cedar itself names any of them.
fn nearest_action(what: &str) -> Option<String> {
    let (_, rest) = what.split_once("unrecognized action `Action::\"")?;
    let (said, _) = rest.split_once('"')?;
    let known = Verb::ALL.iter().map(|verb| verb.name()).chain(["read", "respond", "change", "operate"]);
    let alike = known.map(|known| (strsim::jaro_winkler(said, known), known));
    let (_, near) = alike.max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    Some(format!("did you mean `Action::\"{near}\"`?"))
}

/// Words that may repeat what stands in a file: nothing in them steers a terminal.
fn one_line(words: &str) -> String {
    let words: String = words.chars().filter(|c| c.is_whitespace() || !c.is_control()).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(crate) fn problem(file: &File, at: Option<usize>, what: String, hint: Option<String>) -> Problem {
    let before = file.text.get(..at.unwrap_or_default()).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Problem { file: file.name.clone(), line, column, what, hint }
}
