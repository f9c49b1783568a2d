//! Cards and forms as Discord shows them: one embed and rows of components; a modal.
//!
//! What holds: what comes out fits Discord's limits (reference, "Embed Limits" and "Component
//! Reference"), because it is cut with a visible mark; every message says whom it may notify.

use operations::card::{Button, Card, Field, FieldKind, Form, Menu, Style};
use operations::text::{CUT_MARK, cut};
use serde_json::{Value, json};
use serenity::builder::{CreateActionRow, CreateButton, CreateEmbed, CreateSelectMenu, CreateSelectMenuKind, CreateSelectMenuOption};
use serenity::model::application::ButtonStyle;
use sha2::{Digest, Sha256};

use super::words;

/// The longest description of an embed (4,096), with room for what is put around it.
const DESCRIPTION: usize = 4000;
/// The longest quote in it.
const QUOTE: usize = 1200;
/// The most buttons in a row, and the most rows.
const ROW: usize = 5;

/// A card as a message. `key` marks it, so that it is found again.
#[must_use]
pub fn message(card: &Card, key: &str) -> Value {
    let mut embed = CreateEmbed::new().description(description(card)).url(mark(key));
    if let Some(colour) = card.colour {
        embed = embed.colour(colour.rgb());
    }
    let texts = || std::iter::once(&card.title).chain(&card.lines);
    let mut notified: Vec<&str> = texts().flat_map(words::notified).collect();
    notified.sort_unstable();
    notified.dedup();
    // What stands in an embed notifies nobody, so whoever is to be notified is named above it.
    let content: String = notified.iter().map(|id| format!("<@{id}> ")).collect();
    json!({
        "content": content.trim(),
        "embeds": [embed],
        "components": components(card),
        "allowed_mentions": { "parse": [], "users": notified },
    })
}

/// What marks a message with its effect's key: an address in the embed that nobody sees, since it has no title.
#[must_use]
pub fn mark(key: &str) -> String {
    format!("https://muster.invalid/{}", short_key(key))
}

/// A nonce of at most 25 characters.
#[must_use]
pub fn nonce(key: &str) -> String {
    short_key(key)
}

/// An effect's key in 22 characters.
#[must_use]
pub fn short_key(key: &str) -> String {
    let hash = Sha256::digest(key.as_bytes());
    let hex: String = hash.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
    format!("k-{hex}")
}

fn description(card: &Card) -> String {
    let title = words::line(&card.title);
    let is_headed = card.colour.is_some() && !title.contains("**");
    let mut lines = vec![if is_headed { format!("**{title}**") } else { title }];
    lines.extend(card.lines.iter().map(words::line));
    for quote in &card.quotes {
        if !quote.label.is_empty() {
            lines.push(format!("{}:", words::escape(&quote.label)));
        }
        let said = words::escape(&cut(quote.words.as_str(), QUOTE));
        // The backslash of an escape may not be the last thing that is left of it.
        lines.extend(shorten(&said, QUOTE).lines().map(|line| format!("> {line}")));
    }
    if let Some(footer) = &card.footer {
        lines.push(format!("-# {}", words::line(footer)));
    }
    let mut description = String::new();
    for line in lines {
        // Whole lines are left out, so that no markup is cut in half.
        if description.chars().count() + line.chars().count() + CUT_MARK.len() > DESCRIPTION {
            description.push_str(CUT_MARK);
            break;
        }
        description.push_str(&line);
        description.push('\n');
    }
    description.trim_end().to_owned()
}

/// Shortens escaped text without leaving half an escape at its end.
fn shorten(escaped: &str, longest: usize) -> String {
    if escaped.chars().count() <= longest {
        return escaped.to_owned();
    }
    let kept: String = escaped.chars().take(longest - CUT_MARK.chars().count()).collect();
    format!("{}{CUT_MARK}", kept.trim_end_matches('\\'))
}

fn components(card: &Card) -> Vec<Value> {
    let mut rows: Vec<Value> = card
        .buttons
        .chunks(ROW)
        .take(ROW)
        .enumerate()
        .map(|(row, buttons)| {
            let buttons = buttons.iter().enumerate().map(|(at, it)| button(row * ROW + at, it)).collect();
            json!(CreateActionRow::Buttons(buttons))
        })
        .collect();
    if let Some(menu) = card.menu.as_ref().filter(|_| rows.len() < ROW) {
        rows.push(json!(CreateActionRow::SelectMenu(select(menu))));
    }
    rows
}

/// The number makes it unique within the message, as Discord wants it.
fn button(number: usize, button: &Button) -> CreateButton {
    let style = match button.style {
        Style::Primary => ButtonStyle::Primary,
        Style::Plain => ButtonStyle::Secondary,
        Style::Danger => ButtonStyle::Danger,
    };
    CreateButton::new(cut(&format!("{number}|{}", button.click), 100)).label(cut(&button.label, 80)).style(style)
}

fn select(menu: &Menu) -> CreateSelectMenu {
    let options = menu.options.iter().take(25);
    let options = options.map(|(label, value)| CreateSelectMenuOption::new(cut(label, 100), cut(value, 100))).collect();
    CreateSelectMenu::new(cut(&format!("m|{}", menu.click), 100), CreateSelectMenuKind::String { options })
        .placeholder(cut(&menu.placeholder, 150))
}

/// A form as a modal. Written by hand: serenity 0.12 knows neither labels nor selects in modals.
#[must_use]
pub fn modal(form: &Form) -> Value {
    json!({
        "custom_id": cut(&form.click, 100),
        "title": cut(&form.title, 45),
        "components": form.fields.iter().take(5).map(field).collect::<Vec<_>>(),
    })
}

fn field(field: &Field) -> Value {
    let component = match &field.kind {
        FieldKind::Line(longest) => input(field, 1, *longest),
        FieldKind::Paragraph(longest) => input(field, 2, *longest),
        FieldKind::Choice(choices) => {
            let option = |(label, value): &(String, String)| {
                json!({ "label": cut(label, 100), "value": cut(value, 100), "default": *value == field.initial })
            };
            json!({
                "type": 3, "custom_id": cut(&field.key, 100), "required": field.required,
                "placeholder": cut(&field.placeholder, 150),
                "options": choices.iter().take(25).map(option).collect::<Vec<_>>(),
            })
        }
    };
    json!({ "type": 18, "label": cut(&field.label, 45), "component": component })
}

fn input(field: &Field, style: u8, longest: u16) -> Value {
    let mut input = json!({
        "type": 4, "custom_id": cut(&field.key, 100), "style": style, "required": field.required,
        "max_length": longest.min(4000), "placeholder": cut(&field.placeholder, 100),
    });
    if !field.initial.is_empty() {
        input["value"] = json!(cut(&field.initial, usize::from(longest.min(4000))));
    }
    input
}
