//! The shipped rules about deploys, how many approvals they want, and the ways in which Cedar alone would let a
//! change through.

mod approvals;
mod world;

use operations::policy::{Change, Ruling, Verb};
use operations::settings::{Holders, Settings};
use policy::Policies;

use crate::world::*;

#[test]
fn who_may_do_what_with_deploys() {
    holds(
        &Policies::shipped(),
        &settings(),
        "# Everybody looks and works incidents.
         vi       view     environment:checkout/production  => allowed everyone-views
         stranger view     environment:checkout/production  => allowed everyone-views
         stranger work     incident:checkout                => allowed everyone-responds
         # But guests of the workspace, and whoever was deactivated.
         stranger view     workspace guest=true             => refused guests
         stranger work     incident:checkout guest=true     => refused guests
         vi       work     incident:checkout guest=true     => allowed everyone-responds
         vi       view     workspace deactivated=true       => refused left
         dee      deploy   environment:checkout/staging deactivated=true guest=false => refused left
         vi       deploy   environment:checkout/staging     => refused
         vi       rollback environment:checkout/staging     => refused
         vi       promote  environment:checkout/production  => refused
         vi       approve  environment:checkout/production  => refused
         vi       steer    environment:checkout/production  => refused
         vi       lock     environment:checkout/staging     => refused
         vi       freeze   workspace                        => refused
         # Whoever deploys neither approves nor freezes.
         dee      deploy   environment:checkout/staging     => allowed deployers-deploy
         dee      rollback environment:checkout/production  => allowed deployers-deploy
         dee      promote  environment:checkout/production  => approval:1 production-needs-others
         dee      steer    environment:checkout/production  => allowed deployers-operate
         dee      lock     environment:checkout/staging     => allowed deployers-operate
         dee      unlock   environment:checkout/staging     => allowed deployers-operate
         dee      approve  environment:checkout/production  => refused
         dee      freeze   environment:checkout/production  => refused
         dee      unfreeze workspace                        => refused
         # Whoever approves does not deploy.
         amy      approve  environment:checkout/production  => allowed approvers-approve
         amy      lock     environment:checkout/production  => allowed deployers-operate
         amy      freeze   workspace                        => allowed approvers-freeze
         amy      unfreeze service:checkout                 => allowed approvers-freeze
         amy      deploy   environment:checkout/staging     => refused
         amy      rollback environment:checkout/staging     => refused
         # A role of a team is had by its people, on either chat.
         sam      approve  environment:checkout/production platform=discord => allowed approvers-approve
         sam      approve  environment:checkout/production platform=cli     => allowed approvers-approve
         # An admin does all of it, with others' approval.
         zed      deploy   environment:checkout/staging     => allowed deployers-deploy
         zed      deploy   environment:checkout/production  => approval:1 production-needs-others
         zed      approve  environment:checkout/production  => allowed approvers-approve
         zed      freeze   service:checkout                 => allowed approvers-freeze
         # The owners do it with what they own.
         oz       deploy   environment:checkout/staging     => allowed deployers-deploy
         oz       approve  environment:checkout/production  => allowed approvers-approve
         oz       steer    environment:vault/production     => allowed deployers-operate
         oz       deploy   environment:orphan/staging       => refused
         oz       approve  environment:orphan/production    => refused
         oz       freeze   service:checkout                 => refused
         # Whoever has left does nothing.
         gone     view     workspace                        => refused left
         gone     approve  environment:checkout/production  => refused left
         gone     freeze   workspace                        => refused left
        ",
    );
}

#[test]
fn production_is_for_two_and_what_speaks_against_it_is_said_at_once() {
    holds(
        &Policies::shipped(),
        &settings(),
        "dee deploy  environment:checkout/production                    => approval:1 production-needs-others
         dee deploy  environment:checkout/production approvals=amy      => allowed deployers-deploy
         dee deploy  environment:vault/production                       => approval:2 production-needs-others
         dee deploy  environment:vault/production    approvals=amy      => approval:1 production-needs-others
         dee promote environment:vault/production    approvals=amy,oz   => allowed deployers-deploy
         # Each person counts once, where they may approve, and never who asks.
         dee deploy  environment:vault/production    approvals=amy,amy  => approval:1
         zed deploy  environment:vault/production    approvals=zed,amy  => approval:1
         dee deploy  environment:vault/production    approvals=vi,gone,stranger,dee => approval:2
         oz  deploy  environment:vault/production    approvals=olga,sam platform=discord => allowed
         # A freeze is gone through with a reason, and with approval all the same.
         dee deploy  environment:checkout/staging frozen=true                               => refused freeze
         dee promote environment:checkout/staging frozen=true                               => refused freeze
         dee deploy  environment:checkout/staging frozen=true breakGlass=true              => refused freeze
         dee deploy  environment:checkout/staging frozen=true reason=true                   => refused freeze
         dee deploy  environment:checkout/staging frozen=true breakGlass=true reason=true  => allowed
         dee deploy  environment:checkout/production frozen=true                            => refused freeze production-needs-others
         dee deploy  environment:checkout/production frozen=true breakGlass=true reason=true => approval:1
         dee deploy  environment:checkout/production approvals=amy frozen=true              => refused freeze
         # So are the order and the checks.
         dee deploy  environment:checkout/staging tested=false                              => refused in-order
         dee deploy  environment:checkout/staging tested=false breakGlass=true             => refused in-order
         dee deploy  environment:checkout/staging tested=false breakGlass=true reason=true => allowed
         dee deploy  environment:checkout/staging checks=failed                             => refused checks
         dee deploy  environment:checkout/staging checks=failed breakGlass=true reason=true => allowed
         dee deploy  environment:checkout/staging checks=pending                            => allowed
         dee deploy  environment:checkout/staging checks=unknown                            => allowed
         dee deploy  environment:checkout/staging checks=failed tested=false frozen=true    => refused checks freeze in-order
         # Going back is free of all of it.
         dee rollback environment:vault/production frozen=true tested=false checks=failed   => allowed deployers-deploy
         vi  rollback environment:vault/production                                          => refused
        ",
    );
}

#[test]
fn what_can_not_be_evaluated_refuses_a_change_and_the_search_for_approvals() {
    // Cedar passes over a rule that overflows: nothing would forbid it.
    let always = shipped_and(
        "@id(\"overflows\") @reason(\"No.\") forbid (principal, action == Action::\"deploy\", resource)
         when { context.change.commits * 9223372036854775807 < 0 };",
    );
    assert_eq!(
        needs(&always, &settings(), "dee", "checkout/staging", &[]),
        Err(vec!["cannot-be-evaluated".to_owned()])
    );
    assert_eq!(
        needs(&always, &settings(), "amy", "checkout/staging", &[]),
        Err(vec![]),
        "no rule gives her that anyway"
    );
    // One that overflows once somebody has approved: their approval would not help.
    let then = shipped_and(
        "@id(\"overflows\") @reason(\"No.\") @needs(\"approvals\") forbid (principal, action == Action::\"deploy\", resource)
         when { context.change.approvals.total * 9223372036854775807 * 2 < 1 };",
    );
    assert_eq!(needs(&then, &settings(), "dee", "checkout/staging", &[]), Err(vec!["overflows".to_owned()]));
    assert_eq!(
        needs(&then, &settings(), "dee", "checkout/staging", &["amy"]),
        Err(vec!["cannot-be-evaluated".to_owned()])
    );
    // And one that overflows only for who could approve: nobody may.
    let who = shipped_and(
        "@id(\"overflows\") @reason(\"No.\") forbid (principal, action == Action::\"approve\", resource)
         when { context.at.hour * 9223372036854775807 < 0 };",
    );
    assert_eq!(
        needs(&who, &settings(), "dee", "checkout/production", &[]),
        Err(vec!["production-needs-others".to_owned()])
    );
}

#[test]
fn what_is_not_known_is_taken_for_what_needs_most_care() {
    let (gate, all) = (Policies::shipped(), settings());
    // No such environment, no such service: no number of approvals is enough, and it counts as production.
    assert!(needs(&gate, &all, "zed", "checkout/prodution", &["amy", "abe", "sam"]).is_err());
    assert!(needs(&gate, &all, "zed", "chekout/staging", &["amy", "abe", "sam"]).is_err());
    let production = shipped_and(
        "@id(\"shut\") @reason(\"Shut.\") forbid (principal, action in Action::\"change\", resource) when { resource.production };",
    );
    let refused = asked(&production, &all, "zed", "checkout/prodution", None);
    assert!(matches!(&refused, Ruling::Refused { rules, .. } if rules[0].id == "shut"), "{refused:?}");
    // What nobody owns is nobody's, also of whoever is in no team.
    assert!(matches!(asked(&gate, &all, "vi", "orphan/staging", Some(&change(&[]))), Ruling::Refused { .. }));
    // A change that nothing is known of is neither tested nor passed, nor approved.
    let ruling = asked(&gate, &all, "dee", "checkout/production", Some(&Change::default()));
    let Ruling::Refused { rules, .. } = ruling else { panic!("it is refused") };
    assert_eq!(rules.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["in-order", "production-needs-others"]);
    let unknown = shipped_and(
        "@id(\"known\") @reason(\"Known.\") forbid (principal, action == Action::\"deploy\", resource)
         unless { context.change.reference == Reference::\"tag\" && context.change.checks == Checks::\"passed\" };",
    );
    let bare = Change { tested: true, ..Change::default() };
    assert!(matches!(asked(&unknown, &all, "dee", "checkout/staging", Some(&bare)), Ruling::Refused { .. }));
    // An approval of somebody who is in no file counts as a person without teams and roles.
    let role = shipped_and(
        "@id(\"admin\") @reason(\"Admin.\") @needs(\"approvals\") forbid (principal, action == Action::\"deploy\", resource)
         unless { context.change.approvals.roles.contains(Role::\"admin\") };",
    );
    assert_eq!(needs(&role, &all, "dee", "checkout/staging", &["nobody-known"]), Ok(1));
}

#[test]
fn a_rule_that_would_not_hold_is_not_taken() {
    for (text, what) in [
        // What is missing in the context or the schema would be an error, and an error is passed over.
        ("forbid (principal, action == Action::\"deploy\", resource) when { context.change.frozn };", "frozn"),
        ("forbid (principal, action == Action::\"deploy\", resource) when { context.frozen };", "frozen"),
        ("forbid (principal, action == Action::\"approve\", resource) when { context.change.frozen };", "change"),
        ("forbid (principal, action, resource) when { context.change.frozen };", "change"),
        ("forbid (principal, action == Action::\"deploy\", resource) when { resource.stage == \"x\" };", "stage"),
        ("forbid (principal, action == Action::\"freeze\", resource) when { resource.production };", "production"),
        ("forbid (principal, action == Action::\"deploi\", resource);", "did you mean `Action::\"deploy\"`?"),
        ("forbid (principal, action == Action::\"deploy\", resource) when { context.change.commits == \"many\" };", ""),
        (
            "forbid (principal, action == Action::\"deploy\", resource) when { context.at.weekday == Weekday::\"friday\" };",
            "friday",
        ),
        (
            "forbid (principal, action == Action::\"deploy\", resource) when { context.change.reference == Reference::\"main\" };",
            "main",
        ),
        (
            "forbid (principal, action == Action::\"deploy\", resource) when { context.change.checks == Checks::\"green\" };",
            "green",
        ),
        (
            "forbid (principal, action == Action::\"deploy\", resource) when { context.change.checks == \"failed\" };",
            "",
        ),
        ("forbid (principal, action == Action::\"deploy\", resource is Service);", ""),
        // Too far away to be given.
        (
            "forbid (principal, action == Action::\"deploy\", resource) when { resource.service.owner == Team::\"x\" };",
            "",
        ),
        // Approvals that nobody would be asked for.
        (
            "forbid (principal, action == Action::\"deploy\", resource) when { context.change.approvals.total < 2 };",
            "nobody would be asked for any",
        ),
        (
            "forbid (principal, action == Action::\"deploy\", resource)
             unless { (if context.change.frozen then context.change else context.change).approvals.owners > 0 };",
            "nobody would be asked for any",
        ),
        (
            "permit (principal, action == Action::\"deploy\", resource) when { context.change.approvals.total > 1 };",
            "is asked before anybody knows that",
        ),
        (
            "permit (principal, action == Action::\"deploy\", resource) when { context.change.reference == Reference::\"tag\" };",
            "is asked before anybody knows that",
        ),
        ("permit (principal, action, resource) when { context has change };", "is asked before anybody knows that"),
        // Approvals that would change nothing.
        (
            "@needs(\"approvals\") forbid (principal, action == Action::\"deploy\", resource) when { context.change.frozen };",
            "does not look at context.change.approvals",
        ),
        (
            "@needs(\"approvals\") forbid (principal, action == Action::\"deploy\", resource) when { resource.approvals > 3 };",
            "does not look at context.change.approvals",
        ),
        (
            "@needs(\"approvals\") permit (principal, action == Action::\"deploy\", resource);",
            "@needs is for rules that forbid",
        ),
        (
            "@needs(\"coffee\") forbid (principal, action == Action::\"deploy\", resource) when { context.change.frozen };",
            "is nothing that can be got",
        ),
    ] {
        let told = wrong(None, &format!("@id(\"x\") @reason(\"X.\")\n{text}"));
        assert!(!told.is_empty() && told.contains(what), "{text}: {told:?}");
    }
    // How many have to approve is the environment's, and may be looked at.
    for text in [
        "forbid (principal, action == Action::\"deploy\", resource) when { context.change.frozen && resource.approvals > 0 };",
        "permit (principal, action == Action::\"deploy\", resource) when { resource.approvals == 0 };",
        "@needs(\"approvals\") forbid (principal, action == Action::\"rollback\", resource)
         when { context.change.approvals.total < resource.approvals };",
    ] {
        assert_eq!(wrong(None, &format!("@id(\"x\") @reason(\"X.\")\n{text}")), "", "{text}");
    }
}

#[test]
fn a_teams_file_says_nothing_about_approving_and_freezing_and_opens_no_door_that_the_centre_shut() {
    for action in [
        "action == Action::\"approve\"",
        "action == Action::\"freeze\"",
        "action == Action::\"unfreeze\"",
        "action in [Action::\"deploy\", Action::\"approve\"]",
        "action in [Action::\"unfreeze\"]",
    ] {
        for effect in ["permit", "forbid"] {
            let text =
                format!("@id(\"x\") @reason(\"X.\")\n{effect} (principal, {action}, resource in Team::\"payments\");");
            let told = wrong(Some("payments"), &text);
            assert!(told.contains("x.cedar:1:1 a team's file says nothing about"), "{action}: {told:?}");
            assert_eq!(wrong(None, &text), "", "the centre may");
        }
    }
    let told = wrong(
        Some("payments"),
        "@id(\"x\") @reason(\"X.\")\npermit (principal, action in Action::\"change\", resource in Team::\"search\");",
    );
    assert!(told.contains("must be about its own services"), "{told}");
    let open = "@id(\"open\") @reason(\"Ours is open.\") @who(\"everyone\")
                permit (principal, action in [Action::\"change\", Action::\"operate\"], resource in Team::\"payments\");";
    let files = [file("default.cedar", None, policy::DEFAULT), file("teams/payments.cedar", Some("payments"), open)];
    let gate = Policies::read(&files).unwrap_or_else(|problems| panic!("{problems:?}"));
    holds(
        &gate,
        &settings(),
        "vi       deploy  environment:checkout/staging                   => allowed payments/open
         stranger lock    environment:checkout/staging                   => allowed payments/open
         vi       deploy  environment:checkout/production                => approval:1 production-needs-others
         vi       deploy  environment:checkout/staging frozen=true       => refused freeze
         vi       deploy  environment:checkout/staging checks=failed     => refused checks
         gone     deploy  environment:checkout/staging                   => refused left
         vi       approve environment:checkout/production                => refused
         vi       deploy  environment:orphan/staging                     => refused
        ",
    );
}

/// What stands between two lines of the documentation.
fn documented(begin: &str) -> &'static str {
    let text = include_str!("../../../docs/policies.md");
    let (_, rest) = text.split_once(begin).expect("it stands there");
    rest.split_once("\n```").expect("it ends").0
}

#[test]
fn the_documentation_says_what_is_so() {
    let gate = shipped_and(documented("```cedar\n"));
    let role = |people: &[&str]| Holders { people: keys(people), teams: keys(&[]) };
    let settings = Settings {
        people: ["ann", "bo", "bob"].map(person).into_iter().collect(),
        teams: [("payments".to_owned(), keys(&["ann", "bo"]))].into(),
        roles: [("lead".to_owned(), role(&["ann"])), ("approver".to_owned(), role(&["bob"]))].into(),
        services: vec![service("checkout", Some("payments"), 1)].into(),
        ..Settings::default()
    };
    holds(&gate, &settings, &format!("# who{}", documented("```text\n# who")));
    // Every rule, verb and attribute is named.
    let text = include_str!("../../../docs/policies.md");
    for line in policy::DEFAULT.lines().filter_map(|line| line.strip_prefix("@id(\"")) {
        let id = line.trim_end_matches("\")");
        assert!(text.contains(&format!("`{id}`")), "{id}");
    }
    for verb in Verb::ALL {
        assert!(text.contains(&format!("`{}`", verb.name())), "{verb:?}");
    }
    let (_, change) = policy::SCHEMA.split_once("type Change = {").expect("it is in the schema");
    let (change, _) = change.split_once('}').expect("it ends");
    for attribute in change.split(',').filter_map(|part| part.split_once(':')).map(|(name, _)| name.trim()) {
        let named = text.contains(&format!("`{attribute}`")) || text.contains(&format!("`{attribute}."));
        assert!(named, "{attribute}");
    }
}
