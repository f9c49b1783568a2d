//! A Discord, the bot's side of it, and the people there.

use std::sync::Arc;

use integrations::chat::discord::inbound::{Parsed, parse};
use integrations::chat::discord::{Client, Config, gateway};
use integrations::chat::socket::{Arrival, Session, Socket};
use integrations::chat::{Chat, Failure, Refused};
use integrations::clock::ManualClock;
use integrations::http::http_client;
use integrations::secret::Secret;
use operations::card::{Card, Colour};
use operations::channels::Unusable;
use operations::chat::{CommandSpec, Inbound, OptionSpec, SubcommandSpec, Takes};
use operations::ids::{ChannelId, MessageId, MessageRef, Platform};
use operations::text::Text;
use sandbox::Sandbox;
use sandbox::faults::CallFault;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::common::{clock, pass_until, sandbox, until};

/// The routes that faults are ordered for.
pub(crate) const POST: &str = "POST /channels/{channel.id}/messages";
pub(crate) const EDIT: &str = "PATCH /channels/{channel.id}/messages/{message.id}";
pub(crate) const CALLBACK: &str = "POST /interactions/{interaction.id}/{interaction.token}/callback";

/// A Discord, and the bot's side of it.
pub(crate) struct World {
    pub(crate) clock: ManualClock,
    pub(crate) sandbox: Sandbox,
    pub(crate) chat: Chat,
}

impl World {
    pub(crate) async fn new() -> World {
        World::with_limits(false).await
    }

    pub(crate) async fn with_limits(rate_limits: bool) -> World {
        let clock = clock();
        let sandbox = sandbox(&clock, rate_limits).await;
        let client = Client::new(&config(&sandbox), http_client().expect("a client"), Arc::new(clock.clone()));
        World { clock, sandbox, chat: Chat::Discord(client) }
    }

    pub(crate) fn client(&self) -> &Client {
        match &self.chat {
            Chat::Discord(client) => client,
            Chat::Slack(_) => panic!("Discord"),
        }
    }

    pub(crate) fn user(&self, name: &str) -> String {
        self.sandbox.discord.user_id(name).expect("a person")
    }

    pub(crate) fn general(&self) -> ChannelId {
        ChannelId::from(self.sandbox.discord.channel_id("general").expect("a channel"))
    }

    pub(crate) fn message(&self, id: &MessageId) -> MessageRef {
        MessageRef { platform: Platform::Discord, channel: self.general(), message: id.clone() }
    }

    /// A channel as people see it.
    pub(crate) fn seen(&self, channel: &ChannelId) -> Value {
        let view = self.sandbox.discord.view();
        let channels = view["channels"].as_array().expect("channels");
        channels.iter().find(|it| it["id"] == channel.as_str()).expect("the channel").clone()
    }

    pub(crate) fn messages(&self) -> Vec<Value> {
        self.seen(&self.general())["messages"].as_array().expect("messages").clone()
    }

    /// Messages in the direct channel with somebody.
    pub(crate) fn direct_messages(&self, user: &str) -> Vec<Value> {
        let view = self.sandbox.discord.view();
        let found = view["channels"].as_array().expect("channels").iter().find(|it| it["dm"] == user).cloned();
        found.map(|it| it["messages"].as_array().expect("messages").clone()).unwrap_or_default()
    }

    pub(crate) fn calls(&self, route: &str) -> usize {
        self.sandbox.discord.requests().iter().filter(|request| request.route == route).count()
    }

    pub(crate) fn fault(&self, route: &str, fault: CallFault) {
        self.sandbox.discord.fault(route, 1, fault);
    }

    pub(crate) async fn post(&self, card: &Card, key: &str) -> Result<MessageId, Failure> {
        self.chat.post(&self.general(), None, card, key).await
    }

    /// Does something while the clock moves.
    pub(crate) async fn while_time_passes<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = Box::pin(work);
        let mut done = None;
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        pass_until(&self.clock, "it is done", || {
            if let std::task::Poll::Ready(outcome) = work.as_mut().poll(&mut context) {
                done = Some(outcome);
            }
            done.is_some()
        })
        .await;
        done.expect("it was waited for")
    }

    pub(crate) fn start(&self, resume: Option<Session>) -> (Socket, mpsc::Receiver<Arrival>) {
        let (inbox, arrivals) = mpsc::channel(1024);
        let http = http_client().expect("a client");
        (gateway::start(&config(&self.sandbox), http, Arc::new(self.clock.clone()), resume, inbox), arrivals)
    }

    /// Connects, and takes what is told of the session's beginning.
    pub(crate) async fn connect(&self) -> (Socket, mpsc::Receiver<Arrival>) {
        let (socket, mut arrivals) = self.start(None);
        let health = socket.health.clone();
        until("the session is begun", || health.borrow().connects == 1).await;
        let ready = arrival(&mut arrivals).await;
        ready.kept.send(()).expect("somebody waits for it");
        until("its beginning is kept", || health.borrow().kept >= 1).await;
        (socket, arrivals)
    }

    /// Writes as Ann.
    pub(crate) async fn says(&self, words: &str) {
        let (ann, general) = (self.user("ann"), self.general());
        self.sandbox.discord.types(&ann, general.as_str(), words).await.expect("Ann may say that");
    }

    /// The next act; what is none is kept and passed over.
    pub(crate) async fn next(&self, arrivals: &mut mpsc::Receiver<Arrival>) -> Inbound {
        loop {
            let arrival = arrival(arrivals).await;
            let parsed = self.parse(&arrival).await;
            arrival.kept.send(()).expect("somebody waits for it");
            if let Parsed::Act(inbound) = parsed {
                return *inbound;
            }
        }
    }

    pub(crate) async fn parse(&self, arrival: &Arrival) -> Parsed {
        let me = self.client().identity().await.expect("an identity");
        parse(&serde_json::from_str(&arrival.raw).expect("JSON"), &me).expect("a payload that can be read")
    }

    pub(crate) fn nothing_was_malformed(&self) {
        assert_eq!(self.sandbox.discord.unexpected(), Vec::<String>::new());
        assert_eq!(self.sandbox.discord.missing_allowed_mentions(), Vec::<String>::new());
    }
}

/// The next arrival, which comes soon or never.
pub(crate) async fn arrival(arrivals: &mut mpsc::Receiver<Arrival>) -> Arrival {
    let mut arrived = None;
    until("something arrives", || {
        arrived = arrived.take().or_else(|| arrivals.try_recv().ok());
        arrived.is_some()
    })
    .await;
    arrived.expect("it was waited for")
}

pub(crate) fn config(sandbox: &Sandbox) -> Config {
    Config {
        api_url: sandbox.discord.api_url(),
        bot_token: Secret::new(sandbox.discord.bot_token()),
        guild: sandbox.discord.guild().to_owned(),
        category: None,
    }
}

pub(crate) fn plain(words: &str) -> Card {
    Card::line(Text::new().plain(words))
}

pub(crate) fn card(words: &str) -> Card {
    Card::coloured(Colour::Firing, Text::new().plain(words))
}

/// A command with every kind of option.
pub(crate) fn commands() -> Vec<CommandSpec> {
    let option = |name, takes, required| OptionSpec { name, about: "What it is", takes, required };
    let subcommands = vec![
        SubcommandSpec {
            name: "declare",
            about: "Says that something is wrong",
            options: vec![
                option("title", Takes::Text, true),
                option("sev", Takes::Choice(vec![("SEV1", "1"), ("SEV2", "2")]), false),
            ],
        },
        SubcommandSpec {
            name: "role",
            about: "Gives a role",
            options: vec![option("incident", Takes::Incident, false), option("who", Takes::User, false)],
        },
    ];
    vec![CommandSpec { name: "incident", about: "Incidents", subcommands, options: Vec::new() }]
}

pub(crate) fn kind(failure: &Failure) -> Option<Refused> {
    match failure {
        Failure::Permanent { kind, .. } => Some(*kind),
        Failure::Transient { .. } | Failure::Unknown { .. } | Failure::Channel { .. } => None,
    }
}

/// Why the channel can't be used, where that is what the failure says.
pub(crate) fn unusable(failure: &Failure) -> Option<Unusable> {
    match failure {
        Failure::Channel { why, .. } => Some(*why),
        Failure::Permanent { .. } | Failure::Transient { .. } | Failure::Unknown { .. } => None,
    }
}

pub(crate) fn is_transient<T: std::fmt::Debug>(outcome: &Result<T, Failure>) -> bool {
    matches!(outcome, Err(Failure::Transient { .. }))
}

pub(crate) fn is_unknown<T: std::fmt::Debug>(outcome: &Result<T, Failure>) -> bool {
    matches!(outcome, Err(Failure::Unknown { .. }))
}
