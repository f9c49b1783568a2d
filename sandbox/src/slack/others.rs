//! `pins.*`, `reactions.*`, `users.*` and `bookmarks.*`.

use serde_json::{Value, json};

use super::emoji;
use super::messages::{readable, writable};
use super::model::{Pin, State};
use super::refusal::{Answer, Args, Refusal, page};
use super::types::Membership;
use super::{APP, BOT, BOT_NAME, BOT_USER, SLACKBOT, Slack, TEAM};

/// The most pins in a channel, and the most bookmarks.
const MOST: usize = 100;

impl Slack {
    pub(super) fn pin(&self, args: &Args) -> Answer {
        let state = &mut *self.lock();
        let (channel, ts) = (args.word("channel"), args.word("timestamp"));
        writable(state, &channel)?;
        if ts.is_empty() {
            return Err("no_item_specified".into());
        }
        self.set_pin(state, &channel, &ts, BOT_USER, true)?;
        Ok(json!({}))
    }

    pub(super) fn unpin(&self, args: &Args) -> Answer {
        let state = &mut *self.lock();
        let (channel, ts) = (args.word("channel"), args.word("timestamp"));
        readable(state, &channel)?;
        if ts.is_empty() {
            return Err("no_item_specified".into());
        }
        self.set_pin(state, &channel, &ts, BOT_USER, false)?;
        Ok(json!({}))
    }

    /// Pins a message or takes the pin away, and tells of it.
    pub(super) fn set_pin(
        &self,
        state: &mut State,
        channel: &str,
        ts: &str,
        by: &str,
        pinned: bool,
    ) -> Result<(), Refusal> {
        let author = state.message(channel, ts).ok_or("message_not_found")?.user.clone();
        let at = self.now().as_second();
        let found = state.channel_mut(channel).ok_or("channel_not_found")?;
        let already = found.pins.iter().any(|pin| pin.ts == ts);
        match (pinned, already) {
            (true, true) => return Err("already_pinned".into()),
            (false, false) => return Err("no_pin".into()),
            (true, false) if found.pins.len() >= MOST => return Err("too_many_pins".into()),
            (true, false) => found.pins.push(Pin { ts: ts.to_owned(), by: by.to_owned(), at }),
            (false, true) => found.pins.retain(|pin| pin.ts != ts),
        }
        let count = found.pins.len();
        let item = json!({
            "type": "message", "channel": channel, "message": self.as_event(state, channel, ts), "created": at,
            "created_by": by,
        });
        let event = json!({
            "type": if pinned { "pin_added" } else { "pin_removed" }, "user": by, "channel_id": channel, "item": item,
            "item_user": author, "pin_count": count, "has_pins": count > 0, "event_ts": state.next_ts(self.now()),
        });
        self.emit_in(state, channel, event);
        self.changed(channel);
        Ok(())
    }

    pub(super) fn list_pins(&self, args: &Args) -> Answer {
        let state = &*self.lock();
        let channel = readable(state, &args.word("channel"))?;
        let item = |pin: &Pin| {
            json!({
                "type": "message", "channel": channel.id, "created": pin.at, "created_by": pin.by,
                "message": self.as_event(state, &channel.id, &pin.ts),
            })
        };
        Ok(json!({ "items": channel.pins.iter().rev().map(item).collect::<Vec<_>>() }))
    }

    pub(super) fn react(&self, args: &Args, add: bool) -> Answer {
        let state = &mut *self.lock();
        let (channel, ts) = (args.word("channel"), args.word("timestamp"));
        if channel.is_empty() || ts.is_empty() {
            return Err("no_item_specified".into());
        }
        if add {
            writable(state, &channel)?;
        } else {
            readable(state, &channel)?;
        }
        self.set_reaction(state, &channel, &ts, BOT_USER, &args.word("name"), add)?;
        Ok(json!({}))
    }

    /// Adds a reaction or takes it away, and tells of it.
    pub(super) fn set_reaction(
        &self,
        state: &mut State,
        channel: &str,
        ts: &str,
        by: &str,
        name: &str,
        add: bool,
    ) -> Result<(), Refusal> {
        let name = name.trim_matches(':');
        if !emoji::is_known(name) {
            return Err("invalid_name".into());
        }
        let message = state.message_mut(channel, ts).ok_or("message_not_found")?;
        let author = message.user.clone();
        let place = message.reactions.iter().position(|(known, _)| known == name);
        let has = place.is_some_and(|place| message.reactions[place].1.iter().any(|user| user == by));
        match (add, has, place) {
            (true, true, _) => return Err("already_reacted".into()),
            (false, false, _) => return Err("no_reaction".into()),
            (true, false, Some(place)) => message.reactions[place].1.push(by.to_owned()),
            (true, false, None) => message.reactions.push((name.to_owned(), vec![by.to_owned()])),
            (false, true, _) => {
                message.reactions.iter_mut().filter(|(known, _)| known == name).for_each(|(_, users)| {
                    users.retain(|user| user != by);
                });
                message.reactions.retain(|(_, users)| !users.is_empty());
            }
        }
        let event = json!({
            "type": if add { "reaction_added" } else { "reaction_removed" }, "user": by, "reaction": name,
            "item": { "type": "message", "channel": channel, "ts": ts }, "item_user": author,
            "event_ts": state.next_ts(self.now()),
        });
        self.emit_in(state, channel, event);
        self.changed(channel);
        Ok(())
    }

    pub(super) fn get_reactions(&self, args: &Args) -> Answer {
        let state = &*self.lock();
        let (channel, ts) = (args.word("channel"), args.word("timestamp"));
        if channel.is_empty() || ts.is_empty() {
            return Err("no_item_specified".into());
        }
        readable(state, &channel)?;
        state.message(&channel, &ts).ok_or("message_not_found")?;
        let message = self.as_event(state, &channel, &ts);
        Ok(json!({ "type": "message", "channel": channel, "message": message }))
    }

    pub(super) fn user_info(&self, args: &Args) -> Answer {
        let state = &*self.lock();
        let user = user_json(state, &args.word("user")).ok_or("user_not_found")?;
        Ok(json!({ "user": user }))
    }

    pub(super) fn list_users(&self, args: &Args) -> Answer {
        let state = &*self.lock();
        let ids = state.people.iter().map(|person| person.id.as_str()).chain([BOT_USER, SLACKBOT]);
        let all: Vec<Value> = ids.filter_map(|id| user_json(state, id)).collect();
        let (members, next) = page(all, args, args.limit(1000, 1000)?)?;
        Ok(
            json!({ "members": members, "cache_ts": self.now().as_second(), "response_metadata": { "next_cursor": next } }),
        )
    }

    pub(super) fn add_bookmark(&self, args: &Args) -> Answer {
        let state = &mut *self.lock();
        let (id, link) = (args.word("channel_id"), args.word("link"));
        writable(state, &id)?;
        if args.word("type") != "link" {
            return Err("invalid_bookmark_type".into());
        }
        check_link(&link)?;
        let (number, at) = (state.next_id(), self.now().as_second());
        let channel = state.channel_mut(&id).ok_or("channel_not_found")?;
        if channel.bookmarks.len() >= MOST {
            return Err("too_many_bookmarks".into());
        }
        let bookmark = json!({
            "id": format!("Bk0{number:08}"), "channel_id": id, "title": args.word("title"), "link": link,
            "emoji": args.word("emoji"), "icon_url": null, "type": "link", "entity_id": null, "date_created": at,
            "date_updated": 0, "rank": "U", "last_updated_by_user_id": BOT_USER, "last_updated_by_team_id": TEAM,
            "app_id": APP,
        });
        channel.bookmarks.push(bookmark.clone());
        self.changed(&id);
        Ok(json!({ "bookmark": bookmark }))
    }

    pub(super) fn list_bookmarks(&self, args: &Args) -> Answer {
        let state = &*self.lock();
        let channel = readable(state, &args.word("channel_id"))?;
        Ok(json!({ "bookmarks": channel.bookmarks }))
    }

    pub(super) fn edit_bookmark(&self, args: &Args) -> Answer {
        let state = &mut *self.lock();
        let (id, which) = (args.word("channel_id"), args.word("bookmark_id"));
        writable(state, &id)?;
        if let Some(link) = args.text("link") {
            check_link(&link)?;
        }
        let at = self.now().as_second();
        let channel = state.channel_mut(&id).ok_or("channel_not_found")?;
        let bookmark =
            channel.bookmarks.iter_mut().find(|bookmark| bookmark["id"] == which.as_str()).ok_or("not_found")?;
        for key in ["title", "link", "emoji"] {
            if let Some(value) = args.text(key) {
                bookmark[key] = json!(value);
            }
        }
        bookmark["date_updated"] = json!(at);
        let bookmark = bookmark.clone();
        self.changed(&id);
        Ok(json!({ "bookmark": bookmark }))
    }
}

fn check_link(link: &str) -> Result<(), Refusal> {
    let web = url::Url::parse(link).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if web { Ok(()) } else { Err("invalid_link".into()) }
}

pub(super) fn user_json(state: &State, id: &str) -> Option<Value> {
    let is_bot = id == BOT_USER;
    let (name, real_name) = match id {
        BOT_USER => (BOT_NAME.to_owned(), BOT_NAME.to_owned()),
        SLACKBOT => ("slackbot".to_owned(), "Slackbot".to_owned()),
        _ => state.people.iter().find(|person| person.id == id).map(|it| (it.name.clone(), it.real_name.clone()))?,
    };
    let mut user = json!({
        "id": id, "team_id": TEAM, "name": name, "deleted": false, "color": "9f69e7", "real_name": real_name,
        "tz": "Etc/UTC", "tz_label": "Coordinated Universal Time", "tz_offset": 0, "is_admin": false, "is_owner": false,
        "is_primary_owner": false, "is_restricted": false, "is_ultra_restricted": false, "is_bot": is_bot,
        "is_app_user": false, "updated": 1_700_000_000,
        "profile": {
            "real_name": real_name, "real_name_normalized": real_name, "display_name": name,
            "display_name_normalized": name, "team": TEAM, "status_text": "", "status_emoji": "",
        },
    });
    match state.person(id).map(|person| person.membership) {
        Some(Membership::Guest) => user["is_restricted"] = json!(true),
        Some(Membership::Deactivated) => user["deleted"] = json!(true),
        Some(Membership::Member) | None => {}
    }
    if is_bot {
        user["profile"]["bot_id"] = json!(BOT);
        user["profile"]["api_app_id"] = json!(APP);
    }
    Some(user)
}
