//! What people see.

use operations::ids::Platform;
use serde_json::Value;

/// A channel as people see it at one moment.
#[derive(Clone, Debug)]
pub struct Channel {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its messages, the oldest first.
    pub messages: Vec<Message>,
    /// The ids of those that are pinned.
    pub pins: Vec<String>,
    private: Vec<(String, String)>,
}

/// A message as people see it at one moment.
#[derive(Clone, Debug)]
pub struct Message {
    /// The channel that it is in.
    pub channel: String,
    /// Its id.
    pub id: String,
    /// Everything that it says: text, blocks, embeds, buttons.
    pub text: String,
    /// Whether the bot wrote it.
    pub by_bot: bool,
}

impl Channel {
    /// The first channel of that name in what people see, or whose name begins so where that ends in `…`.
    #[must_use]
    pub fn find(view: &Value, platform: Platform, name: &str) -> Option<Channel> {
        let channels = view["channels"].as_array()?;
        let matches = |channel: &&Value| {
            let named = channel["name"].as_str().unwrap_or_default();
            name.strip_suffix('…').map_or(named == name, |prefix| named.starts_with(prefix))
        };
        let channel = channels.iter().find(matches)?;
        let key = match platform {
            Platform::Slack => "ts",
            Platform::Discord => "id",
        };
        let bot = view["bot"]["id"].as_str().unwrap_or_default();
        let id = channel["id"].as_str()?.to_owned();
        let (mut messages, mut private) = (Vec::new(), Vec::new());
        for message in channel["messages"].as_array()? {
            let mut text = String::new();
            words(message, &mut text);
            let text = text.replace('\\', "");
            match message["ephemeral_to"].as_str() {
                Some(to) => private.push((to.to_owned(), text)),
                None if message["deleted"].as_bool() == Some(true) => {}
                None => messages.push(Message {
                    channel: id.clone(),
                    id: message[key].as_str().unwrap_or_default().to_owned(),
                    text,
                    by_bot: message["user"].as_str() == Some(bot) || message["author"]["id"].as_str() == Some(bot),
                }),
            }
        }
        let pins = channel["pins"].as_array().into_iter().flatten().filter_map(|pin| pin.as_str().map(str::to_owned));
        let name = channel["name"].as_str().unwrap_or_default().to_owned();
        Some(Channel { id, name, messages, pins: pins.collect(), private })
    }

    /// The newest message that says this.
    #[must_use]
    pub fn message(&self, says: &str) -> Message {
        self.try_message(says).unwrap_or_else(|| panic!("nothing in #{} says {says:?}:\n{}", self.name, self.text()))
    }

    /// The newest message that says this, if there is one.
    #[must_use]
    pub fn try_message(&self, says: &str) -> Option<Message> {
        self.messages.iter().rev().find(|message| message.text.contains(says)).cloned()
    }

    /// How many messages say this.
    #[must_use]
    pub fn count(&self, says: &str) -> usize {
        self.messages.iter().filter(|message| message.text.contains(says)).count()
    }

    /// Everything in it.
    #[must_use]
    pub fn text(&self) -> String {
        self.messages.iter().map(|message| format!("- {}\n", message.text)).collect()
    }

    pub(crate) fn private(&self, to: Option<&str>) -> Vec<String> {
        let own = self.private.iter().filter(|(user, _)| Some(user.as_str()) == to);
        own.map(|(_, text)| text.clone()).collect()
    }
}

/// Everything that is said anywhere in a message.
pub fn words(value: &Value, text: &mut String) {
    match value {
        Value::String(said) => text.push_str(said),
        Value::Array(values) => values.iter().for_each(|value| words(value, text)),
        Value::Object(map) => {
            // What Slack shows only in notifications says everything once more.
            map.iter().filter(|(key, _)| *key != "fallback").for_each(|(_, value)| words(value, text));
            text.push(' ');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
