//! Cards and forms as Discord's messages and modals.
//!
//! A line of text alone is a plain message; anything more is one embed with component rows.
//! Lines that call somebody stand above the embed, because a mention inside it does not notify.
//! What holds: nobody but the people of [`operations::text::Span::Notify`] is ever notified;
//! every limit of Discord's is kept by cutting with a visible mark.

use std::collections::HashSet;

use operations::card::{Button, Card, Field, FieldKind, Form, Menu, Quote, Style};
use operations::ids::Platform;
use operations::text::{Span, Text};
use serde_json::{Value, json};
use serenity::all::{
    ButtonStyle, CreateActionRow, CreateButton, CreateEmbed, CreateEmbedFooter, CreateSelectMenu, CreateSelectMenuKind,
    CreateSelectMenuOption,
};

use super::words::{Writer, is_snowflake, plain, units};

/// The longest content (Discord's reference, "Create Message").
const CONTENT: usize = 2000;
/// The longest description. With the footer it stays below the 6000 that all texts of an embed may have together.
const DESCRIPTION: usize = 4096;
/// What quotes get of it at least, where there are any.
const QUOTES_LEAST: usize = 1300;
const QUOTE: usize = 1024;
const QUOTE_LABEL: usize = 200;
const QUOTES: usize = 10;
const FOOTER: usize = 400;
/// Five rows, of which the menu takes one.
const BUTTON_ROWS: usize = 4;
const BUTTONS_IN_ROW: usize = 5;
const LABEL: usize = 80;
const CUSTOM_ID: usize = 100;
const OPTIONS: usize = 25;
const OPTION: usize = 100;
const PLACEHOLDER: usize = 150;
/// What people see of a card that says nothing.
const NOTHING: &str = "…";

/// A message as Discord takes it, but for what only some calls take (nonce, flags).
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What stands above the embed, or all there is.
    pub content: String,
    /// One embed or none.
    pub embed: Option<Value>,
    /// Component rows.
    pub components: Vec<Value>,
    /// The people who are notified.
    pub notify: Vec<String>,
}

impl Message {
    /// The body of a creation or an edit. `mark` is an address that the embed carries unseen, since Discord shows
    /// an embed's `url` only through its title, which is not used: it tells later what the message was posted for.
    #[must_use]
    pub fn body(&self, mark: &str) -> Value {
        let mut embeds = Vec::new();
        if let Some(embed) = &self.embed {
            let mut embed = embed.clone();
            embed["url"] = json!(mark);
            embeds.push(embed);
        }
        json!({
            "content": self.content,
            "embeds": embeds,
            "components": self.components,
            "allowed_mentions": { "parse": [], "users": self.notify, "replied_user": false },
        })
    }
}

/// Renders a card.
#[must_use]
pub fn card(card: &Card) -> Message {
    let mut notify = Vec::new();
    let mut above = Writer::new(CONTENT);
    let components = components(card);
    if is_plain(card) {
        above.line(&card.title, false, &mut notify);
        return message(above, None, components, notify);
    }
    let calls = |line: &&Text| line.0.iter().any(notifies);
    if calls(&&card.title) {
        above.line(&card.title, true, &mut notify);
    }
    for line in card.lines.iter().filter(calls) {
        new_line(&mut above);
        above.line(line, false, &mut notify);
    }
    let footer = card.footer.as_ref().filter(|footer| !footer.words().trim().is_empty());
    let small = footer.filter(|footer| is_unmarked(footer)).map(|footer| plain(&footer.words(), FOOTER));
    // The last line and some room for the quotes are kept back, so that they are there however long the lines are.
    let last = footer.filter(|footer| !is_unmarked(footer)).map(small_print);
    let last_units = last.as_deref().map_or(0, |last| units(last) + 1);
    let kept_back = if card.quotes.is_empty() { 0 } else { QUOTES_LEAST };

    let mut nobody = Vec::new();
    let mut lines = Writer::new(DESCRIPTION - kept_back - last_units);
    if !calls(&&card.title) {
        lines.line(&card.title, true, &mut nobody);
    }
    for line in card.lines.iter().filter(|line| !calls(line)) {
        new_line(&mut lines);
        lines.line(line, false, &mut nobody);
    }
    let lines = lines.finish();
    let quotes = quotes(&card.quotes, DESCRIPTION.saturating_sub(units(&lines) + last_units));
    let parts = std::iter::once(lines).chain(quotes).chain(last);
    let description = parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
    let mut embed = CreateEmbed::new();
    if let Some(colour) = card.colour {
        embed = embed.colour(colour.rgb());
    }
    let mut is_empty = description.is_empty();
    if !is_empty {
        embed = embed.description(description);
    }
    if let Some(small) = small {
        is_empty = false;
        embed = embed.footer(CreateEmbedFooter::new(small));
    }
    let embed = if is_empty { None } else { Some(value(&embed)) };
    message(above, embed, components, notify)
}

fn message(above: Writer, embed: Option<Value>, components: Vec<Value>, notify: Vec<String>) -> Message {
    let mut content = above.finish();
    if embed.is_none() && content.trim().is_empty() {
        NOTHING.clone_into(&mut content);
    }
    Message { content, embed, components, notify }
}

/// Whether the title is all that there is to say.
fn is_plain(card: &Card) -> bool {
    card.colour.is_none() && card.lines.is_empty() && card.quotes.is_empty() && card.footer.is_none()
}

fn notifies(span: &Span) -> bool {
    matches!(span, Span::Notify(user, _) if user.platform == Platform::Discord && is_snowflake(&user.user))
}

/// Whether a footer can stand in the embed's own footer, where no link and no time can.
fn is_unmarked(footer: &Text) -> bool {
    footer.0.iter().all(|span| match span {
        Span::Plain(_) | Span::Bold(_) | Span::Code(_) | Span::Outside(_) | Span::Person(..) => true,
        Span::Time(..) | Span::Notify(..) | Span::Channel(..) | Span::Link(..) => false,
    })
}

fn small_print(footer: &Text) -> String {
    let mut writer = Writer::new(FOOTER * 3);
    writer.markup("-# ");
    writer.line(footer, false, &mut Vec::new());
    writer.finish()
}

fn new_line(writer: &mut Writer) {
    if !writer.is_empty() && !writer.is_full() {
        writer.markup("\n");
    }
}

/// The quotes that fit into `room`: the label, and below it the words, each line marked as a quotation.
fn quotes(quotes: &[Quote], mut room: usize) -> Vec<String> {
    let mut all = Vec::new();
    for quote in quotes.iter().filter(|quote| !quote.words.is_empty()).take(QUOTES) {
        let mut label = Writer::new(QUOTE_LABEL);
        label.words(&quote.label);
        let label = if label.is_empty() { String::new() } else { format!("**{}**\n", label.finish()) };
        // One for the line break before it.
        let free = room.saturating_sub(units(&label) + 1).min(QUOTE);
        if free < 40 {
            break;
        }
        let mut words = Writer::new(free);
        for line in quote.words.as_str().lines().filter(|line| !line.trim().is_empty()) {
            new_line(&mut words);
            words.markup("> ");
            words.words(line);
            if words.is_full() {
                break;
            }
        }
        let quoted = label + &words.finish();
        room -= units(&quoted) + 1;
        all.push(quoted);
    }
    all
}

fn components(card: &Card) -> Vec<Value> {
    let mut taken = HashSet::new();
    let buttons: Vec<CreateButton> =
        card.buttons.iter().filter_map(|it| button(it, &mut taken)).take(BUTTON_ROWS * BUTTONS_IN_ROW).collect();
    let mut rows: Vec<Value> =
        buttons.chunks(BUTTONS_IN_ROW).map(|row| value(&CreateActionRow::Buttons(row.to_vec()))).collect();
    if let Some(menu) = card.menu.as_ref().and_then(|it| menu(it, &mut taken)) {
        rows.push(value(&CreateActionRow::SelectMenu(menu)));
    }
    rows
}

/// The id under which a click comes back: the command, made unique within the message. None where it is too long,
/// because half a command would be another one.
fn custom_id(click: &str, taken: &mut HashSet<String>) -> Option<String> {
    let mut id = click.to_owned();
    let mut number = 1;
    while taken.contains(&id) {
        number += 1;
        id = format!("#{number} {click}");
    }
    if click.is_empty() || units(&id) > CUSTOM_ID {
        tracing::warn!(units = units(&id), "A button is left out, because Discord takes no command of that length");
        return None;
    }
    taken.insert(id.clone());
    Some(id)
}

/// The command of a [`custom_id`].
pub(super) fn click(custom_id: &str) -> &str {
    let rest = custom_id.strip_prefix('#').and_then(|rest| rest.split_once(' '));
    match rest {
        Some((number, click)) if number.parse::<u32>().is_ok() => click,
        Some(_) | None => custom_id,
    }
}

fn button(button: &Button, taken: &mut HashSet<String>) -> Option<CreateButton> {
    let style = match button.style {
        Style::Primary => ButtonStyle::Primary,
        Style::Plain => ButtonStyle::Secondary,
        Style::Danger => ButtonStyle::Danger,
    };
    Some(CreateButton::new(custom_id(&button.click, taken)?).label(label(&button.label, LABEL)).style(style))
}

fn label(words: &str, longest: usize) -> String {
    let words = plain(words, longest);
    if words.is_empty() { NOTHING.to_owned() } else { words }
}

fn menu(menu: &Menu, taken: &mut HashSet<String>) -> Option<CreateSelectMenu> {
    let options: Vec<CreateSelectMenuOption> =
        choices(&menu.options).into_iter().map(|(label, value)| CreateSelectMenuOption::new(label, value)).collect();
    if options.is_empty() {
        return None;
    }
    let kind = CreateSelectMenuKind::String { options };
    let select = CreateSelectMenu::new(custom_id(&menu.click, taken)?, kind);
    let placeholder = plain(&menu.placeholder, PLACEHOLDER);
    Some(if placeholder.is_empty() { select } else { select.placeholder(placeholder) })
}

/// Labels and values as Discord takes them: at most 25, no value twice, none too long to be kept whole.
pub(super) fn choices(options: &[(String, String)]) -> Vec<(String, String)> {
    let mut taken = HashSet::new();
    let fits =
        |(_, value): &&(String, String)| !value.is_empty() && units(value) <= OPTION && taken.insert(value.clone());
    options.iter().filter(fits).take(OPTIONS).map(|(words, value)| (label(words, OPTION), value.clone())).collect()
}

/// Renders a form as the data of a modal. Fields stand in labels (type 18), which serenity 0.12 does not know.
#[must_use]
pub fn form(form: &Form) -> Value {
    let fields: Vec<Value> = form.fields.iter().take(5).map(field).collect();
    json!({ "custom_id": form.click, "title": label(&form.title, 45), "components": fields })
}

fn field(field: &Field) -> Value {
    let component = match &field.kind {
        FieldKind::Line(longest) => text_input(field, 1, *longest),
        FieldKind::Paragraph(longest) => text_input(field, 2, *longest),
        FieldKind::Choice(options) => match choices(options) {
            // Discord refuses an empty list, and with it the whole form.
            options if options.is_empty() => text_input(field, 1, 100),
            options => select(field, options),
        },
    };
    json!({ "type": 18, "label": label(&field.label, 45), "component": component })
}

fn select(field: &Field, options: Vec<(String, String)>) -> Value {
    let option = |(label, value): (String, String)| {
        let chosen = value == field.initial;
        let mut option = json!({ "label": label, "value": value });
        if chosen {
            option["default"] = json!(true);
        }
        option
    };
    let options: Vec<Value> = options.into_iter().map(option).collect();
    let mut select = json!({ "type": 3, "custom_id": field.key, "options": options, "required": field.required });
    if !field.required {
        select["min_values"] = json!(0);
    }
    with_placeholder(select, field, PLACEHOLDER)
}

fn text_input(field: &Field, style: u8, longest: u16) -> Value {
    let longest = longest.clamp(1, 4000);
    let mut input = json!({
        "type": 4, "custom_id": field.key, "style": style, "max_length": longest, "required": field.required,
    });
    // A form is filled in with words as they are: there is no markup in it.
    let initial: String = field.initial.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    if !initial.is_empty() {
        let initial = if style == 1 || units(&initial) > usize::from(longest) {
            plain(&initial, usize::from(longest))
        } else {
            initial
        };
        input["value"] = json!(initial);
    }
    with_placeholder(input, field, 100)
}

fn with_placeholder(mut component: Value, field: &Field, longest: usize) -> Value {
    let placeholder = plain(&field.placeholder, longest);
    if !placeholder.is_empty() {
        component["placeholder"] = json!(placeholder);
    }
    component
}

/// A builder as JSON. The builders hold strings and numbers only, which always can be written.
fn value(builder: &impl serde::Serialize) -> Value {
    serde_json::to_value(builder).unwrap_or_default()
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
