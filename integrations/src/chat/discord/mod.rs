//! Discord: calls of its REST API, and its gateway.
//!
//! [`Client`] carries out what [`crate::chat::Chat`] promises; [`gateway`] brings what people
//! do and [`inbound`] reads it. What holds: nobody is ever notified but those whom a card
//! names; a message with an embed is found again by the address that the embed carries
//! unseen, any other by its nonce for a few minutes; an answer that comes too late for
//! Discord's means goes to the asker directly.

mod access;
mod answers;
mod call;
pub mod commands;
pub mod frame;
pub mod gateway;
pub mod inbound;
pub mod invite;
pub(super) mod limits;
pub mod missed;
mod people;
mod refusals;
pub mod render;
mod rooms;
mod session;
mod unmark;
mod words;

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use operations::card::Card;
use operations::chat::CommandSpec;
use operations::ids::{ChannelId, MessageId, MessageRef};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use self::inbound::Identity;

use self::call::{Caller, Problem};
use self::limits::{
    APPLICATION, COMMANDS, EDIT, ME, MESSAGES_OF, OPEN_DIRECT, PIN, PIN_BEFORE, POST, PUT_COMMANDS, Route,
};
use super::socket::{Inbox, Session, Socket};
use super::{Called, Failure};
use crate::clock::SharedClock;
use crate::secret::Secret;

/// Where Discord is, and what opens it.
#[derive(Clone, Debug)]
pub struct Config {
    /// The REST API: [`API_URL`], or a sandbox's.
    pub api_url: String,
    /// The bot's token.
    pub bot_token: Secret,
    /// The id of the server that Muster works in.
    pub guild: String,
    /// The id of the category in which channels are opened.
    pub category: Option<String>,
}

/// Discord's own REST API.
pub const API_URL: &str = "https://discord.com/api/v10";

/// How many plain messages are remembered, to be found again by what they say.
const REMEMBERED: usize = 500;
/// How long after it was sent a plain message is taken for ours by what it says.
const ALIKE: SignedDuration = SignedDuration::from_mins(10);

/// Makes calls in one server.
pub struct Client {
    caller: Caller,
    guild: String,
    category: Option<String>,
    identity: Mutex<Option<Identity>>,
    names: Mutex<HashMap<String, (Timestamp, String)>>,
    directs: Mutex<HashMap<String, ChannelId>>,
    sent: Mutex<VecDeque<Sent>>,
}

/// A message without an embed that was sent, or tried to be.
struct Sent {
    nonce: String,
    content: String,
    at: Timestamp,
}

impl Client {
    /// Nothing is called yet.
    #[must_use]
    pub fn new(config: &Config, http: reqwest::Client, clock: SharedClock) -> Client {
        Client {
            caller: Caller::new(&config.api_url, config.bot_token.clone(), http, clock),
            guild: config.guild.clone(),
            category: config.category.clone(),
            identity: Mutex::new(None),
            names: Mutex::new(HashMap::new()),
            directs: Mutex::new(HashMap::new()),
            sent: Mutex::new(VecDeque::new()),
        }
    }

    /// Connects to the gateway: see [`gateway::start`]. Limits and refusals are shared with this client's calls.
    #[must_use]
    pub fn connect(&self, resume: Option<Session>, inbox: Inbox) -> Socket {
        gateway::start_with(self.caller.clone(), resume, inbox)
    }

    pub(super) fn refused_lately(&self) -> usize {
        self.caller.refusals.count(self.caller.clock.now())
    }

    async fn call(&self, route: &Route, ids: &[&str], body: Option<&Value>) -> Result<Value, Problem> {
        self.caller.call(route, ids, &[], body).await
    }

    /// Asks Discord who the token belongs to. What it said is used from then on.
    ///
    /// # Errors
    /// [`super::Refused::Token`] where the token does not work; see [`Failure`].
    pub async fn check_token(&self) -> Called<Identity> {
        let user = self.call(&ME, &[], None).await?;
        let application = self.call(&APPLICATION, &[], None).await?;
        let field = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let identity = Identity {
            guild: self.guild.clone(),
            user_id: field(&user, "id"),
            application: field(&application, "id"),
            name: field(&user, "username"),
        };
        if identity.user_id.is_empty() || identity.application.is_empty() {
            let why = "GET /users/@me: the answer does not say who the bot is".to_owned();
            return Err(Failure::Transient { why, retry_after: None });
        }
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = Some(identity.clone());
        Ok(identity)
    }

    /// Who the bot is: asked once.
    ///
    /// # Errors
    /// See [`Client::check_token`].
    pub async fn identity(&self) -> Called<Identity> {
        let known = self.identity.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some(identity) => Ok(identity),
            None => self.check_token().await,
        }
    }

    pub(super) async fn register(&self, commands: &[CommandSpec]) -> Called<()> {
        let me = self.check_token().await?;
        let ids = [me.application.as_str(), self.guild.as_str()];
        let wanted = commands::body(commands);
        let there = self.call(&COMMANDS, &ids, None).await?;
        if !commands::same(&wanted, &there) {
            self.call(&PUT_COMMANDS, &ids, Some(&wanted)).await?;
            tracing::info!(commands = commands.len(), "Discord was told of the commands");
        }
        Ok(())
    }

    /// A thread is a channel of its own on Discord; where `thread` names a message, the card is a reply to it.
    pub(super) async fn post(
        &self,
        channel: &ChannelId,
        thread: Option<&MessageId>,
        card: &Card,
        key: &str,
    ) -> Called<MessageId> {
        let message = render::card(card);
        let mut body = message.body(&self.mark(channel, key));
        let nonce = digest(key);
        body["nonce"] = json!(nonce);
        body["enforce_nonce"] = json!(true);
        if let Some(thread) = thread {
            body["message_reference"] = json!({ "message_id": thread.0, "fail_if_not_exists": false });
        }
        if message.embed.is_none() {
            self.remember(nonce, message.content);
        }
        let answer = self.call(&POST, &[&channel.0], Some(&body)).await;
        message_id(&answer.map_err(|problem| access::of_channel(channel, problem, true))?)
    }

    fn remember(&self, nonce: String, content: String) {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.retain(|it| it.nonce != nonce);
        if sent.len() >= REMEMBERED {
            sent.pop_front();
        }
        sent.push_back(Sent { nonce, content, at: self.caller.clock.now() });
    }

    /// Looks through the newest 100 messages. Discord does not keep nonces (a message that is read later has none),
    /// so a plain message is found by what it said, by this process and for ten minutes; posting again with the
    /// same key brings the first one back for about as long.
    pub(super) async fn find_posted(
        &self,
        channel: &ChannelId,
        _thread: Option<&MessageId>,
        key: &str,
    ) -> Called<Option<MessageId>> {
        let me = self.identity().await?;
        let page = self.caller.call(&MESSAGES_OF, &[&channel.0], &[("limit", "100")], None).await;
        let page = page.map_err(|problem| access::of_channel(channel, problem, true))?;
        if page.as_array().is_some_and(Vec::is_empty) {
            self.may_look_back(channel).await?;
        }
        let (mark, nonce) = (self.mark(channel, key), digest(key));
        let alike = {
            let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
            sent.iter().find(|it| it.nonce == nonce).map(|it| (it.content.clone(), it.at))
        };
        let says = |message: &Value, pointer: &str, wanted: &str| {
            message.pointer(pointer).and_then(Value::as_str) == Some(wanted)
        };
        let is_it = |message: &&Value| {
            let same_words = || {
                let Some((content, at)) = &alike else { return false };
                let written = message.get("timestamp").and_then(Value::as_str).and_then(|at| at.parse().ok());
                // A clock may be a little ahead of Discord's.
                let near = |written: Timestamp| written.duration_since(*at).abs() <= ALIKE;
                says(message, "/content", content.trim()) && written.is_some_and(near)
            };
            says(message, "/author/id", &me.user_id)
                && (says(message, "/embeds/0/url", &mark) || says(message, "/nonce", &nonce) || same_words())
        };
        let found = page.as_array().into_iter().flatten().find(is_it);
        found.map(message_id).transpose()
    }

    pub(super) async fn edit(&self, message: &MessageRef, card: &Card, key: &str) -> Called<()> {
        let shown = render::card(card);
        let body = shown.body(&self.mark(&message.channel, key));
        let edited = self.call(&EDIT, &[&message.channel.0, &message.message.0], Some(&body)).await;
        let edited = edited.map_err(|problem| access::of_channel(&message.channel, problem, true))?;
        if shown.embed.is_some() && edited.get("embeds").and_then(Value::as_array).is_some_and(Vec::is_empty) {
            return Err(access::dropped(&message.channel));
        }
        Ok(())
    }

    pub(super) async fn pin(&self, message: &MessageRef) -> Called<()> {
        let ids = [message.channel.as_str(), message.message.as_str()];
        match self.call(&PIN, &ids, None).await {
            // There is no such route, rather than no such message.
            Err(problem) if problem.code == Some(0) && problem.is(super::Refused::Malformed) => {
                self.call(&PIN_BEFORE, &ids, None).await?;
            }
            other => {
                other.map_err(|problem| access::of_channel(&message.channel, problem, false))?;
            }
        }
        Ok(())
    }

    pub(super) async fn direct(&self, user: &str, card: &Card, key: &str) -> Called<MessageId> {
        self.post(&self.open_direct(user).await?, None, card, key).await
    }

    /// The conversation with somebody, which is asked for once.
    async fn open_direct(&self, user: &str) -> Called<ChannelId> {
        let known = self.directs.lock().unwrap_or_else(PoisonError::into_inner).get(user).cloned();
        let channel = match known {
            Some(channel) => channel,
            None => {
                let answer = self.call(&OPEN_DIRECT, &[], Some(&json!({ "recipient_id": user }))).await?;
                let Some(id) = answer.get("id").and_then(Value::as_str) else {
                    let why = "POST /users/@me/channels: the answer has no channel".to_owned();
                    return Err(Failure::Transient { why, retry_after: None });
                };
                let channel = ChannelId::from(id);
                let mut directs = self.directs.lock().unwrap_or_else(PoisonError::into_inner);
                if directs.len() < 5_000 {
                    directs.insert(user.to_owned(), channel.clone());
                }
                channel
            }
        };
        Ok(channel)
    }

    /// The address that a message's embed carries unseen: its own channel, and what it was posted for.
    fn mark(&self, channel: &ChannelId, key: &str) -> String {
        let channel = if words::is_snowflake(&channel.0) { channel.as_str() } else { "0" };
        format!("https://discord.com/channels/{}/{channel}#{}", self.guild, digest(key))
    }
}

/// A key as 25 characters, which is the longest nonce that Discord takes.
fn digest(key: &str) -> String {
    let mut text = String::new();
    for byte in Sha256::digest(key.as_bytes()) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.truncate(25);
    text
}

fn message_id(message: &Value) -> Called<MessageId> {
    let id = message.get("id").and_then(Value::as_str).filter(|id| words::is_snowflake(id));
    id.map(MessageId::from).ok_or_else(|| Failure::Unknown { why: "Discord's answer has no message id".to_owned() })
}
