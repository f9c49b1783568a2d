//! Limits that are for all calls together: refused calls, sessions, and calls a second.

use std::time::Duration;

use integrations::chat::socket::State;
use integrations::chat::{Chat, Failure};
use integrations::clock::Clock;
use operations::chat::ReplyTo;
use sandbox::faults::{CallFault, SocketFault};

use crate::common::{pass_until, until};
use crate::world::{CALLBACK, POST, World, plain};

const MEMBER: &str = "GET /guilds/{guild.id}/members/{user.id}";

/// An answer to somebody: each has a bucket of its own, and none is held back.
async fn answer(chat: &Chat, number: usize, channel: &operations::ids::ChannelId) -> Result<(), Failure> {
    let interaction = (1000 + number).to_string();
    let to = ReplyTo::Discord { interaction, token: "t".to_owned(), channel: channel.clone(), user: "1".to_owned() };
    chat.take(&to).await
}

async fn refuse(world: &World, from: usize, to: usize) {
    world.sandbox.discord.fault(CALLBACK, to - from, CallFault::Status { status: 403 });
    for number in from..to {
        assert!(answer(&world.chat, number, &world.general()).await.is_err());
    }
}

#[tokio::test]
async fn many_refused_calls_slow_everything_down_but_answers_and_more_stop_it() {
    let world = World::new().await;
    refuse(&world, 0, 999).await;
    let began = world.clock.now();
    for user in ["ann", "bo"] {
        world.chat.name_of(&world.user(user)).await.expect("as always");
    }
    refuse(&world, 999, 1000).await;
    assert_eq!(world.chat.refused_lately(), Some(1000));
    for number in 0..3 {
        let key = format!("E{number}");
        world.while_time_passes(world.post(&plain("slowly"), &key)).await.expect("posted");
    }
    let passed = world.clock.now().duration_since(began).as_secs();
    assert!((10..12).contains(&passed), "one in five seconds: {passed}");
    let before = world.clock.now();
    refuse(&world, 1000, 5000).await;
    assert_eq!(world.clock.now(), before, "answers go at once");
    let calls = world.sandbox.discord.requests().len();
    let stopped = world.post(&plain("not now"), "E9").await;
    let Err(Failure::Transient { retry_after: Some(wait), .. }) = stopped else { panic!("{stopped:?}") };
    assert_eq!(world.sandbox.discord.requests().len(), calls, "nothing was sent");
    assert!(wait > Duration::from_secs(580) && wait <= Duration::from_secs(600), "{wait:?}");
    assert!(
        answer(&world.chat, 9000, &world.general()).await.is_err(),
        "it was sent, and there is no such interaction"
    );
    assert_eq!(world.sandbox.discord.requests().len(), calls + 1);
    world.clock.advance(wait);
    world.while_time_passes(world.post(&plain("again"), "E9")).await.expect("posted");
    assert!(world.sandbox.discord.invalid_requests() < 10_000);
}

#[tokio::test]
async fn refusals_of_every_kind_are_counted_and_pass_out_of_the_count() {
    let world = World::new().await;
    for status in [401, 403, 429] {
        world.fault(MEMBER, CallFault::Status { status });
        assert!(world.while_time_passes(world.chat.name_of(&world.user("ann"))).await.is_err());
    }
    world.fault(MEMBER, CallFault::Status { status: 503 });
    assert!(world.while_time_passes(world.chat.name_of(&world.user("ann"))).await.is_err());
    assert_eq!(world.chat.refused_lately(), Some(3));
    assert_eq!(world.sandbox.discord.invalid_requests(), 3, "as Discord counts them");
    world.clock.advance(Duration::from_secs(600));
    assert_eq!(world.chat.refused_lately(), Some(0));
}

#[tokio::test]
async fn with_no_session_left_today_none_is_begun_and_it_is_said() {
    let world = World::new().await;
    world.sandbox.discord.leave_identifies(1);
    let (socket, _arrivals) = world.connect().await;
    assert_eq!(socket.health.borrow().sessions_left, Some(1), "as it was told before that one was begun");
    world.clock.advance(Duration::from_secs(60));
    world.sandbox.discord.socket_fault(SocketFault::InvalidSession { resumable: false }).await;
    let said = || match &socket.health.borrow().state {
        State::Connecting(Some(why)) => why.contains("no session may be begun any more today"),
        State::Connecting(None) | State::Connected | State::Refused(_) | State::Stopped(_) => false,
    };
    pass_until(&world.clock, "it is said", said).await;
    assert_eq!((world.sandbox.discord.identifies(), socket.health.borrow().sessions_left), (1, Some(0)));
    // Not before Discord's own word, and then by itself.
    world.clock.advance(Duration::from_secs(23 * 3600));
    crate::common::settle().await;
    assert_eq!(world.sandbox.discord.identifies(), 1);
    world.clock.advance(Duration::from_secs(3600));
    until("it is connected again", || socket.health.borrow().state == State::Connected).await;
    assert_eq!(world.sandbox.discord.identifies(), 2);
}

#[tokio::test]
async fn what_the_gateway_is_refused_is_counted_with_the_calls() {
    let world = World::new().await;
    world.sandbox.discord.fault("GET /gateway/bot", 1, CallFault::Status { status: 403 });
    let (inbox, _arrivals) = tokio::sync::mpsc::channel(8);
    let socket = world.client().connect(None, inbox);
    pass_until(&world.clock, "it is connected", || socket.health.borrow().state == State::Connected).await;
    assert_eq!(world.chat.refused_lately(), Some(1));
}

#[tokio::test]
async fn two_hundred_posts_at_once_keep_to_the_limit_of_all_calls() {
    let world = World::with_limits(true).await;
    let names = || async {
        for number in 0..40 {
            // Each channel has a bucket of its own, so that only the limit of all calls holds them up.
            let channel = operations::ids::ChannelId::from((7_000_000 + number).to_string());
            let _ = world.chat.post(&channel, None, &plain("x"), &format!("E{number}")).await;
        }
    };
    let all = async { tokio::join!(names(), names(), names(), names(), names()) };
    world.while_time_passes(all).await;
    assert_eq!(world.calls(POST), 200);
    let limited = world.sandbox.discord.requests().iter().filter(|it| it.status == 429).count();
    assert_eq!((limited, world.sandbox.discord.early_requests()), (0, 0));
}
