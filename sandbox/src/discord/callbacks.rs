//! Answers to interactions: the first one, and those that follow by the interaction's webhook.
//!
//! What holds: one interaction is answered once, within three seconds; its token is good for
//! fifteen minutes; what fills in a deferred answer is seen by those who saw that it was coming.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::form::{FormErrors, join};
use super::interactions::FIRST;
use super::refusal::{Answer, Refusal};
use super::rest::Call;
use super::state::{EPHEMERAL, LOADING, OpenForm, State};
use super::{Outcome, check, check_modal, messages, payload};

/// The time for all answers.
const TOKEN: SignedDuration = SignedDuration::from_mins(15);
/// The most choices that a completion offers.
const CHOICES: usize = 25;

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
    let mut original = None;
    // What is typed can only be completed, and only what came from a message can change that message.
    let outcome = match (call.body["type"].as_u64(), kind, message) {
        (Some(4), 2 | 3 | 5, _) => {
            let unknown = check::message(data, "data")?;
            note(state, call, unknown);
            if check::is_empty(data) {
                return Err(Refusal::code(50006));
            }
            original = answer(state, id, data);
            Outcome::Answered
        }
        (Some(5), 2 | 3 | 5, _) => {
            original = answer(state, id, &json!({"flags": data["flags"].as_u64().unwrap_or_default() | LOADING}));
            Outcome::Deferred
        }
        // A form may always be taken without a word, even one that no message has opened.
        (Some(6), 3 | 5, _) => {
            original = message;
            Outcome::Answered
        }
        (Some(7), 3 | 5, Some(changed)) => {
            let flags = state.message(channel, changed).map_or(0, |message| message.flags);
            let unknown = check::edit(data, "data", flags)?;
            messages::change(state, channel, changed, data)?;
            note(state, call, unknown);
            original = message;
            Outcome::Answered
        }
        (Some(8), 4, _) => {
            let choices = choices(data)?;
            if let Some(interaction) = state.interactions.get_mut(&id) {
                interaction.choices = choices;
            }
            Outcome::Answered
        }
        (Some(9), 2 | 3, _) => {
            let unknown = check_modal::modal(data)?;
            state
                .unexpected
                .extend(unknown.into_iter().map(|field| format!("{}: unknown field {field}", call.route.name)));
            state.forms.retain(|form| form.user != user);
            state.forms.push(OpenForm { user, channel, message, modal: data.clone() });
            Outcome::Answered
        }
        _ => {
            let message = "The callback type does not fit the interaction";
            return Err(Refusal::field("type", "BASE_TYPE_CHOICES", message));
        }
    };
    if let Some(interaction) = state.interactions.get_mut(&id) {
        interaction.outcome = Some(outcome);
        interaction.original = original;
    }
    state.waiting.retain(|waiting| *waiting != id);
    state.changed(channel);
    Ok((204, Value::Null))
}

/// Notes what the message in an answer's `data` should not have.
fn note(state: &mut State, call: &Call, unknown: Vec<String>) {
    let route = super::routes::Route { name: call.route.name, places: Vec::new() };
    let message = Call { route, query: Vec::new(), body: call.body["data"].clone() };
    messages::note(state, &message, unknown);
}

/// What a completion offers, by name and value.
fn choices(data: &Value) -> Result<Vec<(String, String)>, Refusal> {
    let mut errors = FormErrors::below("data");
    errors.object(data, "");
    let mut choices = Vec::new();
    for (path, choice) in errors.objects(&data["choices"], "choices", 0, CHOICES) {
        errors.text(&choice["name"], &join(&path, "name"), 1, 100);
        let value = match &choice["value"] {
            Value::Number(number) => number.to_string(),
            Value::Null => {
                errors.required(&join(&path, "value"));
                continue;
            }
            value => {
                errors.text(value, &join(&path, "value"), 0, 100);
                value.as_str().unwrap_or_default().to_owned()
            }
        };
        choices.push((choice["name"].as_str().unwrap_or_default().to_owned(), value));
    }
    errors.done()?;
    Ok(choices)
}

/// Posts a message that answers an interaction; gives its id.
fn answer(state: &mut State, id: u64, data: &Value) -> Option<u64> {
    let (user, channel) = state.interactions.get(&id).map(|it| (it.user, it.channel))?;
    let me = state.me;
    let mut message = state.new_message(channel, me);
    messages::fill(&mut message, data);
    let flags = data["flags"].as_u64().unwrap_or_default();
    message.flags |= flags & (EPHEMERAL | LOADING);
    message.ephemeral_to = (flags & EPHEMERAL != 0).then_some(user);
    message.kind = 20;
    message.interaction = Some(id);
    message.mentions = messages::mentions(state, &message.content, &check::allowed(data), channel);
    Some(messages::add(state, message, true))
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
        let message = follow_up(state, call, id, channel, original)?;
        return shown(state, channel, message);
    }
    let message = match call.place(2) {
        "@original" => original,
        other => other.parse().ok(),
    };
    let is_its = |id_of: &u64| {
        let found = state.message(channel, *id_of);
        found.is_some_and(|found| found.interaction == Some(id) || original == Some(*id_of))
    };
    let message = message.filter(is_its).ok_or_else(|| Refusal::code(10008))?;
    match call.route.name.split(' ').next() {
        Some("PATCH") => {
            let flags = state.message(channel, message).map_or(0, |message| message.flags);
            let unknown = check::edit(&call.body, "", flags)?;
            messages::change(state, channel, message, &call.body)?;
            messages::note(state, call, unknown);
        }
        Some("DELETE") => {
            messages::delete(state, channel, message);
            return Ok((204, Value::Null));
        }
        _ => {}
    }
    shown(state, channel, message)
}

/// A further message. The first after a deferred answer fills that one in, whatever it says of who sees it.
fn follow_up(state: &mut State, call: &Call, id: u64, channel: u64, original: Option<u64>) -> Result<u64, Refusal> {
    let unknown = check::message(&call.body, "")?;
    messages::note(state, call, unknown);
    if check::is_empty(&call.body) {
        return Err(Refusal::code(50006));
    }
    let deferred = original.filter(|id| state.message(channel, *id).is_some_and(|it| it.flags & LOADING != 0));
    match deferred {
        Some(deferred) => {
            messages::change(state, channel, deferred, &call.body)?;
            Ok(deferred)
        }
        None => answer(state, id, &call.body).ok_or_else(|| Refusal::code(10015)),
    }
}

fn shown(state: &State, channel: u64, message: u64) -> Answer {
    let message = state.message(channel, message).ok_or_else(|| Refusal::code(10008))?;
    Ok((200, payload::message(state, message)))
}
