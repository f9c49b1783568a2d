//! The story, as `muster demo --headless --story` plays it, and the README's transcript of it.

use bot::demo::{story, time, transcript};
use tests::World;

#[tokio::test]
async fn the_story_ends_as_the_readme_shows() {
    let world = World::start().await;
    world.moves_runs_by_the_clock();
    for step in story::steps() {
        world.plays(&step).await;
    }
    let readme = include_str!("../../../README.md");
    let shown = readme.split("```text\n").find(|block| block.starts_with("=== Slack"));
    let shown = shown.and_then(|block| block.split("```").next()).expect("the README has the transcript");
    let played = transcript(&world.sandbox);
    let (is, was) = (without_seconds(&played), without_seconds(shown));
    assert_eq!(is.trim_end(), was.trim_end(), "the README's transcript is to be brought up to date:\n{played}");
}

/// How many seconds a deploy took depends on how far the clock is moved where everybody waits for it, which a busy
/// machine changes by one.
fn without_seconds(transcript: &str) -> String {
    let mut parts = transcript.split(" · done in ");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(" · done in some");
        out.push_str(part.trim_start_matches(|it: char| it.is_ascii_digit()));
    }
    out
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
