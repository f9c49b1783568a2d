//! The story: a release that breaks something, from its deploy over the alert and the rollback to the postmortem,
//! played by three people on two chats.
//!
//! Every step is something that a person or a monitor does, and what must then be seen on
//! both chats. The README's transcript, `muster demo --headless --story` and the page's button play this one, the crash
//! tests its incident.

use std::time::Duration;

use jiff::Timestamp;
use operations::ids::Platform;
use sandbox::Sandbox;
use serde_json::Value;

use super::HOOK_TOKEN;

/// A step that did not come out as told.
#[derive(Debug, thiserror::Error)]
#[error("{step}: {what}")]
pub struct Missed {
    /// Which step.
    pub step: &'static str,
    /// What was not seen, or could not be done.
    pub what: String,
}

/// How long a step may take before it counts as missed, in real time.
const PATIENCE: Duration = Duration::from_secs(60);

/// What one step does.
#[derive(Clone, Debug)]
pub enum Does {
    /// A monitor tells of the alerts: firing, or resolved.
    Tells {
        /// Firing or resolved.
        firing: bool,
    },
    /// A person types a message or command.
    Types(Platform, &'static str, In, &'static str),
    /// A person clicks a button on the newest message that shows it.
    Clicks(Platform, &'static str, In, &'static str),
    /// A person clicks a button on what only they see, which a click before this one led to.
    Confirms(Platform, &'static str, In, &'static str),
    /// Nobody does anything: what is under way ends.
    Waits,
    /// A person fills in the open form.
    Submits(Platform, &'static str, &'static [(&'static str, &'static str)]),
    /// A person pins the message that says this.
    Pins(Platform, &'static str, In, &'static str),
    /// A person reacts with 📌 to the message that says this.
    Marks(Platform, &'static str, In, &'static str),
}

/// A channel of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum In {
    /// `#alerts`.
    Alerts,
    /// `#incidents`.
    Incidents,
    /// `#deploys`.
    Deploys,
    /// The incident's room.
    Room,
}

impl In {
    /// The channel's name, or how it begins.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            In::Alerts => "alerts",
            In::Incidents => "incidents",
            In::Deploys => "deploys",
            In::Room => "inc-1-",
        }
    }
}

/// A step of the story.
#[derive(Clone, Debug)]
pub struct Step {
    /// When it happens, in seconds after the beginning. What people read in minutes is far from a minute's edge.
    pub second: i64,
    /// What happens, for whoever watches.
    pub title: &'static str,
    /// What is done.
    pub does: Does,
    /// What must then be seen, on both chats unless a platform is named; `…` stands between parts of one message.
    pub seen: &'static [(Option<Platform>, In, &'static str)],
}

use Platform::{Discord, Slack};

/// When the alerts are told of, and since when they fire then.
const ALERT: i64 = 1130;
const FIRES: i64 = 240;

/// Since when the story's alerts fire, in its own time.
#[must_use]
pub fn began() -> Timestamp {
    super::time::beginning() + jiff::SignedDuration::from_secs(ALERT - FIRES)
}

/// What a person says in Slack and then marks.
const ROLLING_BACK: &str = "Rolling back checkout to v141, the errors began with v142";
/// What a person says in Discord and then pins.
const RIGHT_AFTER: &str = "Payments look fine, only the cart page fails";

/// The steps, in order.
#[must_use]
pub fn steps() -> Vec<Step> {
    let step = |second, title, does, seen| Step { second, title, does, seen };
    vec![
        step(
            5,
            "Ann deploys v141 to production from Discord",
            Does::Types(
                Discord,
                "ann",
                In::Deploys,
                "/deploy start service:checkout environment:production ref:v141 reason:Gift cards are announced for today",
            ),
            &[(None, In::Deploys, "v141…Needs 1 approval…Approve")],
        ),
        step(
            20,
            "Bob approves it in Slack",
            Does::Types(Slack, "bob", In::Deploys, "/approve"),
            &[(None, In::Deploys, "Bob (Slack) approved the plan")],
        ),
        step(45, "It runs, and is done", Does::Waits, &[(None, In::Deploys, "v141…done in")]),
        step(
            490,
            "Ann deploys v142 from Slack",
            Does::Types(
                Slack,
                "ann",
                In::Deploys,
                "/deploy checkout@v142 to production --reason Customers ask when it comes",
            ),
            &[(None, In::Deploys, "v142…Needs 1 approval…Approve")],
        ),
        step(
            505,
            "Bob approves it in Discord",
            Does::Clicks(Discord, "bob", In::Deploys, "Approve"),
            &[(None, In::Deploys, "Bob (Discord) approved the plan")],
        ),
        step(530, "It goes through its steps, and is done", Does::Waits, &[(None, In::Deploys, "v142…done in")]),
        step(
            ALERT,
            "A monitor tells of three alerts",
            Does::Tells { firing: true },
            &[
                (None, In::Alerts, "HighErrorRate…Acknowledge"),
                (None, In::Alerts, "v142 was deployed…before by Ann (Slack) (2 commits)"),
            ],
        ),
        step(
            1190,
            "Bob acknowledges in Discord; Slack shows it",
            Does::Clicks(Discord, "bob", In::Alerts, "Acknowledge"),
            &[(None, In::Alerts, "Bob (Discord)")],
        ),
        step(
            1250,
            "Ann declares an incident from the card in Slack",
            Does::Clicks(Slack, "ann", In::Alerts, "Declare incident"),
            &[],
        ),
        step(
            1310,
            "She fills in the form",
            Does::Submits(Slack, "ann", &[("title", "Checkout is failing for some customers"), ("severity", "SEV2")]),
            &[
                (None, In::Room, "Checkout is failing for some customers"),
                (None, In::Incidents, "Checkout is failing for some customers"),
                (None, In::Alerts, "INC-1"),
            ],
        ),
        step(
            1340,
            "Ann takes command",
            Does::Types(Slack, "ann", In::Room, "/incident role commander me"),
            &[(None, In::Room, "is now Commander"), (None, In::Incidents, "Ann")],
        ),
        step(
            1460,
            "Bob raises the severity from Discord",
            Does::Types(Discord, "bob", In::Room, "/incident sev SEV1"),
            &[(None, In::Room, "changed the severity from SEV2 to SEV1"), (None, In::Incidents, "SEV1")],
        ),
        step(
            1520,
            "Bob writes what he sees",
            Does::Types(Discord, "bob", In::Room, RIGHT_AFTER),
            &[(Some(Discord), In::Room, RIGHT_AFTER)],
        ),
        step(
            1540,
            "He pins it: it is in the timeline, and Slack hears of it",
            Does::Pins(Discord, "bob", In::Room, RIGHT_AFTER),
            &[(Some(Slack), In::Room, RIGHT_AFTER), (None, In::Room, "pinned a message of")],
        ),
        step(
            1640,
            "Ann writes what she does",
            Does::Types(Slack, "ann", In::Room, ROLLING_BACK),
            &[(Some(Slack), In::Room, ROLLING_BACK)],
        ),
        step(
            1660,
            "She marks it with 📌, and Discord hears of it",
            Does::Marks(Slack, "ann", In::Room, ROLLING_BACK),
            &[(Some(Discord), In::Room, ROLLING_BACK), (None, In::Room, "added to the timeline a message of")],
        ),
        step(
            1670,
            "She clicks on the alert's card to roll back, and is shown what to",
            Does::Clicks(Slack, "ann", In::Alerts, "Roll back checkout…"),
            &[],
        ),
        step(
            1685,
            "She rolls back",
            Does::Confirms(Slack, "ann", In::Alerts, "Roll back now"),
            &[(None, In::Deploys, "Rollback…v141")],
        ),
        step(
            1695,
            "Ann posts an update",
            Does::Types(Slack, "ann", In::Room, "/incident update The rollback runs, the error rate is falling"),
            &[(None, In::Room, "posted an update"), (None, In::Incidents, "the error rate is falling")],
        ),
        step(
            1710,
            "The rollback is done",
            Does::Waits,
            &[(None, In::Deploys, "Rollback…v141…done in"), (None, In::Deploys, "v142…Rolled back by D-")],
        ),
        step(
            1880,
            "Cleo notes what support hears",
            Does::Types(Discord, "cleo", In::Room, "/incident note Support counts 14 tickets, none since 14:31"),
            &[(None, In::Room, "14 tickets")],
        ),
        step(
            1940,
            "Bob thinks of the time after",
            Does::Types(Discord, "bob", In::Room, "/incident action Alert on the cart page itself"),
            &[(None, In::Room, "added an action item")],
        ),
        step(
            2000,
            "Bob mitigates",
            Does::Types(Discord, "bob", In::Room, "/incident mitigate v141 is back"),
            &[(None, In::Room, "mitigated the incident"), (None, In::Incidents, "mitigated")],
        ),
        step(
            2060,
            "The monitor tells that the alerts are resolved",
            Does::Tells { firing: false },
            &[(None, In::Alerts, "resolved after")],
        ),
        step(
            2660,
            "Ann resolves",
            Does::Types(Slack, "ann", In::Room, "/incident resolve No errors for ten minutes"),
            &[(None, In::Room, "resolved the incident"), (None, In::Incidents, "resolved")],
        ),
        step(
            2780,
            "Ann asks for the postmortem",
            Does::Types(Slack, "ann", In::Room, "/incident postmortem"),
            &[(None, In::Room, "The postmortem is written")],
        ),
    ]
}

/// Plays the story on a sandbox, against the bot that listens at `hooks`.
pub struct Player<'a> {
    /// The chats.
    pub sandbox: &'a Sandbox,
    /// Where the bot takes webhooks: `http://127.0.0.1:8080`.
    pub hooks: String,
    /// What is sent with.
    pub http: reqwest::Client,
    /// Since when the alerts fire.
    pub began: Timestamp,
}

impl Player<'_> {
    /// Does a step and waits until what must be seen is seen.
    ///
    /// # Errors
    /// [`Missed`]: what could not be done or was not seen.
    pub async fn play(&self, step: &Step) -> Result<(), Missed> {
        let missed = |what| Missed { step: step.title, what };
        self.act(&step.does).await.map_err(missed)?;
        self.wait(step).await.map_err(|what| Missed { step: step.title, what })
    }

    /// Waits until what a step must lead to is seen.
    ///
    /// # Errors
    /// What was not seen.
    pub async fn wait(&self, step: &Step) -> Result<(), String> {
        let mut changes = self.sandbox.changes();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let Some(missing) = self.missing(step) else { return Ok(()) };
            // That some changes were missed is no harm: everything is looked at anew.
            if tokio::time::timeout_at(deadline, changes.recv()).await.is_err() {
                return Err(format!("{missing} was not seen within {} seconds", PATIENCE.as_secs()));
            }
        }
    }

    /// The first thing that must be seen after a step and is not.
    #[must_use]
    pub fn missing(&self, step: &Step) -> Option<String> {
        for (platform, place, words) in step.seen {
            for on in Platform::ALL {
                if platform.is_none_or(|only| only == on) && self.message(on, *place, words).is_none() {
                    return Some(format!("\"{words}\" in #{}… on {}", place.name(), on.title()));
                }
            }
        }
        None
    }

    /// Does what a step says.
    ///
    /// # Errors
    /// Why it could not be done.
    pub async fn act(&self, does: &Does) -> Result<(), String> {
        match does {
            Does::Tells { firing } => self.tell(*firing).await,
            Does::Types(on, who, place, text) => self.type_text(*on, who, *place, text).await,
            Does::Clicks(on, who, place, button) => {
                let (channel, message) = self.needed(*on, *place, button)?;
                self.click(*on, who, &channel, &message, button).await
            }
            Does::Confirms(on, who, place, button) => {
                let (channel, message) = self.private(*on, who, *place, button).await?;
                self.click(*on, who, &channel, &message, button).await
            }
            Does::Waits => Ok(()),
            Does::Submits(on, who, values) => self.submit(*on, who, values).await,
            Does::Pins(on, who, place, text) => {
                let (channel, message) = self.needed(*on, *place, text)?;
                self.enter(*on, who, &channel).await?;
                match on {
                    Slack => self.sandbox.slack.pins(who, &channel, &message).await,
                    Discord => self.sandbox.discord.pins(who, &channel, &message).await,
                }
            }
            Does::Marks(on, who, place, text) => {
                let (channel, message) = self.needed(*on, *place, text)?;
                self.enter(*on, who, &channel).await?;
                match on {
                    Slack => self.sandbox.slack.reacts(who, &channel, &message, "pushpin").await,
                    Discord => self.sandbox.discord.reacts(who, &channel, &message, "📌").await,
                }
            }
        }
    }

    async fn click(&self, on: Platform, who: &str, channel: &str, message: &str, button: &str) -> Result<(), String> {
        self.enter(on, who, channel).await?;
        match on {
            Slack => self.sandbox.slack.clicks(who, channel, message, button).await,
            Discord => self.sandbox.discord.clicks(who, channel, message, button).await,
        }
    }

    /// What only one person sees may come a moment after the click, so it is waited for.
    async fn private(&self, on: Platform, who: &str, place: In, words: &str) -> Result<(String, String), String> {
        let mut changes = self.sandbox.changes();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(found) = self.shown_to(on, who, place, words) {
                return Ok(found);
            }
            if tokio::time::timeout_at(deadline, changes.recv()).await.is_err() {
                return Err(format!("nothing with \"{words}\" is shown to {who} alone"));
            }
        }
    }

    /// The newest message in a place that only this person sees and that shows these words.
    #[must_use]
    pub fn shown_to(&self, on: Platform, who: &str, place: In, words: &str) -> Option<(String, String)> {
        let id = match on {
            Slack => self.sandbox.slack.user_id(who),
            Discord => self.sandbox.discord.user_id(who),
        }?;
        self.newest(on, place, words, |message| message["ephemeral_to"].as_str() == Some(&id))
    }

    /// Whoever acts in a public channel of Slack joins it first; being in it already is no harm.
    async fn enter(&self, on: Platform, who: &str, channel: &str) -> Result<(), String> {
        match on {
            Slack => self.sandbox.slack.joins(who, channel).await,
            Discord => Ok(()),
        }
    }

    async fn type_text(&self, on: Platform, who: &str, place: In, text: &str) -> Result<(), String> {
        let channel = self.channel(on, place).ok_or_else(|| format!("there is no #{}…", place.name()))?;
        self.enter(on, who, &channel).await?;
        match on {
            Slack => match self.sandbox.slack.types(who, &channel, text, None).await? {
                sandbox::slack::Typed::Command { outcome: sandbox::slack::Outcome::Refused { error } } => Err(error),
                sandbox::slack::Typed::Command { .. } | sandbox::slack::Typed::Message { .. } => Ok(()),
            },
            Discord => match self.sandbox.discord.types(who, &channel, text).await? {
                sandbox::discord::Typed::Command { outcome, .. } if !outcome.answered() => Err(outcome.to_string()),
                sandbox::discord::Typed::Command { .. } | sandbox::discord::Typed::Message { .. } => Ok(()),
            },
        }
    }

    /// The form opens a moment after the click, so it is waited for.
    async fn submit(&self, on: Platform, who: &str, values: &[(&str, &str)]) -> Result<(), String> {
        let mut changes = self.sandbox.changes();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !self.has_form(on, who) {
            if tokio::time::timeout_at(deadline, changes.recv()).await.is_err() {
                return Err(format!("no form opened for {who}"));
            }
        }
        let values = values.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        match on {
            Slack => self.sandbox.slack.submits(who, values).await.map(|_| ()),
            Discord => self.sandbox.discord.submits(who, values).await,
        }
    }

    fn has_form(&self, on: Platform, who: &str) -> bool {
        let (view, id) = match on {
            Slack => (self.sandbox.slack.view(), self.sandbox.slack.user_id(who)),
            Discord => (self.sandbox.discord.view(), self.sandbox.discord.user_id(who)),
        };
        let forms = view["forms"].as_array().cloned().unwrap_or_default();
        forms.iter().any(|form| form["user"].as_str() == id.as_deref() || form["user"].as_str() == Some(who))
    }

    async fn tell(&self, firing: bool) -> Result<(), String> {
        let answer = self
            .http
            .post(format!("{}/hooks/alertmanager", self.hooks))
            .bearer_auth(HOOK_TOKEN)
            .json(&alerts(firing, self.began))
            .send()
            .await
            .map_err(|error| format!("the webhook was not taken: {}", error.without_url()))?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("the webhook was answered {}", answer.status())) }
    }

    fn view(&self, on: Platform) -> Value {
        match on {
            Slack => self.sandbox.slack.view(),
            Discord => self.sandbox.discord.view(),
        }
    }

    /// Whether the first incident was declared already, by the story or by hand.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        Platform::ALL.into_iter().any(|on| self.channel(on, In::Room).is_some())
    }

    fn channel(&self, on: Platform, place: In) -> Option<String> {
        let view = self.view(on);
        let channels = view["channels"].as_array()?;
        let found = channels.iter().find(|channel| is_named(channel, place))?;
        found["id"].as_str().map(str::to_owned)
    }

    /// The newest message in a place that shows these words to everybody, with its channel.
    #[must_use]
    pub fn message(&self, on: Platform, place: In, words: &str) -> Option<(String, String)> {
        self.newest(on, place, words, |message| message["ephemeral_to"].is_null())
    }

    fn newest(
        &self,
        on: Platform,
        place: In,
        words: &str,
        is_meant: impl Fn(&Value) -> bool,
    ) -> Option<(String, String)> {
        let view = self.view(on);
        let channel = view["channels"].as_array()?.iter().find(|channel| is_named(channel, place))?;
        let key = match on {
            Slack => "ts",
            Discord => "id",
        };
        let shows = |message: &&Value| is_meant(message) && shows(message, words);
        let message = channel["messages"].as_array()?.iter().rev().find(shows)?;
        Some((channel["id"].as_str()?.to_owned(), message[key].as_str()?.to_owned()))
    }

    fn needed(&self, on: Platform, place: In, words: &str) -> Result<(String, String), String> {
        let missing = || format!("there is no message with \"{words}\" in #{}… on {}", place.name(), on.title());
        self.message(on, place, words).ok_or_else(missing)
    }
}

fn is_named(channel: &Value, place: In) -> bool {
    let name = channel["name"].as_str().unwrap_or_default();
    match place {
        In::Room => name.starts_with(place.name()),
        In::Alerts | In::Incidents | In::Deploys => name == place.name(),
    }
}

/// Whether a message shows these words anywhere: text, blocks, embeds, buttons. Parts stand between `…`.
fn shows(message: &Value, words: &str) -> bool {
    let mut text = String::new();
    collect(message, &mut text);
    // Platforms escape what could be markup; what people see is without that.
    let text = text.replace('\\', "");
    words.split('…').all(|part| text.contains(part))
}

fn collect(value: &Value, text: &mut String) {
    match value {
        Value::String(words) => text.push_str(words),
        Value::Array(values) => values.iter().for_each(|value| collect(value, text)),
        Value::Object(map) => map.values().for_each(|value| collect(value, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What Alertmanager sends for the story's alerts (webhook version 4).
#[must_use]
pub fn alerts(firing: bool, began: Timestamp) -> Value {
    let status = if firing { "firing" } else { "resolved" };
    let starts_at = began.to_string();
    // While it fires, Alertmanager sends the zero time.
    let lasted = jiff::SignedDuration::from_mins(17);
    let ends_at = if firing { "0001-01-01T00:00:00Z".to_owned() } else { (began + lasted).to_string() };
    let alert = |number: u32| {
        serde_json::json!({
            "status": status,
            "labels": {
                "alertname": "HighErrorRate", "service": "checkout", "severity": "high",
                "environment": "production", "instance": format!("checkout-{number}"),
            },
            "annotations": {
                "summary": "Error rate 20% on checkout",
                "runbook_url": "https://runbooks.example.com/checkout",
            },
            "startsAt": starts_at, "endsAt": ends_at,
            "generatorURL": "https://prometheus.example.com/graph",
            "fingerprint": format!("66b9c325989b4f2{number}"),
        })
    };
    serde_json::json!({
        "version": "4", "groupKey": "{}:{alertname=\"HighErrorRate\", service=\"checkout\"}",
        "truncatedAlerts": 0, "status": status, "receiver": "muster",
        "groupLabels": {"alertname": "HighErrorRate", "service": "checkout"},
        "commonLabels": {"alertname": "HighErrorRate", "service": "checkout"},
        "commonAnnotations": {}, "externalURL": "https://alertmanager.example.com",
        "alerts": [alert(1), alert(2), alert(3)],
    })
}

/// How long an alert that is told of by hand lasted, by its own account.
const BY_HAND: jiff::SignedDuration = jiff::SignedDuration::from_mins(3);

/// The shortest body that does the same with one alert, to be sent by hand.
#[must_use]
pub fn alert_by_hand(firing: bool, began: Timestamp) -> Value {
    let mut body = alerts(firing, began);
    if let Some(alerts) = body["alerts"].as_array_mut() {
        alerts.truncate(1);
        if !firing {
            alerts.iter_mut().for_each(|alert| alert["endsAt"] = (began + BY_HAND).to_string().into());
        }
    }
    if let Some(fields) = body.as_object_mut() {
        let needed = ["version", "groupKey", "status", "receiver", "truncatedAlerts", "groupLabels", "alerts"];
        fields.retain(|name, _| needed.contains(&name.as_str()));
    }
    body
}
