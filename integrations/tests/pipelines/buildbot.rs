//! The Buildbot adapter against a strict Buildbot.

use std::time::Duration;

use integrations::clock::ManualClock;
use integrations::pipelines::buildbot::hook::{Denied, Hook, Shows};
use integrations::pipelines::buildbot::{Buildbot, Connection, Fields, Login, Target};
use integrations::pipelines::{Failure, Pipeline, Refused};
use integrations::secret::Secret;
use operations::pipeline::{Checks, Gate, Order, RefKind, Run, RunState};
use operations::text::Outside;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Value, json};

use crate::buildbot_peer::{Buildbot as Peer, PASSWORD, Request};
use crate::gitlab_server::{
    Answer, COMMIT, Fault, Server, is_transient, is_unknown, kind, now, order, passing, refusals, shared, words,
};

const FORCE: &str = "POST /forceschedulers/force";

struct World {
    server: Server<Peer>,
    clock: ManualClock,
    buildbot: Buildbot,
}

fn target() -> Target {
    Target { scheduler: "force".to_owned(), builder: "deploy to prod".to_owned(), fields: Fields::default() }
}

fn connection(url: &str) -> Connection {
    let login = Login { user: "bot".to_owned(), password: Secret::new(PASSWORD) };
    Connection { url: url.to_owned(), login: Some(login) }
}

async fn world_with(target: Target) -> World {
    let server = Server::start(Peer::new()).await;
    let clock = ManualClock::new(now());
    let connection = connection(&format!("{}/bb/", server.address));
    let buildbot = Buildbot::new(connection, target, shared(&clock)).expect("a target");
    World { server, clock, buildbot }
}

async fn world() -> World {
    world_with(target()).await
}

impl World {
    /// A build that has begun.
    async fn begun(&self) -> Run {
        let run = self.buildbot.start(&order("muster-d7-4f0c")).await.expect("started");
        self.server.with(|peer| peer.begin(run.id.parse().expect("a number")));
        run
    }

    async fn state(&self, run: &Run) -> RunState {
        self.buildbot.look(run).await.expect("looked").state
    }

    fn forced(&self) -> usize {
        self.server.with(|peer| peer.requests.len())
    }
}

#[tokio::test]
async fn a_build_is_forced_followed_and_found_by_its_id() {
    let world = world().await;
    let order = order("muster-d7-4f0c");
    assert_eq!(world.buildbot.find(&order).await, Ok(None));
    let run = world.buildbot.start(&order).await.expect("started");
    assert_eq!(run.id, "1");
    assert_eq!(run.url, Some(format!("{}/bb/#/buildrequests/1", world.server.address)));
    let values = world.server.with(|peer| peer.requests[0].values.clone());
    assert_eq!(values["muster_id"], json!("muster-d7-4f0c"));
    assert_eq!((&values["revision"], &values["muster_rollback"]), (&json!(COMMIT), &json!(false)));
    assert_eq!(values["reason"], json!("muster-d7-4f0c by Ann reboot: because"));
    assert_eq!(world.state(&run).await, RunState::Queued);
    assert_eq!(world.buildbot.find(&order).await, Ok(Some(run.clone())));
    for near in ["muster-d7-4f0", "muster-d7-4f0c1"] {
        assert_eq!(world.buildbot.find(&Order { id: near.to_owned(), ..order.clone() }).await, Ok(None), "{near}");
    }
    world.server.with(|peer| peer.begin(1));
    let progress = world.buildbot.look(&run).await.expect("looked");
    assert_eq!((progress.state, progress.done, progress.total), (RunState::Running, 1, 0));
    assert_eq!(progress.step.as_ref().map(|step| step.as_str()), Some("deploy"));
    let page = Some(format!("{}/bb/#/builders/2/builds/7", world.server.address));
    assert_eq!(progress.run, Some(Run { id: run.id.clone(), url: page }));
    let ends = [
        (0, RunState::Succeeded),
        (1, RunState::Succeeded),
        (2, RunState::Failed),
        (3, RunState::Cancelled),
        (4, RunState::Failed),
        (5, RunState::Queued),
        (6, RunState::Cancelled),
    ];
    for (results, state) in ends {
        world.server.with(|peer| {
            peer.requests[0].complete = false;
            peer.build().steps[1].1 = None;
            peer.end(results);
        });
        let progress = world.buildbot.look(&run).await.expect("looked");
        assert_eq!(progress.state, state, "{results}");
        let is_over = state.is_over();
        assert_eq!((progress.done, progress.total), (2, if is_over { 2 } else { 0 }), "{results}");
        assert_eq!(progress.step.is_some(), state == RunState::Failed, "{results}");
    }
    // One that is tried again has a second build, which counts.
    world.server.with(|peer| peer.begin(1));
    assert_eq!(world.state(&run).await, RunState::Running);
}

#[tokio::test]
async fn what_would_be_dropped_and_what_is_not_there_is_refused_before_the_start() {
    for missing in ["muster_id", "revision"] {
        let world = world().await;
        world.server.with(|peer| peer.declared.retain(|(name, _)| name != missing));
        let refused = world.buildbot.start(&order("muster-d7-4f0c")).await;
        assert_eq!(kind(&refused), Some(Refused::Malformed));
        assert!(words(&refused).contains(missing) && words(&refused).contains("does not declare"), "{refused:?}");
        assert_eq!(world.server.asked("POST").len(), 0);
    }
    let world = world().await;
    for (name, value) in [("undeclared", "x"), ("muster_id", "x"), ("builderNames", "x"), ("owner", "x")] {
        world.server.with(|peer| peer.declared.push(("owner".to_owned(), "text")));
        let mut order = order("muster-d7-4f0c");
        order.parameters.insert(name.to_owned(), value.to_owned());
        assert_eq!(kind(&world.buildbot.start(&order).await), Some(Refused::Malformed), "{name}");
    }
    for target in [
        Target { scheduler: "nothing".to_owned(), ..target() },
        Target { scheduler: "../../auth/login".replace('/', "?"), ..target() },
        Target { builder: "nothing".to_owned(), ..target() },
    ] {
        let world = world_with(target.clone()).await;
        let refused = world.buildbot.start(&order("muster-d7-4f0c")).await;
        assert_eq!(kind(&refused), Some(Refused::NotFound), "{target:?}");
        assert_eq!(world.server.asked("POST").len(), 0);
    }
    world.server.with(|peer| peer.enabled = false);
    assert_eq!(kind(&world.buildbot.start(&order("muster-d7-4f0c")).await), Some(Refused::Conflict));
    assert_eq!(world.forced(), 0);
}

#[tokio::test]
async fn a_field_that_buildbot_does_not_like_is_told_in_its_words() {
    let world = world().await;
    let mut order = order("muster-d7-4f0c");
    order.parameters.insert("size".to_owned(), "huge".to_owned());
    let refused = world.buildbot.start(&order).await;
    assert_eq!(kind(&refused), Some(Refused::Malformed));
    assert!(words(&refused).contains("size: 'huge' does not belong"), "{refused:?}");
    order.parameters.insert("size".to_owned(), "small".to_owned());
    order.is_rollback = true;
    order.reason = Outside::new(&"a long story ".repeat(40));
    world.buildbot.start(&order).await.expect("started");
    assert_eq!(world.server.with(|peer| peer.requests[0].values["muster_rollback"].clone()), json!(true));
}

#[tokio::test]
async fn muster_logs_in_where_it_is_asked_to_and_its_secrets_stay_with_it() {
    let world = world().await;
    world.buildbot.start(&order("muster-d7-4f0c")).await.expect("started");
    let cookies: Vec<String> =
        world.server.asked(FORCE).iter().map(|asked| asked.header("cookie").to_owned()).collect();
    assert_eq!(cookies, ["", "TWISTED_SESSION=eyJhbGciOiJIUzI1NiJ9.bot.sig"], "not the session of nobody");
    assert_eq!(world.forced(), 1);
    world.server.with(|peer| peer.asks_for_login = false);
    world.buildbot.start(&order("muster-d8-4f0c")).await.expect("started");
    assert_eq!(world.server.asked("GET /auth/login").len(), 1);
    // Behind a proxy that looks at the credentials there is nothing to log in to.
    world.server.with(|peer| (peer.asks_for_login, peer.has_login) = (true, false));
    let refused = passing(&world.clock, world.buildbot.start(&order("muster-d9-4f0c"))).await;
    assert_eq!(kind(&refused), Some(Refused::Forbidden));
    assert!(words(&refused).contains("you need to have role"), "{refused:?}");
    let wrong = Login { user: "bot".to_owned(), password: Secret::new("wrong-horse-battery") };
    let url = format!("{}/bb", world.server.address);
    for (login, expected) in [(Some(wrong), Refused::Token), (None, Refused::Forbidden)] {
        world.server.with(|peer| peer.has_login = true);
        let other = Buildbot::new(Connection { url: url.clone(), login }, target(), shared(&world.clock));
        let refused = other.expect("a target").start(&order("muster-d9-4f0c")).await;
        assert_eq!(kind(&refused), Some(expected));
        assert!(!words(&refused).contains("horse"), "{refused:?}");
    }
    assert!(!format!("{:?}", connection("http://x")).contains(PASSWORD));
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_unknown_and_found_and_not_sent_again() {
    let odd = Answer::json(200, &json!({ "id": 1, "jsonrpc": "2.0", "result": null }));
    let two = Answer::json(200, &json!({ "result": [1, { "1": 1, "2": 2 }] }));
    let faults = [
        Fault::Dropped,
        Fault::After(Answer::text(502, "bad gateway")),
        Fault::After(Answer::text(200, "<html>")),
        Fault::After(odd),
        Fault::After(two),
    ];
    for fault in faults {
        let world = world().await;
        world.server.with(|peer| peer.asks_for_login = false);
        world.buildbot.start(&order("muster-d7-4f0")).await.expect("started");
        world.server.fault(FORCE, fault.clone());
        let started = world.buildbot.start(&order("muster-d7-4f0c")).await;
        assert!(is_unknown(&started), "{fault:?}: {started:?}");
        assert_eq!(world.server.asked(FORCE).len(), 2);
        let found = world.buildbot.find(&order("muster-d7-4f0c")).await.expect("looked for").expect("found");
        assert_eq!(found.id, "2", "{fault:?}");
    }
}

#[tokio::test]
async fn refusals_are_told_apart_and_no_secret_is_in_them() {
    let body = json!({ "error": { "message": format!("no: {PASSWORD}") } });
    for (answer, expected) in refusals(&body) {
        let world = world().await;
        world.server.with(|peer| peer.asks_for_login = false);
        let run = world.begun().await;
        // A 403 is answered with a login, after which it must still be one.
        for _ in 0..if answer.status == 403 { 2 } else { 1 } {
            world.server.fault(FORCE, Fault::Instead(answer.clone()));
        }
        let refused = world.buildbot.start(&order("muster-d8-4f0c")).await;
        assert_eq!(kind(&refused), expected, "{answer:?}");
        assert!(!format!("{refused:?}").contains(PASSWORD), "{refused:?}");
        let is_limit = matches!(refused, Err(Failure::Transient { retry_after: Some(_), .. }));
        assert_eq!(is_limit, answer.status == 429);
        if expected.is_some() {
            world.server.fault("GET /buildrequests/1", Fault::Instead(answer));
            assert_eq!(kind(&world.buildbot.look(&run).await), expected);
        }
    }
    let world = world().await;
    let run = world.begun().await;
    for _ in 0..3 {
        world.server.fault("GET /builds", Fault::Instead(Answer::text(503, "down")));
    }
    assert!(is_transient(&passing(&world.clock, world.buildbot.look(&run)).await));
    world.server.fault("GET /builds", Fault::Dropped);
    assert!(passing(&world.clock, world.buildbot.look(&run)).await.is_ok());
    world.server.fault("GET /builds", Fault::Instead(Answer::text(200, "<html>log in</html>")));
    assert!(is_transient(&world.buildbot.look(&run).await));
}

#[tokio::test]
async fn a_request_that_was_merged_into_another_has_not_deployed() {
    let world = world().await;
    world.begun().await;
    let second = world.buildbot.start(&order("muster-d8-4f0c")).await.expect("started");
    assert_eq!(world.state(&second).await, RunState::Queued);
    let third = world.buildbot.start(&order("muster-d9-4f0c")).await.expect("started");
    let progress = world.buildbot.look(&second).await.expect("looked");
    assert_eq!(progress.state, RunState::Cancelled);
    assert!(progress.step.is_some_and(|step| step.as_str().contains("collapseRequests")));
    assert_eq!(world.state(&third).await, RunState::Queued);
    // Complete without a build is never done well.
    world.server.with(|peer| peer.requests[1].results = 0);
    assert_eq!(world.state(&second).await, RunState::Cancelled);
}

#[tokio::test]
async fn looking_for_a_build_goes_through_the_pages_of_the_last_day_and_stays_with_the_builder() {
    let world = world().await;
    let mine = world.begun().await;
    world.server.with(|peer| {
        let values = [("muster_id".to_owned(), json!("muster-d7-4f0c"))].into();
        peer.requests.push(Request { id: 900, builder: 1, values, ..Request::default() });
        for id in 2..250 {
            let values = [("muster_id".to_owned(), json!("muster-d7-4f0c-2"))].into();
            peer.requests.push(Request {
                id,
                builder: 2,
                values,
                submitted_at: now().as_second(),
                ..Request::default()
            });
        }
    });
    assert_eq!(world.buildbot.find(&order("muster-d7-4f0c")).await, Ok(Some(mine)));
    assert_eq!(world.server.asked("GET /builders/2/buildrequests").len(), 3);
    world.clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(world.buildbot.find(&order("muster-d7-4f0c")).await, Ok(None));
    assert_eq!(world.server.asked("GET /builders/2/buildrequests").len(), 4, "the first page is too old");
    let other = world_with(Target { builder: "nothing".to_owned(), ..target() }).await;
    assert_eq!(kind(&other.buildbot.find(&order("muster-d7-4f0c")).await), Some(Refused::NotFound));
}

#[tokio::test]
async fn what_waits_and_what_runs_is_stopped_and_what_ended_is_told_of() {
    let world = world().await;
    let run = world.buildbot.start(&order("muster-d7-4f0c")).await.expect("started");
    world.buildbot.cancel(&run).await.expect("cancelled");
    assert_eq!(world.state(&run).await, RunState::Cancelled);
    // Buildbot itself would say yes.
    assert_eq!(kind(&world.buildbot.cancel(&run).await), Some(Refused::Conflict));
    let run = world.begun().await;
    world.buildbot.cancel(&run).await.expect("stopped");
    assert_eq!(world.state(&run).await, RunState::Cancelled);
    assert_eq!(kind(&world.buildbot.cancel(&run).await), Some(Refused::Conflict));
    assert_eq!(world.server.asked("POST /buildrequests/1").len(), 2, "once refused without a session");
    assert_eq!(world.server.asked("POST /builds/101").len(), 2);
    let none = Run { id: "77".to_owned(), url: None };
    assert_eq!(kind(&world.buildbot.cancel(&none).await), Some(Refused::NotFound));
}

#[tokio::test]
async fn the_end_of_the_failing_step_s_log_comes_without_the_worker_s_environment() {
    let world = world().await;
    let queued = world.buildbot.start(&order("muster-d7-4f0c")).await.expect("started");
    assert_eq!(kind(&world.buildbot.log(&queued).await), Some(Refused::NotFound));
    world.server.with(|peer| {
        peer.begin(1);
        let long = "oa line\n".repeat(300_000);
        peer.build().log = format!(
            "{long}henvironment:\nh  DEPLOY_KEY_FILE=/k\no\u{1b}[31mboom\u{1b}[0m\neand {PASSWORD}\nhprogram finished with exit code 3\n"
        );
        peer.end(2);
        peer.build().steps.push(("cleanup".to_owned(), Some(0), false));
    });
    let log = world.buildbot.log(&queued).await.expect("a log");
    assert_eq!(log.step.as_ref().map(|step| step.as_str()), Some("deploy"));
    let tail = log.tail.as_str();
    assert!(tail.ends_with("a line\nboom\nand [redacted]\nprogram finished with exit code 3"), "{tail}");
    assert!(!tail.contains("DEPLOY_KEY_FILE") && !tail.contains("environment"), "{tail}");
    let asked = &world.server.asked("GET /contents")[0];
    assert_eq!((asked.asks("offset"), asked.asks("limit")), ("299805", "200"));
    // Lines so long that two hundred of them are more than is read.
    world.server.with(|peer| peer.build().log = format!("{}olast\n", format!("o{}\n", "x".repeat(60_000)).repeat(200)));
    let log = passing(&world.clock, world.buildbot.log(&queued)).await.expect("a log");
    assert!(log.tail.as_str().ends_with("last"));
}

#[tokio::test]
async fn what_buildbot_can_not_do_is_said() {
    let world = world().await;
    let resolved = world.buildbot.resolve(Some("v1")).await.expect("taken as it is");
    assert_eq!((resolved.commit.id.as_str(), resolved.kind), ("v1", RefKind::Unknown));
    assert_eq!(kind(&world.buildbot.resolve(None).await), Some(Refused::Malformed));
    assert_eq!(kind(&world.buildbot.changes(COMMIT, COMMIT).await), Some(Refused::Malformed));
    assert_eq!(world.buildbot.checks(COMMIT).await, Ok(Checks::Unknown));
    let (run, gate) = (Run { id: "1".to_owned(), url: None }, Gate { id: "x".to_owned(), name: "x".into() });
    assert_eq!(kind(&world.buildbot.decide(&run, &gate, true, "").await), Some(Refused::Malformed));
    let can = world.buildbot.capabilities();
    assert!(!can.resolves && !can.compares && !can.approves && can.cancels && can.logs);
}

#[tokio::test]
async fn ids_from_elsewhere_lead_nowhere() {
    let world = world().await;
    for id in ["", "../..", "1?x=1", "1/builds", "1\n2", "-1"] {
        let run = Run { id: id.to_owned(), url: None };
        for outcome in [world.buildbot.look(&run).await.map(|_| ()), world.buildbot.cancel(&run).await] {
            assert_eq!(kind(&outcome), Some(Refused::Malformed), "{id:?}");
        }
    }
    assert_eq!(world.server.asked("GET").len() + world.server.asked("POST").len(), 0);
}

#[test]
fn wrong_settings_are_told_with_the_field() {
    let shared = shared(&ManualClock::new(now()));
    let url = "https://ci.example.com/buildbot/";
    let login = |user: &str, password: &str| Login { user: user.to_owned(), password: Secret::new(password) };
    let with = |login| Connection { url: url.to_owned(), login: Some(login) };
    let wrong = [
        (connection("ci.example.com"), target(), "Buildbot"),
        (with(login("a:b", "x")), target(), "login.user"),
        (with(login("a", "")), target(), "login.password"),
        (connection(url), Target { scheduler: String::new(), ..target() }, "scheduler"),
        (connection(url), Target { builder: "a/b".to_owned(), ..target() }, "builder"),
        (
            connection(url),
            Target { fields: Fields { id: String::new(), ..Fields::default() }, ..target() },
            "fields.id",
        ),
    ];
    for (connection, target, field) in wrong {
        let why = Buildbot::new(connection, target, shared.clone()).err().expect("refused");
        assert!(why.contains(field), "{why}");
    }
}

/// As a real 4.3 sends it, shortened.
const PUSHED: &str = r#"{"buildid": 3, "number": 1, "builderid": 4, "buildrequestid": 12, "complete": false, "results": null,
    "properties": {"muster_id": ["muster-d7-4f0c", "Force Build Form"]}}"#;

#[test]
fn what_buildbot_pushes_is_known_by_what_the_operator_wrote() {
    let shown =
        [Shows::Bearer(Secret::new("push-token-1")), Shows::Basic("bb".to_owned(), Secret::new("push-password-1"))];
    let hook = Hook::new(&shown).expect("a hook");
    let read = |shown: Option<&str>, body: &str| {
        let headers: HeaderMap =
            shown.map(|shown| (AUTHORIZATION, shown.parse().expect("a value"))).into_iter().collect();
        hook.read(&headers, body.as_bytes())
    };
    for shown in ["Bearer push-token-1", "bearer push-token-1", "Basic YmI6cHVzaC1wYXNzd29yZC0x"] {
        let told = read(Some(shown), PUSHED).expect("known");
        assert_eq!((told.run.as_str(), told.build, told.builder), ("12", 3, Some(4)), "{shown}");
    }
    let wrong = [
        "",
        "Bearer",
        "Bearer push-token-",
        "Bearer PUSH-TOKEN-1",
        "Basic push-token-1",
        "Bearer YmI6cHVzaC1wYXNzd29yZC0x",
    ];
    for shown in wrong.map(Some).into_iter().chain([None]) {
        assert_eq!(read(shown, PUSHED), Err(Denied::Unknown), "{shown:?}");
    }
    for body in ["", "{}", r#"{"buildid": "3", "buildrequestid": 12}"#] {
        assert_eq!(read(Some("Bearer push-token-1"), body), Err(Denied::Unreadable), "{body}");
    }
    assert!(Hook::new(&[]).is_err() && Hook::new(&[Shows::Bearer(Secret::new(" "))]).is_err());
    assert!(!format!("{hook:?}").contains("push-"));
    let _: Value = serde_json::from_str(PUSHED).expect("JSON");
}
