//! Interactions: what people ask the bot for, and how it answers.
//!
//! What holds: the first answer comes within three seconds or the interaction has failed for
//! the person; a token is good for fifteen minutes; one interaction is answered once.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::refusal::{Answer, Refusal};
use super::rest::Call;
use super::state::{EPHEMERAL, LOADING, OpenForm, State};
use super::{Outcome, check, messages, payload};

/// The time for the first answer.
const FIRST: SignedDuration = SignedDuration::from_secs(3);
/// The time for all.
const TOKEN: SignedDuration = SignedDuration::from_mins(15);

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
    /// The message that answers it.
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
        let member = payload::invoking_member(self, user, place);
        let app_permissions = super::permissions::of(self, self.me, place).to_string();
        let mut event = json!({
            "id": id.to_string(), "application_id": self.me.to_string(), "type": kind, "data": data,
            "guild_id": self.guild.to_string(), "guild": {"id": self.guild.to_string(), "locale": "en-US", "features": []},
            "channel_id": channel.to_string(), "channel": payload::channel(self, place), "member": member, "token": token,
            "version": 1, "locale": "en-US", "guild_locale": "en-US", "app_permissions": app_permissions, "entitlements": [],
            "authorizing_integration_owners": {"0": self.guild.to_string()}, "context": 0, "attachment_size_limit": 10_485_760,
        });
        if let Some(message) = message.and_then(|message| self.message(channel, message)) {
            event["message"] = payload::message(self, message);
        }
        if !self.gateway.is_live() {
            // Nobody is there to be told.
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

/// `POST /interactions/{interaction.id}/{interaction.token}/callback`.
pub(super) fn callback(state: &mut State, call: &Call) -> Answer {
    let id = call.id(0);
    let now = state.now;
    let known = state.interactions.get(&id).filter(|it| it.token == call.place(1));
    let interaction = known.ok_or_else(|| Refusal::code(10062))?;
    match &interaction.outcome {
        Some(Outcome::Answered | Outcome::Deferred) => return Err(Refusal::code(40060)),
        Some(Outcome::Failed(_)) => return Err(Refusal::code(10062)),
        None if now.duration_since(interaction.at) >= FIRST => return Err(Refusal::code(10062)),
        None => {}
    }
    let (kind, user, channel, message) = (interaction.kind, interaction.user, interaction.channel, interaction.message);
    let data = &call.body["data"];
    let outcome = match call.body["type"].as_u64() {
        Some(4) => {
            let body = Call {
                route: super::routes::Route { name: call.route.name, places: Vec::new() },
                query: Vec::new(),
                body: data.clone(),
            };
            let unknown = check::message(data)?;
            messages::note(state, &body, unknown);
            if check::is_empty(data) {
                return Err(Refusal::code(50006));
            }
            answer(state, id, data);
            Outcome::Answered
        }
        Some(5) => {
            answer(state, id, &json!({"flags": data["flags"].as_u64().unwrap_or_default() | LOADING}));
            Outcome::Deferred
        }
        Some(6) if matches!(kind, 3 | 5) => Outcome::Answered,
        Some(7) if matches!(kind, 3 | 5) => {
            if let Some(message) = message {
                messages::change(state, channel, message, data)?;
            }
            Outcome::Answered
        }
        Some(8) if kind == 4 => {
            let choices = data["choices"].as_array().cloned().unwrap_or_default();
            if choices.len() > 25 {
                return Err(Refusal::field("data.choices", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length."));
            }
            let text = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
            if let Some(interaction) = state.interactions.get_mut(&id) {
                interaction.choices = choices.iter().map(|it| (text(it, "name"), text(it, "value"))).collect();
            }
            Outcome::Answered
        }
        Some(9) if matches!(kind, 2 | 3) => {
            let unknown = check::modal(data)?;
            state
                .unexpected
                .extend(unknown.into_iter().map(|field| format!("{}: unknown field {field}", call.route.name)));
            state.forms.retain(|form| form.user != user);
            state.forms.push(OpenForm { user, channel, message, modal: data.clone() });
            Outcome::Answered
        }
        _ => return Err(Refusal::field("type", "BASE_TYPE_CHOICES", "The callback type does not fit the interaction")),
    };
    if let Some(interaction) = state.interactions.get_mut(&id) {
        interaction.outcome = Some(outcome);
    }
    state.waiting.retain(|waiting| *waiting != id);
    state.changed(channel);
    Ok((204, Value::Null))
}

/// Posts the message that answers an interaction.
fn answer(state: &mut State, id: u64, data: &Value) {
    let Some((user, channel)) = state.interactions.get(&id).map(|it| (it.user, it.channel)) else { return };
    let me = state.me;
    let mut message = state.new_message(channel, me);
    messages::fill(&mut message, data);
    let flags = data["flags"].as_u64().unwrap_or_default();
    message.flags |= flags & (EPHEMERAL | LOADING);
    message.ephemeral_to = (flags & EPHEMERAL != 0).then_some(user);
    message.kind = 20;
    message.interaction = Some(id);
    message.mentions = messages::mentions(state, &message.content, &check::allowed(data), channel);
    let original = messages::add(state, message, true);
    if let Some(interaction) = state.interactions.get_mut(&id) {
        interaction.original.get_or_insert(original);
    }
}

/// Everything below `/webhooks/{application.id}/{interaction.token}`.
pub(super) fn webhook(state: &mut State, call: &Call) -> Answer {
    if call.id(0) != state.me {
        return Err(Refusal::code(10015));
    }
    let now = state.now;
    let known = state.interactions.values().find(|it| it.token == call.place(1));
    let interaction = known.ok_or_else(|| Refusal::code(10015))?;
    if now.duration_since(interaction.at) >= TOKEN {
        return Err(Refusal::code(50027));
    }
    let (id, channel, original, outcome) =
        (interaction.id, interaction.channel, interaction.original, interaction.outcome.clone());
    if !outcome.is_some_and(|outcome| outcome.answered()) {
        return Err(Refusal::code(10015));
    }
    if call.route.name.starts_with("POST") {
        let unknown = check::message(&call.body)?;
        messages::note(state, call, unknown);
        if check::is_empty(&call.body) {
            return Err(Refusal::code(50006));
        }
        answer(state, id, &call.body);
        return Ok((204, Value::Null));
    }
    let message = match call.place(2) {
        "@original" => original,
        other => other.parse().ok(),
    };
    let message =
        message.filter(|message| state.message(channel, *message).is_some_and(|it| it.interaction == Some(id)));
    let message = message.ok_or_else(|| Refusal::code(10008))?;
    match call.route.name.split(' ').next() {
        Some("PATCH") => {
            let unknown = check::message(&call.body)?;
            messages::note(state, call, unknown);
            if let Some(message) = state.message_mut(channel, message) {
                message.flags &= !LOADING;
            }
            messages::change(state, channel, message, &call.body)?;
        }
        Some("DELETE") => {
            messages::delete(state, channel, message);
            return Ok((204, Value::Null));
        }
        _ => {}
    }
    let message = state.message(channel, message).ok_or_else(|| Refusal::code(10008))?;
    Ok((200, payload::message(state, message)))
}
