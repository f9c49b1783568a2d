//! PagerDuty's change events: what is sent, and what each answer means.

use std::time::Duration;

use integrations::changes::pagerduty::{ADDRESS, Connection, PagerDuty};
use integrations::changes::{Change, Failure, Kind, Outcome, Refused, Told};
use integrations::secret::Secret;
use serde_json::{Value, json};

use crate::server::{Answer, Asked, Server, Service};
use crate::{change, common, parts, passing, words};

const KEY: &str = "e93facc04764012d7bfb002500d5d1a6";

/// Takes what the documentation says and nothing else.
#[derive(Default)]
struct Strict {
    asked: Vec<Asked>,
    events: Vec<Value>,
    /// What the next call is answered with instead.
    instead: Vec<Answer>,
    /// What it is answered with after the event was taken.
    afterwards: Option<Answer>,
}

impl Service for Strict {
    fn answer(&mut self, asked: &Asked) -> Answer {
        self.asked.push(asked.clone());
        if let Some(answer) = self.instead.pop() {
            return answer;
        }
        if (asked.method.as_str(), asked.path.as_str()) != ("POST", "/v2/change/enqueue") {
            return Answer::Reply(404, Vec::new(), "Not Found".into());
        }
        let wrong = wrong(asked);
        if !wrong.is_empty() {
            let body = json!({"status": "invalid event", "message": "Event object is invalid", "errors": wrong});
            return Answer::json(400, &body);
        }
        self.events.push(asked.json().expect("JSON"));
        let taken = Answer::json(202, &json!({"status": "success", "message": "Change event processed"}));
        self.afterwards.take().unwrap_or(taken)
    }
}

/// What is wrong with an event.
fn wrong(asked: &Asked) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |is_so: bool, words: &str| {
        if !is_so {
            wrong.push(words.to_owned());
        }
    };
    check(asked.header("content-type") == Some("application/json"), "Content-Type is not application/json");
    check(asked.header("authorization").is_none(), "there are no credentials in the header");
    check(asked.query.is_empty(), "there is no query");
    check(asked.body.len() <= 512 * 1024, "the event is larger than 512 KB");
    let Some(event) = asked.json() else {
        check(false, "JSON parse error");
        return wrong;
    };
    let fields = |value: &Value| -> Vec<String> {
        value.as_object().map(|object| object.keys().cloned().collect()).unwrap_or_default()
    };
    check(
        fields(&event).iter().all(|name| matches!(name.as_str(), "routing_key" | "payload" | "links")),
        "unknown field",
    );
    let key = event["routing_key"].as_str().unwrap_or_default();
    check(key.len() == 32, "Length of 'routing_key' is incorrect (should be 32 characters)");
    check(key == KEY, "Invalid routing key");
    let payload = &event["payload"];
    let known = ["summary", "timestamp", "source", "custom_details"];
    check(fields(payload).iter().all(|name| known.contains(&name.as_str())), "unknown field in 'payload'");
    let summary = payload["summary"].as_str().unwrap_or_default();
    check(!summary.trim().is_empty(), "'payload.summary' is missing or blank");
    check(summary.chars().count() <= 1024, "'payload.summary' is too long");
    let timestamp = payload["timestamp"].as_str().unwrap_or_default();
    check(timestamp.parse::<jiff::Timestamp>().is_ok(), "'payload.timestamp' is no ISO 8601 timestamp");
    check(payload["custom_details"].is_object(), "'payload.custom_details' is no object");
    for link in event["links"].as_array().into_iter().flatten() {
        check(link["href"].as_str().is_some_and(|href| href.starts_with("http")), "a link without 'href'");
    }
    wrong
}

async fn pagerduty(clock: &integrations::clock::ManualClock) -> (Server<Strict>, Told) {
    let server = Server::start(Strict::default()).await;
    let (http, clock) = parts(clock);
    let connection = Connection { address: server.address.clone(), routing_key: Secret::new(KEY) };
    let told = Told::PagerDuty(PagerDuty::new(connection, http, clock).expect("a connection"));
    (server, told)
}

#[tokio::test]
async fn a_deploy_is_told_with_everything_about_it() {
    let (server, told) = pagerduty(&common::clock()).await;
    told.tell(&change()).await.expect("told");
    let event = server.with(|strict| strict.events[0].clone());
    assert_eq!(event["payload"]["summary"], "shop v2.4.1 is on production");
    assert_eq!(event["payload"]["timestamp"], "2026-09-21T14:16:24.5Z");
    assert_eq!(event["payload"]["source"], "shop/production");
    let details = json!({
        "id": "muster-d7-4f0c9a1e", "service": "shop", "environment": "production", "version": "v2.4.1",
        "commit": "0123456789abcdef0123456789abcdef01234567", "by": "Ann", "kind": "deploy", "outcome": "succeeded",
        "began": "2026-09-21T14:13:20.25Z", "ended": "2026-09-21T14:16:24.5Z",
    });
    assert_eq!(event["payload"]["custom_details"], details);
    assert_eq!(event["links"], json!([{"href": "https://ci.example.com/runs/12?tab=a&b=c", "text": "The deploy"}]));
}

#[tokio::test]
async fn whatever_the_words_are_the_event_is_taken() {
    let (server, told) = pagerduty(&common::clock()).await;
    let long = "ü".repeat(4000);
    let cases = [
        Change { summary: "".into(), kind: Kind::Rollback, outcome: Outcome::Cancelled, url: None, ..change() },
        Change { summary: long.as_str().into(), by: long.as_str().into(), ..change() },
        Change { summary: "two\nlines \u{202e}and more".into(), ..change() },
        Change { summary: "password=hunter2hunter2 in the reason".into(), ..change() },
        Change { url: Some("javascript:alert(1)".into()), ..change() },
        Change { url: Some("https://ann:word@ci.example.com/".into()), ..change() },
    ];
    for change in &cases {
        told.tell(change).await.expect("told");
    }
    let events = server.with(|strict| strict.events.clone());
    assert_eq!(events[0]["payload"]["summary"], "Rollback of shop to production was cancelled");
    assert!(events[0].get("links").is_none());
    assert_eq!(events[1]["payload"]["summary"].as_str().map(|summary| summary.chars().count()), Some(1024));
    assert_eq!(events[2]["payload"]["summary"], "two lines and more");
    assert!(!events[3].to_string().contains("hunter2"), "{}", events[3]);
    assert!(events[4].get("links").is_none() && events[5].get("links").is_none());
}

#[tokio::test]
async fn an_answer_that_is_lost_is_not_a_failure_and_nothing_is_sent_again() {
    let clock = common::clock();
    let odd = [
        Answer::Drop,
        Answer::Stall,
        Answer::Reply(202, Vec::new(), "<html>welcome</html>".into()),
        Answer::json(202, &json!({"status": "throttled"})),
        Answer::json(200, &json!({"status": "success"})),
        Answer::Reply(500, Vec::new(), "oops".into()),
        Answer::Reply(503, vec![("retry-after", "7".into())], String::new()),
    ];
    for answer in odd {
        let (server, told) = pagerduty(&clock).await;
        server.with(|strict| strict.afterwards = Some(answer.clone()));
        let failure = passing(&clock, || server.is_stalled(), told.tell(&change())).await.expect_err("not told");
        assert!(matches!(failure, Failure::Unknown { .. }), "{answer:?}: {failure:?}");
        assert_eq!(server.with(|strict| (strict.asked.len(), strict.events.len())), (1, 1), "{answer:?}");
        assert!(!told.is_safe_again());
    }
}

#[tokio::test]
async fn what_was_never_sent_may_be_sent_later() {
    let (http, clock) = parts(&common::clock());
    let connection = Connection { address: "http://127.0.0.1:9".into(), routing_key: Secret::new(KEY) };
    let told = Told::PagerDuty(PagerDuty::new(connection, http, clock).expect("a connection"));
    let failure = told.tell(&change()).await.expect_err("nobody there");
    assert!(matches!(failure, Failure::Transient { .. }), "{failure:?}");
}

#[tokio::test]
async fn a_limit_is_waited_for_a_minute_at_least() {
    let clock = common::clock();
    let (server, told) = pagerduty(&clock).await;
    for (header, wait) in [(None, 60), (Some("5"), 60), (Some("180"), 180)] {
        let headers = header.map(|wait| ("retry-after", wait.to_owned())).into_iter().collect();
        server.with(|strict| strict.instead = vec![Answer::Reply(429, headers, String::new())]);
        let failure = passing(&clock, || server.is_stalled(), told.tell(&change())).await.expect_err("limited");
        let Failure::Transient { retry_after, .. } = failure else { panic!("{failure:?}") };
        assert_eq!(retry_after, Some(Duration::from_secs(wait)), "{header:?}");
    }
    assert_eq!(server.with(|strict| (strict.asked.len(), strict.events.len())), (3, 0));
}

#[tokio::test]
async fn a_refusal_says_what_is_wrong_and_not_the_key() {
    let clock = common::clock();
    let (server, _) = pagerduty(&clock).await;
    let other = "0".repeat(32);
    let (http, shared) = parts(&clock);
    let connection = Connection { address: server.address.clone(), routing_key: Secret::new(&other) };
    let told = Told::PagerDuty(PagerDuty::new(connection, http, shared).expect("a connection"));
    let failure = told.tell(&change()).await.expect_err("refused");
    assert!(failure.is(Refused::Token) && failure.to_string().contains("Invalid routing key"), "{failure:?}");

    let (server, told) = pagerduty(&clock).await;
    let parrot = json!({"status": "invalid event", "message": "no", "errors": [format!("{KEY} is odd"), "x\ny"]});
    let cases = [
        (Answer::json(400, &parrot), Refused::Malformed),
        (Answer::json(400, &json!({"message": format!("no {KEY}")})), Refused::Malformed),
        (Answer::Reply(400, Vec::new(), KEY.into()), Refused::Malformed),
        (Answer::json(403, &json!({"message": format!("no {KEY}")})), Refused::Forbidden),
        (Answer::Reply(404, Vec::new(), String::new()), Refused::NotFound),
        (Answer::Reply(302, vec![("location", "http://127.0.0.1:9/".into())], String::new()), Refused::Malformed),
    ];
    for (answer, kind) in cases {
        server.with(|strict| strict.instead = vec![answer.clone()]);
        let failure = told.tell(&change()).await.expect_err("refused");
        assert!(failure.is(kind), "{answer:?}: {failure:?}");
        assert!(!words(&failure).contains(KEY) && !failure.to_string().contains('\n'), "{failure:?}");
    }
}

#[tokio::test]
async fn a_connection_that_cannot_be_right_is_refused() {
    let (http, clock) = parts(&common::clock());
    let open = |address: &str, key: &str| {
        let connection = Connection { address: address.into(), routing_key: Secret::new(key) };
        assert!(!format!("{connection:?}").contains(key), "a key is shown");
        PagerDuty::new(connection, http.clone(), clock.clone()).map(|_| ())
    };
    assert_eq!(open(ADDRESS, KEY), Ok(()));
    for (address, key, about) in [
        (ADDRESS, "too-short", "`routing_key`"),
        (ADDRESS, "e93facc04764012d7bfb002500d5d1a\u{e9}", "`routing_key`"),
        ("events.pagerduty.com", KEY, "address"),
        ("ftp://events.pagerduty.com", KEY, "https://"),
        ("https://ann:word@events.pagerduty.com", KEY, "no name"),
    ] {
        let why = open(address, key).expect_err("refused");
        assert!(why.contains(about) && !why.contains(key), "{why}");
    }
}
