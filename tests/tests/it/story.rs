//! The story, as `muster demo --headless --story` plays it, and the README's transcript of it.

use std::time::Duration;

use bot::demo::story::{self, Player};
use bot::demo::{time, transcript};
use integrations::clock::Clock;
use jiff::SignedDuration;
use tests::World;

#[tokio::test]
async fn the_story_ends_as_the_readme_shows() {
    let world = World::start().await;
    for step in story::steps() {
        let at = time::beginning() + SignedDuration::from_secs(step.second);
        if let Ok(wait) = Duration::try_from(at.duration_since(world.clock.now())) {
            world.advance(wait).await;
        }
        let player = Player {
            sandbox: &world.sandbox,
            hooks: format!("http://{}", world.bot().address),
            http: world.http.clone(),
            began: time::beginning() - SignedDuration::from_mins(4),
        };
        world.while_working(player.act(&step.does)).await.unwrap_or_else(|why| panic!("{}: {why}", step.title));
        world.settle().await;
        assert_eq!(player.missing(&step), None, "{}", step.title);
    }
    let readme = include_str!("../../../README.md");
    let shown = readme.split("```text\n").find(|block| block.starts_with("=== Slack"));
    let shown = shown.and_then(|block| block.split("```").next()).expect("the README has the transcript");
    let played = transcript(&world.sandbox);
    assert_eq!(played.trim_end(), shown.trim_end(), "the README's transcript is to be brought up to date:\n{played}");
}

#[tokio::test]
async fn the_command_that_the_page_shows_fires_an_alert() {
    let world = World::start().await;
    let body = story::alert_by_hand(true, time::beginning());
    assert!(!body.to_string().contains('\''), "it stands between single quotes");
    assert_eq!(world.hook(body.to_string()).await, 200);
    world.settle().await;
    assert_eq!(world.discord().channel("alerts").count("HighErrorRate"), 1);
    assert_eq!(world.hook(story::alert_by_hand(false, time::beginning()).to_string()).await, 200);
    world.settle().await;
    assert_eq!(world.discord().channel("alerts").count("resolved after"), 1);
}
