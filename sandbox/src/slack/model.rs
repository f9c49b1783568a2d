//! The workspace: people, channels and messages as Slack keeps them.
//!
//! What holds: a message's `ts` is unique in the workspace and grows; everything here is
//! plain data behind one lock that is never held across a wait.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::delivery::Wire;
use super::forms::Form;
use super::limits::Limiter;
use super::types::Membership;
use super::{APP, BOT, BOT_NAME, BOT_USER, Notification, Person, Request, SLACKBOT, TEAM};

/// Everything that changes.
#[derive(Default)]
pub(super) struct State {
    pub(super) people: Vec<Person>,
    pub(super) channels: Vec<Channel>,
    /// Slash commands of the app, with their slash.
    pub(super) commands: Vec<String>,
    pub(super) triggers: HashMap<String, Trigger>,
    pub(super) responses: HashMap<String, Response>,
    /// Open forms; a person's last one is on top.
    pub(super) forms: Vec<Form>,
    pub(super) wire: Wire,
    pub(super) limiter: Limiter,
    pub(super) is_token_revoked: bool,
    /// How many times the bot's token was renewed.
    pub(super) renewed: u32,
    pub(super) requests: VecDeque<Request>,
    pub(super) unexpected: Vec<String>,
    pub(super) notifications: Vec<Notification>,
    last_ts: i64,
    last_id: u64,
}

/// A channel, or a direct conversation with the bot.
#[derive(Clone, Default)]
pub(super) struct Channel {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) topic: String,
    pub(super) purpose: String,
    pub(super) archived: bool,
    pub(super) private: bool,
    /// Only some people may post, the bot not among them.
    pub(super) restricted: bool,
    /// The same by a preference of the workspace, of which nobody tells the bot.
    pub(super) forbidden: bool,
    /// The person, where it is a direct conversation.
    pub(super) im: Option<String>,
    pub(super) creator: String,
    /// Unix seconds.
    pub(super) created: i64,
    pub(super) members: Vec<String>,
    pub(super) pins: Vec<Pin>,
    pub(super) bookmarks: Vec<Value>,
    /// By `ts`, which sorts as text because its seconds have ten digits until the year 2286.
    pub(super) messages: BTreeMap<String, Message>,
}

/// A pinned message.
#[derive(Clone)]
pub(super) struct Pin {
    pub(super) ts: String,
    pub(super) by: String,
    pub(super) at: i64,
}

/// A message.
#[derive(Clone, Default)]
pub(super) struct Message {
    pub(super) ts: String,
    pub(super) user: String,
    /// A name that the bot chose for this message.
    pub(super) username: Option<String>,
    pub(super) icons: Option<Value>,
    pub(super) subtype: Option<String>,
    pub(super) text: String,
    pub(super) blocks: Vec<Value>,
    pub(super) attachments: Vec<Value>,
    pub(super) metadata: Option<Value>,
    /// Who edited it, and the edit's `ts`.
    pub(super) edited: Option<(String, String)>,
    pub(super) thread_ts: Option<String>,
    pub(super) broadcast: bool,
    /// The replies' `ts`, where it begins a thread.
    pub(super) replies: Vec<String>,
    pub(super) reactions: Vec<(String, Vec<String>)>,
    pub(super) ephemeral_to: Option<String>,
    pub(super) deleted: bool,
}

/// The right to open a view, given with a command or a click.
pub(super) struct Trigger {
    pub(super) user: String,
    pub(super) issued: Timestamp,
    pub(super) used: bool,
    /// The view that it was given in.
    pub(super) view: Option<String>,
}

/// An address at which the app can answer a command or a click.
pub(super) struct Response {
    pub(super) user: String,
    pub(super) channel: String,
    pub(super) thread_ts: Option<String>,
    /// The message that was clicked.
    pub(super) source: Option<String>,
    pub(super) issued: Timestamp,
    pub(super) uses: u32,
}

impl State {
    /// The next `ts`.
    pub(super) fn next_ts(&mut self, now: Timestamp) -> String {
        self.last_ts = now.as_microsecond().max(self.last_ts + 1);
        format!("{}.{:06}", self.last_ts.div_euclid(1_000_000), self.last_ts.rem_euclid(1_000_000))
    }

    /// A number that was never given before.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// A person by id or name.
    pub(super) fn person(&self, who: &str) -> Option<&Person> {
        let who = who.trim_start_matches('@');
        self.people.iter().find(|person| person.id == who || person.name == who)
    }

    /// Somebody who can do something.
    pub(super) fn member(&self, who: &str) -> Result<&Person, String> {
        let found = self.person(who).ok_or_else(|| format!("there is no {who}"))?;
        if found.membership == Membership::Deactivated {
            return Err(format!("{who} was deactivated"));
        }
        Ok(found)
    }

    /// What a user id is called.
    pub(super) fn user_name(&self, id: &str) -> String {
        match id {
            BOT_USER => BOT_NAME.to_owned(),
            SLACKBOT => "slackbot".to_owned(),
            _ => self.person(id).map_or_else(|| id.to_owned(), |person| person.name.clone()),
        }
    }

    /// Whether there is an account with this id.
    pub(super) fn knows(&self, id: &str) -> bool {
        id == BOT_USER || id == SLACKBOT || self.people.iter().any(|person| person.id == id)
    }

    /// A channel by its id.
    pub(super) fn channel(&self, id: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// A channel by its id, to change it.
    pub(super) fn channel_mut(&mut self, id: &str) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.id == id)
    }

    /// A channel's id by its id or name.
    pub(super) fn channel_id(&self, which: &str) -> Option<String> {
        let name = which.trim_start_matches('#');
        let found =
            self.channels.iter().find(|channel| channel.id == which || (channel.im.is_none() && channel.name == name));
        found.map(|channel| channel.id.clone())
    }

    /// A message that has not been deleted and that everybody sees.
    pub(super) fn message(&self, channel: &str, ts: &str) -> Option<&Message> {
        self.channel(channel)?.messages.get(ts).filter(|message| !message.deleted && message.ephemeral_to.is_none())
    }

    /// The same, to change it.
    pub(super) fn message_mut(&mut self, channel: &str, ts: &str) -> Option<&mut Message> {
        let message = self.channel_mut(channel)?.messages.get_mut(ts)?;
        (!message.deleted && message.ephemeral_to.is_none()).then_some(message)
    }

    /// Opens the direct conversation between the bot and a person; gives back its id.
    pub(super) fn direct(&mut self, user: &str, now: Timestamp) -> String {
        if let Some(found) = self.channels.iter().find(|channel| channel.im.as_deref() == Some(user)) {
            return found.id.clone();
        }
        let id = format!("D0D{:08}", self.next_id());
        self.channels.push(Channel {
            id: id.clone(),
            im: Some(user.to_owned()),
            creator: user.to_owned(),
            created: now.as_second(),
            members: vec![user.to_owned(), BOT_USER.to_owned()],
            ..Channel::default()
        });
        id
    }
}

impl Channel {
    /// Whether an account is in it.
    pub(super) fn has(&self, user: &str) -> bool {
        self.members.iter().any(|member| member == user)
    }

    /// `channel`, `group` or `im`.
    pub(super) fn kind(&self) -> &'static str {
        match (&self.im, self.private) {
            (Some(_), _) => "im",
            (None, true) => "group",
            (None, false) => "channel",
        }
    }

    /// What interactions call it.
    pub(super) fn shown_name(&self) -> &str {
        if self.im.is_some() { "directmessage" } else { &self.name }
    }

    /// The channel as the Web API gives it.
    pub(super) fn json(&self) -> Value {
        if let Some(user) = &self.im {
            return json!({
                "id": self.id, "created": self.created, "is_im": true, "is_org_shared": false, "is_archived": false,
                "user": user, "is_user_deleted": false, "context_team_id": TEAM, "updated": self.created * 1000,
            });
        }
        let restricted = json!({ "posting_restricted_to": { "type": ["admin"], "user": [] } });
        let properties = if self.restricted { restricted } else { json!({}) };
        let words = |value: &str| json!({ "value": value, "creator": if value.is_empty() { "" } else { self.creator.as_str() }, "last_set": 0 });
        json!({
            "id": self.id, "name": self.name, "name_normalized": self.name, "created": self.created,
            "creator": self.creator, "is_archived": self.archived, "is_channel": !self.private,
            "is_group": self.private, "is_im": false, "is_mpim": false, "is_private": self.private,
            "is_general": self.name == "general", "is_shared": false, "is_ext_shared": false, "is_org_shared": false,
            "is_pending_ext_shared": false, "pending_shared": [], "shared_team_ids": [TEAM], "context_team_id": TEAM,
            "is_member": self.has(BOT_USER), "num_members": self.members.len(), "unlinked": 0, "previous_names": [],
            "updated": self.created * 1000, "topic": words(&self.topic), "purpose": words(&self.purpose),
            "properties": properties,
        })
    }
}

impl Message {
    /// Whether the app wrote it.
    pub(super) fn is_bots(&self) -> bool {
        self.user == BOT_USER
    }

    /// Whether it stands in the channel itself, and not in a thread alone.
    pub(super) fn in_channel(&self) -> bool {
        self.broadcast || self.thread_ts.is_none()
    }

    /// The message as the Web API and events give it, without its metadata.
    pub(super) fn json(&self, channel: &Channel) -> Value {
        let mut json = json!({ "type": "message", "text": self.text, "ts": self.ts });
        if self.deleted {
            json["subtype"] = json!("tombstone");
            json["hidden"] = json!(true);
            json["text"] = json!("This message was deleted.");
            json["user"] = json!(SLACKBOT);
        } else {
            self.body(&mut json);
        }
        if let Some(thread) = &self.thread_ts {
            json["thread_ts"] = json!(thread);
            let parent = channel.messages.get(thread).map(|parent| parent.user.clone());
            json["parent_user_id"] = json!(parent.unwrap_or_default());
        }
        if let Some(latest) = self.replies.last() {
            let mut users: Vec<&str> = self
                .replies
                .iter()
                .filter_map(|ts| channel.messages.get(ts))
                .map(|reply| reply.user.as_str())
                .collect();
            users.sort_unstable();
            users.dedup();
            json["thread_ts"] = json!(self.ts);
            json["reply_count"] = json!(self.replies.len());
            json["reply_users_count"] = json!(users.len());
            json["reply_users"] = json!(users);
            json["latest_reply"] = json!(latest);
            json["is_locked"] = json!(false);
            json["subscribed"] = json!(false);
        }
        json
    }

    fn body(&self, json: &mut Value) {
        json["user"] = json!(self.user);
        json["team"] = json!(TEAM);
        if let Some(subtype) = &self.subtype {
            json["subtype"] = json!(subtype);
        }
        if self.is_bots() && self.subtype.is_none() {
            json["bot_id"] = json!(BOT);
            json["app_id"] = json!(APP);
            json["bot_profile"] =
                json!({ "id": BOT, "app_id": APP, "name": BOT_NAME, "deleted": false, "team_id": TEAM });
        }
        if let Some(username) = &self.username {
            // A message under a chosen name counts as an integration's.
            json["subtype"] = json!("bot_message");
            json["username"] = json!(username);
        }
        if let Some(icons) = &self.icons {
            json["icons"] = icons.clone();
        }
        if !self.blocks.is_empty() {
            json["blocks"] = json!(self.blocks);
        }
        if !self.attachments.is_empty() {
            json["attachments"] = json!(self.attachments);
        }
        if let Some((user, ts)) = &self.edited {
            json["edited"] = json!({ "user": user, "ts": ts });
        }
        if !self.reactions.is_empty() {
            let reaction =
                |(name, users): &(String, Vec<String>)| json!({ "name": name, "users": users, "count": users.len() });
            json["reactions"] = self.reactions.iter().map(reaction).collect();
        }
    }
}
