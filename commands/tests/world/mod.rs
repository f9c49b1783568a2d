//! A state to read and write about, made of journal records as the engine makes it.

// Each test file uses a part of it.
#![allow(dead_code)]

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use operations::alert::Alert;
use operations::chat::{Act, Actor, Inbound, ReplyTo};
use operations::deploy::event::DeployEvent;
use operations::deploy::{Kind, Nature, Target, Wanted};
use operations::event::Event;
use operations::ids::{ChannelId, DeployId, GroupId, IncidentId, MessageRef, Platform, UserRef};
use operations::incident::Severity;
use operations::journal::Record;
use operations::settings::{Person, Seat, Service, Settings};
use operations::state::State;
use operations::text::Outside;
use operations::triage::Verdict;

/// A state, and the time that goes on by a minute with each event.
pub(crate) struct World {
    pub(crate) state: State,
    now: Timestamp,
}

impl World {
    pub(crate) fn new() -> World {
        let seat = |name: &str| Seat {
            workspace: "W".to_owned(),
            alerts: ChannelId::from(format!("{name}-alerts")),
            incidents: ChannelId::from(format!("{name}-incidents")),
            operators: None,
            fallback: None,
            checkpoints: None,
            deploys: None,
            services: Default::default(),
        };
        let person = |key: &str, name: &str, slack: &str, discord: &str| Person {
            key: key.to_owned(),
            name: name.into(),
            accounts: vec![user(Platform::Slack, slack), user(Platform::Discord, discord)],
            active: true,
        };
        let checkout = Service {
            name: "checkout".to_owned(),
            owner: Some("payments".to_owned()),
            matches: BTreeMap::new(),
            dashboard: Some("https://dash.internal/checkout".to_owned()),
            environments: ["staging", "production"].map(environment).to_vec(),
        };
        let mut state = State::default();
        state.settings = Settings {
            chats: [(Platform::Slack, seat("slack")), (Platform::Discord, seat("discord"))].into(),
            people: vec![person("ann", "Ann", "UANN", "11"), person("bob", "Bob", "UBOB", "12")].into(),
            services: vec![checkout].into(),
            ..Settings::default()
        };
        World { state, now: "2026-03-02T14:00:00Z".parse().expect("a time") }
    }

    pub(crate) fn happens(&mut self, event: Event) {
        self.now += SignedDuration::from_mins(1);
        self.state.apply(&Record { seq: self.state.seq + 1, at: self.now, event });
    }

    /// Declares the next incident.
    /// Ann has asked for a deploy.
    pub(crate) fn asked(&mut self, deploy: DeployId, wanted: Wanted) {
        let asked = DeployEvent::Asked {
            wanted,
            by: ann(),
            channel: None,
            nature: Nature::Planned,
            nonce: "4f0c9a1e".to_owned(),
            incident: None,
            after: None,
            policy: String::new(),
        };
        self.happens(Event::Deploy { deploy, what: Box::new(asked) });
    }

    pub(crate) fn declare(&mut self, title: &str) -> IncidentId {
        let incident = IncidentId(self.state.incidents.len() as u32 + 1);
        let event = Event::IncidentDeclared {
            incident,
            title: title.into(),
            severity: Severity::Sev2,
            by: ann(),
            update_due: None,
        };
        self.happens(event);
        incident
    }

    /// Opens an incident's room on a chat.
    pub(crate) fn room(&mut self, incident: IncidentId, platform: Platform, channel: &str) {
        self.happens(Event::RoomOpened { incident, platform, channel: channel.into(), name: channel.into() });
    }

    /// Lets alerts of a new group fire. Labels and annotations besides the instance are the same for all.
    pub(crate) fn fires(
        &mut self,
        instances: &[&str],
        labels: &[(&str, &str)],
        annotations: &[(&str, &str)],
    ) -> GroupId {
        let group = GroupId(self.state.last_group + 1);
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, Outside> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), Outside::new(value))).collect()
        };
        let labels = map(labels);
        let title = labels.get("alertname").cloned().unwrap_or_else(|| "HighErrorRate".into());
        self.happens(Event::GroupOpened {
            group,
            source: "am".into(),
            key: group.to_string().into(),
            title,
            service: labels.get("service").cloned(),
            severity: Severity::Sev2,
            source_url: Some("https://am.internal/".into()),
            channel: None,
        });
        for instance in instances {
            let mut labels = labels.clone();
            labels.insert("instance".to_owned(), Outside::new(instance));
            let alert = Alert {
                fingerprint: (*instance).into(),
                labels: labels.into_iter().collect(),
                annotations: map(annotations).into_iter().collect(),
                starts_at: self.now,
                ends_at: None,
                source_url: None,
            };
            self.happens(Event::AlertFired { group, alert, verdict: Verdict::Joins });
        }
        group
    }

    pub(crate) fn acknowledged(&mut self, group: GroupId, by: Actor) {
        let asks_again = Some(self.now + SignedDuration::from_mins(30));
        self.happens(Event::AlertAcknowledged { group, by, taken_from: None, asks_again });
    }
}

/// Checkout at a reference, to production.
pub(crate) fn wanted(reference: &str) -> Wanted {
    Wanted {
        kind: Kind::Deploy,
        target: Target { service: "checkout".to_owned(), environment: "production".to_owned() },
        reference: Some(reference.to_owned()),
        from: None,
        release: None,
        parameters: BTreeMap::new(),
        reason: Outside::default(),
        dry_run: false,
        break_glass: false,
    }
}

pub(crate) fn user(platform: Platform, id: &str) -> UserRef {
    UserRef { platform, workspace: "W".to_owned(), user: id.to_owned() }
}

/// Ann, in Slack.
pub(crate) fn ann() -> Actor {
    Actor { user: user(Platform::Slack, "UANN"), name: "ann".into() }
}

/// Bob, in Discord.
pub(crate) fn bob() -> Actor {
    Actor { user: user(Platform::Discord, "12"), name: "bob".into() }
}

pub(crate) fn reply() -> ReplyTo {
    let (response_url, trigger, thread) = (None, None, None);
    ReplyTo::Slack { response_url, trigger, channel: "C1".into(), user: "UANN".to_owned(), thread }
}

pub(crate) fn message() -> MessageRef {
    MessageRef { platform: Platform::Slack, channel: "C1".into(), message: "1.1".into() }
}

/// What Ann did, in a channel.
pub(crate) fn inbound(channel: &str, what: Act) -> Inbound {
    Inbound { delivery: "d".to_owned(), by: ann(), channel: channel.into(), what }
}

/// An environment that can be deployed to.
fn environment(name: &str) -> operations::settings::Environment {
    operations::settings::Environment {
        name: name.to_owned(),
        production: name == "production",
        pipeline: Some(operations::pipeline::Capabilities {
            resolves: true,
            compares: true,
            cancels: true,
            approves: true,
            rollback: operations::pipeline::Rollback::Redeploy,
            logs: true,
            idempotency: operations::pipeline::Idempotency::Find,
            rollback_idempotency: operations::pipeline::Idempotency::Find,
            ..operations::pipeline::Capabilities::named("a CI")
        }),
        parameters: [("region".to_owned(), vec!["eu".to_owned(), "us".to_owned()])].into(),
        ..Default::default()
    }
}
