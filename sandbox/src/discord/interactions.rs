//! Interactions: what people ask the bot for.
//!
//! What holds: the first answer comes within three seconds or the interaction has failed for
//! the person.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::state::State;
use super::{Outcome, payload};

/// The time for the first answer.
pub(super) const FIRST: SignedDuration = SignedDuration::from_secs(3);

/// Something that a person asked of the bot.
pub(super) struct Interaction {
    pub(super) id: u64,
    pub(super) token: String,
    /// 2 command, 3 component, 4 completion, 5 form.
    pub(super) kind: u8,
    /// The command's name.
    pub(super) name: String,
    pub(super) user: u64,
    pub(super) channel: u64,
    /// The message whose component was used.
    pub(super) message: Option<u64>,
    pub(super) at: Timestamp,
    pub(super) outcome: Option<Outcome>,
    /// The message that answers it, or that it was about where it only changes that one.
    pub(super) original: Option<u64>,
    /// What is offered, for a completion.
    pub(super) choices: Vec<(String, String)>,
}

impl State {
    /// Lets what was not answered in time fail.
    pub(super) fn fail_overdue(&mut self) {
        let now = self.now;
        let waiting = std::mem::take(&mut self.waiting);
        for id in waiting {
            let Some(interaction) = self.interactions.get_mut(&id) else { continue };
            if interaction.outcome.is_some() {
                continue;
            }
            if now.duration_since(interaction.at) < FIRST {
                self.waiting.push(id);
                continue;
            }
            interaction.outcome = Some(Outcome::Failed("The application did not respond".to_owned()));
            let channel = interaction.channel;
            self.changed(channel);
        }
    }

    /// Begins an interaction and tells the bot; gives its id.
    pub(super) fn interact(
        &mut self,
        kind: u8,
        name: &str,
        user: u64,
        channel: u64,
        message: Option<u64>,
        data: &Value,
    ) -> u64 {
        let id = self.next_id();
        let token =
            format!("interaction-{:032x}", u128::from(id).wrapping_mul(0x0123_4567_89ab_cdef_fedc_ba98_7654_3211));
        let interaction = Interaction {
            id,
            token: token.clone(),
            kind,
            name: name.to_owned(),
            user,
            channel,
            message,
            at: self.now,
            outcome: None,
            original: None,
            choices: Vec::new(),
        };
        self.interactions.insert(id, interaction);
        self.waiting.push(id);
        let Some(place) = self.channel(channel) else { return id };
        let app_permissions = super::permissions::of(self, self.me, place).to_string();
        let mut event = json!({
            "id": id.to_string(), "application_id": self.me.to_string(), "type": kind, "data": data,
            "channel_id": channel.to_string(), "channel": payload::channel(self, place), "token": token,
            "version": 1, "locale": "en-US", "app_permissions": app_permissions, "entitlements": [],
            "attachment_size_limit": 10_485_760,
        });
        let guild = self.guild.to_string();
        let place = match place.dm {
            // In a direct channel there is no server, and so no member of one.
            Some(_) => json!({
                "user": payload::user_by_id(self, user), "context": 1, "authorizing_integration_owners": {"0": "0"},
            }),
            None => json!({
                "guild_id": guild, "guild": {"id": guild, "locale": "en-US", "features": []}, "guild_locale": "en-US",
                "member": payload::invoking_member(self, user, place), "context": 0,
                "authorizing_integration_owners": {"0": guild},
            }),
        };
        payload::merge(&mut event, place);
        if let Some(message) = message.and_then(|message| self.message(channel, message)) {
            event["message"] = payload::message(self, message);
        }
        if !self.has_session() {
            // Nobody is there to be told. A session that can be resumed is told then ("Resuming": events that were missed
            // are sent), and the time for the answer runs meanwhile.
            if let Some(interaction) = self.interactions.get_mut(&id) {
                interaction.outcome = Some(Outcome::Failed("The application did not respond".to_owned()));
            }
            self.waiting.retain(|waiting| *waiting != id);
            return id;
        }
        self.dispatch("INTERACTION_CREATE", false, &event);
        self.changed(channel);
        id
    }
}
