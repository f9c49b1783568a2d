//! The answer to a question: by which rules, and what people are told.
//!
//! What holds: a rule that can't be evaluated counts as one that forbids, because Cedar
//! itself passes it over, be it a rule that forbids; so does a question that can't be put.

use cedar_policy::{
    ActionConstraint, Decision, Entities, EntityUid, Policy, PolicyId, Request, ResourceConstraint, Response,
};
use operations::policy::{Gate, Question, Rule, Ruling, Verb};
use operations::settings::Settings;

use crate::entities::{self, Put};
use crate::{About, Policies, Says};

impl Gate for Policies {
    fn rule(&self, settings: &Settings, question: &Question<'_>) -> Ruling {
        match self.request(settings, question) {
            Ok((request, put)) => match self.about.get(&question.verb) {
                Some(about) => self.answer(about, settings, &request, &put, question),
                None => broken("there are no rules about it"),
            },
            Err(why) => broken(&why),
        }
    }

    fn version(&self) -> &str {
        &self.version
    }

    fn count(&self) -> usize {
        self.count
    }
}

impl Policies {
    fn request(&self, settings: &Settings, question: &Question<'_>) -> Result<(Request, Put), String> {
        let put = entities::put(settings, question, &self.schema).map_err(|error| error.to_string())?;
        let action = entities::uid("Action", question.verb.name()).map_err(|error| error.to_string())?;
        let (principal, resource) = (put.principal.clone(), put.resource.clone());
        let request = Request::new(principal, action, resource, put.context.clone(), Some(&self.schema));
        Ok((request.map_err(|error| error.to_string())?, put))
    }

    fn answer(
        &self,
        about: &About,
        settings: &Settings,
        request: &Request,
        put: &Put,
        question: &Question<'_>,
    ) -> Ruling {
        // Without this, somebody who may not at all would be told what stands in the way of those who may.
        let granted = self.authorizer.is_authorized(request, &about.permits, &put.entities);
        if let Some(why) = error_in(&granted) {
            return broken(&why);
        }
        if granted.decision() == Decision::Deny {
            return Ruling::Refused { rules: Vec::new(), who: self.who_may(question.verb, put) };
        }
        // What a rule says of the change is known only once there is a plan.
        let is_before = question.verb.is_change() && question.change.is_none();
        let rules = if is_before { &about.before } else { &about.all };
        let decided = self.authorizer.is_authorized(request, rules, &put.entities);
        if let Some(why) = error_in(&decided) {
            return broken(&why);
        }
        let rules = self.rules(decided.diagnostics().reason());
        match decided.decision() {
            Decision::Allow => Ruling::Allowed(rules),
            Decision::Deny => match self.needed(about, settings, question, put, decided.diagnostics().reason()) {
                Some((needs, who)) => Ruling::Approval { needs, rules, who },
                None => Ruling::Refused { rules, who: Vec::new() },
            },
        }
    }

    /// The rules with these names, in the order of their names.
    fn rules<'a>(&self, ids: impl Iterator<Item = &'a PolicyId>) -> Vec<Rule> {
        let mut rules: Vec<Rule> = ids.filter_map(|id| self.says.get(id)).map(|says| says.rule.clone()).collect();
        rules.sort();
        rules
    }

    /// Whom the rules are for that allow a verb, about what is asked about.
    pub(crate) fn who_may(&self, verb: Verb, put: &Put) -> Vec<String> {
        let mut who: Vec<String> = self.permits(verb, put).filter_map(|says| says.who.clone()).flatten().collect();
        who.sort();
        who.dedup();
        who
    }

    /// What the rules say that allow a verb to some, about what is asked about.
    pub(crate) fn permits<'a>(&'a self, verb: Verb, put: &'a Put) -> impl Iterator<Item = &'a Says> {
        let permits = self.about.get(&verb).map(|about| about.permits.policies());
        permits.into_iter().flatten().filter(|rule| reaches(rule, put)).filter_map(|rule| self.says.get(rule.id()))
    }
}

/// Whether a rule is about a verb.
pub(crate) fn is_about(rule: &Policy, verb: Verb, actions: &Entities) -> bool {
    let Ok(action) = entities::uid("Action", verb.name()) else { return true };
    match rule.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(uid) => uid == action,
        ActionConstraint::In(uids) => uids.iter().any(|uid| *uid == action || actions.is_ancestor_of(uid, &action)),
    }
}

/// Whether a rule is about what is asked about.
pub(crate) fn reaches(rule: &Policy, put: &Put) -> bool {
    let is_in = |uid: &EntityUid| *uid == put.resource || put.entities.is_ancestor_of(uid, &put.resource);
    match rule.resource_constraint() {
        ResourceConstraint::Any => true,
        ResourceConstraint::In(uid) => is_in(&uid),
        ResourceConstraint::Eq(uid) => uid == put.resource,
        ResourceConstraint::Is(kind) => kind == *put.resource.type_name(),
        ResourceConstraint::IsIn(kind, uid) => kind == *put.resource.type_name() && is_in(&uid),
    }
}

fn error_in(response: &Response) -> Option<String> {
    response.diagnostics().errors().next().map(ToString::to_string)
}

/// Whether a rule that forbids yields to approvals.
pub(crate) fn yields(rule: &Policy) -> bool {
    rule.annotation("needs") == Some("approvals")
}

/// A rule that can't be evaluated must not be one that is passed over.
fn broken(why: &str) -> Ruling {
    let rule = Rule {
        id: "cannot-be-evaluated".to_owned(),
        reason: "The rules could not be asked, and what can't be asked is refused.".to_owned(),
        fix: Some(format!("Tell whoever runs Muster: {why}.")),
    };
    Ruling::Refused { rules: vec![rule], who: Vec::new() }
}
