//! Channels that Discord lets nothing be written into: which refusals mean that, and when it is over.
//!
//! What holds: only a channel that is gone or closed to the bot is a channel's fault; whether
//! the bot may write is reckoned as Discord's reference says ("Permissions").

use operations::channels::Unusable;
use operations::ids::ChannelId;
use serde_json::Value;

use super::Client;
use super::call::Problem;
use super::limits::{CHANNEL, MEMBER, ROLES};
use crate::chat::{Called, Failure, Refused};

/// "Unknown Channel", "Missing Access", "Missing Permissions".
const UNKNOWN: i64 = 10003;
const NO_ACCESS: i64 = 50001;
const NO_PERMISSION: i64 = 50013;
/// "Cannot send an empty message": what an edit comes to where a card is dropped for want of `EMBED_LINKS`
/// (discord/discord-api-docs#2601).
const EMPTY: i64 = 50006;

const ADMINISTRATOR: u64 = 1 << 3;
/// `READ_MESSAGE_HISTORY`: without it there are no messages to be found ("Get Channel Messages").
const HISTORY: u64 = 1 << 16;
/// `VIEW_CHANNEL`, `SEND_MESSAGES`, `EMBED_LINKS` (a card is an embed), and to look up what was sent.
const NEEDED: u64 = 1 << 10 | 1 << 11 | 1 << 14 | HISTORY;

/// A call's failure as the channel's, where it is its fault. That a permission is missing is, where the call needs
/// none but that to write (`writes`).
pub(super) fn of_channel(channel: &ChannelId, problem: Problem, writes: bool) -> Failure {
    let why = match problem.code {
        Some(UNKNOWN) => Unusable::Gone,
        Some(NO_ACCESS) => Unusable::Forbidden,
        Some(NO_PERMISSION | EMPTY) if writes => Unusable::Forbidden,
        Some(_) | None => return problem.failure,
    };
    Failure::Channel { channel: channel.clone(), why, said: problem.failure.to_string() }
}

/// An edit was taken, and its card dropped from it without a word: `EMBED_LINKS` is missing
/// (discord/discord-api-docs#2601).
pub(super) fn dropped(channel: &ChannelId) -> Failure {
    let said = "the card was dropped from the message".to_owned();
    Failure::Channel { channel: channel.clone(), why: Unusable::Forbidden, said }
}

impl Client {
    pub(in crate::chat) async fn look_at(&self, channel: &ChannelId) -> Called<Option<Unusable>> {
        let me = self.identity().await?;
        let found = match self.call(&CHANNEL, &[&channel.0], None).await {
            Ok(found) => found,
            Err(problem) => {
                return match of_channel(channel, problem, true) {
                    Failure::Channel { why, .. } => Ok(Some(why)),
                    other => Err(other),
                };
            }
        };
        let may = self.permissions_in(&found, &me.user_id).await?;
        Ok((may & NEEDED != NEEDED).then_some(Unusable::Forbidden))
    }

    /// Refuses a page of messages that is empty because the bot may not look back, not because nothing was said.
    pub(super) async fn may_look_back(&self, channel: &ChannelId) -> Called<()> {
        let me = self.identity().await?;
        let found = self.call(&CHANNEL, &[&channel.0], None).await;
        let found = found.map_err(|problem| of_channel(channel, problem, true))?;
        // A conversation with one person has no permissions.
        if found.get("guild_id").is_none() || self.permissions_in(&found, &me.user_id).await? & HISTORY != 0 {
            return Ok(());
        }
        let said = "the messages of the channel may not be read".to_owned();
        Err(Failure::Channel { channel: channel.clone(), why: Unusable::Forbidden, said })
    }

    async fn permissions_in(&self, channel: &Value, user: &str) -> Called<u64> {
        let member = match self.call(&MEMBER, &[&self.guild, user], None).await {
            Err(problem) if problem.is(Refused::Gone) => return Ok(0),
            other => other?,
        };
        let roles = self.call(&ROLES, &[&self.guild], None).await?;
        Ok(permissions(channel, &member, &roles, &self.guild, user))
    }
}

/// What a member may do in a channel: the roles' permissions, then the overwrites of everybody, the roles, the member.
fn permissions(channel: &Value, member: &Value, roles: &Value, guild: &str, user: &str) -> u64 {
    let id_of = |value: &Value| value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let own: Vec<&str> =
        member.get("roles").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let has = |id: &str| id == guild || own.contains(&id);
    let roles = roles.as_array().into_iter().flatten().filter(|role| has(&id_of(role)));
    let base = roles.fold(0, |all, role| all | bits(role, "permissions"));
    if base & ADMINISTRATOR != 0 {
        return u64::MAX;
    }
    let overwrites = channel.get("permission_overwrites").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let apply = |may: u64, whose: &dyn Fn(&str) -> bool| {
        let (mut allow, mut deny) = (0, 0);
        for overwrite in overwrites.iter().filter(|overwrite| whose(&id_of(overwrite))) {
            allow |= bits(overwrite, "allow");
            deny |= bits(overwrite, "deny");
        }
        (may & !deny) | allow
    };
    let may = apply(base, &|id| id == guild);
    let may = apply(may, &|id| own.contains(&id));
    apply(may, &|id| id == user)
}

/// A set of permissions, which Discord writes as a number in a string.
fn bits(value: &Value, which: &str) -> u64 {
    value.get(which).and_then(Value::as_str).and_then(|bits| bits.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn overwrites_count_in_discords_order() {
        let roles = json!([{ "id": "1", "permissions": NEEDED.to_string() }, { "id": "5", "permissions": "0" }]);
        let member = json!({ "roles": ["5"] });
        let may = |overwrites: Value| {
            let channel = json!({ "permission_overwrites": overwrites });
            permissions(&channel, &member, &roles, "1", "9") & NEEDED == NEEDED
        };
        let deny = |id: &str| json!({ "id": id, "allow": "0", "deny": "2048" });
        let allow = |id: &str| json!({ "id": id, "allow": "2048", "deny": "0" });
        assert!(may(json!([])));
        assert!(!may(json!([deny("1")])) && !may(json!([deny("5")])) && !may(json!([deny("9")])));
        assert!(may(json!([deny("1"), allow("5")])) && may(json!([deny("5"), allow("9")])));
        assert!(!may(json!([allow("1"), deny("9")])) && may(json!([deny("7")])));
        let admin = json!([{ "id": "5", "permissions": "8" }]);
        assert_eq!(permissions(&json!({ "permission_overwrites": [deny("9")] }), &member, &admin, "1", "9"), u64::MAX);
    }
}
