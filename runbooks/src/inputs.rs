//! What a page, or a form in it, asks for: the definition of each input, and whether a value fits it.

use operations::runbook::page::{Input, InputKind};

use crate::map::Map;
use crate::places::{Findings, Place, near};
use crate::yaml::Node;

/// The types that are written.
pub(crate) const TYPES: [&str; 7] = ["text", "number", "boolean", "choice", "service", "environment", "person"];

/// The longest text, where the page says nothing else, and the longest at all, in characters.
const LONGEST: u32 = 200;
const LONGEST_AT_ALL: u32 = 2_000;

/// Forms of Slack and Discord have no room for more.
pub(crate) const MOST: usize = 10;

/// Reads inputs.
pub(crate) fn read(node: Node, name: &str, found: &mut Findings<'_>) -> Vec<Input> {
    let Some(mut map) = Map::of(node, name, found) else { return Vec::new() };
    let at = map.at;
    let entries = map.rest();
    if entries.len() > MOST {
        found.tell(at, format!("{name} are {MOST} at most, and these are {}", entries.len()), None);
    }
    entries.into_iter().filter_map(|entry| one(&entry.key, entry.at, entry.node, found)).collect()
}

fn one(name: &str, at: Place, node: Node, found: &mut Findings<'_>) -> Option<Input> {
    if !is_name(name) {
        let hint = "lower case letters, digits and _, beginning with a letter".to_owned();
        found.tell(at, format!("{} is no name for an input", name.escape_debug()), Some(hint));
    }
    let mut map = Map::of(node, &format!("the input {name}"), found)?;
    let kind = kind(&mut map, found);
    let about = map.text("about", found).map(|(_, about)| about).unwrap_or_default();
    let default = map.text("default", found);
    let required = map.boolean("required", found);
    if let (Some((at, _)), Some(true)) = (&default, required) {
        found.tell(*at, "what has a default is not required", None);
    }
    map.finish(found);
    let input = Input {
        name: name.to_owned(),
        about,
        kind: kind?,
        required: required.unwrap_or(default.is_none()),
        default: default.as_ref().map(|(_, value)| value.clone()),
    };
    if let Some((at, value)) = &default
        && let Err(why) = fits(&input, value)
    {
        found.tell(*at, format!("the default does not fit: {why}"), None);
    }
    Some(input)
}

fn kind(map: &mut Map, found: &mut Findings<'_>) -> Option<InputKind> {
    let (at, said) = map.needed("type", found)?;
    match said.as_str() {
        "text" => {
            let longest = number(map, "longest", found).and_then(|it| u32::try_from(it).ok());
            let longest = longest.map_or(LONGEST, |it| it.clamp(1, LONGEST_AT_ALL));
            let pattern = map.text("pattern", found).and_then(|(at, pattern)| match regex::Regex::new(&pattern) {
                Ok(_) => Some(pattern),
                Err(error) => {
                    let why = error.to_string().lines().last().unwrap_or_default().to_owned();
                    found.tell(at, format!("this is no regular expression: {why}"), None);
                    None
                }
            });
            Some(InputKind::Text { longest, pattern })
        }
        "number" => {
            let (least, most) = (number(map, "least", found), number(map, "most", found));
            Some(InputKind::Number { least: least.unwrap_or(i64::MIN), most: most.unwrap_or(i64::MAX) })
        }
        "boolean" => Some(InputKind::Boolean),
        "choice" => choice(map, found),
        "service" => Some(InputKind::Service),
        "environment" => {
            let of = map.text("of", found).map(|(_, of)| of);
            Some(InputKind::Environment { of })
        }
        "person" => Some(InputKind::Person),
        _ => {
            let hint = near(&said, TYPES).unwrap_or_else(|| format!("it is one of {}", TYPES.join(", ")));
            found.tell(at, format!("there is no type {}", said.escape_debug()), Some(hint));
            None
        }
    }
}

fn choice(map: &mut Map, found: &mut Findings<'_>) -> Option<InputKind> {
    let choices: Vec<String> = map.texts("choices", found).into_iter().map(|(_, it)| it).collect();
    let fetched = map.map("from", found);
    match (choices.is_empty(), fetched) {
        (false, None) => Some(InputKind::Choice(choices)),
        (true, Some(mut from)) => {
            let (at, url) = from.needed("url", found)?;
            let list = from.text("at", found).map(|(_, at)| at).unwrap_or_default();
            from.finish(found);
            if !url::Url::parse(&url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
                found.tell(at, "this is no address of the web", None);
            }
            Some(InputKind::Fetched { url, at: list })
        }
        (true, None) => {
            let hint = "choices: [a, b], or from: { url: …, at: /names }".to_owned();
            found.tell(map.at, "a choice has choices", Some(hint));
            None
        }
        (false, Some(from)) => {
            found.tell(from.at, "choices stand in the page, or come from an address, and not both", None);
            None
        }
    }
}

fn number(map: &mut Map, key: &'static str, found: &mut Findings<'_>) -> Option<i64> {
    let (at, said) = map.text(key, found)?;
    let number = said.parse().ok();
    if number.is_none() {
        found.tell(at, format!("{key} is a whole number"), None);
    }
    number
}

/// Whether a name can stand in a template: `inputs.NAME`.
pub(crate) fn is_name(name: &str) -> bool {
    name.len() <= 40
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Whether a value fits an input, as far as the page alone can tell: which services, environments and people there are is
/// known elsewhere.
///
/// # Errors
/// Why not, in words that go on behind the input's name.
pub fn fits(input: &Input, value: &str) -> Result<(), String> {
    if value.chars().any(|c| c.is_control() || is_bidi(c)) {
        return Err("it has characters that can't be seen".to_owned());
    }
    match &input.kind {
        InputKind::Text { longest, pattern } => {
            if value.chars().count() > usize::try_from(*longest).unwrap_or(usize::MAX) {
                return Err(format!("it is longer than {longest} characters"));
            }
            match pattern.as_deref().map(|pattern| regex::Regex::new(&format!("^(?:{pattern})$"))) {
                Some(Ok(regex)) if !regex.is_match(value) => {
                    Err(format!("it does not look like {}", pattern.as_deref().unwrap_or_default()))
                }
                Some(Err(_)) => Err("its pattern is no regular expression".to_owned()),
                Some(Ok(_)) | None => Ok(()),
            }
        }
        InputKind::Number { least, most } => match value.parse::<i64>() {
            Ok(number) if (*least..=*most).contains(&number) => Ok(()),
            Ok(_) if *least == i64::MIN => Err(format!("it is {most} at most")),
            Ok(_) if *most == i64::MAX => Err(format!("it is {least} at least")),
            Ok(_) => Err(format!("it is a number from {least} to {most}")),
            Err(_) => Err("it is a whole number".to_owned()),
        },
        InputKind::Boolean if matches!(value, "true" | "false") => Ok(()),
        InputKind::Boolean => Err("it is true or false".to_owned()),
        InputKind::Choice(choices) if choices.iter().any(|choice| choice == value) => Ok(()),
        InputKind::Choice(choices) => {
            let all: Vec<&str> = choices.iter().map(String::as_str).collect();
            Err(near(value, all.iter().copied()).unwrap_or_else(|| format!("it is one of {}", all.join(", "))))
        }
        InputKind::Service | InputKind::Environment { .. } | InputKind::Person | InputKind::Fetched { .. } => {
            if value.starts_with('-') || value.is_empty() { Err("it is no name".to_owned()) } else { Ok(()) }
        }
    }
}

/// Characters that turn the direction of what follows (Unicode Standard Annex #9).
pub(crate) fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(kind: InputKind) -> Input {
        Input { name: "x".to_owned(), about: String::new(), kind, required: true, default: None }
    }

    #[test]
    fn a_value_fits_its_type_or_is_refused_with_the_reason() {
        let text = |pattern: Option<&str>| input(InputKind::Text { longest: 5, pattern: pattern.map(str::to_owned) });
        let number = input(InputKind::Number { least: 1, most: 9 });
        let choice = input(InputKind::Choice(vec!["eu".to_owned(), "us".to_owned()]));
        for (input, value, why) in [
            (&text(None), "hello!", Some("longer than 5")),
            (&text(None), "a\nb", Some("can't be seen")),
            (&text(None), "\u{202e}a", Some("can't be seen")),
            (&text(None), "; rm", None),
            (&text(Some("[a-z]+")), "ab1", Some("does not look like")),
            (&text(Some("a|b")), "ab", Some("does not look like")),
            (&text(Some("[a-z]+")), "ab", None),
            (&number, "10", Some("from 1 to 9")),
            (&number, "1e3", Some("whole number")),
            (&number, "7", None),
            (&choice, "eu ", Some("did you mean eu?")),
            (&choice, "mars", Some("one of eu, us")),
            (&input(InputKind::Boolean), "yes", Some("true or false")),
            (&input(InputKind::Service), "--upload-pack=x", Some("no name")),
        ] {
            match (fits(input, value), why) {
                (Ok(()), None) => {}
                (Err(told), Some(why)) if told.contains(why) => {}
                (is, _) => panic!("{value:?} for {:?}: {is:?}", input.kind),
            }
        }
    }
}
