//! JSON from outside, read strictly.
//!
//! What holds: nesting and density are measured before anything is parsed, so no body can
//! exhaust the stack or the memory; a key that stands twice in one object is refused, so two readers can't
//! understand the same body differently (RFC 8259 §4 leaves open which value counts).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

/// What stands at the beginning of the error message about a key that stands twice.
pub(super) const TWICE: &str = "key twice: ";

/// Whether no value of `body` is nested deeper than `max`.
pub(super) fn depth_ok(body: &[u8], max: usize) -> bool {
    let mut depth = 0_usize;
    outside_strings(body).all(|byte| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth <= max
    })
}

/// Whether `body` has no more values than its size allows. What is no JSON is counted somehow.
pub(super) fn density_ok(body: &[u8], most: usize) -> bool {
    // A value takes a byte at least.
    if body.len() < most {
        return true;
    }
    outside_strings(body).filter(|byte| matches!(byte, b'{' | b'[' | b',')).count() < most
}

/// The bytes of a body that are not in a string, its quotes among them.
fn outside_strings(body: &[u8]) -> impl Iterator<Item = u8> {
    let (mut in_string, mut escaped) = (false, false);
    body.iter().copied().filter(move |byte| {
        if escaped {
            escaped = false;
            return false;
        }
        match byte {
            b'"' => in_string = !in_string,
            b'\\' => escaped = in_string,
            _ => {}
        }
        !in_string
    })
}

/// A value from outside. An object is a list of its entries: those that are read here have few, and a map of one entry
/// would take seven hundred bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Parses `text`; refuses keys that stand twice and anything after the value.
///
/// # Errors
/// What serde_json says; its words may repeat the text and must be cut before they are shown.
pub(super) fn parse(text: &str) -> Result<Json, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Strict.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Reads any value, and refuses keys that stand twice.
#[derive(Clone, Copy)]
struct Strict;

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        // serde_json reads no number that is none.
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        list.shrink_to_fit();
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut object: Vec<(String, Json)> = Vec::new();
        while let Some(key) = entries.next_key::<String>()? {
            object.push((key, entries.next_value_seed(self)?));
        }
        object.shrink_to_fit();
        match twice(&object) {
            Some(key) => Err(A::Error::custom(format!("{TWICE}{key}"))),
            None => Ok(Json::Object(object)),
        }
    }
}

/// Up to so many entries are compared each with each other, which takes no memory.
const FEW: usize = 32;

/// A key that stands twice.
fn twice(object: &[(String, Json)]) -> Option<&str> {
    if object.len() <= FEW {
        let is_before =
            |(number, (key, _)): &(usize, &(String, Json))| object[..*number].iter().any(|(it, _)| it == key);
        return object.iter().enumerate().find(is_before).map(|(_, (key, _))| key.as_str());
    }
    let mut keys: Vec<&str> = object.iter().map(|(key, _)| key.as_str()).collect();
    keys.sort_unstable();
    keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}
