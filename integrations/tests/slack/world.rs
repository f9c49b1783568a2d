//! A Slack, the bot's side of it, and the people there.

use std::sync::Arc;

use integrations::chat::slack::inbound::{Parsed, parse};
use integrations::chat::slack::{Client, Config, socket};
use integrations::chat::socket::{Arrival, Socket};
use integrations::chat::{Chat, Failure, Refused};
use integrations::clock::ManualClock;
use integrations::http::http_client;
use integrations::secret::Secret;
use operations::card::Card;
use operations::channels::Unusable;
use operations::chat::Inbound;
use operations::ids::{ChannelId, MessageId};
use operations::text::Text;
use sandbox::Sandbox;
use sandbox::faults::CallFault;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::common::{clock, sandbox, until};

/// A Slack, and the bot's side of it.
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
        let client = Client::new(&config(&sandbox, 1), http_client().expect("a client"), Arc::new(clock.clone()));
        World { clock, sandbox, chat: Chat::Slack(client) }
    }

    pub(crate) fn channel(&self, name: &str) -> ChannelId {
        ChannelId::from(self.sandbox.slack.channel_id(name).expect("a channel"))
    }

    pub(crate) fn user(&self, name: &str) -> String {
        self.sandbox.slack.user_id(name).expect("a person")
    }

    pub(crate) fn general(&self) -> ChannelId {
        self.channel("general")
    }

    /// What people see in a channel.
    pub(crate) fn messages(&self, channel: &ChannelId) -> Vec<Value> {
        let view = self.sandbox.slack.view();
        let channels = view["channels"].as_array().expect("channels");
        let found = channels.iter().find(|it| it["id"] == channel.as_str()).expect("the channel");
        found["messages"].as_array().expect("messages").clone()
    }

    pub(crate) fn calls(&self, method: &str) -> usize {
        self.sandbox.slack.requests().iter().filter(|request| request.method == method).count()
    }

    pub(crate) fn fault(&self, method: &str, fault: CallFault) {
        self.sandbox.slack.fault(method, 1, fault);
    }

    pub(crate) async fn post(&self, key: &str) -> Result<MessageId, Failure> {
        self.chat.post(&self.general(), None, &plain("It burns"), key).await
    }

    /// Connects `sockets` connections and waits until they are greeted.
    pub(crate) async fn connect(&self, sockets: usize) -> (Socket, mpsc::Receiver<Arrival>) {
        let (socket, arrivals) = self.start(sockets);
        let health = socket.health.clone();
        until("all connections are greeted", || health.borrow().connects == sockets as u64).await;
        (socket, arrivals)
    }

    pub(crate) fn start(&self, sockets: usize) -> (Socket, mpsc::Receiver<Arrival>) {
        let (inbox, arrivals) = mpsc::channel(1024);
        let http = http_client().expect("a client");
        (socket::start(&config(&self.sandbox, sockets), http, Arc::new(self.clock.clone()), inbox), arrivals)
    }

    /// Says something as Ann; what the bot reads of it.
    pub(crate) async fn heard(&self, arrivals: &mut mpsc::Receiver<Arrival>, words: &str) -> Inbound {
        // A command is waited for until it is acknowledged, so it has to be taken meanwhile.
        let (ann, general) = (self.user("ann"), self.general());
        let (typed, inbound) =
            tokio::join!(self.sandbox.slack.types(&ann, general.as_str(), words, None), self.next(arrivals));
        typed.expect("Ann may say that");
        inbound
    }

    /// Clicks as Ann; what the bot reads of it.
    pub(crate) async fn clicked(
        &self,
        arrivals: &mut mpsc::Receiver<Arrival>,
        message: &MessageId,
        button: &str,
    ) -> Inbound {
        let (ann, general) = (self.user("ann"), self.general());
        let click = self.sandbox.slack.clicks(&ann, general.as_str(), message.as_str(), button);
        let (clicked, inbound) = tokio::join!(click, self.next(arrivals));
        clicked.expect("Ann may click that");
        inbound
    }

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
        let Chat::Slack(client) = &self.chat else { panic!("Slack") };
        let bot = client.identity().await.expect("an identity");
        parse(&serde_json::from_str(&arrival.raw).expect("JSON"), &bot).expect("a payload that can be read")
    }

    pub(crate) async fn all_is_acknowledged(&self) {
        until("all is acknowledged", || self.sandbox.slack.unacked() == 0).await;
    }

    pub(crate) fn nothing_was_malformed(&self) {
        assert_eq!(self.sandbox.slack.unexpected(), Vec::<String>::new());
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

pub(crate) fn config(sandbox: &Sandbox, sockets: usize) -> Config {
    Config {
        api_url: sandbox.slack.api_url(),
        app_token: Some(Secret::new(sandbox.slack.app_token())),
        bot_token: Secret::new(sandbox.slack.bot_token()),
        sockets,
    }
}

pub(crate) fn plain(words: &str) -> Card {
    Card::line(Text::new().plain(words))
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
