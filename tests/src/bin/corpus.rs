//! Writes the journals that later versions must replay for ever: `cargo run -p tests --bin corpus -- DIR`.
//!
//! To be run once for each format, when it is released, into `tests/journals/format-N`; what it
//! wrote is never changed after that. Every kind of event that there is stands in it. It
//! writes an export, what a replay of it comes to, the data directory as it is on disk, and
//! the public key of its checkpoints.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bot::demo::story;
use bot::store::files::ReadOnly;
use integrations::clock::Clock;
use operations::deploy::event::{DeployEvent, HoldEvent};
use operations::event::Event;
use sandbox::faults::{CallFault, SocketFault};
use tests::{World, corpus};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let directory = PathBuf::from(std::env::args().nth(1).expect("the directory to write into"));
    let mut world = World::start().await;
    the_story(&world).await;
    what_the_story_leaves_out(&world).await;
    a_storm_and_a_chat_that_is_away(&world).await;
    what_is_closed_late_or_unheard(&mut world).await;
    deploys(&mut world).await;
    locks_and_freezes(&world).await;
    // Once more, so that events are put by as well, and with something open in the end.
    world.stop().await;
    world.run(None).await;
    world.sandbox.slack.fault("chat.postMessage", 1_000, CallFault::Status { status: 503 });
    world.discord().user("bob").types("inc-2-…", "/incident note back after a restart").await;
    world.stop().await;
    let missing = kinds_that_are_missing(&world.data());
    assert!(missing.is_empty(), "not in the journal: {missing:?}");
    write(&world.data(), &directory);
}

async fn the_story(world: &World) {
    world.moves_runs_by_the_clock();
    for step in story::steps() {
        world.plays(&step).await;
    }
}

async fn what_the_story_leaves_out(world: &World) {
    let (slack, discord) = (world.slack(), world.discord());
    // An alert that is told again, is acknowledged, still fires, is taken over and given back, and of which members are left out.
    world.alerts("DiskFull", &[("db-1", true), ("db-2", true)]).await;
    world.alerts("DiskFull", &[("db-1", true), ("db-2", true)]).await;
    world.settle().await;
    slack.user("ann").types("general", "/ack A-2").await;
    world.advance(Duration::from_secs(31 * 60)).await;
    discord.user("bob").types("general", "/alert takeover alert:A-2").await;
    discord.user("bob").types("general", "/alert unack alert:A-2").await;
    let mut body = tests::alerts_body("DiskFull", &[("db-1", false)], world.clock.now());
    body["truncatedAlerts"] = 7.into();
    assert_eq!(world.hook(body.to_string()).await, 200);
    world.settle().await;
    // Somebody comes who is a guest.
    world.sandbox.slack.lets_in("kim", sandbox::slack::Membership::Guest);
    world.settle().await;
    // A second incident, in which something outside is refused, a card is deleted, and a mark is taken away.
    slack.user("ann").types("general", "/incident declare Search is down sev:1").await;
    world.advance(Duration::from_secs(31 * 60)).await;
    world.sandbox.slack.fault("chat.update", 1, CallFault::Refuse { error: "message_not_found".to_owned() });
    discord.user("bob").types("inc-2-…", "/incident sev SEV3").await;
    slack.user("ann").types("inc-2-…", "/incident role scribe").await;
    slack.user("ann").types("inc-2-…", "the index is being built again").await;
    let said = slack.channel("inc-2-…").message("the index is being built again");
    slack.user("ann").marks(&said).await;
    slack.user("ann").unmarks(&said).await;
    world.sandbox.slack.fault("conversations.setTopic", 1, CallFault::Refuse { error: "restricted_action".to_owned() });
    for words in ["/incident mitigate", "/incident resolve built again", "/incident reopen and slow again"] {
        discord.user("cleo").types("inc-2-…", words).await;
    }
    let frame = r#"{"envelope_id":"corpus","type":"slash_commands"}"#.to_owned();
    world.sandbox.slack.socket_fault(SocketFault::Frame { text: frame }).await;
    world.advance(Duration::from_secs(5)).await;
}

async fn a_storm_and_a_chat_that_is_away(world: &World) {
    for number in 0..40 {
        world.alerts(&format!("Probe{number}"), &[("host-1", true)]).await;
    }
    for _ in 0..12 {
        world.advance(Duration::from_secs(20)).await;
    }
    world.sandbox.slack.fault("*", 10_000, CallFault::Status { status: 503 });
    world.sandbox.slack.socket_fault(SocketFault::Drop).await;
    // More alerts than anybody reads afterwards, and too slowly for a storm.
    for quarter in 0..16 {
        for number in 0..4 {
            world.alerts(&format!("Missed{quarter}{number}"), &[("host-1", true)]).await;
        }
        world.advance(Duration::from_secs(15)).await;
    }
    world.sandbox.slack.clear_faults();
    for _ in 0..32 {
        world.advance(Duration::from_secs(15)).await;
    }
}

async fn what_is_closed_late_or_unheard(world: &mut World) {
    // A channel that can't be used for a while.
    world.sandbox.slack.archives("ann", "alerts", true).expect("she can archive it");
    world.alerts("Closed", &[("host-1", true)]).await;
    world.advance(Duration::from_secs(60)).await;
    world.sandbox.slack.archives("ann", "alerts", false).expect("she can archive it");
    for _ in 0..12 {
        world.advance(Duration::from_secs(60)).await;
    }
    // An end that comes before what it ends.
    world.alerts("Early", &[("host-1", false)]).await;
    // More messages than are read after a gap.
    world.kill().await;
    world.clock.advance(Duration::from_secs(15 * 60));
    let room = world.discord().channel("inc-2-…").name;
    for number in 0..1_001 {
        let said = world.sandbox.discord.types("bob", &room, &format!("message {number}")).await;
        said.expect("he can type");
    }
    world.run(None).await;
    world.advance(Duration::from_secs(60)).await;
}

/// Deploys in all that can happen to them.
async fn deploys(world: &mut World) {
    let services = format!(
        "[checkout]\nowner = \"payments\"\nmatch = {{ service = \"checkout\" }}\n\
         pipeline = {{ on = \"ci\", repository = \"acme/checkout\", workflow = \"deploy.yml\" }}\n\
         environments = {{ staging = {{}}, production = {{ approval = 1 }} }}\n\
         verify = {{ http = \"http://{}/\", alert = \"*\", within = \"1m\" }}\n",
        world.sandbox.control
    );
    world.with_services(&services).await;
    let ci = &world.sandbox.ci;
    bot::demo::shop::move_runs(ci, sandbox::ci::Moves::ByHand);
    let newest = || ci.run(ci.dispatches().last().expect("it was dispatched").run);
    let shop = ci.repository("acme/checkout");
    shop.environment("guarded", &[ci.login().as_str()]);
    let (ann, bob) = (world.slack().user("ann"), world.discord().user("bob"));
    // Approved, then something else than was approved, approved anew, held up by the pipeline, stopped in vain, verified.
    ann.types("general", "/deploy checkout@v142 to production --reason the dates are wanted").await;
    shop.tag("v142", &shop.push("main", "Something else", "Cleo"));
    bob.types("general", "/approve").await;
    bob.types("general", "/approve").await;
    let run = newest();
    run.wait_for_approval("guarded");
    world.advance(Duration::from_secs(10)).await;
    bob.types("general", "/deploy status deploy:D-4").await;
    let card = world.discord().channel("deploys").message("D-4 · ");
    bob.clicks(&card, "Approve there").await;
    world.advance(Duration::from_secs(10)).await;
    ci.fault("POST /repos/{owner}/{repo}/actions/runs/{run_id}/cancel", 1, sandbox::ci::Fault::Status { status: 403 });
    ann.types("general", "/deploy cancel D-4").await;
    run.begin();
    run.finish("success");
    world.advance(Duration::from_secs(80)).await;
    // Fails, with its log and an alert soon after it; the next waits for it.
    ann.types("general", "/deploy checkout@v143 to staging").await;
    bob.types("general", "/deploy start checkout environment:staging ref:v141").await;
    newest().begin();
    newest().log("no space left");
    newest().finish("failure");
    world.advance(Duration::from_secs(20)).await;
    world.alerts("AfterDeploy", &[("host-1", true)]).await;
    world.settle().await;
    newest().finish("success");
    world.advance(Duration::from_secs(80)).await;
    // Nobody knows how it stands.
    let dispatch = "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches";
    ci.fault(dispatch, 1, sandbox::ci::Fault::Status { status: 502 });
    ann.types("general", "/deploy checkout@v142 to staging").await;
    world.advance(Duration::from_secs(100)).await;
    ann.types("general", "/deploy look D-7").await;
    ann.types("general", "/deploy didnot D-7").await;
}

async fn locks_and_freezes(world: &World) {
    world.slack().user("bob").types("general", "/lock checkout staging for 2m a load test").await;
    world.discord().user("bob").types("general", "/freeze scope:production for:2m reason:\"Black Friday\"").await;
    world.advance(Duration::from_secs(95)).await;
    let reminder = world.slack().channel("deploys").message("do you still need the lock");
    world.slack().user("bob").clicks(&reminder, "Keep it another hour").await;
    world.discord().user("bob").types("general", "/unlock service:checkout environment:staging").await;
    world.advance(Duration::from_secs(40)).await;
}

/// The kinds of event that the journal lacks.
fn kinds_that_are_missing(data: &Path) -> BTreeSet<String> {
    // Of a kind that there is not, serde says which ones there are.
    let error = serde_json::from_str::<Event>(r#"{"-":{}}"#).expect_err("there is no such kind").to_string();
    let mut kinds = named(&error);
    assert!(kinds.len() > 25, "{error}");
    // What happened to deploys and holds are kinds within one.
    let of_deploys = serde_json::from_str::<DeployEvent>(r#"{"-":{}}"#).expect_err("there is no such kind").to_string();
    let of_holds = serde_json::from_str::<HoldEvent>(r#"{"-":{}}"#).expect_err("there is no such kind").to_string();
    kinds.extend(named(&of_deploys).into_iter().map(|kind| format!("Deploy {kind}")));
    kinds.extend(named(&of_holds).into_iter().map(|kind| format!("Hold {kind}")));
    let mut store = ReadOnly::open(data).expect("the journal opens");
    let read = store.read(&mut |line| {
        let record: serde_json::Value = serde_json::from_slice(line.bytes).expect("a record");
        let (kind, what) = tag(&record["event"]).expect("an event has a kind");
        let within = match kind.as_str() {
            "Deploy" => tag(&what["what"]),
            "Hold" => tag(what),
            _ => None,
        };
        if let Some((within, _)) = within {
            kinds.remove(&format!("{kind} {within}"));
        }
        kinds.remove(&kind);
        Ok(())
    });
    read.expect("it can be read");
    kinds
}

/// The kinds that serde names in an error.
fn named(error: &str) -> BTreeSet<String> {
    error.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

/// The name of an enum's variant, and what is in it.
fn tag(value: &serde_json::Value) -> Option<(String, &serde_json::Value)> {
    match value {
        serde_json::Value::String(name) => Some((name.clone(), value)),
        serde_json::Value::Object(object) => object.iter().next().map(|(name, value)| (name.clone(), value)),
        _ => None,
    }
}

fn write(data: &Path, directory: &Path) {
    std::fs::create_dir_all(directory).expect("it can be made");
    let mut export = Vec::new();
    bot::journal::export(data, &mut export).expect("it can be exported");
    let (state, _, _) = ReadOnly::open(data).and_then(|mut store| store.bring_back()).expect("it can be read");
    let key = bot::checkpoints::key::Key::open(data).expect("it can be read").expect("there is a key").public();
    std::fs::write(directory.join("story.jsonl"), export).expect("it is written");
    std::fs::write(directory.join("story.txt"), corpus::told(&state)).expect("it is written");
    std::fs::write(directory.join("key.txt"), format!("{key}\n")).expect("it is written");
    let to = directory.join("data");
    std::fs::create_dir_all(to.join("journal")).expect("it can be made");
    let mut files = vec!["checkpoints.jsonl".to_owned()];
    let names = std::fs::read_dir(data.join("journal")).expect("the journal").flatten();
    files.extend(names.map(|entry| format!("journal/{}", entry.file_name().to_string_lossy())));
    for file in files {
        std::fs::copy(data.join(&file), to.join(&file)).expect("it is copied");
    }
}
