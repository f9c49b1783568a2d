//! Pins: by the bot and by people.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::messages::{add, visible};
use super::payload;
use super::permissions::{PIN_MESSAGES, need};
use super::refusal::{Answer, Refusal};
use super::rest::Call;
use super::state::{Message, State};

/// The most pins of a channel.
const PINS: usize = 250;
/// The most pins of a page.
const PAGE: usize = 50;

/// Everything below `/channels/{channel.id}/messages/pins` and `/pins`.
pub(super) fn call(state: &mut State, call: &Call, channel: u64, message: u64) -> Answer {
    let name = call.route.name;
    if name.starts_with("GET") {
        return if name.contains("/messages/pins") { page(state, call, channel) } else { list(state, channel) };
    }
    let place = state.channel(channel).ok_or_else(|| Refusal::code(10003))?;
    need(state, place, PIN_MESSAGES)?;
    visible(state, channel, message)?;
    if name.starts_with("PUT") {
        let me = state.me;
        pin(state, channel, message, me)?;
    } else {
        unpin(state, channel, message);
    }
    Ok((204, Value::Null))
}

/// A channel's pins, the newest first.
fn pinned(state: &State, channel: u64) -> impl Iterator<Item = (&Message, Timestamp)> {
    let places = state.channel(channel).into_iter();
    places.flat_map(|place| place.pins.iter().filter_map(|(id, at)| Some((place.message(*id)?, *at))))
}

/// The newest pins, as it was before there were pages.
fn list(state: &State, channel: u64) -> Answer {
    Ok((200, pinned(state, channel).take(PAGE).map(|(message, _)| payload::message(state, message)).collect()))
}

/// A page of pins: those from before a time.
fn page(state: &State, call: &Call, channel: u64) -> Answer {
    let limit = call.query("limit").map_or(Some(PAGE), |limit| limit.parse().ok());
    let Some(limit) = limit.filter(|limit| (1..=PAGE).contains(limit)) else {
        return Err(Refusal::field("limit", "NUMBER_TYPE_MAX", "int value should be less than or equal to 50."));
    };
    let before = call.query("before").map(str::parse::<Timestamp>).transpose();
    let before = before
        .map_err(|_| Refusal::field("before", "DATETIME_TYPE_PARSE", "Could not parse the time. Should be ISO8601."))?;
    let mut found = pinned(state, channel).filter(|(_, at)| before.is_none_or(|before| *at < before));
    let item = |(message, at): (&Message, Timestamp)| json!({"pinned_at": payload::time(at), "message": payload::message(state, message)});
    let items: Vec<Value> = found.by_ref().take(limit).map(item).collect();
    Ok((200, json!({"items": items, "has_more": found.next().is_some()})))
}

/// Pins a message and says so in the channel, as Discord does.
pub(super) fn pin(state: &mut State, channel: u64, message: u64, by: u64) -> Result<(), Refusal> {
    let now = state.now;
    let place = state.channel_mut(channel).ok_or_else(|| Refusal::code(10003))?;
    if place.pins.iter().any(|(pinned, _)| *pinned == message) {
        return Ok(());
    }
    if place.pins.len() >= PINS {
        return Err(Refusal::code(30003));
    }
    place.pins.insert(0, (message, now));
    told_of_pins(state, channel);
    let mut line = state.new_message(channel, by);
    line.kind = 6;
    line.reference = Some(message);
    add(state, line, true);
    Ok(())
}

/// Takes a pin out.
pub(super) fn unpin(state: &mut State, channel: u64, message: u64) {
    if let Some(place) = state.channel_mut(channel) {
        place.pins.retain(|(pinned, _)| *pinned != message);
    }
    told_of_pins(state, channel);
    state.changed(channel);
}

fn told_of_pins(state: &mut State, channel: u64) {
    let last = state.channel(channel).and_then(|place| place.pins.first()).map(|(_, at)| payload::time(*at));
    let dm = state.channel(channel).is_some_and(|place| place.dm.is_some());
    let mut data = json!({"channel_id": channel.to_string(), "last_pin_timestamp": last});
    if !dm {
        data["guild_id"] = json!(state.guild.to_string());
    }
    state.dispatch("CHANNEL_PINS_UPDATE", dm, &data);
}
