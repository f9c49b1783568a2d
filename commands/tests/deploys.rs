//! What is typed about deploys, locks and freezes: read exactly, or not at all.

mod world;

use std::time::Duration;

use commands::mistake::Mistake;
use commands::parse::{Asker, command_line};
use operations::command::Command;
use operations::deploy::command::{DeployAsk, DeployCommand};
use operations::ids::DeployId;
use operations::locks::{Scope, Until};
use world::{World, ann, wanted};

/// Reads a line that Ann typed outside of any room.
fn line(text: &str) -> Result<DeployCommand, Mistake> {
    let world = World::new();
    let by = ann();
    command_line(text, Asker { by: &by, state: &world.state, here: None }).map(|command| match command {
        Command::Deploy(command) => command,
        other => panic!("{text}: {other:?}"),
    })
}

fn read(text: &str) -> DeployCommand {
    line(text).unwrap_or_else(|mistake| panic!("{text}: {mistake}"))
}

fn told(text: &str) -> String {
    match line(text) {
        Ok(command) => panic!("{text} is read as {command:?}"),
        Err(mistake) => mistake.to_string(),
    }
}

#[test]
fn a_deploy_is_meant_by_its_number_however_it_is_written_and_by_nothing_else() {
    for said in ["D-99", "d-99", "D99", "99", "#99"] {
        for (verb, ask) in [
            ("cancel", DeployAsk::Cancel),
            ("retry", DeployAsk::Retry),
            ("didnot", DeployAsk::ItDidNot),
            ("status", DeployAsk::Show),
        ] {
            let read = read(&format!("deploy {verb} {said}"));
            assert_eq!(read, DeployCommand::About { deploy: Some(DeployId(99)), ask }, "{verb} {said}");
        }
        let DeployCommand::About { deploy, ask } = read(&format!("deny {said} not on a Friday")) else {
            panic!("{said}")
        };
        assert_eq!(deploy, Some(DeployId(99)));
        assert_eq!(ask, DeployAsk::Deny { reason: "not on a Friday".into() });
    }
    for text in ["deploy cancel payments production", "deploy didnot it", "deploy retry D-1 now", "deploy status soon"]
    {
        let told = told(text);
        assert!(told.contains("is more than I understand") && told.contains("D-1"), "{text}: {told}");
    }
    // Eight digits may begin a plan.
    let DeployCommand::About { deploy: None, ask } = read("approve 12345678") else { panic!("a plan") };
    assert_eq!(ask, DeployAsk::Approve { digest: Some("12345678".to_owned()) });
}

#[test]
fn an_end_that_is_not_understood_is_no_end_and_no_reason() {
    for text in [
        "freeze production until 6pm Black Friday",
        "freeze production until monday 9:00",
        "freeze production until 25:99",
        "freeze all until tomorrow",
        "freeze production until",
        "freeze production for 0m",
        "lock checkout staging until 25:00 a test",
        "lock checkout staging for -2h",
        "lock checkout staging for 2 fortnights",
    ] {
        let told = told(text);
        assert!(told.contains("is no end that I understand"), "{text}: {told}");
    }
    let hours = |hours: u64| Some(Until::For(Duration::from_secs(hours * 3600)));
    let lock = |text: &str| match read(text) {
        DeployCommand::Lock { until, reason, .. } => (until, reason.as_str().to_owned()),
        other => panic!("{text}: {other:?}"),
    };
    for text in [
        "lock checkout staging 2h a test",
        "lock checkout staging for 2 hours a test",
        "lock checkout staging for 2h a test",
    ] {
        assert_eq!(lock(text), (hours(2), "a test".to_owned()), "{text}");
    }
    assert_eq!(lock("lock checkout staging for the load test"), (None, "for the load test".to_owned()));
    let freeze = |text: &str| match read(text) {
        DeployCommand::Freeze { scope, until, reason } => (scope, until, reason.as_str().to_owned()),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(freeze("freeze 2h"), (Scope::Production, hours(2), String::new()));
    let end = Some(Until::DateTime(jiff::civil::date(2026, 11, 24).at(8, 0, 0, 0)));
    let sale = || "Black Friday".to_owned();
    assert_eq!(freeze("freeze production until 2026-11-24 08:00 Black Friday"), (Scope::Production, end, sale()));
    assert_eq!(freeze("freeze all Black Friday"), (Scope::Everything, None, sale()));
}

#[test]
fn nothing_is_frozen_that_was_not_named() {
    for text in ["freeze orders until 18:00", "freeze Black Friday", "freeze prodution"] {
        let told = told(text);
        assert!(told.contains("nothing to freeze") && told.contains("/freeze prod"), "{text}: {told}");
    }
    let told = told("freeze checkout dev for 1h");
    assert!(told.contains("checkout has no environment") && told.contains("--reason"), "{told}");
    let DeployCommand::Freeze { scope, reason, .. } = read("freeze checkout the big sale") else { panic!("a freeze") };
    assert_eq!((scope, reason.as_str()), (Scope::Service("checkout".to_owned()), "the big sale"));
}

#[test]
fn what_is_deployed_is_said_once() {
    for (text, words) in [
        ("deploy checkout@v141 to staging ref=v142", "said twice"),
        ("deploy checkout@ to staging", "has a branch, tag or commit behind it"),
        ("deploy checkout@“v142” to staging --dry-run", "to staging --dry-run"),
        ("promote checkout dev to production", "/promote checkout staging to production"),
    ] {
        let told = told(text);
        assert!(told.contains(words), "{text}: {told}");
    }
}

#[test]
fn a_number_by_itself_is_what_there_is_of_it() {
    let mut world = World::new();
    world.asked(DeployId(1), wanted("v142"));
    let by = ann();
    let read = |text: &str| command_line(text, Asker { by: &by, state: &world.state, here: None });
    assert_eq!(read("why 1").expect("it is D-1"), Command::Deploy(DeployCommand::Why(DeployId(1))));
    assert_eq!(read("why d1").expect("it is D-1"), Command::Deploy(DeployCommand::Why(DeployId(1))));
    assert!(matches!(read("why 7"), Ok(Command::Alert { .. })), "there is no D-7");
}

#[test]
fn a_flag_with_one_hyphen_is_no_part_of_a_deploy() {
    for (said, meant) in [("-dry-run", "--dry-run"), ("-break-glass", "--break-glass"), ("-reason why", "--reason")] {
        let told = told(&format!("deploy checkout to staging {said}"));
        assert!(told.contains(&format!("Did you mean {meant}?")), "{said}: {told}");
    }
}

#[test]
fn what_the_pipeline_waits_for_is_answered_by_words_and_by_options() {
    let gate = |gate: Option<&str>, approve| DeployCommand::About {
        deploy: Some(DeployId(1)),
        ask: DeployAsk::Gate { gate: gate.map(str::to_owned), approve },
    };
    assert_eq!(read("deploy gate approve D-1"), gate(None, true));
    assert_eq!(read("deploy gate reject D-1 production"), gate(Some("production"), false));
    assert_eq!(read("deploy gate answer:reject deploy:D-1 gate:production"), gate(Some("production"), false));
    assert!(told("deploy gate perhaps D-1").contains("approve"));
}
