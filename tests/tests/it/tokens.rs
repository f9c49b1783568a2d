//! Tokens that are revoked: the chat pauses, it is told where it can be heard, and nothing is lost.

use std::time::Duration;

use integrations::secret::Secret;
use operations::ids::Platform;
use tests::World;

async fn minutes(world: &World, count: u32) {
    for _ in 0..count * 4 {
        world.advance(Duration::from_secs(15)).await;
    }
}

fn other(platform: Platform) -> Platform {
    match platform {
        Platform::Slack => Platform::Discord,
        Platform::Discord => Platform::Slack,
    }
}

fn revoke(world: &World, platform: Platform, revoked: bool) {
    match platform {
        Platform::Slack => world.sandbox.slack.revokes_token(revoked),
        Platform::Discord => world.sandbox.discord.revokes_token(revoked),
    }
}

/// Calls that were refused for want of a token that works.
fn refused(world: &World, platform: Platform) -> usize {
    let slack = world.sandbox.slack.requests();
    let discord = world.sandbox.discord.requests();
    match platform {
        Platform::Slack => slack.iter().filter(|call| call.error.as_deref() == Some("token_revoked")).count(),
        Platform::Discord => discord.iter().filter(|call| call.status == 401).count(),
    }
}

/// Cards and answers that many lanes have to deliver.
async fn work(world: &World, from: u32) {
    for number in from..from + 5 {
        world.alerts(&format!("Probe{number}"), &[("db-1", true)]).await;
    }
    world.settle().await;
}

async fn ready(world: &World) -> (u16, String) {
    let answer = reqwest::get(format!("http://{}/readyz", world.bot().address)).await.expect("it answers");
    (answer.status().as_u16(), answer.text().await.expect("text"))
}

/// Revokes a token while there is work for several lanes, and looks at everything that must hold meanwhile.
async fn refuse(world: &World, platform: Platform) {
    let (chat, other) = (world.chat(platform), world.chat(other(platform)));
    other.user("ann").types("general", "/incident declare Search is slow").await;
    revoke(world, platform, true);
    work(world, 0).await;
    other.user("ann").types("inc-1-…", "/incident note it is the index").await;
    let title = platform.title();
    let words = format!("{title} refuses Muster's token");
    world.soon(|_| other.channel("incidents").count(&words) > 0).await;
    assert_eq!(other.channel("incidents").count(&words), 1, "told at once: {}", other.channel("incidents").text());
    let (status, text) = ready(world).await;
    assert!(status == 503 && text.contains(&format!("trouble: {words}")), "{status} {text}");
    other.user("bob").types("general", "/muster status").await;
    let told = other.user("bob").was_told("general");
    assert!(told.contains(&words), "{told}");
    let before = refused(world, platform);
    minutes(world, 30).await;
    let tries = refused(world, platform) - before;
    assert!(tries <= 25, "{title}: {tries} calls were refused in thirty minutes");
    for words in [" can't be reached", "minutes behind"] {
        assert_eq!(other.channel("incidents").count(words), 0, "one trouble is enough: {words}");
    }
    assert_eq!(chat.channel("alerts").count("Probe"), 0);
}

/// Everything that was asked for meanwhile is there, once.
async fn delivered(world: &World, platform: Platform) {
    let chat = world.chat(platform);
    for number in 0..5 {
        assert_eq!(chat.channel("alerts").count(&format!("Probe{number}")), 1, "{}", chat.channel("alerts").text());
    }
    assert_eq!(chat.channel("inc-1-…").count("it is the index"), 1, "{}", chat.channel("inc-1-…").text());
    let again = "takes Muster's token again";
    world.soon(|world| world.chat(other(platform)).channel("incidents").count(again) > 0).await;
    assert_eq!(world.chat(other(platform)).channel("incidents").count(again), 1);
    let failed = world.bot().engine.read(|state| state.incidents.values().map(|it| it.failed.len()).sum::<usize>());
    assert_eq!(failed.await, Ok(0), "nothing was given up");
    assert_eq!(ready(world).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_works_again_delivers_everything_that_waited() {
    for platform in Platform::ALL {
        let world = World::start().await;
        refuse(&world, platform).await;
        revoke(&world, platform, false);
        minutes(&world, 7).await;
        delivered(&world, platform).await;
        // People are heard again.
        world.chat(platform).user("bob").types("inc-1-…", "/incident note heard again").await;
        assert_eq!(world.chat(other(platform)).channel("inc-1-…").count("heard again"), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_with_a_new_token_delivers_everything_that_waited() {
    for platform in Platform::ALL {
        let mut world = World::start().await;
        refuse(&world, platform).await;
        match platform {
            Platform::Slack => {
                let token = Secret::new(&world.sandbox.slack.renews_token());
                world.config.slack.as_mut().expect("Slack").bot_token = token;
            }
            Platform::Discord => {
                let token = Secret::new(&world.sandbox.discord.renews_token());
                world.config.discord.as_mut().expect("Discord").bot_token = token;
            }
        }
        world.stop().await;
        world.run(None).await;
        minutes(&world, 1).await;
        delivered(&world, platform).await;
    }
}
