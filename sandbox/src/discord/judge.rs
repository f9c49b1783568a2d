//! What Discord makes of a message or a modal, without a server around it.
//!
//! The same checks that the routes of the REST API make, for whoever wants to know beforehand.

use serde_json::Value;

use super::refusal::Refusal;
use super::{check, check_modal};

/// Checks the body of a message that is created. A field that Discord does not know counts as refused.
///
/// # Errors
/// Discord's answer as JSON, or the fields that it does not know.
pub fn message(body: &Value) -> Result<(), String> {
    if check::is_empty(body) {
        return Err(Refusal::code(50006).body.to_string());
    }
    known(check::message(body, ""))
}

/// Checks a modal, which is the `data` of an answer. A field that Discord does not know counts as refused.
///
/// # Errors
/// Discord's answer as JSON, or the fields that it does not know.
pub fn modal(data: &Value) -> Result<(), String> {
    known(check_modal::modal(data))
}

fn known(unknown: Result<Vec<String>, Refusal>) -> Result<(), String> {
    match unknown {
        Ok(unknown) if unknown.is_empty() => Ok(()),
        Ok(unknown) => Err(format!("unknown fields: {}", unknown.join(", "))),
        Err(refusal) => Err(refusal.body.to_string()),
    }
}
