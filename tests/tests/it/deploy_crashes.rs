//! Deploys with the bot dying around the dispatch, or away when something is due: a deploy is started once at most, people
//! see what is true, and nothing hangs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use bot::crash::{Crash, Dies, Point};
use operations::deploy::event::DeployEvent;
use operations::deploy::{How, Stage};
use operations::event::Event;
use operations::journal::Record;
use operations::pipeline::Idempotency;
use sandbox::ci::{Fault, Limit};
use tests::{Setup, World, served};

const DISPATCH: &str = "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches";
const RUN: &str = "GET /repos/{owner}/{repo}/actions/runs/{run_id}";

/// What is typed, and what its card is found by.
const ASK: &str = "/deploy checkout@v142 to staging";
const CARD: &str = "Deploy checkout";

/// So often is a pass looked for, from the first one on and then over again: what is written together differs from play
/// to play, and so does the number of the pass.
const PLAYS: u32 = 200;

/// So many worlds at once: each mostly waits for its disk.
const AT_ONCE: usize = 6;

/// The key by which the dispatch of the first deploy is noted.
fn is_begun(world: &World) -> bool {
    let notes = std::fs::read_to_string(world.data().join(bot::outbox::begun::NAME)).unwrap_or_default();
    notes.lines().any(|line| line.starts_with('+') && line.ends_with("/dispatch"))
}

/// As after a power cut: the machine has started anew, so what was noted without a sync counts for nothing.
fn power_is_cut(world: &World) {
    let path = world.data().join(bot::outbox::begun::NAME);
    let notes = std::fs::read_to_string(&path).unwrap_or_default();
    let rest = notes.split_once('\n').map(|(_, rest)| rest).unwrap_or_default();
    std::fs::write(path, format!("another start of the machine\n{rest}")).expect("it is written");
}

/// Ann asks for the deploy on Slack, whatever comes of it.
async fn asks(world: &World) {
    let channel = world.slack().channel("general").id;
    let typed = world.sandbox.slack.types("ann", &channel, ASK, None);
    // Where the bot dies meanwhile, Slack tells her that it failed.
    let _ = world.while_working(typed).await;
    world.settle().await;
}

/// A world whose bot died at a point of which `is` tells whether it is the right pass; the deploy was asked for once.
async fn died_at(point: Point, is: impl Fn(&World) -> bool) -> World {
    let mut pass = 0;
    for _ in 0..PLAYS {
        pass += 1;
        let crash = Crash::at(point, pass, Dies::Bot);
        let mut world = World::start_with(Setup { crash: Some(crash), ..Setup::default() }).await;
        if world.crash.lives().is_err() {
            world.kill().await;
            continue;
        }
        asks(&world).await;
        world.advance(Duration::from_secs(2)).await;
        let died = world.crash.lives().is_err();
        world.kill().await;
        if died && is(&world) {
            return world;
        }
        pass = if died { pass } else { 0 };
    }
    panic!("no pass of {point:?} is the one");
}

/// It was noted that the dispatch is begun, and nothing was sent.
async fn died_before_sending() -> World {
    died_at(Point::OutboxSendBefore, |world| is_begun(world) && world.sandbox.ci.dispatches().is_empty()).await
}

/// The CI made a run, and nothing of that is in the journal.
async fn died_after_sending() -> World {
    died_at(Point::OutboxSendAfter, |world| world.sandbox.ci.dispatches().len() == 1).await
}

/// Both cards say this, and both are the only ones.
fn all_say(world: &World, words: &[&str]) {
    for chat in world.chats() {
        let channel = chat.channel("deploys");
        let card = channel.message(CARD);
        assert_eq!(channel.count(CARD), 1, "{}", channel.text());
        for words in words {
            assert!(card.text.contains(words), "{}: no {words:?} in {}", chat.platform.title(), card.text);
        }
    }
}

/// Nothing that a chat or the CI did not expect.
fn all_expected(world: &World) {
    for chat in world.chats() {
        assert_eq!(chat.unexpected(), [] as [String; 0]);
    }
    assert_eq!(world.sandbox.ci.unexpected(), [] as [String; 0]);
}

async fn run_ends(world: &World, conclusion: &str) {
    let run = world.sandbox.ci.run(world.sandbox.ci.dispatches().last().expect("there is one").run);
    run.begin();
    run.finish(conclusion);
    world.advance(Duration::from_secs(10)).await;
}

/// It is looked for three times, after which people are asked.
async fn is_looked_for(world: &World) {
    world.advance(Duration::from_secs(70)).await;
}

const ANSWERS: [&str; 4] = ["Nobody knows", "It ran", "It did not", "Look again"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_was_begun_and_not_sent_is_not_sent_again_but_left_to_people() {
    let mut world = died_before_sending().await;
    world.run(None).await;
    is_looked_for(&world).await;
    assert!(matches!(world.stage(1).await, Some(Stage::Unknown { looks: 3, .. })), "{:?}", world.stage(1).await);
    all_say(&world, &ANSWERS);
    all_say(&world, &["the start was sent at", "no run with the id muster-d1-"]);
    let asked = world.slack().channel("deploys").count("nobody knows whether D-1 ran");
    assert_eq!(asked, 1, "whoever asked for it is asked how it is, once");
    let it = world.discord().channel("deploys").message(CARD);
    world.discord().user("bob").clicks(&it, "It did not").await;
    assert_eq!(world.how(1).await, Some(How::NotStarted));
    world.advance(Duration::from_secs(300)).await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 0, "who said that it did not run is right for ever");
    let it = world.slack().channel("deploys").message(CARD);
    world.slack().user("ann").clicks(&it, "Retry").await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 1, "another deploy with another id");
    assert!(world.sandbox.ci.dispatches()[0].inputs["muster_id"].starts_with("muster-d2-"));
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_was_sent_and_not_written_down_is_found() {
    let mut world = died_after_sending().await;
    world.run(None).await;
    world.settle().await;
    assert_eq!(world.stage(1).await, Some(Stage::Running), "it is found before anything is sent");
    assert_eq!(world.sandbox.ci.called(DISPATCH), 1);
    run_ends(&world, "success").await;
    all_say(&world, &["done in"]);
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_was_not_begun_is_sent_after_the_restart_and_after_a_power_cut_it_is_not() {
    for cut in [false, true] {
        let mut world = died_at(Point::JournalSyncAfter, |world| has_begun(world) && !is_begun(world)).await;
        assert_eq!(world.sandbox.ci.dispatches().len(), 0);
        if cut {
            power_is_cut(&world);
        }
        world.run(None).await;
        world.settle().await;
        if cut {
            // That it was not begun is not known any more: it is taken for begun.
            is_looked_for(&world).await;
            assert_eq!(world.sandbox.ci.dispatches().len(), 0);
            all_say(&world, &ANSWERS);
        } else {
            assert_eq!(world.sandbox.ci.dispatches().len(), 1);
            assert_eq!(world.stage(1).await, Some(Stage::Running));
        }
        all_expected(&world);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_power_cut_a_start_that_was_sent_is_found() {
    let mut world = died_after_sending().await;
    power_is_cut(&world);
    world.run(None).await;
    world.settle().await;
    assert_eq!((world.stage(1).await, world.sandbox.ci.called(DISPATCH)), (Some(Stage::Running), 1));
}

/// Whether the journal of a bot that is dead says that a start was begun.
fn has_begun(world: &World) -> bool {
    let mut export = Vec::new();
    if bot::journal::export(&world.data(), &mut export).is_err() {
        return false;
    }
    String::from_utf8_lossy(&export).lines().any(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        let record = serde_json::from_value::<Record>(line["record"]["record"].clone());
        let is_begun = |what: &DeployEvent| *what == DeployEvent::Began;
        record.is_ok_and(|record| matches!(&record.event, Event::Deploy { what, .. } if is_begun(what)))
    })
}

/// What came of one play.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    /// It went on as if nothing had been.
    Done,
    /// It was left to people, and the CI had nothing.
    Parked,
}

/// Starts the bot again if it has died, perhaps with the power.
async fn revive(world: &mut World, cut: bool) {
    // It may die while it comes to rest; it does so once.
    for _ in 0..2 {
        if world.crash.lives().is_err() {
            world.kill().await;
            if cut {
                power_is_cut(world);
            }
            world.run(None).await;
        }
        world.settle().await;
    }
}

/// The deploy is asked for once or, where nothing came of it, once more; the bot dies at one point on the way, perhaps with
/// the power, and in the end everything is true.
async fn play(point: Point, pass: u64, cut: bool) -> Came {
    let crash = Crash::at(point, pass, Dies::Bot);
    let mut world = World::start_with(Setup { crash: Some(crash), ..Setup::default() }).await;
    for _ in 0..4 {
        revive(&mut world, cut).await;
        if world.stage(1).await.is_none() {
            asks(&world).await;
        } else {
            world.advance(Duration::from_secs(3)).await;
        }
    }
    revive(&mut world, cut).await;
    is_looked_for(&world).await;
    // How often a point is passed differs a little from play to play: not every plan comes to its pass in time.
    world.crash.spare();
    if world.crash.lives().is_err() {
        revive(&mut world, cut).await;
        is_looked_for(&world).await;
    }
    let dispatches = world.sandbox.ci.dispatches();
    assert!(dispatches.len() <= 1, "dispatched {} times", dispatches.len());
    let came = match world.stage(1).await {
        Some(Stage::Running) => {
            assert_eq!(dispatches.len(), 1);
            run_ends(&world, "success").await;
            all_say(&world, &["done in"]);
            Came::Done
        }
        Some(Stage::Unknown { looks, .. }) => {
            assert_eq!((dispatches.len(), looks), (0, 3), "what is there is found");
            all_say(&world, &ANSWERS);
            let it = world.slack().channel("deploys").message(CARD);
            world.slack().user("ann").clicks(&it, "It did not").await;
            world.advance(Duration::from_secs(70)).await;
            all_say(&world, &["not started"]);
            assert_eq!(world.sandbox.ci.dispatches().len(), 0);
            Came::Parked
        }
        other => panic!("it hangs: {other:?}"),
    };
    assert_eq!(world.read(|state| state.deploys.len()).await, 1);
    all_expected(&world);
    world.kill().await;
    came
}

#[test]
fn whichever_point_the_bot_dies_at_a_deploy_is_started_once_at_most_and_its_card_is_true() {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let counted = Crash::counted();
    runtime().block_on(async {
        let mut world = World::start_with(Setup { crash: Some(counted.clone()), ..Setup::default() }).await;
        asks(&world).await;
        world.advance(Duration::from_secs(5)).await;
        world.kill().await;
    });
    let around = [
        Point::JournalAppendBefore,
        Point::JournalSyncAfter,
        Point::OutboxSendBefore,
        Point::OutboxSendAfter,
        Point::OutboxOutcomeBefore,
        Point::OutboxOutcomeAfter,
    ];
    let mut plans = Vec::new();
    for point in around {
        for pass in 1..=counted.passes(point) {
            plans.push((point, pass, pass % 4 == 0));
        }
    }
    let next = AtomicUsize::new(0);
    let (came, wrong) = (Mutex::new(BTreeMap::<Came, usize>::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((point, pass, cut)) = plans.get(next.fetch_add(1, Ordering::Relaxed)).copied() {
                    let played = std::panic::catch_unwind(|| runtime().block_on(play(point, pass, cut)));
                    match played {
                        Ok(what) => {
                            *came.lock().expect("nobody panics with it").entry(what).or_default() += 1;
                        }
                        Err(_) => wrong.lock().expect("nobody panics with it").push((point, pass, cut)),
                    }
                }
            });
        }
    });
    let (came, wrong) = (came.into_inner().expect("a map"), wrong.into_inner().expect("a list"));
    assert!(wrong.is_empty(), "{} of {} plays: {wrong:?}", wrong.len(), plans.len());
    assert!(came.contains_key(&Came::Done) && came.contains_key(&Came::Parked), "{came:?} of {}", plans.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_answer_does_what_it_says() {
    for answer in ["It ran", "It did not", "Look again"] {
        let world = World::start().await;
        // The run is made, its reply is lost, and it is not listed for a long time.
        world.sandbox.ci.set_unlisted(1);
        world.sandbox.ci.fault(DISPATCH, 1, Fault::DropAfterWork);
        asks(&world).await;
        world.slack().user("bob").types("general", "/deploy checkout@v143 to staging").await;
        is_looked_for(&world).await;
        all_say_of(&world, "v142", &ANSWERS);
        all_say_of(&world, "v143", &["Waits for its turn"]);
        world.sandbox.ci.set_unlisted(0);
        let it = world.discord().channel("deploys").message("v142");
        world.discord().user("ann").clicks(&it, answer).await;
        world.advance(Duration::from_secs(25)).await;
        match answer {
            "It ran" => all_say_of(&world, "v142", &["done"]),
            "It did not" => all_say_of(&world, "v142", &["not started"]),
            _ => {
                all_say_of(&world, "v142", &["Waits at the pipeline"]);
                assert_eq!(world.sandbox.ci.dispatches().len(), 1, "the other still waits");
                run_ends(&world, "success").await;
                all_say_of(&world, "v142", &["done in"]);
            }
        }
        assert_eq!(
            world.sandbox.ci.dispatches().len(),
            2,
            "{answer}: the next has its turn, and nothing is sent twice"
        );
        all_expected(&world);
    }
}

fn all_say_of(world: &World, which: &str, words: &[&str]) {
    for chat in world.chats() {
        let card = chat.channel("deploys").messages.iter().find(|it| it.text.contains(which)).cloned();
        let card = card.expect("there is a card");
        for words in words {
            assert!(card.text.contains(words), "{}: no {words:?} in {}", chat.platform.title(), card.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_been_started_is_not_said_to_have_been_not_where_its_pipeline_is_gone() {
    let mut world = died_after_sending().await;
    let services = "[checkout]\nowner = \"payments\"\nmatch = { service = \"checkout\" }\n\
        environments = { staging = {}, production = {} }\n";
    with_services(&mut world, services).await;
    is_looked_for(&world).await;
    assert!(matches!(world.stage(1).await, Some(Stage::Unknown { .. })), "{:?}", world.stage(1).await);
    all_say(&world, &ANSWERS);
    all_say(&world, &["nothing is configured any more"]);
}

/// Starts the bot again with another `services.toml`.
async fn with_services(world: &mut World, services: &str) {
    world.stop().await;
    let directory = world.directory().to_owned();
    std::fs::write(directory.join("services.toml"), services).expect("a file");
    world.config = bot::demo::add_to_config(&directory, &world.sandbox, "").expect("it holds");
    world.run(None).await;
}

/// The checkout of the sandbox, with more said of it.
fn checkout(more: &str) -> String {
    format!(
        "[checkout]\nowner = \"payments\"\nmatch = {{ service = \"checkout\" }}\n\
         pipeline = {{ on = \"ci\", repository = \"acme/checkout\", workflow = \"deploy.yml\" }}\n{more}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_stopped_before_the_pipeline_took_it_is_not_started() {
    let world = World::start().await;
    world.sandbox.ci.fault(DISPATCH, 1, Fault::Limit(Limit::Secondary { status: 429, retry_after: Some(60) }));
    asks(&world).await;
    assert_eq!(world.stage(1).await, Some(Stage::Starting), "it is tried again later");
    world.slack().user("ann").types("general", "/deploy cancel D-1").await;
    world.advance(Duration::from_secs(120)).await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 0, "it is not started only to be stopped");
    assert_eq!(world.how(1).await, Some(How::NotStarted));
    all_say(&world, &["not started", "omebody wanted it stopped"]);
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_found_each_time_and_can_not_be_watched_is_left_to_people() {
    let world = World::start().await;
    world.sandbox.ci.fault(RUN, 1_000, Fault::Status { status: 404 });
    asks(&world).await;
    world.advance(Duration::from_secs(600)).await;
    assert!(matches!(world.stage(1).await, Some(Stage::Unknown { looks: 3, .. })), "{:?}", world.stage(1).await);
    all_say(&world, &ANSWERS);
    assert_eq!(world.slack().channel("deploys").count("nobody knows how D-1 stands"), 1);
    let seq = world.read(|state| state.seq).await;
    world.advance(Duration::from_secs(600)).await;
    let events = world.read(|state| state.seq).await - seq;
    assert!(events < 10, "it is not looked for for ever: {events} events");
    world.sandbox.ci.clear_faults();
    let it = world.discord().channel("deploys").message(CARD);
    world.discord().user("bob").clicks(&it, "Look again").await;
    assert_eq!(world.stage(1).await, Some(Stage::Running));
    run_ends(&world, "success").await;
    // It is old by now, and looked at every half minute.
    world.advance(Duration::from_secs(40)).await;
    all_say(&world, &["done in"]);
    assert_eq!(world.sandbox.ci.dispatches().len(), 1);
}

/// A service that answers 503 until it does well; the address of it.
async fn a_service(does_well: Arc<AtomicBool>) -> String {
    let answer = move || {
        let well = does_well.load(Ordering::Relaxed);
        async move { if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE } }
    };
    served(axum::Router::new().fallback(answer)).await + "/healthz"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_whose_time_to_be_verified_passed_while_the_bot_was_away_ends() {
    let does_well = Arc::new(AtomicBool::new(false));
    let address = a_service(does_well.clone()).await;
    let mut world = World::start().await;
    let staging = "environments = { staging = {} }\n";
    let both = format!("{staging}verify = {{ http = \"{address}\", alert = \"*\", within = \"3m\" }}");
    let alert = format!("{staging}verify = {{ alert = \"*\", within = \"3m\" }}");
    // What it is configured with when it begins to be verified, and after the bot was away; what is seen.
    let cases =
        [(&both, &both, "answers with 200"), (&alert, &both, "no alert fired"), (&both, &alert, "no alert fired")];
    for (number, (before, after, seen)) in cases.into_iter().enumerate() {
        does_well.store(false, Ordering::Relaxed);
        with_services(&mut world, &checkout(before)).await;
        world.slack().user("ann").types("general", ASK).await;
        run_ends(&world, "success").await;
        let id = u32::try_from(number).expect("a few") + 1;
        assert!(matches!(world.stage(id).await, Some(Stage::Verifying { .. })), "{:?}", world.stage(id).await);
        world.stop().await;
        world.clock.advance(Duration::from_secs(600));
        does_well.store(true, Ordering::Relaxed);
        with_services(&mut world, &checkout(after)).await;
        world.advance(Duration::from_secs(30)).await;
        assert_eq!(world.how(id).await, Some(How::Succeeded), "{before}, then {after}: {:?}", world.stage(id).await);
        let card = world.slack().channel("deploys").message(CARD).text;
        assert!(card.contains(seen), "{seen:?} is not in {card}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_that_is_refused_when_it_is_sent_again_may_have_been_taken_before() {
    let starts = Arc::new(AtomicUsize::new(0));
    let counted = starts.clone();
    let app = axum::Router::new().fallback(move |request: axum::extract::Request| {
        let counted = counted.clone();
        async move {
            if request.method() != axum::http::Method::POST {
                return (StatusCode::OK, "{\"deploys\": [], \"state\": \"running\"}");
            }
            match counted.fetch_add(1, Ordering::Relaxed) {
                // The first is taken, and the bot dies before it has written that down.
                0 => (StatusCode::OK, "{}"),
                _ => (StatusCode::FORBIDDEN, "{}"),
            }
        }
    });
    let origin = served(app).await;
    let services = "[checkout]\nowner = \"payments\"\nmatch = { service = \"checkout\" }\nenvironments = { staging = {} }\n\
        [checkout.pipeline]\non = \"deployer\"\nrepeat = true\n\
        [checkout.pipeline.start]\nmethod = \"POST\"\nurl = \"/deploys\"\nbody = { key = \"{id}\" }\n\
        [checkout.pipeline.find]\nrequest = { method = \"GET\", url = \"/deploys?key={id}\" }\n\
        list = \"/deploys\"\nid = \"/id\"\norder = \"/key\"\n\
        [checkout.pipeline.status]\nrequest = { method = \"GET\", url = \"/deploys/{run}\" }\nstate = \"/state\"\nsucceeded = [\"done\"]\nfailed = [\"failed\"]\n";
    let mut pass = 0;
    for _ in 0..PLAYS {
        pass += 1;
        starts.store(0, Ordering::Relaxed);
        let setup = Setup {
            muster: format!("[pipelines.deployer]\nkind = \"http\"\nurl = \"{origin}\"\n"),
            ..Setup::default()
        };
        let mut world = World::start_with(setup).await;
        world.stop().await;
        std::fs::write(world.directory().join("services.toml"), services).expect("a file");
        world.config = bot::demo::add_to_config(world.directory(), &world.sandbox, "").expect("it holds");
        world.run(Some(Crash::at(Point::OutboxSendAfter, pass, Dies::Bot))).await;
        asks(&world).await;
        let repeats = |state: &operations::state::State| {
            let environment = state.settings.services.first()?.environments.first()?.pipeline?;
            Some(environment.idempotency)
        };
        let died = world.crash.lives().is_err();
        world.kill().await;
        if !died || starts.load(Ordering::Relaxed) != 1 {
            pass = if died { pass } else { 0 };
            continue;
        }
        world.run(None).await;
        assert_eq!(world.read(repeats).await, Some(Idempotency::Repeat));
        is_looked_for(&world).await;
        if starts.load(Ordering::Relaxed) == 1 {
            // It died later, when that was written down.
            continue;
        }
        assert_eq!(starts.load(Ordering::Relaxed), 2, "the same id again is one start there");
        let stands = world.stage(1).await;
        assert!(matches!(stands, Some(Stage::Unknown { .. })), "it is not said that nothing was started: {stands:?}");
        all_say(&world, &ANSWERS);
        return;
    }
    panic!("no pass is the one");
}
