//! The front matter as a JSON Schema (draft 2020-12), for editors. [`crate::read`] checks more than a schema can say.

use serde_json::{Value, json};

use crate::inputs::{MOST, TYPES};

/// The schema.
#[must_use]
pub fn schema() -> Value {
    let texts = json!({ "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] });
    let any = json!({ "type": ["string", "number", "boolean"] });
    let values = json!({ "type": "object", "additionalProperties": any });
    let span = json!({ "type": "string", "pattern": "^[0-9]+[smhd]$" });
    let input = json!({
        "type": "object",
        "required": ["type"],
        "additionalProperties": false,
        "properties": {
            "type": { "enum": TYPES },
            "about": { "type": "string" },
            "default": any,
            "required": { "type": "boolean" },
            "longest": { "type": "integer", "minimum": 1, "maximum": 2000 },
            "pattern": { "type": "string", "format": "regex" },
            "least": { "type": "integer" },
            "most": { "type": "integer" },
            "choices": { "type": "array", "items": any, "minItems": 1 },
            "from": {
                "type": "object",
                "required": ["url"],
                "additionalProperties": false,
                "properties": { "url": { "type": "string", "format": "uri" }, "at": { "type": "string", "format": "json-pointer" } },
            },
            "of": { "type": "string" },
        },
    });
    let trigger = json!({
        "type": "object",
        "required": ["labels"],
        "additionalProperties": false,
        "properties": { "labels": values, "inputs": values, "auto": { "type": "boolean" } },
    });
    let schedule = json!({
        "type": "object",
        "required": ["cron"],
        "additionalProperties": false,
        "properties": {
            "cron": { "type": "string" },
            "zone": { "type": "string" },
            "missed": { "enum": ["made_up", "skipped"] },
            "inputs": values,
        },
    });
    let concurrency = json!({
        "type": "object",
        "required": ["key"],
        "additionalProperties": false,
        "properties": { "key": { "type": "string" }, "second": { "enum": ["waits", "is_refused"] } },
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The front matter of a runbook",
        "type": "object",
        "required": ["id", "owners"],
        "additionalProperties": false,
        "properties": {
            "id": { "type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,58}[a-z0-9])?$" },
            "title": { "type": "string" },
            "owners": texts,
            "inputs": {
                "type": "object",
                "maxProperties": MOST,
                "propertyNames": { "pattern": "^[a-z][a-z0-9_]{0,39}$" },
                "additionalProperties": input,
            },
            "triggers": { "type": "array", "items": trigger },
            "schedule": schedule,
            "concurrency": concurrency,
            "policy": {
                "type": "object",
                "additionalProperties": false,
                "properties": { "run": texts },
            },
            "secrets": texts,
            "timeout": span,
        },
    })
}
