//! What people do with a form that the bot has opened.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Discord, Outcome};

impl Discord {
    /// Sends the open form, with values by label or custom id. What isn't given stays as the form had it.
    ///
    /// # Errors
    /// Why a person could not do that.
    pub async fn submits(&self, user: &str, values: BTreeMap<String, String>) -> Result<(), String> {
        let (id, at) = {
            let mut guard = self.lock();
            let state = &mut *guard;
            let user = state.find_user(user).ok_or_else(|| format!("there is nobody called {user}"))?.id;
            let at = state.forms.iter().position(|form| form.user == user).ok_or("no form is open")?;
            let form = &state.forms[at];
            let (modal, channel, message) = (form.modal.clone(), form.channel, form.message);
            let mut parts = Vec::new();
            let mut known = Vec::new();
            for part in modal["components"].as_array().into_iter().flatten() {
                let inner = if part["type"].as_u64() == Some(18) { &part["component"] } else { &part["components"][0] };
                let label = part["label"].as_str().or(inner["label"].as_str()).unwrap_or_default();
                let filled = fill(inner, label, &values)?;
                known.extend([inner["custom_id"].as_str().unwrap_or_default(), label]);
                parts.push(match part["type"].as_u64() {
                    Some(18) => json!({"type": 18, "id": parts.len() * 2 + 1, "component": filled}),
                    _ => json!({"type": 1, "id": parts.len() * 2 + 1, "components": [filled]}),
                });
            }
            if let Some(unknown) = values.keys().find(|key| !known.contains(&key.as_str())) {
                return Err(format!("the form has no field {}", unknown.chars().take(40).collect::<String>()));
            }
            let data = json!({"custom_id": modal["custom_id"], "components": parts});
            (state.interact(5, "", user, channel, message, &data), user)
        };
        match self.outcome(id).await {
            Outcome::Failed(why) => Err(format!("Something went wrong. Try again. ({why})")),
            Outcome::Answered | Outcome::Deferred => {
                let mut state = self.lock();
                state.forms.retain(|form| form.user != at);
                state.changed(0);
                Ok(())
            }
        }
    }

    /// Closes the open form without sending it; the bot hears nothing of it.
    ///
    /// # Errors
    /// Why a person could not do that.
    pub async fn cancels(&self, user: &str) -> Result<(), String> {
        let mut state = self.lock();
        let user = state.find_user(user).ok_or_else(|| format!("there is nobody called {user}"))?.id;
        if !state.forms.iter().any(|form| form.user == user) {
            return Err("no form is open".to_owned());
        }
        state.forms.retain(|form| form.user != user);
        state.changed(0);
        Ok(())
    }
}

/// A field of a form as it is sent.
fn fill(field: &Value, label: &str, values: &BTreeMap<String, String>) -> Result<Value, String> {
    let key = field["custom_id"].as_str().unwrap_or_default();
    let given = values.get(key).or_else(|| values.get(label)).cloned();
    if field["type"].as_u64() == Some(3) {
        let options = field["options"].as_array().cloned().unwrap_or_default();
        let chosen = match given {
            Some(given) => {
                let is = |it: &&Value| it["value"].as_str() == Some(&given) || it["label"].as_str() == Some(&given);
                Some(options.iter().find(is).ok_or_else(|| format!("{given:?} can't be chosen for {label}"))?.clone())
            }
            None => options.into_iter().find(|it| it["default"].as_bool() == Some(true)),
        };
        if chosen.is_none() && field["required"].as_bool() != Some(false) {
            return Err(format!("{label} is required"));
        }
        let values: Vec<Value> = chosen.into_iter().map(|it| it["value"].clone()).collect();
        return Ok(json!({"type": 3, "id": 2, "custom_id": key, "values": values}));
    }
    let value = given.unwrap_or_else(|| field["value"].as_str().unwrap_or_default().to_owned());
    if value.trim().is_empty() && field["required"].as_bool() != Some(false) {
        return Err(format!("{label} is required"));
    }
    let longest = field["max_length"].as_u64().unwrap_or(4000);
    if value.chars().count() as u64 > longest {
        return Err(format!("{label} can have {longest} characters"));
    }
    Ok(json!({"type": 4, "id": 2, "custom_id": key, "value": value}))
}
