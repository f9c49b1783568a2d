//! Cards and forms as Slack's blocks.
//!
//! Words go into `rich_text` and `plain_text` objects, in which Slack reads no markup at all.
//! The title stands above, lines and buttons in an attachment with the coloured bar. What
//! holds: the only strings in which Slack reads markup (`text`, `fallback`, and a footer's
//! links and times) are escaped here; every limit is kept by cutting with a visible mark.

use operations::card::{Button, Card, Field, FieldKind, Form, Menu, Style};
use operations::chat::ReplyTo;
use operations::ids::Platform;
use operations::text::{CUT_MARK, Span, Text};
use serde_json::{Value, json};
use slack_morphism::prelude::*;

use super::words::{Room, cut_units, escape, one_line, rich, small, units};

/// The longest notification text, in characters.
const NOTIFICATION: usize = 600;
/// What Slack takes in all is not told: between 12,000 and 13,000 characters of JSON.
const WHOLE: usize = 11_000;
const TITLE: usize = 1_200;
const FOOTER: usize = 1_000;
/// The fewest characters of JSON that the lines and quotes get, however many buttons there are.
const LEAST_BODY: usize = 2_500;
const QUOTES: usize = 10;
const BUTTONS: usize = 5;
const OPTIONS: usize = 25;

/// A message as Slack takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What notifications and screen readers say. Escaped. Not shown, because there are blocks.
    pub text: String,
    /// What stands above the bar. Never empty.
    pub blocks: Vec<Value>,
    /// What stands beside the bar: at most one.
    pub attachments: Vec<Value>,
}

/// What a menu's `action_id` begins with; the rest is its command.
pub(super) const MENU: &str = "menu:";

/// What a form's `private_metadata` holds.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Opened {
    /// The form's command.
    pub(super) click: String,
    /// The channel that it was opened from.
    pub(super) channel: String,
    /// The thread that it was opened from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) thread: Option<String>,
}

/// Renders a card.
#[must_use]
pub fn card(card: &Card) -> Message {
    let actions = actions(card);
    let footer = card.footer.as_ref().and_then(footer);
    let used = size(actions.as_ref()) + size(footer.as_ref());
    let mut room = Room::new(WHOLE.saturating_sub(TITLE + used).max(LEAST_BODY));

    // A mention inside an attachment may not notify, so a line that calls somebody stands above the bar.
    let (calls, lines): (Vec<&Text>, Vec<&Text>) =
        card.lines.iter().partition(|line| card.colour.is_some() && notifies(line));
    let mut above = rich(&card.title, !is_plain(card), &mut Room::new(TITLE));
    let kept_back = room.keep_back(2);
    for words in calls.into_iter().map(|line| rich(line, false, &mut room)).filter(|words| !words.is_empty()) {
        if !above.is_empty() {
            above.push(SlackRichTextInlineElement::from("\n"));
        }
        above.extend(words);
    }
    room.give_back(kept_back);
    let mut below = body(&lines, card, &mut room);
    if above.is_empty() {
        above.push(SlackRichTextInlineElement::from(card.colour.map_or("…", |colour| colour.emoji())));
    }

    let mut blocks = vec![block(SlackRichTextBlock::new(vec![SlackRichTextSection::new(above).into()]).into())];
    below.extend(actions);
    below.extend(footer);
    let text = escape_to(&card.words(), NOTIFICATION);
    let attachments = match card.colour {
        Some(colour) if !below.is_empty() => {
            vec![json!({ "color": format!("#{:06x}", colour.rgb()), "fallback": text, "blocks": below })]
        }
        Some(_) | None => {
            blocks.extend(below);
            Vec::new()
        }
    };
    Message { text, blocks, attachments }
}

/// Whether the title is all that there is to say; then it is no heading.
fn is_plain(card: &Card) -> bool {
    card.colour.is_none() && card.lines.is_empty() && card.quotes.is_empty() && card.footer.is_none()
}

/// Renders a form as a modal view that knows where it was opened from.
#[must_use]
pub fn form(form: &Form, to: &ReplyTo) -> Value {
    let (channel, thread) = match to {
        ReplyTo::Slack { channel, thread, .. } => (channel.to_string(), thread.as_ref().map(ToString::to_string)),
        ReplyTo::Discord { channel, .. } => (channel.to_string(), None),
        ReplyTo::Message { message } => (message.channel.to_string(), Some(message.message.to_string())),
    };
    let opened = Opened { click: form.click.clone(), channel, thread };
    let fields = form.fields.iter().map(field).collect();
    let view = SlackModalView::new(plain(&form.title, 24), fields)
        .with_submit(plain(&form.submit, 24))
        .with_close(plain("Cancel", 24))
        .with_private_metadata(json!(opened).to_string());
    json!(SlackView::Modal(view))
}

/// Escapes `words` and cuts them so that the escaped text has at most `longest` UTF-16 units.
pub(super) fn escape_to(words: &str, longest: usize) -> String {
    let mut keep = longest;
    loop {
        let escaped = escape(&cut_units(words, keep));
        let length = units(&escaped);
        if length <= longest || keep == 0 {
            return escaped;
        }
        keep = keep.saturating_sub((length - longest).div_ceil(4).max(1));
    }
}

fn body(lines: &[&Text], card: &Card, room: &mut Room) -> Vec<Value> {
    let mut elements: Vec<SlackRichTextElement> = Vec::new();
    // Quotes get at least a third of the room, so that long lines don't push them out.
    let kept_back = if card.quotes.is_empty() { 0 } else { room.keep_back(3) };
    let mut inline = Vec::new();
    for line in lines {
        let words = rich(line, false, room);
        if room.is_full() && words.is_empty() {
            break;
        }
        if !inline.is_empty() {
            inline.push(SlackRichTextInlineElement::from("\n"));
        }
        inline.extend(words);
    }
    if !inline.is_empty() {
        elements.push(SlackRichTextSection::new(inline).into());
    }
    room.give_back(kept_back);
    for quote in card.quotes.iter().take(QUOTES).filter(|quote| !quote.words.is_empty()) {
        if !quote.label.is_empty() {
            let Some(label) = room.take(&one_line(&quote.label)) else { break };
            elements.push(SlackRichTextSection::new(vec![SlackRichTextText::new(label).bold().into()]).into());
        }
        if let Some(words) = room.take(quote.words.as_str().trim()) {
            elements.push(SlackRichTextQuote::new(vec![words.into()]).into());
        }
    }
    if card.quotes.len() > QUOTES {
        elements.push(SlackRichTextSection::from(CUT_MARK).into());
    }
    if elements.is_empty() { Vec::new() } else { vec![block(SlackRichTextBlock::new(elements).into())] }
}

fn actions(card: &Card) -> Option<Value> {
    let mut elements: Vec<SlackActionBlockElement> =
        card.buttons.iter().take(BUTTONS).enumerate().map(|(index, it)| button(index, it).into()).collect();
    if let Some(select) = card.menu.as_ref().and_then(menu) {
        elements.push(SlackActionBlockElement::StaticSelect(select));
    }
    (!elements.is_empty()).then(|| block(SlackActionsBlock::new(elements).into()))
}

fn button(index: usize, button: &Button) -> SlackBlockButtonElement {
    let element = SlackBlockButtonElement::new(plain(&button.label, 75))
        .with_action_id(format!("click:{index}").into())
        .with_value(cut_units(&button.click, 2000));
    match button.style {
        Style::Primary => element.with_style(SlackBlockButtonStyle::Primary),
        Style::Danger => element.with_style(SlackBlockButtonStyle::Danger),
        Style::Plain => element,
    }
}

fn menu(menu: &Menu) -> Option<SlackBlockStaticSelectElement> {
    let options = options(&menu.options);
    (!options.is_empty()).then(|| {
        SlackBlockStaticSelectElement::new()
            .with_action_id(cut_units(&format!("{MENU}{}", menu.click), 255).into())
            .with_placeholder(plain(&menu.placeholder, 150))
            .with_options(options)
    })
}

fn options(options: &[(String, String)]) -> Vec<SlackBlockChoiceItem<SlackBlockPlainTextOnly>> {
    // An empty value, or one that had to be cut, would mean something else when it is chosen.
    let usable = options.iter().filter(|(_, value)| !value.is_empty() && units(value) <= 75);
    // Many long labels would leave no room for anything else.
    let longest = if options.len() > 10 { 40 } else { 75 };
    usable.take(OPTIONS).map(|(label, value)| SlackBlockChoiceItem::new(plain(label, longest), value.clone())).collect()
}

/// Links and times as small print; where they are too many or too long for it, as common text that is cut.
fn footer(text: &Text) -> Option<Value> {
    if let Some(elements) = small(text) {
        let context = (!elements.is_empty()).then(|| block(SlackContextBlock::new(elements).into()));
        if size(context.as_ref()) <= FOOTER {
            return context;
        }
    }
    let elements = rich(text, false, &mut Room::new(FOOTER));
    Some(block(SlackRichTextBlock::new(vec![SlackRichTextSection::new(elements).into()]).into()))
}

fn field(field: &Field) -> SlackBlock {
    let action = SlackActionId(cut_units(&field.key, 255));
    let element: SlackInputBlockElement = match &field.kind {
        FieldKind::Line(longest) => input(field, action.clone(), *longest, false).into(),
        FieldKind::Paragraph(longest) => input(field, action.clone(), *longest, true).into(),
        FieldKind::Choice(choices) => {
            let options = options(choices);
            if options.is_empty() {
                // Slack refuses an empty list, and with it the whole form.
                input(field, action.clone(), 75, false).into()
            } else {
                let initial = options.iter().find(|option| option.value == field.initial).cloned();
                let placeholder = (!field.placeholder.is_empty()).then(|| plain(&field.placeholder, 150));
                SlackBlockStaticSelectElement::new()
                    .with_action_id(action.clone())
                    .with_options(options)
                    .opt_initial_option(initial)
                    .opt_placeholder(placeholder)
                    .into()
            }
        }
    };
    SlackInputBlock::new(plain(&field.label, 2000), element)
        .with_block_id(SlackBlockId(action.0))
        .with_optional(!field.required)
        .into()
}

fn input(field: &Field, action: SlackActionId, longest: u16, multiline: bool) -> SlackBlockPlainTextInputElement {
    let longest = usize::from(longest.clamp(1, 3000));
    let initial = (!field.initial.is_empty()).then(|| cut_units(&field.initial, longest));
    let placeholder = (!field.placeholder.is_empty()).then(|| plain(&field.placeholder, 150));
    SlackBlockPlainTextInputElement::new()
        .with_action_id(action)
        .with_multiline(multiline)
        .with_max_length(longest as u64)
        .opt_initial_value(initial)
        .opt_placeholder(placeholder)
}

fn notifies(line: &Text) -> bool {
    line.0.iter().any(|span| matches!(span, Span::Notify(user, _) if user.platform == Platform::Slack))
}

/// A `plain_text` object; Slack refuses an empty one. `:names:` of emojis stay as they were typed.
fn plain(words: &str, longest: usize) -> SlackBlockPlainTextOnly {
    let words = one_line(words);
    let words = if words.trim().is_empty() { "…".to_owned() } else { cut_units(&words, longest) };
    SlackBlockPlainTextOnly::from(SlackBlockPlainText::new(words).with_emoji(false))
}

fn block(block: SlackBlock) -> Value {
    json!(block)
}

fn size(value: Option<&Value>) -> usize {
    value.map_or(0, |value| units(&value.to_string()))
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
