//! Cards and forms made of any words, on both chats.

use jiff::Timestamp;
use operations::card::{Button, Card, Colour, Field, FieldKind, Form, Menu, Quote, Style};
use operations::chat::ReplyTo;
use operations::ids::{Platform, UserRef};
use operations::text::{Outside, Span, Text, TimeStyle};

use super::bytes::Bytes;
use super::chats;

/// The longest text that a script makes, in bytes.
const LONGEST: usize = 60_000;

pub(super) fn check(data: &[u8]) {
    let mut script = Bytes::new(data);
    if script.below(4) == 0 {
        chats::open(&form(&mut script), &reply(&mut script));
    } else {
        chats::show(&card(&mut script));
    }
}

fn card(script: &mut Bytes<'_>) -> Card {
    let colours = [None, Some(Colour::Firing), Some(Colour::Acknowledged), Some(Colour::Waiting)];
    let shape = script.byte();
    Card {
        colour: script.pick(&colours),
        title: text(script),
        lines: (0..script.below(8)).map(|_| text(script)).collect(),
        quotes: (0..script.below(4))
            .map(|_| Quote { label: words(script), words: Outside::new(&words(script)) })
            .collect(),
        buttons: (0..script.below(8)).map(|number| button(script, number)).collect(),
        menu: (shape & 1 == 1).then(|| Menu {
            placeholder: words(script),
            click: "incident sev INC-1".to_owned(),
            options: options(script),
        }),
        footer: (shape & 2 == 2).then(|| text(script)),
    }
}

fn button(script: &mut Bytes<'_>, number: usize) -> Button {
    let style = script.pick(&[Style::Primary, Style::Plain, Style::Danger]);
    Button { label: words(script), click: format!("alert show A-{number}"), style }
}

fn text(script: &mut Bytes<'_>) -> Text {
    Text((0..script.below(6)).map(|_| span(script)).collect())
}

fn span(script: &mut Bytes<'_>) -> Span {
    let platform = script.pick(&Platform::ALL);
    match script.below(9) {
        0 => Span::Plain(words(script)),
        1 => Span::Bold(words(script)),
        2 => Span::Code(words(script)),
        3 => Span::Time(moment(script), script.pick(&[TimeStyle::Clock, TimeStyle::Full, TimeStyle::Ago])),
        4 => Span::Person(Outside::new(&words(script)), platform),
        5 => {
            let user = UserRef { platform, workspace: "W".to_owned(), user: id(script) };
            Span::Notify(user, Outside::new(&words(script)))
        }
        6 => Span::Channel(platform, id(script).as_str().into(), Outside::new(&words(script))),
        7 => Span::Link(words(script), words(script)),
        _ => Span::Outside(Outside::new(&words(script))),
    }
}

/// A text, sometimes many times over.
fn words(script: &mut Bytes<'_>) -> String {
    let times = script.pick(&[1, 1, 1, 1, 1, 1, 30, 300, 4_000, 40_000]);
    let text = script.text();
    text.repeat(if text.len() * times > LONGEST { 1 } else { times })
}

fn moment(script: &mut Bytes<'_>) -> Timestamp {
    let second = script.pick(&[0, -1, 1_772_460_000, 253_402_207_200, -377_705_023_201]);
    Timestamp::from_second(second + i64::from(script.byte())).unwrap_or(Timestamp::MAX)
}

fn id(script: &mut Bytes<'_>) -> String {
    match script.below(4) {
        0 => "U0123ABCD".to_owned(),
        1 => "C0123ABCD".to_owned(),
        2 => "123456789012345678".to_owned(),
        _ => script.text(),
    }
}

fn options(script: &mut Bytes<'_>) -> Vec<(String, String)> {
    (0..script.below(30)).map(|_| (words(script), words(script))).collect()
}

fn form(script: &mut Bytes<'_>) -> Form {
    Form {
        click: "incident update INC-1".to_owned(),
        title: words(script),
        submit: words(script),
        fields: (0..1 + script.below(5)).map(|number| field(script, number)).collect(),
    }
}

fn field(script: &mut Bytes<'_>, number: usize) -> Field {
    let longest = u16::try_from(script.number()).unwrap_or(u16::MAX);
    Field {
        key: format!("field{number}"),
        label: words(script),
        kind: match script.below(3) {
            0 => FieldKind::Line(longest),
            1 => FieldKind::Paragraph(longest),
            _ => FieldKind::Choice(options(script)),
        },
        required: script.flag(),
        initial: words(script),
        placeholder: words(script),
    }
}

fn reply(script: &mut Bytes<'_>) -> ReplyTo {
    let channel = script.text().chars().take(40).collect::<String>();
    ReplyTo::Slack {
        response_url: None,
        trigger: Some("1.2.3".to_owned()),
        channel: channel.as_str().into(),
        user: "U0123ABCD".to_owned(),
        thread: script.flag().then(|| "1700000000.000100".into()),
    }
}
