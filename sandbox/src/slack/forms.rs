//! Views: opened with a trigger, filled in and sent off by people.
//!
//! What holds: a trigger opens one view, within three seconds; a form that the app finds
//! errors in stays open and shows them; at most three views lie on one another.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::delivery::uuid;
use super::model::{State, Trigger};
use super::refusal::{Answer, Args, Refusal};
use super::values::{Filled, fill, initial};
use super::{APP, BOT, Slack, Submitted, TEAM, blocks, word};

/// How long a trigger opens a view.
const TRIGGER: SignedDuration = SignedDuration::from_secs(3);
/// How long used and old triggers are remembered, so that they are refused by the right word.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);
/// The most views on one another.
const STACK: usize = 3;

/// An open form.
pub(super) struct Form {
    pub(super) user: String,
    /// The view as the app gets it, with its state.
    pub(super) view: Value,
    /// What it shows to be wrong, by block.
    pub(super) errors: BTreeMap<String, String>,
}

impl Slack {
    /// A new right to open a view.
    pub(super) fn trigger(&self, state: &mut State, user: &str, view: Option<&str>) -> String {
        let now = self.now();
        state.triggers.retain(|_, trigger| now.duration_since(trigger.issued) < REMEMBERED);
        let id = format!("{}.{}.{}", state.next_id(), now.as_millisecond(), uuid().replace('-', ""));
        let trigger = Trigger { user: user.to_owned(), issued: now, used: false, view: view.map(str::to_owned) };
        state.triggers.insert(id.clone(), trigger);
        id
    }

    pub(super) fn open_view(&self, args: &Args, push: bool) -> Answer {
        let state = &mut *self.lock();
        let now = self.now();
        let id = args.text("trigger_id").filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| Refusal {
            messages: vec!["[ERROR] missing required field: trigger_id".to_owned()],
            ..Refusal::from("invalid_arguments")
        })?;
        let view = args.json("view", "invalid_arguments")?.unwrap_or_default();
        let view = blocks::view(&view)?;
        let trigger = state.triggers.get_mut(&id).ok_or("invalid_trigger_id")?;
        if trigger.used {
            return Err("trigger_exchanged".into());
        }
        if now.duration_since(trigger.issued) > TRIGGER {
            return Err("expired_trigger_id".into());
        }
        trigger.used = true;
        let user = trigger.user.clone();
        let depth = state.forms.iter().filter(|form| form.user == user).count();
        if push && trigger_without_view(state, &id) {
            return Err("not_found".into());
        }
        if push && depth >= STACK {
            return Err("push_limit_reached".into());
        }
        if !push {
            state.forms.retain(|form| form.user != user);
        }
        let view = self.lay(state, &user, view)?;
        self.changed("");
        Ok(json!({ "view": view }))
    }

    /// Lays a view on top of what a person has open.
    fn lay(&self, state: &mut State, user: &str, mut view: Value) -> Result<Value, Refusal> {
        let external = word(&view, "/external_id").to_owned();
        if !external.is_empty() && state.forms.iter().any(|form| word(&form.view, "/external_id") == external) {
            return Err("duplicate_external_id".into());
        }
        let id = format!("V0V{:08}", state.next_id());
        let below = state.forms.iter().rfind(|form| form.user == user);
        let root = below.map_or(id.clone(), |form| word(&form.view, "/root_view_id").to_owned());
        view["previous_view_id"] = below.map_or(Value::Null, |form| form.view["id"].clone());
        view["id"] = json!(id);
        view["root_view_id"] = json!(root);
        complete(&mut view);
        state.forms.push(Form { user: user.to_owned(), view: view.clone(), errors: BTreeMap::new() });
        Ok(view)
    }

    pub(super) fn update_view(&self, args: &Args) -> Answer {
        let state = &mut *self.lock();
        let view = args.json("view", "invalid_arguments")?.unwrap_or_default();
        let view = blocks::view(&view)?;
        let (id, external) = (args.word("view_id"), args.word("external_id"));
        let is_it = |form: &&mut Form| {
            (!id.is_empty() && word(&form.view, "/id") == id)
                || (!external.is_empty() && word(&form.view, "/external_id") == external)
        };
        let form = state.forms.iter_mut().find(is_it).ok_or("not_found")?;
        if args.text("hash").is_some_and(|hash| word(&form.view, "/hash") != hash) {
            return Err("hash_conflict".into());
        }
        replace(form, view);
        let view = form.view.clone();
        self.changed("");
        Ok(json!({ "view": view }))
    }

    /// Fills in the form that lies on top and sends it off. `values` go by a field's label, `action_id` or `block_id`.
    ///
    /// # Errors
    /// No form is open, a field is missing or not filled in as it must be, or the app did not answer in time.
    pub async fn submits(&self, user: &str, values: BTreeMap<String, String>) -> Result<Submitted, String> {
        let (sent, user, id) = {
            let state = &mut *self.lock();
            let user = state.member(user)?.id.clone();
            let place = state.forms.iter().rposition(|form| form.user == user).ok_or("no form is open")?;
            let (view_blocks, before) =
                (state.forms[place].view["blocks"].clone(), state.forms[place].view["state"]["values"].clone());
            if word(&state.forms[place].view, "/submit/text").is_empty() {
                return Err("the form has nothing to send it off with".to_owned());
            }
            let filled = fields(state, &view_blocks, &before, &values)?;
            state.forms[place].view["state"]["values"] = filled;
            state.forms[place].errors.clear();
            let id = word(&state.forms[place].view, "/id").to_owned();
            let payload = json!({
                "type": "view_submission", "team": team(), "user": self.user_json(state, &user), "api_app_id": APP,
                "token": "", "trigger_id": self.trigger(state, &user, Some(&id)), "view": state.forms[place].view,
                "response_urls": [], "is_enterprise_install": false, "enterprise": null,
            });
            let sent = self.send(state, "interactive", &payload, true, 0);
            (sent.ok_or("we had some trouble connecting: the app is not connected")?, user, id)
        };
        let answer =
            self.acked(sent).await.map_err(|_| "we had some trouble connecting: the app did not answer in time")?;
        let result = self.settle_form(&user, &id, answer);
        self.changed("");
        result
    }

    /// Does what the app answered to a form.
    fn settle_form(&self, user: &str, id: &str, answer: Option<Value>) -> Result<Submitted, String> {
        let state = &mut *self.lock();
        let trouble = |state: &mut State, what: &str| {
            state.unexpected.push(format!("view_submission: {what}"));
            Err(format!("we had some trouble connecting: {what}"))
        };
        let answer = answer.unwrap_or_default();
        let action = answer.get("response_action").and_then(Value::as_str);
        let place = state.forms.iter().position(|form| word(&form.view, "/id") == id);
        match (action, place) {
            (None, _) if answer.as_object().is_some_and(|answer| !answer.is_empty()) => {
                trouble(state, "an answer without response_action")
            }
            (None, _) => {
                state.forms.retain(|form| word(&form.view, "/id") != id);
                Ok(Submitted::Closed)
            }
            (Some("clear"), _) => {
                state.forms.retain(|form| form.user != user);
                Ok(Submitted::Closed)
            }
            (Some("errors"), Some(place)) => {
                let errors: Option<BTreeMap<String, String>> = serde_json::from_value(answer["errors"].clone()).ok();
                let blocks = state.forms[place].view["blocks"].as_array().cloned().unwrap_or_default();
                let is_input = |id: &String| {
                    blocks.iter().any(|block| word(block, "/block_id") == id && word(block, "/type") == "input")
                };
                match errors {
                    Some(errors) if !errors.is_empty() && errors.keys().all(is_input) => {
                        state.forms[place].errors.clone_from(&errors);
                        Ok(Submitted::Errors { errors })
                    }
                    Some(_) | None => trouble(state, "errors that belong to no input block"),
                }
            }
            (Some("update"), Some(place)) => match blocks::view(&answer["view"]) {
                Ok(view) => {
                    replace(&mut state.forms[place], view);
                    Ok(Submitted::Updated { view: state.forms[place].view.clone() })
                }
                Err(refusal) => trouble(state, &format!("update: {} {:?}", refusal.error, refusal.messages)),
            },
            (Some("push"), Some(_)) => {
                let view = blocks::view(&answer["view"]).and_then(|view| self.lay(state, user, view));
                match view {
                    Ok(view) => Ok(Submitted::Pushed { view }),
                    Err(refusal) => trouble(state, &format!("push: {} {:?}", refusal.error, refusal.messages)),
                }
            }
            (Some(other), _) => trouble(state, &format!("response_action {other}")),
        }
    }

    /// Closes the form that lies on top.
    ///
    /// # Errors
    /// No form is open.
    pub async fn cancels(&self, user: &str) -> Result<(), String> {
        let sent = {
            let state = &mut *self.lock();
            let user = state.member(user)?.id.clone();
            let place = state.forms.iter().rposition(|form| form.user == user).ok_or("no form is open")?;
            let form = state.forms.remove(place);
            let payload = json!({
                "type": "view_closed", "team": team(), "user": self.user_json(state, &user), "api_app_id": APP, "token": "",
                "view": form.view, "is_cleared": false, "is_enterprise_install": false, "enterprise": null,
            });
            let told = form.view["notify_on_close"] == true;
            told.then(|| self.send(state, "interactive", &payload, false, 0)).flatten()
        };
        self.changed("");
        if let Some(sent) = sent {
            // Slack does not tell the person whether the app took notice.
            let _ = self.acked(sent).await;
        }
        Ok(())
    }
}

/// The workspace as interactions name it.
pub(super) fn team() -> Value {
    json!({ "id": TEAM, "domain": super::DOMAIN })
}

fn trigger_without_view(state: &State, id: &str) -> bool {
    let view = state.triggers.get(id).and_then(|trigger| trigger.view.as_ref());
    view.is_none_or(|view| !state.forms.iter().any(|form| word(&form.view, "/id") == view))
}

/// Shows another view in the place of one.
fn replace(form: &mut Form, mut view: Value) {
    for key in ["id", "root_view_id", "previous_view_id"] {
        view[key] = form.view[key].clone();
    }
    complete(&mut view);
    form.view = view;
    form.errors.clear();
}

/// Adds what Slack adds to a view.
fn complete(view: &mut Value) {
    let added = [
        ("team_id", json!(TEAM)),
        ("app_id", json!(APP)),
        ("app_installed_team_id", json!(TEAM)),
        ("bot_id", json!(BOT)),
        ("hash", json!(format!("{}.{}", fastrand::u32(..), &uuid()[..8]))),
    ];
    for (key, value) in added {
        view[key] = value;
    }
    let left_out = [
        ("callback_id", json!("")),
        ("external_id", json!("")),
        ("private_metadata", json!("")),
        ("close", Value::Null),
        ("submit", Value::Null),
        ("clear_on_close", json!(false)),
        ("notify_on_close", json!(false)),
    ];
    for (key, value) in left_out {
        if view.get(key).is_none() {
            view[key] = value;
        }
    }
    let mut values = Map::new();
    for block in view["blocks"].as_array().into_iter().flatten().filter(|block| word(block, "/type") == "input") {
        let element = &block["element"];
        values.insert(word(block, "/block_id").to_owned(), json!({ word(element, "/action_id"): initial(element) }));
    }
    view["state"] = json!({ "values": values });
}

/// What all fields hold once `given` is typed into them.
fn fields(state: &State, blocks: &Value, before: &Value, given: &BTreeMap<String, String>) -> Result<Value, String> {
    let mut values = before.as_object().cloned().unwrap_or_default();
    let mut left: Vec<&String> = given.keys().collect();
    for block in blocks.as_array().into_iter().flatten().filter(|block| word(block, "/type") == "input") {
        let element = &block["element"];
        let (label, block_id, action_id) =
            (word(block, "/label/text"), word(block, "/block_id"), word(element, "/action_id"));
        let key = given.keys().find(|key| [label, action_id, block_id].contains(&key.as_str()));
        if let Some(key) = key {
            left.retain(|other| *other != key);
            let filled = fill(state, element, &given[key]).map_err(|why| format!("{label}: {why}"))?;
            values.insert(block_id.to_owned(), json!({ action_id: filled.json() }));
        }
        let now = values.get(block_id).and_then(|value| value.get(action_id)).cloned().unwrap_or_default();
        if block["optional"] != true && Filled::is_empty(&now) {
            return Err(format!("{label}: please complete this required field"));
        }
    }
    match left.first() {
        Some(unknown) => Err(format!("the form has no field {unknown}")),
        None => Ok(Value::Object(values)),
    }
}
