//! Grafana's annotations: one for each deploy, whatever gets lost, and nothing in it is markup.

use integrations::changes::grafana::{Connection, Grafana};
use integrations::changes::{Change, Failure, Outcome, Refused, Told};
use integrations::clock::ManualClock;
use integrations::secret::Secret;
use serde_json::{Value, json};

use crate::server::{Answer, Asked, Server, Service};
use crate::{change, common, parts, passing, words};

const TOKEN: &str = "glsa_HOruNAb7SOiCdshU9algkrq7FDsNSLAa_55e2f8be";

/// Takes what the documentation says and nothing else, below `/grafana`.
#[derive(Default)]
struct Strict {
    asked: Vec<Asked>,
    annotations: Vec<Value>,
    /// What a look, and what a new annotation is answered with instead.
    look_instead: Option<Answer>,
    make_instead: Option<Answer>,
    /// What a new annotation is answered with after it was kept.
    afterwards: Option<Answer>,
}

impl Service for Strict {
    fn answer(&mut self, asked: &Asked) -> Answer {
        self.asked.push(asked.clone());
        if asked.path != "/grafana/api/annotations" {
            return Answer::json(404, &json!({"message": "Not found"}));
        }
        if asked.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
            return Answer::json(401, &json!({"message": "Invalid API key", "messageId": "api-key.invalid"}));
        }
        match asked.method.as_str() {
            "GET" => self.look_instead.clone().unwrap_or_else(|| self.find(asked)),
            "POST" => self.make_instead.clone().unwrap_or_else(|| self.make(asked)),
            _ => Answer::json(405, &json!({"message": "Method not allowed"})),
        }
    }
}

impl Strict {
    /// Tags are compared as MySQL does; the newest 100 come.
    fn find(&self, asked: &Asked) -> Answer {
        let known = ["tags", "type", "limit", "from", "to"];
        let is_known = asked.query.iter().all(|(name, _)| known.contains(&name.as_str()));
        let limit = asked.query("limit").first().map_or(Some(100), |limit| limit.parse::<usize>().ok());
        let (true, Some(limit), Some(wanted)) = (is_known, limit, asked.query("tags").first().copied()) else {
            return Answer::json(400, &json!({"message": "bad request data"}));
        };
        let has = |annotation: &&Value| {
            let tags = annotation["tags"].as_array().into_iter().flatten();
            tags.filter_map(Value::as_str).any(|tag| tag.eq_ignore_ascii_case(wanted))
        };
        Answer::json(200, &self.annotations.iter().rev().filter(has).take(limit).cloned().collect())
    }

    fn make(&mut self, asked: &Asked) -> Answer {
        let bad = |message: &str| Answer::json(400, &json!({"message": message}));
        let Some(Value::Object(new)) = asked.json() else { return bad("bad request data") };
        if asked.header("content-type") != Some("application/json") {
            return bad("bad request data");
        }
        if !new.keys().all(|name| matches!(name.as_str(), "time" | "timeEnd" | "tags" | "text")) {
            return bad("bad request data");
        }
        let millis = |name: &str| new.get(name).and_then(Value::as_i64).filter(|at| *at > 1_000_000_000_000);
        let (Some(time), Some(end)) = (millis("time"), millis("timeEnd")) else {
            return bad("Failed to save annotation");
        };
        if new.get("text").and_then(Value::as_str).unwrap_or_default().is_empty() {
            return bad("Failed to save annotation");
        }
        let Some(tags) = new.get("tags").and_then(Value::as_array).cloned() else { return bad("bad request data") };
        let Some(tags) = tags.iter().map(Value::as_str).collect::<Option<Vec<&str>>>() else {
            return bad("bad request data");
        };
        if tags.iter().map(|tag| tag.len() + 3).sum::<usize>() + 1 > 500 {
            return bad("Tags length exceeds the maximum allowed.");
        }
        // `a:b:c` becomes `a:b`, as Grafana takes pairs apart.
        let kept: Vec<String> = tags
            .iter()
            .map(|tag| tag.split(':').map(|part| part.trim_matches(' ')).take(2).collect::<Vec<_>>().join(":"))
            .collect();
        let id = self.annotations.len() + 1;
        let (time, end) = (time.min(end), time.max(end));
        let annotation = json!({"id": id, "time": time, "timeEnd": end, "tags": kept, "text": new["text"]});
        self.annotations.push(annotation);
        let made = Answer::json(200, &json!({"message": "Annotation added", "id": id}));
        self.afterwards.take().unwrap_or(made)
    }
}

async fn grafana(clock: &ManualClock) -> (Server<Strict>, Told) {
    let server = Server::start(Strict::default()).await;
    let told = connected(&server, clock, TOKEN);
    (server, told)
}

fn connected(server: &Server<Strict>, clock: &ManualClock, token: &str) -> Told {
    let (http, clock) = parts(clock);
    let connection = Connection { address: format!("{}/grafana/", server.address), token: Secret::new(token) };
    Told::Grafana(Grafana::new(connection, http, clock).expect("a connection"))
}

fn made(server: &Server<Strict>) -> usize {
    server.with(|strict| strict.asked.iter().filter(|asked| asked.method == "POST").count())
}

#[tokio::test]
async fn a_deploy_is_a_region_with_its_tags() {
    let (server, told) = grafana(&common::clock()).await;
    told.tell(&change()).await.expect("told");
    let annotation = server.with(|strict| strict.annotations[0].clone());
    assert_eq!(annotation["time"], 1_790_000_000_250_i64);
    assert_eq!(annotation["timeEnd"], 1_790_000_184_500_i64);
    let tags = ["muster", "muster-d7-4f0c9a1e", "deploy", "succeeded", "service:shop", "environment:production"];
    assert_eq!(annotation["tags"], json!(tags));
    let text = "shop v2.4.1 is on production<br>version v2.4.1<br>\
                commit 0123456789abcdef0123456789abcdef01234567<br>by Ann<br>\
                <a href=\"https://ci.example.com/runs/12?tab=a&#38;b=c\" target=\"_blank\" rel=\"noopener\">The deploy</a>";
    assert_eq!(annotation["text"], text);
}

#[tokio::test]
async fn telling_again_leaves_one_annotation() {
    let (server, told) = grafana(&common::clock()).await;
    told.tell(&change()).await.expect("told");
    told.tell(&change()).await.expect("told");
    assert_eq!(server.with(|strict| strict.annotations.len()), 1);
    assert!(told.is_safe_again());
}

#[tokio::test]
async fn a_neighbours_annotation_is_not_taken_for_ones_own() {
    let (server, told) = grafana(&common::clock()).await;
    server.with(|strict| {
        strict.annotations = vec![
            json!({"id": 1, "tags": ["MUSTER-D7-4F0C9A1E"], "text": "another"}),
            json!({"id": 2, "tags": ["muster-d7-4f0c9a1e0"], "text": "another"}),
            json!({"id": 3, "tags": null, "text": "no tags"}),
            json!({"id": 4, "text": "no tags"}),
        ];
        // A Grafana that finds too much.
        strict.look_instead = Some(Answer::json(200, &Value::Array(strict.annotations.clone())));
    });
    told.tell(&change()).await.expect("told");
    assert_eq!(server.with(|strict| strict.annotations.len()), 5);
}

#[tokio::test]
async fn an_answer_that_is_lost_is_made_up_for_by_telling_again() {
    let clock = common::clock();
    let odd = [
        Answer::Drop,
        Answer::Stall,
        Answer::Reply(200, Vec::new(), "<html>welcome</html>".into()),
        Answer::json(200, &json!({"message": "Annotation added"})),
        Answer::Reply(502, Vec::new(), "bad gateway".into()),
    ];
    for answer in odd {
        let (server, told) = grafana(&clock).await;
        server.with(|strict| strict.afterwards = Some(answer.clone()));
        let failure = passing(&clock, || server.is_stalled(), told.tell(&change())).await.expect_err("not told");
        assert!(matches!(failure, Failure::Unknown { .. }), "{answer:?}: {failure:?}");
        assert_eq!(made(&server), 1, "{answer:?}");
        told.tell(&change()).await.expect("told");
        assert_eq!((made(&server), server.with(|strict| strict.annotations.len())), (1, 1), "{answer:?}");
    }
}

#[tokio::test]
async fn nothing_is_made_as_long_as_nobody_can_look() {
    let clock = common::clock();
    let cases = [
        (Answer::Drop, 3),
        (Answer::Reply(500, Vec::new(), "oops".into()), 3),
        (Answer::Reply(200, Vec::new(), "<html>log in</html>".into()), 1),
        (Answer::json(200, &json!({"message": "odd"})), 1),
        (Answer::Reply(429, vec![("retry-after", "30".into())], String::new()), 1),
    ];
    for (answer, looks) in cases {
        let (server, told) = grafana(&clock).await;
        server.with(|strict| strict.look_instead = Some(answer.clone()));
        let failure = passing(&clock, || server.is_stalled(), told.tell(&change())).await.expect_err("not told");
        assert!(matches!(failure, Failure::Transient { .. }), "{answer:?}: {failure:?}");
        assert_eq!(server.with(|strict| strict.asked.len()), looks, "{answer:?}");
        assert_eq!(made(&server), 0, "{answer:?}");
    }
}

#[tokio::test]
async fn refusals_are_told_apart_and_hold_no_token() {
    let clock = common::clock();
    let (server, _) = grafana(&clock).await;
    let failure = connected(&server, &clock, "glsa_wrong").tell(&change()).await.expect_err("refused");
    assert!(failure.is(Refused::Token), "{failure:?}");
    assert_eq!(made(&server), 0);

    let said = json!({"message": format!("{TOKEN} needs annotations:create"), "title": "Access denied"});
    let cases = [
        (Answer::json(400, &json!({"message": "Failed to save annotation"})), Refused::Malformed),
        (Answer::json(403, &said), Refused::Forbidden),
        (Answer::json(404, &json!({"message": "Not found"})), Refused::NotFound),
        (Answer::Reply(302, vec![("location", "/login".into())], String::new()), Refused::Malformed),
    ];
    let (server, told) = grafana(&clock).await;
    for (answer, kind) in cases {
        server.with(|strict| strict.make_instead = Some(answer.clone()));
        let failure = told.tell(&change()).await.expect_err("refused");
        assert!(failure.is(kind), "{answer:?}: {failure:?}");
        assert!(!words(&failure).contains(TOKEN), "{failure:?}");
        assert_eq!(failure.to_string().contains("role Editor"), kind == Refused::Forbidden, "{failure}");
    }
    server.with(|strict| strict.make_instead = Some(Answer::Reply(429, Vec::new(), String::new())));
    let failure = told.tell(&change()).await.expect_err("limited");
    assert!(matches!(failure, Failure::Transient { retry_after: Some(_), .. }), "{failure:?}");
    assert_eq!(server.with(|strict| strict.annotations.len()), 0);
}

#[tokio::test]
async fn somebody_elses_words_are_no_markup() {
    let (server, told) = grafana(&common::clock()).await;
    let hostile = "<img src=x onerror=alert(1)> [a](javascript:b) **c** `d` &lt;e&gt; \"f' \\<g> !h # i | j ~~k~~ _l_";
    let change = Change {
        summary: hostile.into(),
        service: "a:b, c\nd".into(),
        environment: "ü".repeat(300).as_str().into(),
        version: hostile.into(),
        by: "password=hunter2hunter2".into(),
        url: Some("https://ci.example.com/\"><script>x</script>?'_*".into()),
        outcome: Outcome::Failed,
        ..change()
    };
    told.tell(&change).await.expect("told");
    let annotation = server.with(|strict| strict.annotations[0].clone());
    let text = annotation["text"].as_str().expect("a text").to_owned();
    let own = text.replace("<br>", "").replace("target=\"_blank\" rel=\"noopener\">The deploy</a>", "");
    let own = own.replace("<a href=\"https://", "");
    let own = own.replacen("\" ", "", 1);
    assert!(!own.contains(['<', '>', '"', '\'', '`', '*', '_', '[', ']', '!', '|', '~', '\\']), "{own}");
    assert!(!text.contains("hunter2") && !text.contains('\n'), "{text}");
    // Every `&` begins a reference to a character.
    assert!(text.split('&').skip(1).all(|rest| rest.starts_with('#')), "{text}");
    assert_eq!(annotation["tags"][4], "service:a-b--c-d");
    assert_eq!(annotation["tags"][5].as_str().map(str::len), Some("environment:".len() + 60));
}

#[tokio::test]
async fn an_id_that_is_no_tag_or_a_time_that_runs_backwards_does_no_harm() {
    let (server, told) = grafana(&common::clock()).await;
    for id in ["", "a:b", "a b", "A", "ü", "../x", &"a".repeat(61)] {
        let failure = told.tell(&Change { id: id.into(), ..change() }).await.expect_err("refused");
        assert!(failure.is(Refused::Malformed), "{id}: {failure:?}");
    }
    assert_eq!(server.with(|strict| strict.asked.len()), 0);
    let (began, ended) = (change().ended, change().began);
    told.tell(&Change { began, ended, url: None, ..change() }).await.expect("told");
    let annotation = server.with(|strict| strict.annotations[0].clone());
    assert_eq!(annotation["time"], annotation["timeEnd"]);
}

#[tokio::test]
async fn a_connection_that_cannot_be_right_is_refused() {
    let (http, clock) = parts(&common::clock());
    for (address, token, about) in [
        ("grafana.example.com", TOKEN, "address"),
        ("https://grafana.example.com/?orgId=1", TOKEN, "no name"),
        ("https://grafana.example.com", " ", "`token`"),
    ] {
        let connection = Connection { address: address.into(), token: Secret::new(token) };
        assert!(!format!("{connection:?}").contains(TOKEN));
        let why = Grafana::new(connection, http.clone(), clock.clone()).map(|_| ()).expect_err("refused");
        assert!(why.contains(about) && !why.contains(TOKEN), "{why}");
    }
}
