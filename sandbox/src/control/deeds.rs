//! What a person can be made to do: `POST /{platform}/users/{name}/{deed}`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::discord::Discord;
use crate::slack::Slack;

/// Everything that a deed may need. Channels by name or id; messages by id.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Needs {
    channel: String,
    message: String,
    text: String,
    thread: Option<String>,
    button: String,
    value: String,
    values: BTreeMap<String, String>,
    emoji: String,
}

/// Does it on Slack.
pub(super) async fn on_slack(slack: &Slack, user: &str, deed: &str, needs: Needs) -> Result<Value, String> {
    let Needs { channel, message, text, thread, button, value, values, emoji } = needs;
    let done = match deed {
        "types" => return slack.types(user, &channel, &text, thread.as_deref()).await.map(|typed| json!(typed)),
        "submits" => return slack.submits(user, values).await.map(|submitted| json!(submitted)),
        "cancels" => slack.cancels(user).await,
        "clicks" => slack.clicks(user, &channel, &message, &button).await,
        "selects" => slack.selects(user, &channel, &message, &button, &value).await,
        "reacts" => slack.reacts(user, &channel, &message, &emoji).await,
        "unreacts" => slack.unreacts(user, &channel, &message, &emoji).await,
        "pins" => slack.pins(user, &channel, &message).await,
        "unpins" => slack.unpins(user, &channel, &message).await,
        "edits" => slack.edits(user, &channel, &message, &text).await,
        "deletes" => slack.deletes(user, &channel, &message).await,
        "joins" => slack.joins(user, &channel).await,
        _ => Err(unknown(deed)),
    };
    done.map(|()| json!({}))
}

/// Does it on Discord.
pub(super) async fn on_discord(discord: &Discord, user: &str, deed: &str, needs: Needs) -> Result<Value, String> {
    let Needs { channel, message, text, button, value, values, emoji, .. } = needs;
    let done = match deed {
        "types" => return discord.types(user, &channel, &text).await.map(|typed| json!(typed)),
        "submits" => discord.submits(user, values).await,
        "cancels" => discord.cancels(user).await,
        "clicks" => discord.clicks(user, &channel, &message, &button).await,
        "selects" => discord.selects(user, &channel, &message, &button, vec![value]).await,
        "reacts" => discord.reacts(user, &channel, &message, &emoji).await,
        "unreacts" => discord.unreacts(user, &channel, &message, &emoji).await,
        "pins" => discord.pins(user, &channel, &message).await,
        "unpins" => discord.unpins(user, &channel, &message).await,
        "edits" => discord.edits(user, &channel, &message, &text).await,
        "deletes" => discord.deletes(user, &channel, &message).await,
        _ => Err(unknown(deed)),
    };
    done.map(|()| json!({}))
}

fn unknown(deed: &str) -> String {
    let deed: String = deed.chars().take(40).collect();
    format!("\"{deed}\" is nothing that a person can be made to do; docs/sandbox.md has the list.")
}
