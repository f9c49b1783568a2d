//! What no card and no form can do, whatever stands in it.

use operations::card::Colour;
use operations::ids::{ChannelId, UserRef};
use operations::text::{CUT_MARK, Outside, TimeStyle};

use super::*;

/// What somebody could write to be more than words.
fn hostile() -> Vec<String> {
    let mut corpus: Vec<String> = [
        "<!channel>",
        "<@U1>",
        "@everyone",
        "@here",
        "<@&1>",
        "<@7>",
        "<#5>",
        "&lt;!here&gt;",
        "[Approve](https://evil.example)",
        "<https://evil.example|https://grafana>",
        "[a]( <https://evil.example> )",
        "```\nfence",
        "`code`",
        "*bold*",
        "**bold**",
        "_x_",
        "__x__",
        "~~x~~",
        "~x~",
        "||x||",
        "> quote",
        ">>> quote",
        "# head",
        "## head",
        "-# small",
        "- item",
        "1. item",
        "+ x",
        "https://evil.example",
        "<https://evil.example>",
        "discord.gg/evil",
        "discord.com/invite/evil",
        ":emoji:",
        "<:ok:123>",
        "<a:ok:123>",
        "<t:0:R>",
        "</incident:1>",
        "<id:customize>",
        "a\nb\n# head",
        "\\*not escaped\\*",
        "\\",
        "\\\\",
        "`",
        "steam://run/1",
        "a\u{202e}b",
        "👩\u{200d}💻",
        "x@everyone",
        "**",
        "](",
        "mailto:a@b.example",
    ]
    .map(str::to_owned)
    .to_vec();
    corpus.push("x".repeat(40_000));
    corpus.push("*".repeat(40_000));
    corpus.push("🔥".repeat(300));
    corpus.push("line\n".repeat(2_000));
    corpus
}

/// What is left of a text once escapes, and what may stand there by right, are taken away.
fn without_escapes(text: &str) -> String {
    let mut left = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            chars.next();
            left.push('x');
        } else {
            left.push(c);
        }
    }
    left
}

/// Nothing in it is markup.
fn assert_inert(text: &str) {
    let left = without_escapes(text);
    for c in ['*', '_', '~', '`', '|', '<', '[', ']', '@'] {
        assert!(!left.contains(c), "{c} in {text:?}");
    }
    assert!(!left.contains("://") && !left.contains(".gg/") && !left.contains("com/"), "{text:?}");
    assert!(!text.chars().any(|c| matches!(c, '\u{202e}' | '\u{200b}'..='\u{200f}')));
    for line in left.lines() {
        let line = line.trim_start();
        assert!(!line.starts_with(['#', '-', '+', '>']), "{text:?}");
        let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
        assert!(!(digits.len() < line.len() && digits.starts_with('.')), "{text:?}");
    }
}

#[test]
fn words_from_outside_are_never_markup() {
    for words in hostile() {
        let outside = Outside::new(&words);
        let mut notify = Vec::new();
        let mut writer = Writer::new(2000);
        writer.line(&Text::new().outside(&outside), false, &mut notify);
        let text = writer.finish();
        assert_inert(&text);
        assert!(!text.contains('\n') && units(&text) <= 2000 && notify.is_empty());
        for quoted in quotes(&[Quote { label: outside.as_str().to_owned(), words: outside.clone() }], 3000) {
            assert!(units(&quoted) <= 3000);
            for line in quoted.lines() {
                let label = line.strip_prefix("**").and_then(|line| line.strip_suffix("**"));
                assert_inert(line.strip_prefix("> ").or(label).expect("a label or a quoted line"));
            }
        }
        let card = Card::line(Text::new().outside(&outside));
        assert_eq!(card_of(&card)["allowed_mentions"], json!({ "parse": [], "users": [], "replied_user": false }));
    }
}

#[test]
fn code_cannot_be_ended_from_inside() {
    for words in hostile() {
        let mut writer = Writer::new(500);
        writer.code(&words);
        let text = writer.finish();
        let text = text.trim_end_matches(CUT_MARK);
        assert!(text.matches('`').count() <= 2 && !text.contains('\n'), "{text:?}");
        assert!(units(text) <= 500);
    }
}

#[test]
fn links_lead_only_where_they_may() {
    let link = |words: &str, url: &str| {
        let mut writer = Writer::new(2000);
        writer.line(&Text::new().link(words, url), false, &mut Vec::new());
        writer.finish()
    };
    assert_eq!(link("Runbook", "https://wiki.example/a_(b)"), "[Runbook](<https://wiki.example/a_%28b%29>)");
    for url in ["javascript:alert(1)", "https://google.com@evil.example/", "not a url", "discord://x", ""] {
        assert_eq!(link("Runbook", url), "Runbook", "{url}");
    }
    for words in hostile() {
        let text = link(&words, &format!("https://wiki.example/?q={words}"));
        assert!(
            text.matches("](<").count() <= 1 && text.matches('>').count() <= 1 + words.matches('>').count(),
            "{text:?}"
        );
    }
}

fn card_of(it: &Card) -> Value {
    card(it).body("https://discord.com/channels/1/2#key")
}

fn notify_span(user: &str, platform: Platform) -> Span {
    let user = UserRef { platform, workspace: "100".into(), user: user.into() };
    Span::Notify(user, Outside::new("Ann"))
}

#[test]
fn only_those_who_are_named_are_notified_and_above_the_embed() {
    let card = Card::coloured(Colour::Firing, Text::new().plain("It burns"))
        .with(Text::new().span(notify_span("7", Platform::Discord)).plain(" is asked"))
        .with(Text::new().span(notify_span("U1", Platform::Slack)).plain(" too"))
        .with(Text::new().span(notify_span("7> @everyone", Platform::Discord)));
    let body = card_of(&card);
    assert_eq!(body["content"], "<@7> is asked");
    assert_eq!(body["allowed_mentions"]["users"], json!(["7"]));
    let description = body["embeds"][0]["description"].as_str().expect("a description");
    assert_eq!(description, "**It burns**\nAnn too\nAnn");
}

#[test]
fn a_line_alone_is_a_plain_message() {
    let body = card_of(&Card::line(Text::new().plain("Ann took it over")));
    assert_eq!(
        (body["content"].as_str(), body["embeds"].as_array().map(Vec::len)),
        (Some("Ann took it over"), Some(0))
    );
    assert_eq!(card_of(&Card::default())["content"], NOTHING);
}

#[test]
fn a_card_has_its_parts_in_their_places() {
    let at = jiff::Timestamp::from_second(1_790_000_000).expect("a time");
    let mut card = Card::coloured(Colour::Acknowledged, Text::new().plain("Errors ").time(at, TimeStyle::Ago))
        .with(Text::new().bold("a").bold("b").plain(" c ").code("/help"))
        .with(Text::new().span(Span::Channel(Platform::Discord, ChannelId::from("5"), Outside::new("x"))))
        .button("Acknowledge", "alert ack A-1", Style::Primary)
        .button("Again", "alert ack A-1", Style::Plain)
        .button("Close", "alert resolve A-1", Style::Danger);
    card.quotes.push(Quote { label: "Summary".into(), words: Outside::new("one\n\ntwo") });
    card.menu = Some(Menu {
        placeholder: "Severity".into(),
        click: "incident sev INC-1".into(),
        options: vec![("SEV1".into(), "1".into()); 2],
    });
    card.footer = Some(Text::new().link("Runbook", "https://wiki.example/").plain(" · A-1"));
    let body = card_of(&card);
    let embed = &body["embeds"][0];
    assert_eq!(
        embed["description"],
        "**Errors <t:1790000000:R>**\n**ab** c `/help`\n<#5>\n**Summary**\n> one\n> two\n-# \
         [Runbook](<https://wiki.example/>) · A-1"
    );
    assert_eq!(embed["color"], 0x00e8_a33d);
    assert_eq!(embed["url"], "https://discord.com/channels/1/2#key");
    assert!(embed.get("title").is_none(), "a title would show the address");
    let ids: Vec<&str> =
        (0..3).filter_map(|at| body["components"][0]["components"][at]["custom_id"].as_str()).collect();
    assert_eq!(ids, ["alert ack A-1", "#2 alert ack A-1", "alert resolve A-1"]);
    assert_eq!(click(ids[1]), "alert ack A-1");
    assert_eq!(body["components"][1]["components"][0]["options"].as_array().map(Vec::len), Some(1));
    card.footer = Some(Text::new().plain("INC-1 ").outside(&Outside::new("*x*")));
    let body = card_of(&card);
    assert_eq!(body["embeds"][0]["footer"]["text"], "INC-1 *x*");
}

/// A card with far too much of everything.
pub(crate) fn monster(words: &str) -> Card {
    let outside = Outside::new(words);
    let text = || {
        Text::new()
            .bold(words)
            .outside(&outside)
            .plain(words)
            .code(words)
            .link(words, format!("https://x.example/{words}"))
    };
    let mut card =
        Card::coloured(Colour::Firing, text()).with(Text::new().span(notify_span("7", Platform::Discord)).text(text()));
    for number in 0..60 {
        card = card.with(text()).button(words, format!("alert ack A-{number}"), Style::Plain);
        card.quotes.push(Quote { label: words.to_owned(), words: outside.clone() });
    }
    card.buttons.push(Button { label: "too long".into(), click: "x".repeat(101), style: Style::Plain });
    let options = (0..40).map(|number| (words.to_owned(), number.to_string())).collect();
    card.menu = Some(Menu { placeholder: words.to_owned(), click: "incident sev INC-1".into(), options });
    card.footer = Some(text());
    card
}

#[test]
fn a_monstrous_card_fits_every_limit() {
    for words in hostile() {
        let body = card_of(&monster(&words));
        let length = |value: &Value| units(value.as_str().unwrap_or_default());
        assert!(length(&body["content"]) <= CONTENT);
        let embed = &body["embeds"][0];
        let all = length(&embed["description"]) + length(&embed["footer"]["text"]);
        assert!(length(&embed["description"]) <= DESCRIPTION, "{}", length(&embed["description"]));
        assert!(all <= 6000, "{all} of {words:.20}");
        let rows = body["components"].as_array().expect("rows");
        assert_eq!(rows.len(), 5);
        for component in rows.iter().filter_map(|row| row["components"].as_array()).flatten() {
            assert!(length(&component["label"]) <= LABEL && length(&component["placeholder"]) <= PLACEHOLDER);
        }
    }
}

#[test]
fn a_form_fits_and_keeps_its_keys() {
    let field = |key: &str, kind| Field {
        key: key.into(),
        label: "L".repeat(90),
        kind,
        required: true,
        initial: "2".into(),
        placeholder: "p".repeat(200),
    };
    let choice = FieldKind::Choice(vec![("One".into(), "1".into()), ("Two".into(), "2".into())]);
    let fields = vec![
        field("title", FieldKind::Line(80)),
        field("text", FieldKind::Paragraph(3000)),
        field("sev", choice),
        field("none", FieldKind::Choice(vec![])),
    ];
    let form =
        form(&Form { click: "incident declare".into(), title: "T".repeat(80), submit: "Declare".into(), fields });
    assert_eq!(form["custom_id"], "incident declare");
    let parts = form["components"].as_array().expect("components");
    assert!(parts.iter().all(|it| it["type"] == 18 && units(it["label"].as_str().unwrap_or_default()) <= 45));
    assert_eq!(parts[0]["component"]["value"], "2");
    assert_eq!(parts[2]["component"]["options"][1]["default"], true);
    assert_eq!(parts[3]["component"]["type"], 4, "where there is nothing to choose from, something can be typed");
}
