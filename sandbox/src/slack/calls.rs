//! The methods of the Web API, by name.

use serde_json::json;

use super::refusal::{Answer, Args};
use super::{APP, BOT, BOT_NAME, BOT_USER, DOMAIN, Slack, TEAM};

impl Slack {
    /// Does what `method` does. The name is one of [`super::limits::METHODS`].
    pub(super) fn run(&self, method: &str, args: &Args) -> Answer {
        match method {
            "apps.connections.open" => self.open_connection(),
            "auth.test" => Ok(json!({
                "url": format!("https://{DOMAIN}.slack.example/"), "team": "Sandbox", "user": BOT_NAME, "team_id": TEAM,
                "user_id": BOT_USER, "bot_id": BOT, "app_id": APP, "is_enterprise_install": false,
            })),
            "chat.postMessage" => self.post_message(args),
            "chat.update" => self.update(args),
            "chat.delete" => self.delete(args),
            "chat.postEphemeral" => self.post_ephemeral(args),
            "chat.getPermalink" => self.get_permalink(args),
            "views.open" => self.open_view(args, false),
            "views.push" => self.open_view(args, true),
            "views.update" => self.update_view(args),
            "conversations.create" => self.create(args),
            "conversations.invite" => self.invite(args),
            "conversations.join" => self.join_channel(args),
            "conversations.archive" => self.archive(args, true),
            "conversations.unarchive" => self.archive(args, false),
            "conversations.rename" => self.rename(args),
            "conversations.setTopic" => self.set_words(args, "topic"),
            "conversations.setPurpose" => self.set_words(args, "purpose"),
            "conversations.open" => self.open_direct(args),
            "conversations.list" => self.list_channels(args),
            "conversations.info" => self.info(args),
            "conversations.history" => self.history(args),
            "conversations.replies" => self.replies(args),
            "conversations.members" => self.members(args),
            "pins.add" => self.pin(args),
            "pins.remove" => self.unpin(args),
            "pins.list" => self.list_pins(args),
            "reactions.add" => self.react(args, true),
            "reactions.remove" => self.react(args, false),
            "reactions.get" => self.get_reactions(args),
            "users.info" => self.user_info(args),
            "users.list" => self.list_users(args),
            "bookmarks.add" => self.add_bookmark(args),
            "bookmarks.list" => self.list_bookmarks(args),
            "bookmarks.edit" => self.edit_bookmark(args),
            _ => Err("unknown_method".into()),
        }
    }
}
