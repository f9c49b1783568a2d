//! Requests as an operator writes them, and what is put into them.
//!
//! A placeholder such as `{commit}` stands for a whole value and never for a part of one: a whole text of a JSON body,
//! a whole segment of a path, a whole value of a query. What holds: what is put in stays one value, whatever it is; a
//! request goes to the connection's origin and nowhere else; what is written wrongly is said when it is read.

use operations::pipeline::Order;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use super::Request;
use crate::http::api::{Api, Call, Called, Failure, Refused};
use crate::secret::Secret;

/// Everything but RFC 3986's unreserved characters.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a placeholder stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Placeholder {
    Id,
    Service,
    Environment,
    Commit,
    Reference,
    By,
    Reason,
    Rollback,
    Parameter(String),
    Run,
    Approve,
    Comment,
}

/// What a request is about.
#[derive(Clone, Copy)]
pub(super) enum About<'a> {
    Order(&'a Order),
    Run(&'a str),
    Answer { run: &'a str, approve: bool, comment: &'a str },
}

impl Placeholder {
    fn read(name: &str) -> Option<Placeholder> {
        Some(match name {
            "id" => Placeholder::Id,
            "service" => Placeholder::Service,
            "environment" => Placeholder::Environment,
            "commit" => Placeholder::Commit,
            "reference" => Placeholder::Reference,
            "by" => Placeholder::By,
            "reason" => Placeholder::Reason,
            "rollback" => Placeholder::Rollback,
            "run" => Placeholder::Run,
            "approve" => Placeholder::Approve,
            "comment" => Placeholder::Comment,
            _ => Placeholder::Parameter(name.strip_prefix("parameters.").filter(|name| !name.is_empty())?.to_owned()),
        })
    }

    /// Whether a request of this kind has it.
    fn fits(&self, kind: Kind) -> bool {
        match self {
            Placeholder::Run => kind != Kind::Order,
            Placeholder::Approve | Placeholder::Comment => kind == Kind::Answer,
            _ => kind == Kind::Order,
        }
    }

    fn value(&self, about: About<'_>) -> Value {
        let text = |text: &str| Value::String(text.to_owned());
        match (self, about) {
            (Placeholder::Id, About::Order(order)) => text(&order.id),
            (Placeholder::Service, About::Order(order)) => text(&order.service),
            (Placeholder::Environment, About::Order(order)) => text(&order.environment),
            (Placeholder::Commit, About::Order(order)) => text(&order.commit),
            (Placeholder::Reference, About::Order(order)) => text(&order.reference),
            (Placeholder::By, About::Order(order)) => text(order.by.as_str()),
            (Placeholder::Reason, About::Order(order)) => text(order.reason.as_str()),
            (Placeholder::Rollback, About::Order(order)) => Value::Bool(order.is_rollback),
            (Placeholder::Parameter(name), About::Order(order)) => {
                order.parameters.get(name).map_or(Value::Null, |value| text(value))
            }
            (Placeholder::Run, About::Run(run) | About::Answer { run, .. }) => text(run),
            (Placeholder::Approve, About::Answer { approve, .. }) => Value::Bool(approve),
            (Placeholder::Comment, About::Answer { comment, .. }) => text(comment),
            // Which placeholder stands in which request was checked when it was read.
            _ => Value::Null,
        }
    }
}

/// Which placeholders a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Those of an order.
    Order,
    /// The run.
    Run,
    /// The run, and the answer to what waits.
    Answer,
}

impl Kind {
    fn known(self) -> &'static str {
        match self {
            Kind::Order => {
                "{id}, {service}, {environment}, {commit}, {reference}, {by}, {reason}, {rollback}, {parameters.NAME}"
            }
            Kind::Run => "{run}",
            Kind::Answer => "{run}, {approve}, {comment}",
        }
    }
}

#[derive(Clone, Debug)]
enum Piece {
    Written(String),
    Placed(Placeholder),
}

/// A request that was checked.
#[derive(Clone)]
pub(super) struct Template {
    field: &'static str,
    method: Method,
    path: Vec<Piece>,
    query: Vec<(String, Piece)>,
    headers: Vec<(HeaderName, Secret)>,
    body: Option<Value>,
}

impl Template {
    /// Reads what stands under `field`. Words for the operator where it is wrong.
    pub(super) fn new(
        field: &'static str,
        request: &Request,
        kind: Kind,
        methods: &[&str],
        api: &Api,
    ) -> Result<Template, String> {
        let method = request.method.to_ascii_uppercase();
        if !methods.contains(&method.as_str()) {
            return Err(format!("`{field}.method` must be one of {}", methods.join(", ")));
        }
        let method = method.parse().map_err(|_| format!("`{field}.method` is no method"))?;
        let (path, query) = address(field, &request.url, kind, api)?;
        let headers = headers(field, &request.headers)?;
        if let Some(body) = &request.body {
            check(&format!("{field}.body"), body, kind)?;
        }
        Ok(Template { field, method, path, query, headers, body: request.body.clone() })
    }

    /// Whether it says this anywhere.
    pub(super) fn says(&self, placeholder: &Placeholder) -> bool {
        let is = |piece: &Piece| matches!(piece, Piece::Placed(placed) if placed == placeholder);
        self.path.iter().any(is)
            || self.query.iter().any(|(_, piece)| is(piece))
            || self.body.as_ref().is_some_and(|body| says(body, placeholder))
    }

    /// The call. `always` are the connection's own headers.
    pub(super) fn call<'a>(&self, api: &'a Api, always: &[(HeaderName, Secret)], about: About<'_>) -> Called<Call<'a>> {
        let refuse = |what: &str| {
            let why = format!("nothing was sent: what stands in the path of `{}` is {what}", self.field);
            Err(Failure::refused(Refused::NotAllowed, why))
        };
        let mut address = api.base().origin().ascii_serialization();
        for piece in &self.path {
            address.push('/');
            match piece {
                Piece::Written(written) => address.push_str(written),
                Piece::Placed(placeholder) => match as_text(&placeholder.value(about)).as_str() {
                    "" => return refuse("empty"),
                    "." | ".." => return refuse("dots alone"),
                    value => address.extend(utf8_percent_encode(value, VALUE)),
                },
            }
        }
        let mut call = api.told(self.method.clone(), &address);
        for (name, piece) in &self.query {
            let value = match piece {
                Piece::Written(written) => written.clone(),
                Piece::Placed(placeholder) => as_text(&placeholder.value(about)),
            };
            call = call.query(&[(name, &value)]);
        }
        let call = with_headers(with_headers(call, always)?, &self.headers)?;
        Ok(match &self.body {
            Some(body) => call.json(&filled(body, about)),
            None => call,
        })
    }
}

/// The call with headers that no error may repeat.
pub(super) fn with_headers<'a>(mut call: Call<'a>, headers: &[(HeaderName, Secret)]) -> Called<Call<'a>> {
    for (name, secret) in headers {
        let Ok(mut value) = HeaderValue::from_str(secret.expose()) else {
            return Err(Failure::refused(Refused::Token, format!("the header `{name}` can't be sent")));
        };
        value.set_sensitive(true);
        call = call.header(name.clone(), value).secret(secret.clone());
        // Of `Bearer …`, an answer may repeat the second word alone.
        if let Some((_, word)) = secret.expose().split_once(' ') {
            call = call.secret(Secret::new(word));
        }
    }
    Ok(call)
}

/// A value as it stands in an address; nothing where there is none.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// What a text is that is one placeholder as a whole.
fn whole(text: &str) -> Option<&str> {
    let name = text.strip_prefix('{')?.strip_suffix('}')?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (!name.is_empty() && name.bytes().all(plain)).then_some(name)
}

/// A whole placeholder, or text without any.
fn piece(field: &str, text: &str, kind: Kind) -> Result<Piece, String> {
    if let Some(name) = whole(text) {
        return match Placeholder::read(name).filter(|placeholder| placeholder.fits(kind)) {
            Some(placeholder) => Ok(Piece::Placed(placeholder)),
            None => Err(format!("`{field}` has `{{{name}}}`, which is not known there; known are {}", kind.known())),
        };
    }
    if text.contains(['{', '}']) {
        return Err(format!("`{field}` has `{text}`: a placeholder must be a whole part of the path or a whole value"));
    }
    Ok(Piece::Written(text.to_owned()))
}

type Address = (Vec<Piece>, Vec<(String, Piece)>);

/// Takes an address apart and makes sure that it is the connection's.
fn address(field: &str, written: &str, kind: Kind, api: &Api) -> Result<Address, String> {
    let field = format!("{field}.url");
    let origin = api.base().origin().ascii_serialization();
    let rest = if written.starts_with('/') && !written.starts_with("//") {
        written
    } else {
        let after = written.find("://").map(|at| at + 3).and_then(|from| written[from..].find('/').map(|at| from + at));
        let end = after.unwrap_or(written.len());
        let same = Url::parse(&written[..end]).is_ok_and(|url| api.is_own(&url) && url.path() == "/");
        if !same {
            return Err(format!("`{field}` must begin with `/` or with `{origin}/`: credentials go nowhere else"));
        }
        if end == written.len() { "/" } else { &written[end..] }
    };
    if rest.contains(['#', '\\']) || rest.chars().any(|letter| letter.is_control() || letter == ' ') {
        return Err(format!("`{field}` must hold no `#`, no `\\` and no blanks"));
    }
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path: Vec<Piece> = path[1..].split('/').map(|part| piece(&field, part, kind)).collect::<Result<_, _>>()?;
    let mut pairs = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if name.contains(['{', '}']) {
            return Err(format!("`{field}` has a placeholder as a name in the query: only values may be one"));
        }
        pairs.push((name.into_owned(), piece(&field, &value, kind)?));
    }
    // The address as it would be sent must be the address as it is written: nothing of it leads upwards.
    let text = |piece: &Piece| match piece {
        Piece::Written(written) => written.clone(),
        Piece::Placed(_) => "x".to_owned(),
    };
    let tried = format!("/{}", path.iter().map(text).collect::<Vec<_>>().join("/"));
    match Url::parse(&format!("{origin}{tried}")) {
        Ok(url) if url.path() == tried && api.is_own(&url) => Ok((path, pairs)),
        _ => Err(format!("`{field}` must be written as it is sent: no `.` or `..`, other characters as `%XX`")),
    }
}

/// Names of headers that HTTP itself needs.
const TAKEN: [&str; 5] = ["host", "content-length", "content-type", "transfer-encoding", "connection"];

/// Headers that were checked.
pub(super) fn headers(field: &str, written: &[(String, Secret)]) -> Result<Vec<(HeaderName, Secret)>, String> {
    let mut headers = Vec::new();
    for (name, value) in written {
        let checked: HeaderName =
            name.parse().map_err(|_| format!("`{field}.headers` has a name that is none of a header"))?;
        if TAKEN.contains(&checked.as_str()) {
            return Err(format!("`{field}.headers` must not hold `{checked}`"));
        }
        if HeaderValue::from_str(value.expose()).is_err() {
            return Err(format!("`{field}.headers`: the value of `{checked}` holds characters that no header carries"));
        }
        headers.push((checked, value.clone()));
    }
    Ok(headers)
}

/// Looks for placeholders that are not known, or not whole.
fn check(field: &str, body: &Value, kind: Kind) -> Result<(), String> {
    match body {
        Value::String(text) => {
            if whole(text).is_some() {
                return piece(field, text, kind).map(|_| ());
            }
            // Braces are text like any other, unless they look like something that was meant to be replaced.
            let inside = text.split('{').skip(1).filter_map(|after| after.split_once('}')).map(|(name, _)| name);
            match inside.into_iter().find(|name| Placeholder::read(name).is_some()) {
                Some(name) => {
                    Err(format!("`{field}` has `{{{name}}}` inside of a text: only a whole text may be a placeholder"))
                }
                None => Ok(()),
            }
        }
        Value::Array(values) => values.iter().try_for_each(|value| check(field, value, kind)),
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| {
            if whole(name).is_some_and(|name| Placeholder::read(name).is_some()) {
                return Err(format!("`{field}` has the placeholder `{name}` as a name: only values may be one"));
            }
            check(&format!("{field}.{name}"), value, kind)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn says(body: &Value, placeholder: &Placeholder) -> bool {
    match body {
        Value::String(text) => whole(text).and_then(Placeholder::read).as_ref() == Some(placeholder),
        Value::Array(values) => values.iter().any(|value| says(value, placeholder)),
        Value::Object(fields) => fields.values().any(|value| says(value, placeholder)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn filled(body: &Value, about: About<'_>) -> Value {
    match body {
        Value::String(text) => match whole(text).and_then(Placeholder::read) {
            Some(placeholder) => placeholder.value(about),
            None => body.clone(),
        },
        Value::Array(values) => values.iter().map(|value| filled(value, about)).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), filled(value, about))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => body.clone(),
    }
}
