//! What people see in the end.

use std::collections::HashMap;

use operations::ids::Platform;
use serde_json::Value;

/// One chat as people see it.
pub(crate) struct Seen {
    /// Which chat.
    pub(crate) on: Platform,
    /// What the bot said in each channel for everybody, by the channel's name.
    pub(crate) said: HashMap<String, Vec<String>>,
    /// What the bot said to one person, by the person's name.
    pub(crate) told: HashMap<String, Vec<String>>,
}

/// Messages of these kinds are a person's or a bot's own on Discord: plain ones, answers to one, answers to a command.
/// Others are Discord's own words, such as that something was pinned.
const SAID: [u64; 3] = [0, 19, 20];

impl Seen {
    /// Reads everything that people see.
    pub(crate) fn read(view: &Value, on: Platform) -> Seen {
        let mut seen = Seen { on, said: HashMap::new(), told: HashMap::new() };
        let bot = &view["bot"]["id"];
        let names: HashMap<&str, &str> = list(&view["people"])
            .filter_map(|person| Some((person["id"].as_str()?, person["name"].as_str()?)))
            .collect();
        let authors: HashMap<&str, &str> = list(&view["channels"])
            .flat_map(|channel| list(&channel["messages"]))
            .filter_map(|message| Some((message["id"].as_str()?, message["author"]["id"].as_str()?)))
            .collect();
        for channel in list(&view["channels"]) {
            let alone = channel["im"].as_str().or(channel["dm"].as_str());
            for message in list(&channel["messages"]) {
                let by_bot = message["user"] == *bot || message["author"]["id"] == *bot;
                let its_own = match on {
                    Platform::Slack => message["subtype"].is_null() && message["deleted"] == false,
                    Platform::Discord => message["type"].as_u64().is_some_and(|kind| SAID.contains(&kind)),
                };
                if !by_bot || !its_own {
                    continue;
                }
                let mut text = String::new();
                ::tests::words(message, &mut text);
                let text = text.replace('\\', "");
                // Discord has no private answer to a mention: the answer is a reply to it, for everybody to see.
                let replied_to = message["reference"].as_str().and_then(|id| authors.get(id).copied());
                match message["ephemeral_to"].as_str().or(alone).or(replied_to) {
                    Some(to) => {
                        let name = names.get(to).copied().unwrap_or(to).to_owned();
                        seen.told.entry(name).or_default().push(text);
                    }
                    None => {
                        let name = channel["name"].as_str().unwrap_or_default().to_owned();
                        seen.said.entry(name).or_default().push(text);
                    }
                }
            }
        }
        for channel in list(&view["channels"]) {
            // A room that nothing was said in is there all the same.
            seen.said.entry(channel["name"].as_str().unwrap_or_default().to_owned()).or_default();
        }
        seen
    }

    /// How many messages in a channel say this.
    pub(crate) fn count(&self, channel: &str, words: &str) -> usize {
        self.said.get(channel).map_or(0, |said| said.iter().filter(|text| text.contains(words)).count())
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_said_to_all_is_told_from_what_is_said_to_one() {
        let bot = json!({"id": "B"});
        let people = json!([{"id": "U1", "name": "ann"}]);
        let slack = json!({"bot": bot, "people": people, "channels": [{"name": "room", "messages": [
            {"user": "B", "text": "for all", "deleted": false},
            {"user": "B", "text": "set the topic", "subtype": "channel_topic", "deleted": false},
            {"user": "B", "text": "for ann", "ephemeral_to": "U1", "deleted": false},
            {"user": "U1", "text": "by ann", "deleted": false},
        ]}]});
        let discord = json!({"bot": bot, "people": people, "channels": [{"name": "room", "messages": [
            {"id": "1", "author": {"id": "U1"}, "content": "by ann", "type": 0},
            {"id": "2", "author": {"id": "B"}, "content": "for all", "type": 0},
            {"id": "3", "author": {"id": "B"}, "content": "pinned a message", "type": 6},
            {"id": "4", "author": {"id": "B"}, "content": "for ann", "type": 19, "reference": "1"},
        ]}, {"name": "ann", "dm": "U1", "messages": []}]});
        for (view, on) in [(slack, Platform::Slack), (discord, Platform::Discord)] {
            let seen = Seen::read(&view, on);
            assert_eq!((seen.said["room"].len(), seen.count("room", "for all")), (1, 1), "{on:?}");
            assert_eq!(seen.told["ann"].len(), 1, "{on:?}");
            assert!(seen.told["ann"][0].contains("for ann"), "{on:?}");
        }
    }
}
