//! How many approvals are asked for, and of whom.

use std::collections::BTreeMap;

use operations::policy::Ruling;
use operations::settings::{Holders, Person, Settings};
use policy::Policies;

use crate::world::*;

#[test]
fn as_many_approvals_are_asked_for_as_there_can_be_and_not_one_more() {
    let (gate, all) = (Policies::shipped(), settings());
    // Amy, Abe, Sam, Zed, Oz and Olga may approve; Gone has left.
    assert_eq!(
        needs(&gate, &all, "dee", "strongroom/production", &[]),
        Err(vec!["production-needs-others".to_owned()])
    );
    assert_eq!(
        needs(&gate, &all, "dee", "strongroom/production", &["amy"]),
        Err(vec!["production-needs-others".to_owned()])
    );
    let with = |approvals: u32| {
        let services = vec![service("strongroom", Some("payments"), approvals)];
        Settings { services: services.into(), ..settings() }
    };
    assert_eq!(needs(&gate, &with(6), "dee", "strongroom/production", &[]), Ok(6));
    assert_eq!(needs(&gate, &with(6), "dee", "strongroom/production", &["amy", "oz"]), Ok(4));
    // Whoever asks is not one of them, on whichever chat: the same on both is one person.
    assert!(needs(&gate, &with(6), "zed", "strongroom/production", &[]).is_err());
    assert_eq!(needs(&gate, &with(5), "zed", "strongroom/production", &[]), Ok(5));
    assert!(needs(&gate, &with(6), "oz", "strongroom/production", &["amy"]).is_err());
    // Nobody is asked for more than nine.
    assert!(needs(&gate, &with(10), "dee", "strongroom/production", &[]).is_err());
    // Without anybody who may approve, none are asked for.
    let nobody =
        Settings { roles: BTreeMap::from([("deployer".to_owned(), all.roles["deployer"].clone())]), ..settings() };
    assert!(needs(&gate, &nobody, "dee", "orphan/production", &[]).is_err());
    let Ruling::Approval { who, .. } = asked(&gate, &all, "dee", "checkout/production", Some(&change(&[]))) else {
        panic!("it needs an approval");
    };
    assert_eq!(who, ["owner", "role:admin", "role:approver"]);
}

#[test]
fn an_owner_and_one_of_another_team_are_two_people_where_there_are_such_two() {
    let gate = shipped_and(
        "@id(\"both-sides\") @reason(\"One who owns it and one of search approve it.\") @needs(\"approvals\")
         forbid (principal, action == Action::\"deploy\", resource)
         unless { context.change.approvals.owners >= 1 && context.change.approvals.teams.contains(Team::\"search\") };",
    );
    let all = settings();
    assert_eq!(needs(&gate, &all, "dee", "checkout/production", &[]), Ok(2));
    assert_eq!(needs(&gate, &all, "dee", "checkout/production", &["oz"]), Ok(1));
    assert_eq!(needs(&gate, &all, "dee", "checkout/production", &["amy"]), Ok(2), "she is neither");
    assert_eq!(needs(&gate, &all, "dee", "checkout/production", &["oz", "olga"]), Ok(1));
    assert_eq!(needs(&gate, &all, "dee", "checkout/production", &["oz", "sam"]), Ok(0));
    assert_eq!(needs(&gate, &all, "oz", "checkout/production", &[]), Ok(2), "Olga is left");
    // Nobody owns it, so no owner can approve.
    assert!(needs(&gate, &all, "dee", "orphan/production", &[]).is_err());
    // One who is both is enough for both.
    let teams = [("payments".to_owned(), keys(&["oz", "sam"])), ("search".to_owned(), keys(&["sam"]))];
    let one = Settings { teams: teams.into(), ..settings() };
    assert_eq!(needs(&gate, &one, "dee", "checkout/production", &[]), Ok(1));
}

#[test]
fn people_are_counted_as_rules_tell_them_apart() {
    // Two owners: Oz and Olga, and where Oz asks, Olga alone.
    let owners = shipped_and(
        "@id(\"two-owners\") @reason(\"Two who own it approve it.\") @needs(\"approvals\")
         forbid (principal, action == Action::\"deploy\", resource) when { context.change.approvals.owners < 2 };",
    );
    assert_eq!(needs(&owners, &settings(), "dee", "checkout/production", &[]), Ok(2));
    assert!(needs(&owners, &settings(), "oz", "checkout/production", &[]).is_err(), "an owner alone is left");
    assert_eq!(needs(&owners, &settings(), "dee", "checkout/production", &["amy", "oz"]), Ok(1));
    // Somebody who isn't of one's own team.
    let elsewhere = shipped_and(
        "@id(\"elsewhere\") @reason(\"Nobody of the own team approves.\") @needs(\"approvals\")
         forbid (principal, action == Action::\"deploy\", resource)
         when { context.change.approvals.total < 1 || principal in context.change.approvals.teams };",
    );
    assert_eq!(needs(&elsewhere, &settings(), "oz", "checkout/production", &[]), Ok(1), "Amy");
    assert!(needs(&elsewhere, &settings(), "oz", "checkout/production", &["olga"]).is_err(), "it is spoilt");
    // Somebody without any team.
    let loner = shipped_and(
        "@id(\"loner\") @reason(\"Somebody without a team approves.\") @needs(\"approvals\")
         forbid (principal, action == Action::\"deploy\", resource)
         unless { context.change.approvals.total > 0 && context.change.approvals.teams.isEmpty() };",
    );
    assert_eq!(needs(&loner, &settings(), "dee", "checkout/production", &[]), Ok(1));
    let teams = [("all".to_owned(), keys(&["amy", "abe", "zed"])), ("search".to_owned(), keys(&["sam"]))];
    let none = Settings { teams: teams.into(), ..settings() };
    assert!(needs(&loner, &none, "dee", "checkout/production", &[]).is_err(), "each of them is in a team");
    // A role that a team has.
    let role = shipped_and(
        "@id(\"both-roles\") @reason(\"An admin and an approver approve it.\") @needs(\"approvals\")
         forbid (principal, action == Action::\"deploy\", resource)
         unless { context.change.approvals.roles.containsAll([Role::\"admin\", Role::\"approver\"]) };",
    );
    assert_eq!(needs(&role, &settings(), "dee", "checkout/production", &[]), Ok(2));
    assert_eq!(needs(&role, &settings(), "dee", "checkout/production", &["sam"]), Ok(1), "approver as one of search");
    assert_eq!(needs(&role, &settings(), "dee", "checkout/production", &["zed", "sam"]), Ok(0));
    assert!(needs(&role, &settings(), "zed", "checkout/production", &[]).is_err(), "there is no other admin");
    let two = shipped_and(
        "@id(\"few\") @reason(\"One approves, and no more.\") @needs(\"approvals\")
         forbid (principal, action == Action::\"deploy\", resource) when { context.change.approvals.total != 3 };",
    );
    assert_eq!(needs(&two, &settings(), "dee", "checkout/production", &["amy"]), Ok(2));
    assert!(needs(&two, &settings(), "dee", "checkout/production", &["amy", "abe", "sam", "zed"]).is_err());
}

#[test]
fn the_one_who_can_help_is_found_among_thousands() {
    let gate = shipped_and(
        "@id(\"the-board\") @reason(\"One of the board approves it.\") @needs(\"approvals\")
         forbid (principal, action == Action::\"deploy\", resource)
         unless { context.change.approvals.teams.contains(Team::\"board\") };",
    );
    let all: Vec<String> = (0..3_000).map(|number| format!("p{number}")).collect();
    let mut teams: BTreeMap<String, std::collections::BTreeSet<String>> =
        (0..50).map(|team| (format!("t{team}"), all.iter().skip(team * 60).take(60).cloned().collect())).collect();
    teams.insert("board".to_owned(), keys(&["p2999"]));
    teams.insert("payments".to_owned(), all.iter().cloned().collect());
    let people = all.iter().map(|key| person(key)).chain([person("dee")]);
    let big = Settings { people: people.collect(), teams: teams.into(), ..settings() };
    assert_eq!(needs(&gate, &big, "dee", "checkout/production", &[]), Ok(1));
    assert_eq!(needs(&gate, &big, "dee", "checkout/production", &["p1"]), Ok(1));
    assert!(needs(&gate, &big, "p2999", "checkout/production", &[]).is_err(), "nobody else is of the board");
}

#[test]
fn whoever_may_approve_is_counted_on_and_nobody_else() {
    let rules = |who: &str, approve: &str| {
        let text = format!(
            "@id(\"deploys\") @reason(\"All deploy.\") permit (principal, action == Action::\"deploy\", resource);
             @id(\"approves\") @reason(\"Some approve.\") {who} permit (principal, action == Action::\"approve\", resource) {approve};
             @id(\"left\") @reason(\"Left.\") forbid (principal, action, resource) unless {{ principal.active }};
             @id(\"others\") @reason(\"Others.\") @needs(\"approvals\")
             forbid (principal, action == Action::\"deploy\", resource) when {{ context.change.approvals.total < resource.approvals }};"
        );
        Policies::read(&[file("own.cedar", None, &text)]).unwrap_or_else(|problems| panic!("{problems:?}"))
    };
    let deploy = |gate: &Policies| needs(gate, &settings(), "dee", "strongroom/production", &[]);
    // Eight others are there, one of whom has left; whoever is in no file helps only where they may.
    assert_eq!(deploy(&rules("@who(\"everyone\")", "")), Ok(7), "strangers, too");
    assert_eq!(deploy(&rules("@who(\"everyone\")", "when { principal.known }")), Ok(7));
    assert!(deploy(&rules("@who(\"everyone\")", "when { principal.known && principal != Person::\"amy\" }")).is_err());
    assert_eq!(deploy(&rules("@who(\"everyone\")", "when { principal != Person::\"amy\" }")), Ok(7), "strangers");
    // A rule that doesn't say for whom it is may be for anybody.
    assert_eq!(deploy(&rules("", "when { principal.known }")), Ok(7));
    assert!(deploy(&rules("", "when { principal in Team::\"payments\" }")).is_err());
    // What it says is not what it lets.
    assert!(deploy(&rules("@who(\"team:payments team:search\")", "when { principal in Role::\"admin\" }")).is_err());
    // On one chat only.
    let on_discord =
        rules("@who(\"everyone\")", "when { principal.known && context.at.platform == Platform::\"discord\" }");
    let slack_only = Settings {
        people: settings()
            .people
            .iter()
            .map(|it| Person { accounts: it.accounts[..1].to_vec(), ..it.clone() })
            .collect(),
        ..settings()
    };
    assert_eq!(deploy(&on_discord), Ok(7));
    assert!(needs(&on_discord, &slack_only, "dee", "strongroom/production", &[]).is_err());
}

#[test]
fn approvals_are_asked_for_only_where_nothing_else_stands_in_the_way() {
    let gate = shipped_and(
        "@id(\"fridays\") @reason(\"Not on Fridays.\")
         forbid (principal, action == Action::\"deploy\", resource) when { context.at.weekday == Weekday::\"fri\" };
         @id(\"big\") @reason(\"Big ones take two.\") @needs(\"approvals\")
         forbid (principal, action == Action::\"deploy\", resource)
         when { (context.change.commits > 50 || !context.change.sizeKnown) && context.change.approvals.total < 2 };",
    );
    holds(
        &gate,
        &settings(),
        "dee deploy environment:checkout/production                                        => refused fridays production-needs-others
         dee deploy environment:checkout/production at=2026-03-05T17:00:00Z                => approval:1 production-needs-others
         dee deploy environment:checkout/production at=2026-03-05T17:00:00Z commits=51     => approval:2 big production-needs-others
         dee deploy environment:checkout/production at=2026-03-05T17:00:00Z sizeKnown=false => approval:2
         dee deploy environment:checkout/staging    at=2026-03-05T17:00:00Z commits=51 approvals=amy => approval:1 big
        ",
    );
    // What is known before there is a plan is said then, and nothing is asked of the pipeline.
    let refused = asked(&gate, &settings(), "dee", "checkout/staging", None);
    assert!(matches!(&refused, Ruling::Refused { rules, .. } if rules[0].id == "fridays"), "{refused:?}");
    let left = asked(
        &Policies::shipped(),
        &Settings {
            roles: BTreeMap::from([("deployer".to_owned(), Holders { people: keys(&["gone"]), ..Holders::default() })]),
            ..settings()
        },
        "gone",
        "checkout/staging",
        None,
    );
    assert!(matches!(&left, Ruling::Refused { rules, .. } if rules[0].id == "left"), "{left:?}");
}
