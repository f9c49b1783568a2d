//! Any service with an HTTP API, as the operator describes it: what to send, and where in the answers to look.
//!
//! What holds: everything is checked when it is read, with words that name the field; values are put in whole
//! ([`template`]); all requests go to one origin; a state whose word is not known runs, and says the word.

mod target;
mod template;

use async_trait::async_trait;
use operations::pipeline::{
    Capabilities, Changes, Commit, Gate, Idempotency, Log, Order, Progress, RefKind, Resolved, Rollback, Run, RunState,
};
use operations::text::Outside;
use reqwest::Method;
use reqwest::header::HeaderName;
use serde_json::Value;

pub use self::target::{Find, LogRequest, Request, Status, Target};
use self::target::{check_pointers, words};
use self::template::{About, Kind, Placeholder, Template, headers, with_headers};
use super::tail::tail;
use super::{Called, Failure, Pipeline, Refused, Shared, cannot, text};
use crate::http::api::{Api, Auth, Does, Reply};
use crate::redact;
use crate::secret::Secret;

/// A service with an HTTP API.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its address: `https://deploy.example.com`. Every request goes to this scheme, host and port.
    pub url: String,
    /// Headers that every request carries, such as `Authorization` with `Bearer …`. All values are kept secret.
    pub headers: Vec<(String, Secret)>,
}

/// So many pages are looked through for a run.
const PAGES: usize = 20;

/// The longest id of a run that is believed.
const LONGEST_ID: usize = 300;

/// The gate that a run has which waits.
const GATE: &str = "approval";

/// A service with an HTTP API and what is called there.
pub struct Generic {
    api: Api,
    headers: Vec<(HeaderName, Secret)>,
    target: Target,
    words: Vec<(String, RunState)>,
    start: Template,
    find: Option<Template>,
    status: Template,
    cancel: Option<Template>,
    approve: Option<Template>,
    log: Option<Template>,
}

impl Generic {
    /// Checks all of it.
    ///
    /// # Errors
    /// Words for the operator: which field, what is wrong with it, what to write instead.
    pub fn new(connection: Connection, target: Target, shared: Shared) -> Result<Generic, String> {
        let api = Api::new("the pipeline", &connection.url, Auth::None, shared.http, shared.clock)?;
        if !matches!(api.base().path(), "" | "/") {
            return Err("`url` of the connection must have no path: it stands in the requests".to_owned());
        }
        let headers = headers("connection", &connection.headers)?;
        let read =
            |field, request: &Request, kind, methods: &[&str]| Template::new(field, request, kind, methods, &api);
        let changing = ["POST", "PUT", "PATCH", "DELETE"];
        let asking = ["GET", "POST"];
        let start = read("start", &target.start, Kind::Order, &changing)?;
        let find = target.find.as_ref().map(|find| read("find", &find.request, Kind::Order, &asking)).transpose()?;
        let status = read("status", &target.status.request, Kind::Run, &asking)?;
        let cancel = target.cancel.as_ref().map(|it| read("cancel", it, Kind::Run, &changing)).transpose()?;
        let approve = target.approve.as_ref().map(|it| read("approve", it, Kind::Answer, &changing)).transpose()?;
        let log = target.log.as_ref().map(|it| read("log", &it.request, Kind::Run, &asking)).transpose()?;
        if (target.repeat || target.find.is_some()) && !start.says(&Placeholder::Id) {
            return Err("`start` must send `{id}` where `repeat` or `find` is set: the run is known by it".to_owned());
        }
        for (field, template) in [("status", Some(&status)), ("cancel", cancel.as_ref()), ("log", log.as_ref())] {
            if template.is_some_and(|template| !template.says(&Placeholder::Run)) {
                return Err(format!("`{field}` must send `{{run}}`: otherwise it is about any run"));
            }
        }
        check_pointers(&target)?;
        let words = words(&target.status)?;
        Ok(Generic { api, headers, target, words, start, find, status, cancel, approve, log })
    }

    async fn ask(&self, template: &Template, about: About<'_>) -> Called<Reply> {
        template.call(&self.api, &self.headers, about)?.does(Does::Ask).send().await
    }

    /// Secrets that the service may repeat in a log or a step.
    fn secrets(&self) -> Vec<&str> {
        // The words of `Bearer …` are looked for one by one.
        self.headers.iter().flat_map(|(_, secret)| secret.expose().split(' ')).collect()
    }

    fn words(&self, text: &str) -> Outside {
        Outside::new(&redact::words(text, &self.secrets())).short(200)
    }

    fn run(&self, answer: &Value, id: &str, url: Option<&str>) -> Run {
        let url = url.and_then(|pointer| answer.pointer(pointer)).and_then(Value::as_str).and_then(text::web);
        Run { id: id.to_owned(), url }
    }
}

/// A text, a number or a truth value as a word.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An id of a run: a word that is not empty.
fn id(value: Option<&Value>) -> Option<String> {
    value.and_then(word).filter(|id| !id.is_empty() && id.len() <= LONGEST_ID)
}

fn number(answer: &Value, pointer: Option<&String>) -> u32 {
    let value = pointer.and_then(|pointer| answer.pointer(pointer)).and_then(Value::as_u64);
    value.map_or(0, |value| u32::try_from(value).unwrap_or(u32::MAX))
}

#[async_trait]
impl Pipeline for Generic {
    fn capabilities(&self) -> Capabilities {
        let idempotency = match (self.target.repeat, &self.find) {
            (true, _) => Idempotency::Repeat,
            (false, Some(_)) => Idempotency::Find,
            (false, None) => Idempotency::Ask,
        };
        Capabilities {
            cancels: self.cancel.is_some(),
            approves: self.approve.is_some(),
            rollback: Rollback::Redeploy,
            logs: self.log.is_some(),
            idempotency,
            rollback_idempotency: idempotency,
            ..Capabilities::named("HTTP")
        }
    }

    /// The reference is taken as the id of what is deployed.
    async fn resolve(&self, reference: Option<&str>) -> Called<Resolved> {
        let reference = reference.or(self.target.default_reference.as_deref());
        let reference = reference.ok_or_else(|| cannot("say what is to be deployed: nothing is by default"))?;
        Ok(Resolved { commit: Commit::bare(reference), kind: RefKind::Unknown })
    }

    async fn changes(&self, _from: &str, _to: &str) -> Called<Changes> {
        Err(cannot("the pipeline does not tell what lies between two commits"))
    }

    async fn start(&self, order: &Order) -> Called<Run> {
        let call = self.start.call(&self.api, &self.headers, About::Order(order))?;
        let reply = if self.target.repeat { call.harmless() } else { call }.send().await?;
        let Some(pointer) = &self.target.run_id else {
            // The answer is needed for the address alone.
            let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
            return Ok(self.run(&answer, &order.id, self.target.run_url.as_deref()));
        };
        let answer: Value = reply.json()?;
        match id(answer.pointer(pointer)) {
            Some(id) => Ok(self.run(&answer, &id, self.target.run_url.as_deref())),
            None => {
                let why = format!("the pipeline's answer to the start has no run's id at `{pointer}`");
                Err(if self.target.repeat { Failure::transient(why) } else { Failure::Unknown { why } })
            }
        }
    }

    async fn find(&self, order: &Order) -> Called<Option<Run>> {
        let (Some(find), Some(template)) = (&self.target.find, &self.find) else {
            return Err(cannot("the pipeline has no way to find a run by its order"));
        };
        let mut reply = self.ask(template, About::Order(order)).await?;
        for _ in 0..PAGES {
            let answer: Value = reply.json()?;
            let list = answer.pointer(&find.list).and_then(Value::as_array);
            let list = list.ok_or_else(|| {
                Failure::refused(Refused::Malformed, format!("the pipeline's answer has no list at `{}`", find.list))
            })?;
            for one in list {
                if one.pointer(&find.order).and_then(Value::as_str) == Some(&order.id)
                    && let Some(id) = id(one.pointer(&find.id))
                {
                    return Ok(Some(self.run(one, &id, find.url.as_deref())));
                }
            }
            let Some(next) = reply.next_page() else { return Ok(None) };
            reply = with_headers(self.api.told(Method::GET, &next), &self.headers)?.send().await?;
        }
        Ok(None)
    }

    async fn look(&self, run: &Run) -> Called<Progress> {
        let status = &self.target.status;
        let answer: Value = self.ask(&self.status, About::Run(&run.id)).await?.json()?;
        let said = answer.pointer(&status.state).and_then(word).ok_or_else(|| {
            let why = format!("the pipeline's answer has no state at `{}`", status.state);
            Failure::refused(Refused::Malformed, why)
        })?;
        let known = self.words.iter().find(|(word, _)| *word == said).map(|(_, state)| *state);
        let step = status.step.as_ref().and_then(|pointer| answer.pointer(pointer)).and_then(word);
        let step = if known.is_none() { Some(said) } else { step };
        let step = step.map(|step| self.words(&step)).filter(|step| !step.is_empty());
        let state = known.unwrap_or(RunState::Running);
        let gates = if state == RunState::Waiting && self.approve.is_some() {
            let name = step.clone().unwrap_or_else(|| Outside::new("approval"));
            vec![Gate { id: GATE.to_owned(), name }]
        } else {
            Vec::new()
        };
        let (done, total) = (number(&answer, status.done.as_ref()), number(&answer, status.total.as_ref()));
        Ok(Progress { state, step, done, total, gates, run: None })
    }

    async fn cancel(&self, run: &Run) -> Called<()> {
        let template = self.cancel.as_ref().ok_or_else(|| cannot("the pipeline has no way to stop a run"))?;
        template.call(&self.api, &self.headers, About::Run(&run.id))?.send().await?;
        Ok(())
    }

    async fn decide(&self, run: &Run, _gate: &Gate, approve: bool, comment: &str) -> Called<()> {
        let template = self.approve.as_ref().ok_or_else(|| cannot("the pipeline waits for nobody's approval"))?;
        if !approve && !template.says(&Placeholder::Approve) {
            return Err(cannot("the pipeline takes nothing but a yes: to say no, stop the run"));
        }
        let about = About::Answer { run: &run.id, approve, comment };
        template.call(&self.api, &self.headers, about)?.send().await?;
        Ok(())
    }

    async fn log(&self, run: &Run) -> Called<Log> {
        let (Some(log), Some(template)) = (&self.target.log, &self.log) else {
            return Err(cannot("the pipeline has no logs"));
        };
        let reply = self.ask(template, About::Run(&run.id)).await?;
        let text = match &log.text {
            None => String::from_utf8_lossy(&reply.body).into_owned(),
            Some(pointer) => {
                let answer: Value = reply.json()?;
                let text = answer.pointer(pointer).and_then(Value::as_str);
                text.ok_or_else(|| cannot(&format!("the pipeline's answer has no log at `{pointer}`")))?.to_owned()
            }
        };
        Ok(Log { step: None, tail: tail(&text, &self.secrets()) })
    }
}
