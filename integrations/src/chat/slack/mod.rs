//! Slack: calls of its Web API, and its socket.
//!
//! [`Client`] carries out what [`crate::chat::Chat`] promises; [`socket`] brings what people
//! do and [`inbound`] reads it; [`http_mode`] does the same for requests that Slack sends.
//! What holds: a message is found again by the key in its metadata, a channel by the key in
//! its purpose; an answer that comes too late for Slack's means goes to the asker directly.

mod access;
mod accounts;
mod call;
mod connection;
pub mod frame;
pub mod http_mode;
pub mod inbound;
pub(super) mod limits;
pub mod manifest;
mod people;
pub mod render;
mod rooms;
pub mod socket;
mod unmark;
mod words;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use operations::card::{Card, Form};
use operations::chat::ReplyTo;
use operations::ids::{ChannelId, MessageId, MessageRef};
use serde_json::{Value, json};

pub use self::inbound::Identity;

use self::call::{Caller, already_is_done, refused, says};
use self::limits::{
    AUTH_TEST, HISTORY, JOIN, Method, OPEN, PINS_ADD, POST_EPHEMERAL, POST_MESSAGE, REPLIES, UPDATE, VIEWS_OPEN,
};
use self::render::Message;
use super::pace::Pace;
use super::{Called, Failure, Refused};
use crate::clock::SharedClock;
use crate::http::{Answered, exchange};
use crate::secret::Secret;

/// Where Slack is, and what opens it.
#[derive(Clone, Debug)]
pub struct Config {
    /// The Web API: [`API_URL`], or a sandbox's.
    pub api_url: String,
    /// Opens the socket (`xapp-…`). None where Slack sends requests instead.
    pub app_token: Option<Secret>,
    /// Carries all other calls (`xoxb-…`).
    pub bot_token: Secret,
    /// How many sockets to hold. Two, so that one is there while the other is renewed; Slack allows ten.
    pub sockets: usize,
}

/// Slack's own Web API.
pub const API_URL: &str = "https://slack.com/api";

/// What a message of Muster's is marked with.
const EVENT_TYPE: &str = "muster_effect";
/// How many pages of a thread are looked through, at 200 messages each.
const PAGES: usize = 10;

/// Makes calls in one workspace.
pub struct Client {
    caller: Caller,
    token: Secret,
    identity: Mutex<Option<Identity>>,
    names: Mutex<HashMap<String, (Timestamp, String)>>,
}

impl Client {
    /// Nothing is called yet.
    #[must_use]
    pub fn new(config: &Config, http: reqwest::Client, clock: SharedClock) -> Client {
        Client {
            caller: caller(config, http, clock),
            token: config.bot_token.clone(),
            identity: Mutex::new(None),
            names: Mutex::new(HashMap::new()),
        }
    }

    async fn call(&self, method: &Method, arguments: &Value) -> Called<Value> {
        self.caller.call(&self.token, method, arguments.get("channel").and_then(Value::as_str), arguments).await
    }

    /// Asks Slack who the token belongs to. What it said is used from then on.
    ///
    /// # Errors
    /// [`Refused::Token`] where the token does not work; see [`Failure`].
    pub async fn check_token(&self) -> Called<Identity> {
        let answer = self.call(&AUTH_TEST, &json!({})).await?;
        let field = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let identity = Identity {
            team: field("team_id"),
            user_id: field("user_id"),
            bot_id: field("bot_id"),
            url: field("url"),
            name: field("user"),
        };
        if identity.team.is_empty() || identity.user_id.is_empty() {
            return Err(Failure::Unknown { why: "auth.test: the answer does not say who the bot is".to_owned() });
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

    pub(super) async fn post(
        &self,
        channel: &ChannelId,
        thread: Option<&MessageId>,
        card: &Card,
        key: &str,
    ) -> Called<MessageId> {
        let mut arguments = body(&render::card(card));
        arguments["channel"] = json!(channel.0);
        arguments["parse"] = json!("none");
        arguments["link_names"] = json!(false);
        arguments["unfurl_links"] = json!(false);
        arguments["unfurl_media"] = json!(false);
        arguments["metadata"] = json!({ "event_type": EVENT_TYPE, "event_payload": { "key": key } });
        if let Some(thread) = thread {
            arguments["thread_ts"] = json!(thread.0);
        }
        let answer = self.call_in(&POST_MESSAGE, channel, &arguments).await?;
        match answer.get("ts").and_then(Value::as_str) {
            Some(ts) => Ok(MessageId::from(ts)),
            None => Err(Failure::Unknown { why: "chat.postMessage: the answer has no ts".to_owned() }),
        }
    }

    /// Calls a method that needs the bot to be in the channel. What is the channel's fault is said to be.
    async fn call_in(&self, method: &Method, channel: &ChannelId, arguments: &Value) -> Called<Value> {
        let answer = match self.call(method, arguments).await {
            Err(failure) if says(&failure, "not_in_channel") => {
                // A public channel can be joined. Where it can't be, the first refusal says best what is wrong.
                match self.call(&JOIN, &json!({ "channel": channel.0 })).await {
                    Ok(_) => self.call(method, arguments).await,
                    Err(Failure::Permanent { kind: Refused::Token, why }) => {
                        Err(Failure::Permanent { kind: Refused::Token, why })
                    }
                    Err(Failure::Permanent { .. }) => Err(failure),
                    Err(other) => Err(other),
                }
            }
            other => other,
        };
        let writes = [POST_MESSAGE.name, UPDATE.name].contains(&method.name);
        answer.map_err(|failure| access::of_channel(channel, failure, writes))
    }

    pub(super) async fn find_posted(
        &self,
        channel: &ChannelId,
        thread: Option<&MessageId>,
        key: &str,
    ) -> Called<Option<MessageId>> {
        let bot = self.identity().await?;
        let mut arguments = json!({ "channel": channel.0, "limit": 200, "include_all_metadata": true });
        let Some(thread) = thread else {
            // The newest come first, so one page holds what was posted lately.
            let page = self.call_in(&HISTORY, channel, &arguments).await?;
            return Ok(keyed(&page, key, &bot));
        };
        // A thread comes oldest first, so its newest are on the last page.
        arguments["ts"] = json!(thread.0);
        for _ in 0..PAGES {
            let page = self.call_in(&REPLIES, channel, &arguments).await?;
            if let Some(found) = keyed(&page, key, &bot) {
                return Ok(Some(found));
            }
            let Some(cursor) = cursor(&page) else { return Ok(None) };
            arguments["cursor"] = json!(cursor);
        }
        Ok(None)
    }

    pub(super) async fn edit(&self, message: &MessageRef, card: &Card, _key: &str) -> Called<()> {
        // Without `metadata` Slack keeps the message's own, which is the key that it was posted with.
        let mut arguments = body(&render::card(card));
        arguments["channel"] = json!(message.channel.0);
        arguments["ts"] = json!(message.message.0);
        arguments["parse"] = json!("none");
        arguments["link_names"] = json!(false);
        self.call_in(&UPDATE, &message.channel, &arguments).await.map(|_| ())
    }

    pub(super) async fn pin(&self, message: &MessageRef) -> Called<()> {
        let arguments = json!({ "channel": message.channel.0, "timestamp": message.message.0 });
        already_is_done(self.call_in(&PINS_ADD, &message.channel, &arguments).await)
    }

    pub(super) async fn reply(&self, to: &ReplyTo, card: &Card, key: &str) -> Called<()> {
        match to {
            ReplyTo::Slack { response_url, channel, user, thread, .. } => {
                if let Some(url) = response_url
                    && self.respond(url, card, thread.as_ref()).await?
                {
                    return Ok(());
                }
                if channel.0.is_empty() {
                    return self.direct(user, card, key).await.map(|_| ());
                }
                self.whisper(channel, user, thread.as_ref(), card, key).await
            }
            ReplyTo::Message { message } => {
                self.post(&message.channel, Some(&message.message), card, key).await.map(|_| ())
            }
            ReplyTo::Discord { .. } => Err(Failure::Permanent {
                why: "an answer for Discord came to Slack".to_owned(),
                kind: Refused::Malformed,
            }),
        }
    }

    /// Answers where an earlier attempt may have done so: in the thread, and in the conversation with the asker, it is
    /// looked for; what went through the response URL or was for the asker alone can't be.
    pub(super) async fn reply_again(&self, to: &ReplyTo, card: &Card, marked: &Card, key: &str) -> Called<()> {
        match to {
            ReplyTo::Message { message } => {
                if self.find_posted(&message.channel, Some(&message.message), key).await?.is_some() {
                    return Ok(());
                }
                self.reply(to, card, key).await
            }
            ReplyTo::Slack { user, .. } => {
                // It went to the asker directly only where nothing else could be done.
                if is_there(self.find_direct(user, key).await)? {
                    return Ok(());
                }
                self.reply(to, marked, key).await
            }
            ReplyTo::Discord { .. } => self.reply(to, card, key).await,
        }
    }

    async fn find_direct(&self, user: &str, key: &str) -> Called<Option<MessageId>> {
        let channel = self.open_direct(user).await?;
        self.find_posted(&channel, None, key).await
    }

    /// Answers through a response URL. False where it is used up or too old, so that another way is needed.
    async fn respond(&self, url: &str, card: &Card, thread: Option<&MessageId>) -> Called<bool> {
        if !is_response_url(url, &self.caller.api_url) {
            tracing::warn!("Not answered through a response URL, because it does not lead to Slack");
            return Ok(false);
        }
        // Whoever has used it up needs no refusal to know it.
        let bucket = format!("{} {url}", limits::RESPONSE_URL.name);
        if self.caller.pace.wait(&bucket, limits::RESPONSE_URL.figure.kept, Duration::ZERO).await.is_err() {
            return Ok(false);
        }
        let mut arguments = body(&render::card(card));
        arguments["response_type"] = json!("ephemeral");
        arguments["replace_original"] = json!(false);
        if let Some(thread) = thread {
            arguments["thread_ts"] = json!(thread.0);
        }
        let request = self
            .caller
            .http
            .post(url)
            .header(reqwest::header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(arguments.to_string());
        let answered = exchange(self.caller.clock.as_ref(), request)
            .await
            .map_err(|broken| call::from_broken(&limits::RESPONSE_URL, broken))?;
        responded(&answered).map_err(|failure| failure.without(&[url]))
    }

    async fn whisper(
        &self,
        channel: &ChannelId,
        user: &str,
        thread: Option<&MessageId>,
        card: &Card,
        key: &str,
    ) -> Called<()> {
        let mut arguments = body(&render::card(card));
        arguments["channel"] = json!(channel.0);
        arguments["user"] = json!(user);
        arguments["parse"] = json!("none");
        arguments["link_names"] = json!(false);
        if let Some(thread) = thread {
            arguments["thread_ts"] = json!(thread.0);
        }
        match self.call(&POST_EPHEMERAL, &arguments).await {
            Ok(_) => Ok(()),
            // The person or the bot is not in that channel: the answer is not lost for that.
            Err(failure) if refused(&failure, &[Refused::Forbidden, Refused::Gone]) => {
                self.direct(user, card, key).await.map(|_| ())
            }
            Err(failure) => Err(failure),
        }
    }

    pub(super) async fn open_form(&self, to: &ReplyTo, form: &Form) -> Called<()> {
        let ReplyTo::Slack { trigger: Some(trigger), .. } = to else {
            let why = "views.open: nothing was clicked or typed that a form could be opened for".to_owned();
            return Err(Failure::Permanent { why, kind: Refused::TooLate });
        };
        let arguments = json!({ "trigger_id": trigger, "view": render::form(form, to) });
        self.call(&VIEWS_OPEN, &arguments).await.map(|_| ())
    }

    pub(super) async fn direct(&self, user: &str, card: &Card, key: &str) -> Called<MessageId> {
        self.post(&self.open_direct(user).await?, None, card, key).await
    }

    async fn open_direct(&self, user: &str) -> Called<ChannelId> {
        let answer = self.call(&OPEN, &json!({ "users": user })).await?;
        let channel = answer.pointer("/channel/id").and_then(Value::as_str).map(ChannelId::from);
        channel.ok_or_else(|| Failure::Transient {
            why: "conversations.open: the answer has no channel".to_owned(),
            retry_after: None,
        })
    }
}

/// Whether something was found. Where nobody may look, nothing was posted either.
fn is_there(found: Called<Option<MessageId>>) -> Called<bool> {
    match found {
        Ok(found) => Ok(found.is_some()),
        Err(Failure::Permanent { kind: Refused::Forbidden | Refused::Gone, .. } | Failure::Channel { .. }) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// What makes calls with the settings of `config`.
fn caller(config: &Config, http: reqwest::Client, clock: SharedClock) -> Caller {
    let pace = Pace::new(clock.clone());
    Caller { api_url: config.api_url.trim_end_matches('/').to_owned(), http, clock, pace }
}

fn body(message: &Message) -> Value {
    json!({ "text": message.text, "blocks": message.blocks, "attachments": message.attachments })
}

/// The bot's own message that carries `key`.
fn keyed(page: &Value, key: &str, bot: &Identity) -> Option<MessageId> {
    let messages = page.get("messages").and_then(Value::as_array)?;
    let is_ours = |message: &&Value| {
        let says = |pointer: &str, wanted: &str| message.pointer(pointer).and_then(Value::as_str) == Some(wanted);
        says("/metadata/event_type", EVENT_TYPE)
            && says("/metadata/event_payload/key", key)
            && (says("/user", &bot.user_id) || says("/bot_id", &bot.bot_id))
    };
    messages.iter().find(is_ours)?.get("ts").and_then(Value::as_str).map(MessageId::from)
}

/// Where the next page begins, if there is one.
fn cursor(page: &Value) -> Option<&str> {
    page.pointer("/response_metadata/next_cursor").and_then(Value::as_str).filter(|cursor| !cursor.is_empty())
}

/// Whether a response URL leads to Slack (or to the same loopback server as the API). What arrives could name any address.
fn is_response_url(url: &str, api_url: &str) -> bool {
    let (Ok(url), Ok(api)) = (url::Url::parse(url), url::Url::parse(api_url)) else { return false };
    let Some(host) = url.host_str() else { return false };
    let slack = host == "slack.com"
        || host.ends_with(".slack.com")
        || host == "slack-gov.com"
        || host.ends_with(".slack-gov.com");
    (url.scheme() == "https" && slack)
        || (socket::is_loopback(&url) && socket::is_loopback(&api) && url.port() == api.port())
}

/// What the answer of a response URL means; false where it can't be used any more.
fn responded(answered: &Answered) -> Called<bool> {
    let told = String::from_utf8_lossy(&answered.body);
    let gone = ["used_url", "expired_url", "invalid_url", "no_more_responses"].iter().any(|word| told.contains(word));
    if gone || matches!(answered.status, 404 | 410) {
        return Ok(false);
    }
    if (200..300).contains(&answered.status) && (told.trim() == "ok" || told.trim().is_empty()) {
        return Ok(true);
    }
    call::judge(&limits::RESPONSE_URL, answered).map(|_| true)
}
