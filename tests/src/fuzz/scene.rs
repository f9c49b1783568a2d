//! The core without anything around it: decides, folds, answers, and shows what follows on both chats.
//!
//! What holds: whatever people do, each answer and each card can be shown, the journal's
//! lines read as what was written, and a replay of them gives the same state.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use commands::parse::{Asker, Parsed, command_line, parse};
use commands::{answers, cards, click};
use jiff::{SignedDuration, Timestamp};
use operations::chat::{Actor, Answer, Inbound};
use operations::command::{Command, FormKind};
use operations::decide::decide;
use operations::effect::{Effect, Place};
use operations::ids::{ChannelId, IncidentId, Platform, UserRef};
use operations::incident::Severity;
use operations::input::{Asked, Input};
use operations::journal::Record;
use operations::react::react;
use operations::refusal::Refusal;
use operations::reply::Reply;
use operations::settings::{Person, Seat, Service, Settings};
use operations::state::State;
use operations::text::Outside;

use super::bytes::is_visible;
use super::chats;

/// So many of the newest groups and incidents are shown.
const NEWEST: usize = 3;

/// A state, its journal, and what is still to be done outside.
#[derive(Clone)]
pub(super) struct Scene {
    pub(super) state: State,
    pub(super) now: Timestamp,
    pub(super) records: Vec<Record>,
    pub(super) effects: Vec<Effect>,
}

impl Scene {
    /// Nothing has happened yet.
    pub(super) fn empty() -> Scene {
        let mut state = State::default();
        state.settings = settings();
        Scene { state, now: moment("2026-03-02T14:00:00Z"), records: Vec::new(), effects: Vec::new() }
    }

    /// Two alert groups fire, one of them acknowledged; one incident is open and has rooms, one is resolved.
    pub(super) fn lively() -> Scene {
        static LIVELY: LazyLock<Scene> = LazyLock::new(|| {
            let mut scene = Scene::empty();
            for name in ["Disk", "Errors"] {
                let body = crate::alerts_body(name, &[("db-1", true), ("db-2", true)], scene.now);
                let received = integrations::alerting::alertmanager::parse("am", body.to_string().as_bytes());
                scene.give(&Input::Alerts(received.expect("a body that is right"))).expect("alerts are taken");
            }
            for line in [
                "ack A-1",
                "incident declare Checkout is down alert:A-2",
                "incident declare Search",
                "incident resolve INC-2",
            ] {
                let asker = Asker { by: &ann(), state: &scene.state, here: None };
                let command = command_line(line, asker).expect("a line that is right");
                scene.give(&Input::Command { by: ann(), channel: None, command }).expect("it can be done");
            }
            for platform in Platform::ALL {
                let effect = Effect::OpenRoom { incident: IncidentId(1), platform };
                let channel = ChannelId(format!("{}-room", platform.key()).into());
                let outcome = operations::effect::Outcome::RoomOpened { channel, name: "inc-1".to_owned() };
                scene.give(&Input::Done { effect, outcome }).expect("outcomes are taken");
            }
            scene
        });
        LIVELY.clone()
    }

    /// Decides and folds.
    pub(super) fn give(&mut self, input: &Input) -> Result<Option<Reply>, Refusal> {
        let decision = decide(&self.state, input, self.now)?;
        for event in decision.events {
            let record = Record { seq: self.state.seq + 1, at: self.now, event };
            self.state.apply(&record);
            for effect in react(&self.state, &record) {
                // The newer replaces the older.
                self.effects.retain(|open| open.key() != effect.key());
                self.effects.push(effect);
            }
            self.records.push(record);
        }
        Ok(decision.reply)
    }

    /// Takes what somebody did and answers it.
    pub(super) fn act(&mut self, inbound: &Inbound) {
        let Parsed::Input { input, asked } = parse(inbound, &self.state) else { return };
        if let Input::Command { command, .. } = input.as_ref() {
            self.can_be_clicked(inbound, command);
        }
        let decided = self.give(&input);
        if let Some(asked) = asked {
            self.answer(decided, &asked);
        }
    }

    fn answer(&self, decided: Result<Option<Reply>, Refusal>, asked: &Asked) {
        match answers::for_asked(&self.state, decided, asked) {
            Some(Answer::Private(card)) => chats::show(&card),
            Some(Answer::Form(form, card)) => {
                chats::open(&form, &asked.reply);
                chats::show(&card);
            }
            Some(Answer::Silent) | None => {}
        }
    }

    /// A question as a button types it is the same question, wherever it is clicked.
    fn can_be_clicked(&self, inbound: &Inbound, command: &Command) {
        let Command::Incident { incident, ask } = command else { return };
        let incident = incident.unwrap_or(IncidentId(7));
        let line = click::line(ask, incident);
        assert!(line.encode_utf16().count() <= click::LONGEST, "{line}");
        assert!(is_visible(&line), "{line:?}");
        let words = click::words(ask).map(Outside::as_str).unwrap_or_default();
        // Ids in somebody's words become names, and a name may make another id of what stands around it. A blank at the
        // end, which something hidden stood behind, is not kept.
        if words.contains("<@") || words.contains("<#") || words != words.trim() {
            return;
        }
        let asker = Asker { by: &inbound.by, state: &self.state, here: Some(IncidentId(1)) };
        let read = command_line(&line, asker);
        if click::keeps_words(ask, incident) {
            assert_eq!(read, Ok(Command::Incident { incident: Some(incident), ask: ask.clone() }), "{line}");
        } else {
            let about = match read {
                Ok(
                    Command::Incident { incident, .. }
                    | Command::Open(FormKind::Note(incident) | FormKind::Update(incident)),
                ) => incident,
                Err(_) => Some(incident),
                other => panic!("{line} is read as {other:?}"),
            };
            assert_eq!(about, Some(incident), "{line}");
        }
    }

    /// Shows the newest cards as they would be now, and what is to be said.
    pub(super) fn show(&self) {
        for id in self.state.groups.keys().rev().take(NEWEST) {
            chats::show(&cards::alert(&self.state, *id).expect("the group is there"));
        }
        for id in self.state.incidents.keys().rev().take(NEWEST) {
            for place in [Place::Announcements(Platform::Discord), Place::Room(Platform::Slack, *id)] {
                chats::show(&cards::headline(&self.state, *id, place).expect("the incident is there"));
            }
            for answer in [Reply::Incident(*id), Reply::Timeline(*id), Reply::Severities(*id), Reply::Roles(*id)] {
                self.says(&answer);
            }
        }
        for id in self.state.storms.keys().rev().take(NEWEST) {
            chats::show(&cards::storm(&self.state, *id).expect("the storm is there"));
        }
        for id in self.state.missed.keys().rev().take(NEWEST) {
            chats::show(&cards::missed(&self.state, *id).expect("the board is there"));
        }
        let alerts = Reply::Alerts { shown: self.state.groups.keys().copied().collect() };
        let incidents = Reply::Incidents { all: true, shown: self.state.incidents.keys().copied().collect() };
        [alerts, incidents, Reply::Status].iter().for_each(|reply| self.says(reply));
        for effect in &self.effects {
            if let Effect::Say { card, .. } = effect {
                chats::show(card);
            }
        }
    }

    fn says(&self, reply: &Reply) {
        if let Answer::Private(card) = answers::answer(&self.state, reply) {
            chats::show(&card);
        }
    }

    /// Folds the journal once more, from its lines, without the configuration.
    pub(super) fn replays(&self) {
        let mut again = State::default();
        for record in &self.records {
            let line = serde_json::to_string(record).expect("a record is JSON");
            let read: Record = serde_json::from_str(&line).expect("a record that was written can be read");
            assert_eq!(read, *record, "{line}");
            again.apply(&read);
        }
        // What was due was looked at meanwhile, which is no event.
        again.looked_at(self.now);
        let mut state = self.state.clone();
        state.looked_at(self.now);
        assert_eq!(json(&again), json(&state), "a replay gives the same state");
        let mut brought_back: State = serde_json::from_value(json(&state)).expect("a snapshot can be read");
        brought_back.derive();
        assert_eq!(json(&brought_back), json(&state), "a snapshot gives the same state");
        for group in state.groups.values() {
            let open = |state: &State| state.open_group(&group.source, &group.key).map(|group| group.id);
            assert_eq!(open(&brought_back), open(&state), "the same groups are open");
        }
    }
}

fn json(state: &State) -> serde_json::Value {
    serde_json::to_value(state).expect("the state is JSON")
}

pub(super) fn moment(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// Ann, in Slack.
pub(super) fn ann() -> Actor {
    Actor { user: user(Platform::Slack, "UANN"), name: "ann".into() }
}

pub(super) fn user(platform: Platform, id: &str) -> UserRef {
    let workspace = match platform {
        Platform::Slack => "T0TEAM",
        Platform::Discord => "100000000000000001",
    };
    UserRef { platform, workspace: workspace.to_owned(), user: id.to_owned() }
}

fn settings() -> Settings {
    let seat = |platform: Platform| Seat {
        workspace: user(platform, "").workspace,
        alerts: ChannelId(format!("{}-alerts", platform.key()).into()),
        incidents: ChannelId(format!("{}-incidents", platform.key()).into()),
        operators: None,
        fallback: None,
        checkpoints: None,
        deploys: None,
        services: BTreeMap::new(),
    };
    let person = |key: &str, slack: &str, discord: &str| Person {
        key: key.to_owned(),
        name: key.into(),
        accounts: vec![user(Platform::Slack, slack), user(Platform::Discord, discord)],
        active: true,
    };
    Settings {
        chats: Platform::ALL.map(|platform| (platform, seat(platform))).into(),
        people: vec![person("ann", "UANN", "11"), person("bob", "UBOB", "12")].into(),
        services: vec![Service {
            name: "checkout".to_owned(),
            owner: Some("payments".to_owned()),
            matches: BTreeMap::new(),
            dashboard: Some("https://dash.internal/checkout".to_owned()),
            environments: Vec::new(),
        }]
        .into(),
        public_url: "https://muster.example.com".to_owned(),
        ask_again_after: Some(Duration::from_secs(1_800)),
        update_every: [(Severity::Sev1, Duration::from_secs(1_800))].into(),
        link_hosts: Vec::new(),
        silent_after: BTreeMap::new(),
        storm_at: Some(2),
        ..Settings::default()
    }
}

/// A step in time.
pub(super) fn minutes(count: usize) -> SignedDuration {
    SignedDuration::from_mins(i64::try_from(count).unwrap_or_default())
}
