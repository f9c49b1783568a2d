//! Slack's limits are kept to before a 429 has to say so.

use std::time::Duration;

use operations::ids::{MessageRef, Platform};

use crate::common::pass_until;
use crate::world::{World, plain};

#[tokio::test]
async fn edits_of_all_cards_together_keep_to_fifty_a_minute() {
    let world = World::with_limits(true).await;
    let mut cards = Vec::new();
    for channel in ["general", "alerts"] {
        let channel = world.channel(channel);
        let message = world.chat.post(&channel, None, &plain("0"), channel.as_str()).await.expect("posted");
        cards.push(MessageRef { platform: Platform::Slack, channel, message });
    }
    let done = std::cell::Cell::new(false);
    let edits = async {
        for number in 1..=130 {
            world.chat.edit(&cards[number % 2], &plain(&number.to_string()), "fx").await.expect("edited");
        }
        done.set(true);
    };
    let ((), passed) = tokio::join!(edits, pass_until(&world.clock, "130 edits", || done.get()));
    assert!(passed >= Duration::from_secs(120), "fifty a minute: {passed:?}");
    assert!(world.sandbox.slack.requests().iter().all(|request| request.status == 200), "never a 429");
}

#[tokio::test]
async fn each_channel_has_a_message_a_second_beside_the_others() {
    let world = World::with_limits(true).await;
    let done = std::cell::Cell::new(0);
    let posts = async |channel: &str| {
        for number in 0..12 {
            let key = format!("{channel}-{number}");
            world.chat.post(&world.channel(channel), None, &plain("x"), &key).await.expect("posted");
        }
        done.set(done.get() + 1);
    };
    let all = async { tokio::join!(posts("general"), posts("alerts")) };
    let (_, passed) = tokio::join!(all, pass_until(&world.clock, "24 posts", || done.get() == 2));
    assert!(passed >= Duration::from_secs(9) && passed < Duration::from_secs(13), "{passed:?}");
    assert!(world.sandbox.slack.requests().iter().all(|request| request.status == 200), "never a 429");
}
