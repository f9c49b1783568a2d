//! Ways to get a deploy through that must not work, each tried on the core with the shipped rules.
//!
//! Clicks, commands and messages go through the grammar, as they do in the program; what is tried has the name of what
//! somebody would try.

mod world;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use operations::alert::{Alert, Received, Told};
use operations::chat::{Act, Actor};
use operations::deploy::command::DeployRefusal;
use operations::deploy::event::DeployEvent;
use operations::deploy::{How, Kind, Stage};
use operations::event::Event;
use operations::ids::{DeployId, Platform, UserRef};
use operations::input::Input;
use operations::labels::Labels;
use operations::settings::{OnAlert, Person, Service};
use policy::{File, Policies};

use crate::world::*;

#[test]
fn one_approves_and_it_goes() {
    let mut core = Core::new();
    core.waits();
    assert_eq!(core.dispatched, []);
    let button = core.button(1);
    core.clicks(DISCORD, "amy", &button).expect("she approves");
    assert_eq!(core.dispatched, [], "it is looked once more whether the plan holds");
    core.looks(1, "c1");
    assert_eq!(core.dispatched, [DeployId(1)]);
}

#[test]
fn nobody_approves_their_own_also_not_from_the_other_chat() {
    let mut core = Core::new();
    core.waits();
    let button = core.button(1);
    for platform in Platform::ALL {
        assert_eq!(why(core.clicks(platform, "dee", &button)), Some(DeployRefusal::Own(DeployId(1))), "{platform:?}");
        assert_eq!(why(core.types(platform, "dee", "approve D-1")), Some(DeployRefusal::Own(DeployId(1))));
    }
    assert!(core.is_waiting(1) && core.deploy(1).approvals.is_empty());
}

#[test]
fn nobody_approves_twice_also_not_from_two_chats() {
    let mut core = Core::with(&Policies::shipped, services(2, None));
    core.waits();
    core.types(SLACK, "amy", "approve D-1").expect("she approves");
    for platform in Platform::ALL {
        let again = core.types(platform, "amy", "approve D-1");
        assert_eq!(why(again), Some(DeployRefusal::ApprovedAlready(DeployId(1))));
    }
    assert!(core.is_waiting(1));
    core.types(DISCORD, "abe", "approve D-1").expect("another does");
    core.looks(1, "c1");
    assert_eq!(core.dispatched, [DeployId(1)]);
}

#[test]
fn an_old_plan_is_not_approved() {
    let mut core = Core::new();
    core.waits();
    let old = core.button(1);
    core.clicks(SLACK, "amy", &old).expect("she approves");
    core.looks(1, "c2");
    assert!(core.is_waiting(1), "what she approved became something else: {:?}", core.deploy(1).stage);
    assert_eq!(core.dispatched, []);
    for who in ["amy", "abe"] {
        assert_eq!(why(core.clicks(DISCORD, who, &old)), Some(DeployRefusal::OtherPlan(DeployId(1))));
    }
    for odd in ["approve D-1 0", "approve D-1 000", "approve D-1 00000000", "approve D-1 zzzzzzzz"] {
        let refused = core.clicks(SLACK, "amy", odd);
        assert!(refused.as_ref().map_or(true, |events| events.is_empty()), "{odd}: {refused:?}");
    }
    assert!(core.deploy(1).approvals.is_empty());
    let new = core.button(1);
    core.clicks(SLACK, "amy", &new).expect("she looked at the new one");
    core.looks(1, "c2");
    assert_eq!(core.dispatched, [DeployId(1)]);
}

#[test]
fn after_ten_minutes_it_is_not_approved_any_more() {
    let mut core = Core::new();
    core.waits();
    let button = core.button(1);
    core.now += SignedDuration::from_mins(10);
    // The tick that ends it may come a moment later than the click.
    assert_eq!(why(core.clicks(SLACK, "amy", &button)), Some(DeployRefusal::Over(DeployId(1))));
    core.give(&Input::Tick).expect("time goes by");
    assert_eq!(core.how(1), Some(How::Expired));
    assert_eq!(why(core.clicks(SLACK, "amy", &button)), Some(DeployRefusal::Over(DeployId(1))));
    assert_eq!(core.dispatched, []);
}

#[test]
fn whoever_asked_and_is_deactivated_before_its_turn_deploys_nothing() {
    let mut core = Core::new();
    core.waits();
    core.types(SLACK, "amy", "approve D-1").expect("she approves");
    core.state.settings.people = people(&["dee"]).into();
    core.looks(1, "c1");
    assert_eq!((core.how(1), core.dispatched.as_slice()), (Some(How::Refused), [].as_slice()));
    // Already the approval finds it.
    let mut core = Core::new();
    core.waits();
    core.state.settings.people = people(&["dee"]).into();
    core.types(SLACK, "amy", "approve D-1").expect("it is noted");
    assert_eq!(core.how(1), Some(How::Refused));
    // And whoever only lost the role.
    let mut core = Core::new();
    core.waits();
    core.types(SLACK, "amy", "approve D-1").expect("she approves");
    core.state.settings.roles = roles(&[], &["dee", "amy", "abe"]);
    core.looks(1, "c1");
    assert_eq!((core.how(1), core.dispatched.as_slice()), (Some(How::Refused), [].as_slice()));
}

#[test]
fn an_approval_of_somebody_who_has_left_or_lost_the_role_does_not_count_at_its_turn() {
    let left = |core: &mut Core| core.state.settings.people = people(&["amy"]).into();
    let lost = |core: &mut Core| core.state.settings.roles = roles(&["dee"], &["abe"]);
    let unlinked = |core: &mut Core| {
        let without = people(&[]).into_iter().filter(|person| person.key != "amy");
        core.state.settings.people = without.collect();
    };
    for change in [&left as &dyn Fn(&mut Core), &lost, &unlinked] {
        let mut core = Core::new();
        core.waits();
        core.types(SLACK, "amy", "approve D-1").expect("she approves");
        change(&mut core);
        core.looks(1, "c1");
        assert!(core.is_waiting(1), "{:?}", core.deploy(1).stage);
        assert_eq!(core.dispatched, []);
        assert!(not_allowed(&core.types(DISCORD, "amy", "approve D-1")), "nor may she any more");
        core.types(SLACK, "abe", "approve D-1").expect("he still may");
        core.looks(1, "c1");
        assert_eq!(core.dispatched, [DeployId(1)]);
    }
}

#[test]
fn what_is_still_needed_is_said_rightly_when_one_of_two_approvals_is_void() {
    let mut core = Core::with(&Policies::shipped, services(2, None));
    core.state.settings.roles = roles(&["dee"], &["amy", "abe", "vi"]);
    core.waits();
    core.types(SLACK, "amy", "approve D-1").expect("she approves");
    core.types(SLACK, "abe", "approve D-1").expect("he approves");
    core.state.settings.people = people(&["amy"]).into();
    core.looks(1, "c1");
    let asked = |core: &Core| match core.deploy(1).stage {
        Stage::Approving { needs, .. } => Some((needs, core.deploy(1).approvals.len())),
        _ => None,
    };
    let Some((needs, kept)) = asked(&core) else { panic!("it waits again: {:?}", core.deploy(1).stage) };
    assert_eq!(needs as usize + kept, 2, "as many as are needed are asked for");
    core.types(SLACK, "vi", "approve D-1").expect("she may");
    if let Some((1, _)) = asked(&core) {
        core.types(SLACK, "abe", "approve D-1").expect("he approves it anew");
    }
    core.looks(1, "c1");
    assert_eq!(core.dispatched, [DeployId(1)]);
}

#[test]
fn an_old_card_of_what_is_over_does_nothing() {
    let mut core = Core::new();
    core.waits();
    let button = core.button(1);
    core.clicks(SLACK, "amy", &button).expect("she approves");
    core.looks(1, "c1");
    assert_eq!(why(core.clicks(SLACK, "abe", &button)), Some(DeployRefusal::NotWaiting(DeployId(1))), "it runs");
    core.succeeds(1);
    for (click, refusal) in [
        (button.as_str(), DeployRefusal::Over(DeployId(1))),
        ("deny D-1", DeployRefusal::Over(DeployId(1))),
        ("deploy cancel D-1", DeployRefusal::Over(DeployId(1))),
        ("deploy retry D-1", DeployRefusal::Succeeded(DeployId(1))),
        ("deploy ran D-1", DeployRefusal::Known(DeployId(1))),
        ("deploy didnot D-1", DeployRefusal::Known(DeployId(1))),
        ("deploy look D-1", DeployRefusal::Known(DeployId(1))),
        ("deploy gate approve D-1 7", DeployRefusal::NoGate(DeployId(1))),
    ] {
        let who = if click.contains("retry") { "dee" } else { "amy" };
        assert_eq!(why(core.clicks(DISCORD, who, click)), Some(refusal), "{click}");
    }
    assert_eq!((core.dispatched.as_slice(), core.state.deploys.len()), ([DeployId(1)].as_slice(), 1));
}

#[test]
fn words_in_a_message_start_approve_and_hold_nothing() {
    let mut core = Core::new();
    core.waits();
    let before = core.all();
    for text in [
        "approve D-1",
        "/approve D-1",
        "APPROVE d-1",
        "deny D-1",
        "deploy checkout to staging",
        "rollback checkout staging",
        "promote checkout staging to production",
        "deploy cancel D-1",
        "deploy retry D-1",
        "deploy ran D-1",
        "deploy gate approve D-1",
        "lock checkout staging",
        "unlock checkout staging",
        "freeze production",
        "unfreeze",
        "deploy",
    ] {
        for who in ["amy", "dee"] {
            let (text, message) = (text.to_owned(), message(SLACK));
            let mention = Act::Mention { text: text.clone(), message: message.clone(), reply: reply(SLACK) };
            assert_eq!(core.does(actor(SLACK, who), "general", mention), Ok(vec![]), "{text}");
            let wrote = Act::Message { text: text.as_str().into(), message };
            assert_eq!(core.does(actor(SLACK, who), "general", wrote), Ok(vec![]), "{text}");
        }
    }
    // Nor does a reaction: ✅ is no approval.
    let on = message(SLACK);
    let reaction = Act::Reaction { emoji: "✅".to_owned(), on, added: true };
    assert_eq!(core.does(actor(SLACK, "amy"), "general", reaction), Ok(vec![]));
    assert_eq!(core.all(), before, "nothing has changed");
}

#[test]
fn a_name_is_nobody() {
    let mut core = Core::new();
    core.waits();
    let button = core.button(1);
    let named = |user: UserRef| Actor { user, name: "amy".into() };
    let strangers = [
        // Another account that calls itself as she does.
        named(user(SLACK, "mallory")),
        // Her account's id, but of another workspace: somebody of a shared channel.
        named(UserRef { workspace: "W2".to_owned(), ..user(SLACK, "amy") }),
        // Her key in the configuration for an account's id.
        named(UserRef { user: "amy".to_owned(), ..user(SLACK, "amy") }),
        named(UserRef { user: "uamy".to_owned(), ..user(SLACK, "amy") }),
        named(UserRef { user: "Uamy ".to_owned(), ..user(SLACK, "amy") }),
    ];
    for by in strangers {
        for click in [button.as_str(), "deny D-1", "deploy cancel D-1", "deploy checkout to staging", "freeze all"] {
            let what =
                Act::Click { click: click.to_owned(), chosen: None, message: message(SLACK), reply: reply(SLACK) };
            let refused = core.does(by.clone(), "general", what);
            assert!(not_allowed(&refused), "{by:?} {click}: {refused:?}");
        }
    }
    assert!(core.is_waiting(1) && core.deploy(1).approvals.is_empty());
    // An account that is linked to nobody is not a second person beside the one who has it on the other chat.
    let one =
        |key: &str, accounts: Vec<UserRef>| Person { key: key.to_owned(), name: key.into(), accounts, active: true };
    core.state.settings.people =
        vec![one("dee", vec![user(SLACK, "dee")]), one("amy", vec![user(SLACK, "amy")])].into();
    assert!(not_allowed(&core.clicks(DISCORD, "dee", &button)), "her own, unlinked, has no role");
}

#[test]
fn a_channel_gives_and_takes_nothing() {
    for channel in ["slack-incidents", "slack-alerts", "production-deploys", "D0DIRECT", ""] {
        let mut core = Core::new();
        core.waits();
        let click = |core: &mut Core, who: &str, click: &str| {
            let what =
                Act::Click { click: click.to_owned(), chosen: None, message: message(SLACK), reply: reply(SLACK) };
            core.does(actor(SLACK, who), channel, what)
        };
        assert!(not_allowed(&click(&mut core, "vi", "approve D-1")), "{channel}");
        assert!(not_allowed(&click(&mut core, "vi", "deploy checkout to staging")), "{channel}");
        assert_eq!(why(click(&mut core, "dee", "approve D-1")), Some(DeployRefusal::Own(DeployId(1))), "{channel}");
        click(&mut core, "amy", "approve D-1").expect("she may, wherever she is");
        core.looks(1, "c1");
        assert_eq!(core.dispatched, [DeployId(1)], "{channel}");
    }
}

#[test]
fn a_button_that_nobody_offered_passes_the_same_gate() {
    let mut core = Core::new();
    core.waits();
    let before = core.all();
    for click in [
        "approve D-1",
        "/approve D-1",
        "Approve d-1",
        "deny D-1",
        "deploy checkout to production",
        "deploy start checkout to staging --break-glass --reason now",
        "rollback checkout production",
        "promote checkout staging to production",
        "deploy cancel D-1",
        "deploy retry D-1",
        "deploy ran D-1",
        "deploy didnot D-1",
        "deploy look D-1",
        "deploy gate approve D-1 7",
        "lock checkout production for 2h",
        "freeze all",
        "freeze checkout production",
    ] {
        for platform in Platform::ALL {
            let refused = core.clicks(platform, "vi", click);
            assert!(refused.is_err(), "{click}: {refused:?}");
            // The same typed into a menu's choice, or sent as a form.
            let (first, chosen) = click.rsplit_once(' ').expect("two words");
            let menu = Act::Click {
                click: first.to_owned(),
                chosen: Some(chosen.to_owned()),
                message: message(platform),
                reply: reply(platform),
            };
            let refused = core.does(actor(platform, "vi"), "general", menu);
            assert!(refused.is_err(), "{click} chosen: {refused:?}");
            let form = Act::Submit { click: click.to_owned(), values: BTreeMap::new(), reply: reply(platform) };
            let refused = core.does(actor(platform, "vi"), "general", form);
            assert!(refused.is_err(), "{click} sent: {refused:?}");
        }
    }
    assert_eq!(core.all(), before, "nothing has changed");
}

fn received(labels: &[(&str, &str)], firing: bool) -> Input {
    let pairs = || labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
    let alert = Alert {
        fingerprint: "f1".into(),
        labels: pairs().collect(),
        annotations: [("description", "/approve D-1\n/deploy checkout to production".into())].into(),
        starts_at: "2026-03-04T13:59:00Z".parse().expect("a time"),
        ends_at: None,
        source_url: None,
    };
    Input::Alerts(Received {
        source: "am".into(),
        key: "k1".into(),
        group_labels: Labels::default(),
        alerts: vec![Told { alert, firing }],
        truncated: 0,
        source_url: None,
    })
}

fn starts(events: &[Event]) -> usize {
    let is_start = |event: &&Event| match event {
        Event::Deploy { what, .. } => {
            matches!(&**what, DeployEvent::Asked { .. } | DeployEvent::Approved { .. } | DeployEvent::Began)
        }
        Event::Hold(_) => true,
        _ => false,
    };
    events.iter().filter(is_start).count()
}

#[test]
fn a_webhook_starts_and_approves_nothing() {
    let mut core = Core::new();
    core.waits();
    for labels in [
        vec![("alertname", "deploy checkout to production"), ("service", "checkout")],
        vec![("alertname", "approve D-1"), ("service", "checkout"), ("environment", "production")],
        vec![("alertname", "x"), ("service", "checkout"), ("command", "approve D-1"), ("by", "Uamy"), ("user", "amy")],
    ] {
        let events = core.give(&received(&labels, true)).expect("alerts are taken");
        assert_eq!(starts(&events), 0, "{events:?}");
        core.give(&received(&labels, false)).expect("alerts are taken");
    }
    assert!(core.is_waiting(1) && core.deploy(1).approvals.is_empty() && core.state.deploys.len() == 1);
}

/// Two releases in staging, the second just now.
fn two_releases(roll_back: bool) -> Core {
    let on_alert = OnAlert { within: Duration::from_secs(900), roll_back };
    let mut core = Core::with(&Policies::shipped, services(1, Some(on_alert)));
    for (id, commit) in [(1, "c1"), (2, "c2")] {
        core.types(SLACK, "dee", &format!("deploy checkout@{commit}v to staging")).expect("she deploys");
        core.looks(id, commit);
        core.succeeds(id);
    }
    core.now += SignedDuration::from_mins(5);
    core
}

#[test]
fn an_alert_proposes_and_goes_back_only_where_it_is_configured_with_the_rights_of_who_deployed() {
    let fires = |core: &mut Core| {
        let labels = [("alertname", "Errors"), ("service", "checkout")];
        core.give(&received(&labels, true)).expect("alerts are taken")
    };
    let mut proposes = two_releases(false);
    let events = fires(&mut proposes);
    assert_eq!(starts(&events), 0, "{events:?}");
    assert_eq!(proposes.deploy(2).alerts.len(), 1, "it is said at the deploy");
    let mut goes_back = two_releases(true);
    let events = fires(&mut goes_back);
    assert_eq!(starts(&events), 1, "{events:?}");
    let back = goes_back.deploy(3);
    assert_eq!((back.wanted.kind, back.wanted.release), (Kind::Rollback, Some(DeployId(1))));
    assert_eq!(back.by.user, user(SLACK, "dee"), "in the name of who deployed");
    // Whoever has no right any more can't be the reason for it.
    for change in [
        &(|core: &mut Core| core.state.settings.people = people(&["dee"]).into()) as &dyn Fn(&mut Core),
        &|core: &mut Core| core.state.settings.roles = roles(&[], &["amy"]),
    ] {
        let mut core = two_releases(true);
        change(&mut core);
        let events = fires(&mut core);
        assert_eq!((starts(&events), core.state.deploys.len()), (0, 2), "{events:?}");
    }
    // An alert that says that it is about somewhere else, or too late, goes back from nothing.
    let mut elsewhere = two_releases(true);
    let labels = [("alertname", "Errors"), ("service", "checkout"), ("environment", "production")];
    let events = elsewhere.give(&received(&labels, true)).expect("alerts are taken");
    assert_eq!(starts(&events), 0, "{events:?}");
    let mut late = two_releases(true);
    late.now += SignedDuration::from_mins(30);
    assert_eq!(starts(&fires(&mut late)), 0);
}

fn gate_with(team: Option<&str>, text: &str) -> Policies {
    let files = [
        File { name: "default.cedar".to_owned(), text: policy::DEFAULT.to_owned(), team: None },
        File { name: "own.cedar".to_owned(), text: text.to_owned(), team: team.map(str::to_owned) },
    ];
    Policies::read(&files).unwrap_or_else(|problems| panic!("{problems:?}"))
}

#[test]
fn a_teams_file_that_permits_everything_opens_nothing_that_is_not_its_own() {
    let open = || {
        gate_with(
            Some("payments"),
            "@id(\"open\") @reason(\"Ours is open.\") @who(\"everyone\")
             permit (principal, action in [Action::\"change\", Action::\"operate\"], resource in Team::\"payments\");",
        )
    };
    let with_owner = |owner: &str| {
        let services = services(1, None).into_iter();
        let owned = services.map(|service| Service { owner: Some(owner.to_owned()), ..service });
        Core::with(&open, owned.collect())
    };
    let mut own = with_owner("payments");
    own.clicks(SLACK, "vi", "deploy checkout to production").expect("it is theirs to open");
    own.looks(1, "c1");
    assert!(own.is_waiting(1), "production takes another all the same");
    assert!(not_allowed(&own.clicks(DISCORD, "vi", "approve D-1")), "who approves is not theirs to say");
    assert!(not_allowed(&own.clicks(SLACK, "vi", "freeze all")));
    own.types(SLACK, "amy", "freeze production").expect("she may");
    own.types(SLACK, "amy", "approve D-1").expect("it is noted");
    assert_eq!(own.how(1), Some(How::Refused), "a freeze holds there, too");
    let mut other = with_owner("search");
    assert!(not_allowed(&other.clicks(SLACK, "vi", "deploy checkout to staging")));
}

#[test]
fn a_rule_that_can_not_be_evaluated_lets_nothing_through() {
    // On its own Cedar would pass over it, and the deploy would go.
    let overflows = |when: &str| {
        let text = format!(
            "@id(\"overflows\") @reason(\"No.\") forbid (principal, action in Action::\"change\", resource) when {{ {when} }};"
        );
        move || gate_with(None, &text)
    };
    let mut core = Core::with(&overflows("context.at.hour * 9223372036854775807 < 0"), services(1, None));
    assert!(not_allowed(&core.types(SLACK, "dee", "deploy checkout to staging")));
    assert!(not_allowed(&core.types(SLACK, "dee", "rollback checkout staging")));
    let later = "context.change.alerts + 9223372036854775807 < 0";
    let mut core = Core::with(&overflows(later), services(0, None));
    core.types(SLACK, "dee", "deploy checkout to staging").expect("nothing fires");
    core.looks(1, "c1");
    assert_eq!(core.dispatched, [DeployId(1)], "it can be evaluated");
    core.succeeds(1);
    core.give(&received(&[("alertname", "Errors"), ("service", "checkout")], true)).expect("alerts are taken");
    core.types(SLACK, "dee", "deploy checkout@x to staging").expect("it is planned");
    core.looks(2, "c2");
    assert_eq!((core.how(2), core.dispatched.len()), (Some(How::Refused), 1), "it overflows");
}

#[test]
fn glass_is_not_broken_without_a_reason_nor_without_the_others() {
    let mut core = Core::new();
    core.types(SLACK, "amy", "freeze all the migration runs").expect("she freezes");
    for line in [
        "deploy checkout to production --break-glass",
        "deploy checkout to production --break-glass --reason",
        "deploy checkout to production --break-glass --reason    ",
        "deploy checkout to production --break-glass --reason \u{200b}\u{feff}",
    ] {
        let refused = core.types(SLACK, "dee", line);
        let nothing = refused.as_ref().is_ok_and(Vec::is_empty);
        assert!(nothing || why(refused) == Some(DeployRefusal::NeedsReason("break-glass")), "{line}");
    }
    assert_eq!(core.state.deploys.len(), 0);
    // A reason alone is no breaking of glass.
    core.types(SLACK, "dee", "deploy checkout to production --reason it is urgent").expect("it is planned");
    core.looks(1, "c1");
    assert_eq!(core.how(1), Some(How::Refused));
    // And what is urgent takes another's approval all the same.
    core.types(SLACK, "dee", "deploy checkout to production --break-glass --reason it is urgent")
        .expect("it is planned");
    core.looks(2, "c1");
    assert!(core.is_waiting(2), "{:?}", core.deploy(2).stage);
    assert_eq!(why(core.clicks(DISCORD, "dee", "approve D-2")), Some(DeployRefusal::Own(DeployId(2))));
    core.clicks(DISCORD, "abe", "approve D-2").expect("he approves");
    core.looks(2, "c1");
    assert_eq!(core.dispatched, [DeployId(2)]);
}

#[test]
fn a_freeze_that_comes_between_approval_and_turn_holds() {
    let mut core = Core::new();
    core.waits();
    core.types(SLACK, "abe", "approve D-1").expect("he approves");
    core.types(SLACK, "amy", "freeze production").expect("she freezes");
    core.looks(1, "c1");
    assert_eq!((core.how(1), core.dispatched.as_slice()), (Some(How::Refused), [].as_slice()));
}

#[test]
fn what_was_asked_for_twice_is_done_once() {
    let mut core = Core::new();
    core.types(SLACK, "dee", "deploy checkout@main to staging").expect("she deploys");
    core.looks(1, "c1");
    assert!(matches!(
        why(core.types(DISCORD, "dee", "deploy checkout@main to staging")),
        Some(DeployRefusal::AlreadyAsked(DeployId(1)))
    ));
    // The same by another name is known for the same once its turn comes; something else is not.
    for (id, reference, commit) in [(2, "v1", "c1"), (3, "v2", "c2")] {
        core.types(DISCORD, "dee", &format!("deploy checkout@{reference} to staging")).expect("she deploys");
        core.looks(id, commit);
    }
    core.looks(1, "c1");
    core.succeeds(1);
    core.looks(2, "c1");
    assert_eq!(core.how(2), Some(How::NotStarted), "{:?}", core.deploy(2).stage);
    core.looks(3, "c2");
    core.succeeds(3);
    assert_eq!(core.dispatched, [DeployId(1), DeployId(3)]);
    // Where it runs already, it is deployed once more on purpose.
    core.types(SLACK, "dee", "deploy checkout@main to staging").expect("she deploys");
    core.looks(4, "c2");
    core.looks(4, "c2");
    core.succeeds(4);
}
