//! What rules allow and refuse, and the ways in which Cedar alone would say yes.

use jiff::Timestamp;
use operations::accounts::Accounts;
use operations::chat::Actor;
use operations::ids::{ChannelId, IncidentId, Platform, UserRef};
use operations::policy::{Gate, On, Question, Ruling, Verb};
use operations::settings::{Holders, Person, Service, Settings};
use policy::{File, Known, Policies, Problem};

fn user(id: &str) -> UserRef {
    UserRef { platform: Platform::Slack, workspace: "W".to_owned(), user: id.to_owned() }
}

fn person(key: &str, active: bool) -> Person {
    Person { key: key.to_owned(), name: key.into(), accounts: vec![user(key)], active }
}

fn service(name: &str, owner: Option<&str>) -> Service {
    let owner = owner.map(str::to_owned);
    Service { name: name.to_owned(), owner, matches: Default::default(), dashboard: None, environments: Vec::new() }
}

/// Ann is in payments, which owns checkout and has the role lead; Bo is nowhere; Cy has left.
fn settings() -> Settings {
    Settings {
        people: vec![person("ann", true), person("bo", true), person("cy", false)].into(),
        teams: [("payments".to_owned(), ["ann".to_owned(), "cy".to_owned()].into())].into(),
        roles: [("lead".to_owned(), Holders { teams: ["payments".to_owned()].into(), ..Holders::default() })].into(),
        services: vec![service("checkout", Some("payments")), service("search", None)].into(),
        ..Settings::default()
    }
}

fn file(name: &str, team: Option<&str>, text: &str) -> File {
    File { name: name.to_owned(), text: text.to_owned(), team: team.map(str::to_owned) }
}

fn rules(text: &str) -> Policies {
    Policies::read(&[file("own.cedar", None, text)]).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn ask(policies: &Policies, who: &str, verb: Verb, on: &On) -> Ruling {
    let by = Actor { user: user(who), name: "x".into() };
    let (channel, now) = (ChannelId::from("C1"), "2026-03-06T17:00:00Z".parse::<Timestamp>().expect("a time"));
    policies.rule(
        &settings(),
        &Question { verb, by: &by, on, channel: Some(&channel), now, change: None, accounts: Accounts::NONE },
    )
}

/// The names of the rules that decided; with a `!` before them where it is no.
fn decided(ruling: &Ruling) -> String {
    let names = |rules: &[operations::policy::Rule]| rules.iter().map(|rule| rule.id.clone()).collect::<Vec<_>>();
    match ruling {
        Ruling::Allowed(rules) => names(rules).join(" "),
        Ruling::Approval { needs, rules, .. } => format!("+{needs} {}", names(rules).join(" ")),
        Ruling::Refused { rules, .. } => format!("!{}", names(rules).join(" ")),
    }
}

fn checkout() -> On {
    On::Service("checkout".to_owned())
}

fn incident() -> On {
    On::Incident(IncidentId(1), vec!["checkout".to_owned()])
}

#[test]
fn the_shipped_rules_let_everybody_work_who_has_not_left() {
    let policies = Policies::shipped();
    for who in ["ann", "bo", "somebody-unknown"] {
        for (verb, on) in [
            (Verb::View, On::Workspace),
            (Verb::Acknowledge, checkout()),
            (Verb::Declare, On::Workspace),
            (Verb::Work, incident()),
        ] {
            assert!(ask(&policies, who, verb, &on).is_allowed(), "{who} {verb:?} {on:?}");
        }
    }
    assert_eq!(decided(&ask(&policies, "cy", Verb::View, &On::Workspace)), "!left");
}

#[test]
fn what_no_rule_allows_is_refused_and_it_is_said_for_whom_it_is() {
    let policies = rules(
        "@id(\"owners\") @reason(\"Owners work.\") @who(\"owner role:lead\")
         permit (principal, action == Action::\"work\", resource is Incident) when { principal in Role::\"lead\" };
         @id(\"views\") @reason(\"All look.\") @who(\"everyone\")
         permit (principal, action in Action::\"read\", resource);",
    );
    assert_eq!(decided(&ask(&policies, "ann", Verb::Work, &incident())), "owners");
    let Ruling::Refused { rules, who } = ask(&policies, "bo", Verb::Work, &incident()) else { panic!("no rule") };
    assert_eq!((rules.len(), who), (0, vec!["owner".to_owned(), "role:lead".to_owned()]));
    let Ruling::Refused { who, .. } = ask(&policies, "bo", Verb::Declare, &checkout()) else { panic!("no rule") };
    assert_eq!(who, [] as [String; 0], "nobody may");
    assert_eq!(decided(&ask(&policies, "bo", Verb::View, &checkout())), "views");
}

#[test]
fn a_rule_that_can_not_be_evaluated_refuses() {
    // Cedar passes over a rule whose evaluation fails: this one would forbid everything.
    let policies = rules(
        "@id(\"all\") @reason(\"All.\") permit (principal, action, resource);
         @id(\"overflows\") @reason(\"No.\")
         forbid (principal, action, resource) when { context.at.hour * 9223372036854775807 > -1 };",
    );
    assert_eq!(decided(&ask(&policies, "ann", Verb::View, &On::Workspace)), "!cannot-be-evaluated");
    let permits = rules(
        "@id(\"overflows\") @reason(\"No.\")
         permit (principal, action, resource) when { context.at.hour * 9223372036854775807 > -1 };
         @id(\"all\") @reason(\"All.\") permit (principal, action, resource);",
    );
    assert_eq!(decided(&ask(&permits, "ann", Verb::View, &On::Workspace)), "!cannot-be-evaluated");
}

#[test]
fn groups_of_verbs_and_of_people_are_known_to_rules_that_forbid() {
    // Without the schema's groups of actions, or a team's own roles, `in` is silently false.
    let policies = rules(
        "@id(\"all\") @reason(\"All.\") permit (principal, action, resource);
         @id(\"leads-rest\") @reason(\"Leads rest.\")
         forbid (principal in Role::\"lead\", action in Action::\"respond\", resource);
         @id(\"payments-is-closed\") @reason(\"Closed.\")
         forbid (principal, action == Action::\"acknowledge\", resource in Team::\"payments\");",
    );
    assert_eq!(decided(&ask(&policies, "ann", Verb::Declare, &checkout())), "!leads-rest");
    assert_eq!(decided(&ask(&policies, "ann", Verb::View, &checkout())), "all");
    assert_eq!(decided(&ask(&policies, "bo", Verb::Acknowledge, &checkout())), "!payments-is-closed");
    assert_eq!(decided(&ask(&policies, "bo", Verb::Acknowledge, &On::Service("search".to_owned()))), "all");
    let work = rules(
        "@id(\"all\") @reason(\"All.\") permit (principal, action, resource);
         @id(\"theirs\") @reason(\"Theirs.\") forbid (principal, action == Action::\"work\", resource in Team::\"payments\");",
    );
    assert_eq!(
        decided(&ask(&work, "bo", Verb::Work, &incident())),
        "!theirs",
        "an incident is its services' owners', too"
    );
}

#[test]
fn nobody_is_known_by_a_name_and_an_account_is_no_key() {
    let policies = rules(
        "@id(\"ann\") @reason(\"Ann.\") permit (principal == Person::\"ann\", action, resource);
         @id(\"known\") @reason(\"Known.\") permit (principal, action == Action::\"declare\", resource) when { principal.known };",
    );
    let now = "2026-03-06T17:00:00Z".parse::<Timestamp>().expect("a time");
    let mut elsewhere = user("ann");
    elsewhere.workspace = "another".to_owned();
    for (by, allowed) in [(user("ann"), true), (elsewhere, false), (user("slack:W/ann"), false)] {
        let by = Actor { user: by, name: "ann".into() };
        let question = Question {
            verb: Verb::View,
            by: &by,
            on: &On::Workspace,
            channel: Some(&ChannelId::from("C1")),
            now,
            change: None,
            accounts: Accounts::NONE,
        };
        assert_eq!(policies.rule(&settings(), &question).is_allowed(), allowed, "{by:?}");
    }
    assert!(ask(&policies, "bo", Verb::Declare, &checkout()).is_allowed());
    assert!(!ask(&policies, "stranger", Verb::Declare, &checkout()).is_allowed());
}

#[test]
fn hours_and_weekdays_are_those_of_the_time_zone() {
    let policies = rules(
        "@id(\"all\") @reason(\"All.\") permit (principal, action, resource);
         @id(\"friday-evening\") @reason(\"Not on Friday evenings.\")
         forbid (principal, action, resource) when { context.at.weekday == Weekday::\"fri\" && context.at.hour >= 18 };
         @id(\"not-from-the-shell\") @reason(\"In chats only.\")
         forbid (principal, action, resource) when { context.at.platform == Platform::\"cli\" };",
    );
    let by = Actor { user: user("ann"), name: "x".into() };
    let channel = ChannelId::from("C1");
    let now = "2026-03-06T17:30:00Z".parse::<Timestamp>().expect("a time");
    let mut settings = settings();
    let mut question = Question {
        verb: Verb::View,
        by: &by,
        on: &On::Workspace,
        channel: Some(&channel),
        now,
        change: None,
        accounts: Accounts::NONE,
    };
    assert_eq!(decided(&policies.rule(&settings, &question)), "all", "half past five in UTC");
    settings.time_zone = jiff::tz::TimeZone::get("Europe/Berlin").ok();
    assert_eq!(decided(&policies.rule(&settings, &question)), "!friday-evening", "half past six in Berlin");
    settings.time_zone = jiff::tz::TimeZone::get("Pacific/Auckland").ok();
    assert_eq!(decided(&policies.rule(&settings, &question)), "all", "Saturday");
    question.channel = None;
    assert_eq!(decided(&policies.rule(&settings, &question)), "!not-from-the-shell");
}

/// What is wrong, a line each.
fn wrong(files: &[File]) -> String {
    let problems: Vec<Problem> = Policies::read(files).err().unwrap_or_default();
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_was_meant() {
    let text = "@id(\"views\") @reason(\"All look.\")\npermit (principal, action == Action::\"acknowlege\", resource);\n\
                @id(\"hours\") @reason(\"By day.\")\npermit (principal, action == Action::\"view\", resource)\n\
                when { context.at.huor > 6 };\n@reason(\"No name.\")\npermit (principal, action, resource);\n\
                @id(\"Silent Rule\")\nforbid (principal, action, resource);\n\
                @id(\"odd\") @reason(\"no stop\") @whom(\"x\") @who(\"x\")\nforbid (principal, action, resource);\n";
    let told = wrong(&[file("own.cedar", None, text)]);
    for part in [
        "own.cedar:2:",
        "did you mean `Action::\"acknowledge\"`?",
        "own.cedar:5:",
        "huor",
        "own.cedar:6:1 the rule has no name",
        "\"Silent Rule\" is no name for a rule",
        "the rule says nothing to people",
        "its @reason is no sentence",
        "there is no annotation @whom",
        "@who says for whom a rule is that allows something",
    ] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
    let told = wrong(&[file("bad.cedar", None, "permit (principal, action, resource)\nwhen { 1 = 2 };")]);
    assert!(told.starts_with("bad.cedar:2:"), "{told}");
    let template = "@id(\"t\") @reason(\"T.\") permit (principal == ?principal, action, resource);";
    assert!(wrong(&[file("t.cedar", None, template)]).contains("a template, which nothing fills in"));
    let impossible =
        "@id(\"never\") @reason(\"Never.\")\npermit (principal, action == Action::\"view\", resource) when { false };";
    assert!(wrong(&[file("n.cedar", None, impossible)]).contains("impossible"), "a rule that never decides anything");
    let twice = "@id(\"all\") @reason(\"All.\") permit (principal, action, resource);";
    let told = wrong(&[file("a.cedar", None, twice), file("b.cedar", None, twice)]);
    assert!(told.contains("b.cedar:1:1 there is another rule with the name all"), "{told}");
    // What else is wrong is told beside it.
    let told = wrong(&[file(
        "c.cedar",
        None,
        &format!(
            "{twice}\n{twice}\n@id(\"b\") @reason(\"B.\") permit (principal, action == Action::\"vew\", resource);"
        ),
    )]);
    assert!(told.contains("c.cedar:2:1 there is another rule") && told.contains("c.cedar:3:"), "{told}");
    let steers = "@id(\"x\u{1b}[31m\") @reason(\"X.\") permit (principal, action, resource);";
    assert!(!wrong(&[file("e.cedar", None, steers)]).contains('\u{1b}'), "it would steer a terminal");
}

#[test]
fn a_rule_that_looks_further_than_one_step_is_refused() {
    // What is further away is not given to Cedar, and would silently not be in anything.
    for text in [
        "permit (principal, action == Action::\"view\", resource is Service) when { resource.owner in Role::\"lead\" };",
        "permit (principal, action == Action::\"view\", resource) when { Team::\"payments\" in Role::\"lead\" };",
    ] {
        let told = wrong(&[file("far.cedar", None, &format!("@id(\"x\") @reason(\"X.\")\n{text}"))]);
        assert!(told.contains("far.cedar:2:"), "{text}: {told}");
    }
}

#[test]
fn names_that_there_are_not_are_told_with_what_was_meant() {
    let text = "@id(\"x\") @reason(\"X.\") @who(\"role:laed team:search\")\n\
                permit (principal in Role::\"lead\", action == Action::\"view\", resource in Team::\"paymnts\")\n\
                when { resource == Service::\"checkuot\" || principal == Person::\"zoe\" };\n";
    let known = Known {
        people: ["ann".to_owned()].into(),
        teams: ["payments".to_owned()].into(),
        roles: ["lead".to_owned()].into(),
        services: ["checkout".to_owned()].into(),
    };
    let told: Vec<String> = rules(text).unknown(&known).iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "own.cedar:1:1 there is no Person::\"zoe\" (it would stand in people.toml, [people])",
            "own.cedar:1:1 there is no Role::\"laed\" (did you mean Role::\"lead\"?)",
            "own.cedar:1:1 there is no Service::\"checkuot\" (did you mean Service::\"checkout\"?)",
            "own.cedar:1:1 there is no Team::\"paymnts\" (did you mean Team::\"payments\"?)",
            "own.cedar:1:1 there is no Team::\"search\" (it would stand in people.toml, [teams])",
        ]
    );
}

#[test]
fn a_teams_file_is_about_its_own_services_only_and_undoes_nothing() {
    let central = "@id(\"views\") @reason(\"All look.\") permit (principal, action in Action::\"read\", resource);\n\
                   @id(\"closed\") @reason(\"Closed.\") forbid (principal, action == Action::\"declare\", resource);";
    let with = |text: &str| vec![file("c.cedar", None, central), file("teams/payments.cedar", Some("payments"), text)];
    let own = "@id(\"open\") @reason(\"Ours.\")\npermit (principal, action in [Action::\"declare\", Action::\"acknowledge\"], \
               resource in Team::\"payments\");";
    let policies = Policies::read(&with(own)).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(decided(&ask(&policies, "bo", Verb::Acknowledge, &checkout())), "payments/open");
    assert_eq!(decided(&ask(&policies, "bo", Verb::Declare, &checkout())), "!closed", "the centre stands above");
    assert_eq!(decided(&ask(&policies, "bo", Verb::Acknowledge, &On::Service("search".to_owned()))), "!");
    for (text, what) in [
        ("permit (principal, action == Action::\"view\", resource);", "its own services"),
        ("forbid (principal, action == Action::\"view\", resource in Team::\"search\");", "its own services"),
        ("permit (principal, action == Action::\"view\", resource == Service::\"checkout\");", "its own services"),
        ("permit (principal, action, resource in Team::\"payments\");", "must name what it is about"),
    ] {
        let told = wrong(&with(&format!("@id(\"x\") @reason(\"X.\") {text}")));
        assert!(told.contains(what) && told.contains("teams/payments.cedar:1:1"), "{text}: {told}");
    }
}

#[test]
fn the_same_files_are_the_same_version_and_others_are_not() {
    let one = file("a.cedar", None, "@id(\"all\") @reason(\"All.\") permit (principal, action, resource);");
    let version = |files: &[File]| Policies::read(files).map(|it| it.version().to_owned()).unwrap_or_default();
    assert_eq!(version(std::slice::from_ref(&one)), version(std::slice::from_ref(&one)));
    let mut other = one.clone();
    other.text.push(' ');
    assert_ne!(version(&[one]), version(&[other]));
    assert_eq!(Policies::shipped().version().len(), 16);
}

/// A model of its own: the shipped rules with a few more, without Cedar.
fn model(settings: &Settings, by: &UserRef, verb: Verb, on: &On, hour: i8) -> bool {
    let person = settings.person(by);
    let active = person.is_none_or(|person| person.active);
    let in_team = |team: &str| person.is_some_and(|person| settings.is_in(person, team));
    let is_lead = person.is_some_and(|person| settings.with_role("lead").any(|lead| lead.key == person.key));
    let owned_by = |service: &str| {
        settings.services.iter().find(|it| it.name == service).and_then(|it| it.owner.clone()).unwrap_or_default()
    };
    let owners: Vec<String> = match on {
        On::Workspace => Vec::new(),
        On::Service(service) => vec![owned_by(service)],
        On::Incident(_, services) => services.iter().map(|service| owned_by(service)).collect(),
        On::Environment(target) => vec![owned_by(&target.service)],
    };
    let own = owners.iter().any(|owner| !owner.is_empty() && in_team(owner));
    let granted = match verb {
        Verb::View => true,
        Verb::Acknowledge | Verb::Declare => is_lead || own || *on == On::Workspace,
        Verb::Work => is_lead || person.is_some(),
        _ => false,
    };
    let night = verb == Verb::Declare && hour < 6 && !is_lead;
    granted && active && !night
}

#[test]
fn a_hundred_thousand_questions_are_answered_as_a_model_of_its_own_answers_them() {
    let policies = rules(
        "@id(\"views\") @reason(\"All look.\") permit (principal, action in Action::\"read\", resource);
         @id(\"leads\") @reason(\"Leads.\") permit (principal in Role::\"lead\", action in Action::\"respond\", resource);
         @id(\"owners\") @reason(\"Owners.\")
         permit (principal, action in [Action::\"acknowledge\", Action::\"declare\"], resource is Service)
         when { principal in resource.owner };
         @id(\"anything\") @reason(\"Whatever.\")
         permit (principal, action in [Action::\"acknowledge\", Action::\"declare\"], resource is Workspace);
         @id(\"known\") @reason(\"Known.\") permit (principal, action == Action::\"work\", resource) when { principal.known };
         @id(\"left\") @reason(\"Left.\") forbid (principal, action, resource) unless { principal.active };
         @id(\"night\") @reason(\"By day.\")
         forbid (principal, action == Action::\"declare\", resource)
         when { context.at.hour < 6 } unless { principal in Role::\"lead\" };",
    );
    let random = &mut fastrand::Rng::with_seed(4);
    let mut allowed = 0;
    for _ in 0..200 {
        let settings = random_settings(random);
        for _ in 0..500 {
            let by = user(&format!("p{}", random.u8(0..8)));
            let verb = [Verb::View, Verb::Acknowledge, Verb::Declare, Verb::Work][random.usize(..4)];
            let mut seeded = random.fork();
            let mut named = || format!("s{}", seeded.u8(0..5));
            let on = match (verb, random.u8(0..3)) {
                (Verb::Work, 0) | (_, 0) => On::Workspace,
                (Verb::Work, _) => On::Incident(IncidentId(1), vec![named(), named()]),
                (Verb::View, 1) => On::Incident(IncidentId(1), vec![named()]),
                _ => On::Service(named()),
            };
            let hour = random.i8(0..24);
            let now = format!("2026-03-06T{hour:02}:00:00Z").parse::<Timestamp>().expect("a time");
            let by = Actor { user: by, name: "x".into() };
            let channel = ChannelId::from("C1");
            let question = Question {
                verb,
                by: &by,
                on: &on,
                channel: Some(&channel),
                now,
                change: None,
                accounts: Accounts::NONE,
            };
            let found = policies.rule(&settings, &question);
            assert_eq!(found.is_allowed(), model(&settings, &by.user, verb, &on, hour), "{question:?}: {found:?}");
            allowed += usize::from(found.is_allowed());
        }
    }
    assert!((20_000..80_000).contains(&allowed), "both answers are tried: {allowed}");
}

fn random_settings(random: &mut fastrand::Rng) -> Settings {
    let people: Vec<Person> = (0..6).map(|number| person(&format!("p{number}"), random.u8(0..5) > 0)).collect();
    let mut some = |count: u8, prefix: &str| -> std::collections::BTreeSet<String> {
        (0..count).filter(|_| random.bool()).map(|number| format!("{prefix}{number}")).collect()
    };
    let teams = (0..3).map(|number| (format!("t{number}"), some(6, "p"))).collect();
    let mut people_of = some(6, "p");
    people_of.retain(|key| key != "p0");
    let holders = Holders { people: people_of, teams: some(3, "t") };
    let services =
        (0..4).map(|number| service(&format!("s{number}"), (number < 3).then(|| format!("t{number}")).as_deref()));
    Settings {
        people: people.into(),
        teams,
        roles: [("lead".to_owned(), holders)].into(),
        services: services.collect(),
        ..Settings::default()
    }
}
