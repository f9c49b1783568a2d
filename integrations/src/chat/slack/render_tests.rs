//! Hostile words stay words, and nothing is too long.

use jiff::Timestamp;
use operations::card::{Colour, Quote};
use operations::ids::{ChannelId, UserRef};
use operations::text::{Outside, TimeStyle};

use super::*;

const HOSTILE: &[&str] = &[
    "<!channel>",
    "<!here> <!everyone> <!subteam^S1|ops>",
    "<@U1>",
    "@everyone @here",
    "<@&1>",
    "&lt;!here&gt; &amp;lt;!here&amp;gt;",
    "<https://evil.example|your bank>",
    "[your bank](https://evil.example)",
    "```\nfence\n```",
    "``` <!channel> `x` ```",
    "*bold* _x_ ~x~ ||x||",
    "> quote\n>>> all",
    "# head\n-# small",
    "https://evil.example/?a=1&b=<x>",
    ":emoji: :fire:",
    "a\u{202e}b\u{200d}c",
    "title\nFake line: resolved by Ann",
    "<!date^1^{date}|x>",
    "\"}],\"x\":[{\"",
];

/// A card with the same words everywhere.
fn full(words: &str, times: usize) -> Card {
    let outside = Outside::new(words);
    let at = Timestamp::UNIX_EPOCH;
    let user = |platform, id: &str| UserRef { platform, workspace: "T1".to_owned(), user: id.to_owned() };
    let line = Text::new()
        .plain("By ")
        .outside(&outside)
        .span(Span::Code(words.to_owned()))
        .span(Span::Person(outside.clone(), Platform::Discord))
        .span(Span::Notify(user(Platform::Slack, words), outside.clone()))
        .span(Span::Notify(user(Platform::Discord, "1"), outside.clone()))
        .span(Span::Channel(Platform::Slack, ChannelId::from(words), outside.clone()))
        .time(at, TimeStyle::Ago)
        .link(words, format!("javascript:{words}"))
        .link(words, format!("https://a.example/{words}"));
    let mut card = Card::coloured(Colour::Firing, Text::new().outside(&outside).bold(words));
    card.lines = vec![line.clone(); times];
    card.quotes = vec![Quote { label: words.to_owned(), words: outside.clone() }; times];
    card.footer = Some(line);
    card.menu = Some(Menu {
        placeholder: words.to_owned(),
        click: "incident sev INC-1".to_owned(),
        options: vec![(words.to_owned(), "SEV1".to_owned()); times],
    });
    for _ in 0..times {
        card = card.button(words, "alert ack A-1", Style::Primary);
    }
    card
}

/// Every string in which Slack reads markup.
fn marked_up(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| marked_up(item, found)),
        Value::Object(fields) => {
            let kind = fields.get("type").and_then(Value::as_str);
            for (name, value) in fields {
                let string = value.as_str().map(str::to_owned);
                let marked = (kind == Some("mrkdwn") && name == "text") || name == "fallback" && kind != Some("date");
                found.extend(string.filter(|_| marked));
                marked_up(value, found);
            }
        }
        _ => {}
    }
}

#[test]
fn hostile_words_stay_words() {
    for words in HOSTILE {
        for card in [full(words, 1), Card { colour: None, ..full(words, 1) }] {
            let message = super::card(&card);
            let mut strings = vec![message.text.clone()];
            marked_up(&json!([message.blocks, message.attachments]), &mut strings);
            for string in strings {
                // What is left of control characters are the tokens that the renderer writes itself.
                let rest = without_own_tokens(&string);
                assert!(!rest.contains(['<', '>']), "{words:?} in {string:?}");
                assert!(
                    !rest.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "").contains('&'),
                    "{words:?} in {string:?}"
                );
            }
            let all = json!([message.blocks, message.attachments]).to_string();
            for element in ["\"broadcast\"", "\"usergroup\"", "\"user\"", "\"channel\"", "\"emoji\":true"] {
                assert!(!all.contains(element), "{words:?} became {element}");
            }
            assert!(!all.contains("\"url\":\"https://evil"), "{words:?} became a link");
        }
    }
}

fn without_own_tokens(string: &str) -> String {
    let mut rest = string.to_owned();
    for start in ["<https://a.example/", "<!date^0^"] {
        while let Some(at) = rest.find(start) {
            let end = rest[at..].find('>').expect("a closed token");
            rest.replace_range(at..=at + end, "");
        }
    }
    rest
}

#[test]
fn one_line_can_not_pass_for_two() {
    let card = Card::line(Text::new().outside(&Outside::new("a\nb")));
    assert!(!json!(super::card(&card).blocks).to_string().contains("\\n"));
}

#[test]
fn monstrous_cards_fit() {
    let emojis = "👩‍🚒🔥".repeat(300);
    let quotes = "\"\\\n".repeat(10_000);
    let bells = "\u{7}\u{8}".repeat(20_000);
    for words in ["x".repeat(40_000), emojis, quotes, "<&>".repeat(13_000), bells] {
        for times in [1, 5, 100] {
            let message = super::card(&full(&words, times));
            let whole = json!([message.blocks, message.attachments]).to_string();
            assert!(
                units(&whole) < 13_000,
                "{} characters for {times} times {:?}…",
                units(&whole),
                &words.chars().take(8).collect::<String>()
            );
            assert!(units(&message.text) <= NOTIFICATION);
            assert!(whole.contains(CUT_MARK), "nothing shows that something was cut");
            check_limits(&json!([message.blocks, message.attachments]));
        }
    }
}

fn check_limits(value: &Value) {
    match value {
        Value::Array(items) => items.iter().for_each(check_limits),
        Value::Object(fields) => {
            let length = |name: &str| fields.get(name).and_then(Value::as_str).map_or(0, units);
            let count = |name: &str| fields.get(name).and_then(Value::as_array).map_or(0, Vec::len);
            match fields.get("type").and_then(Value::as_str) {
                Some("button") => assert!(fields["text"]["text"].as_str().is_some_and(|text| units(text) <= 75)),
                Some("context") => assert!(count("elements") <= 10),
                Some("actions") => assert!(count("elements") <= 25),
                Some("static_select") => assert!(count("options") <= 100),
                Some("plain_text" | "mrkdwn" | "text") => assert!(length("text") > 0),
                _ => {}
            }
            assert!(length("action_id") <= 255);
            fields.values().for_each(check_limits);
        }
        _ => {}
    }
}

#[test]
fn empty_cards_and_forms_still_have_what_slack_insists_on() {
    let message = card(&Card::default());
    assert_eq!(message.blocks.len(), 1);
    let field = |kind| Field {
        key: "k".to_owned(),
        label: String::new(),
        kind,
        required: true,
        initial: "y".repeat(4000),
        placeholder: "p".repeat(500),
    };
    let empty = Form {
        click: "x".to_owned(),
        title: "t".repeat(60),
        submit: String::new(),
        fields: vec![
            field(FieldKind::Line(10)),
            field(FieldKind::Paragraph(9999)),
            field(FieldKind::Choice(Vec::new())),
        ],
    };
    let to = ReplyTo::Slack {
        response_url: None,
        trigger: None,
        channel: ChannelId::from("C1"),
        user: "U1".to_owned(),
        thread: None,
    };
    let view = form(&empty, &to);
    check_limits(&view);
    assert_eq!(view["title"]["text"].as_str().map(|title| title.chars().count()), Some(24));
    assert_eq!(view["blocks"][1]["element"]["initial_value"].as_str().map(|value| value.chars().count()), Some(3000));
    let opened: Opened =
        serde_json::from_str(view["private_metadata"].as_str().expect("metadata")).expect("what was written");
    assert_eq!((opened.click.as_str(), opened.channel.as_str()), ("x", "C1"));
}

#[test]
fn own_people_are_called_above_the_bar_and_others_are_named() {
    let ann = UserRef { platform: Platform::Slack, workspace: "T1".to_owned(), user: "U0ANN".to_owned() };
    let bo = UserRef { platform: Platform::Discord, workspace: "9".to_owned(), user: "88".to_owned() };
    let line = Text::new()
        .span(Span::Notify(ann, Outside::new("Ann")))
        .plain(" and ")
        .span(Span::Notify(bo, Outside::new("Bo")));
    let message =
        card(&Card::coloured(Colour::Firing, Text::new().plain("Page")).with(line).with(Text::new().plain("More")));
    let above = json!(message.blocks).to_string();
    assert!(above.contains("\"user_id\":\"U0ANN\"") && above.contains("Bo"), "{above}");
    assert!(json!(message.attachments).to_string().contains("More"));
}

#[test]
fn a_time_before_1970_is_told_in_words_because_slack_refuses_it() {
    let at: Timestamp = "1969-12-31T23:59:59Z".parse().expect("a time");
    let mut old = Card::coloured(Colour::Firing, Text::new().plain("Firing since ").time(at, TimeStyle::Ago));
    old.footer = Some(Text::new().time(at, TimeStyle::Clock));
    let message = card(&old);
    let whole = json!([message.blocks, message.attachments]).to_string();
    assert!(!whole.contains("\"date\"") && !whole.contains("<!date"), "{whole}");
    assert_eq!(whole.matches("31 December 1969 23:59 UTC").count(), 2, "{whole}");
}
