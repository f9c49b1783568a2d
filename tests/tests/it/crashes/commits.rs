//! The story, with the bot killed before and after every commit.

use bot::crash::{Crash, Dies, Point};
use operations::ids::Platform;

use super::{each, in_a_world_of_its_own, workflows};

#[test]
fn the_story_ends_the_same_wherever_the_bot_is_killed() {
    let story = workflows::story();
    let counted = Crash::counted();
    let expected = in_a_world_of_its_own(&story, &counted);
    let lines = &expected.seen;
    assert!(lines.len() > 20, "{lines:#?}");
    assert!(lines.keys().any(|line| line.starts_with(Platform::Slack.title())), "{lines:#?}");
    let commits = counted.passes(Point::JournalSyncAfter);
    assert!(commits > 20, "the story takes many commits: {commits}");
    let halts: Vec<(Point, u64)> = (1..=commits)
        .flat_map(|number| [(Point::JournalAppendBefore, number), (Point::JournalSyncAfter, number)])
        .collect();
    each(&halts, |(point, number)| {
        let played = in_a_world_of_its_own(&story, &Crash::at(*point, *number, Dies::Bot));
        assert_eq!(played.differs(&expected), [] as [String; 0], "{point:?}, {number}");
    });
}
