//! Discord: calls of its REST API (version 10), and its gateway.
//!
//! [`Client`] carries out what [`crate::chat::Chat`] promises; [`gateway`] brings what people
//! do and [`inbound`] reads it. What holds: every message is posted with a nonce and marked
//! with the effect's key in its embed's address, so it is found again; no call mentions
//! anybody but whom Muster itself means.

mod call;
mod commands;
pub mod gateway;
pub mod inbound;
pub mod invite;
mod limits;
pub mod render;
mod replies;
mod words;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use operations::card::Card;
use operations::chat::{Actor, Captured, CommandSpec};
use operations::ids::{ChannelId, MessageId, MessageRef, Platform, UserRef};
use operations::text::Outside;
use serde_json::{Value, json};

pub use self::inbound::Identity;

use self::call::Caller;
use self::limits as routes;
use super::pace::Pace;
use super::{Called, Failure, Opened, Refused};
use crate::clock::{SharedClock, after};
use crate::secret::Secret;

/// Where Discord is, and what opens it.
#[derive(Clone, Debug)]
pub struct Config {
    /// The REST API: [`API_URL`], or a sandbox's.
    pub api_url: String,
    /// The bot's token.
    pub bot_token: Secret,
    /// The server that the bot works in. It answers in no other.
    pub guild: String,
    /// The category that rooms are made in.
    pub category: Option<String>,
}

/// Discord's own REST API.
pub const API_URL: &str = "https://discord.com/api/v10";

/// How long a name is believed.
const NAME_KEPT: Duration = Duration::from_secs(3600);

/// Makes calls in one server.
pub struct Client {
    caller: Caller,
    guild: String,
    category: Option<String>,
    identity: Mutex<Option<Identity>>,
    names: Mutex<HashMap<String, (Timestamp, String)>>,
    clock: SharedClock,
}

impl Client {
    /// Nothing is called yet.
    #[must_use]
    pub fn new(config: &Config, http: reqwest::Client, clock: SharedClock) -> Client {
        Client {
            caller: caller(config, http, clock.clone()),
            guild: config.guild.clone(),
            category: config.category.clone(),
            identity: Mutex::new(None),
            names: Mutex::new(HashMap::new()),
            clock,
        }
    }

    /// Who the bot is: asked once.
    ///
    /// # Errors
    /// [`Refused::Token`] where the token does not work; see [`Failure`].
    pub async fn identity(&self) -> Called<Identity> {
        let known = self.identity.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(identity) = known {
            return Ok(identity);
        }
        let me = self.caller.call(&routes::ME, &[], None).await?;
        let application = self.caller.call(&routes::APPLICATION, &[], None).await?;
        let id = |value: &Value| value["id"].as_str().map(str::to_owned);
        let (Some(user_id), Some(application_id)) = (id(&me), id(&application)) else {
            return Err(Failure::Unknown { why: "the answer does not say who the bot is".to_owned() });
        };
        let identity = Identity { user_id, application_id, guild: self.guild.clone() };
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = Some(identity.clone());
        Ok(identity)
    }

    /// Tells Discord of the commands, where it does not know them just so already: it takes 200 changes a day.
    pub(super) async fn register(&self, specs: &[CommandSpec]) -> Called<()> {
        let me = self.identity().await?;
        let path = [me.application_id.as_str(), &self.guild];
        let wanted = commands::commands(specs);
        let known = self.caller.call(&routes::COMMANDS, &path, None).await?;
        if commands::same(&known, &wanted) {
            return Ok(());
        }
        self.caller.call(&routes::SET_COMMANDS, &path, Some(&wanted)).await.map(|_| ())
    }

    pub(super) async fn post(&self, channel: &ChannelId, thread: Option<&MessageId>, card: &Card, key: &str) -> Called<MessageId> {
        // A thread that was started from a message is a channel with that message's id.
        let channel = thread.map_or(channel.as_str(), MessageId::as_str);
        let mut body = render::message(card, key);
        body["nonce"] = json!(render::nonce(key));
        body["enforce_nonce"] = json!(true);
        let answer = self.caller.call(&routes::POST_MESSAGE, &[channel], Some(&body)).await?;
        answer["id"].as_str().map(MessageId::from).ok_or_else(|| Failure::Unknown {
            why: "the answer to a post does not say which message it is".to_owned(),
        })
    }

    pub(super) async fn find_posted(&self, channel: &ChannelId, thread: Option<&MessageId>, key: &str) -> Called<Option<MessageId>> {
        let channel = thread.map_or(channel.as_str(), MessageId::as_str);
        let me = self.identity().await?;
        let newest = self.caller.call(&routes::MESSAGES, &[channel], Some(&json!({ "limit": 100 }))).await?;
        let mark = render::mark(key);
        let found = newest.as_array().into_iter().flatten().find(|message| {
            message["author"]["id"].as_str() == Some(&me.user_id) && message["embeds"][0]["url"].as_str() == Some(&mark)
        });
        Ok(found.and_then(|message| message["id"].as_str()).map(MessageId::from))
    }

    pub(super) async fn edit(&self, message: &MessageRef, card: &Card, key: &str) -> Called<()> {
        let path = [message.channel.as_str(), message.message.as_str()];
        self.caller.call(&routes::EDIT_MESSAGE, &path, Some(&render::message(card, key))).await.map(|_| ())
    }

    pub(super) async fn pin(&self, message: &MessageRef) -> Called<()> {
        let path = [message.channel.as_str(), message.message.as_str()];
        self.caller.call(&routes::PIN, &path, None).await.map(|_| ())
    }

    pub(super) async fn open_channel(&self, name: &str, topic: &str, key: &str, look_first: bool) -> Called<Opened> {
        let mark = render::short_key(key);
        if look_first {
            let all = self.caller.call(&routes::CHANNELS, &[&self.guild], None).await?;
            let ours = |channel: &&Value| channel["topic"].as_str().is_some_and(|topic| topic.ends_with(&mark));
            if let Some(opened) = all.as_array().into_iter().flatten().find(ours).and_then(opened) {
                return Ok(opened);
            }
        }
        let mut body = json!({ "name": name, "type": 0, "topic": marked(topic, &mark) });
        if let Some(category) = &self.category {
            body["parent_id"] = json!(category);
        }
        let answer = self.caller.call(&routes::CREATE_CHANNEL, &[&self.guild], Some(&body)).await?;
        opened(&answer).ok_or_else(|| Failure::Unknown { why: "the answer does not say which channel it is".to_owned() })
    }

    pub(super) async fn set_topic(&self, channel: &ChannelId, topic: &str, key: &str) -> Called<()> {
        let body = json!({ "topic": marked(topic, &render::short_key(key)) });
        self.caller.call(&routes::EDIT_CHANNEL, &[channel.as_str()], Some(&body)).await.map(|_| ())
    }

    /// Closes a channel to new messages: everybody loses the permission to send there.
    pub(super) async fn archive(&self, channel: &ChannelId) -> Called<()> {
        // SEND_MESSAGES is bit 11, SEND_MESSAGES_IN_THREADS bit 38; the role of everybody has the server's id.
        let body = json!({ "type": 0, "allow": "0", "deny": ((1_u64 << 11) | (1 << 38)).to_string() });
        self.caller.call(&routes::PERMISSION, &[channel.as_str(), &self.guild], Some(&body)).await.map(|_| ())
    }

    pub(super) async fn direct(&self, user: &str, card: &Card, key: &str) -> Called<MessageId> {
        let channel = self.caller.call(&routes::OPEN_DIRECT, &[], Some(&json!({ "recipient_id": user }))).await?;
        let channel = channel["id"].as_str().map(ChannelId::from);
        let channel = channel.ok_or_else(|| Failure::Unknown { why: "the answer names no channel".to_owned() })?;
        self.post(&channel, None, card, key).await
    }

    pub(super) async fn fetch(&self, message: &MessageRef) -> Called<Captured> {
        let path = [message.channel.as_str(), message.message.as_str()];
        let found = self.caller.call(&routes::MESSAGE, &path, None).await?;
        let author = &found["author"];
        let user = author["id"].as_str().unwrap_or_default().to_owned();
        let name = match self.name_of(&user).await {
            Ok(name) => name,
            // Somebody who has left has no name in the server any more, but the message has one.
            Err(Failure::Permanent { .. }) => inbound::display_name(author),
            Err(failure) => return Err(failure),
        };
        let at = found["timestamp"].as_str().and_then(|at| at.parse().ok());
        Ok(Captured {
            message: message.clone(),
            author: Actor {
                user: UserRef { platform: Platform::Discord, workspace: self.guild.clone(), user },
                name: Outside::new(&name),
            },
            at: at.unwrap_or_else(|| self.clock.now()),
            text: Outside::new(found["content"].as_str().unwrap_or_default()),
            link: format!("https://discord.com/channels/{}/{}/{}", self.guild, message.channel.0, message.message.0),
        })
    }

    pub(super) async fn name_of(&self, user: &str) -> Called<String> {
        let now = self.clock.now();
        let known = self.names.lock().unwrap_or_else(PoisonError::into_inner).get(user).cloned();
        if let Some((at, name)) = known
            && after(at, NAME_KEPT) > now
        {
            return Ok(name);
        }
        let member = self.caller.call(&routes::MEMBER, &[&self.guild, user], None).await?;
        let name = inbound::member_name(&member);
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert(user.to_owned(), (now, name.clone()));
        Ok(name)
    }
}

fn caller(config: &Config, http: reqwest::Client, clock: SharedClock) -> Caller {
    let api_url = config.api_url.trim_end_matches('/').to_owned();
    Caller { api_url, token: config.bot_token.clone(), http, pace: Pace::new(clock.clone()), clock }
}

fn opened(channel: &Value) -> Option<Opened> {
    let channel_id = channel["id"].as_str()?;
    Some(Opened { channel: ChannelId::from(channel_id), name: channel["name"].as_str().unwrap_or_default().to_owned() })
}

/// A topic that ends in the key by which its channel is found again. Discord takes 1,024 characters.
fn marked(topic: &str, mark: &str) -> String {
    format!("{} · {mark}", operations::text::cut(topic, 900))
}

/// A refusal of one of these kinds.
fn refused(failure: &Failure, kinds: &[Refused]) -> bool {
    matches!(failure, Failure::Permanent { kind, .. } if kinds.contains(kind))
}
