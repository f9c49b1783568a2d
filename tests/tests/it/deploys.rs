//! Deploys: from the question on one chat, with the approval from the other, to the record.

use std::time::Duration;

use operations::deploy::{How, Stage};
use operations::ids::DeployId;
use operations::state::State;
use sandbox::ci::Fault;
use tests::{Chat, World};

const DISPATCH: &str = "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches";

/// What the card of a deploy says on a chat.
fn card(chat: Chat<'_>, says: &str) -> String {
    chat.channel("deploys").message(says).text
}

/// Lets the run of the newest dispatch end.
async fn finishes(world: &World, conclusion: &str) {
    let dispatches = world.sandbox.ci.dispatches();
    let run = world.sandbox.ci.run(dispatches.last().expect("something was dispatched").run);
    let runs = |state: &State| state.open_deploys().filter(|it| it.stage == Stage::Running).map(|it| it.id).last();
    let id = world.read(runs).await;
    run.begin();
    run.finish(conclusion);
    // An older run is looked at less often.
    for _ in 0..4 {
        world.advance(Duration::from_secs(10)).await;
        if !world.read(move |state| id.is_some_and(|id| state.deploys[&id].stage == Stage::Running)).await {
            return;
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

/// The checkout of the sandbox, with more said of it.
fn checkout(more: &str) -> String {
    format!(
        "[checkout]\nowner = \"payments\"\nmatch = {{ service = \"checkout\" }}\n\
         pipeline = {{ on = \"ci\", repository = \"acme/checkout\", workflow = \"deploy.yml\" }}\n{more}\n"
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_is_planned_started_once_watched_and_told_of_on_both_chats() {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/deploy checkout@v142 to staging --reason the dates are wanted").await;
    let told = world.slack().user("ann").was_told("general");
    assert!(told.contains("D-1") && told.contains("checkout"), "{told}");
    for chat in world.chats() {
        let text = card(chat, "Deploy checkout");
        assert!(text.contains("v142") && text.contains("staging"), "{text}");
    }
    let dispatches = world.sandbox.ci.dispatches();
    assert_eq!(dispatches.len(), 1);
    assert_eq!(dispatches[0].inputs["environment"], "staging");
    assert!(dispatches[0].inputs["muster_id"].starts_with("muster-d1-"), "{:?}", dispatches[0].inputs);
    let run = world.sandbox.ci.run(dispatches[0].run);
    run.begin();
    run.step("migrate");
    world.soon(|world| world.chats().iter().all(|chat| card(*chat, "Deploy checkout").contains("migrate"))).await;
    for chat in world.chats() {
        let text = card(chat, "Deploy checkout");
        assert!(text.contains("migrate") && text.contains("2/3"), "{text}");
    }
    let notified = world.slack().notifications();
    run.finish("success");
    world.advance(Duration::from_secs(10)).await;
    for chat in world.chats() {
        let text = card(chat, "Deploy checkout");
        assert!(text.contains("done in") && !text.contains("not known to Muster"), "{text}");
    }
    assert_eq!(world.slack().notifications(), notified + 1, "whoever asked is told that it is done, and nobody else");
    world.discord().user("cleo").types("general", "/where checkout").await;
    let told = world.discord().user("cleo").was_told("general");
    assert!(told.contains("v142") && told.contains("nothing that Muster brought there"), "{told}");
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_takes_the_approval_of_another_person_on_either_chat() {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/deploy checkout@v142 to production").await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 0, "nobody has approved it");
    for chat in world.chats() {
        let text = card(chat, "Deploy checkout");
        assert!(text.contains("Needs 1 approval from") && text.contains("Bob"), "{text}");
        let it = chat.channel("deploys").message("Deploy checkout");
        chat.user("ann").clicks(&it, "Approve").await;
        let told = chat.user("ann").was_told("deploys");
        assert!(told.contains("You asked for D-1 yourself"), "{told}");
        chat.user("cleo").clicks(&it, "Approve").await;
        let told = chat.user("cleo").was_told("deploys");
        assert!(told.contains("You can't approve deploys of checkout in production"), "{told}");
    }
    world.slack().user("bob").types("general", "hey @muster approve D-1").await;
    world.discord().user("bob").types("general", "approve D-1").await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 0, "words in a message approve nothing");
    let it = world.discord().channel("deploys").message("Deploy checkout");
    world.discord().user("bob").clicks(&it, "Approve").await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 1);
    world.slack().user("bob").types("general", "/approve D-1").await;
    assert!(world.slack().user("bob").was_told("general").contains("does not wait for approval"));
    assert_eq!(world.sandbox.ci.dispatches().len(), 1, "an approval is for once");
    finishes(&world, "success").await;
    for chat in world.chats() {
        let text = card(chat, "Deploy checkout");
        assert!(text.contains("done in") && text.contains("Approved by Bob"), "{text}");
    }
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_is_void_when_what_was_asked_for_becomes_something_else() {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/deploy checkout@v142 to production").await;
    let shop = world.sandbox.ci.repository("acme/checkout");
    let moved = shop.push("main", "Something else", "Cleo");
    shop.tag("v142", &moved);
    world.discord().user("bob").types("general", "/approve D-1").await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 0, "the tag has moved since Bob looked at the plan");
    for chat in world.chats() {
        let text = card(chat, "Deploy checkout");
        assert!(text.contains("Needs 1 approval") && text.contains("Planned anew"), "{text}");
        assert!(text.contains(&moved[..7]), "the new commit is shown: {text}");
    }
    let it = world.discord().channel("deploys").message("Deploy checkout");
    world.discord().user("bob").clicks(&it, "Approve").await;
    assert_eq!(world.sandbox.ci.dispatches().last().map(|it| it.inputs["commit"].clone()), Some(moved));
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_approves_in_time_and_somebody_denies() {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/deploy checkout@v142 to production").await;
    world.advance(Duration::from_secs(601)).await;
    assert_eq!(world.how(1).await, Some(How::Expired));
    let it = world.slack().channel("deploys").message("expired");
    world.slack().user("ann").clicks(&it, "Retry").await;
    world.slack().user("bob").types("general", "/deny D-2 not on a Friday").await;
    assert_eq!(world.how(2).await, Some(How::Denied));
    assert!(card(world.slack(), "denied").contains("not on a Friday"));
    assert_eq!(world.sandbox.ci.dispatches().len(), 0);
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_at_a_time_in_each_environment_and_the_next_has_its_turn() {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/deploy checkout@v141 to staging").await;
    world.discord().user("bob").types("general", "/deploy start checkout environment:staging ref:v142").await;
    world.slack().user("ann").types("general", "/deploy checkout@v143 to staging").await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 1);
    assert!(card(world.slack(), "v142").contains("1 before it, D-1 is under way"), "{}", card(world.slack(), "v142"));
    assert!(card(world.slack(), "v143").contains("2 before it"), "{}", card(world.slack(), "v143"));
    finishes(&world, "success").await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 2, "the next has its turn");
    world.slack().user("ann").types("general", "/deploy cancel D-3").await;
    assert_eq!(world.how(3).await, Some(How::Cancelled));
    finishes(&world, "failure").await;
    assert_eq!(world.how(2).await, Some(How::Failed));
    assert_eq!(world.sandbox.ci.dispatches().len(), 2);
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_keeps_an_environment_for_one_person_until_it_ends() {
    let world = World::start().await;
    world.slack().user("bob").types("general", "/lock checkout staging for 30m the load test runs").await;
    assert!(world.discord().channel("deploys").text().contains("locked checkout in staging"));
    world.slack().user("ann").types("general", "/deploy checkout@v142 to staging").await;
    assert!(card(world.discord(), "Deploy checkout").contains("keeps the environment until"));
    world.slack().user("ann").types("general", "/lock checkout staging").await;
    assert!(world.slack().user("ann").was_told("general").contains("is locked by Bob"));
    world.advance(Duration::from_secs(23 * 60)).await;
    assert!(world.discord().channel("deploys").text().contains("do you still need the lock"));
    assert_eq!(world.sandbox.ci.dispatches().len(), 0);
    // Only whoever has it keeps it, also with an old button.
    let reminder = world.discord().channel("deploys").message("do you still need the lock");
    world.discord().user("ann").clicks(&reminder, "Keep it another hour").await;
    assert!(world.discord().user("ann").was_told("deploys").contains("is locked by Bob"));
    world.discord().user("bob").clicks(&reminder, "Keep it another hour").await;
    assert!(world.slack().channel("deploys").text().contains("keeps checkout in staging until"));
    world.advance(Duration::from_secs(30 * 60)).await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 0, "it is kept");
    world.advance(Duration::from_secs(38 * 60)).await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 1, "its time is over");
    world.discord().user("ann").clicks(&reminder, "Keep it another hour").await;
    assert!(world.discord().user("ann").was_told("deploys").contains("That lock is over already"));
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_freeze_holds_deploys_back_and_breaking_the_glass_tells_everybody_why() {
    let world = World::start().await;
    world.discord().user("bob").types("general", "/freeze scope:production until:18:00 reason:Black Friday").await;
    for chat in world.chats() {
        assert!(chat.channel("incidents").text().contains("froze production"), "{}", chat.channel("incidents").text());
    }
    world.slack().user("ann").types("general", "/deploy checkout@v142 to production").await;
    assert_eq!(world.how(1).await, Some(How::Refused));
    assert!(card(world.slack(), "refused").contains("rule freeze"), "{}", card(world.slack(), "refused"));
    world.slack().user("ann").types("general", "/deploy checkout@v142 to production --break-glass").await;
    assert!(world.slack().user("ann").was_told("general").contains("says why"));
    let line = "/deploy checkout@v142 to production --break-glass --reason we lose orders";
    world.slack().user("ann").types("general", line).await;
    world.discord().user("bob").types("general", "/approve").await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 1);
    for chat in world.chats() {
        let text = chat.channel("incidents").text();
        assert!(text.contains("goes through the freeze of production") && text.contains("we lose orders"), "{text}");
    }
    world.advance(Duration::from_secs(5 * 3600)).await;
    assert!(world.read(|state| state.freezes.is_empty()).await, "it is over by itself");
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_whose_answer_is_lost_is_looked_for_and_never_sent_again() {
    let world = World::start().await;
    world.sandbox.ci.fault(DISPATCH, 1, Fault::DropAfterWork);
    world.slack().user("ann").types("general", "/deploy checkout@v142 to staging").await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 1);
    world.advance(Duration::from_secs(30)).await;
    assert_eq!(world.stage(1).await, Some(Stage::Running), "its run carries its id");
    finishes(&world, "success").await;
    assert_eq!(world.how(1).await, Some(How::Succeeded));
    assert_eq!(world.sandbox.ci.dispatches().len(), 1);
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_find_is_unknown_until_somebody_says_how_it_is() {
    let world = World::start().await;
    world.sandbox.ci.fault(DISPATCH, 1, Fault::Status { status: 502 });
    world.slack().user("ann").types("general", "/deploy checkout@v142 to staging").await;
    world.advance(Duration::from_secs(100)).await;
    for chat in world.chats() {
        let text = card(chat, "Deploy checkout");
        assert!(text.contains("Nobody knows whether the pipeline started it"), "{text}");
        assert!(text.contains("Looked for its run 3 times"), "{text}");
    }
    world.discord().user("bob").types("general", "/deploy start checkout environment:staging ref:v143").await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 0, "nothing else goes there meanwhile");
    let it = world.discord().channel("deploys").message("Nobody knows whether the pipeline");
    world.discord().user("bob").clicks(&it, "It did not").await;
    assert_eq!(world.how(1).await, Some(How::NotStarted));
    assert_eq!(world.sandbox.ci.dispatches().len(), 1, "the next has its turn");
    assert_eq!(world.sandbox.ci.dispatches()[0].inputs["muster_id"].split('-').nth(1), Some("d2"));
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_goes_to_the_last_release_that_is_known_to_be_good() {
    let world = World::start().await;
    for version in ["v141", "v142", "v143"] {
        world.slack().user("ann").types("general", &format!("/deploy checkout@{version} to staging")).await;
        finishes(&world, "success").await;
        world.advance(Duration::from_secs(60)).await;
        if version == "v142" {
            world.alerts("Errors", &[("c-1", true)]).await;
            world.settle().await;
            let alert = world.slack().channel("alerts").message("Errors");
            assert!(alert.text.contains("v142"), "{}", alert.text);
            world.slack().user("ann").types("general", "/incident declare errors alert:A-1").await;
            world.slack().user("ann").types("inc-1-…", "/incident resolve").await;
            world.alerts("Errors", &[("c-1", false)]).await;
        }
    }
    world.discord().user("bob").types("general", "/rollback checkout environment:staging").await;
    let inputs = world.sandbox.ci.dispatches().last().map(|it| it.inputs.clone()).expect("a dispatch");
    let good =
        world.read(|state| state.deploys[&DeployId(1)].plan.as_ref().map(|it| it.commit().id.as_str().to_owned()));
    assert_eq!(Some(inputs["commit"].clone()), good.await, "v142 had an incident, so it is v141");
    finishes(&world, "success").await;
    assert_eq!(world.read(|state| state.deploys[&DeployId(3)].rolled_back).await, Some(DeployId(4)));
    world.slack().user("ann").types("general", "/rollback checkout staging to v143").await;
    finishes(&world, "success").await;
    assert_eq!(world.how(5).await, Some(How::Succeeded), "where somebody names it, it goes there");
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_well_in_one_environment_is_promoted_to_another() {
    let mut world = World::start().await;
    let more = "environments = { staging = {}, production = { approval = 1, order_after = \"staging\" } }";
    world.with_services(&checkout(more)).await;
    world.slack().user("ann").types("general", "/promote checkout staging to production").await;
    assert!(
        world.slack().user("ann").was_told("general").contains("nothing to promote")
            || world.slack().user("ann").was_told("general").contains("has not deployed anything")
    );
    world.slack().user("ann").types("general", "/deploy checkout@v142 to production").await;
    assert!(card(world.slack(), "refused").contains("rule in-order"), "{}", card(world.slack(), "refused"));
    world.slack().user("ann").types("general", "/deploy checkout@v142 to staging").await;
    finishes(&world, "success").await;
    world.slack().user("ann").types("general", "/promote checkout staging to production --reason it does well").await;
    world.discord().user("bob").types("general", "/approve").await;
    finishes(&world, "success").await;
    let runs = world.read(|state| state.running.values().map(|it| it.commit.id.clone()).collect::<Vec<_>>()).await;
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0], runs[1], "the same commit");
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_soon_after_a_deploy_goes_back_by_itself_where_that_is_said() {
    let mut world = World::start().await;
    let more = "environments = { production = { approval = 0 } }\non_alert = { then = \"rollback\", within = \"15m\" }";
    world.with_services(&checkout(more)).await;
    for version in ["v141", "v142"] {
        world.slack().user("ann").types("general", &format!("/deploy checkout@{version} to production")).await;
        finishes(&world, "success").await;
    }
    world.advance(Duration::from_secs(60)).await;
    world.alerts("Errors", &[("c-1", true)]).await;
    world.settle().await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 3, "it is going back");
    finishes(&world, "success").await;
    for chat in world.chats() {
        let text = card(chat, "Rollback checkout");
        assert!(text.contains("v141") && text.contains("A-1 opened soon after D-2"), "{text}");
        let alert = chat.channel("alerts").message("Errors").text;
        assert!(alert.contains("v142"), "the alert's card names the deploy: {alert}");
    }
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_is_verified_and_fails_where_an_alert_fires_meanwhile() {
    let mut world = World::start().await;
    let more = "environments = { production = { approval = 0 } }\nverify = { alert = \"*\", within = \"3m\" }";
    world.with_services(&checkout(more)).await;
    world.slack().user("ann").types("general", "/deploy checkout@v141 to production").await;
    finishes(&world, "success").await;
    assert!(matches!(world.stage(1).await, Some(Stage::Verifying { .. })));
    world.advance(Duration::from_secs(180)).await;
    assert!(card(world.slack(), "done in").contains("no alert fired"), "{}", card(world.slack(), "done in"));
    world.slack().user("ann").types("general", "/deploy checkout@v142 to production").await;
    finishes(&world, "success").await;
    world.alerts("Errors", &[("c-1", true)]).await;
    world.settle().await;
    assert_eq!(world.how(2).await, Some(How::Failed));
    let it = world.discord().channel("deploys").message("Deploy checkout v142");
    assert!(it.text.contains("A-1 opened while it was verified"), "{}", it.text);
    world.discord().user("bob").clicks(&it, "Roll back…").await;
    let told = world.discord().user("bob").was_told("deploys");
    assert!(told.contains("back to v141"), "what did well before it: {told}");
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_gate_of_the_pipeline_is_answered_from_chat_by_somebody_else() {
    let world = World::start().await;
    let shop = world.sandbox.ci.repository("acme/checkout");
    shop.environment("guarded", &[world.sandbox.ci.login().as_str()]);
    world.slack().user("ann").types("general", "/deploy checkout@v142 to staging").await;
    let run = world.sandbox.ci.run(world.sandbox.ci.dispatches()[0].run);
    run.wait_for_approval("guarded");
    world.advance(Duration::from_secs(10)).await;
    let it = world.slack().channel("deploys").message("Deploy checkout");
    assert!(it.text.contains("waits for") && it.text.contains("guarded"), "{}", it.text);
    world.slack().user("ann").clicks(&it, "Approve there").await;
    assert!(world.slack().user("ann").was_told("deploys").contains("yourself"));
    let it = world.discord().channel("deploys").message("Deploy checkout");
    world.discord().user("bob").clicks(&it, "Approve there").await;
    world.advance(Duration::from_secs(10)).await;
    assert_ne!(run.status(), "waiting", "the pipeline goes on");
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_deploy_shows_the_end_of_its_log_and_is_tried_again_as_another() {
    let world = World::start().await;
    world.slack().user("ann").types("general", "/deploy checkout@v142 to staging region=eu").await;
    assert_eq!(world.sandbox.ci.dispatches()[0].inputs["region"], "eu");
    let run = world.sandbox.ci.run(world.sandbox.ci.dispatches()[0].run);
    run.begin();
    run.step("migrate");
    run.log("column \"price\" is there already");
    run.finish("failure");
    world.advance(Duration::from_secs(15)).await;
    for chat in world.chats() {
        assert!(card(chat, "Deploy checkout").contains("failed at “migrate”"), "{}", card(chat, "Deploy checkout"));
    }
    let it = world.discord().channel("deploys").message("Deploy checkout");
    world.discord().user("bob").clicks(&it, "Retry").await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 2, "with another number");
    assert_eq!(world.sandbox.ci.dispatches()[1].inputs["region"], "eu");
    world.slack().user("ann").types("general", "/deploy cancel D-2").await;
    world.advance(Duration::from_secs(10)).await;
    assert_eq!(world.how(2).await, Some(How::Cancelled));
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_shows_the_plan_and_does_nothing_also_for_those_who_may_not_deploy() {
    let world = World::start().await;
    world.discord().user("cleo").types("general", "/deploy start checkout environment:production ref:v142").await;
    let told = world.discord().user("cleo").was_told("general");
    assert!(told.contains("You can't deploy checkout to production") && told.contains("--dry-run"), "{told}");
    world.slack().user("cleo").types("general", "/deploy checkout@v142 to production \u{2014}dry-run").await;
    assert_eq!(world.sandbox.ci.dispatches().len(), 0);
    assert!(card(world.slack(), "dry run").contains("planned"), "{}", card(world.slack(), "dry run"));
    all_expected(&world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_answered_with_the_next_thing_to_type_and_reaches_nobody() {
    let world = World::start().await;
    for (typed, says) in [
        ("/deploy chekout", "Did you mean checkout"),
        ("/deploy checkout to prodution", "It has: staging, production"),
        ("/deploy checkout", "Where do you want to deploy checkout?"),
        ("/deploy checkout@--upload-pack=x to staging", "begins with a hyphen"),
        ("/deploy checkout@a;b to staging", "“;” stands in it"),
        ("/deploy checkout@$(id) to staging", "stands in it"),
        ("/deploy checkout@${{x}} to staging", "stands in it"),
        ("/deploy checkout@\u{201c}main\u{201d} to staging", "quotation marks"),
        ("/deploy checkout@ma\u{202e}in to staging", "plain letters"),
        ("/deploy checkout@nothing-like-it to staging", "D-"),
        ("/deploy checkout to staging size=9", "There is no parameter size"),
        ("/deploy checkout to staging region=mars", "eu, us"),
        ("/deploy checkout to staging region=eu region=us", "said twice"),
        ("/deploy checkout to staging please", "more than I understand"),
        ("/deploy checkout to staging --dry-rum", "--dry-run"),
        ("/rollback checkout", "knows no earlier release"),
        ("/rollback checkout staging to v9", "knows no earlier release"),
        ("/promote checkout staging", "A promotion is"),
        ("/lock checkout staging for 9w", "from a minute to a week"),
        ("/unlock checkout staging", "is not locked"),
        ("/unfreeze", "Nothing is frozen"),
        ("/approve", "No deploy waits for approval"),
        ("/approve D-99", "There is no D-99"),
        ("/why D-99", "There is no D-99"),
        ("/why", "D-1"),
        ("/where nothing", "There is no service"),
        ("/freeze chekout", "froze"),
    ] {
        world.slack().user("ann").types("general", typed).await;
        let told = world.slack().user("ann").was_told("general");
        if says != "froze" {
            assert!(told.contains(says), "{typed}: {told}");
        }
    }
    assert_eq!(world.sandbox.ci.dispatches().len(), 0);
    all_expected(&world);
}
