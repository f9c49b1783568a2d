//! Any service with an HTTP API: a deploy service of a company's own, and what an operator may write wrongly.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use integrations::clock::ManualClock;
use integrations::pipelines::generic::{Connection, Find, Generic, LogRequest, Request, Status, Target};
use integrations::pipelines::{AnyPipeline, Failure, Pipeline, Refused, Shared};
use integrations::secret::Secret;
use operations::pipeline::{Gate, Idempotency, Run, RunState};
use serde_json::{Value, json};

use crate::contract::{COMMIT, SECRET, clock, order, shared};
use crate::generic_server::{Answer, Seen, Server, passing};

fn request(method: &str, url: &str, body: Option<Value>) -> Request {
    Request { method: method.to_owned(), url: url.to_owned(), headers: Vec::new(), body }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(crate) fn connection(url: &str) -> Connection {
    let token = Secret::new(&format!("Bearer {SECRET}"));
    Connection { url: url.to_owned(), headers: vec![("Authorization".to_owned(), token)] }
}

fn target(repeat: bool) -> Target {
    let body = json!({
        "key": "{id}", "what": {"service": "{service}", "where": ["{environment}"]}, "sha": "{commit}",
        "ref": "{reference}", "who": "{by}", "why": "{reason}", "back": "{rollback}", "region": "{parameters.REGION}",
        "missing": "{parameters.NOPE}", "as it is": "{ not a placeholder }", "number": 7,
    });
    Target {
        default_reference: Some("main".to_owned()),
        start: request("POST", "/v1/services/{service}/deploys?env={environment}&via=muster", Some(body)),
        run_id: Some("/deploy/id".to_owned()),
        run_url: Some("/deploy/links/html".to_owned()),
        repeat,
        find: Some(Find {
            request: request("GET", "/v1/services/{service}/deploys?env={environment}", None),
            list: "/deploys".to_owned(),
            id: "/id".to_owned(),
            order: "/key".to_owned(),
            url: Some("/links/html".to_owned()),
        }),
        status: Status {
            request: request("GET", "/v1/deploys/{run}", None),
            state: "/state".to_owned(),
            queued: words(&["pending"]),
            running: words(&["deploying"]),
            waiting: words(&["held"]),
            succeeded: words(&["live", "true"]),
            failed: words(&["broken"]),
            cancelled: words(&["aborted"]),
            step: Some("/step/name".to_owned()),
            done: Some("/step/number".to_owned()),
            total: Some("/steps".to_owned()),
        },
        cancel: Some(request("DELETE", "/v1/deploys/{run}", None)),
        approve: Some(request(
            "POST",
            "/v1/deploys/{run}/answer",
            Some(json!({"yes": "{approve}", "comment": "{comment}", "run": "{run}"})),
        )),
        log: Some(LogRequest {
            request: request("GET", "/v1/deploys/{run}/log", None),
            text: Some("/text".to_owned()),
        }),
    }
}

/// For the contract.
pub(crate) fn pipeline(url: &str, repeat: bool, shared: Shared) -> AnyPipeline {
    Arc::new(Generic::new(connection(url), target(repeat), shared).expect("a pipeline"))
}

/// A company's own deploy service: one deploy for each key.
#[derive(Default)]
struct Company {
    deploys: BTreeMap<String, Value>,
    started: usize,
    lose: bool,
}

fn company(company: &mut Company, seen: &Seen) -> Answer {
    if seen.header("authorization") != Some(&format!("Bearer {SECRET}")) {
        return Answer::json(401, &json!({"message": "who are you?"}));
    }
    let path = seen.path.trim_start_matches("/v1/").to_owned();
    match (seen.method.as_str(), path.split('/').collect::<Vec<_>>().as_slice()) {
        ("POST", ["services", service, "deploys"]) => {
            let body = seen.json();
            if seen.header("content-type") != Some("application/json") || seen.asked("via").as_deref() != Some("muster")
            {
                return Answer::status(415);
            }
            let Some(key) = body["key"].as_str().map(str::to_owned) else { return Answer::status(422) };
            if !company.deploys.contains_key(&key) {
                company.started += 1;
                let id = 16 + company.started;
                let html = format!("https://deploys.example/{service}/{id}");
                let deploy =
                    json!({"id": id, "key": key, "state": "pending", "sha": body["sha"], "links": {"html": html}});
                company.deploys.insert(key.clone(), deploy);
            }
            if std::mem::take(&mut company.lose) {
                return Answer::Lost;
            }
            Answer::json(201, &json!({"deploy": company.deploys[&key]}))
        }
        ("GET", ["services", _, "deploys"]) => {
            // Two pages: those of others, then the real ones.
            match seen.asked("page").as_deref() {
                None => {
                    let others = json!([{"id": 1, "key": "muster-d7-4f0c9a1"}, {"id": 2}, {"id": 3, "key": null}]);
                    let next = "</v1/services/api/deploys?page=2>; rel=\"next\"";
                    Answer::json(200, &json!({"deploys": others})).with("link", next)
                }
                Some(_) => Answer::json(200, &json!({"deploys": company.deploys.values().collect::<Vec<_>>()})),
            }
        }
        (method, ["deploys", id, more @ ..]) => {
            let found = company.deploys.values_mut().find(|deploy| deploy["id"].as_u64() == id.parse().ok());
            let Some(deploy) = found else { return Answer::status(404) };
            match (method, more) {
                ("GET", []) => Answer::json(200, deploy),
                ("DELETE", []) if deploy["state"] == "aborted" => Answer::status(409),
                ("DELETE", []) => {
                    deploy["state"] = json!("aborted");
                    Answer::Reply(204, Vec::new(), Vec::new())
                }
                ("POST", ["answer"]) => {
                    deploy["answer"] = seen.json();
                    Answer::Reply(204, Vec::new(), Vec::new())
                }
                ("GET", ["log"]) => {
                    let text =
                        format!("\u{1b}[1mstep one\u{1b}[0m\nusing {SECRET}\nGH_TOKEN=abcdefabcdefabcd\nit broke");
                    Answer::json(200, &json!({"text": text}))
                }
                _ => Answer::status(405),
            }
        }
        _ => Answer::status(404),
    }
}

struct World {
    server: Server,
    company: Arc<Mutex<Company>>,
    clock: ManualClock,
    pipeline: AnyPipeline,
}

impl World {
    async fn new(repeat: bool) -> World {
        let held = Arc::new(Mutex::new(Company::default()));
        let within = Arc::clone(&held);
        let answers = move |seen: &Seen| company(&mut within.lock().unwrap_or_else(PoisonError::into_inner), seen);
        let server = Server::start(answers).await;
        let clock = clock();
        let pipeline = pipeline(&server.url, repeat, shared(&clock));
        World { server, company: held, clock, pipeline }
    }

    fn change(&self, change: impl FnOnce(&mut Company)) {
        change(&mut self.company.lock().unwrap_or_else(PoisonError::into_inner));
    }

    async fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        passing(|by| self.clock.advance(by), &self.server, work).await
    }
}

#[tokio::test]
async fn placeholders_become_values_and_nothing_else() {
    let world = World::new(false).await;
    let mut order = order("muster-d7-4f0c9a1e", COMMIT);
    order.service = "shop/api?x=1".to_owned();
    order.environment = "prod&admin=1".to_owned();
    order.reason = "\",\"sha\":\"evil\"} {commit}".into();
    order.is_rollback = true;
    let run = world.pipeline.start(&order).await.expect("started");
    assert_eq!(run.id, "17");
    let sent = world.server.sent("POST").pop().expect("it was sent");
    assert_eq!(sent.path, "/v1/services/shop%2Fapi%3Fx%3D1/deploys");
    assert_eq!(sent.asked("env").as_deref(), Some("prod&admin=1"));
    assert_eq!(sent.asked("admin"), None);
    let expected = json!({
        "key": "muster-d7-4f0c9a1e", "what": {"service": "shop/api?x=1", "where": ["prod&admin=1"]}, "sha": COMMIT,
        "ref": "main", "who": "Ann", "why": "\",\"sha\":\"evil\"} {commit}", "back": true, "region": "eu",
        "missing": null, "as it is": "{ not a placeholder }", "number": 7,
    });
    assert_eq!(sent.json(), expected);
}

#[tokio::test]
async fn the_runs_address_is_one_of_the_web_or_none() {
    for (html, url) in [
        (json!("https://deploys.example/17"), Some("https://deploys.example/17")),
        (json!("javascript:alert(1)"), None),
        (json!("file:///etc/passwd"), None),
        (json!("https://user:pass@deploys.example/"), None),
        (json!("not a URL"), None),
        (json!(7), None),
        (json!(null), None),
    ] {
        let server =
            Server::start(move |_: &Seen| Answer::json(200, &json!({"deploy": {"id": "x1", "links": {"html": html}}})))
                .await;
        let run = pipeline(&server.url, false, shared(&clock())).start(&order("muster-d7-4f0c9a1e", COMMIT)).await;
        assert_eq!(run.expect("started").url.as_deref(), url);
    }
}

#[tokio::test]
async fn an_answer_without_an_id_is_unknown() {
    for deploy in [json!({}), json!({"id": null}), json!({"id": ""}), json!({"id": {}}), json!({"id": "x".repeat(301)})]
    {
        let server = Server::start(move |_: &Seen| Answer::json(200, &json!({"deploy": deploy}))).await;
        let order = order("muster-d7-4f0c9a1e", COMMIT);
        let failed = pipeline(&server.url, false, shared(&clock())).start(&order).await;
        assert!(matches!(failed, Err(Failure::Unknown { .. })), "{failed:?}");
        let failed = pipeline(&server.url, true, shared(&clock())).start(&order).await;
        assert!(matches!(failed, Err(Failure::Transient { .. })), "{failed:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_is_found_again_on_a_later_page() {
    let world = World::new(false).await;
    world.change(|company| company.lose = true);
    let mine = order("muster-d7-4f0c9a1e", COMMIT);
    assert!(matches!(world.pipeline.start(&mine).await, Err(Failure::Unknown { .. })));
    let run = world.pipeline.find(&mine).await.expect("asked").expect("found");
    assert_eq!((run.id.as_str(), run.url.as_deref()), ("17", Some("https://deploys.example/api/17")));
    assert_eq!(world.pipeline.find(&order("muster-d8-4f0c9a1e", COMMIT)).await.expect("asked"), None);
    assert!(world.server.sent("GET").iter().all(|seen| seen.header("authorization").is_some()));
}

#[tokio::test]
async fn a_next_page_elsewhere_is_not_asked_for() {
    let elsewhere = Server::start(|_: &Seen| Answer::json(200, &json!({"deploys": []}))).await;
    let next = format!("<{}/x>; rel=\"next\"", elsewhere.url);
    let server = Server::start(move |_: &Seen| Answer::json(200, &json!({"deploys": []})).with("link", &next)).await;
    let found = pipeline(&server.url, false, shared(&clock())).find(&order("muster-d7-4f0c9a1e", COMMIT)).await;
    assert!(found.expect_err("refused").is(Refused::NotAllowed));
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn repeated_starts_are_one_where_the_service_says_so() {
    let world = World::new(true).await;
    assert_eq!(world.pipeline.capabilities().idempotency, Idempotency::Repeat);
    world.change(|company| company.lose = true);
    let mine = order("muster-d7-4f0c9a1e", COMMIT);
    let run = world.wait(world.pipeline.start(&mine)).await.expect("the second try");
    assert_eq!(world.wait(world.pipeline.start(&mine)).await.expect("once more"), run);
    world.change(|company| assert_eq!(company.started, 1, "one effect"));
    assert_eq!(world.server.sent("POST").len(), 3);
}

#[tokio::test]
async fn words_become_states_and_an_unknown_one_is_told() {
    let world = World::new(false).await;
    let run = world.pipeline.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect("started");
    let table = [
        (json!("pending"), RunState::Queued, "build"),
        (json!("deploying"), RunState::Running, "build"),
        (json!(" deploying "), RunState::Running, "build"),
        (json!("held"), RunState::Waiting, "build"),
        (json!("live"), RunState::Succeeded, "build"),
        (json!(true), RunState::Succeeded, "build"),
        (json!("broken"), RunState::Failed, "build"),
        (json!("aborted"), RunState::Cancelled, "build"),
        (json!("Live"), RunState::Running, "Live"),
        (json!("rebalancing"), RunState::Running, "rebalancing"),
        (json!(42), RunState::Running, "42"),
    ];
    for (word, state, step) in table {
        world.change(|company| {
            for deploy in company.deploys.values_mut() {
                deploy["state"] = word.clone();
                deploy["step"] = json!({"name": "build", "number": 2});
                deploy["steps"] = json!(5);
            }
        });
        let progress = world.pipeline.look(&run).await.expect("its progress");
        assert_eq!((progress.state, progress.done, progress.total), (state, 2, 5), "{word}");
        assert_eq!(progress.step.expect("a step").as_str(), step, "{word}");
        assert_eq!(progress.gates.len(), usize::from(state == RunState::Waiting));
    }
    for word in [json!(null), json!({}), json!([])] {
        world.change(|company| company.deploys.values_mut().for_each(|deploy| deploy["state"] = word.clone()));
        assert!(world.pipeline.look(&run).await.expect_err("no state").is(Refused::Malformed));
    }
}

#[tokio::test]
async fn it_is_stopped_and_answered() {
    let world = World::new(false).await;
    let run = world.pipeline.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect("started");
    let gate = Gate { id: "approval".to_owned(), name: "build".into() };
    for approve in [true, false] {
        world.pipeline.decide(&run, &gate, approve, "fine \"by\" me").await.expect("answered");
        let sent = world.server.sent("POST").pop().expect("it was sent").json();
        assert_eq!(sent, json!({"yes": approve, "comment": "fine \"by\" me", "run": "17"}));
    }
    world.pipeline.cancel(&run).await.expect("stopped");
    assert!(world.pipeline.cancel(&run).await.expect_err("over").is(Refused::Conflict));
    assert_eq!(world.server.sent("DELETE").len(), 2);
}

#[tokio::test]
async fn a_log_comes_without_colours_and_secrets() {
    let world = World::new(false).await;
    let run = world.pipeline.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect("started");
    let log = world.pipeline.log(&run).await.expect("a log");
    let tail = log.tail.as_str();
    assert!(tail.starts_with("step one\n") && tail.ends_with("it broke"), "{tail}");
    assert!(!tail.contains(SECRET) && !tail.contains("abcdefabcdef"), "{tail}");
}

#[tokio::test]
async fn an_id_of_a_run_stays_a_segment() {
    let world = World::new(false).await;
    for (id, path) in
        [("a/b", "/v1/deploys/a%2Fb"), ("?x=1", "/v1/deploys/%3Fx%3D1"), ("a\r\nb", "/v1/deploys/a%0D%0Ab")]
    {
        let missing = world.pipeline.look(&Run { id: id.to_owned(), url: None }).await.expect_err(id);
        assert!(missing.is(Refused::NotFound), "{missing:?}");
        assert_eq!(world.server.seen().pop().expect("asked").path, path);
    }
    let before = world.server.seen().len();
    for id in ["", ".", ".."] {
        let refused = world.pipeline.cancel(&Run { id: id.to_owned(), url: None }).await.expect_err(id);
        assert!(refused.is(Refused::NotAllowed), "{refused:?}");
    }
    assert_eq!(world.server.seen().len(), before, "nothing was sent");
}

#[tokio::test]
async fn what_is_not_written_cant_be_done() {
    let server = Server::start(|_: &Seen| Answer::status(200)).await;
    let target = Target {
        default_reference: None,
        start: request("POST", "/hooks/{commit}", None),
        status: Status { request: request("GET", "/{run}", None), ..target(false).status },
        ..Target::default()
    };
    let pipeline = Generic::new(connection(&server.url), target, shared(&clock())).expect("a pipeline");
    let can = pipeline.capabilities();
    assert_eq!((can.cancels, can.approves, can.logs, can.idempotency), (false, false, false, Idempotency::Ask));
    let run = pipeline.start(&order("muster-d7-4f0c9a1e", COMMIT)).await.expect("started");
    assert_eq!(run.id, "muster-d7-4f0c9a1e", "the order's id is the run's");
    let before = server.seen().len();
    let gate = Gate { id: "1".to_owned(), name: "x".into() };
    assert!(pipeline.cancel(&run).await.expect_err("it can't").is(Refused::Malformed));
    assert!(pipeline.decide(&run, &gate, true, "").await.expect_err("it can't").is(Refused::Malformed));
    assert!(pipeline.log(&run).await.expect_err("it can't").is(Refused::Malformed));
    assert!(pipeline.find(&order("x", COMMIT)).await.expect_err("it can't").is(Refused::Malformed));
    assert!(pipeline.resolve(None).await.expect_err("it can't").is(Refused::Malformed));
    assert_eq!(server.seen().len(), before);
}

#[test]
fn what_is_written_wrongly_is_said_with_the_field() {
    let build = |change: &dyn Fn(&mut Target)| {
        let mut target = target(false);
        change(&mut target);
        Generic::new(connection("https://deploy.example:8443"), target, shared(&clock())).err()
    };
    assert_eq!(build(&|_| {}), None);
    type Change = Box<dyn Fn(&mut Target)>;
    let url = |url: &'static str| -> Change { Box::new(move |target| target.start.url = url.to_owned()) };
    let body = |body: Value| -> Change { Box::new(move |target| target.start.body = Some(body.clone())) };
    assert_eq!(build(&url("https://deploy.example:8443/x/{id}")), None, "an address at the origin");
    let wrong: Vec<(Change, &str)> = vec![
        (url("https://evil.example/x"), "`start.url`"),
        (url("https://deploy.example/x"), "`start.url`"),
        (url("http://deploy.example:8443/x"), "`start.url`"),
        (url("https://user@deploy.example:8443/x"), "`start.url`"),
        (url("https://deploy.example:8443@evil.example/x"), "`start.url`"),
        (url("https://deploy.example:8443.evil.example/x"), "`start.url`"),
        (url("//evil.example/x"), "`start.url`"),
        (url("/\\evil.example/x"), "`start.url`"),
        (url("{commit}"), "`start.url`"),
        (url("https://{commit}/x"), "`start.url`"),
        (url("x/y"), "`start.url`"),
        (url(""), "`start.url`"),
        (url("/a/../b"), "`start.url`"),
        (url("/a/%2e%2E/b"), "`start.url`"),
        (url("/a/./b"), "`start.url`"),
        (url("/a b"), "`start.url`"),
        (url("/a#b"), "`start.url`"),
        (url("/deploy-{commit}"), "`start.url`"),
        (url("/{commit}{id}"), "`start.url`"),
        (url("/{nope}"), "`start.url`"),
        (url("/{run}"), "`start.url`"),
        (url("/{approve}"), "`start.url`"),
        (url("/{parameters.}"), "`start.url`"),
        (url("/x?ref=v{commit}"), "`start.url`"),
        (url("/x?{commit}=1"), "`start.url`"),
        (url("/x?a={nope}"), "`start.url`"),
        (body(json!({"a": {"b": ["deploy {commit} now"]}})), "`start.body.a.b`"),
        (body(json!({"a": "{nope}"})), "`start.body.a`"),
        (body(json!({"a": "{run}"})), "`start.body.a`"),
        (body(json!({"{commit}": 1})), "`start.body`"),
        (body(json!({"a": 1})), "`{id}`"),
        (Box::new(|target| target.start.method = "GET".to_owned()), "`start.method`"),
        (Box::new(|target| target.start.method = "BREW".to_owned()), "`start.method`"),
        (Box::new(|target| target.status.request.method = "DELETE".to_owned()), "`status.method`"),
        (Box::new(|target| target.status.request.url = "/x".to_owned()), "`status` must send `{run}`"),
        (Box::new(|target| target.status.request.url = "/{run}/{id}".to_owned()), "`status.url`"),
        (Box::new(|target| target.cancel = Some(request("POST", "/stop", None))), "`cancel`"),
        (Box::new(|target| target.run_id = Some("deploy.id".to_owned())), "`run_id`"),
        (Box::new(|target| target.run_url = Some("/a~2".to_owned())), "`run_url`"),
        (Box::new(|target| target.status.state = "state".to_owned()), "`status.state`"),
        (Box::new(|target| target.find.as_mut().expect("find").order = String::new()), "`find.order`"),
        (Box::new(|target| target.find.as_mut().expect("find").list = "x".to_owned()), "`find.list`"),
        (Box::new(|target| target.status.succeeded.clear()), "`status.succeeded`"),
        (Box::new(|target| target.status.failed.clear()), "`status.failed`"),
        (Box::new(|target| target.status.queued.push("live".to_owned())), "`status.succeeded`"),
        (Box::new(|target| target.status.queued.push(" ".to_owned())), "`status.queued`"),
        (Box::new(|target| target.start.headers = vec![("a b".to_owned(), Secret::new("x"))]), "`start.headers`"),
        (Box::new(|target| target.start.headers = vec![("Host".to_owned(), Secret::new("x"))]), "`start.headers`"),
        (Box::new(|target| target.start.headers = vec![("X-A".to_owned(), Secret::new("a\nb"))]), "`start.headers`"),
    ];
    for (index, (change, field)) in wrong.iter().enumerate() {
        let words = build(change.as_ref()).unwrap_or_else(|| panic!("case {index}, {field}: taken"));
        assert!(words.contains(field), "case {index}: {words}");
        assert!(!words.contains(SECRET));
    }
    let with_path = Generic::new(connection("https://deploy.example/v1"), target(false), shared(&clock()));
    assert!(with_path.err().expect("refused").contains("`url`"));
    assert!(!format!("{:?} {:?}", connection("https://x.example"), target(false)).contains(SECRET));
}
