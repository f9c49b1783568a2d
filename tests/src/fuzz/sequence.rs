//! What happens, in any order: the journal gives the state, the cards can be shown, and copies change nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use operations::alert::{Alert, Received, Told};
use operations::channels::Unusable;
use operations::chat::{Actor, Captured};
use operations::command::{AlertAsk, Ask, Command, FormKind, Holder, Topic};
use operations::deploy::effect::DeployOutcome;
use operations::effect::{Effect, Outcome};
use operations::ids::{ChannelId, GroupId, IncidentId, MessageId, MessageRef, Platform};
use operations::incident::{Mark, Role, Severity};
use operations::input::Input;
use operations::labels::Labels;
use operations::state::State;
use operations::text::Outside;
use operations::vitals::{Link, Vitals};

use super::bytes::Bytes;
use super::scene::{Scene, ann, minutes, user};

/// So many things happen at most.
const STEPS: usize = 40;

/// Two texts, then what happens.
pub(super) fn check(data: &[u8]) {
    let mut script = Bytes::new(data);
    let words = [Outside::new(&script.text()), Outside::new(&script.text()), "Disk".into(), Outside::default()];
    let mut scene = Scene::empty();
    for _ in 0..STEPS {
        if script.is_empty() {
            break;
        }
        step(&mut scene, &mut script, &words);
    }
    scene.show();
    scene.replays();
}

fn step(scene: &mut Scene, script: &mut Bytes<'_>, words: &[Outside; 4]) {
    let kind = script.byte();
    if kind >= 240 {
        return to_itself(scene, script, words, kind);
    }
    match kind % 8 {
        0..=2 => told(scene, received(script, words)),
        3 | 4 => {
            let by = somebody(script, words);
            let channel = script.pick(&["slack-room", "discord-room", "elsewhere"]);
            let command = command(script, words);
            // What is refused changes nothing.
            let before = scene.state.seq;
            let refused = scene.give(&Input::Command { by, channel: Some(channel.into()), command }).is_err();
            assert!(!refused || scene.state.seq == before);
        }
        5 => {
            let by = somebody(script, words);
            let added = script.byte() & 3 > 0;
            let how = script.pick(&[Mark::Pin, Mark::Reaction]);
            let message = message(script, by.user.platform);
            let wrote = Input::Wrote { by: by.clone(), channel: message.channel.clone() };
            for input in [Input::Marked { by, message, how, added }, wrote] {
                scene.give(&input).expect("what people do is taken");
            }
        }
        6 => done(scene, script, words),
        _ => {
            scene.now += minutes(script.pick(&[0, 1, 29, 30, 31, 60, 1_440, 3_000]));
            scene.give(&Input::Tick).expect("time is taken");
            let now = scene.now;
            scene.state.looked_at(now);
            assert!(scene.state.next_due().is_none_or(|due| due > now));
        }
    }
}

/// Something happens to Muster itself and its chats.
fn to_itself(scene: &mut Scene, script: &mut Bytes<'_>, words: &[Outside; 4], kind: u8) {
    let platform = script.pick(&Platform::ALL);
    let since = scene.now - minutes(script.below(10));
    let said = words[script.below(4)].as_str().to_owned();
    let input = match kind % 4 {
        0 => Input::Missed { platform, since },
        1 => {
            let channel =
                script.pick(&["slack-alerts", "discord-incidents", "slack-room", "discord-room", "elsewhere"]);
            let why = script.pick(&[Unusable::Archived, Unusable::NotIn, Unusable::Gone, Unusable::Forbidden]);
            Input::ChannelRefused { platform, channel: channel.into(), why, said }
        }
        2 => {
            // More at once than is shown one by one.
            for number in 0..35 {
                let one = Received { key: format!("flood{number}").into(), ..received(script, words) };
                scene.give(&Input::Alerts(one)).expect("alerts are taken");
            }
            return;
        }
        _ => {
            let link = Link { up: script.flag(), since, why: said.clone() };
            Input::Vitals(Box::new(Vitals {
                at: scene.now,
                oldest: script.flag().then_some((platform, since)).into_iter().collect(),
                chats: [(platform, link)].into(),
                refused: script.flag().then_some((platform, said)).into_iter().collect(),
                disk_free: script.pick(&[None, Some(1 << 20), Some(100 << 20), Some(1 << 40)]),
                lag: Duration::from_secs(u64::from(script.byte())),
                journal_unlike: script.flag(),
                ..Vitals::default()
            }))
        }
    };
    scene.give(&input).expect("what Muster sees is taken");
}

/// Tells of alerts, and again: a copy changes nothing about what fires.
fn told(scene: &mut Scene, received: Received) {
    scene.give(&Input::Alerts(received.clone())).expect("alerts are taken");
    let before = members(&scene.state);
    scene.give(&Input::Alerts(received)).expect("copies are taken");
    assert!(members(&scene.state) == before, "a copy changes nothing");
}

/// Which alerts fire, by group.
fn members(state: &State) -> BTreeMap<GroupId, BTreeMap<String, bool>> {
    let firing = |group: &operations::alert::Group| {
        group.members.values().map(|member| (member.alert.fingerprint.to_string(), member.firing)).collect()
    };
    state.groups.iter().map(|(id, group)| (*id, firing(group))).collect()
}

/// One webhook. No fingerprint stands in it twice, as in Alertmanager's.
fn received(script: &mut Bytes<'_>, words: &[Outside; 4]) -> Received {
    let hour = super::scene::moment("2026-03-02T13:00:00Z");
    let (key, chosen, firing, shape) = (script.below(3), script.byte(), script.byte(), script.byte());
    let start = minutes(script.below(4) * 10);
    let told = |number: usize| {
        let fires = firing >> number & 1 == 1;
        let labels =
            [("alertname", 2 - usize::from(shape & 1)), ("service", usize::from(shape >> 1 & 3)), ("instance", 0)];
        let severity = ["critical", "info", "sev2", "x"][usize::from(shape >> 3 & 3)];
        let labels = labels.into_iter().map(|(name, word)| (name, words[word].clone()));
        let alert = Alert {
            fingerprint: format!("f{number}").into(),
            labels: labels.chain([("severity", severity.into())]).collect(),
            annotations: [("summary", words[usize::from(shape >> 5 & 3)].clone())].into(),
            starts_at: hour + start,
            ends_at: (!fires).then(|| hour + start + minutes(5)),
            source_url: Some("https://prometheus.example.com/graph".into()),
        };
        Told { alert, firing: fires }
    };
    Received {
        source: "am".into(),
        key: format!("key{key}").into(),
        group_labels: Labels::default(),
        alerts: (0..6).filter(|number| chosen >> number & 1 == 1).map(told).collect(),
        truncated: u32::from(chosen >> 6),
        source_url: None,
    }
}

fn somebody(script: &mut Bytes<'_>, words: &[Outside; 4]) -> Actor {
    match script.below(4) {
        0 => ann(),
        1 => Actor { user: user(Platform::Discord, "11"), name: words[0].clone() },
        2 => Actor { user: user(Platform::Discord, "99"), name: words[1].clone() },
        _ => Actor { user: user(Platform::Slack, "UEVE"), name: words[3].clone() },
    }
}

fn command(script: &mut Bytes<'_>, words: &[Outside; 4]) -> Command {
    let text = words[script.below(4)].clone();
    let incident = script.pick(&[None, Some(IncidentId(1)), Some(IncidentId(2)), Some(IncidentId(9))]);
    let group = script.pick(&[None, Some(GroupId(1)), Some(GroupId(2)), Some(GroupId(3))]);
    let severity = script.pick(&Severity::ALL);
    match script.below(8) {
        0 => Command::Declare { title: text, severity: Some(severity), alert: group },
        1 => Command::Alert {
            group,
            ask: script.pick(&[AlertAsk::Acknowledge, AlertAsk::TakeOver, AlertAsk::Unacknowledge, AlertAsk::Show]),
        },
        2 => Command::Open(match script.below(3) {
            0 => FormKind::Declare(group),
            1 => FormKind::Update(incident),
            _ => FormKind::Note(incident),
        }),
        3 => Command::Help(script.pick(&[Topic::Here, Topic::All])),
        _ => Command::Incident { incident, ask: ask(script, text, severity) },
    }
}

fn ask(script: &mut Bytes<'_>, text: Outside, severity: Severity) -> Ask {
    match script.below(11) {
        0 => Ask::SetSeverity(severity),
        1 => {
            let role = script.pick(&Role::ALL);
            let other = Holder::User(user(Platform::Slack, "UBOB"));
            Ask::SetRole(role, [Holder::Me, Holder::Nobody, other][script.below(3)].clone())
        }
        2 => Ask::AddNote(text),
        3 => Ask::PostUpdate(text),
        4 => Ask::AddAction(text),
        5 => Ask::Mitigate(Some(text)),
        6 => Ask::Resolve(None),
        7 => Ask::Resolve(Some(text)),
        8 => Ask::Reopen(Some(text)),
        9 => Ask::WritePostmortem,
        _ => Ask::ShowTimeline,
    }
}

fn message(script: &mut Bytes<'_>, platform: Platform) -> MessageRef {
    let channel = if script.flag() { ChannelId(format!("{}-room", platform.key()).into()) } else { "elsewhere".into() };
    MessageRef { platform, channel, message: MessageId(script.below(3).to_string().into()) }
}

/// Something that was to be done outside ended, in some way; perhaps one that does not fit.
fn done(scene: &mut Scene, script: &mut Bytes<'_>, words: &[Outside; 4]) {
    if scene.effects.is_empty() {
        return;
    }
    let effect = scene.effects.remove(script.below(scene.effects.len()));
    let platform = effect.platform().unwrap_or(Platform::Slack);
    let text = words[script.below(4)].clone();
    let outcome = match script.below(8) {
        0 => Outcome::GivenUp { why: text.as_str().to_owned() },
        1 => Outcome::Lost,
        2 => Outcome::Done,
        _ => match &effect {
            Effect::ShowCard { .. } => {
                Outcome::Posted { channel: "C1".into(), message: MessageId(script.below(3).to_string().into()) }
            }
            Effect::OpenRoom { .. } => Outcome::RoomOpened {
                channel: ChannelId(format!("{}-room", platform.key()).into()),
                name: text.as_str().to_owned(),
            },
            Effect::Capture { message, by, .. } => Outcome::Captured(Captured {
                message: message.clone(),
                author: by.clone(),
                at: scene.now - minutes(script.below(100)),
                text,
                link: "https://chat.example.com/x".to_owned(),
            }),
            Effect::Publish { .. } => Outcome::Published {
                url: "https://muster.example.com/wiki/x".to_owned(),
                stale: vec!["head".to_owned()],
            },
            Effect::ReadMissed { .. } => Outcome::MissedCut,
            Effect::ProbeChannel { .. } => Outcome::ChannelWorks,
            Effect::Deploy { .. } => Outcome::Deploy(Box::new(DeployOutcome::Unclear(text.as_str().to_owned()))),
            Effect::PinCard { .. }
            | Effect::HoldBack { .. }
            | Effect::RetireCard { .. }
            | Effect::SetTopic { .. }
            | Effect::Invite { .. }
            | Effect::Say { .. }
            | Effect::Checkpoint { .. }
            | Effect::Reply { .. } => Outcome::Done,
        },
    };
    scene.give(&Input::Done { effect, outcome }).expect("outcomes are taken");
}
