//! Ends of logs, and where they are read.

use std::sync::{Arc, Mutex};

use integrations::clock::Clock;
use integrations::http::public::{Lookup, Public};
use integrations::pipelines::github::{Connection, GitHub};
use integrations::pipelines::{Pipeline, Refused, Shared};
use integrations::secret::Secret;
use operations::pipeline::{Log, Run};
use sandbox::ci::LogsAt;

use super::{World, target};

const FILE: &str = "GET /_logs/{job_id}";

/// A run whose first job failed, with these lines in its log.
async fn failed(world: &World, lines: &[&str]) -> Run {
    let run = world.started().await;
    let handle = world.ci.run(run.id.parse().expect("a number"));
    handle.begin();
    handle.step("Build");
    for line in lines {
        handle.log(line);
    }
    handle.finish("failure");
    run
}

#[tokio::test]
async fn the_end_of_the_failed_jobs_log_is_told_without_colours_and_secrets() {
    let world = World::at(true).await;
    let token = format!("using {}", world.ci.token());
    let run = failed(&world, &["\u{1b}[31mit broke\u{1b}[0m", "password=hunter2hunter2", &token]).await;
    let log = world.github().log(&run).await.expect("a log");
    assert_eq!(log.step.expect("a step").as_str(), "build: Build");
    let tail = log.tail.as_str();
    assert!(tail.contains("it broke\n") && tail.ends_with("Process completed with exit code 1."), "{tail}");
    assert!(!tail.contains('\u{1b}') && !tail.contains("hunter2") && !tail.contains(&world.ci.token()), "{tail}");
    assert!(!tail.contains("2026-"), "{tail}");
    assert_eq!(world.ci.called(FILE), 1);
}

#[tokio::test]
async fn a_long_log_is_cut_at_a_lines_beginning() {
    let world = World::new().await;
    let lines: Vec<String> = (0..5_000).map(|at| format!("line {at:05}")).collect();
    let run = failed(&world, &lines.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let log = world.github().log(&run).await.expect("a log");
    let tail = log.tail.as_str();
    assert!(tail.starts_with("line 0") && tail.chars().count() <= Log::LONGEST, "{tail}");
}

#[tokio::test]
async fn of_a_log_that_is_longer_than_any_answer_may_be_the_end_is_asked_for() {
    let world = World::at(true).await;
    let long = "x".repeat(1024 * 1024);
    let run = failed(&world, &[&long, &long, &long, &long, &long, "the last words"]).await;
    let github = world.github();
    let log = world.driven(github.log(&run)).await.expect("a log");
    assert!(log.tail.as_str().contains("the last words"), "{log:?}");
}

#[tokio::test]
async fn a_job_that_runs_has_no_log_yet() {
    let world = World::new().await;
    let run = world.started().await;
    let failure = world.github().log(&run).await.expect_err("nothing has begun");
    assert!(failure.is(Refused::NotFound), "{failure:?}");
    world.ci.run(run.id.parse().expect("a number")).begin();
    let failure = world.github().log(&run).await.expect_err("it runs");
    assert!(failure.is(Refused::NotFound) && failure.to_string().contains("still runs"), "{failure:?}");
}

/// Looks every name up as a place inside, and keeps what was asked.
struct Inside(Arc<Mutex<Vec<String>>>);

impl Lookup for Inside {
    fn lookup(
        &self,
        name: String,
    ) -> std::pin::Pin<Box<dyn Future<Output = std::io::Result<Vec<std::net::IpAddr>>> + Send>> {
        self.0.lock().expect("a list").push(name);
        Box::pin(async { Ok(vec![std::net::Ipv4Addr::LOCALHOST.into()]) })
    }
}

#[tokio::test]
async fn a_log_elsewhere_is_read_without_credentials_and_only_on_the_open_internet() {
    let world = World::new().await;
    let run = failed(&world, &["it broke"]).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let clock: Arc<dyn Clock> = Arc::new(world.clock.clone());
    let public = Public::with(clock.clone(), Arc::new(Inside(asked.clone()))).expect("a reader");
    let shared = Shared { public, ..world.shared() };
    let connection = Connection { api_url: world.ci.api_url(), token: Secret::new(&world.ci.token()) };
    let github = GitHub::new(connection, target(), shared).expect("an adapter");
    let other = World::new().await;
    for address in [
        format!("{}/_logs/1", other.ci.api_url()),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://results.example.com/log?sig=1".to_owned(),
        "file:///etc/passwd".to_owned(),
        world.ci.api_url().replace("http://", "http://user:pass@"),
    ] {
        world.ci.set_logs_at(LogsAt::Elsewhere(address.clone()));
        let failure = github.log(&run).await.expect_err("not read");
        assert!(failure.is(Refused::NotAllowed), "{address}: {failure:?}");
        assert!(!format!("{failure:?}").contains("sig=1"), "{failure:?}");
    }
    // The name was looked up by the reader of public addresses, which carries no credentials.
    assert_eq!(*asked.lock().expect("a list"), ["results.example.com"]);
    assert!(other.ci.requests().is_empty());
}
