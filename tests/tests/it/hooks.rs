//! Webhooks that are refused: one clear sentence, nothing half-recorded, and a counter.

use tests::World;

async fn status(world: &World, token: Option<&str>, body: String) -> (u16, String) {
    let url = format!("http://{}/hooks/alertmanager", world.bot().address);
    let mut request = world.http.post(url).body(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("words"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_webhook_is_said_and_nothing_is_kept() {
    let world = World::start().await;
    let good = tests::alerts_body("Disk", &[("db-1", true)], "2026-03-02T14:00:00Z".parse().expect("a time"));
    let mut old = good.clone();
    old["version"] = "3".into();
    let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
    let large = format!("{{\"version\":\"4\",\"pad\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
    let token = Some(bot::demo::HOOK_TOKEN);
    let seq = world.bot().engine.read(|state| state.seq).await.expect("the bot runs");
    for (token, body, expected) in [
        (None, good.to_string(), 401),
        (Some("wrong"), good.to_string(), 401),
        (token, "not JSON".to_owned(), 400),
        (token, String::new(), 400),
        (token, "{}".to_owned(), 400),
        (token, deep, 400),
        (token, old.to_string(), 400),
        (
            token,
            good.to_string().replace("\"status\":\"firing\"", "\"status\":\"resolved\",\"status\":\"firing\""),
            400,
        ),
        (token, large, 413),
    ] {
        let what = body.chars().take(60).collect::<String>();
        let (status, words) = status(&world, token, body).await;
        assert_eq!(status, expected, "{what}: {words}");
        assert_eq!(words.trim().lines().count(), 1, "one sentence: {words}");
        assert!(!words.contains("demo") && words.len() < 400, "{words}");
    }
    assert_eq!(world.bot().engine.read(|state| state.seq).await, Ok(seq), "nothing was recorded");
    let figures = world.http.get(format!("http://{}/metrics", world.bot().address)).send().await.expect("figures");
    let figures = figures.text().await.expect("text");
    for line in ["answer=\"401\"} 2", "answer=\"400\"} 6", "answer=\"413\"} 1"] {
        assert!(
            figures.lines().any(|found| found.contains("muster_hooks_total") && found.ends_with(line)),
            "{line}\n{figures}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_source_is_not_found_and_makes_no_figure_of_its_own() {
    let world = World::start().await;
    let url = format!("http://{}/hooks/made-up-name", world.bot().address);
    let answer = world.http.post(url).bearer_auth("x").body("{}").send().await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 404);
    assert!(!world.bot().metrics.text().contains("made-up-name"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_says_what_is_up() {
    let world = World::start().await;
    let url = format!("http://{}/readyz", world.bot().address);
    let ready = world.http.get(&url).send().await.expect("an answer");
    assert_eq!(ready.status().as_u16(), 200);
    let words = ready.text().await.expect("words");
    assert!(words.contains("slack: connected") && words.contains("discord: connected"), "{words}");
}
