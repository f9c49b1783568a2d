//! Argo CD: a server that refuses what Argo CD refuses, with its statuses and words.

use std::sync::{Arc, Mutex, PoisonError};

use integrations::clock::ManualClock;
use integrations::pipelines::argocd::{ArgoCd, Connection, Rejected, Target, hook};
use integrations::pipelines::{Failure, Pipeline, Refused};
use integrations::secret::Secret;
use operations::pipeline::{Idempotency, Order, RefKind, RunState};
use serde_json::{Value, json};

use crate::contract::{COMMIT, SECRET, clock, order, shared};
use crate::generic_server::{Answer, Seen, Server, passing};

const OTHER: &str = "fedcba9876543210fedcba9876543210fedcba98";

/// An Argo CD with one application, `argocd/api` of the project `shop`.
struct World {
    server: Server,
    app: Arc<Mutex<Value>>,
    clock: ManualClock,
    argo: ArgoCd,
}

/// Refuses as Argo CD's gateway does: `error`, `code` of gRPC, `message`.
fn no(status: u16, code: u8, message: &str) -> Answer {
    Answer::json(status, &json!({"error": message, "code": code, "message": message}))
}

fn application() -> Value {
    json!({
        "metadata": {"name": "api", "namespace": "argocd"},
        "spec": {"project": "shop", "source": {"repoURL": "https://git.example/shop", "path": "api", "targetRevision": "main"}},
        "status": {
            "sync": {"status": "OutOfSync", "revision": COMMIT},
            "health": {"status": "Healthy"},
            "history": [
                {"id": 3, "revision": OTHER, "deployedAt": "2026-09-20T10:00:00Z", "source": {"path": "api"}},
                {"id": 4, "revision": "aaaa", "deployedAt": "2026-09-20T12:00:00Z", "source": {"path": "api"}},
            ],
            "resources": [
                {"kind": "Deployment", "name": "api", "health": {"status": "Healthy"}},
                {"kind": "ConfigMap", "name": "api"},
            ],
            "reconciledAt": "2026-09-21T10:00:00Z",
        },
    })
}

fn answer(app: &mut Value, seen: &Seen) -> Answer {
    if seen.header("authorization") != Some(&format!("Bearer {SECRET}")) {
        return no(401, 16, "no session information");
    }
    let Some(rest) = seen.path.strip_prefix("/api/v1/applications/") else { return Answer::status(404) };
    let (name, verb) = rest.split_once('/').unwrap_or((rest, ""));
    let body = seen.json();
    let place = |field: &str| match seen.method.as_str() {
        "POST" => body[field].as_str().map(str::to_owned),
        _ => seen.asked(field),
    };
    // Without a project, what is not there is a 403 (argo-cd issue 13000).
    if name != "api" || place("appNamespace").is_some_and(|namespace| namespace != "argocd") {
        return match place("project") {
            Some(_) => no(404, 5, "applications.argoproj.io \"api\" not found"),
            None => no(403, 7, "permission denied"),
        };
    }
    if place("project").is_some_and(|project| project != "shop") {
        return no(403, 7, "permission denied");
    }
    let automated = !app["spec"]["syncPolicy"]["automated"].is_null()
        && app["spec"]["syncPolicy"]["automated"]["enabled"] != json!(false);
    let target = app["spec"]["source"]["targetRevision"].clone();
    match (seen.method.as_str(), verb) {
        ("GET", "") => Answer::json(200, app),
        ("GET", "syncwindows") => Answer::json(200, &app.get("windows").cloned().unwrap_or(json!({"canSync": true}))),
        ("GET", "manifests") => match seen.asked("revision").as_deref() {
            Some("main" | "v1.2" | "HEAD" | COMMIT) => {
                Answer::json(200, &json!({"manifests": ["{}"], "revision": COMMIT}))
            }
            _ => no(500, 2, "failed to resolve: unable to resolve 'x' to a commit SHA"),
        },
        ("GET", verb) if verb.starts_with("revisions/") => {
            if verb != format!("revisions/{COMMIT}/metadata") {
                return no(500, 2, "revision must be resolved");
            }
            let metadata =
                json!({"author": "Bo <bo@example.com>", "date": "2026-09-20T09:00:00Z", "message": "Mend it"});
            Answer::json(200, &metadata)
        }
        ("POST", "sync") => {
            let known = ["name", "revision", "prune", "dryRun", "infos", "appNamespace", "project"];
            if body.as_object().is_none_or(|body| body.keys().any(|key| !known.contains(&key.as_str()))) {
                return no(400, 3, "unknown field");
            }
            if app["windows"]["canSync"] == json!(false) {
                return no(403, 7, "cannot sync: blocked by sync window");
            }
            if app["override"] == json!(false) && body["revision"] != target {
                return no(403, 7, "permission denied: applications, override, shop/api, sub: muster");
            }
            if automated && body["revision"] != target {
                return no(400, 9, &format!("Cannot sync to {}: auto-sync currently set to main", body["revision"]));
            }
            if !app["operation"].is_null() {
                return no(400, 9, "another operation is already in progress");
            }
            app["operation"] = json!({
                "sync": {"revision": body["revision"], "prune": body["prune"]},
                "info": body["infos"], "initiatedBy": {"username": "muster"},
            });
            app["status"]["operationState"] = Value::Null;
            Answer::json(200, app)
        }
        ("POST", "rollback") => {
            if automated {
                return no(400, 9, "rollback cannot be initiated when auto-sync is enabled");
            }
            if !app["operation"].is_null() {
                return no(400, 9, "another operation is already in progress");
            }
            let history = app["status"]["history"].as_array().cloned().unwrap_or_default();
            let Some(entry) = history.iter().find(|entry| entry["id"] == body["id"]) else {
                return no(400, 3, "application api does not have deployment with id 9");
            };
            app["operation"] = json!({"sync": {"revision": entry["revision"], "source": entry["source"]}});
            app["status"]["operationState"] = Value::Null;
            Answer::json(200, app)
        }
        ("DELETE", "operation") => {
            if app["operation"].is_null() {
                return no(400, 3, "Unable to terminate operation. No operation is in progress");
            }
            app["status"]["operationState"]["phase"] = json!("Terminating");
            Answer::json(200, &json!({}))
        }
        ("GET", "resource-tree") => Answer::json(200, &app.get("tree").cloned().unwrap_or(json!({"nodes": []}))),
        ("GET", "logs") => {
            let complete = seen.asked("podName").is_some() && seen.asked("namespace").is_some();
            if !complete || seen.asked("follow").as_deref() != Some("false") {
                return no(400, 3, "bad query");
            }
            let line = |text: &str| json!({"result": {"content": text, "podName": "api-7"}}).to_string();
            let last = json!({"result": {"content": "", "last": true}}).to_string();
            let lines = [line("\u{1b}[31mpanic: no database\u{1b}[0m"), line("password=hunter2hunter2"), last];
            Answer::text(200, &lines.join("\n"))
        }
        _ => Answer::status(405),
    }
}

impl World {
    async fn new() -> World {
        World::with(|_| {}, target()).await
    }

    async fn with(change: impl FnOnce(&mut Value), target: Target) -> World {
        let mut app = application();
        change(&mut app);
        let app = Arc::new(Mutex::new(app));
        let held = Arc::clone(&app);
        let server = Server::start(move |seen: &Seen| {
            let mut app = held.lock().unwrap_or_else(PoisonError::into_inner);
            let once = app["once"].take();
            let answered = answer(&mut app, seen);
            match once.as_str() {
                // The effect has happened.
                Some("lost") if seen.method == "POST" => Answer::Lost,
                _ if seen.method == "POST" => answered,
                Some(_) => {
                    app["once"] = once;
                    answered
                }
                None => answered,
            }
        })
        .await;
        let clock = clock();
        let argo = ArgoCd::new(connection(&server.url), target, shared(&clock)).expect("a pipeline");
        World { server, app, clock, argo }
    }

    fn change(&self, change: impl FnOnce(&mut Value)) {
        change(&mut self.app.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What the controller makes of an operation.
    fn controller(&self, phase: &str, more: Value) {
        self.change(|app| {
            let operation = app["operation"].clone();
            let mut state = json!({"operation": operation, "phase": phase, "startedAt": "2026-09-21T14:00:00Z"});
            if matches!(phase, "Succeeded" | "Failed" | "Error") {
                state["finishedAt"] = json!("2026-09-21T14:01:00Z");
                app["operation"] = Value::Null;
            }
            if let (Some(state), Some(more)) = (state.as_object_mut(), more.as_object()) {
                state.extend(more.clone());
            }
            app["status"]["operationState"] = state;
        });
    }

    async fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        passing(|by| self.clock.advance(by), &self.server, work).await
    }

    async fn state(&self, run: &operations::pipeline::Run) -> (RunState, String) {
        let progress = self.argo.look(run).await.expect("its progress");
        (progress.state, progress.step.map(|step| step.as_str().to_owned()).unwrap_or_default())
    }
}

fn target() -> Target {
    Target { application: "api".to_owned(), ..Target::default() }
}

fn connection(url: &str) -> Connection {
    Connection { url: url.to_owned(), token: Secret::new(SECRET) }
}

fn back(commit: &str) -> Order {
    Order { is_rollback: true, ..order("muster-d8-4f0c9a1e", commit) }
}

#[tokio::test]
async fn a_sync_goes_to_the_commit_and_carries_who_asked() {
    let target =
        Target { app_namespace: Some("argocd".to_owned()), project: Some("shop".to_owned()), prune: true, ..target() };
    let world = World::with(|_| {}, target).await;
    let run = world.argo.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect("started");
    let sent = world.server.sent("POST");
    assert_eq!(sent.len(), 1);
    let body = sent[0].json();
    assert_eq!((&body["revision"], &body["prune"]), (&json!(COMMIT), &json!(true)));
    assert_eq!((&body["appNamespace"], &body["project"]), (&json!("argocd"), &json!("shop")));
    assert_eq!(body["infos"][0], json!({"name": "muster-order", "value": "muster-d7-4f0c9a1e"}));
    assert_eq!(body["infos"][1]["value"], "Ann asked Muster for it: a fix");
    assert_eq!(run.url.as_deref(), Some(format!("{}/applications/argocd/api", world.server.url).as_str()));
    let reads = world.server.sent("GET");
    assert!(reads.iter().all(|seen| seen.asked("project").as_deref() == Some("shop")), "project goes along");
}

#[tokio::test]
async fn it_is_followed_from_the_queue_to_health() {
    let world = World::new().await;
    let run = world.argo.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect("started");
    assert_eq!(world.state(&run).await.0, RunState::Queued);
    let results = json!({"syncResult": {"resources": [
        {"kind": "Deployment", "name": "api", "status": "Synced"}, {"kind": "Job", "name": "db", "hookPhase": "Running"},
    ]}, "message": "waiting for completion of hook batch/Job/db"});
    world.controller("Running", results);
    let progress = world.argo.look(&run).await.expect("its progress");
    assert_eq!((progress.state, progress.done, progress.total), (RunState::Running, 1, 2));
    assert!(progress.step.expect("a step").as_str().contains("hook batch/Job/db"));
    world.change(|app| app["operation"] = app["status"]["operationState"]["operation"].clone());
    world.controller("Succeeded", json!({}));
    assert_eq!(world.state(&run).await.0, RunState::Running, "health is from before the sync");
    for (health, state) in [
        ("Progressing", RunState::Running),
        ("Missing", RunState::Running),
        ("Unknown", RunState::Running),
        ("Suspended", RunState::Waiting),
        ("Degraded", RunState::Failed),
        ("Healthy", RunState::Succeeded),
    ] {
        world.change(|app| {
            app["status"]["reconciledAt"] = json!("2026-09-21T14:01:00Z");
            app["status"]["health"]["status"] = json!(health);
            app["status"]["resources"][0]["health"]["status"] = json!(health);
        });
        let (is, step) = world.state(&run).await;
        assert_eq!(is, state, "{health}: {step}");
        assert_eq!(step.contains("Deployment/api"), health != "Healthy", "{health}: {step}");
    }
}

#[tokio::test]
async fn a_sync_that_failed_says_which_resource() {
    let world = World::new().await;
    let run = world.argo.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect("started");
    let failed = json!({"syncResult": {"resources": [
        {"kind": "Deployment", "name": "api", "status": "SyncFailed", "message": "field is immutable; token=abcdefgh12345678"},
    ]}, "message": "one or more objects failed to apply"});
    world.controller("Failed", failed);
    let (state, step) = world.state(&run).await;
    assert_eq!(state, RunState::Failed);
    assert!(step.contains("Deployment/api: field is immutable") && !step.contains("abcdefgh"), "{step}");
    let log = world.argo.log(&run).await.expect("a log");
    assert!(log.tail.as_str().contains("one or more objects failed"), "{:?}", log.tail);
    world.change(|app| app["status"]["operationState"]["phase"] = json!("Error"));
    assert_eq!(world.state(&run).await.0, RunState::Failed);
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_found_again_by_the_order_alone() {
    let world = World::new().await;
    world.change(|app| app["once"] = json!("lost"));
    let mine = order("muster-d7-4f0c9a1e", COMMIT);
    let lost = world.wait(world.argo.start(&mine)).await;
    assert!(matches!(lost, Err(Failure::Unknown { .. })), "{lost:?}");
    assert_eq!(world.server.sent("POST").len(), 1, "sent once");
    let run = world.argo.find(&mine).await.expect("asked").expect("found");
    for neighbour in ["muster-d7-4f0c9a1", "muster-d7-4f0c9a1ef", "muster-d8-4f0c9a1e", ""] {
        assert_eq!(world.argo.find(&order(neighbour, COMMIT)).await.expect("asked"), None, "{neighbour}");
    }
    assert_eq!(world.state(&run).await.0, RunState::Queued);
    world.controller("Running", json!({}));
    assert!(world.argo.find(&mine).await.expect("asked").is_some(), "while it runs");
    world.controller("Succeeded", json!({}));
    let run = world.argo.find(&mine).await.expect("asked").expect("once it has ended");
    assert_eq!(run.id, format!("muster-d7-4f0c9a1e:4::{COMMIT}"));
}

#[tokio::test]
async fn another_operation_is_not_taken_for_this_one() {
    let world = World::new().await;
    let run = world.argo.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect("started");
    let other = json!({"operation": {"sync": {"revision": COMMIT}, "info": [{"name": "muster-order", "value": "muster-d9-4f0c9a1e"}]}});
    world.controller("Running", other.clone());
    world.change(|app| app["operation"] = other["operation"].clone());
    assert_eq!(world.state(&run).await.0, RunState::Cancelled, "the other one's state is not told");
    assert!(world.argo.cancel(&run).await.expect_err("not this one").is(Refused::Conflict));
    assert_eq!(world.server.sent("DELETE").len(), 0, "the other one goes on");
    world.change(|app| {
        let history = app["status"]["history"].as_array_mut().expect("a history");
        history.push(json!({"id": 5, "revision": COMMIT, "deployedAt": "2026-09-21T14:00:30Z"}));
    });
    assert_eq!(world.state(&run).await.0, RunState::Succeeded, "the history says so");
}

#[tokio::test]
async fn a_copy_that_is_behind_says_nothing_about_it() {
    let world = World::new().await;
    let earlier = json!({
        "operation": {"sync": {"revision": OTHER}}, "phase": "Succeeded",
        "startedAt": "2026-09-20T12:00:00Z", "finishedAt": "2026-09-20T12:01:00Z",
    });
    world.change(|app| app["status"]["operationState"] = earlier.clone());
    let run = world.argo.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect("started");
    let now = world.app.lock().unwrap_or_else(PoisonError::into_inner).clone();
    // As it was before.
    world.change(|app| {
        app["operation"] = Value::Null;
        app["status"]["operationState"] = earlier;
    });
    assert_eq!(world.state(&run).await.0, RunState::Queued, "it is not over");
    world.change(|app| *app = now);
    assert_eq!(world.state(&run).await.0, RunState::Queued);
    world.controller("Running", json!({}));
    assert_eq!(world.state(&run).await.0, RunState::Running);
}

#[tokio::test]
async fn an_operation_in_progress_is_told_kindly() {
    let world = World::new().await;
    world.argo.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect("started");
    let busy = world.argo.start(&order("muster-d8-4f0c9a1e", COMMIT)).await.expect_err("busy");
    assert!(busy.is(Refused::Conflict) && busy.to_string().contains("one after the other"), "{busy}");
    assert_eq!(world.server.sent("POST").len(), 1);
    assert!(world.argo.warnings().await.expect("warnings").iter().any(|it| it.contains("in progress")));
}

#[tokio::test]
async fn an_operation_that_began_in_between_is_a_conflict() {
    // The application is asked for before, so that this is what the sync itself answers.
    let server = Server::start(|seen: &Seen| match seen.method.as_str() {
        "GET" => Answer::json(200, &application()),
        _ => no(400, 9, "another operation is already in progress"),
    })
    .await;
    let argo = ArgoCd::new(connection(&server.url), target(), shared(&clock())).expect("a pipeline");
    for order in [order("muster-d7-4f0c9a1e", COMMIT), back(OTHER)] {
        let busy = argo.start(&order).await.expect_err("busy");
        assert!(busy.is(Refused::Conflict) && busy.to_string().contains("one after the other"), "{busy}");
    }
}

#[tokio::test]
async fn auto_sync_is_warned_of_and_a_rollback_is_not_even_sent() {
    let on = |app: &mut Value| app["spec"]["syncPolicy"] = json!({"automated": {"selfHeal": true}});
    let world = World::with(on, target()).await;
    let warnings = world.argo.warnings().await.expect("warnings");
    let words = "auto-sync is on: a rollback would be undone; revert in Git or turn auto-sync off";
    assert!(warnings.iter().any(|warning| warning == words), "{warnings:?}");
    let refused = world.argo.start(&back(OTHER)).await.expect_err("refused");
    assert!(refused.is(Refused::Conflict) && refused.to_string() == words, "{refused}");
    let refused = world.argo.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect_err("refused");
    assert!(refused.is(Refused::Conflict) && refused.to_string().contains("main"), "{refused}");
    assert_eq!(world.server.sent("POST").len(), 0);
    world.change(|app| app["spec"]["syncPolicy"]["automated"]["enabled"] = json!(false));
    assert_eq!(world.argo.warnings().await.expect("warnings"), [""; 0], "turned off by `enabled`");
    world.argo.start(&back(OTHER)).await.expect("started");
}

#[tokio::test]
async fn a_rollback_goes_to_the_entry_of_the_history() {
    let world = World::new().await;
    let run = world.argo.start(&back(OTHER)).await.expect("started");
    let body = world.server.sent("POST")[0].json();
    assert_eq!((&body["id"], &body["name"]), (&json!(3), &json!("api")));
    assert_eq!(world.state(&run).await.0, RunState::Queued);
    world.controller("Succeeded", json!({}));
    world.change(|app| app["status"]["reconciledAt"] = json!("2026-09-21T14:02:00Z"));
    assert_eq!(world.state(&run).await.0, RunState::Succeeded);
    // It carries no order, so a lost answer can't be found: nothing is guessed.
    assert_eq!(world.argo.capabilities().rollback_idempotency, Idempotency::Ask);
    assert!(world.argo.find(&back(OTHER)).await.expect_err("nobody can").is(Refused::Malformed));
    let mut by_run = back("not-in-the-history");
    by_run.back_to = Some(operations::pipeline::Run { id: format!("muster-d5-4f0c9a1e:2::{OTHER}"), url: None });
    world.argo.start(&by_run).await.expect("by the run that deployed it");
    world.change(|app| app["operation"] = Value::Null);
    let gone = world.argo.start(&back("0000")).await.expect_err("gone");
    assert!(gone.is(Refused::NotFound) && gone.to_string().contains("deploy it instead"), "{gone}");
}

#[tokio::test]
async fn several_sources_are_refused_with_words() {
    let several = |app: &mut Value| {
        app["spec"] = json!({"project": "shop", "sources": [{"repoURL": "a"}, {"repoURL": "b"}]});
    };
    let world = World::with(several, target()).await;
    for refused in [
        world.argo.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.map(|_| ()),
        world.argo.start(&back(OTHER)).await.map(|_| ()),
        world.argo.resolve(Some("main")).await.map(|_| ()),
    ] {
        let refused = refused.expect_err("refused");
        assert!(refused.is(Refused::Malformed) && refused.to_string().contains("several sources"), "{refused}");
    }
    assert!(world.argo.warnings().await.expect("warnings")[0].contains("several sources"));
    assert_eq!(world.server.sent("POST").len(), 0);
}

#[tokio::test]
async fn a_sync_window_is_warned_of_and_told() {
    let world = World::with(|app| app["windows"] = json!({"canSync": false}), target()).await;
    assert!(world.argo.warnings().await.expect("warnings").iter().any(|it| it.contains("sync window")));
    let denied = world.argo.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect_err("denied");
    assert!(denied.is(Refused::Conflict) && denied.to_string().contains("sync window"), "{denied}");
    // Go leaves out what is false.
    world.change(|app| app["windows"] = json!({"activeWindows": [{}]}));
    assert!(world.argo.warnings().await.expect("warnings").iter().any(|it| it.contains("sync window")));
    let error = json!([{"type": "ComparisonError", "message": "repository not accessible"}]);
    world.change(|app| app["status"]["conditions"] = error);
    assert!(world.argo.warnings().await.expect("warnings").iter().any(|it| it.contains("not accessible")));
}

#[tokio::test]
async fn a_403_says_what_it_may_be() {
    let world = World::with(|_| {}, Target { application: "nope".to_owned(), ..Target::default() }).await;
    let refused = world.argo.warnings().await.expect_err("refused");
    assert!(refused.is(Refused::Forbidden) && refused.to_string().contains("unless `project` is set"), "{refused}");
    let project = Some("shop".to_owned());
    let world = World::with(|_| {}, Target { application: "nope".to_owned(), project, ..Target::default() }).await;
    assert!(world.argo.warnings().await.expect_err("missing").is(Refused::NotFound));
    let world = World::with(|app| app["override"] = json!(false), target()).await;
    let refused = world.argo.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect_err("refused");
    assert!(refused.is(Refused::Forbidden) && refused.to_string().contains("applications, override"), "{refused}");
}

#[tokio::test]
async fn references_are_resolved_by_argo_cd() {
    let world = World::new().await;
    for (reference, kind) in [
        (None, RefKind::DefaultBranch),
        (Some("main"), RefKind::Unknown),
        (Some("v1.2"), RefKind::Unknown),
        (Some(COMMIT), RefKind::Commit),
    ] {
        let resolved = world.argo.resolve(reference).await.expect("resolved");
        assert_eq!((resolved.commit.id.as_str(), resolved.kind), (COMMIT, kind), "{reference:?}");
        assert_eq!(resolved.commit.subject.as_str(), "Mend it");
        assert_eq!(resolved.commit.author.as_str(), "Bo <bo@example.com>");
    }
    for hostile in ["nope", "../../x", "main?x=1", "main&revision=v1.2", "a b"] {
        let missing = world.wait(world.argo.resolve(Some(hostile))).await.expect_err(hostile);
        assert!(missing.is(Refused::NotFound), "{hostile}: {missing:?}");
    }
    // A full hash is taken even if nothing is known of it.
    let bare = world.wait(world.argo.resolve(Some(OTHER))).await.expect("taken");
    assert_eq!((bare.commit.id.as_str(), bare.commit.subject.as_str()), (OTHER, ""));
}

#[tokio::test]
async fn it_is_stopped_once_and_said_to_be() {
    let world = World::new().await;
    let run = world.argo.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect("started");
    world.controller("Running", json!({}));
    world.argo.cancel(&run).await.expect("stopped");
    assert_eq!(world.server.sent("DELETE").len(), 1);
    assert_eq!(world.state(&run).await.0, RunState::Running, "it is being stopped");
    world.controller("Failed", json!({"message": "Operation terminated"}));
    assert_eq!(world.state(&run).await.0, RunState::Cancelled);
    assert!(world.argo.cancel(&run).await.expect_err("over").is(Refused::Conflict));
    // It ended just before.
    let server = Server::start(|seen: &Seen| match seen.method.as_str() {
        "GET" => Answer::json(
            200,
            &json!({"operation": {"info": [{"name": "muster-order", "value": "muster-d7-4f0c9a1e"}]}}),
        ),
        _ => no(400, 3, "Unable to terminate operation. No operation is in progress"),
    })
    .await;
    let argo = ArgoCd::new(connection(&server.url), target(), shared(&clock())).expect("a pipeline");
    assert!(argo.cancel(&run).await.expect_err("over").is(Refused::Conflict));
}

#[tokio::test]
async fn the_log_of_a_pod_is_told_where_the_sync_went_well() {
    let world = World::new().await;
    let run = world.argo.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect("started");
    world.controller("Succeeded", json!({"message": "successfully synced"}));
    world.change(|app| {
        app["status"]["reconciledAt"] = json!("2026-09-21T14:02:00Z");
        app["status"]["health"]["status"] = json!("Degraded");
        app["tree"] = json!({"nodes": [
            {"kind": "Pod", "name": "api-6", "namespace": "shop", "health": {"status": "Healthy"}},
            {"kind": "Pod", "name": "api-7", "namespace": "shop", "health": {"status": "Degraded"}},
        ]});
    });
    let log = world.argo.log(&run).await.expect("a log");
    assert_eq!(log.step.expect("a step").as_str(), "Pod/api-7");
    let tail = log.tail.as_str();
    assert!(tail.contains("panic: no database") && !tail.contains("[31m") && !tail.contains("hunter2"), "{tail}");
}

#[tokio::test]
async fn what_is_wrong_in_the_configuration_is_said() {
    let build = |connection: Connection, target: Target| ArgoCd::new(connection, target, shared(&clock())).err();
    let fine = || connection("https://argocd.example.com/root");
    assert_eq!(build(fine(), target()), None);
    for hostile in ["", "..", "a/b", "a?b", "a b", "a\nb", ".hidden"] {
        let words = build(fine(), Target { application: hostile.to_owned(), ..Target::default() }).expect(hostile);
        assert!(words.contains("`application`"), "{words}");
        let words = build(fine(), Target { project: Some(hostile.to_owned()), ..target() }).expect(hostile);
        assert!(words.contains("`project`"), "{words}");
    }
    assert!(build(Connection { token: Secret::new(""), ..fine() }, target()).expect("no token").contains("`token`"));
    assert!(build(connection("argocd.example.com"), target()).is_some());
    assert!(!format!("{:?}", fine()).contains(SECRET));
}

#[test]
fn a_hook_is_believed_with_a_token_alone() {
    use reqwest::header::{AUTHORIZATION, HeaderMap};
    let tokens = [Secret::new(SECRET), Secret::new("the-next-one-of-them"), Secret::new("")];
    let with = |values: &[&str]| {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().expect("a header"));
        }
        headers
    };
    let body = br#"{"application": "api"}"#;
    let good = format!("Bearer {SECRET}");
    for known in [good.as_str(), "bearer the-next-one-of-them"] {
        assert_eq!(hook(&tokens, &with(&[known]), body), Ok("api".to_owned()));
    }
    let basic = format!("Basic {SECRET}");
    for unknown in ["Bearer", "Bearer ", "Bearer nope", SECRET, &basic, &format!("{good}x")] {
        assert_eq!(hook(&tokens, &with(&[unknown]), body), Err(Rejected::Token), "{unknown}");
    }
    assert_eq!(hook(&tokens, &with(&[]), body), Err(Rejected::Token));
    assert_eq!(hook(&tokens, &with(&[&good, &good]), body), Err(Rejected::Token), "two of them");
    assert_eq!(hook(&[], &with(&["Bearer "]), body), Err(Rejected::Token));
    for bad in ["", "{}", "[]", "{\"application\": 3}", "{\"application\": \"../x\"}", "{\"application\": \"\"}"] {
        let refused = hook(&tokens, &with(&[&good]), bad.as_bytes());
        assert!(matches!(refused, Err(Rejected::Malformed(_))), "{bad}: {refused:?}");
        assert_eq!(hook(&tokens, &with(&["Bearer nope"]), bad.as_bytes()), Err(Rejected::Token), "the token first");
    }
}
