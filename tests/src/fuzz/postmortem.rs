//! A postmortem of any words: the same page as one of harmless words, but for the words.

use bot::postmortem::{render, view};
use bot::wiki_pages::html;
use integrations::wiki::merge::merge;
use operations::alert::Alert;
use operations::chat::{Actor, Captured};
use operations::command::{Ask, Command, Holder};
use operations::effect::{Effect, Outcome};
use operations::ids::{IncidentId, MessageRef, Platform};
use operations::incident::{Mark, Role, Severity};
use operations::input::Input;
use operations::labels::Labels;
use operations::text::Outside;

use super::bytes::{Bytes, twin};
use super::scene::{Scene, ann, minutes, moment, user};
use super::tags;

/// What is said in an incident.
struct Words {
    title: String,
    alert: [String; 4],
    said: [String; 5],
    name: String,
    address: String,
}

/// Texts, in the order in which [`Words`] has them.
pub(super) fn check(data: &[u8]) {
    let mut script = Bytes::new(data);
    let mut text = || Outside::new(&script.text()).as_str().to_owned();
    let words = Words {
        title: text(),
        alert: [text(), text(), text(), text()],
        said: [text(), text(), text(), text(), text()],
        name: text(),
        address: text(),
    };
    let (Some(page), Some(plain)) = (page(&words), page(&words.harmless())) else { return };
    assert_eq!(markers(&page), markers(&plain), "{page}");
    assert_eq!(shape(&page), shape(&plain), "{page}");
    let first = merge(None, &page);
    let again = merge(Some(&first.text), &page);
    assert_eq!((again.text.as_str(), again.conflicts.len()), (first.text.as_str(), 0), "nothing new changes nothing");
}

impl Words {
    fn harmless(&self) -> Words {
        Words {
            title: twin(&self.title),
            alert: self.alert.each_ref().map(|text| twin(text)),
            said: self.said.each_ref().map(|text| twin(text)),
            name: twin(&self.name),
            address: self.address.clone(),
        }
    }
}

/// The page of an incident with these words; none where there is none, because the title is empty.
fn page(words: &Words) -> Option<String> {
    let mut scene = Scene::empty();
    let ann = Actor { name: words.name.as_str().into(), ..ann() };
    let eve = Actor { user: user(Platform::Discord, "77"), name: words.name.as_str().into() };
    scene.give(&Input::Alerts(alerts(words))).expect("alerts are taken");
    let title = words.title.as_str().into();
    let declare = Command::Declare { title, severity: Some(Severity::Sev2), alert: Some(operations::ids::GroupId(1)) };
    scene.give(&Input::Command { by: eve.clone(), channel: None, command: declare }).ok()?;
    let outside = |index: usize| Outside::new(&words.said[index]);
    for ask in [
        Ask::AddNote(outside(0)),
        Ask::PostUpdate(outside(1)),
        Ask::AddAction(outside(2)),
        Ask::SetRole(Role::Scribe, Holder::User(user(Platform::Discord, "77"))),
        Ask::SetSeverity(Severity::Sev1),
        Ask::Resolve(Some(outside(3))),
    ] {
        scene.now += minutes(1);
        let command = Command::Incident { incident: Some(IncidentId(1)), ask };
        // What is empty is refused, and so is its twin.
        let _refused = scene.give(&Input::Command { by: ann.clone(), channel: None, command });
    }
    let message = MessageRef { platform: Platform::Slack, channel: "C1".into(), message: "1.2".into() };
    let room = Effect::OpenRoom { incident: IncidentId(1), platform: Platform::Slack };
    let opened = Outcome::RoomOpened { channel: "C1".into(), name: words.name.clone() };
    let marked = Input::Marked { by: ann.clone(), message: message.clone(), how: Mark::Pin, added: true };
    let capture = Effect::Capture { incident: IncidentId(1), message: message.clone(), by: ann, how: Mark::Pin };
    let (text, link) = (outside(4), words.address.clone());
    let captured = Outcome::Captured(Captured { message, author: eve, at: scene.now, text, link });
    for input in
        [Input::Done { effect: room, outcome: opened }, marked, Input::Done { effect: capture, outcome: captured }]
    {
        scene.give(&input).expect("what happened is taken");
    }
    let view = view::view(&scene.state, IncidentId(1)).expect("the incident is there");
    Some(render(&view, None).expect("the template is right"))
}

fn alerts(words: &Words) -> operations::alert::Received {
    let [name, instance, summary, other] = &words.alert;
    let labels = [("alertname", name), ("instance", instance), ("other", other)];
    let outside = |(name, text): (&str, &String)| (name.to_owned(), Outside::new(text));
    let alert = |number: usize| Alert {
        fingerprint: format!("f{number}").into(),
        labels: labels.into_iter().map(outside).collect(),
        annotations: [("summary", Outside::new(if number == 0 { summary } else { "" }))].into(),
        starts_at: moment("2026-03-02T13:00:00Z"),
        ends_at: None,
        source_url: Some(words.address.as_str().into()),
    };
    operations::alert::Received {
        source: "am".into(),
        key: "k".into(),
        group_labels: Labels::default(),
        alerts: (0..2).map(|number| operations::alert::Told { alert: alert(number), firing: true }).collect(),
        truncated: 0,
        source_url: None,
    }
}

/// The lines that tell the parts of a page apart.
fn markers(page: &str) -> Vec<&str> {
    page.lines().filter(|line| line.contains("<!--")).collect()
}

/// The tags of a page, with where they lead to.
fn shape(page: &str) -> Vec<tags::Tag> {
    let html = html(page);
    tags::read(&html).unwrap_or_else(|why| panic!("{why} comes out of {page:?}"))
}
