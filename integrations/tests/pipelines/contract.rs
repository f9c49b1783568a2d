//! What holds for every pipeline, whatever its kind.
//!
//! One run over each adapter, against a server that knows nothing: each status, each way of losing an answer. Which of
//! the requests may have done something is told by [`is_effect`]; what a failure must be follows from whether one was
//! sent. A new adapter is a line and some arms in [`kinds`](mod@kinds).

mod kinds;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use integrations::clock::{Clock, ManualClock};
use integrations::http::public::Public;
use integrations::http::{BODY_LIMIT, http_client};
use integrations::pipelines::{AnyPipeline, Failure, Refused, Shared};
use jiff::Timestamp;
use operations::pipeline::{Gate, Idempotency, Order, Run};
use serde_json::json;

use self::kinds::{Build, Reads, gate, kinds, operation, reads, run, shown, tells};
use crate::generic_server::{Answer, Seen, Server};

/// The secret of every connection: it must be seen nowhere.
pub(crate) const SECRET: &str = "s3cr3t-that-n0body-may-see";

/// The same as it travels as basic credentials of `bot`, without its padding.
const BASIC: &str = "Ym90OnMzY3IzdC10aGF0LW4wYm9keS1tYXktc2Vl";

/// A commit.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// An order's id.
const ID: &str = "muster-d7-4f0c9a1e";

/// What time it is, in seconds since 1970.
const NOW: i64 = 1_790_000_000;

pub(crate) fn clock() -> ManualClock {
    integrations::tls::install();
    ManualClock::new(Timestamp::from_second(NOW).expect("a time"))
}

/// What adapters are built with. Building a client takes longer than a test, so all share these; the reader of
/// addresses has a clock of its own, which stands still.
pub(crate) fn shared(clock: &ManualClock) -> Shared {
    static CLIENTS: OnceLock<(reqwest::Client, Public)> = OnceLock::new();
    let build = || (http_client().expect("a client"), Public::new(Arc::new(self::clock())).expect("a client"));
    let (http, public) = CLIENTS.get_or_init(build).clone();
    Shared { http, public, clock: Arc::new(clock.clone()) }
}

pub(crate) fn order(id: &str, commit: &str) -> Order {
    Order {
        id: id.to_owned(),
        is_rollback: false,
        service: "api".to_owned(),
        environment: "prod".to_owned(),
        reference: "main".to_owned(),
        commit: commit.to_owned(),
        parameters: [("REGION".to_owned(), "eu".to_owned())].into(),
        by: "Ann".into(),
        reason: "a fix".into(),
        back_to: None,
    }
}

/// Whether a request may have done something: all but those that ask. AWS asks by POST; its operations have names.
fn is_effect(seen: &Seen) -> bool {
    if seen.header("x-amz-target").is_some() {
        return !["Get", "List", "Batch", "Describe"].iter().any(|asks| operation(seen).starts_with(asks));
    }
    !matches!(seen.method.as_str(), "GET" | "HEAD")
}

/// What a service sees of a request that two of the same have in common. A signature holds the time.
fn sent(seen: &Seen) -> (&str, &str, &str, &str, &[u8]) {
    (&seen.method, &seen.path, &seen.query, operation(seen), &seen.body)
}

/// What is called: the pipeline, a run and a gate of its kind, and an order.
struct About {
    it: AnyPipeline,
    run: Run,
    gate: Gate,
    order: Order,
}

/// The outcome of any method, without what it brought.
type Outcome = Result<(), Failure>;

/// A method that is called.
type Method = (&'static str, fn(About) -> Pin<Box<dyn Future<Output = Outcome>>>);

/// Methods that ask.
const ASK: &[Method] = &[
    ("resolve", |a| Box::pin(async move { a.it.resolve(Some(&a.order.reference)).await.map(|_| ()) })),
    ("resolve a commit", |a| Box::pin(async move { a.it.resolve(Some(&a.order.commit)).await.map(|_| ()) })),
    ("resolve nothing", |a| Box::pin(async move { a.it.resolve(None).await.map(|_| ()) })),
    ("changes", |a| Box::pin(async move { a.it.changes(&a.order.commit, &"f".repeat(40)).await.map(|_| ()) })),
    ("checks", |a| Box::pin(async move { a.it.checks(&a.order.commit).await.map(|_| ()) })),
    ("warnings", |a| Box::pin(async move { a.it.warnings().await.map(|_| ()) })),
    ("find", |a| Box::pin(async move { a.it.find(&a.order).await.map(|_| ()) })),
    ("find a rollback", |a| Box::pin(async move { a.it.find(&back(a.order, &a.run)).await.map(|_| ()) })),
    ("look", |a| Box::pin(async move { a.it.look(&a.run).await.map(|_| ()) })),
    ("log", |a| Box::pin(async move { a.it.log(&a.run).await.map(|_| ()) })),
];

/// Methods that act.
const ACT: &[Method] = &[
    ("start", |a| Box::pin(async move { a.it.start(&a.order).await.map(|_| ()) })),
    ("roll back", |a| Box::pin(async move { a.it.start(&back(a.order, &a.run)).await.map(|_| ()) })),
    ("cancel", |a| Box::pin(async move { a.it.cancel(&a.run).await })),
    ("decide", |a| Box::pin(async move { a.it.decide(&a.run, &a.gate, true, "fine").await })),
];

const START: Method = ACT[0];
const ROLL_BACK: Method = ACT[1];

/// The order to go back to what a run deployed.
fn back(order: Order, run: &Run) -> Order {
    Order { is_rollback: true, back_to: Some(run.clone()), ..order }
}

/// Whether doing it again is the same as doing it once: a start where the service sees to it, and a cancel, which asks for
/// a state.
fn may_repeat(build: Build, method: &str) -> bool {
    let can = build("http://127.0.0.1:9", shared(&clock())).capabilities();
    match method {
        "start" => can.idempotency == Idempotency::Repeat,
        "roll back" => can.rollback_idempotency == Idempotency::Repeat,
        "cancel" => true,
        _ => false,
    }
}

/// Does something, and lets the clock go on only where nothing but the clock is waited for: between two tries, or for an
/// answer that never comes.
async fn driven<T>(clock: &ManualClock, server: &Server, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let began = std::time::Instant::now();
    loop {
        let outcome = std::future::poll_fn(|context| std::task::Poll::Ready(work.as_mut().poll(context))).await;
        if let std::task::Poll::Ready(outcome) = outcome {
            return outcome;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "waited in vain: {:?}", server.lines());
        let wake = clock.next_wake().map(|at| at.duration_since(clock.now()));
        let wake = wake.and_then(|wait| Duration::try_from(wait).ok());
        match wake {
            // A call itself may take ten seconds.
            Some(wait) if wait <= Duration::from_secs(5) => clock.advance(wait),
            Some(wait) if server.is_stalled() && !server.is_busy() => clock.advance(wait),
            Some(_) | None => {}
        }
        tokio::task::yield_now().await;
    }
}

/// One method against a server that answers everything alike (but what `reads` answers), and repeats what it was told.
async fn play(name: &str, build: Build, answer: &Answer, reads: Reads, method: Method) -> (Outcome, Vec<Seen>) {
    let clock = clock();
    let always = answer.clone();
    let server = Server::start(move |seen: &Seen| reads(seen).unwrap_or_else(|| repeating(&always, seen))).await;
    let it = build(&server.url, shared(&clock));
    let work = method.1(About { it, run: run(name), gate: gate(name), order: order(ID, COMMIT) });
    let outcome = driven(&clock, &server, work).await;
    if let Err(failure) = &outcome {
        let words = format!("{failure} {failure:?}");
        for secret in [SECRET, BASIC] {
            assert!(!words.contains(secret), "{name}, {}: {words}", method.0);
        }
        assert!(words.len() < 4_000, "{name}, {}: whole bodies", method.0);
    }
    (outcome, server.seen())
}

/// Where an answer says `HEAD`, the credentials that came stand there.
fn repeating(answer: &Answer, seen: &Seen) -> Answer {
    let Answer::Reply(status, headers, body) = answer else { return answer.clone() };
    if body.len() > BODY_LIMIT {
        return answer.clone();
    }
    let told: Vec<&str> = ["authorization", "private-token"].iter().filter_map(|name| seen.header(name)).collect();
    let body = String::from_utf8_lossy(body).replace("HEAD", &told.join(" "));
    Answer::Reply(*status, headers.clone(), body.into_bytes())
}

/// What a failure may be where the service answered so, or where its answer was lost.
fn is_right(failure: &Failure, answer: &Answer, may_be_done: bool, repeats: bool) -> bool {
    let gone = match failure {
        // What may have been done is not said to have failed, unless it may be sent again.
        Failure::Unknown { .. } => may_be_done,
        Failure::Transient { .. } => !may_be_done || repeats,
        Failure::Permanent { .. } => false,
    };
    match answer {
        Answer::Lost | Answer::Stalled => gone,
        Answer::Reply(status, headers, _) => match status {
            401 => failure.is(Refused::Token),
            403 => failure.is(Refused::Forbidden),
            // What waited for an answer is not there any more: somebody was sooner.
            404 => failure.is(Refused::NotFound) || (may_be_done && failure.is(Refused::Conflict)),
            // GitHub says so of a commit where the repository is empty.
            409 => failure.is(Refused::Conflict) || (!may_be_done && failure.is(Refused::NotFound)),
            429 => matches!(failure, Failure::Transient { retry_after: Some(wait), .. } if is_told(*wait, headers)),
            400 | 422 => matches!(failure, Failure::Permanent { .. }),
            500.. => gone,
            // An answer that can't be read: what acted may have acted; what asked is told one way or the other.
            200..=299 => match failure {
                Failure::Unknown { .. } => may_be_done,
                Failure::Transient { .. } | Failure::Permanent { .. } => !may_be_done || repeats,
            },
            // Jenkins ends what it did with one.
            300..=399 => matches!(failure, Failure::Permanent { .. }) || gone,
            _ => true,
        },
    }
}

/// Whether that is how long a limit asks to wait: in seconds, until a moment, or as its service says where it names no time.
fn is_told(wait: Duration, headers: &[(&'static str, String)]) -> bool {
    match headers.iter().find(|(name, _)| *name == "retry-after") {
        None => [1, 60].map(Duration::from_secs).contains(&wait),
        Some((_, told)) => {
            let told: u64 = told.parse().unwrap_or(45);
            wait == Duration::from_secs(told)
        }
    }
}

fn answers() -> Vec<(String, Answer)> {
    let secret = json!({"message": format!("no: {SECRET} is not it, HEAD"), "code": 7, "errors": ["HEAD"]});
    let mut answers: Vec<(String, Answer)> = [302, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504]
        .into_iter()
        .map(|status| (status.to_string(), Answer::json(status, &secret)))
        .collect();
    answers.push(("429 with Retry-After".to_owned(), Answer::json(429, &secret).with("retry-after", "77")));
    let date = Timestamp::from_second(NOW + 45).expect("a time").strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    answers.push(("429 until a moment".to_owned(), Answer::json(429, &secret).with("retry-after", &date)));
    answers.push(("503 with Retry-After".to_owned(), Answer::json(503, &secret).with("retry-after", "77")));
    answers.push(("not JSON".to_owned(), Answer::text(200, "<html>a proxy's page</html>")));
    answers.push(("a lost reply".to_owned(), Answer::Lost));
    answers.push(("a time-out".to_owned(), Answer::Stalled));
    answers
}

#[tokio::test]
async fn what_asks_fails_as_it_should() {
    for (name, build) in kinds() {
        for (what, answer) in answers() {
            for method in ASK {
                let (outcome, seen) = play(name, build, &answer, |_| None, *method).await;
                assert!(!seen.iter().any(is_effect), "{name}, {}: acted", method.0);
                let Err(failure) = outcome else { continue };
                // What it can't do, it says without asking.
                let is_right = seen.is_empty() || is_right(&failure, &answer, false, false);
                assert!(is_right, "{name}, {} at {what}: {failure:?}", method.0);
            }
        }
    }
}

#[tokio::test]
async fn what_acts_fails_as_it_should_and_is_sent_once() {
    for (name, build) in kinds() {
        for (what, answer) in answers() {
            for method in ACT {
                let repeats = may_repeat(build, method.0);
                for reads in [reads(name), |_: &Seen| None] {
                    let (outcome, seen) = play(name, build, &answer, reads, *method).await;
                    let at = format!("{name}, {} at {what}", method.0);
                    let effects: Vec<&Seen> = seen.iter().filter(|seen| is_effect(seen)).collect();
                    assert!(effects.len() <= 1 || repeats, "{at}: sent {} times", effects.len());
                    assert!(effects.windows(2).all(|pair| sent(pair[0]) == sent(pair[1])), "{at}: sent otherwise");
                    let Err(failure) = outcome else { continue };
                    let is_right = seen.is_empty() || is_right(&failure, &answer, !effects.is_empty(), repeats);
                    // What it asked first may have told it that there is nothing to be done.
                    let is_told = effects.is_empty() && matches!(failure, Failure::Permanent { .. });
                    assert!(is_right || is_told, "{at}: {failure:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_asked_for_once_and_no_refusal_of_what_was_done() {
    let long = Answer::text(200, &"x".repeat(BODY_LIMIT + 1));
    for (name, build) in kinds() {
        for method in ASK.iter().filter(|method| matches!(method.0, "find" | "look")) {
            let (outcome, seen) = play(name, build, &long, |_| None, *method).await;
            let failure = outcome.expect_err("nothing was read");
            // What finds nothing asks nothing.
            assert!(seen.is_empty() || failure.is(Refused::TooLong), "{name}, {}: {failure:?}", method.0);
            assert!(seen.len() <= 1, "{name}, {}: asked {} times", method.0, seen.len());
        }
        for method in [START, ROLL_BACK] {
            let (outcome, seen) = play(name, build, &long, reads(name), method).await;
            assert!(seen.iter().filter(|seen| is_effect(seen)).count() == 1, "{name}, {}", method.0);
            assert!(matches!(outcome, Err(Failure::Unknown { .. }) | Ok(())), "{name}, {}: {outcome:?}", method.0);
        }
    }
}

#[test]
fn no_connection_shows_its_secret() {
    for shown in shown() {
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

#[tokio::test]
async fn a_start_comes_to_its_effect_and_carries_the_order() {
    for (name, build) in kinds() {
        for method in [START, ROLL_BACK] {
            let (outcome, seen) = play(name, build, &Answer::Lost, reads(name), method).await;
            let effects: Vec<&Seen> = seen.iter().filter(|seen| is_effect(seen)).collect();
            let at = format!("{name}, {}", method.0);
            assert!(!effects.is_empty(), "{at}: nothing was sent, so nothing is tested: {outcome:?}");
            // What carries no id can't be looked for.
            let can = build("http://127.0.0.1:9", shared(&clock())).capabilities();
            let idempotency = if method.0 == "start" { can.idempotency } else { can.rollback_idempotency };
            for effect in effects {
                let body = String::from_utf8_lossy(&effect.body);
                let said = format!("{} {} {:?} {body}", effect.path, effect.query, effect.headers);
                assert!(said.contains(ID) || idempotency == Idempotency::Ask, "{at}: {said}");
                assert!(
                    !effect.path.contains(SECRET) && !effect.query.contains(SECRET),
                    "{at}: a secret in an address"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_same_order_twice_is_one_start_where_it_is_said_to_be() {
    for (name, build) in kinds() {
        let clock = clock();
        let always = reads(name);
        let server = Server::start(move |seen: &Seen| always(seen).unwrap_or(Answer::Lost)).await;
        let pipeline = build(&server.url, shared(&clock));
        if pipeline.capabilities().idempotency != Idempotency::Repeat {
            continue;
        }
        for _ in 0..2 {
            let failed = driven(&clock, &server, pipeline.start(&order(ID, COMMIT))).await;
            assert!(matches!(failed, Err(Failure::Transient { .. })), "{name}: {failed:?}");
        }
        // What makes it one for the service is that it is the same, byte for byte.
        let seen = server.seen();
        let effects: Vec<&Seen> = seen.iter().filter(|seen| is_effect(seen)).collect();
        let same = effects.windows(2).all(|pair| sent(pair[0]) == sent(pair[1]));
        assert!(effects.len() >= 2 && same, "{name}: {effects:?}");
    }
}

#[tokio::test]
async fn what_was_started_is_found_though_the_answer_was_lost() {
    for (name, build) in kinds() {
        let can = build("http://127.0.0.1:9", shared(&clock())).capabilities();
        if can.idempotency != Idempotency::Find {
            continue;
        }
        let (clock, asked, told) = (clock(), reads(name), tells(name));
        let mut effect: Option<Seen> = None;
        let server = Server::start(move |seen: &Seen| {
            if is_effect(seen) {
                effect = Some(seen.clone());
                return Answer::Lost;
            }
            told(effect.as_ref(), seen).or_else(|| asked(seen)).unwrap_or_else(|| Answer::status(404))
        })
        .await;
        let pipeline = build(&server.url, shared(&clock));
        let find = async |id: &str| {
            let order = order(id, COMMIT);
            driven(&clock, &server, pipeline.find(&order)).await.unwrap_or_else(|failure| panic!("{name}: {failure}"))
        };
        assert_eq!(find(ID).await, None, "{name}: what was not started is not found");
        let lost = driven(&clock, &server, pipeline.start(&order(ID, COMMIT))).await;
        assert!(matches!(lost, Err(Failure::Unknown { .. })), "{name}: {lost:?}");
        let found = find(ID).await.unwrap_or_else(|| panic!("{name}: it is not found"));
        assert_eq!(find(ID).await.as_ref(), Some(&found), "{name}: the same each time");
        // Neither the beginning of an id nor one that begins so is that id.
        for other in [&ID[..ID.len() - 1], "muster-d7-4f0c9a1e0", "muster-d7"] {
            assert_eq!(find(other).await, None, "{name}: {other}");
        }
        assert_eq!(server.seen().iter().filter(|seen| is_effect(seen)).count(), 1, "{name}: looking is no start");
    }
}

#[tokio::test]
async fn nothing_is_looked_for_where_nobody_can() {
    for (name, build) in kinds() {
        let server = Server::start(|_: &Seen| Answer::status(404)).await;
        let clock = clock();
        let pipeline = build(&server.url, shared(&clock));
        let started = order(ID, COMMIT);
        for order in [started.clone(), back(started, &run(name))] {
            if pipeline.capabilities().idempotency_of(&order) == Idempotency::Ask {
                let refused = driven(&clock, &server, pipeline.find(&order)).await;
                assert!(refused.is_err_and(|failure| failure.is(Refused::Malformed)), "{name}");
                assert_eq!(server.connections(), 0, "{name}");
            }
        }
    }
}

#[tokio::test]
async fn ids_from_outside_lead_nowhere_else() {
    for (name, build) in kinds() {
        for hostile in ["../../admin", "..", "x?y=1", "x#y", "a\nb: c", "//evil.example/x", "https://evil.example/", ""]
        {
            for method in ASK.iter().chain(ACT) {
                let clock = clock();
                let server = Server::start(|_: &Seen| Answer::status(404)).await;
                let it = build(&server.url, shared(&clock));
                let mut order = order(ID, hostile);
                order.reference = hostile.to_owned();
                let run = Run { id: hostile.to_owned(), url: None };
                let gate = Gate { id: hostile.to_owned(), name: "production".into() };
                let _ = driven(&clock, &server, method.1(About { it, run, gate, order })).await;
                for seen in server.seen() {
                    let decoded = percent_encoding::percent_decode_str(&seen.path).decode_utf8_lossy().into_owned();
                    let parts: Vec<&str> = seen.path.split('/').collect();
                    assert!(!parts.contains(&"..") && !seen.path.contains('#'), "{name}, {}: {}", method.0, seen.path);
                    assert!(!seen.headers.contains_key("b"), "{name}, {}: a header of its own", method.0);
                    assert!(seen.asked("y").is_none(), "{name}, {}: {decoded}?{}", method.0, seen.query);
                }
            }
        }
    }
}
