//! The answer to a question: by which rules, and what people are told.
//!
//! What holds: a rule that can't be evaluated counts as one that forbids, because Cedar
//! itself passes it over, be it a rule that forbids; so does a question that can't be put.

use cedar_policy::{
    ActionConstraint, Decision, Entities, EntityUid, Policy, PolicyId, PolicySet, Request, ResourceConstraint, Response,
};
use operations::policy::{Gate, Question, Rule, Ruling};
use operations::settings::Settings;

use crate::Policies;
use crate::entities::{self, Put};

impl Gate for Policies {
    fn rule(&self, settings: &Settings, question: &Question<'_>) -> Ruling {
        match self.request(settings, question) {
            Ok((request, put)) => self.answer(&request, &put, question),
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

    fn answer(&self, request: &Request, put: &Put, question: &Question<'_>) -> Ruling {
        // Without this, somebody who may not at all would be told what stands in the way of those who may.
        let granted = self.authorizer.is_authorized(request, &self.permits, &put.entities);
        if let Some(why) = error_in(&granted) {
            return broken(&why);
        }
        if granted.decision() == Decision::Deny {
            return Ruling::Refused { rules: Vec::new(), who: self.who_may(question, put) };
        }
        let decided = self.authorizer.is_authorized(request, &self.all, &put.entities);
        if let Some(why) = error_in(&decided) {
            return broken(&why);
        }
        let rules = self.rules(decided.diagnostics().reason());
        match decided.decision() {
            Decision::Allow => Ruling::Allowed(rules),
            Decision::Deny => Ruling::Refused { rules, who: Vec::new() },
        }
    }

    /// The rules with these names, in the order of their names.
    fn rules<'a>(&self, ids: impl Iterator<Item = &'a PolicyId>) -> Vec<Rule> {
        let mut rules: Vec<Rule> = ids.map(|id| rule(&self.all, id)).collect();
        rules.sort();
        rules
    }

    /// Whom the rules are for that allow what is asked, about what it is asked about.
    fn who_may(&self, question: &Question<'_>, put: &Put) -> Vec<String> {
        let actions = self.schema.action_entities().unwrap_or_else(|_| Entities::empty());
        let Ok(action) = entities::uid("Action", question.verb.name()) else { return Vec::new() };
        let covers = |uid: &EntityUid| *uid == action || actions.is_ancestor_of(uid, &action);
        let is_about = |policy: &&Policy| match policy.action_constraint() {
            ActionConstraint::Any => true,
            ActionConstraint::Eq(uid) => uid == action,
            ActionConstraint::In(uids) => uids.iter().any(covers),
        };
        let is_in = |uid: &EntityUid| *uid == put.resource || put.entities.is_ancestor_of(uid, &put.resource);
        let reaches = |policy: &&Policy| match policy.resource_constraint() {
            ResourceConstraint::Any => true,
            ResourceConstraint::In(uid) => is_in(&uid),
            ResourceConstraint::Eq(uid) => uid == put.resource,
            ResourceConstraint::Is(kind) => kind == *put.resource.type_name(),
            ResourceConstraint::IsIn(kind, uid) => kind == *put.resource.type_name() && is_in(&uid),
        };
        let of = self.permits.policies().filter(is_about).filter(reaches);
        let mut who: Vec<String> = of
            .filter_map(|policy| policy.annotation("who"))
            .flat_map(str::split_whitespace)
            .map(str::to_owned)
            .collect();
        who.sort();
        who.dedup();
        who
    }
}

fn rule(policies: &PolicySet, id: &PolicyId) -> Rule {
    let says = |key: &str| policies.annotation(id, key).map(str::to_owned);
    Rule { id: id.to_string(), reason: says("reason").unwrap_or_default(), fix: says("fix") }
}

fn error_in(response: &Response) -> Option<String> {
    response.diagnostics().errors().next().map(ToString::to_string)
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
