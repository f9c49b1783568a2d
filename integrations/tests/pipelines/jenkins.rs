//! The Jenkins adapter against a strict Jenkins.

use std::time::Duration;

use integrations::clock::ManualClock;
use integrations::pipelines::jenkins::{Connection, Jenkins, Parameters, Target};
use integrations::pipelines::{Failure, Pipeline, Refused};
use integrations::secret::Secret;
use operations::pipeline::{Checks, Gate, Order, RefKind, Run, RunState};
use serde_json::json;

use crate::gitlab_server::{
    Answer, COMMIT, Fault, Server, is_transient, is_unknown, kind, now, order, passing, refusals, shared, words,
};
use crate::jenkins_peer::{Build, Item, Jenkins as Peer, TOKEN};

const START: &str = "POST /buildWithParameters";

struct World {
    server: Server<Peer>,
    clock: ManualClock,
    jenkins: Jenkins,
}

fn target() -> Target {
    Target { job: "team/checkout-deploy".to_owned(), parameters: Parameters::default() }
}

fn connection(url: &str) -> Connection {
    Connection { url: url.to_owned(), user: "ann".to_owned(), api_token: Secret::new(TOKEN) }
}

async fn world_with(target: Target) -> World {
    let server = Server::start(Peer::new()).await;
    let clock = ManualClock::new(now());
    let url = format!("{}/jenkins", server.address);
    server.with(|peer| peer.root = url.clone());
    let jenkins = Jenkins::new(connection(&url), target, shared(&clock)).expect("a target");
    World { server, clock, jenkins }
}

async fn world() -> World {
    world_with(target()).await
}

impl World {
    /// A build that has begun.
    async fn begun(&self) -> Run {
        let run = self.jenkins.start(&order("muster-d7-4f0c")).await.expect("started");
        self.server.with(Peer::begin);
        self.jenkins.look(&run).await.expect("looked").run.expect("a build")
    }

    fn build(&self, change: impl FnOnce(&mut Build)) {
        self.server.with(|peer| change(peer.build()));
    }
}

#[tokio::test]
async fn a_build_is_queued_begins_and_is_found_by_its_id() {
    let world = world().await;
    let mut order = order("muster-d7-4f0c");
    order.parameters.insert("SIZE".to_owned(), "large".to_owned());
    let queued = world.jenkins.start(&order).await.expect("queued");
    assert_eq!(queued.id, "queue:701:muster-d7-4f0c");
    assert_eq!(queued.url, Some(format!("{}/jenkins/queue/item/701/", world.server.address)));
    let values = world.server.with(|peer| peer.queue[0].values.clone());
    let expected = [
        ("MUSTER_COMMIT", COMMIT),
        ("MUSTER_ENVIRONMENT", "production"),
        ("MUSTER_ID", "muster-d7-4f0c"),
        ("MUSTER_REF", "main"),
        ("MUSTER_ROLLBACK", "false"),
        ("MUSTER_SERVICE", "checkout"),
        ("SIZE", "large"),
    ];
    assert_eq!(values, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    let waiting = world.jenkins.look(&queued).await.expect("looked");
    assert_eq!(waiting.state, RunState::Queued);
    assert_eq!(waiting.step.as_ref().map(|why| why.as_str()), Some("Waiting for next available executor"));
    assert_eq!(world.jenkins.find(&order).await.expect("looked").map(|run| run.id), Some(queued.id.clone()));
    world.server.with(Peer::begin);
    let running = world.jenkins.look(&queued).await.expect("looked");
    let build = running.run.expect("a build");
    assert_eq!((running.state, build.id.as_str()), (RunState::Running, "build:41"));
    assert_eq!(world.jenkins.find(&order).await, Ok(Some(build.clone())));
    for near in ["muster-d7-4f0", "muster-d7-4f0c1"] {
        assert_eq!(world.jenkins.find(&Order { id: near.to_owned(), ..order.clone() }).await, Ok(None), "{near}");
    }
    assert_eq!(world.jenkins.look(&build).await.expect("looked").run, None, "nothing new");
}

#[tokio::test]
async fn what_the_job_does_not_declare_or_offer_is_refused_before_the_start() {
    for missing in ["MUSTER_ID", "MUSTER_COMMIT"] {
        let world = world().await;
        world.server.with(|peer| peer.declared.retain(|(name, _)| name != missing));
        let refused = world.jenkins.start(&order("muster-d7-4f0c")).await;
        assert_eq!(kind(&refused), Some(Refused::Malformed));
        assert!(words(&refused).contains(missing) && words(&refused).contains("does not declare"), "{refused:?}");
        assert_eq!(world.server.asked("POST").len(), 0);
    }
    let world = world().await;
    for (name, value) in [("UNDECLARED", "x"), ("SIZE", "huge"), ("MUSTER_ID", "other")] {
        let mut order = order("muster-d7-4f0c");
        order.parameters.insert(name.to_owned(), value.to_owned());
        assert_eq!(kind(&world.jenkins.start(&order).await), Some(Refused::Malformed), "{name}");
    }
    world.server.with(|peer| peer.buildable = false);
    assert_eq!(kind(&world.jenkins.start(&order("muster-d7-4f0c")).await), Some(Refused::Conflict));
    assert_eq!(world.server.asked("POST").len(), 0);
    // Muster's other values are for those who want them.
    let world = self::world().await;
    world.server.with(|peer| peer.declared.retain(|(name, _)| name == "MUSTER_ID" || name == "MUSTER_COMMIT"));
    world.jenkins.start(&order("muster-d7-4f0c")).await.expect("started");
}

#[tokio::test]
async fn old_versions_and_proxies_answer_with_a_redirect_or_no_item() {
    for (status, location) in [(302, None), (303, None), (201, Some("/jenkins/queue/item/701/")), (302, Some("."))] {
        let world = world().await;
        world.server.with(|peer| peer.status = status);
        world.server.with(|peer| peer.location = location.map(str::to_owned));
        let run = world.jenkins.start(&order("muster-d7-4f0c")).await.expect("started");
        assert_eq!(run.id, "queue:701:muster-d7-4f0c", "{status} {location:?}");
    }
    let world = world().await;
    world.server.with(|peer| peer.location = Some(String::new()));
    let run = world.jenkins.start(&order("muster-d7-4f0c")).await.expect("started");
    assert_eq!(run.id, "queue:701:muster-d7-4f0c", "without a Location it is looked for");
}

#[tokio::test]
async fn a_location_on_another_host_is_not_believed_or_called() {
    let other = Server::start(Peer::new()).await;
    for location in [format!("{}/queue/item/9/", other.address), "http://ann:x@127.0.0.1/queue/item/9/".to_owned()] {
        let world = world().await;
        world.server.with(|peer| peer.location = Some(location));
        let run = world.jenkins.start(&order("muster-d7-4f0c")).await.expect("started");
        assert_eq!(run.id, "queue:701:muster-d7-4f0c", "it was looked for by its id");
        world.jenkins.look(&run).await.expect("looked");
    }
    assert_eq!(other.asked("GET").len() + other.asked("POST").len(), 0);
    // Where nothing was queued either, nobody knows.
    let world = world().await;
    let elsewhere = Answer::text(302, "").with("location", "https://login.example.com/");
    world.server.fault(START, Fault::Instead(elsewhere));
    assert!(is_unknown(&world.jenkins.start(&order("muster-d7-4f0c")).await));
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_unknown_and_found_and_sent_once() {
    for fault in [Fault::Dropped, Fault::After(Answer::text(502, "bad gateway"))] {
        let world = world().await;
        world.jenkins.start(&order("muster-d7-4f0")).await.expect("started");
        world.server.fault(START, fault.clone());
        let started = world.jenkins.start(&order("muster-d7-4f0c")).await;
        assert!(is_unknown(&started), "{fault:?}: {started:?}");
        assert_eq!(world.server.asked(START).len(), 2);
        let found = world.jenkins.find(&order("muster-d7-4f0c")).await.expect("looked for").expect("found");
        assert_eq!(found.id, "queue:702:muster-d7-4f0c", "{fault:?}");
    }
}

#[tokio::test]
async fn refusals_are_told_apart_and_no_secret_is_in_them() {
    let body = json!({ "message": format!("no: {TOKEN}") });
    for (answer, expected) in refusals(&body) {
        let world = world().await;
        world.server.fault(START, Fault::Instead(answer.clone()));
        let refused = world.jenkins.start(&order("muster-d7-4f0c")).await;
        assert_eq!(kind(&refused), expected, "{answer:?}");
        assert!(!format!("{refused:?}").contains(TOKEN), "{refused:?}");
        assert_eq!(world.server.asked(START).len(), 1);
        let is_limit = matches!(refused, Err(Failure::Transient { retry_after: Some(_), .. }));
        assert_eq!(is_limit, answer.status == 429);
        let run = world.begun().await;
        world.server.fault("GET /41/api/json", Fault::Instead(answer));
        if expected.is_some() {
            assert_eq!(kind(&world.jenkins.look(&run).await), expected);
        }
    }
    let world = world().await;
    let run = world.begun().await;
    for _ in 0..3 {
        world.server.fault("GET /41/api/json", Fault::Instead(Answer::text(503, "down")));
    }
    assert!(is_transient(&passing(&world.clock, world.jenkins.look(&run)).await));
    world.server.fault("GET /41/api/json", Fault::Instead(Answer::text(200, "<html>log in</html>")));
    assert!(is_transient(&world.jenkins.look(&run).await));
    let wrong =
        Connection { api_token: Secret::new("wrong"), ..connection(&format!("{}/jenkins", world.server.address)) };
    let wrong = Jenkins::new(wrong, target(), shared(&world.clock)).expect("a target");
    assert_eq!(kind(&wrong.start(&order("muster-d8-4f0c")).await), Some(Refused::Token));
}

#[tokio::test]
async fn a_crumb_is_fetched_with_its_session_where_one_is_asked_for() {
    let world = world().await;
    world.server.with(|peer| peer.wants_crumb = true);
    world.jenkins.start(&order("muster-d7-4f0c")).await.expect("started");
    assert_eq!((world.server.asked(START).len(), world.server.with(|peer| peer.queue.len())), (2, 1));
    let answers = [
        json!({ "crumbRequestField": "Authorization", "crumb": "x" }),
        json!({ "crumbRequestField": "Jenkins-Crumb\r\nHost", "crumb": "x" }),
        json!({ "crumbRequestField": "Jenkins-Crumb", "crumb": "x\r\ny" }),
    ];
    for answer in answers {
        world.server.fault("GET /crumbIssuer/api/json", Fault::Instead(Answer::json(200, &answer)));
        let refused = world.jenkins.start(&order("muster-d8-4f0c")).await;
        assert_eq!(kind(&refused), Some(Refused::Forbidden), "{answer}");
    }
    // One that is refused again is not tried for ever, and not told.
    let wrong = json!({ "crumbRequestField": "Jenkins-Crumb", "crumb": "deadbeefdeadbeef" });
    world.server.fault("GET /crumbIssuer/api/json", Fault::Instead(Answer::json(200, &wrong)));
    let refused = world.jenkins.start(&order("muster-d8-4f0c")).await;
    assert_eq!(kind(&refused), Some(Refused::Forbidden));
    assert!(!words(&refused).contains("deadbeef"));
    assert_eq!(world.server.with(|peer| peer.queue.len()), 1);
}

#[tokio::test]
async fn an_item_that_vanished_leads_to_its_build_and_not_to_a_neighbour_s() {
    let world = world().await;
    let run = world.jenkins.start(&order("muster-d7-4f0c")).await.expect("started");
    world.server.with(Peer::begin);
    world.jenkins.start(&order("muster-d8-4f0c")).await.expect("started");
    world.server.with(Peer::begin);
    world.server.with(|peer| peer.queue.clear());
    let progress = world.jenkins.look(&run).await.expect("looked");
    assert_eq!(progress.run.map(|run| run.id).as_deref(), Some("build:41"));
    // Its number was given anew, to another build.
    let values = [("MUSTER_ID".to_owned(), "muster-d8-4f0c".to_owned())].into();
    let task = format!("{}/jenkins/job/team/job/checkout-deploy/", world.server.address);
    world.server.with(|peer| peer.queue.push(Item { id: 701, task, values, build: Some(42), cancelled: false }));
    let progress = world.jenkins.look(&run).await.expect("looked");
    assert_eq!(progress.run.map(|run| run.id).as_deref(), Some("build:41"));
    world.server.with(|peer| peer.builds.clear());
    assert_eq!(kind(&world.jenkins.look(&run).await), Some(Refused::NotFound));
}

#[tokio::test]
async fn another_job_that_was_given_the_same_parameters_is_not_it() {
    let world = world().await;
    let values: std::collections::BTreeMap<_, _> = [("MUSTER_ID".to_owned(), "muster-d7-4f0c".to_owned())].into();
    let root = format!("{}/jenkins", world.server.address);
    for job in ["job/downstream", "job/other/job/team/job/checkout-deploy", "job/team/job/checkout-deploy2"] {
        let task = format!("{root}/{job}/");
        let item = Item { id: 9, task, values: values.clone(), ..Item::default() };
        world.server.with(|peer| peer.queue.push(item));
    }
    assert_eq!(world.jenkins.find(&order("muster-d7-4f0c")).await, Ok(None));
}

#[tokio::test]
async fn looking_for_a_build_goes_back_a_day() {
    let world = world().await;
    let mine = world.begun().await;
    world.server.with(|peer| {
        for number in 42..200 {
            peer.builds.push(Build { number, timestamp: now().as_millisecond(), ..Build::default() });
        }
    });
    assert_eq!(world.jenkins.find(&order("muster-d7-4f0c")).await, Ok(Some(mine)));
    let before = world.server.asked("GET /checkout-deploy/api/json").len();
    world.clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(world.jenkins.find(&order("muster-d7-4f0c")).await, Ok(None));
    assert_eq!(world.server.asked("GET /checkout-deploy/api/json").len(), before + 1, "the first page is too old");
}

#[tokio::test]
async fn stages_are_told_and_builds_without_are_followed_too() {
    let world = world().await;
    let run = world.begun().await;
    let stage = |name: &str, status: &str| (name.to_owned(), status.to_owned());
    world.build(|build| build.stages = vec![stage("Build", "SUCCESS"), stage("Deploy", "IN_PROGRESS")]);
    let progress = world.jenkins.look(&run).await.expect("looked");
    assert_eq!((progress.state, progress.done, progress.total), (RunState::Running, 1, 0));
    assert_eq!(progress.step.as_ref().map(|step| step.as_str()), Some("Deploy"));
    world.server.with(|peer| peer.has_stages = false);
    world.clock.advance(Duration::from_secs(125));
    let progress = world.jenkins.look(&run).await.expect("looked");
    assert_eq!(progress.step.as_ref().map(|step| step.as_str()), Some("for 2 min, usually 5 min"));
    let results = [
        ("SUCCESS", RunState::Succeeded),
        ("UNSTABLE", RunState::Failed),
        ("FAILURE", RunState::Failed),
        ("ABORTED", RunState::Cancelled),
        ("NOT_BUILT", RunState::Cancelled),
    ];
    for (result, state) in results {
        world.build(|build| build.result = Some(result.to_owned()));
        world.build(|build| build.building = true);
        assert_eq!(world.jenkins.look(&run).await.expect("looked").state, RunState::Running, "it still runs");
        world.build(|build| build.building = false);
        assert_eq!(world.jenkins.look(&run).await.expect("looked").state, state, "{result}");
    }
    world.server.with(|peer| peer.has_stages = true);
    world.build(|build| build.result = Some("FAILURE".to_owned()));
    world.build(|build| build.stages[1].1 = "FAILED".to_owned());
    let progress = world.jenkins.look(&run).await.expect("looked");
    assert_eq!((progress.done, progress.total), (2, 2));
    assert_eq!(progress.step.as_ref().map(|step| step.as_str()), Some("Deploy"));
}

#[tokio::test]
async fn an_input_step_is_answered_once() {
    let world = world().await;
    let run = world.begun().await;
    let input = |id: &str, inputs: serde_json::Value| {
        json!({ "id": id, "message": "Deploy to production?", "inputs": inputs,
                "proceedUrl": "http://169.254.169.254/x", "abortUrl": "/x" })
    };
    let waits = |build: &mut Build, input: serde_json::Value| {
        build.status = "PAUSED_PENDING_INPUT".to_owned();
        build.stages = vec![("Approve".to_owned(), "PAUSED_PENDING_INPUT".to_owned())];
        build.inputs = vec![input];
    };
    world.build(|build| waits(build, input("Go", json!([]))));
    let progress = world.jenkins.look(&run).await.expect("looked");
    assert_eq!(progress.state, RunState::Waiting);
    let gate = progress.gates[0].clone();
    assert_eq!((gate.id.as_str(), gate.name.as_str()), ("Go", "Deploy to production?"));
    world.jenkins.decide(&run, &gate, true, "").await.expect("answered");
    assert_eq!(kind(&world.jenkins.decide(&run, &gate, true, "").await), Some(Refused::Conflict));
    assert_eq!(world.server.asked("POST /jenkins/job/team/job/checkout-deploy/41/input/Go/proceedEmpty").len(), 1);
    world.build(|build| waits(build, input("Go", json!([{ "type": "StringParameterDefinition", "name": "who" }]))));
    let refused = world.jenkins.decide(&run, &gate, true, "").await;
    assert_eq!(kind(&refused), Some(Refused::Malformed), "it asks for a value");
    world.server.fault("POST /abort", Fault::Instead(Answer::text(404, "")));
    assert_eq!(
        kind(&world.jenkins.decide(&run, &gate, false, "").await),
        Some(Refused::Conflict),
        "somebody was sooner"
    );
    world.jenkins.decide(&run, &gate, false, "").await.expect("turned down");
    world.build(|build| waits(build, input("../../stop", json!([]))));
    let gate = Gate { id: "../../stop".to_owned(), name: "x".into() };
    world.jenkins.decide(&run, &gate, true, "").await.expect("answered under its own name");
    let last = world.server.asked("POST").pop().expect("a call");
    assert!(last.path.ends_with("/input/..%2F..%2Fstop/proceedEmpty"), "{}", last.path);
}

#[tokio::test]
async fn what_waits_and_what_runs_is_cancelled_and_what_ended_is_told_of() {
    let world = world().await;
    let run = world.jenkins.start(&order("muster-d7-4f0c")).await.expect("started");
    world.jenkins.cancel(&run).await.expect("cancelled");
    assert_eq!(world.jenkins.look(&run).await.expect("looked").state, RunState::Cancelled);
    assert_eq!(kind(&world.jenkins.cancel(&run).await), Some(Refused::Conflict));
    let run = world.jenkins.start(&order("muster-d8-4f0c")).await.expect("started");
    // An old version does it and sends to a page that is not there.
    world.server.fault("POST /cancelItem", Fault::After(Answer::text(404, "")));
    world.jenkins.cancel(&run).await.expect("cancelled");
    let run = world.jenkins.start(&order("muster-d9-4f0c")).await.expect("started");
    world.server.with(Peer::begin);
    world.jenkins.cancel(&run).await.expect("stopped");
    assert_eq!(world.jenkins.look(&run).await.expect("looked").state, RunState::Cancelled);
    assert_eq!(kind(&world.jenkins.cancel(&run).await), Some(Refused::Conflict));
    assert_eq!(world.server.asked("POST /stop").len(), 1);
}

#[tokio::test]
async fn only_the_end_of_a_log_is_read() {
    let world = world().await;
    let run = world.jenkins.start(&order("muster-d7-4f0c")).await.expect("started");
    assert_eq!(kind(&world.jenkins.log(&run).await), Some(Refused::NotFound));
    world.server.with(Peer::begin);
    world.build(|build| build.log = format!("{}\u{1b}[31mboom {TOKEN}\u{1b}[0m\n", "a line\n".repeat(1_000_000)));
    let log = passing(&world.clock, world.jenkins.log(&run)).await.expect("a log");
    assert!(log.tail.as_str().ends_with("boom [redacted]") && log.tail.as_str().starts_with("a line\n"));
    let start: u64 = world.server.asked("GET /progressiveText")[0].asks("start").parse().expect("a number");
    assert!(start > 6_000_000);
    world.build(|build| build.log = "short\n".to_owned());
    assert_eq!(world.jenkins.log(&run).await.expect("a log").tail.as_str(), "short");
    world.server.fault("HEAD", Fault::Instead(Answer::text(405, "")));
    assert_eq!(world.jenkins.log(&run).await.expect("a log").tail.as_str(), "short");
}

#[tokio::test]
async fn what_jenkins_can_not_tell_is_said() {
    let world = world().await;
    let resolved = world.jenkins.resolve(Some("v1")).await.expect("taken as it is");
    assert_eq!((resolved.commit.id.as_str(), resolved.kind), ("v1", RefKind::Unknown));
    assert_eq!(kind(&world.jenkins.resolve(None).await), Some(Refused::Malformed));
    assert_eq!(world.jenkins.checks(COMMIT).await, Ok(Checks::Unknown));
    assert!(!world.jenkins.capabilities().resolves && world.jenkins.capabilities().compares);
}

#[tokio::test]
async fn changes_are_told_where_both_commits_were_built() {
    let world = world().await;
    let commit = |n: u64| format!("{n}{}", "0".repeat(39));
    assert_eq!(kind(&world.jenkins.changes(&commit(1), &commit(2)).await), Some(Refused::Malformed));
    world.server.with(|peer| {
        for n in 1..5 {
            let changes = vec![format!("{n}a{}", "0".repeat(38)), commit(n)];
            peer.builds.push(Build { number: n, sha: commit(n), changes, ..Build::default() });
        }
    });
    let changes = world.jenkins.changes(&commit(2), &commit(4)).await.expect("told");
    let ids: Vec<&str> = changes.commits.iter().map(|commit| &commit.id.as_str()[..2]).collect();
    assert_eq!((changes.ahead, ids), (4, vec!["40", "4a", "30", "3a"]));
    assert_eq!(changes.authors.len(), 1);
    assert_eq!(world.jenkins.changes(&commit(4), &commit(4)).await.expect("told").ahead, 0);
    assert_eq!(kind(&world.jenkins.changes(&commit(4), &commit(2)).await), Some(Refused::Malformed));
}

#[tokio::test]
async fn ids_from_elsewhere_lead_nowhere() {
    let world = world().await;
    for id in ["", "41", "build:", "build:../..", "build:1/stop", "queue:1", "queue:1:", "queue:x:y", "build:1?x"] {
        let run = Run { id: id.to_owned(), url: None };
        assert_eq!(kind(&world.jenkins.look(&run).await), Some(Refused::Malformed), "{id:?}");
        assert_eq!(kind(&world.jenkins.cancel(&run).await), Some(Refused::Malformed), "{id:?}");
    }
    assert_eq!(world.server.asked("GET").len() + world.server.asked("POST").len(), 0);
}

#[test]
fn wrong_settings_are_told_with_the_field() {
    let shared = shared(&ManualClock::new(now()));
    let url = "https://ci.example.com/jenkins";
    let job = |job: &str| Target { job: job.to_owned(), ..target() };
    let wrong = [
        (connection("ci.example.com"), target(), "Jenkins"),
        (Connection { user: "a:b".to_owned(), ..connection(url) }, target(), "user"),
        (Connection { api_token: Secret::new(""), ..connection(url) }, target(), "api_token"),
        (connection(url), job(""), "job"),
        (connection(url), job("a/../b"), "job"),
        (connection(url), job("job/team/job/x"), "job"),
        (
            connection(url),
            Target { parameters: Parameters { id: String::new(), ..Parameters::default() }, ..target() },
            "parameters.id",
        ),
    ];
    for (connection, target, field) in wrong {
        let why = Jenkins::new(connection, target, shared.clone()).err().expect("refused");
        assert!(why.contains(field), "{why}");
    }
    assert!(!format!("{:?}", connection(url)).contains(TOKEN));
}
