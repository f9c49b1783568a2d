//! A strict Buildbot with the habits of a real 4.3, served under `/bb`.
//!
//! What the real one was seen to do: questions are free, and each answer brings a session of nobody; control is refused
//! with 403 until a session from `auth/login` is shown, credentials alone count for nothing; a scheduler or builder that
//! is not there is a 500 when it is forced; a field that is not declared is dropped; a wrong field is a 400 whose message
//! is an object; stopping or cancelling anything, also what is not there, is 200 with null; two waiting requests
//! with the same source are merged, the older one complete with result 3 and without a build; logs of stdio begin
//! each line with its stream, and Buildbot's own lines list the worker's environment.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::gitlab_server::{Answer, Asked, Peer, now};

pub(crate) const PASSWORD: &str = "correct-horse-battery";
/// `bot:` and the password, in base64.
const BASIC: &str = "Basic Ym90OmNvcnJlY3QtaG9yc2UtYmF0dGVyeQ==";
const SESSION: &str = "TWISTED_SESSION=eyJhbGciOiJIUzI1NiJ9.bot.sig";
const NOBODY: &str = "TWISTED_SESSION=eyJhbGciOiJIUzI1NiJ9.anonymous.sig";

#[derive(Clone, Debug, Default)]
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) builder: u64,
    pub(crate) values: BTreeMap<String, Value>,
    pub(crate) complete: bool,
    pub(crate) results: i64,
    pub(crate) submitted_at: i64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Build {
    pub(crate) id: u64,
    pub(crate) request: u64,
    pub(crate) results: Option<i64>,
    /// Name, result (none while it runs), whether it is hidden.
    pub(crate) steps: Vec<(String, Option<i64>, bool)>,
    /// The last step's log.
    pub(crate) log: String,
}

pub(crate) struct Buildbot {
    pub(crate) enabled: bool,
    pub(crate) builders: Vec<String>,
    /// Fields with their types.
    pub(crate) declared: Vec<(String, &'static str)>,
    pub(crate) asks_for_login: bool,
    pub(crate) has_login: bool,
    pub(crate) requests: Vec<Request>,
    pub(crate) builds: Vec<Build>,
}

impl Buildbot {
    pub(crate) fn new() -> Buildbot {
        let texts = ["muster_id", "muster_environment", "revision", "branch", "reason"];
        let mut declared: Vec<_> = texts.iter().map(|name| ((*name).to_owned(), "text")).collect();
        declared.extend([("muster_rollback".to_owned(), "bool"), ("size".to_owned(), "list")]);
        Buildbot {
            enabled: true,
            builders: vec!["build".to_owned(), "deploy to prod".to_owned()],
            declared,
            asks_for_login: true,
            has_login: true,
            requests: Vec::new(),
            builds: Vec::new(),
        }
    }

    pub(crate) fn build(&mut self) -> &mut Build {
        self.builds.last_mut().expect("a build")
    }

    /// The request gets a worker.
    pub(crate) fn begin(&mut self, request: u64) {
        let id = 100 + self.builds.len() as u64 + 1;
        let steps = vec![("worker_preparation".to_owned(), Some(0), false), ("deploy".to_owned(), None, false)];
        self.builds.push(Build { id, request, steps, ..Build::default() });
    }

    pub(crate) fn end(&mut self, results: i64) {
        let build = self.build();
        build.results = Some(results);
        for step in &mut build.steps {
            step.1 = step.1.or(Some(results));
        }
        let request = build.request;
        // One that is tried again goes on.
        if results != 5 {
            self.close(request, results);
        }
    }

    fn close(&mut self, request: u64, results: i64) {
        for known in self.requests.iter_mut().filter(|known| known.id == request) {
            (known.complete, known.results) = (true, results);
        }
    }

    fn rpc(&mut self, asked: &Asked, parts: &[&str]) -> Answer {
        let error = |status: u16, message: Value| {
            Answer::json(status, &json!({ "jsonrpc": "2.0", "id": 1, "error": { "code": -32600, "message": message } }))
        };
        let Some(body) = asked.json() else {
            return error(400, json!("Invalid content-type (use application/json)"));
        };
        if self.asks_for_login && !asked.header("cookie").split("; ").any(|cookie| cookie == SESSION) {
            return error(403, json!("you need to have role 'admins'"));
        }
        let is_rpc = body["jsonrpc"] == "2.0" && body["id"].is_number() && body["params"].is_object();
        let (Some(method), true) = (body["method"].as_str(), is_rpc) else { return error(400, json!("missing key")) };
        let done = |result: Value| Answer::json(200, &json!({ "jsonrpc": "2.0", "id": 1, "result": result }));
        match (parts, method) {
            (["forceschedulers", name], "force") => {
                if *name != "force" {
                    return error(500, json!("AttributeError(\"'NoneType' object has no attribute 'force'\")"));
                }
                let wanted = body["params"]["builderNames"].as_array().cloned().unwrap_or_default();
                let at = self.builders.iter().position(|known| wanted.contains(&json!(known)));
                let Some(at) = at.filter(|_| wanted.len() == 1) else {
                    return error(500, json!("KeyError('builderNames not specified or not supported')"));
                };
                let mut values: BTreeMap<String, Value> = BTreeMap::new();
                for (name, kind) in &self.declared {
                    let Some(value) = body["params"].get(name) else { continue };
                    if *kind == "list" && value != "small" {
                        return error(400, json!({ "size": "'huge' does not belong to list of available choices" }));
                    }
                    // A box is ticked or it is not.
                    values.insert(
                        name.clone(),
                        if *kind == "bool" { json!(*value == json!(true)) } else { value.clone() },
                    );
                }
                if values.get("reason").and_then(Value::as_str).is_some_and(|reason| reason.chars().count() > 200) {
                    return error(500, json!("value too long for type character varying(256)"));
                }
                let id = self.requests.len() as u64 + 1;
                let builder = at as u64 + 1;
                let builds = &self.builds;
                for known in &mut self.requests {
                    let waits = !known.complete && !builds.iter().any(|build| build.request == known.id);
                    if waits && known.builder == builder && known.values.get("revision") == values.get("revision") {
                        (known.complete, known.results) = (true, 3);
                    }
                }
                let submitted_at = now().as_second();
                self.requests.push(Request { id, builder, values, complete: false, results: -1, submitted_at });
                done(json!([id + 50, { (builder.to_string()): id }]))
            }
            (["builds", id], "stop") => {
                let build = self.builds.iter().find(|build| build.id.to_string() == *id && build.results.is_none());
                if build.is_some() {
                    self.end(6);
                }
                done(Value::Null)
            }
            (["buildrequests", id], "cancel") => {
                let waits = self.requests.iter().find(|known| known.id.to_string() == *id && !known.complete);
                if let Some(id) = waits.map(|known| known.id) {
                    self.close(id, 6);
                }
                done(Value::Null)
            }
            _ => error(500, json!("ValueError('action is not supported')")),
        }
    }

    fn shown_request(&self, request: &Request, property: &str) -> Value {
        let value = request.values.get(property).map(|value| json!({ (property): [value, "Force Build Form"] }));
        let properties = if property.is_empty() { Value::Null } else { value.unwrap_or_else(|| json!({})) };
        json!({
            "buildrequestid": request.id, "builderid": request.builder, "complete": request.complete,
            "results": request.results, "submitted_at": request.submitted_at, "properties": properties,
        })
    }

    fn ask(&self, asked: &Asked, parts: &[&str]) -> Answer {
        let known = ["name", "property", "order", "limit", "offset", "buildrequestid"];
        if let Some(name) = asked.query.keys().find(|name| !known.contains(&name.as_str())) {
            return Answer::json(400, &json!({ "error": format!("unrecognized query parameter '{name}'") }));
        }
        let none = || Answer::json(404, &json!({ "error": "not found while getting from endpoint" }));
        let limit: usize = asked.asks("limit").parse().unwrap_or(usize::MAX);
        let offset: usize = asked.asks("offset").parse().unwrap_or(0);
        match parts {
            ["forceschedulers", "force"] => {
                let field = |(name, kind): &(String, &str)| json!({ "fullName": name, "type": kind, "name": name });
                let fields: Vec<Value> = self.declared.iter().map(field).collect();
                let nested = json!([{ "fullName": null, "type": "nested", "fields": fields }]);
                let scheduler = json!({ "name": "force", "enabled": self.enabled, "builder_names": self.builders,
                                        "all_fields": nested });
                Answer::json(200, &json!({ "forceschedulers": [scheduler], "meta": {} }))
            }
            ["builders"] => {
                let shown = self.builders.iter().enumerate().filter(|(_, name)| *name == asked.asks("name"));
                let shown: Vec<Value> = shown.map(|(at, name)| json!({ "builderid": at + 1, "name": name })).collect();
                Answer::json(200, &json!({ "builders": shown, "meta": {} }))
            }
            ["builders", id, "buildrequests"] => {
                let own = self.requests.iter().rev().filter(|request| request.builder.to_string() == *id);
                let page = own.skip(offset).take(limit);
                let shown: Vec<Value> =
                    page.map(|request| self.shown_request(request, asked.asks("property"))).collect();
                Answer::json(200, &json!({ "buildrequests": shown, "meta": {} }))
            }
            ["buildrequests", id] => match self.requests.iter().find(|request| request.id.to_string() == *id) {
                Some(request) => {
                    Answer::json(200, &json!({ "buildrequests": [self.shown_request(request, "")], "meta": {} }))
                }
                None => none(),
            },
            ["builds"] => {
                let own =
                    self.builds.iter().rev().filter(|build| build.request.to_string() == asked.asks("buildrequestid"));
                let shown: Vec<Value> = own
                    .take(limit)
                    .map(|build| {
                        json!({ "buildid": build.id, "number": 7, "builderid": 2, "buildrequestid": build.request,
                                "complete": build.results.is_some(), "results": build.results })
                    })
                    .collect();
                Answer::json(200, &json!({ "builds": shown, "meta": {} }))
            }
            ["builds", id, "steps"] => {
                let Some(build) = self.builds.iter().find(|build| build.id.to_string() == *id) else { return none() };
                let step = |(at, (name, results, hidden)): (usize, &(String, Option<i64>, bool))| {
                    json!({ "stepid": build.id * 10 + at as u64, "number": at, "name": name, "hidden": hidden,
                            "complete": results.is_some(), "results": results })
                };
                // In no order that could be relied on.
                let steps: Vec<Value> = build.steps.iter().enumerate().rev().map(step).collect();
                Answer::json(200, &json!({ "steps": steps, "meta": {} }))
            }
            ["steps", id, "logs"] => {
                let id: u64 = id.parse().unwrap_or(0);
                let Some(build) = self.builds.iter().find(|build| build.id == id / 10) else { return none() };
                let lines = build.log.lines().count();
                let html = json!({ "logid": 1, "slug": "report", "type": "h", "num_lines": 1 });
                let stdio = json!({ "logid": id, "slug": "stdio", "type": "s", "num_lines": lines });
                Answer::json(200, &json!({ "logs": [html, stdio], "meta": {} }))
            }
            ["logs", id, "contents"] => {
                let id: u64 = id.parse().unwrap_or(0);
                let Some(build) = self.builds.iter().find(|build| build.id == id / 10) else { return none() };
                let lines: String =
                    build.log.lines().skip(offset).take(limit).map(|line| format!("{line}\n")).collect();
                let chunk = json!({ "content": lines, "firstline": offset, "logid": id });
                Answer::json(200, &json!({ "logchunks": [chunk], "meta": {} }))
            }
            _ => none(),
        }
    }
}

impl Peer for Buildbot {
    fn answer(&mut self, asked: &Asked) -> Answer {
        let parts = asked.parts();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let answer = match (asked.method.as_str(), parts.as_slice()) {
            ("GET", ["bb", "auth", "login"]) if !self.has_login => Answer::text(501, "not implemented"),
            ("GET", ["bb", "auth", "login"]) if asked.header("authorization") != BASIC => {
                return Answer::text(401, "Unauthorized");
            }
            ("GET", ["bb", "auth", "login"]) => {
                return Answer::text(302, "")
                    .with("location", "http://169.254.169.254/#/")
                    .with("set-cookie", &format!("{NOBODY}; Path=/"))
                    .with("set-cookie", &format!("{SESSION}; Path=/"));
            }
            ("POST", ["bb", "api", "v2", rest @ ..]) => self.rpc(asked, rest),
            ("GET", ["bb", "api", "v2", rest @ ..]) => self.ask(asked, rest),
            _ => Answer::text(404, "Not Found"),
        };
        answer.with("set-cookie", &format!("{NOBODY}; Path=/"))
    }
}
