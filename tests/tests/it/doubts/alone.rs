//! Calls that the bot makes only in rare cases, made by the client alone and tried again as the outbox would.

use std::sync::Arc;

use bot::outbox::after_failure;
use commands::answers::again;
use integrations::chat::discord::inbound::{Parsed, parse};
use integrations::chat::socket::{Arrival, State};
use integrations::chat::{Called, Chat, Failure, discord, slack};
use integrations::clock::{Clock, after};
use integrations::http::http_client;
use integrations::secret::Secret;
use operations::card::{Card, Colour};
use operations::channels::Unusable;
use operations::chat::{Act, ReplyTo};
use operations::ids::{ChannelId, MessageId, MessageRef, Platform};
use operations::text::Text;
use tests::World;
use tokio::sync::mpsc;

/// More attempts than any of these faults needs.
const MOST: u32 = 10;

pub(super) async fn scenes(world: &World) {
    on_slack(world).await;
    on_discord(world).await;
}

/// Tries as the outbox does; `act` is told whether an earlier attempt may have worked.
async fn carried<T>(world: &World, mut act: impl AsyncFnMut(bool) -> Called<T>) -> T {
    let mut suspect = false;
    for attempts in 0..MOST {
        let failure = match act(suspect).await {
            Ok(done) => return done,
            Err(Failure::Permanent { why, .. }) => panic!("refused: {why}"),
            Err(failure) => failure,
        };
        let (wait, doubt) = after_failure(&failure, attempts);
        suspect |= doubt;
        world.clock.sleep_until(after(world.clock.now(), wait)).await;
    }
    panic!("it does not come about");
}

async fn reply(world: &World, chat: &Chat, to: &ReplyTo, card: &Card, key: &str) {
    carried(world, async |suspect| match suspect {
        true => chat.reply_again(to, card, &again(card), key).await,
        false => chat.reply(to, card, key).await,
    })
    .await;
}

fn card(words: &str) -> Card {
    Card::coloured(Colour::Firing, Text::new().plain(words))
}

async fn on_slack(world: &World) {
    let sandbox = &world.sandbox.slack;
    let config = slack::Config {
        api_url: sandbox.api_url(),
        app_token: None,
        bot_token: Secret::new(sandbox.bot_token()),
        sockets: 1,
    };
    let chat =
        Chat::Slack(slack::Client::new(&config, http_client().expect("a client"), Arc::new(world.clock.clone())));
    let room = ChannelId::from(world.slack().channel("inc-1-…").id);
    let user = sandbox.user_id("cleo").expect("a person");
    // Nobody knows any more where it was asked.
    let to = ReplyTo::Slack { response_url: None, trigger: None, channel: ChannelId::from(""), user, thread: None };
    world.while_working(reply(world, &chat, &to, &card("Your note is kept"), "fx-1")).await;
    // Whether a channel that could not be used can be again.
    world.while_working(carried(world, async |_| chat.look_at(&room, Unusable::NotIn).await)).await;
    world.while_working(carried(world, async |_| chat.archive(&room).await)).await;
}

async fn on_discord(world: &World) {
    let sandbox = &world.sandbox.discord;
    let config = discord::Config {
        api_url: sandbox.api_url(),
        bot_token: Secret::new(sandbox.bot_token()),
        guild: sandbox.guild().to_owned(),
        category: None,
    };
    let client = discord::Client::new(&config, http_client().expect("a client"), Arc::new(world.clock.clone()));
    let (inbox, mut arrivals) = mpsc::channel(64);
    let socket = client.connect(None, inbox);
    let mut health = socket.health.clone();
    let up = health.wait_for(|health| health.state == State::Connected);
    world.while_working(async { up.await.map(|_| ()) }).await.expect("it connects");
    let chat = Chat::Discord(client);
    // An interaction that was answered already is answered once more, and one that is not known any more directly.
    let general = world.discord().channel("general").id;
    let asks = sandbox.types("cleo", &general, "/incident list");
    let answers = async {
        let to = asked(&chat, &mut arrivals).await;
        reply(world, &chat, &to, &card("One"), "fx-2").await;
        reply(world, &chat, &to, &card("Two"), "fx-3").await;
    };
    let (asked, ()) = world.while_working(async { tokio::join!(asks, answers) }).await;
    asked.expect("Cleo may ask");
    let user = sandbox.user_id("cleo").expect("a person");
    let to = ReplyTo::Discord {
        interaction: "1".to_owned(),
        token: "t".to_owned(),
        channel: ChannelId::from(general),
        user,
    };
    world.while_working(reply(world, &chat, &to, &card("Your note is kept"), "fx-4")).await;
    let room = world.discord().channel("inc-1-…");
    let said = MessageId::from(room.message("the disk is full").id);
    let room = ChannelId::from(room.id);
    world.while_working(carried(world, async |_| chat.look_at(&room, Unusable::NotIn).await)).await;
    // Who marked a message while nobody listened.
    let message = MessageRef { platform: Platform::Discord, channel: room.clone(), message: said };
    let Chat::Discord(client) = &chat else { panic!("Discord") };
    world.while_working(carried(world, async |_| client.reacted(&message, "📌").await)).await;
    world.while_working(carried(world, async |_| chat.archive(&room).await)).await;
    socket.task.abort();
}

/// The next command; all else that arrives is kept and passed over.
async fn asked(chat: &Chat, arrivals: &mut mpsc::Receiver<Arrival>) -> ReplyTo {
    let Chat::Discord(client) = chat else { panic!("Discord") };
    loop {
        let arrival = arrivals.recv().await.expect("the socket is there");
        let me = client.identity().await;
        let parsed = me.map(|me| parse(&serde_json::from_str(&arrival.raw).expect("JSON"), &me));
        arrival.kept.send(()).expect("somebody waits for it");
        if let Ok(Ok(Parsed::Act(inbound))) = parsed
            && let Act::Command { reply, .. } = inbound.what
        {
            return reply;
        }
    }
}
