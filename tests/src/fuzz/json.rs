//! JSON as it stands, with every key as often as it is there.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value.
#[derive(Debug, PartialEq)]
pub(super) enum Json {
    /// Null, a truth value or a number.
    Other,
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// How deep it is nested: 0 for a value alone.
    pub(super) fn depth(&self) -> usize {
        match self {
            Json::Other | Json::Text(_) => 0,
            Json::List(items) => 1 + items.iter().map(Json::depth).max().unwrap_or_default(),
            Json::Object(entries) => 1 + entries.iter().map(|(_, value)| value.depth()).max().unwrap_or_default(),
        }
    }

    /// Whether a key stands twice in any object.
    pub(super) fn has_twins(&self) -> bool {
        match self {
            Json::Other | Json::Text(_) => false,
            Json::List(items) => items.iter().any(Json::has_twins),
            Json::Object(entries) => {
                let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
                keys.sort_unstable();
                keys.windows(2).any(|pair| pair[0] == pair[1]) || entries.iter().any(|(_, value)| value.has_twins())
            }
        }
    }

    /// Calls `look` with every key and its value, at any depth.
    pub(super) fn each(&self, look: &mut dyn FnMut(&str, &Json)) {
        match self {
            Json::Other | Json::Text(_) => {}
            Json::List(items) => items.iter().for_each(|item| item.each(look)),
            Json::Object(entries) => {
                for (key, value) in entries {
                    look(key, value);
                    value.each(look);
                }
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(AsItStands)
    }
}

struct AsItStands;

impl<'de> Visitor<'de> for AsItStands {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            object.push(entry);
        }
        Ok(Json::Object(object))
    }
}
