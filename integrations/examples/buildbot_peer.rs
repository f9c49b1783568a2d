//! Drives the adapter against a real Buildbot: start, find, follow, log, stop. Ends with 1 when something is off.
//!
//! `cargo run -p integrations --example buildbot_peer -- URL USER PASSWORD [ID_FIELD]`. The master has a force
//! scheduler `force` that declares the field (`muster_id`), one worker, and the builders `deploy` (prints `done`), `fail`
//! (prints `boom`, exits with 3) and `long` (takes a minute).

#![expect(clippy::print_stdout, reason = "it is a program that says what it does")]

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use integrations::clock::{Clock, SystemClock, sleep};
use integrations::http::http_client;
use integrations::http::public::Public;
use integrations::pipelines::buildbot::{Buildbot, Connection, Fields, Login, Target};
use integrations::pipelines::{Failure, Pipeline, Refused, Shared};
use integrations::secret::Secret;
use operations::pipeline::{Order, Progress, Run, RunState};
use operations::text::Outside;

type Outcome<T> = Result<T, String>;

struct Peer {
    url: String,
    user: String,
    password: String,
    field: String,
}

impl Peer {
    fn builder(&self, scheduler: &str, builder: &str, password: &str) -> Outcome<Buildbot> {
        let login = Login { user: self.user.clone(), password: Secret::new(password) };
        let connection = Connection { url: self.url.clone(), login: Some(login) };
        let fields = Fields { id: self.field.clone(), ..Fields::default() };
        let target = Target { scheduler: scheduler.to_owned(), builder: builder.to_owned(), fields };
        let clock = Arc::new(SystemClock);
        let shared = Shared { http: http_client()?, clock: clock.clone(), public: Public::new(clock)? };
        Buildbot::new(connection, target, shared)
    }

    fn named(&self, builder: &str) -> Outcome<Buildbot> {
        self.builder("force", builder, &self.password)
    }
}

fn order(number: u32) -> Order {
    // Each time another, so that the example can be run twice against one master.
    let now = SystemClock.now().as_millisecond();
    Order {
        id: format!("muster-d{number}-{now:x}"),
        is_rollback: false,
        service: "checkout".to_owned(),
        environment: "production".to_owned(),
        reference: "main".to_owned(),
        commit: "0123456789012345678901234567890123456789".to_owned(),
        parameters: BTreeMap::new(),
        by: Outside::new("Ann"),
        reason: Outside::new("to see whether it works; ".repeat(20).as_str()),
        back_to: None,
    }
}

fn check(is_so: bool, what: &str) -> Outcome<()> {
    println!("{} {what}", if is_so { "ok  " } else { "OFF " });
    if is_so { Ok(()) } else { Err(what.to_owned()) }
}

fn said(failure: Failure) -> String {
    failure.to_string()
}

/// Looks until it stands so; at most a minute.
async fn until(pipeline: &Buildbot, run: &Run, is_so: impl Fn(&Progress) -> bool) -> Outcome<Progress> {
    let mut run = run.clone();
    for _ in 0..240 {
        let progress = pipeline.look(&run).await.map_err(said)?;
        if is_so(&progress) {
            return Ok(progress);
        }
        run = progress.run.unwrap_or(run);
        sleep(&SystemClock, Duration::from_millis(250)).await;
    }
    Err(format!("nothing came of {}", run.id))
}

async fn succeeds(peer: &Peer) -> Outcome<()> {
    let (deploy, order) = (peer.named("deploy")?, order(1));
    check(deploy.find(&order).await == Ok(None), "what was not started is not found")?;
    let run = deploy.start(&order).await.map_err(said)?;
    check(deploy.find(&order).await.map_err(said)?.as_ref() == Some(&run), "what was started is found by its id")?;
    let near = Order { id: order.id[..order.id.len() - 1].to_owned(), ..order.clone() };
    check(deploy.find(&near).await == Ok(None), "the beginning of an id finds nothing")?;
    let elsewhere = peer.named("fail")?.find(&order).await;
    check(elsewhere == Ok(None), "another builder does not have it")?;
    let end = until(&deploy, &run, |progress| progress.state.is_over()).await?;
    check(end.state == RunState::Succeeded && end.done == end.total && end.total > 0, "it ends well")?;
    let page = deploy.look(&run).await.map_err(said)?.run.and_then(|run| run.url).unwrap_or_default();
    check(page.contains("/#/builders/"), "the build's page is told")?;
    let log = deploy.log(&run).await.map_err(said)?;
    check(log.tail.as_str().contains("done"), "the log is read")?;
    check(!log.tail.as_str().contains("PATH="), "the worker's environment is not in it")?;
    let again = deploy.cancel(&run).await;
    check(again.is_err_and(|failure| failure.is(Refused::Conflict)), "what ended can't be cancelled")
}

async fn fails(peer: &Peer) -> Outcome<()> {
    let fail = peer.named("fail")?;
    let run = fail.start(&order(2)).await.map_err(said)?;
    let end = until(&fail, &run, |progress| progress.state.is_over()).await?;
    check(end.state == RunState::Failed && end.step.is_some(), "what fails is said to, with its step")?;
    let log = fail.log(&run).await.map_err(said)?;
    let words = log.tail.as_str();
    check(words.contains("boom") && words.contains("exit code 3"), "the failing step's log is read")
}

async fn is_stopped(peer: &Peer) -> Outcome<()> {
    let long = peer.named("long")?;
    let first = long.start(&order(3)).await.map_err(said)?;
    until(&long, &first, |progress| progress.state == RunState::Running && progress.step.is_some()).await?;
    let second = long.start(&order(4)).await.map_err(said)?;
    let queued = long.look(&second).await.map_err(said)?;
    check(queued.state == RunState::Queued, "one build at a time: the second waits")?;
    let third = long.start(&order(5)).await.map_err(said)?;
    let merged = until(&long, &second, |progress| progress.state != RunState::Queued).await?;
    check(merged.state == RunState::Cancelled && merged.step.is_some(), "one that was merged is not said to be done")?;
    for (run, what) in [(&third, "one that waits is cancelled"), (&first, "one that runs is stopped")] {
        long.cancel(run).await.map_err(said)?;
        let end = until(&long, run, |progress| progress.state.is_over()).await?;
        check(end.state == RunState::Cancelled, what)?;
    }
    Ok(())
}

async fn is_refused(peer: &Peer) -> Outcome<()> {
    let wrong = peer.builder("force", "deploy", "not the password")?.start(&order(6)).await;
    check(wrong.is_err_and(|failure| failure.is(Refused::Token)), "a wrong password is told of")?;
    let none = peer.builder("nothing", "deploy", &peer.password)?.start(&order(7)).await;
    check(none.is_err_and(|failure| failure.is(Refused::NotFound)), "a scheduler that is not there is told of")?;
    let none = peer.named("nothing")?.start(&order(8)).await;
    check(none.is_err_and(|failure| failure.is(Refused::NotFound)), "a builder that is not there is told of")?;
    let more = Order { parameters: [("undeclared".to_owned(), "x".to_owned())].into(), ..order(9) };
    let dropped = peer.named("deploy")?.start(&more).await;
    check(dropped.is_err_and(|failure| failure.is(Refused::Malformed)), "what would be dropped is told of")?;
    let none = peer.named("deploy")?.look(&Run { id: "999999999".to_owned(), url: None }).await;
    check(none.is_err_and(|failure| failure.is(Refused::NotFound)), "a request that is not there is told of")
}

async fn all() -> Outcome<()> {
    integrations::tls::install();
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [url, user, password, rest @ ..] = given.as_slice() else {
        return Err("say URL USER PASSWORD [ID_FIELD]".to_owned());
    };
    let field = rest.first().map_or("muster_id", String::as_str).to_owned();
    let peer = Peer { url: url.clone(), user: user.clone(), password: password.clone(), field };
    succeeds(&peer).await?;
    fails(&peer).await?;
    is_stopped(&peer).await?;
    is_refused(&peer).await
}

#[tokio::main]
async fn main() -> ExitCode {
    match all().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("{why}");
            ExitCode::FAILURE
        }
    }
}
