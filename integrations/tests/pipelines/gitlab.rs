//! The GitLab adapter against a strict GitLab.

use std::collections::BTreeMap;
use std::time::Duration;

use integrations::clock::ManualClock;
use integrations::pipelines::gitlab::hook::{About, Denied, Hook};
use integrations::pipelines::gitlab::{Connection, GitLab, InputType, Names, Pass, Target};
use integrations::pipelines::{Failure, Pipeline, Refused};
use integrations::secret::Secret;
use operations::pipeline::{Checks, Gate, Order, RefKind, Run, RunState};
use reqwest::header::HeaderMap;
use serde_json::json;

use crate::gitlab_peer::{Deployment, GitLab as Peer, TOKEN};
use crate::gitlab_server::{
    Answer, COMMIT, Fault, Server, is_transient, is_unknown, kind, now, order, passing, refusals, shared, words,
};

const NEWER: &str = "2222222222222222222222222222222222222222";
const START: &str = "POST /pipeline";

struct World {
    server: Server<Peer>,
    clock: ManualClock,
    gitlab: GitLab,
}

pub(crate) fn target() -> Target {
    Target {
        project: "team/checkout".to_owned(),
        job: None,
        pass: Pass::Variables,
        names: Names::variables(),
        types: BTreeMap::new(),
        chatops: false,
    }
}

async fn world_with(target: Target) -> World {
    let server = Server::start(Peer::new()).await;
    let clock = ManualClock::new(now());
    let connection = Connection { api_url: format!("{}/api/v4", server.address), token: Secret::new(TOKEN) };
    let gitlab = GitLab::new(connection, target, shared(&clock)).expect("a target");
    World { server, clock, gitlab }
}

async fn world() -> World {
    world_with(target()).await
}

impl World {
    async fn started(&self) -> Run {
        self.gitlab.start(&order("muster-d7-4f0c")).await.expect("started")
    }

    fn status(&self, run: &Run, status: &str) {
        let id = run.id.parse().expect("a number");
        self.server.with(|peer| peer.pipeline(id).status = status.to_owned());
    }

    fn job(&self, run: &Run, name: &str, status: &str) -> u64 {
        let id = run.id.parse().expect("a number");
        self.server.with(|peer| peer.add_job(id, name, status).id)
    }
}

#[tokio::test]
async fn a_pipeline_is_started_with_muster_s_values_and_found_by_its_id() {
    let world = world().await;
    let mut order = order("muster-d7-4f0c");
    order.parameters.insert("SIZE".to_owned(), "small".to_owned());
    let run = world.gitlab.start(&order).await.expect("started");
    assert_eq!(run.url.as_deref(), Some("https://gitlab.example.com/team/checkout/-/pipelines/61"));
    let made = world.server.with(|peer| peer.pipelines[0].clone());
    let expected = [
        ("MUSTER_COMMIT", COMMIT),
        ("MUSTER_ENVIRONMENT", "production"),
        ("MUSTER_ID", "muster-d7-4f0c"),
        ("MUSTER_ROLLBACK", "false"),
        ("MUSTER_SERVICE", "checkout"),
        ("SIZE", "small"),
    ];
    assert_eq!(made.variables, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    assert_eq!(made.reference, "refs/heads/main");
    assert_eq!(world.gitlab.find(&order).await, Ok(Some(run)));
    for near in ["muster-d7-4f0", "muster-d7-4f0c1", "muster-d7"] {
        assert_eq!(world.gitlab.find(&Order { id: near.to_owned(), ..order.clone() }).await, Ok(None), "{near}");
    }
}

#[tokio::test]
async fn existing_chatops_jobs_get_their_variables() {
    let world = world_with(Target { chatops: true, ..target() }).await;
    world.started().await;
    let made = world.server.with(|peer| peer.pipelines[0].variables.clone());
    let value = |name: &str| made.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!(value("CHAT_INPUT"), Some("checkout production main"));
    assert_eq!(value("CHAT_CHANNEL"), Some("muster"));
    assert_eq!(value("CHAT_USER_ID"), Some("Ann reboot"), "nothing that a shell would run");
}

#[tokio::test]
async fn inputs_are_typed_and_the_pipeline_is_found_by_its_name() {
    let types = [("count".to_owned(), InputType::Number), ("dry".to_owned(), InputType::Boolean)].into();
    let world = world_with(Target { pass: Pass::Inputs, names: Names::inputs(), types, ..target() }).await;
    let names = ["id", "service", "environment", "commit", "rollback"].map(|name| format!("muster_{name}"));
    world.server.with(|peer| peer.inputs = names.into_iter().chain(["count".to_owned(), "dry".to_owned()]).collect());
    let mut order = order("muster-d7-4f0c");
    order.parameters = [("count".to_owned(), "3".to_owned()), ("dry".to_owned(), "true".to_owned())].into();
    let run = world.gitlab.start(&order).await.expect("started");
    let inputs = world.server.with(|peer| peer.pipelines[0].inputs.clone());
    assert_eq!((&inputs["count"], &inputs["dry"]), (&json!(3), &json!(true)));
    assert_eq!(world.gitlab.find(&order).await, Ok(Some(run)));
    let near = Order { id: "muster-d7-4f0".to_owned(), ..order.clone() };
    assert_eq!(world.gitlab.find(&near).await, Ok(None));
    assert_eq!(world.server.asked("GET /variables").len(), 0);
    order.parameters = [("count".to_owned(), "many".to_owned())].into();
    assert_eq!(kind(&world.gitlab.start(&order).await), Some(Refused::Malformed));
    order.parameters = [("undeclared".to_owned(), "x".to_owned())].into();
    let refused = world.gitlab.start(&order).await;
    assert!(words(&refused).contains("not defined in the `spec`"), "{refused:?}");
}

#[tokio::test]
async fn a_branch_that_moved_before_the_start_is_told_of_and_nothing_is_started() {
    let world = world().await;
    world.server.with(|peer| {
        peer.commits.push(NEWER.to_owned());
        peer.branches.insert("main".to_owned(), NEWER.to_owned());
    });
    let refused = world.gitlab.start(&order("muster-d7-4f0c")).await;
    assert_eq!(kind(&refused), Some(Refused::Conflict));
    assert!(words(&refused).contains("stands at 2222222 now"), "{refused:?}");
    assert_eq!(world.server.asked(START).len(), 0);
    // A tag at the commit is as good.
    world.server.with(|peer| peer.tags.insert("v1".to_owned(), COMMIT.to_owned()));
    world.started().await;
    assert_eq!(world.server.with(|peer| peer.pipelines[0].reference.clone()), "refs/tags/v1");
}

#[tokio::test]
async fn a_pipeline_of_another_commit_is_cancelled_and_told_of() {
    let world = world().await;
    world.server.with(|peer| peer.moves_to = Some(NEWER.to_owned()));
    let refused = world.gitlab.start(&order("muster-d7-4f0c")).await;
    assert_eq!(kind(&refused), Some(Refused::Conflict));
    assert!(words(&refused).contains("2222222 instead of 1111111") && words(&refused).contains("it was cancelled"));
    assert_eq!(world.server.with(|peer| peer.pipelines[0].status.clone()), "canceled");
    // Looking for it does not take it for the right one either.
    let found = world.gitlab.find(&order("muster-d7-4f0c")).await;
    assert_eq!(kind(&found), Some(Refused::Conflict), "{found:?}");
}

#[tokio::test]
async fn one_of_another_commit_that_can_not_be_cancelled_is_told_of_too() {
    let world = world().await;
    world.server.with(|peer| peer.moves_to = Some(NEWER.to_owned()));
    world.server.fault("POST /cancel", Fault::Instead(Answer::json(403, &json!({ "message": "403 Forbidden" }))));
    let refused = world.gitlab.start(&order("muster-d7-4f0c")).await;
    assert!(words(&refused).contains("could not be cancelled"), "{refused:?}");
}

#[tokio::test]
async fn a_start_whose_answer_is_lost_is_unknown_and_found_and_sent_once() {
    let html = Answer::text(200, "<html>").with("content-type", "text/html");
    let broken = Answer::text(502, "bad gateway");
    for fault in [Fault::Dropped, Fault::After(html), Fault::After(broken)] {
        let world = world().await;
        // A neighbour's pipeline of the same commit, and an old one of our own.
        world.gitlab.start(&order("muster-d7-4f0")).await.expect("started");
        world.server.fault(START, fault.clone());
        let started = world.gitlab.start(&order("muster-d7-4f0c")).await;
        assert!(is_unknown(&started), "{fault:?}: {started:?}");
        assert_eq!(world.server.asked(START).len(), 2);
        let found = world.gitlab.find(&order("muster-d7-4f0c")).await.expect("looked for").expect("found");
        assert_eq!(found.id, "62", "{fault:?}");
    }
}

#[tokio::test]
async fn refusals_of_a_start_are_told_apart_and_no_secret_is_in_them() {
    let body = json!({ "message": format!("no: {TOKEN} glpat-x7Kq2mP9vT4nR8sW1zYb") });
    for (answer, expected) in refusals(&body) {
        let world = world().await;
        world.server.fault(START, Fault::Instead(answer.clone()));
        let refused = world.gitlab.start(&order("muster-d7-4f0c")).await;
        assert_eq!(kind(&refused), expected, "{answer:?}");
        assert!(!words(&refused).contains("glpat-") && !format!("{refused:?}").contains(TOKEN), "{refused:?}");
        assert_eq!(world.server.asked(START).len(), 1);
        if answer.status == 429 {
            let seconds = if answer.headers.iter().any(|(name, _)| name == "retry-after") { 30 } else { 1 };
            let wait = Some(Duration::from_secs(seconds));
            assert!(matches!(refused, Err(Failure::Transient { retry_after, .. }) if retry_after == wait));
        }
    }
    let world = world().await;
    world.server.fault(START, Fault::Instead(Answer::text(503, "down")));
    assert!(is_unknown(&world.gitlab.start(&order("muster-d7-4f0c")).await));
}

#[tokio::test]
async fn what_goes_away_is_asked_again_and_what_stays_is_told() {
    let world = world().await;
    let run = world.started().await;
    for _ in 0..2 {
        world.server.fault("GET /pipelines/61", Fault::Instead(Answer::text(503, "down")));
    }
    assert!(passing(&world.clock, world.gitlab.look(&run)).await.is_ok());
    for _ in 0..3 {
        world.server.fault("GET /pipelines/61", Fault::Dropped);
    }
    assert!(is_transient(&passing(&world.clock, world.gitlab.look(&run)).await));
    for (answer, expected) in refusals(&json!({ "message": "no" })) {
        if answer.status == 429 {
            continue;
        }
        world.server.fault("GET /pipelines/61", Fault::Instead(answer));
        assert_eq!(kind(&world.gitlab.look(&run).await), expected);
    }
    world.server.fault("GET /pipelines/61", Fault::Instead(Answer::text(200, "<html>")));
    assert!(is_transient(&world.gitlab.look(&run).await), "a page of a proxy");
    let limit = Answer::json(429, &json!({})).with("retry-after", "60");
    world.server.fault("GET /pipelines/61", Fault::Instead(limit));
    let wait = Some(Duration::from_secs(60));
    let limited = world.gitlab.look(&run).await;
    assert!(matches!(limited, Err(Failure::Transient { retry_after, .. }) if retry_after == wait), "{limited:?}");
}

#[tokio::test]
async fn variables_that_a_project_forbids_are_told_with_what_to_do() {
    let world = world().await;
    world.server.with(|peer| peer.forbids_variables = true);
    let refused = world.gitlab.start(&order("muster-d7-4f0c")).await;
    assert_eq!(kind(&refused), Some(Refused::Forbidden));
    assert!(words(&refused).contains("pass inputs"), "{refused:?}");
}

#[tokio::test]
async fn a_value_that_gitlab_would_expand_and_a_name_that_is_muster_s_are_refused() {
    let world = world().await;
    for (name, value) in [("SIZE", "$DEPLOY_KEY"), ("MUSTER_ID", "other")] {
        let mut order = order("muster-d7-4f0c");
        order.parameters.insert(name.to_owned(), value.to_owned());
        assert_eq!(kind(&world.gitlab.start(&order).await), Some(Refused::Malformed), "{name}");
    }
    assert_eq!(world.server.asked("POST").len(), 0);
}

#[tokio::test]
async fn looking_for_a_run_goes_through_all_pages_of_the_last_day_and_follows_no_address() {
    let world = world().await;
    let mine = world.started().await;
    world.server.with(|peer| {
        let mut other = peer.pipelines[0].clone();
        other.sha = NEWER.to_owned();
        other.variables = vec![("MUSTER_ID".to_owned(), "muster-d7-4f0c-2".to_owned())];
        for id in 62..280 {
            peer.pipelines.push(crate::gitlab_peer::Pipeline { id, ..other.clone() });
        }
    });
    assert_eq!(world.gitlab.find(&order("muster-d7-4f0c")).await, Ok(Some(mine)));
    assert_eq!(world.server.asked("GET /pipelines").len(), 3);
    // One of the day before yesterday is not looked at.
    world.clock.advance(Duration::from_secs(25 * 3600));
    assert_eq!(world.gitlab.find(&order("muster-d7-4f0c")).await, Ok(None));
}

#[tokio::test]
async fn branches_tags_and_commits_are_told_apart() {
    let world = world().await;
    let hash = "3".repeat(40);
    world.server.with(|peer| {
        peer.commits = [COMMIT, NEWER, &hash].map(str::to_owned).to_vec();
        let branches = [("main", COMMIT), ("feature/x", NEWER), ("both", COMMIT), ("2222222", COMMIT)];
        peer.branches = branches.map(|(name, sha)| (name.to_owned(), sha.to_owned())).into();
        peer.branches.insert(hash.clone(), COMMIT.to_owned());
        peer.tags = [("v1", NEWER), ("both", NEWER)].map(|(name, sha)| (name.to_owned(), sha.to_owned())).into();
    });
    let cases = [
        (None, COMMIT, RefKind::DefaultBranch),
        (Some("main"), COMMIT, RefKind::DefaultBranch),
        (Some("feature/x"), NEWER, RefKind::Branch),
        (Some("v1"), NEWER, RefKind::Tag),
        (Some("refs/tags/both"), NEWER, RefKind::Tag),
        (Some("refs/heads/both"), COMMIT, RefKind::Branch),
        (Some(NEWER), NEWER, RefKind::Commit),
        (Some("1111111"), COMMIT, RefKind::Commit),
        // A branch that is called like a commit's beginning is the branch.
        (Some("2222222"), COMMIT, RefKind::Branch),
    ];
    for (reference, commit, expected) in cases {
        let resolved = world.gitlab.resolve(reference).await.expect("resolved");
        assert_eq!((resolved.commit.id.as_str(), resolved.kind), (commit, expected), "{reference:?}");
    }
    let main = world.gitlab.resolve(None).await.expect("resolved").commit;
    assert_eq!((main.subject.as_str(), main.author.as_str()), ("Change 111", "Bo"));
    assert_eq!(main.at.map(|at| at.to_string()).as_deref(), Some("2026-09-20T08:00:00Z"));
    // GitLab answers with the branch's commit where a branch is called like a commit: that is not it.
    assert_eq!(kind(&world.gitlab.resolve(Some("both")).await), Some(Refused::Malformed));
    let named = world.gitlab.resolve(Some(&hash)).await.expect("resolved");
    assert_eq!((named.commit.id.as_str(), named.kind), (COMMIT, RefKind::Branch));
    for reference in ["none", "4444444", "../../..", "main?x=1", "a\nb", "%2e%2e"] {
        assert_eq!(kind(&world.gitlab.resolve(Some(reference)).await), Some(Refused::NotFound), "{reference:?}");
    }
    for asked in world.server.asked("GET") {
        assert!(asked.path.starts_with("/api/v4/projects/team%2Fcheckout"), "{}", asked.path);
        assert!(!asked.query.contains_key("x"));
    }
}

#[tokio::test]
async fn a_project_that_may_not_be_seen_is_not_taken_for_a_branch_that_is_not_there() {
    let world = world_with(Target { project: "team/other".to_owned(), ..target() }).await;
    let refused = world.gitlab.resolve(Some("main")).await;
    assert!(words(&refused).contains("Project Not Found"), "{refused:?}");
}

#[tokio::test]
async fn a_tag_that_is_called_like_the_branch_is_not_started_in_its_place() {
    let world = world().await;
    world.server.with(|peer| peer.tags.insert("main".to_owned(), NEWER.to_owned()));
    world.started().await;
    assert_eq!(world.server.with(|peer| peer.pipelines[0].reference.clone()), "refs/heads/main");
}

#[tokio::test]
async fn what_lies_between_two_commits_is_told() {
    let world = world().await;
    let chain: Vec<String> = (0..30).map(|n| format!("{:02}{}", n + 40, "a".repeat(38))).collect();
    world.server.with(|peer| peer.commits = chain.clone());
    let changes = world.gitlab.changes(&chain[2], &chain[27]).await.expect("compared");
    assert_eq!((changes.ahead, changes.behind, changes.commits.len()), (25, 0, 20));
    assert_eq!(changes.commits[0].id.as_str(), chain[27], "the newest first");
    assert_eq!(changes.authors.len(), 1);
    assert!(!changes.pulls.is_empty() && changes.pulls.len() < 5, "each once: {:?}", changes.pulls);
    let page = format!("https://gitlab.example.com/team/checkout/-/compare/{}...{}", chain[2], chain[27]);
    assert_eq!(changes.url, Some(page));
    let back = world.gitlab.changes(&chain[27], &chain[2]).await.expect("compared");
    assert_eq!((back.ahead, back.behind), (0, 25));
    // GitLab lists nothing for a range that it does not know; that is not "no changes".
    for (from, to) in [(COMMIT, chain[2].as_str()), (&chain[2], COMMIT), ("main", &chain[2]), ("../..", &chain[2])] {
        assert_eq!(kind(&world.gitlab.changes(from, to).await), Some(Refused::NotFound), "{from} {to}");
    }
}

#[tokio::test]
async fn checks_are_told() {
    let world = world().await;
    let status =
        |name: &str, status: &str, allowed: bool| json!({ "name": name, "status": status, "allow_failure": allowed });
    let cases = [
        (vec![], Checks::None),
        (vec![status("test", "success", false), status("deploy", "manual", true)], Checks::Passed(1)),
        (vec![status("test", "success", false), status("lint", "failed", true)], Checks::Passed(1)),
        (vec![status("test", "success", false), status("e2e", "running", false)], Checks::Pending(1)),
        (vec![status("test", "failed", false), status("e2e", "running", false)], Checks::Failed(vec!["test".into()])),
    ];
    for (statuses, expected) in cases {
        world.server.with(|peer| peer.statuses = statuses);
        assert_eq!(world.gitlab.checks(COMMIT).await, Ok(expected));
    }
    assert_eq!(kind(&world.gitlab.checks("main").await), Some(Refused::NotFound));
}

#[tokio::test]
async fn how_a_pipeline_stands_is_told() {
    let world = world().await;
    let run = world.started().await;
    world.job(&run, "build", "success");
    world.job(&run, "deploy", "created");
    let cases = [
        ("pending", "created", RunState::Running, None),
        ("running", "running", RunState::Running, Some("deploy")),
        ("canceling", "running", RunState::Running, Some("deploy")),
        ("something_new", "running", RunState::Running, Some("deploy")),
        ("success", "success", RunState::Succeeded, None),
        ("failed", "failed", RunState::Failed, Some("deploy")),
        ("canceled", "canceled", RunState::Cancelled, None),
        ("skipped", "skipped", RunState::Cancelled, None),
        ("manual", "manual", RunState::Waiting, Some("deploy")),
    ];
    for (pipeline, job, state, step) in cases {
        world.status(&run, pipeline);
        world.server.with(|peer| peer.job("deploy").status = job.to_owned());
        let progress = world.gitlab.look(&run).await.expect("looked");
        assert_eq!(progress.state, state, "{pipeline}");
        assert_eq!(progress.step.as_ref().map(|step| step.as_str()), step, "{pipeline}");
        assert_eq!(progress.total, 2);
        assert_eq!(progress.done, if matches!(job, "created" | "running" | "manual") { 1 } else { 2 }, "{pipeline}");
    }
    world.server.with(|peer| peer.job("build").status = "created".to_owned());
    world.server.with(|peer| peer.job("deploy").status = "created".to_owned());
    world.status(&run, "created");
    assert_eq!(world.gitlab.look(&run).await.expect("looked").state, RunState::Queued);
}

#[tokio::test]
async fn a_manual_job_is_played_once() {
    let world = world().await;
    let run = world.started().await;
    world.job(&run, "deploy", "manual");
    world.status(&run, "manual");
    let progress = world.gitlab.look(&run).await.expect("looked");
    let gate = progress.gates.first().expect("a gate").clone();
    assert_eq!((gate.id.as_str(), gate.name.as_str()), ("job:900", "deploy"));
    let other = world.gitlab.start(&order("muster-d8-4f0c")).await.expect("started");
    let foreign = world.gitlab.decide(&other, &gate, true, "").await;
    assert_eq!(kind(&foreign), Some(Refused::NotFound), "the gate of another run");
    let turned_down = world.gitlab.decide(&run, &gate, false, "").await;
    assert_eq!(kind(&turned_down), Some(Refused::Malformed));
    world.gitlab.decide(&run, &gate, true, "").await.expect("played");
    assert_eq!(kind(&world.gitlab.decide(&run, &gate, true, "").await), Some(Refused::Conflict));
    assert_eq!(world.server.asked("POST /play").len(), 1);
    // Somebody was sooner between the look and the word.
    world.server.with(|peer| peer.job("deploy").status = "manual".to_owned());
    let sooner = Answer::json(400, &json!({ "message": "400 Bad request - Unplayable Job" }));
    world.server.fault("POST /play", Fault::Instead(sooner));
    assert_eq!(kind(&world.gitlab.decide(&run, &gate, true, "").await), Some(Refused::Conflict));
    world.server.fault("POST /play", Fault::Dropped);
    assert!(is_unknown(&world.gitlab.decide(&run, &gate, true, "").await));
    for id in ["job:../../../x", "job:900/erase", "job:", "x", "deployment:1?x"] {
        let gate = Gate { id: id.to_owned(), name: "x".into() };
        assert_eq!(kind(&world.gitlab.decide(&run, &gate, true, "").await), Some(Refused::Malformed), "{id}");
    }
}

#[tokio::test]
async fn a_deployment_that_waits_for_approval_is_approved_with_the_comment() {
    let world = world().await;
    let run = world.started().await;
    let job = world.job(&run, "deploy", "manual");
    world.status(&run, "manual");
    let status = "blocked".to_owned();
    world.server.with(|peer| peer.deployments.push(Deployment { id: 5, job, status }));
    let gate = world.gitlab.look(&run).await.expect("looked").gates.remove(0);
    assert_eq!((gate.id.as_str(), gate.name.as_str()), ("deployment:5", "deploy (production)"));
    world.gitlab.decide(&run, &gate, true, "Ann and Bo said so").await.expect("approved");
    let body = world.server.asked("POST /approval")[0].json().expect("JSON");
    assert_eq!(body, json!({ "status": "approved", "comment": "Ann and Bo said so" }));
    assert_eq!(kind(&world.gitlab.decide(&run, &gate, true, "").await), Some(Refused::Conflict));
    // The job can be played now.
    let gate = world.gitlab.look(&run).await.expect("looked").gates.remove(0);
    assert_eq!(gate.id, "job:900");
    world.gitlab.decide(&run, &gate, true, "").await.expect("played");
}

#[tokio::test]
async fn a_pipeline_is_not_done_before_the_job_that_deploys_has_been_played() {
    let world = world_with(Target { job: Some("to-prod".to_owned()), ..target() }).await;
    let run = world.started().await;
    world.job(&run, "build", "success");
    let id = run.id.parse().expect("a number");
    world.server.with(|peer| peer.add_job(id, "to-prod", "manual").allow_failure = true);
    world.server.with(|peer| peer.add_job(id, "to-staging", "manual").allow_failure = true);
    // To GitLab it is done: the job may be left out.
    world.status(&run, "success");
    let progress = world.gitlab.look(&run).await.expect("looked");
    assert_eq!(progress.state, RunState::Waiting);
    assert_eq!(progress.gates.len(), 1, "the other job is not its business");
    assert_eq!((progress.done, progress.total), (1, 2));
    world.gitlab.decide(&run, &progress.gates[0], true, "").await.expect("played");
    let cases = [
        ("running", "running", RunState::Running),
        ("manual", "success", RunState::Succeeded),
        ("success", "success", RunState::Succeeded),
        ("success", "failed", RunState::Failed),
        ("success", "canceled", RunState::Cancelled),
    ];
    for (pipeline, job, state) in cases {
        world.status(&run, pipeline);
        world.server.with(|peer| peer.job("to-prod").status = job.to_owned());
        assert_eq!(world.gitlab.look(&run).await.expect("looked").state, state, "{pipeline} {job}");
    }
    let other = world.gitlab.start(&order("muster-d8-4f0c")).await.expect("started");
    world.status(&other, "success");
    let progress = world.gitlab.look(&other).await.expect("looked");
    assert_eq!(progress.state, RunState::Failed, "there is no such job in it");
}

#[tokio::test]
async fn a_pipeline_is_cancelled_and_one_that_ended_is_told_of() {
    let world = world().await;
    let run = world.started().await;
    world.gitlab.cancel(&run).await.expect("cancelled");
    assert_eq!(kind(&world.gitlab.cancel(&run).await), Some(Refused::Conflict));
    // GitLab answers 200 to a cancel that did nothing.
    world.status(&run, "manual");
    let refused = world.gitlab.cancel(&run).await;
    assert_eq!(kind(&refused), Some(Refused::Conflict));
    assert!(words(&refused).contains("manual job"));
}

#[tokio::test]
async fn the_end_of_the_failing_job_s_log_comes_without_colours_and_secrets() {
    let world = world().await;
    let run = world.started().await;
    assert_eq!(kind(&world.gitlab.log(&run).await), Some(Refused::NotFound), "no job has begun");
    world.job(&run, "build", "success");
    world.job(&run, "deploy", "failed");
    world.job(&run, "later", "skipped");
    let trace = format!(
        "{}section_start:1:x\r\u{1b}[0K\u{1b}[31mboom {TOKEN}\u{1b}[0m\npassword=hunter2hunter2\n",
        "line\n".repeat(100_000)
    );
    world.server.with(|peer| peer.job("deploy").trace = trace);
    let log = world.gitlab.log(&run).await.expect("a log");
    assert_eq!(log.step.as_ref().map(|step| step.as_str()), Some("deploy"));
    let tail = log.tail.as_str();
    assert!(tail.contains("boom [redacted]\n") && tail.starts_with("line\n"), "{tail}");
    assert!(!tail.contains("glpat") && !tail.contains("hunter2") && !tail.contains('\u{1b}'), "{tail}");
    assert!(tail.chars().count() <= 2000);
    let asked = &world.server.asked("GET /trace")[0];
    assert_eq!(asked.header("range"), "bytes=-65536");
}

#[tokio::test]
async fn ids_from_elsewhere_lead_nowhere() {
    let world = world().await;
    for id in ["", "../..", "1?x=1", "61/cancel", "1\n2", "-1", "99999999999999999999999"] {
        let run = Run { id: id.to_owned(), url: None };
        assert_eq!(kind(&world.gitlab.look(&run).await), Some(Refused::Malformed), "{id:?}");
        assert_eq!(kind(&world.gitlab.cancel(&run).await), Some(Refused::Malformed), "{id:?}");
        assert_eq!(kind(&world.gitlab.log(&run).await), Some(Refused::Malformed), "{id:?}");
    }
    assert_eq!(world.server.asked("GET").len() + world.server.asked("POST").len(), 0);
}

#[tokio::test]
async fn wrong_settings_are_told_with_the_field() {
    let shared = shared(&ManualClock::new(now()));
    let connection = |url: &str, token: &str| Connection { api_url: url.to_owned(), token: Secret::new(token) };
    let wrong = [
        (connection("gitlab.com", TOKEN), target(), "GitLab"),
        (connection(Connection::API_URL, " "), target(), "token"),
        (connection(Connection::API_URL, TOKEN), Target { project: "a/../b".to_owned(), ..target() }, "project"),
        (connection(Connection::API_URL, TOKEN), Target { project: "a b?x".to_owned(), ..target() }, "project"),
        (connection(Connection::API_URL, TOKEN), Target { job: Some(String::new()), ..target() }, "job"),
        (connection(Connection::API_URL, TOKEN), Target { pass: Pass::Inputs, chatops: true, ..target() }, "chatops"),
    ];
    for (connection, target, field) in wrong {
        let why = GitLab::new(connection, target, shared.clone()).err().expect("refused");
        assert!(why.contains(field), "{why}");
    }
    for names in [
        Names { id: String::new(), ..Names::variables() },
        Names { service: "A B".to_owned(), ..Names::variables() },
        Names { service: "MUSTER_ID".to_owned(), ..Names::variables() },
    ] {
        let target = Target { names, ..target() };
        let why = GitLab::new(connection(Connection::API_URL, TOKEN), target, shared.clone()).err().expect("refused");
        assert!(why.contains("names"), "{why}");
    }
    let shown = format!("{:?}", connection(Connection::API_URL, TOKEN));
    assert!(!shown.contains(TOKEN));
}

/// A signing token and a signature made with `openssl dgst -sha256 -hmac`, over the body below.
const SIGNING: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
const BODY: &str = r#"{"object_kind":"pipeline","object_attributes":{"id":61,"status":"success"},"project":{"id":7}}"#;

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (name.parse::<reqwest::header::HeaderName>().expect("a name"), value.parse().expect("a value"))
    };
    pairs.iter().map(pair).collect()
}

#[test]
fn a_signed_webhook_is_known_by_its_signature_alone() {
    let hook = Hook::new(vec![Secret::new("plain-token-1234")], &[Secret::new(SIGNING)]).expect("a hook");
    let right = "v1,POQYyqy6dq566KNMNhqLF2hS19AJ1Mh+GnhViW1MVXc=";
    let good = [("webhook-id", "msg_1"), ("webhook-timestamp", "1790000000"), ("webhook-signature", right)];
    let told = hook.read(&headers(&good), BODY.as_bytes(), now()).expect("known");
    assert_eq!((told.about, told.project), (About::Pipeline(61), Some(7)));
    assert_eq!(told.delivery.as_deref(), Some("msg_1"));
    let both = format!("v1,AAAA v1a,zzz {right}");
    let rotated = [good[0], good[1], ("webhook-signature", both.as_str())];
    assert!(hook.read(&headers(&rotated), BODY.as_bytes(), now()).is_ok(), "one of several");
    let wrong = [
        vec![("webhook-id", "msg_2"), good[1], good[2]],
        vec![good[0], ("webhook-timestamp", "1790000001"), good[2]],
        vec![good[0], good[1], ("webhook-signature", "v1,"), ("x-gitlab-token", "plain-token-1234")],
        vec![good[1], good[2], ("x-gitlab-token", "plain-token-1234")],
        vec![good[0], good[1]],
        vec![],
    ];
    for pairs in wrong {
        let read = hook.read(&headers(&pairs), BODY.as_bytes(), now());
        assert_eq!(read, Err(Denied::Unknown), "{pairs:?}");
    }
    assert_eq!(hook.read(&headers(&good), b"{}", now()), Err(Denied::Unknown), "another body");
    for seconds in [-301, 301] {
        let then = now().checked_add(jiff::SignedDuration::from_secs(seconds)).expect("a time");
        assert_eq!(hook.read(&headers(&good), BODY.as_bytes(), then), Err(Denied::Unknown), "{seconds}");
    }
    let then = now().checked_add(jiff::SignedDuration::from_secs(300)).expect("a time");
    assert!(hook.read(&headers(&good), BODY.as_bytes(), then).is_ok());
}

#[test]
fn a_webhook_with_the_older_token_is_known_and_what_it_is_about_is_read() {
    let hook = Hook::new(vec![Secret::new("old-token"), Secret::new("new-token")], &[]).expect("a hook");
    let read = |token: &str, body: &str| hook.read(&headers(&[("x-gitlab-token", token)]), body.as_bytes(), now());
    for token in ["old-token", "new-token"] {
        assert!(read(token, BODY).is_ok());
    }
    for token in ["", "old-toke", "old-token1", "OLD-TOKEN"] {
        assert_eq!(read(token, BODY), Err(Denied::Unknown), "{token}");
    }
    let cases = [
        (r#"{"object_kind":"build","build_id":9,"pipeline_id":61,"project_id":7}"#, About::Pipeline(61)),
        (r#"{"object_kind":"deployment","deployment_id":5,"deployable_id":796}"#, About::Job(796)),
        (r#"{"object_kind":"deployment","deployment_id":5}"#, About::Other),
        (r#"{"object_kind":"push"}"#, About::Other),
        ("{}", About::Other),
    ];
    for (body, about) in cases {
        assert_eq!(read("old-token", body).map(|told| told.about), Ok(about), "{body}");
    }
    for body in ["", "not json", r#"{"object_kind":7}"#] {
        assert_eq!(read("old-token", body), Err(Denied::Unreadable), "{body}");
    }
    assert!(Hook::new(Vec::new(), &[]).is_err());
    for token in ["whsec_", "whsec_AAAA", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="] {
        assert!(Hook::new(Vec::new(), &[Secret::new(token)]).is_err(), "{token}");
    }
    assert!(!format!("{:?}", Hook::new(vec![Secret::new("old-token")], &[Secret::new(SIGNING)])).contains("old-token"));
}

#[tokio::test]
async fn a_deployment_s_job_leads_to_its_pipeline() {
    let world = world().await;
    let run = world.started().await;
    let job = world.job(&run, "deploy", "running");
    assert_eq!(world.gitlab.run_of_job(job).await.expect("a run").id, run.id);
}
