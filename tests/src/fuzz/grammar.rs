//! What people type, click, choose and fill in: always an answer, and never one that the chats refuse.

use std::collections::BTreeMap;

use commands::complete::complete;
use operations::chat::{Act, Actor, Inbound, Line, ReplyTo};
use operations::ids::{MessageRef, Platform};
use operations::policy::Asking;

use super::bytes::Bytes;
use super::scene::{Scene, ann, user};

/// Acts one after another; each is a byte for its kind and place, then its texts.
pub(super) fn check(data: &[u8]) {
    let mut script = Bytes::new(data);
    let mut scene = Scene::lively();
    let before = scene.records.len();
    for _ in 0..4 {
        if script.is_empty() {
            break;
        }
        let inbound = inbound(&mut script);
        completes(&scene, &inbound);
        scene.act(&inbound);
    }
    if scene.records.len() > before {
        scene.show();
        scene.replays();
    }
}

fn inbound(script: &mut Bytes<'_>) -> Inbound {
    let shape = script.byte();
    let by = match shape & 3 {
        0 | 1 => ann(),
        2 => Actor { user: user(Platform::Discord, "12"), name: "bob".into() },
        _ => Actor { user: user(Platform::Discord, "13"), name: script.text().as_str().into() },
    };
    let platform = by.user.platform;
    let room = format!("{}-room", platform.key());
    let channel = if shape & 4 == 0 { room.as_str().into() } else { "elsewhere".into() };
    let message = MessageRef { platform, channel, message: "1700000000.000100".into() };
    let reply = reply(&message, &by);
    let what = match shape >> 3 & 7 {
        0 => Act::Command { name: family(script), line: Line::Text(script.text()), reply },
        1 => Act::Command { name: family(script), line: options(script), reply },
        2 => Act::Mention { text: script.text(), message: message.clone(), reply },
        3 => Act::Click { click: script.text(), chosen: None, message: message.clone(), reply },
        4 => Act::Click { click: script.text(), chosen: Some(script.text()), message: message.clone(), reply },
        5 => Act::Submit { click: script.text(), values: values(script), reply },
        6 => Act::Reaction { emoji: script.text(), on: message.clone(), added: shape & 64 == 0 },
        _ => Act::Message { text: script.text().as_str().into(), message: message.clone() },
    };
    Inbound { delivery: "d".to_owned(), by, channel: message.channel, what }
}

fn reply(message: &MessageRef, by: &Actor) -> ReplyTo {
    match message.platform {
        Platform::Slack => ReplyTo::Slack {
            response_url: None,
            trigger: Some("1.2.3".to_owned()),
            channel: message.channel.clone(),
            user: by.user.user.clone(),
            thread: None,
        },
        Platform::Discord => ReplyTo::Message { message: message.clone() },
    }
}

fn family(script: &mut Bytes<'_>) -> String {
    let known = script.pick(&["incident", "incident", "alert", "ack", "muster", ""]);
    if known.is_empty() { script.text() } else { known.to_owned() }
}

fn options(script: &mut Bytes<'_>) -> Line {
    let path = (0..script.below(3)).map(|_| script.text()).collect();
    Line::Options { path, options: values(script) }
}

fn values(script: &mut Bytes<'_>) -> BTreeMap<String, String> {
    const NAMES: [&str; 11] =
        ["title", "severity", "sev", "alert", "incident", "text", "needs", "role", "who", "which", ""];
    let one = |script: &mut Bytes<'_>| {
        let name = script.pick(&NAMES);
        (if name.is_empty() { script.text() } else { name.to_owned() }, script.text())
    };
    (0..script.below(5)).map(|_| one(script)).collect()
}

/// What is offered while somebody types is what Discord takes: at most 25, each of 1 to 100 characters.
fn completes(scene: &Scene, inbound: &Inbound) {
    let Act::Command { name, line: Line::Options { path, options }, .. } = &inbound.what else { return };
    let asking = Asking { state: &scene.state, by: &inbound.by, channel: Some(&inbound.channel), now: scene.now };
    for (option, partial) in options {
        let offered = complete(asking, name, path, option, partial);
        assert!(offered.len() <= 25, "{offered:?}");
        for (label, value) in offered {
            assert!((1..=100).contains(&label.chars().count()) && !label.contains('\n'), "{label:?}");
            assert!((1..=100).contains(&value.chars().count()), "{value:?}");
        }
    }
}
