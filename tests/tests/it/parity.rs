//! The parity table: every command, typed on each chat, with what its answer and the other
//! chat then show. A command that has no row here fails the test.

use std::collections::BTreeSet;
use std::time::Duration;

use operations::ids::Platform;
use tests::World;

/// What is typed, in the incident's room, and what must then be seen.
struct Row {
    /// As the specification names it: `incident sev`.
    command: &'static str,
    typed: &'static str,
    /// What the asker alone is told.
    told: &'static str,
    /// What both rooms, or both channels for alerts, show.
    said: &'static str,
}

const fn row(command: &'static str, typed: &'static str, told: &'static str, said: &'static str) -> Row {
    Row { command, typed, told, said }
}

const TABLE: [Row; 46] = [
    row("incident help", "/incident help", "What you can do in the room of INC-1 now", ""),
    row("incident list", "/incident list", "1 incident is open", ""),
    row("incident show", "/incident show", "nobody yet", ""),
    row("incident sev", "/incident sev SEV1", "INC-1 is SEV1 now", "changed the severity from SEV3 to SEV1"),
    row("incident role", "/incident role commander", "INC-1: Commander: Ann", "is now Commander"),
    row(
        "incident note",
        "/incident note the cache is cold",
        "Your note is in the timeline of INC-1",
        "the cache is cold",
    ),
    row(
        "incident update",
        "/incident update we warm the cache",
        "Your update of INC-1 is posted on every chat",
        "we warm the cache",
    ),
    row(
        "incident action",
        "/incident action warm it at start",
        "It is one of the action items of INC-1 now",
        "warm it at start",
    ),
    row("incident timeline", "/incident timeline", "Timeline of INC-1", ""),
    row("incident mitigate", "/incident mitigate it is warm", "INC-1 is mitigated", "mitigated the incident"),
    row("incident resolve", "/incident resolve all is well", "INC-1 is resolved", "resolved the incident"),
    row("incident reopen", "/incident reopen cold again", "INC-1 is open again", "reopened the incident"),
    row(
        "incident postmortem",
        "/incident postmortem",
        "The postmortem of INC-1 is being written",
        "The postmortem is written",
    ),
    row("incident declare", "/incident declare Payments are slow", "is declared", ""),
    row("alert list", "/alert list", "1 alert fires", ""),
    row("alert show", "/alert show A-1", "no group of its key was open", ""),
    row("alert help", "/alert help", "/alert list", ""),
    row("alert ack", "/alert ack A-1", "You take care of A-1 now", ""),
    row("alert unack", "/alert unack A-1", "Nobody takes care of A-1 any more", ""),
    row("ack", "/ack A-1", "You take care of A-1 now", ""),
    row("alert takeover", "/alert takeover A-1", "A-1", ""),
    row("muster status", "/muster status", "Slack connected", ""),
    row("muster help", "/muster help", "/incident update", ""),
    row("deploy start", "/deploy start service:checkout environment:staging ref:v142", "D-1", ""),
    row("deploy status", "/deploy status", "1 deploy is under way", ""),
    row("deploy cancel", "/deploy cancel deploy:D-1", "The pipeline is asked to stop D-1", ""),
    row("deploy look", "/deploy look deploy:D-1", "D-1 stands as its card shows", ""),
    row("deploy ran", "/deploy ran deploy:D-1", "D-1 stands as its card shows", ""),
    row("deploy didnot", "/deploy didnot deploy:D-1", "D-1 stands as its card shows", ""),
    row("deploy gate", "/deploy gate answer:approve deploy:D-1", "somebody else approves it", ""),
    row("deploy retry", "/deploy retry deploy:D-1", "D-2", ""),
    row("deploy history", "/deploy history", "The last deploys", ""),
    row("deploy rollback", "/deploy rollback service:checkout environment:staging", "knows no earlier release", ""),
    row("deploy help", "/deploy help", "/deploy start", ""),
    row("rollback", "/rollback service:checkout environment:staging", "knows no earlier release", ""),
    row("promote", "/promote service:checkout from:staging to:production", "There is nothing to promote", ""),
    row("approve", "/approve deploy:D-1", "D-1 is over", ""),
    row("deny", "/deny deploy:D-1", "D-1 is over", ""),
    row("lock", "/lock service:checkout environment:production for:2h", "is yours until", ""),
    row("locks", "/locks", "Locked and frozen", ""),
    row("unlock", "/unlock service:checkout environment:production", "is not locked any more", ""),
    row("freeze", "/freeze scope:production for:2h", "You can't hold deploys back", ""),
    row("unfreeze", "/unfreeze", "Nothing is frozen", ""),
    row("changes", "/changes", "Changes to production", ""),
    row("where", "/where service:checkout", "what runs where", ""),
    row("why", "/why what:D-1", "why it is as it is", ""),
];

/// All commands of the specification: `incident sev`, `ack`.
fn specified() -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for command in commands::spec::spec() {
        if command.subcommands.is_empty() {
            all.insert(command.name.to_owned());
        }
        for subcommand in &command.subcommands {
            all.insert(format!("{} {}", command.name, subcommand.name));
        }
    }
    all
}

#[test]
fn every_command_of_the_specification_has_a_row() {
    let rows: BTreeSet<String> = TABLE.iter().map(|row| row.command.to_owned()).collect();
    assert_eq!(rows, specified(), "a command that is new gets a row in the table; one that is gone loses it");
}

#[test]
fn every_command_stands_in_slacks_manifest() {
    let spec = commands::spec::spec();
    let manifest = integrations::chat::slack::manifest::manifest(&spec).to_string();
    for command in &spec {
        assert!(manifest.contains(&format!("/{}\"", command.name)), "Slack's manifest lacks /{}", command.name);
    }
}

/// The other chat has to show it too: what is said in rooms is looked for on both.
async fn every_command_works(on: Platform) {
    let world = World::start().await;
    let ann = || world.chat(on).user("ann");
    world.alerts("HighErrorRate", &[("web-1", true)]).await;
    world.settle().await;
    ann().types("general", "/incident declare Search is slow").await;
    for row in &TABLE {
        if row.command == "deploy retry" {
            // A run that was asked to stop has stopped a moment later.
            world.advance(Duration::from_secs(20)).await;
        }
        ann().types("inc-1-…", row.typed).await;
        let told = ann().was_told("inc-1-…");
        assert!(told.contains(row.told), "{} on {}: {told}", row.typed, on.title());
        for chat in world.chats() {
            let said = row.said.is_empty() || chat.channel("inc-1-…").count(row.said) > 0;
            assert!(said, "{} on {}: not seen on {}", row.typed, on.title(), chat.platform.title());
        }
    }
    for chat in world.chats() {
        assert_eq!(chat.unexpected(), [] as [String; 0], "{}", chat.platform.title());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_works_in_slack() {
    every_command_works(Platform::Slack).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_works_in_discord() {
    every_command_works(Platform::Discord).await;
}
