//! What is read: lists in pages, comparisons with their limits, logs.

use sandbox::ci::LogsAt;
use serde_json::{Value, json};

use super::bench::Bench;

#[tokio::test]
async fn runs_are_listed_newest_first_filtered_and_in_pages() {
    let bench = Bench::start().await;
    for id in 0..5 {
        bench.dispatched(&id.to_string()).await;
        bench.advance(60);
    }
    bench.repository.started("deploy.yml", "push", "First", "main");
    let list = async |query: &str| {
        let answer = bench.call(&format!("GET /actions/workflows/deploy.yml/runs?{query}"), Value::Null).await;
        let runs = answer.body["workflow_runs"].as_array().cloned().unwrap_or_default();
        let titles: Vec<String> =
            runs.iter().filter_map(|it| it["display_title"].as_str()).map(str::to_owned).collect();
        (titles, answer.header("link").to_owned(), answer.body["total_count"].as_u64())
    };
    let (titles, link, total) = list("event=workflow_dispatch&per_page=2").await;
    assert_eq!((titles[0].as_str(), titles.len(), total), ("Deploy 4 to staging", 2, Some(5)));
    assert!(link.contains("rel=\"next\"") && link.contains("page=3>; rel=\"last\""), "{link}");
    let (titles, link, _) = list("event=workflow_dispatch&per_page=2&page=3").await;
    assert_eq!(titles, ["Deploy 0 to staging"]);
    assert!(!link.contains("rel=\"next\"") && link.contains("rel=\"prev\""), "{link}");
    assert_eq!(list("created=%3E%3D2026-09-21T14%3A16%3A00Z").await.2, Some(3));
    assert_eq!(list("branch=other").await.2, Some(0));
    assert_eq!(list("status=completed").await.2, Some(0));
    assert_eq!(list(&format!("head_sha={}", bench.head)).await.2, Some(6));
    bench.ci.set_unlisted(1);
    assert_eq!(list("").await.2, Some(5));
}

#[tokio::test]
async fn a_comparison_tells_the_newest_250_or_pages_of_all_and_files_once() {
    let bench = Bench::start().await;
    let mut last = String::new();
    for at in 0..260 {
        last = bench.repository.push("main", &format!("Commit {at}"), "Bo");
    }
    bench.repository.files(&last, 100);
    let compare = async |query: &str| {
        let path = format!("GET /compare/{}...{last}{query}", bench.head);
        let body = bench.call(&path, Value::Null).await.body;
        let commits = body["commits"].as_array().map_or(0, Vec::len);
        (commits, body["commits"][0]["commit"]["message"].clone(), body["files"].as_array().map(Vec::len))
    };
    assert_eq!(compare("").await, (250, json!("Commit 10"), Some(300)));
    assert_eq!(compare("?per_page=100").await, (100, json!("Commit 0"), Some(300)));
    assert_eq!(compare("?per_page=100&page=3").await, (60, json!("Commit 200"), None));
    assert_eq!(compare("?per_page=1000").await.0, 100);
    let body = bench.call(&format!("GET /compare/{last}...{}", bench.head), Value::Null).await.body;
    assert_eq!((&body["status"], &body["behind_by"]), (&json!("behind"), &json!(260)));
}

#[tokio::test]
async fn a_log_is_there_when_its_job_has_ended_and_elsewhere_where_that_is_set() {
    let bench = Bench::start().await;
    let run = bench.dispatched("1").await;
    bench.ci.run(run).begin();
    let jobs = bench.call(&format!("GET /actions/runs/{run}/jobs"), Value::Null).await.body;
    let path = format!("GET /actions/jobs/{}/logs", jobs["jobs"][0]["id"]);
    assert_eq!(bench.call(&path, Value::Null).await.status, 404);
    bench.ci.run(run).finish("success");
    let redirect = bench.call(&path, Value::Null).await;
    assert_eq!(redirect.status, 302);
    let text = async |url: &str| bench.http.get(url).send().await.expect("an answer").text().await.expect("a text");
    let own = text(redirect.header("location")).await;
    assert!(own.contains("Z ##[group]Run Compile\n") && own.contains("compiling"), "{own}");
    let unsigned = redirect.header("location").split('?').next().expect("an address").to_owned();
    assert_eq!(text(&unsigned).await, "AuthenticationFailed");
    bench.ci.set_logs_at(LogsAt::Elsewhere("https://elsewhere.example/log".to_owned()));
    assert_eq!(bench.call(&path, Value::Null).await.header("location"), "https://elsewhere.example/log");
}

#[tokio::test]
async fn merge_commits_are_told_by_the_older_version_alone() {
    let bench = Bench::start().await;
    bench.repository.pull(1, "One", &[&bench.head], true);
    let path = format!("GET /commits/{}/pulls", bench.head);
    let old = bench.call(&path, Value::Null).await.body;
    assert!(old[0]["merge_commit_sha"].is_string());
    let new = bench.bare(&format!("GET /repos/acme/shop/commits/{}/pulls", bench.head));
    let new = new.header("authorization", format!("Bearer {}", bench.ci.token())).header("user-agent", "tests");
    let new = super::bench::answer(new.header("x-github-api-version", "2026-03-10")).await.body;
    assert_eq!((&new[0]["number"], &new[0]["merge_commit_sha"]), (&json!(1), &Value::Null));
}
