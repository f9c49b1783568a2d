//! Kubernetes: restarts, images, rollbacks, with lost answers and controllers that write in between.

mod access;
use std::collections::BTreeSet;

use integrations::clock::ManualClock;
use integrations::http::http_client_trusting;
use integrations::pipelines::kubernetes::{Connection, Image, Kubernetes, ORDER, Target, Token, Workload};
use integrations::pipelines::{Failure, Pipeline, Refused};
use integrations::secret::Secret;
use operations::pipeline::{Order, RefKind, Run, RunState};
use serde_json::{Value, json};

use crate::contract::{SECRET, clock, order, shared};
use crate::generic_server::{Answer, Seen, Server, passing};
use crate::kubernetes_server::World;

const KINDS: [(Workload, &str); 3] = [
    (Workload::Deployment, "deployments"),
    (Workload::StatefulSet, "statefulsets"),
    (Workload::DaemonSet, "daemonsets"),
];

pub(crate) fn image() -> Option<Image> {
    Some(Image { container: "api".to_owned(), repository: "registry.example/shop/api".to_owned() })
}

pub(crate) fn connection(url: &str) -> Connection {
    Connection { url: url.to_owned(), token: Token::Given(Secret::new(SECRET)), ca_file: None }
}

pub(crate) fn target(kind: Workload, image: Option<Image>) -> Target {
    Target { namespace: "shop".to_owned(), kind, name: "api".to_owned(), image }
}

struct Side {
    world: World,
    clock: ManualClock,
    kubernetes: Kubernetes,
}

impl Side {
    async fn new(kind: (Workload, &'static str), image: Option<Image>) -> Side {
        let world = World::new(kind.1).await;
        let clock = clock();
        let kubernetes = Kubernetes::new(connection(&world.server.url), target(kind.0, image), shared(&clock));
        Side { world, clock, kubernetes: kubernetes.expect("a pipeline") }
    }

    async fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        passing(|by| self.clock.advance(by), &self.world.server, work).await
    }

    async fn deploy(&self, id: &str, commit: &str) -> Run {
        let run = self.wait(self.kubernetes.start(&order(id, commit))).await.expect("started");
        self.world.with(crate::kubernetes_server::Cluster::settle);
        run
    }

    async fn state(&self, run: &Run) -> (RunState, String) {
        let progress = self.kubernetes.look(run).await.expect("its progress");
        (progress.state, progress.step.map(|step| step.as_str().to_owned()).unwrap_or_default())
    }

    fn image(&self) -> Value {
        self.world.with(|cluster| cluster.template_of("api")["image"].clone())
    }

    fn rollouts(&self) -> u32 {
        self.world.with(|cluster| cluster.rollouts)
    }
}

fn back(id: &str, commit: &str, back_to: Option<Run>) -> Order {
    Order { is_rollback: true, back_to, ..order(id, commit) }
}

#[tokio::test]
async fn a_restart_changes_the_annotation_that_kubectl_changes() {
    for kind in KINDS {
        let side = Side::new(kind, None).await;
        let now = side.kubernetes.resolve(None).await.expect("what is there");
        assert_eq!(now.kind, RefKind::DefaultBranch);
        let run = side.wait(side.kubernetes.start(&order("muster-d7-4f0c9a1e", now.commit.id.as_str()))).await;
        let run = run.expect("started");
        let sent = side.world.server.sent("PATCH");
        assert_eq!(sent.len(), 1, "{kind:?}");
        let body = sent[0].json();
        let template = &body["spec"]["template"]["metadata"]["annotations"];
        assert_eq!(template, &json!({"kubectl.kubernetes.io/restartedAt": "2026-09-21T14:13:20Z"}));
        assert_eq!(body["metadata"]["annotations"][ORDER], "muster-d7-4f0c9a1e");
        assert_eq!(side.state(&run).await.0, RunState::Queued, "not seen by the controller yet");
        side.world.with(crate::kubernetes_server::Cluster::settle);
        assert_eq!(side.state(&run).await.0, RunState::Succeeded, "{kind:?}");
        assert_eq!(side.rollouts(), 1);
    }
}

#[tokio::test]
async fn a_restart_of_what_is_no_longer_there_is_refused() {
    let side = Side::new(KINDS[0], None).await;
    let planned = side.kubernetes.resolve(None).await.expect("what is there").commit;
    side.world.with(|cluster| cluster.object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("other"));
    let changed = side.kubernetes.start(&order("muster-d7-4f0c9a1e", planned.id.as_str())).await.expect_err("changed");
    assert!(changed.is(Refused::Conflict) && changed.to_string().contains("plan it again"), "{changed}");
    assert_eq!(side.rollouts(), 0);
    let named = side.kubernetes.resolve(Some("main")).await.expect_err("no such thing");
    assert!(named.is(Refused::NotFound), "{named:?}");
}

#[tokio::test]
async fn an_image_is_a_tag_or_a_digest() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    for kind in KINDS {
        for (commit, image) in [
            ("v2", "registry.example/shop/api:v2".to_owned()),
            (digest.as_str(), format!("registry.example/shop/api@{digest}")),
        ] {
            let side = Side::new(kind, self::image()).await;
            side.deploy("muster-d7-4f0c9a1e", commit).await;
            assert_eq!(side.image(), image.as_str());
            let rest =
                side.world.with(|cluster| (cluster.template_of("api")["env"].clone(), cluster.template_of("proxy")));
            assert_eq!(rest.0, json!([{"name": "A", "value": "1"}]), "the rest of the container stays");
            assert_eq!(rest.1["image"], "registry.example/proxy:1");
        }
    }
    let side = Side::new(KINDS[0], image()).await;
    assert_eq!(side.kubernetes.resolve(Some("v2")).await.expect("a tag").kind, RefKind::Tag);
    assert_eq!(side.kubernetes.resolve(Some(&digest)).await.expect("a digest").kind, RefKind::Commit);
    let bad = ["", "a/b", "../x", "v2@sha256:00", "sha256:00", "a b", "a\nb", "-x", ".x", "x:y", "ü"];
    for bad in bad.iter().map(|it| (*it).to_owned()).chain(["a".repeat(129), digest.to_uppercase()]) {
        assert!(side.kubernetes.resolve(Some(&bad)).await.expect_err(&bad).is(Refused::Malformed), "{bad}");
        let refused = side.kubernetes.start(&order("muster-d7-4f0c9a1e", &bad)).await.expect_err(&bad);
        assert!(refused.is(Refused::Malformed), "{bad}: {refused:?}");
    }
    assert!(side.kubernetes.resolve(None).await.expect_err("nothing said").is(Refused::Malformed));
    assert_eq!(side.rollouts(), 0);
    let missing = Image { container: "nope".to_owned(), repository: "x".to_owned() };
    let side = Side::new(KINDS[0], Some(missing)).await;
    let refused = side.kubernetes.start(&order("muster-d7-4f0c9a1e", "v2")).await.expect_err("no container");
    assert!(refused.to_string().contains("`nope`") && side.rollouts() == 0, "{refused}");
}

#[tokio::test]
async fn the_same_order_has_one_effect_however_often_it_is_sent() {
    for kind in KINDS {
        for image in [None, image()] {
            let side = Side::new(kind, image.clone()).await;
            let commit = match image {
                Some(_) => "v2".to_owned(),
                None => side.kubernetes.resolve(None).await.expect("there").commit.id.as_str().to_owned(),
            };
            // The effect, and then nothing: it is sent again at once, meets its own change, and is found.
            side.world.with(|cluster| cluster.lose = true);
            let mine = order("muster-d7-4f0c9a1e", &commit);
            let run = side.wait(side.kubernetes.start(&mine)).await.expect("found again");
            assert_eq!(side.rollouts(), 1, "{kind:?}");
            assert!(side.world.server.sent("PATCH").len() > 1, "it was sent again");
            side.clock.advance(std::time::Duration::from_secs(90));
            assert_eq!(side.wait(side.kubernetes.start(&mine)).await.expect("once more"), run);
            assert_eq!(side.kubernetes.find(&mine).await.expect("asked"), Some(run));
            assert_eq!(side.rollouts(), 1, "{kind:?}");
            for neighbour in ["muster-d7-4f0c9a1", "muster-d7-4f0c9a1ef", "muster-d8-4f0c9a1e", ""] {
                assert_eq!(side.kubernetes.find(&order(neighbour, &commit)).await.expect("asked"), None);
            }
        }
    }
}

#[tokio::test]
async fn a_late_copy_of_a_patch_has_no_effect() {
    let side = Side::new(KINDS[0], image()).await;
    side.deploy("muster-d7-4f0c9a1e", "v2").await;
    let late = side.world.server.sent("PATCH").pop().expect("a patch");
    side.deploy("muster-d8-4f0c9a1e", "v3").await;
    // The network gives the first one out once more.
    let http = integrations::http::http_client().expect("a client");
    let headers = late.headers.iter().filter(|(name, _)| matches!(name.as_str(), "authorization" | "content-type"));
    let request = headers.fold(
        http.patch(format!("{}{}?{}", side.world.server.url, late.path, late.query)).body(late.body.clone()),
        |request, (name, value)| request.header(name, value),
    );
    assert_eq!(request.send().await.expect("an answer").status().as_u16(), 409);
    assert_eq!(side.image(), "registry.example/shop/api:v3");
}

#[tokio::test]
async fn writes_of_controllers_in_between_are_no_obstacle() {
    for kind in KINDS {
        let side = Side::new(kind, image()).await;
        side.world.with(|cluster| cluster.busy = 3);
        side.deploy("muster-d7-4f0c9a1e", "v2").await;
        assert_eq!((side.rollouts(), side.world.server.sent("PATCH").len()), (1, 4));
        side.deploy("muster-d8-4f0c9a1e", "v3").await;
        side.world.with(|cluster| cluster.busy = 3);
        side.wait(side.kubernetes.start(&back("muster-d9-4f0c9a1e", "v2", None))).await.expect("rolled back");
        assert_eq!(side.image(), "registry.example/shop/api:v2");
        side.world.with(|cluster| cluster.busy = 99);
        let failed = side.wait(side.kubernetes.start(&order("muster-d10-4f0c9a1e", "v4"))).await;
        assert!(matches!(failed, Err(Failure::Transient { .. })), "{failed:?}");
    }
}

#[tokio::test]
async fn a_rollback_takes_the_very_template_that_ran() {
    for kind in KINDS {
        let side = Side::new(kind, image()).await;
        let first = side.deploy("muster-d1-4f0c9a1e", "v2").await;
        // The same image with another setting: by its image alone it could not be told apart.
        side.world.with(|cluster| cluster.object["spec"]["template"]["spec"]["containers"][0]["env"] = json!([]));
        side.deploy("muster-d2-4f0c9a1e", "v3").await;
        side.deploy("muster-d3-4f0c9a1e", "v2").await;
        let before = side.rollouts();
        let undo = back("muster-d4-4f0c9a1e", "v2", Some(first.clone()));
        let run = side.wait(side.kubernetes.start(&undo)).await.expect("rolled back");
        let env = side.world.with(|cluster| cluster.template_of("api")["env"].clone());
        assert_eq!(env, json!([{"name": "A", "value": "1"}]), "{kind:?}");
        assert_eq!(side.rollouts(), before + 1);
        side.world.with(crate::kubernetes_server::Cluster::settle);
        assert_eq!(side.state(&run).await.0, RunState::Succeeded, "{kind:?}");
        assert_eq!(run.id.split_once(':').map(|it| it.1), first.id.split_once(':').map(|it| it.1));
        // Sent again, it is found.
        assert_eq!(side.wait(side.kubernetes.start(&undo)).await.expect("found"), run);
        assert_eq!(side.rollouts(), before + 1);
        let gone = side.kubernetes.start(&back("muster-d5-4f0c9a1e", "v9", None)).await.expect_err("gone");
        assert!(gone.is(Refused::NotFound) && gone.to_string().contains("deploy it instead"), "{gone}");
        // What looks alike and belongs to something else is never taken.
        let foreign = side.kubernetes.start(&back("muster-d5-4f0c9a1e", "feedface", None)).await;
        assert!(foreign.expect_err("not its own").is(Refused::NotFound));
    }
}

#[tokio::test]
async fn a_restart_is_undone_by_the_templates_name() {
    for kind in KINDS {
        let side = Side::new(kind, None).await;
        let first = side.kubernetes.resolve(None).await.expect("there").commit.id;
        side.deploy("muster-d1-4f0c9a1e", first.as_str()).await;
        let second = side.kubernetes.resolve(None).await.expect("there").commit.id;
        assert_ne!(first, second);
        assert_eq!(side.kubernetes.resolve(Some(first.as_str())).await.expect("kept").commit.id, first);
        side.wait(side.kubernetes.start(&back("muster-d2-4f0c9a1e", first.as_str(), None))).await.expect("undone");
        assert_eq!(side.kubernetes.resolve(None).await.expect("there").commit.id, first, "{kind:?}");
    }
}

#[tokio::test]
async fn a_deployments_rollback_tests_the_resource_version_first() {
    let side = Side::new(KINDS[0], image()).await;
    side.deploy("muster-d1-4f0c9a1e", "v2").await;
    side.deploy("muster-d2-4f0c9a1e", "v3").await;
    side.wait(side.kubernetes.start(&back("muster-d3-4f0c9a1e", "v2", None))).await.expect("rolled back");
    let patch = side.world.server.sent("PATCH").pop().expect("a patch");
    assert_eq!(patch.header("content-type"), Some("application/json-patch+json"));
    let steps = patch.json();
    assert_eq!((&steps[0]["op"], &steps[0]["path"]), (&json!("test"), &json!("/metadata/resourceVersion")));
    let template = steps.as_array().expect("steps").last().expect("a step")["value"].clone();
    assert!(template.pointer("/metadata/labels/pod-template-hash").is_none(), "{template}");
    // Without any annotation there is a place to be made for them.
    side.world.with(|cluster| {
        cluster.object["metadata"].as_object_mut().expect("metadata").remove("annotations");
    });
    side.wait(side.kubernetes.start(&back("muster-d4-4f0c9a1e", "v3", None))).await.expect("rolled back");
    assert_eq!(side.image(), "registry.example/shop/api:v3");
}

#[tokio::test]
async fn a_paused_rollout_is_left_alone_and_warned_of() {
    let side = Side::new(KINDS[0], image()).await;
    side.deploy("muster-d1-4f0c9a1e", "v2").await;
    side.world.with(|cluster| cluster.object["spec"]["paused"] = json!(true));
    for order in [order("muster-d2-4f0c9a1e", "v3"), back("muster-d2-4f0c9a1e", "v1", None)] {
        let refused = side.kubernetes.start(&order).await.expect_err("paused");
        assert!(refused.is(Refused::Conflict) && refused.to_string().contains("resume it first"), "{refused}");
    }
    assert_eq!(side.rollouts(), 1);
    assert!(side.kubernetes.warnings().await.expect("warnings")[0].contains("paused"));
    side.world.with(|cluster| {
        cluster.object["spec"]["paused"] = json!(false);
        cluster.object["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    });
    assert!(side.kubernetes.warnings().await.expect("warnings")[0].contains("OnDelete"));
    side.world.with(|cluster| cluster.object["metadata"]["deletionTimestamp"] = json!("2026-09-21T00:00:00Z"));
    let refused = side.kubernetes.start(&order("muster-d2-4f0c9a1e", "v3")).await.expect_err("being deleted");
    assert!(refused.is(Refused::Conflict));
}

#[tokio::test]
async fn a_rollout_is_followed_as_kubectl_does() {
    let late = json!({"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
        "message": "ReplicaSet \"api-7\" has timed out progressing."}]});
    let table: &[(usize, Value, RunState, &str, u32)] = &[
        (0, json!({"updatedReplicas": 1, "replicas": 4, "availableReplicas": 3}), RunState::Running, "being made", 1),
        (0, json!({"updatedReplicas": 3, "replicas": 4, "availableReplicas": 3}), RunState::Running, "old pods", 3),
        (
            0,
            json!({"updatedReplicas": 3, "replicas": 3, "availableReplicas": 2}),
            RunState::Running,
            "not available",
            3,
        ),
        (0, json!({"updatedReplicas": 3, "replicas": 3, "availableReplicas": 3}), RunState::Succeeded, "", 3),
        (0, late, RunState::Failed, "ProgressDeadlineExceeded", 3),
        (1, json!({"updatedReplicas": 1}), RunState::Running, "being made", 1),
        (1, json!({"readyReplicas": 2}), RunState::Running, "being made", 3),
        (1, json!({"currentRevision": "api-old"}), RunState::Running, "not ready", 3),
        (1, json!({}), RunState::Succeeded, "", 3),
        (2, json!({"updatedNumberScheduled": 2}), RunState::Running, "being made", 2),
        (2, json!({"numberAvailable": 2}), RunState::Running, "not available", 3),
        (2, json!({}), RunState::Succeeded, "", 3),
    ];
    for (kind, status, state, step, done) in table {
        let side = Side::new(KINDS[*kind], image()).await;
        let run = side.deploy("muster-d1-4f0c9a1e", "v2").await;
        side.world.with(|cluster| cluster.observe(status));
        let progress = side.kubernetes.look(&run).await.expect("its progress");
        assert_eq!((progress.state, progress.done, progress.total), (*state, *done, 3), "{status}");
        let said = progress.step.map(|step| step.as_str().to_owned()).unwrap_or_default();
        assert!(said.contains(step), "{status}: {said}");
    }
    // A partition keeps older pods.
    let side = Side::new(KINDS[1], image()).await;
    let run = side.deploy("muster-d1-4f0c9a1e", "v2").await;
    side.world.with(|cluster| {
        cluster.object["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
        cluster.observe(&json!({"updatedReplicas": 1, "currentRevision": "api-old"}));
    });
    let progress = side.kubernetes.look(&run).await.expect("its progress");
    assert_eq!((progress.state, progress.done, progress.total), (RunState::Succeeded, 1, 1));
}

#[tokio::test]
async fn what_came_after_is_not_taken_for_this_one() {
    let side = Side::new(KINDS[0], image()).await;
    let first = side.deploy("muster-d1-4f0c9a1e", "v2").await;
    // Somebody uses kubectl.
    side.world.with(|cluster| cluster.object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("mine"));
    let (state, step) = side.state(&first).await;
    assert!(state == RunState::Cancelled && step.contains("by something else"), "{step}");
    side.deploy("muster-d2-4f0c9a1e", "v3").await;
    let (state, step) = side.state(&first).await;
    assert!(state == RunState::Cancelled && step.contains("another deploy"), "{step}");
    // A number of replicas is no template.
    let third = side.deploy("muster-d3-4f0c9a1e", "v4").await;
    side.world.with(|cluster| {
        cluster.object["metadata"]["generation"] = json!(77);
        cluster.observe(&json!({}));
    });
    assert_eq!(side.state(&third).await.0, RunState::Succeeded);
}

fn pod(name: &str, status: Value) -> Value {
    json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "api"}, {"name": "proxy"}]}, "status": status})
}

#[tokio::test]
async fn what_is_wrong_with_pods_is_the_step_and_their_log_is_told() {
    let waiting = |reason: &str| {
        json!({"containerStatuses": [{"name": "proxy", "ready": true, "state": {"running": {}}},
            {"name": "api", "ready": false, "state": {"waiting": {"reason": reason, "message": "it is so"}}}]})
    };
    let fine = json!({"containerStatuses": [{"name": "api", "ready": true, "state": {"running": {}}}]});
    for kind in KINDS {
        let side = Side::new(kind, image()).await;
        let run = side.deploy("muster-d1-4f0c9a1e", "v2").await;
        side.world.with(|cluster| {
            cluster.observe(&json!({"updatedReplicas": 1, "updatedNumberScheduled": 1}));
            cluster.pods = vec![pod("api-6", fine.clone()), pod("api-7", waiting("CrashLoopBackOff"))];
        });
        assert_eq!(side.state(&run).await, (RunState::Running, "api-7 (api): CrashLoopBackOff: it is so".to_owned()));
        let log = side.kubernetes.log(&run).await.expect("a log");
        assert_eq!(log.step.expect("a step").as_str(), "api-7/api");
        let tail = log.tail.as_str();
        assert!(tail.contains("api-7/api of its last life") && tail.contains("CrashLoopBackOff"), "{tail}");
        assert!(!tail.contains("[31m") && !tail.contains("hunter2"), "{tail}");
        side.world.with(|cluster| {
            cluster.pods[1] = pod("api-7", waiting("ImagePullBackOff"));
            cluster.without_log = vec!["api-7".to_owned()];
        });
        assert!(side.state(&run).await.1.contains("ImagePullBackOff"));
        let log = side.kubernetes.log(&run).await.expect("what it waits for");
        assert_eq!(log.tail.as_str(), "api-7 (api): ImagePullBackOff: it is so");
        side.world.with(|cluster| cluster.pods = vec![pod("api-7", waiting("ContainerCreating"))]);
        assert!(side.state(&run).await.1.contains("new pods"), "nothing is wrong yet");
        let ended = json!({"initContainerStatuses": [{"name": "db", "state": {"terminated": {"reason": "Error", "exitCode": 3}}}]});
        side.world.with(|cluster| cluster.pods = vec![pod("api-7", ended)]);
        assert_eq!(side.state(&run).await.1, "api-7 (db): Error (exit code 3)");
        let nowhere = json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}]});
        side.world.with(|cluster| cluster.pods = vec![pod("api-7", nowhere)]);
        assert_eq!(side.state(&run).await.1, "api-7: Unschedulable: 0/3 nodes");
        side.world.with(|cluster| cluster.pods = vec![pod("api-6", fine.clone())]);
        let log = side.kubernetes.log(&run).await.expect("a log");
        assert!(log.tail.as_str().starts_with("api-6/api of its present life"), "{:?}", log.tail);
        side.world.with(|cluster| cluster.pods.clear());
        assert!(side.kubernetes.log(&run).await.expect_err("no pods").is(Refused::NotFound));
    }
}

#[tokio::test]
async fn what_it_cant_do_it_says_with_what_to_do_instead() {
    let side = Side::new(KINDS[0], image()).await;
    let run = side.deploy("muster-d1-4f0c9a1e", "v2").await;
    let before = side.world.server.seen().len();
    let refused = side.kubernetes.cancel(&run).await.expect_err("it can't");
    assert!(refused.is(Refused::Malformed) && refused.to_string().contains("roll back instead"), "{refused}");
    assert_eq!(side.world.server.seen().len(), before);
}

#[tokio::test]
async fn refusals_are_told_by_their_status() {
    let no = |code: u16, reason: &str| json!({"kind": "Status", "status": "Failure", "message": format!("{reason} it is"), "reason": reason, "code": code});
    for (code, reason, kind) in [
        (401, "Unauthorized", Refused::Token),
        (403, "Forbidden", Refused::Forbidden),
        (404, "NotFound", Refused::NotFound),
        (409, "AlreadyExists", Refused::Conflict),
        (409, "Conflict", Refused::Conflict),
        (422, "Invalid", Refused::Malformed),
        (415, "UnsupportedMediaType", Refused::Malformed),
    ] {
        let answer = no(code, reason);
        let server = Server::start(move |seen: &Seen| match seen.method.as_str() {
            "GET" => Answer::json(200, &json!({"metadata": {"resourceVersion": "7"}, "spec": {"template": crate::kubernetes_server::template("x")}})),
            _ => Answer::json(code, &answer),
        })
        .await;
        let pipeline =
            Kubernetes::new(connection(&server.url), target(Workload::Deployment, image()), shared(&clock()));
        let refused = pipeline.expect("a pipeline").start(&order("muster-d1-4f0c9a1e", "v2")).await.expect_err(reason);
        assert!(refused.is(kind) && refused.to_string().contains(reason), "{code} {reason}: {refused:?}");
    }
}
