//! The page's files, and the buttons that it shows on behalf of its host.

use serde_json::json;

use crate::bench::Bench;

#[tokio::test]
async fn the_page_is_served_as_what_it_is_and_runs_nothing_else() {
    let bench = Bench::start().await;
    for (path, kind, holds) in [
        ("/", "text/html; charset=utf-8", "<!doctype html>"),
        ("/style.css", "text/css; charset=utf-8", "{"),
        ("/app.js", "text/javascript; charset=utf-8", "'use strict'"),
        ("/render.js", "text/javascript; charset=utf-8", "'use strict'"),
        ("/ci.js", "text/javascript; charset=utf-8", "'use strict'"),
    ] {
        let file = bench.get(path).await;
        assert_eq!((file.status, file.header("content-type")), (200, kind), "{path}");
        assert!(file.text.contains(holds), "{path}");
        assert_guarded(&file.headers, path);
    }
    let icon = bench.get("/favicon.ico").await;
    assert_eq!((icon.status, icon.text.as_str()), (204, ""));
    let index = bench.get("/").await.text;
    assert!(!index.contains("<script>") && !index.contains("style=") && !index.contains("onclick="), "no inline code");
    assert!(!index.contains("http://") && !index.contains("https://"), "nothing from elsewhere");
    for path in ["/slack/view", "/discord/transcript", "/ci/view", "/buttons", "/nothing"] {
        assert_guarded(&bench.get(path).await.headers, path);
    }
}

fn assert_guarded(headers: &reqwest::header::HeaderMap, path: &str) {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("none").to_owned();
    let policy = header("content-security-policy");
    for part in ["default-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"] {
        assert!(policy.contains(part), "{path}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{path}: {policy}");
    assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
    assert_eq!(header("cache-control"), "no-store", "{path}");
}

#[tokio::test]
async fn a_button_is_passed_to_its_host_and_no_other() {
    let mut bench = Bench::start().await;
    let buttons = bench.get("/buttons").await.done();
    assert_eq!(buttons, json!([{ "name": "fire", "label": "Fire an alert", "hint": "curl …" }]));
    let unknown = bench.post("/buttons/launch", json!({})).await;
    assert_eq!(unknown.refusal(), (404, "There is no such button.".to_owned()));
    assert_eq!(bench.post("/buttons/Fire%20an%20alert", json!({})).await.status, 404, "it goes by its name");
    for answer in [None, Some("not now")] {
        let Bench { presses, http, sandbox, .. } = &mut bench;
        let press = async {
            let press = presses.recv().await.expect("it is passed on");
            assert_eq!(press.name, "fire");
            // Whoever pressed it waits for what is said, or for nothing to be said.
            answer.map(|words| press.say.send(words.to_owned()))
        };
        let url = format!("http://{}/buttons/fire", sandbox.control);
        let pressed = http.post(url).json(&json!({})).send();
        let (pressed, _) = tokio::join!(pressed, press);
        let told: serde_json::Value = pressed.expect("an answer").json().await.expect("JSON");
        assert_eq!(told, answer.map_or(json!({}), |words| json!({ "said": words })));
    }
    assert!(bench.presses.try_recv().is_err(), "the unknown one was not passed on");
    bench.presses.close();
    assert_eq!(bench.post("/buttons/fire", json!({})).await.status, 404, "nobody is there to press it for");
}
