//! The one client: what each answer means, where calls can lead, what an error may hold.

#[path = "../../../tests/pipelines/generic_server.rs"]
mod generic_server;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::header::LINK;
use serde_json::{Value, json};

use self::generic_server::{Answer, Seen, Server, passing};
use super::*;
use crate::clock::{Clock, ManualClock};
use crate::http::{BODY_LIMIT, http_client};

const TOKEN: &str = "tok-3v3ry0ne-must-n0t-see";
const NOW: i64 = 1_790_000_000;

fn clock() -> ManualClock {
    crate::tls::install();
    ManualClock::new(Timestamp::from_second(NOW).expect("a time"))
}

fn api(base: &str, auth: Auth, clock: &ManualClock) -> Api {
    // Building a client takes longer than a test.
    static CLIENT: std::sync::OnceLock<reqwest::Client> = std::sync::OnceLock::new();
    let http = CLIENT.get_or_init(|| http_client().expect("a client")).clone();
    Api::new("Acme", base, auth, http, Arc::new(clock.clone())).expect("an address")
}

/// A server that always answers this, what calls it, and the clock.
async fn always(answer: Answer) -> (Server, Api, ManualClock) {
    let server = Server::start(move |_: &Seen| answer.clone()).await;
    let clock = clock();
    let api = api(&format!("{}/base/", server.url), Auth::Bearer(Secret::new(TOKEN)), &clock);
    (server, api, clock)
}

async fn outcome(server: &Server, clock: &ManualClock, call: Call<'_>) -> Called<Reply> {
    passing(|by| clock.advance(by), server, call.send()).await
}

fn kind(outcome: &Called<Reply>) -> &'static str {
    match outcome {
        Ok(_) => "done",
        Err(Failure::Transient { .. }) => "transient",
        Err(Failure::Unknown { .. }) => "unknown",
        Err(Failure::Permanent { kind, .. }) => match kind {
            Refused::Token => "token",
            Refused::Forbidden => "forbidden",
            Refused::NotFound => "not found",
            Refused::Conflict => "conflict",
            Refused::Malformed => "malformed",
            Refused::NotAllowed => "not allowed",
            Refused::TooLong => "too long",
        },
    }
}

#[tokio::test]
async fn every_status_means_one_thing() {
    // Status; what it means for what does no harm twice; what it means for the rest.
    let table: &[(u16, &str, &str)] = &[
        (200, "done", "done"),
        (201, "done", "done"),
        (202, "done", "done"),
        (204, "done", "done"),
        (300, "malformed", "malformed"),
        (301, "malformed", "malformed"),
        (302, "malformed", "malformed"),
        (303, "malformed", "malformed"),
        (304, "malformed", "malformed"),
        (307, "malformed", "malformed"),
        (308, "malformed", "malformed"),
        (400, "malformed", "malformed"),
        (401, "token", "token"),
        (402, "malformed", "malformed"),
        (403, "forbidden", "forbidden"),
        (404, "not found", "not found"),
        (405, "malformed", "malformed"),
        (406, "malformed", "malformed"),
        (408, "transient", "unknown"),
        (409, "conflict", "conflict"),
        (410, "not found", "not found"),
        (412, "conflict", "conflict"),
        (413, "malformed", "malformed"),
        (415, "malformed", "malformed"),
        (422, "malformed", "malformed"),
        (429, "transient", "transient"),
        (500, "transient", "unknown"),
        (501, "transient", "unknown"),
        (502, "transient", "unknown"),
        (503, "transient", "unknown"),
        (504, "transient", "unknown"),
        (599, "transient", "unknown"),
    ];
    for (status, harmless, other) in table {
        let (server, api, clock) = always(Answer::status(*status)).await;
        let tries = if matches!(status, 408 | 429 | 500..) { 3 } else { 1 };
        assert_eq!(kind(&outcome(&server, &clock, api.get(&["x"])).await), *harmless, "GET {status}");
        assert_eq!(server.seen().len(), tries, "GET {status}");
        assert_eq!(kind(&outcome(&server, &clock, api.post(&["x"])).await), *other, "POST {status}");
        assert_eq!(server.seen().len(), tries + 1, "POST {status}: sent once");
        assert_eq!(kind(&outcome(&server, &clock, api.post(&["x"]).harmless()).await), *harmless, "harmless {status}");
        assert_eq!(server.seen().len(), tries + 1 + tries, "harmless {status}");
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            let before = server.seen().len();
            assert_eq!(kind(&outcome(&server, &clock, api.call(method.clone(), &["x"])).await), *other);
            assert_eq!(server.seen().len(), before + 1, "{method} {status}: sent once");
        }
    }
}

#[tokio::test]
async fn a_limit_says_how_long_to_wait() {
    let until = |seconds: i64| (NOW + seconds).to_string();
    let table: &[(&[(&'static str, String)], f64)] = &[
        (&[("retry-after", "30".to_owned())], 30.0),
        (&[("retry-after", "3.5".to_owned())], 3.5),
        (&[("retry-after", "0".to_owned())], 1.0),
        (&[("retry-after", "-7".to_owned())], 1.0),
        (&[("retry-after", "soon".to_owned())], 1.0),
        (&[("retry-after", "1e9".to_owned())], 3600.0),
        (&[("retry-after", "inf".to_owned())], 1.0),
        (&[("retry-after", http_date(45))], 45.0),
        (&[("retry-after", http_date(-45))], 1.0),
        (&[("retry-after", http_date(1_000_000))], 3600.0),
        (&[("x-ratelimit-reset", until(90))], 90.0),
        (&[("x-ratelimit-reset", until(-90))], 1.0),
        (&[("x-ratelimit-reset", until(1_000_000))], 3600.0),
        (&[("x-ratelimit-reset", "25".to_owned())], 25.0),
        (&[("x-ratelimit-reset", "NaN".to_owned())], 1.0),
        (&[("x-ratelimit-reset", "whenever".to_owned())], 1.0),
        (&[("ratelimit-reset", until(40))], 40.0),
        // A limit that has calls left was not what was met.
        (&[("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", until(90))], 90.0),
        (&[("x-ratelimit-remaining", "4000".to_owned()), ("x-ratelimit-reset", until(90))], 1.0),
        (&[("ratelimit-remaining", "3".to_owned()), ("ratelimit-reset", until(90))], 1.0),
        (&[("ratelimit-reset", "12".to_owned())], 12.0),
        (&[("retry-after", "5".to_owned()), ("x-ratelimit-reset", until(500))], 5.0),
        (&[], 1.0),
    ];
    let wait = async |api: &Api| match api.post(&["x"]).send().await {
        Err(Failure::Transient { retry_after: Some(wait), .. }) => wait,
        other => panic!("no limit: {other:?}"),
    };
    for (headers, seconds) in table {
        let answer = headers.iter().fold(Answer::status(429), |answer, (name, value)| answer.with(name, value));
        let (_server, api, _clock) = always(answer).await;
        assert_eq!(wait(&api).await, Duration::from_secs_f64(*seconds), "{headers:?}");
        // What a service waits as a rule takes the place of the second where no time is named, and only there.
        let names_a_time = |name: &str, value: &str| match name {
            "retry-after" => value.ends_with("GMT") || value.parse::<f64>().is_ok_and(f64::is_finite),
            _ => name.ends_with("reset"),
        };
        let names_none = !headers.iter().any(|(name, value)| names_a_time(name, value));
        if names_none {
            assert_eq!(
                wait(&api.with_usual_wait(Duration::from_secs(60))).await,
                Duration::from_secs(60),
                "{headers:?}"
            );
        }
    }
}

/// So many seconds from now, as HTTP writes it.
fn http_date(seconds: i64) -> String {
    let at = Timestamp::from_second(NOW + seconds).expect("a time");
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[tokio::test]
async fn a_403_that_is_a_limit_is_one() {
    let limits = [
        Answer::status(403).with("retry-after", "60"),
        Answer::status(403).with("x-ratelimit-remaining", "0").with("x-ratelimit-reset", &(NOW + 60).to_string()),
    ];
    for limit in limits {
        let (server, api, _clock) = always(limit).await;
        for call in [api.get(&["x"]), api.post(&["x"])] {
            let failed = call.send().await.expect_err("a limit");
            let Failure::Transient { retry_after, .. } = failed else { panic!("{failed:?}") };
            assert_eq!(retry_after, Some(Duration::from_secs(60)));
        }
        assert_eq!(server.seen().len(), 2, "a long wait is the caller's");
    }
    let (_server, api, _clock) = always(Answer::status(403).with("x-ratelimit-remaining", "12")).await;
    assert!(api.get(&["x"]).send().await.expect_err("refused").is(Refused::Forbidden));
}

#[tokio::test]
async fn a_503_with_retry_after_is_obeyed_where_it_does_no_harm() {
    let (server, api, _clock) = always(Answer::status(503).with("retry-after", "120")).await;
    let failed = api.get(&["x"]).send().await.expect_err("not available");
    assert!(
        matches!(failed, Failure::Transient { retry_after: Some(wait), .. } if wait == Duration::from_secs(120)),
        "{failed:?}"
    );
    assert_eq!(server.seen().len(), 1, "not tried before its time");
    assert!(matches!(api.post(&["x"]).send().await, Err(Failure::Unknown { .. })), "it may have been done");
}

#[tokio::test]
async fn what_goes_away_by_itself_is_tried_again() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let server = Server::start(move |_: &Seen| match counted.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::Lost,
        1 => Answer::status(502),
        _ => Answer::json(200, &json!({"ok": true})),
    })
    .await;
    let clock = clock();
    let api = api(&server.url, Auth::None, &clock);
    let reply = outcome(&server, &clock, api.get(&["x"])).await.expect("the third time");
    assert_eq!(reply.json::<Value>().expect("JSON"), json!({"ok": true}));
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_lost_reply_is_unknown_unless_twice_is_once() {
    let (server, api, clock) = always(Answer::Lost).await;
    assert_eq!(kind(&outcome(&server, &clock, api.post(&["x"])).await), "unknown");
    assert_eq!(server.seen().len(), 1, "sent once");
    assert_eq!(kind(&outcome(&server, &clock, api.get(&["x"])).await), "transient");
    assert_eq!(kind(&outcome(&server, &clock, api.post(&["x"]).harmless()).await), "transient");
    assert_eq!(server.seen().len(), 7);
}

#[tokio::test]
async fn what_takes_too_long_is_given_up() {
    let (server, api, clock) = always(Answer::Stalled).await;
    let began = clock.now();
    assert_eq!(kind(&outcome(&server, &clock, api.post(&["x"])).await), "unknown");
    assert!(clock.now().duration_since(began).as_secs() >= 10);
    assert_eq!(kind(&outcome(&server, &clock, api.get(&["x"])).await), "transient");
}

#[tokio::test]
async fn no_connection_means_that_nothing_was_done() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let clock = clock();
    let failed = api(&base, Auth::None, &clock).post(&["x"]).send().await;
    assert_eq!(kind(&failed), "transient", "{failed:?}");
}

#[tokio::test]
async fn an_answer_over_the_cap_is_not_taken() {
    let (server, api, clock) = always(Answer::text(200, &"x".repeat(BODY_LIMIT + 1))).await;
    assert_eq!(kind(&outcome(&server, &clock, api.post(&["x"])).await), "unknown");
    assert_eq!(kind(&outcome(&server, &clock, api.post(&["x"]).harmless()).await), "unknown", "it may have been done");
    assert_eq!(kind(&outcome(&server, &clock, api.get(&["x"])).await), "too long");
    assert_eq!(kind(&outcome(&server, &clock, api.post(&["x"]).does(Does::Ask)).await), "too long");
    assert_eq!(server.seen().len(), 4, "each once: it would be as long the next time");
    let (_server, api, _clock) = always(Answer::text(200, &"x".repeat(BODY_LIMIT))).await;
    assert_eq!(api.get(&["x"]).send().await.expect("as long as it may be").body.len(), BODY_LIMIT);
}

#[tokio::test]
async fn an_answer_that_cant_be_read_may_have_been_an_effect() {
    for body in ["", "<html>proxy</html>", "{\"id\":", "[]", "\"\u{0}\""] {
        let (_server, api, _clock) = always(Answer::text(200, body)).await;
        let reply = api.post(&["x"]).send().await.expect("2xx");
        assert!(
            matches!(reply.json::<std::collections::BTreeMap<String, u8>>(), Err(Failure::Unknown { .. })),
            "{body}"
        );
        let reply = api.get(&["x"]).send().await.expect("2xx");
        let failed = reply.json::<std::collections::BTreeMap<String, u8>>();
        assert!(matches!(failed, Err(Failure::Transient { .. })), "{body}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(|_: &Seen| Answer::status(200)).await;
    for status in [301, 302, 303, 307, 308] {
        let (server, api, _clock) = always(Answer::status(status).with("location", &elsewhere.url)).await;
        for call in [api.get(&["x"]), api.post(&["x"]), api.post(&["x"]).harmless()] {
            assert!(call.send().await.expect_err("a redirect").is(Refused::Malformed), "{status}");
        }
        assert_eq!(server.seen().len(), 3);
    }
    assert_eq!(elsewhere.connections(), 0, "the token did not travel");
}

#[tokio::test]
async fn a_segment_stays_a_segment() {
    let (server, api, _clock) = always(Answer::status(200)).await;
    let hostile = [
        "../admin",
        "..%2fadmin",
        "%2e%2e",
        "a/b",
        "a\\b",
        "?x=1",
        "#top",
        "a b",
        "a\r\nX-Evil: 1",
        "a\u{0}b",
        ";jsessionid=1",
        "@evil.example",
        ":8080",
        "//evil.example",
        "https://evil.example/",
        "\u{202e}txt",
        "ü",
        "a%00",
        "...",
        ".hidden",
        "*",
        "'\"<>",
    ];
    for segment in hostile {
        api.get(&["repos", segment, "runs"]).send().await.expect("an answer");
        let seen = server.seen().pop().expect("it was asked");
        let parts: Vec<&str> = seen.path.split('/').collect();
        assert_eq!(
            (parts.len(), parts[1], parts[2], parts[4]),
            (5, "base", "repos", "runs"),
            "{segment:?}: {}",
            seen.path
        );
        let decoded = percent_encoding::percent_decode_str(parts[3]).decode_utf8().expect("UTF-8");
        assert_eq!(decoded, segment, "{}", seen.path);
        assert_eq!(seen.query, "", "{segment:?}");
        assert!(!seen.headers.contains_key("x-evil"));
    }
    let before = server.seen().len();
    for segment in ["", ".", ".."] {
        assert!(api.get(&["repos", segment]).send().await.expect_err(segment).is(Refused::NotAllowed), "{segment:?}");
    }
    assert_eq!(server.seen().len(), before, "nothing was sent");
}

#[tokio::test]
async fn a_querys_value_stays_a_value() {
    let (server, api, _clock) = always(Answer::status(200)).await;
    for value in ["a&b=c", "a=b", "a#b", "a\r\nb", "a+b", "%26", "ü", "", "a b"] {
        api.get(&["x"]).query(&[("ref", value), ("page", "1")]).send().await.expect("an answer");
        let seen = server.seen().pop().expect("it was asked");
        assert_eq!(seen.asked("ref").as_deref(), Some(value));
        assert_eq!(seen.query.matches('&').count(), 1, "{}", seen.query);
    }
}

#[tokio::test]
async fn pages_are_followed_within_the_origin_alone() {
    let elsewhere = Server::start(|_: &Seen| Answer::status(200)).await;
    let server = Server::start(|seen: &Seen| match seen.asked("page").as_deref() {
        None => Answer::json(200, &json!([1])).with("link", "</x?page=1>; rel=\"prev\", </x?page=2>; rel=\"next\""),
        Some("2") => Answer::json(200, &json!([2])),
        Some(_) => Answer::status(404),
    })
    .await;
    let clock = clock();
    let api = api(&server.url, Auth::Bearer(Secret::new(TOKEN)), &clock);
    let first = api.get(&["x"]).send().await.expect("a page");
    let next = first.next_page().expect("a next page");
    let second = api.told(Method::GET, &next).send().await.expect("a page");
    assert_eq!(second.json::<Vec<u8>>().expect("JSON"), [2]);
    assert_eq!(second.next_page(), None);
    let (host, port) = ("127.0.0.1", server.port());
    let foreign = [
        elsewhere.url.clone(),
        format!("http://user@{host}:{port}/x"),
        format!("http://{TOKEN}:x@{host}:{port}/x"),
        format!("https://{host}:{port}/x"),
        format!("http://localhost:{port}/x"),
        format!("//{host}:{}/x", elsewhere.port()),
        format!("http://{host}:{port}@{host}:{}/x", elsewhere.port()),
        format!("http://{host}/x"),
        "http://[::1]/x".to_owned(),
        "ftp://example.com/x".to_owned(),
        "file:///etc/passwd".to_owned(),
        "http://[".to_owned(),
    ];
    let before = server.seen().len();
    for address in foreign {
        let refused = api.told(Method::GET, &address).send().await.expect_err(&address);
        assert!(refused.is(Refused::NotAllowed), "{address}: {refused:?}");
    }
    assert_eq!((server.seen().len(), elsewhere.connections()), (before, 0), "nothing was sent anywhere");
}

#[test]
fn a_next_page_is_read_from_the_link_header_alone() {
    let reply = |link: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(LINK, link.parse().expect("a header"));
        let (body, secrets, now) = (Bytes::new(), Vec::new(), Timestamp::UNIX_EPOCH);
        Reply { service: "Acme", status: 200, headers, body, harmless: true, secrets, now, usual_wait: USUAL_WAIT }
    };
    assert_eq!(reply("<https://a/2>; rel=\"next\"").next_page().as_deref(), Some("https://a/2"));
    assert_eq!(reply("<https://a/2>; rel=next").next_page().as_deref(), Some("https://a/2"));
    assert_eq!(
        reply("<https://a/9>; rel=\"last\", <https://a/2>; title=\"x\"; rel=\"next\"").next_page().as_deref(),
        Some("https://a/2")
    );
    for none in ["<https://a/2>; rel=\"prev\"", "https://a/2; rel=\"next\"", "<https://a/2", "", "<https://a/2>"] {
        assert_eq!(reply(none).next_page(), None, "{none}");
    }
}

#[tokio::test]
async fn no_error_holds_a_secret() {
    let other = "an0ther-secret-in-the-body";
    let basic = base64::encode(format!("ann:{TOKEN}").as_bytes());
    let basic = basic.trim_end_matches('=').to_owned();
    let echo = format!("token {TOKEN} and {other}, sent as Authorization: Bearer {TOKEN} or {basic}==, bare");
    let auths = [
        Auth::Bearer(Secret::new(TOKEN)),
        Auth::Basic("ann".to_owned(), Secret::new(TOKEN)),
        Auth::Header(HeaderName::from_static("private-token"), Secret::new(TOKEN)),
    ];
    for auth in auths {
        assert!(!format!("{auth:?}").contains(TOKEN), "{auth:?}");
        for status in [302, 400, 401, 403, 404, 409, 422, 429, 500, 503] {
            let bodies = [
                json!({"message": echo}),
                json!({"error": echo}),
                json!({"error": {"message": echo}}),
                json!({"errors": [echo]}),
                json!({"errors": [{"message": echo}]}),
                json!({"error_description": echo}),
                json!({"Message": echo}),
                json!({"errors": [{"detail": echo}, {"title": echo}]}),
                json!({"message": {"field": [echo, echo], "other": echo}}),
                json!({"message": "no", "errors": {"field": echo}}),
            ];
            for body in bodies {
                let answer = Answer::json(status, &body).with("location", &format!("http://{TOKEN}@x/"));
                let server = Server::start(move |_: &Seen| answer.clone()).await;
                let clock = clock();
                let api = api(&server.url, auth.clone(), &clock);
                let failed = api.post(&["x"]).secret(Secret::new(other)).send().await.expect_err("refused");
                for words in [failed.to_string(), format!("{failed:?}")] {
                    for secret in [TOKEN, other, &basic] {
                        assert!(!words.contains(secret), "{status} {body}: {words}");
                    }
                }
                assert!(failed.to_string().len() < 600, "no whole bodies");
            }
        }
    }
}

#[tokio::test]
async fn a_failure_to_connect_or_to_read_holds_no_address_and_no_secret() {
    for answer in [Answer::Lost, Answer::text(200, "not JSON: tok-3v3ry0ne-must-n0t-see")] {
        let (_server, api, _clock) = always(answer).await;
        let called = api.post(&["s3cret-path"]).query(&[("key", TOKEN)]).send().await;
        let failed = called.and_then(|reply| reply.json::<u8>().map(|_| ())).expect_err("it went wrong");
        let words = format!("{failed} {failed:?}");
        assert!(!words.contains(TOKEN) && !words.contains("s3cret-path") && !words.contains("127.0.0.1"), "{words}");
    }
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_not_sent() {
    for auth in
        [Auth::Bearer(Secret::new("a\r\nb")), Auth::Header(HeaderName::from_static("x-token"), Secret::new("a\nb"))]
    {
        let server = Server::start(|_: &Seen| Answer::status(200)).await;
        let clock = clock();
        let failed = api(&server.url, auth, &clock).get(&["x"]).send().await.expect_err("unusable");
        assert!(failed.is(Refused::Token), "{failed:?}");
        assert_eq!(server.connections(), 0);
    }
}

#[test]
fn addresses_of_operators_are_checked() {
    let clock = clock();
    let http = http_client().expect("a client");
    for address in [
        "",
        "example.com",
        "ftp://example.com",
        "https://user@example.com",
        "https://u:p@example.com",
        "https://example.com/?a=b",
        "https://example.com/#x",
        "https://",
        "file:///etc",
    ] {
        let refused = Api::new("Acme", address, Auth::None, http.clone(), Arc::new(clock.clone()));
        let words = refused.err().expect(address);
        assert!(words.contains("Acme") && !words.contains("u:p"), "{words}");
    }
    let api = Api::new("Acme", "https://example.com/api/v3//", Auth::None, http, Arc::new(clock)).expect("fine");
    assert_eq!(api.get(&["x"]).url().as_str(), "https://example.com/api/v3/x");
}

#[test]
fn what_a_service_says_is_told_wherever_it_says_it() {
    let said = |body: &Value| {
        let body = Bytes::from(body.to_string());
        let (headers, secrets, now) = (HeaderMap::new(), Vec::new(), Timestamp::UNIX_EPOCH);
        let reply =
            Reply { service: "Acme", status: 422, headers, body, harmless: true, secrets, now, usual_wait: USUAL_WAIT };
        reply.said()
    };
    let cases = [
        (json!({"message": "Not  Found\n"}), ": Not Found"),
        (json!({"Message": "Not Found"}), ": Not Found"),
        (json!({"error": "invalid_token", "error_description": "Token was revoked"}), ": Token was revoked"),
        (json!({"error": "insufficient_scope"}), ": insufficient_scope"),
        (json!({"error": {"code": 7, "message": "no"}}), ": no"),
        (json!({"detail": "no"}), ": no"),
        // GitHub: the message names the kind, the errors what is wrong.
        (
            json!({"message": "Validation Failed", "errors": [{"code": "custom", "message": "No ref found"}, "and more"]}),
            ": Validation Failed; No ref found; and more",
        ),
        (json!({"errors": ["one", "two", "three", "four"]}), ": one; two; three"),
        (json!({"errors": [{"detail": "a"}, {"title": "b"}, {"code": 3}]}), ": a; b"),
        (json!({"message": "same", "errors": ["same"]}), ": same"),
        // GitLab, and Buildbot below `error`.
        (
            json!({"message": {"base": ["Reference not found"], "ref": ["is missing", "is bad"]}}),
            ": Reference not found; ref: is missing, is bad",
        ),
        (json!({"error": {"message": {"size": "'huge' is none"}}}), ": size: 'huge' is none"),
        (json!({"errors": {"name": ["is taken"]}}), ": name: is taken"),
        (json!({"message": null, "error": {}, "errors": []}), ""),
        (json!({"message": 7}), ""),
        (json!(["message"]), ""),
    ];
    for (body, words) in cases {
        assert_eq!(said(&body), words, "{body}");
    }
    assert_eq!(said(&json!({"message": "x".repeat(5_000)})).chars().count(), SAID_AT_MOST);
    assert_eq!(said(&json!({"errors": vec!["y".repeat(500); 9]})).chars().count(), SAID_AT_MOST);
}

/// With the colon and the blank in front.
const SAID_AT_MOST: usize = 202;
