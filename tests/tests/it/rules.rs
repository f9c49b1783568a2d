//! Who may do what: asked anew at every command, click, form and mark, on both chats.

use std::time::Duration;

use operations::accounts::Standing;
use operations::ids::Platform;
use sandbox::faults::CallFault;
use sandbox::slack::Membership;
use tests::World;

/// Only leads work incidents; Ann is one, and Cleo has left.
const RULES: &str = "@id(\"views\") @reason(\"Everybody may look.\") @who(\"everyone\")
permit (principal, action in Action::\"read\", resource);
@id(\"takes-alerts\") @reason(\"Everybody takes care of alerts.\") @who(\"everyone\")
permit (principal, action in [Action::\"acknowledge\", Action::\"declare\"], resource);
@id(\"leads-work\") @reason(\"Incidents are for leads.\") @who(\"role:lead\")
permit (principal in Role::\"lead\", action == Action::\"work\", resource);
@id(\"left\") @reason(\"This person has left.\") @fix(\"Ask the people team.\")
forbid (principal, action, resource) unless { principal.active };
";

/// Starts the bot again with these rules.
async fn ruled(world: &mut World, rules: &str) {
    world.stop().await;
    let directory = world.directory().to_owned();
    std::fs::create_dir_all(directory.join("policies")).expect("it can be made");
    std::fs::write(directory.join("policies/own.cedar"), rules).expect("a file");
    world.config = bot::demo::add_to_config(&directory, &world.sandbox, "").expect("it holds");
    world.run(None).await;
}

/// A world with the rules above.
async fn world() -> World {
    let mut world = World::start().await;
    let path = world.directory().join("people.toml");
    let people = std::fs::read_to_string(&path).expect("there are people");
    let people = people.replace("[people.cleo]\n", "[people.cleo]\nactive = false\n");
    let people = people.replace("[roles]\n", "[roles]\nlead = [\"ann\"]\nchief = []\n");
    std::fs::write(path, people).expect("a file");
    ruled(&mut world, RULES).await;
    world
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_rules_refuse_is_not_done_and_the_asker_is_told_which_rule_says_so() {
    let world = world().await;
    world.alerts("Disk", &[("db-1", true)]).await;
    world.settle().await;
    for chat in world.chats() {
        let card = chat.channel("alerts").message("Disk");
        chat.user("cleo").clicks(&card, "Acknowledge").await;
        let told = chat.user("cleo").was_told("alerts");
        assert!(told.contains("This person has left.") && told.contains("left"), "{told}");
        chat.user("cleo").types("general", "/alert list").await;
        assert!(chat.user("cleo").was_told("general").contains("Ask the people team."), "she may not even look");
    }
    assert!(!world.slack().channel("alerts").message("Disk").text.contains("Cleo"));
    world.slack().user("bob").types("general", "/incident declare Search is slow").await;
    for chat in world.chats() {
        chat.user("bob").types("inc-1-…", "/incident resolve").await;
        let told = chat.user("bob").was_told("inc-1-…");
        assert!(told.contains("You can't work on INC-1: no rule gives you that."), "{told}");
        assert!(told.contains("whoever has the role lead (Ann)"), "{told}");
        let headline = chat.channel("incidents").message("Search is slow");
        chat.user("bob").clicks(&headline, "Mitigated").await;
        chat.user("bob").types("inc-1-…", "the cache is cold").await;
        let said = chat.channel("inc-1-…").message("the cache is cold");
        chat.user("bob").marks(&said).await;
    }
    let done = world.read(|state| {
        let of = |it: &operations::incident::Incident| (it.is_open(), it.kept.len(), it.responders.len());
        state.incidents.values().map(|it| of(it)).collect::<Vec<_>>()
    });
    assert_eq!(done.await, [(true, 0, 1)], "nothing was done, and he does not take part: he has only declared it");
    assert_eq!(world.discord().user("bob").is_offered("incident show", "incident", "").await.len(), 1);
    assert_eq!(world.discord().user("cleo").is_offered("incident show", "incident", "").await.len(), 0);
    world.discord().user("ann").types("inc-1-…", "/incident resolve it is over").await;
    assert!(!world.read(|state| state.open_incidents().next().is_some()).await, "a lead may");
    for chat in world.chats() {
        assert_eq!(chat.unexpected(), [] as [String; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_was_taken_away_is_gone_with_the_next_click_also_on_an_old_card() {
    let mut world = world().await;
    world.slack().user("ann").types("general", "/incident declare Search is slow").await;
    let headline = world.slack().channel("incidents").message("Search is slow");
    ruled(&mut world, &RULES.replace("role:lead", "role:chief").replace("Role::\"lead\"", "Role::\"chief\"")).await;
    world.slack().user("ann").clicks(&headline, "Mitigated").await;
    let told = world.slack().user("ann").was_told("incidents");
    assert!(told.contains("no rule gives you that") && told.contains("the role chief"), "{told}");
    assert!(world.slack().channel("incidents").message("Search is slow").text.contains("investigating"));
    // Other rules are told of once, where operators look, and stand in the journal.
    for platform in Platform::ALL {
        let told = world.chat(platform).channel("incidents");
        assert_eq!(told.count("Other rules than before say who may do what"), 2, "{}", told.text());
    }
    world.stop().await;
    world.run(None).await;
    world.advance(Duration::from_secs(5)).await;
    let told = world.slack().channel("incidents");
    assert_eq!(told.count("Other rules than before"), 2, "the same rules are nothing new: {}", told.text());
    let version = world.config.policies.clone();
    let version = operations::policy::Gate::version(version.as_ref()).to_owned();
    assert_eq!(world.read(|state| state.policies.clone()).await, version);
}

/// Waits until the answer to who there is has arrived: of one account at most, that it stands so.
async fn knows(world: &World, standing: Option<Standing>) {
    for _ in 0..200 {
        let known = world.read(|state| state.accounts.all().map(|(_, standing)| standing).next()).await;
        if known == standing {
            return;
        }
        world.advance(Duration::from_secs(1)).await;
        world.pause(Duration::from_millis(2)).await;
    }
    panic!("nobody says so");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_does_nothing_until_an_administrator_or_people_toml_says_otherwise() {
    let mut world = World::start().await;
    world.alerts("Disk", &[("db-1", true)]).await;
    world.sandbox.slack.lets_in("kim", Membership::Guest);
    world.settle().await;
    let kim = world.slack().user("kim");
    let card = world.slack().channel("alerts").message("Disk");
    kim.clicks(&card, "Acknowledge").await;
    assert!(kim.was_told("alerts").contains("Guests of the workspace do nothing here"), "{}", kim.was_told("alerts"));
    for words in ["/deploy checkout to staging", "/incident declare It burns", "/alert list"] {
        kim.types("general", words).await;
        assert!(kim.was_told("general").contains("write them into people.toml"), "{}", kim.was_told("general"));
    }
    let done = world.read(|state| (state.deploys.len(), state.incidents.len())).await;
    assert_eq!((done, world.sandbox.ci.dispatches().len()), ((0, 0), 0));
    // It is known after a restart, also while Slack doesn't say it.
    world.stop().await;
    world.sandbox.slack.fault("users.list", 1_000, CallFault::Status { status: 503 });
    world.run(None).await;
    world.slack().user("kim").types("general", "/alert list").await;
    assert!(world.slack().user("kim").was_told("general").contains("Guests of the workspace"));
    // A full member after all: at the latest ten minutes later.
    world.sandbox.slack.clear_faults();
    world.sandbox.slack.makes("kim", Membership::Member).expect("there is one");
    world.advance(Duration::from_secs(605)).await;
    knows(&world, None).await;
    world.slack().user("kim").clicks(&card, "Acknowledge").await;
    let text = world.slack().channel("alerts").message("Disk").text;
    assert!(text.contains("Acknowledged by kim"), "as everybody may: {text}");
    assert_eq!(world.slack().unexpected(), [] as [String; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_deactivated_on_slack_neither_deploys_nor_approves_on_discord() {
    let world = World::start().await;
    world.sandbox.slack.makes("ann", Membership::Deactivated).expect("there is one");
    world.advance(Duration::from_secs(300)).await;
    world.slack().user("bob").types("general", "/deploy checkout@v142 to production").await;
    let card = world.discord().channel("deploys").message("Needs 1 approval");
    assert!(card.text.contains("Ann"), "she could, as far as is known: {}", card.text);
    // At the latest after ten minutes it is known.
    world.advance(Duration::from_secs(310)).await;
    knows(&world, Some(Standing::Left)).await;
    let ann = world.discord().user("ann");
    for words in ["/approve deploy:D-1", "/deploy start checkout environment:staging ref:v142", "/locks"] {
        ann.types("general", words).await;
        let told = ann.was_told("general");
        assert!(told.contains("This person has left"), "{words}: {told}");
    }
    ann.clicks(&card, "Approve").await;
    assert!(ann.was_told("deploys").contains("This person has left"));
    // Nobody is left who could approve what Bob asks for.
    world.slack().user("bob").types("general", "/deploy checkout@v141 to production").await;
    let text = world.discord().channel("deploys").text();
    assert_eq!(world.discord().channel("deploys").count("Needs 1 approval"), 1, "{text}");
    assert_eq!(world.sandbox.ci.dispatches().len(), 0);
    assert_eq!(world.discord().unexpected(), [] as [String; 0]);
}
