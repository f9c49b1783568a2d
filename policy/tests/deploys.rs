//! The shipped rules about deploys, how many approvals they want, and the ways in which Cedar alone would let a
//! change through.

use std::collections::BTreeMap;

use jiff::Timestamp;
use operations::accounts::Accounts;
use operations::chat::Actor;
use operations::deploy::Target;
use operations::ids::{ChannelId, Platform, UserRef};
use operations::policy::{Change, Gate, On, Question, Ruling, Verb};
use operations::settings::{Environment, Holders, Person, Service, Settings};
use policy::{File, Policies, tables};

fn user(id: &str, platform: Platform) -> UserRef {
    UserRef { platform, workspace: "W".to_owned(), user: id.to_owned() }
}

/// On both chats.
fn person(key: &str) -> Person {
    let accounts = vec![user(key, Platform::Slack), user(key, Platform::Discord)];
    Person { key: key.to_owned(), name: key.into(), accounts, active: key != "gone" }
}

fn environment(name: &str, approvals: u32) -> Environment {
    Environment {
        name: name.to_owned(),
        production: name == "production",
        approvals,
        order_after: None,
        pipeline: None,
        parameters: BTreeMap::new(),
        verify: None,
        on_alert: None,
    }
}

fn service(name: &str, owner: Option<&str>, production: u32) -> Service {
    let environments = vec![environment("staging", 0), environment("production", production)];
    Service { name: name.to_owned(), owner: owner.map(str::to_owned), environments, ..Service::default() }
}

fn keys(names: &[&str]) -> std::collections::BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Vi has nothing; Dee deploys; Amy and Abe approve; Zed is admin; Oz and Olga own checkout; Sam is in search, which
/// approves as a team; Gone approved once and has left.
fn settings() -> Settings {
    let people = ["vi", "dee", "amy", "abe", "zed", "oz", "olga", "sam", "gone"];
    let role = |people: &[&str], teams: &[&str]| Holders { people: keys(people), teams: keys(teams) };
    Settings {
        people: people.map(person).into_iter().collect(),
        teams: [("payments".to_owned(), keys(&["oz", "olga"])), ("search".to_owned(), keys(&["sam"]))].into(),
        roles: [
            ("deployer".to_owned(), role(&["dee"], &[])),
            ("approver".to_owned(), role(&["amy", "abe", "gone"], &["search"])),
            ("admin".to_owned(), role(&["zed"], &[])),
        ]
        .into(),
        services: vec![
            service("checkout", Some("payments"), 1),
            service("vault", Some("payments"), 2),
            service("strongroom", Some("payments"), 7),
            service("orphan", None, 1),
        ]
        .into(),
        ..Settings::default()
    }
}

fn file(name: &str, team: Option<&str>, text: &str) -> File {
    File { name: name.to_owned(), text: text.to_owned(), team: team.map(str::to_owned) }
}

/// The shipped rules and these.
fn shipped_and(text: &str) -> Policies {
    let files = [file("default.cedar", None, policy::DEFAULT), file("own.cedar", None, text)];
    Policies::read(&files).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// What is wrong, a line each.
fn wrong(team: Option<&str>, text: &str) -> String {
    let files = [file("default.cedar", None, policy::DEFAULT), file("x.cedar", team, text)];
    let problems = Policies::read(&files).err().unwrap_or_default();
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

fn now() -> Timestamp {
    "2026-03-06T17:00:00Z".parse().expect("a time")
}

/// Nothing in `table` is answered otherwise.
fn holds(gate: &Policies, settings: &Settings, table: &str) {
    let lines = tables::read(table, settings, now()).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let differing: Vec<String> = tables::differing(gate, settings, &lines).iter().map(ToString::to_string).collect();
    assert_eq!(differing, [] as [String; 0]);
}

fn asked(gate: &Policies, settings: &Settings, who: &str, at: &str, change: Option<&Change>) -> Ruling {
    let (service, environment) = at.split_once('/').expect("a service and an environment");
    let on = On::Environment(Target { service: service.to_owned(), environment: environment.to_owned() });
    let by = Actor { user: user(who, Platform::Slack), name: "x".into() };
    let channel = ChannelId::from("C1");
    let question = Question {
        verb: Verb::Deploy,
        by: &by,
        on: &on,
        channel: Some(&channel),
        now: now(),
        change,
        accounts: Accounts::NONE,
    };
    gate.rule(settings, &question)
}

/// A change that nothing speaks against, approved by these.
fn change(approvals: &[&str]) -> Change {
    let approvals = approvals.iter().map(|key| user(key, Platform::Discord)).collect();
    Change { tested: true, commits: Some(2), reference: "tag", checks: "passed", approvals, ..Change::default() }
}

/// How many more approvals a deploy by somebody needs: none where it is allowed, and an error where it is refused.
fn needs(gate: &Policies, settings: &Settings, who: &str, at: &str, approvals: &[&str]) -> Result<u32, Vec<String>> {
    match asked(gate, settings, who, at, Some(&change(approvals))) {
        Ruling::Allowed(_) => Ok(0),
        Ruling::Approval { needs, .. } => Ok(needs),
        Ruling::Refused { rules, .. } => Err(rules.into_iter().map(|rule| rule.id).collect()),
    }
}

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
         unless { context.change.reference == \"tag\" && context.change.checks == \"passed\" };",
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
            "permit (principal, action == Action::\"deploy\", resource) when { context.change.reference == \"tag\" };",
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
    let text = include_str!("../../docs/policies.md");
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
    let text = include_str!("../../docs/policies.md");
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
