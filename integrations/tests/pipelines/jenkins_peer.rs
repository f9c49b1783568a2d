//! A strict Jenkins, served under `/jenkins`, with a parameterised pipeline in a folder.
//!
//! Its habits are those of Jenkins's source (ParameterizedJobMixIn, ParametersDefinitionProperty, CrumbFilter, Stapler's
//! LargeText) and of the plug-ins Pipeline: Stage View and Pipeline: Input Step.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::gitlab_server::{Answer, Asked, Peer, now};

pub(crate) const TOKEN: &str = "11c0ffee0123456789abcdef0123456789";
const JOB: [&str; 4] = ["job", "team", "job", "checkout-deploy"];

#[derive(Clone, Debug, Default)]
pub(crate) struct Item {
    pub(crate) id: u64,
    pub(crate) task: String,
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) build: Option<u64>,
    pub(crate) cancelled: bool,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Build {
    pub(crate) number: u64,
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) result: Option<String>,
    pub(crate) building: bool,
    pub(crate) timestamp: i64,
    pub(crate) stages: Vec<(String, String)>,
    pub(crate) status: String,
    pub(crate) inputs: Vec<Value>,
    pub(crate) log: String,
    pub(crate) sha: String,
    pub(crate) changes: Vec<String>,
}

pub(crate) struct Jenkins {
    /// With the choices of those that have some.
    pub(crate) declared: Vec<(String, Option<Vec<String>>)>,
    pub(crate) buildable: bool,
    pub(crate) has_stages: bool,
    pub(crate) wants_crumb: bool,
    /// Where it says that it is.
    pub(crate) root: String,
    pub(crate) queue: Vec<Item>,
    pub(crate) builds: Vec<Build>,
    /// What a build was queued with is answered with this and no `Location`.
    pub(crate) location: Option<String>,
    pub(crate) status: u16,
}

impl Jenkins {
    pub(crate) fn new() -> Jenkins {
        let names = ["ID", "COMMIT", "REF", "SERVICE", "ENVIRONMENT", "ROLLBACK"];
        let mut declared: Vec<_> = names.iter().map(|name| (format!("MUSTER_{name}"), None)).collect();
        declared.push(("SIZE".to_owned(), Some(vec!["small".to_owned(), "large".to_owned()])));
        Jenkins {
            declared,
            buildable: true,
            has_stages: true,
            wants_crumb: false,
            root: String::new(),
            queue: Vec::new(),
            builds: Vec::new(),
            location: None,
            status: 201,
        }
    }

    pub(crate) fn build(&mut self) -> &mut Build {
        self.builds.last_mut().expect("a build")
    }

    /// The newest item of the queue gets an executor.
    pub(crate) fn begin(&mut self) {
        let number = 40 + self.builds.len() as u64 + 1;
        let item = self.queue.last_mut().expect("an item");
        item.build = Some(number);
        let values = item.values.clone();
        let timestamp = now().as_millisecond();
        self.builds.push(Build {
            number,
            values,
            building: true,
            timestamp,
            status: "IN_PROGRESS".to_owned(),
            ..Build::default()
        });
    }

    fn job_url(&self) -> String {
        format!("{}/{}/", self.root, JOB.join("/"))
    }

    fn shown_item(&self, item: &Item) -> Value {
        let url = format!("{}{}/", self.job_url(), item.build.unwrap_or_default());
        json!({
            "_class": "hudson.model.Queue$LeftItem", "id": item.id, "cancelled": item.cancelled,
            "why": if item.build.is_none() && !item.cancelled { Some("Waiting for next available executor") } else { None },
            "task": { "url": item.task }, "actions": actions(&item.values, ""),
            "executable": item.build.map(|number| json!({ "number": number, "url": url })),
        })
    }

    fn shown_build(&self, build: &Build) -> Value {
        let change = |id: &String| {
            json!({ "commitId": id, "msg": format!("Change {}", &id[..3]), "timestamp": 1_789_000_000_000_i64,
                    "author": { "fullName": "Bo" } })
        };
        json!({
            "number": build.number, "building": build.building, "result": build.result,
            "url": format!("{}{}/", self.job_url(), build.number), "timestamp": build.timestamp,
            "estimatedDuration": 300_000, "actions": actions(&build.values, &build.sha),
            "changeSets": [{ "kind": "git", "items": build.changes.iter().map(change).collect::<Vec<_>>() }],
        })
    }

    fn queue_build(&mut self, asked: &Asked) -> Answer {
        let Some(form) = asked.form() else { return html(400, "Nothing is submitted") };
        if !self.buildable {
            return html(409, "checkout-deploy is not buildable!");
        }
        let mut values = BTreeMap::new();
        for (name, choices) in &self.declared {
            let Some(value) = form.get(name) else { continue };
            if choices.as_ref().is_some_and(|choices| !choices.contains(value)) {
                return html(500, "Illegal choice for parameter");
            }
            // What is not declared is dropped.
            values.insert(name.clone(), value.clone());
        }
        let id = 700 + self.queue.len() as u64 + 1;
        self.queue.push(Item { id, task: self.job_url(), values, ..Item::default() });
        let location = self.location.clone().unwrap_or_else(|| format!("{}/queue/item/{id}/", self.root));
        let answer = Answer::text(self.status, "");
        if location.is_empty() { answer } else { answer.with("location", &location) }
    }

    fn of_build(&mut self, asked: &Asked, number: u64, more: &[&str]) -> Answer {
        let has_stages = self.has_stages;
        let Some(at) = self.builds.iter().position(|build| build.number == number) else {
            return html(404, "Not Found");
        };
        let build = &mut self.builds[at];
        match (asked.method.as_str(), more) {
            ("GET", ["api", "json"]) => {
                let shown = self.shown_build(&self.builds[at]);
                Answer::json(200, &shown)
            }
            ("GET", ["wfapi", _]) if !has_stages => html(404, "Not Found"),
            ("GET", ["wfapi", "describe"]) => {
                let shown = |(name, status): &(String, String)| json!({ "id": "6", "name": name, "status": status });
                let stages: Vec<Value> = build.stages.iter().map(shown).collect();
                Answer::json(200, &json!({ "id": number.to_string(), "status": build.status, "stages": stages }))
            }
            ("GET", ["wfapi", "pendingInputActions"]) => Answer::json(200, &Value::from(build.inputs.clone())),
            ("POST", ["input", id, answer @ ("proceedEmpty" | "abort")]) => {
                let Some(at) = build.inputs.iter().position(|input| input["id"] == *id) else {
                    return html(404, "Not Found");
                };
                build.inputs.remove(at);
                build.status = if *answer == "abort" { "ABORTED" } else { "IN_PROGRESS" }.to_owned();
                Answer::text(302, "").with("location", "../../console")
            }
            ("POST", ["stop"]) => {
                if build.building {
                    build.building = false;
                    build.result = Some("ABORTED".to_owned());
                }
                Answer::text(302, "").with("location", ".")
            }
            ("GET" | "HEAD", ["logText", "progressiveText"]) => {
                let start: usize = asked.asks("start").parse().unwrap_or(0);
                // Behind the end, it begins anew.
                let start = if start > build.log.len() { 0 } else { start };
                let text = &build.log[start..];
                Answer::text(200, text)
                    .with("content-type", "text/plain;charset=utf-8")
                    .with("x-text-size", &build.log.len().to_string())
            }
            _ => html(404, "Not Found"),
        }
    }
}

fn actions(values: &BTreeMap<String, String>, sha: &str) -> Value {
    let parameters: Vec<Value> = values.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    // There are empty ones between, and one that is nothing at all.
    let mut actions = vec![json!({}), Value::Null, json!({ "parameters": parameters })];
    if !sha.is_empty() {
        actions.push(json!({ "lastBuiltRevision": { "SHA1": sha } }));
    }
    Value::from(actions)
}

fn html(status: u16, words: &str) -> Answer {
    Answer::text(status, &format!("<html><body>{words}</body></html>")).with("content-type", "text/html")
}

impl Peer for Jenkins {
    fn answer(&mut self, asked: &Asked) -> Answer {
        // `ann:` and the token, in base64.
        if asked.header("authorization") != "Basic YW5uOjExYzBmZmVlMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=" {
            return html(401, "Unauthorized").with("www-authenticate", "Basic realm=\"Jenkins\"");
        }
        let parts = asked.parts();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let ["jenkins", rest @ ..] = parts.as_slice() else { return html(404, "Not Found") };
        if asked.method == "POST" && self.wants_crumb {
            let is_right = asked.header("jenkins-crumb") == "c0ffee00c0ffee00";
            if !is_right || asked.header("cookie") != "JSESSIONID.a=node0abc" {
                return html(403, "HTTP ERROR 403 No valid crumb was included in the request");
            }
        }
        if asked.method == "GET" && asked.path.ends_with("/api/json") && !asked.query.contains_key("tree") {
            if rest == ["crumbIssuer", "api", "json"] {
                let crumb = json!({ "crumb": "c0ffee00c0ffee00", "crumbRequestField": "Jenkins-Crumb" });
                return Answer::json(200, &crumb).with("set-cookie", "JSESSIONID.a=node0abc; Path=/; HttpOnly");
            }
            return html(500, "too much is asked for");
        }
        match (asked.method.as_str(), rest) {
            ("GET", ["queue", "api", "json"]) => {
                let waits = self.queue.iter().filter(|item| item.build.is_none() && !item.cancelled);
                let items: Vec<Value> = waits.map(|item| self.shown_item(item)).collect();
                Answer::json(200, &json!({ "items": items }))
            }
            ("GET", ["queue", "item", id, "api", "json"]) => {
                match self.queue.iter().find(|item| item.id.to_string() == *id) {
                    Some(item) => Answer::json(200, &self.shown_item(item)),
                    None => html(404, "Not Found"),
                }
            }
            ("POST", ["queue", "cancelItem"]) => {
                for item in self.queue.iter_mut().filter(|item| item.id.to_string() == asked.asks("id")) {
                    item.cancelled = true;
                }
                Answer::text(204, "")
            }
            (method, ["job", "team", "job", "checkout-deploy", more @ ..]) => match (method, more) {
                ("GET", ["api", "json"]) if asked.asks("tree").starts_with("allBuilds") => {
                    let range =
                        asked.asks("tree").rsplit_once('{').map_or("", |(_, range)| range.trim_end_matches('}'));
                    let (from, to) = range.split_once(',').unwrap_or(("0", "0"));
                    let (from, to): (usize, usize) = (from.parse().unwrap_or(0), to.parse().unwrap_or(0));
                    let builds = self.builds.iter().rev().skip(from).take(to - from);
                    let builds: Vec<Value> = builds.map(|build| self.shown_build(build)).collect();
                    Answer::json(200, &json!({ "allBuilds": builds }))
                }
                ("GET", ["api", "json"]) => {
                    let shown =
                        |(name, choices): &(String, Option<Vec<String>>)| json!({ "name": name, "choices": choices });
                    let definitions: Vec<Value> = self.declared.iter().map(shown).collect();
                    let property = json!([{}, { "parameterDefinitions": definitions }]);
                    Answer::json(200, &json!({ "buildable": self.buildable, "property": property }))
                }
                ("POST", ["buildWithParameters"]) => self.queue_build(asked),
                (_, [number, more @ ..]) => match number.parse() {
                    Ok(number) => self.of_build(asked, number, more),
                    Err(_) => html(404, "Not Found"),
                },
                _ => html(404, "Not Found"),
            },
            _ => html(404, "Not Found"),
        }
    }
}
