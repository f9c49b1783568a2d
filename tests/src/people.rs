//! People, and what they do.

use std::collections::BTreeMap;

use operations::ids::Platform;

use crate::World;
use crate::seen::{Channel, Message};

/// One of the two chats.
#[derive(Clone, Copy)]
pub struct Chat<'w> {
    pub(crate) world: &'w World,
    /// Which one.
    pub platform: Platform,
}

/// Somebody on one of the chats.
#[derive(Clone, Copy)]
pub struct Person<'w> {
    chat: Chat<'w>,
    name: &'static str,
    hurries: bool,
}

impl<'w> Chat<'w> {
    /// Somebody by name.
    #[must_use]
    pub fn user(self, name: &'static str) -> Person<'w> {
        Person { chat: self, name, hurries: false }
    }

    /// A channel by its name, or by how it begins where that ends in `…`.
    #[must_use]
    pub fn channel(self, name: &str) -> Channel {
        self.try_channel(name).unwrap_or_else(|| panic!("there is no #{name} on {}", self.platform.title()))
    }

    /// A channel, if there is one.
    #[must_use]
    pub fn try_channel(self, name: &str) -> Option<Channel> {
        Channel::find(&self.view(), self.platform, name)
    }

    /// How many channels have a name that begins so.
    #[must_use]
    pub fn channels(self, prefix: &str) -> usize {
        let view = self.view();
        let channels = view["channels"].as_array().cloned().unwrap_or_default();
        channels.iter().filter(|channel| channel["name"].as_str().is_some_and(|name| name.starts_with(prefix))).count()
    }

    /// Everything that people see.
    #[must_use]
    pub fn view(self) -> serde_json::Value {
        match self.platform {
            Platform::Slack => self.world.sandbox.slack.view(),
            Platform::Discord => self.world.sandbox.discord.view(),
        }
    }

    /// Calls that were refused because they were wrong: there must be none.
    #[must_use]
    pub fn unexpected(self) -> Vec<String> {
        match self.platform {
            Platform::Slack => self.world.sandbox.slack.unexpected(),
            Platform::Discord => self.world.sandbox.discord.unexpected(),
        }
    }

    /// How many people were notified by the bot's messages.
    #[must_use]
    pub fn notifications(self) -> usize {
        match self.platform {
            Platform::Slack => self.world.sandbox.slack.notifications().len(),
            Platform::Discord => self.world.sandbox.discord.notifications().len(),
        }
    }
}

impl Person<'_> {
    /// Types a message or command, and waits until what follows has happened.
    pub async fn types(self, channel: &str, text: &str) {
        let id = self.chat.channel(channel).id;
        self.enters(&id).await;
        let sandbox = &self.chat.world.sandbox;
        let act = async {
            match self.chat.platform {
                Platform::Slack => sandbox.slack.types(self.name, &id, text, None).await.map(|_| ()),
                Platform::Discord => sandbox.discord.types(self.name, &id, text).await.map(|_| ()),
            }
        };
        self.does(act).await;
    }

    /// Clicks a button by what it says.
    pub async fn clicks(self, message: &Message, button: &str) {
        self.enters(&message.channel).await;
        let sandbox = &self.chat.world.sandbox;
        let act = async {
            match self.chat.platform {
                Platform::Slack => sandbox.slack.clicks(self.name, &message.channel, &message.id, button).await,
                Platform::Discord => sandbox.discord.clicks(self.name, &message.channel, &message.id, button).await,
            }
        };
        self.does(act).await;
    }

    /// What is offered while they type an option of a command, on Discord.
    pub async fn is_offered(self, command: &str, option: &str, partial: &str) -> Vec<(String, String)> {
        let discord = &self.chat.world.sandbox.discord;
        let channel = self.chat.channel("general").id;
        let offered = discord.completes(self.name, &channel, command, option, partial);
        self.chat.world.while_working(offered).await.expect("there is such an option")
    }

    /// Fills in the open form.
    pub async fn submits(self, values: &[(&str, &str)]) {
        let values: BTreeMap<String, String> =
            values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let sandbox = &self.chat.world.sandbox;
        let act = async {
            match self.chat.platform {
                Platform::Slack => sandbox.slack.submits(self.name, values).await.map(|_| ()),
                Platform::Discord => sandbox.discord.submits(self.name, values).await,
            }
        };
        self.does(act).await;
    }

    /// Pins a message.
    pub async fn pins(self, message: &Message) {
        self.enters(&message.channel).await;
        let sandbox = &self.chat.world.sandbox;
        let act = async {
            match self.chat.platform {
                Platform::Slack => sandbox.slack.pins(self.name, &message.channel, &message.id).await,
                Platform::Discord => sandbox.discord.pins(self.name, &message.channel, &message.id).await,
            }
        };
        self.does(act).await;
    }

    /// Reacts to a message with 📌.
    pub async fn marks(self, message: &Message) {
        self.enters(&message.channel).await;
        let sandbox = &self.chat.world.sandbox;
        let act = async {
            match self.chat.platform {
                Platform::Slack => sandbox.slack.reacts(self.name, &message.channel, &message.id, "pushpin").await,
                Platform::Discord => sandbox.discord.reacts(self.name, &message.channel, &message.id, "📌").await,
            }
        };
        self.does(act).await;
    }

    /// Takes the 📌 away again.
    pub async fn unmarks(self, message: &Message) {
        self.enters(&message.channel).await;
        let sandbox = &self.chat.world.sandbox;
        let act = async {
            match self.chat.platform {
                Platform::Slack => sandbox.slack.unreacts(self.name, &message.channel, &message.id, "pushpin").await,
                Platform::Discord => sandbox.discord.unreacts(self.name, &message.channel, &message.id, "📌").await,
            }
        };
        self.does(act).await;
    }

    /// What only this person sees in a channel: the newest.
    #[must_use]
    pub fn was_told(self, channel: &str) -> String {
        self.all_told(channel).pop().unwrap_or_default()
    }

    /// Everything that only this person sees in a channel, the oldest first.
    #[must_use]
    pub fn all_told(self, channel: &str) -> Vec<String> {
        let id = match self.chat.platform {
            Platform::Slack => self.chat.world.sandbox.slack.user_id(self.name),
            Platform::Discord => self.chat.world.sandbox.discord.user_id(self.name),
        };
        self.chat.channel(channel).private(id.as_deref())
    }

    /// Whoever acts in a public channel of Slack joins it first; being in it already, or being unable to, is no harm.
    async fn enters(self, channel: &str) {
        if self.chat.platform == Platform::Slack {
            let _ = self.chat.world.sandbox.slack.joins(self.name, channel).await;
        }
    }

    /// The same person, who also acts while the bot's connection is just being opened again.
    #[must_use]
    pub fn at_once(self) -> Self {
        Person { hurries: true, ..self }
    }

    /// Does something while time goes on as it must, and lets what follows happen.
    async fn does(self, act: impl Future<Output = Result<(), String>>) {
        if !self.hurries {
            self.chat.world.reconnects(self.chat.platform).await;
        }
        let done = self.chat.world.while_working(act).await;
        done.unwrap_or_else(|why| panic!("{} could not do that on {}: {why}", self.name, self.chat.platform.title()));
        self.chat.world.settle().await;
    }
}
