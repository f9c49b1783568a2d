//! One client for the APIs of pipelines and whatever else Muster speaks to over HTTP.
//!
//! An adapter says method, path, query and body, and whether doing it twice does harm; [`Api`] owns the
//! rest: the address and the credentials, time-outs, what a status means, `Retry-After`, paging, redaction,
//! spans. What holds: a path is made of segments, and nothing in a segment can lead elsewhere; credentials go
//! to the configured address alone; no redirect is followed; what may have been done is never said to have
//! failed; no error holds a secret.

mod failure;
mod reply;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde::Serialize;

use self::failure::perhaps;
pub use self::failure::{Called, Failure, Refused};
pub use self::reply::Reply;
use self::reply::is_trouble;
use super::{Answered, Broken, exchange};
use crate::base64;
use crate::clock::{SharedClock, sleep};
use crate::secret::Secret;

/// Everything but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A call that does no harm twice is tried so often.
const TRIES: u32 = 3;

/// A wait that is asked for is sat out here up to this long; a longer one is the caller's.
const SAT_OUT: Duration = Duration::from_secs(2);

/// The wait for a limit to be lifted where none is named, unless the API says another ([`Api::with_usual_wait`]).
const USUAL_WAIT: Duration = Duration::from_secs(1);

/// How calls show who makes them.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Not at all.
    None,
    /// `Authorization: Bearer …`.
    Bearer(Secret),
    /// `Authorization: Basic …` with a user's name and a password or token.
    Basic(String, Secret),
    /// A header of the service's own.
    Header(HeaderName, Secret),
}

/// A signature that is put on a call as the last thing before it is sent, for services that want one.
pub trait Sign: Send + Sync {
    /// The headers to add. Asked anew for each try, since a signature holds the time.
    ///
    /// # Errors
    /// It can't be signed; the words are for people. Nothing is sent then.
    fn headers(&self, call: &Unsigned<'_>) -> Result<HeaderMap, String>;

    /// Whether the service says by its own words, whatever the status, that the call came too often and was not done.
    fn is_limit(&self, reply: &Reply) -> bool;
}

/// What a signature covers.
pub struct Unsigned<'a> {
    /// The method.
    pub method: &'a Method,
    /// The whole address.
    pub url: &'a Url,
    /// The headers that the call was given, and the content's type.
    pub headers: &'a HeaderMap,
    /// The body; empty where there is none.
    pub body: &'a [u8],
    /// What time it is.
    pub now: Timestamp,
}

/// A service's API at its address.
#[derive(Clone)]
pub struct Api {
    service: &'static str,
    base: Url,
    auth: Auth,
    headers: HeaderMap,
    http: reqwest::Client,
    clock: SharedClock,
    usual_wait: Duration,
}

impl Api {
    /// The API of `service` (a name for errors, such as "GitHub") at `base`.
    ///
    /// # Errors
    /// The address is not an address of the web, or holds credentials, a query or a fragment. The words are for the
    /// operator.
    pub fn new(
        service: &'static str,
        base: &str,
        auth: Auth,
        http: reqwest::Client,
        clock: SharedClock,
    ) -> Result<Api, String> {
        let mut url = Url::parse(base).map_err(|error| format!("the address of {service} is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(format!("the address of {service} must begin with https:// or http://"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(format!("the address of {service} must hold no name, password, `?` or `#`"));
        }
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Api { service, base: url, auth, headers: HeaderMap::new(), http, clock, usual_wait: USUAL_WAIT })
    }

    /// The same with a header that every call carries.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Api {
        self.headers.insert(name, value);
        self
    }

    /// The same, with what is waited where a limit names no time: a second where nothing is said.
    #[must_use]
    pub fn with_usual_wait(mut self, wait: Duration) -> Api {
        self.usual_wait = wait;
        self
    }

    /// The address that every call begins with.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// The clock that calls are timed by.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// What the service is called.
    #[must_use]
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// A call that reads.
    pub fn get(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// A call that does something, so that it is sent once at most unless [`Call::harmless`] is said.
    pub fn post(&self, path: &[&str]) -> Call<'_> {
        self.call(Method::POST, path)
    }

    /// A call. All but `GET` and `HEAD` are taken to do harm when they are done twice.
    pub fn call(&self, method: Method, path: &[&str]) -> Call<'_> {
        let mut url = self.base.clone();
        let is_plain = |segment: &&str| !matches!(*segment, "" | "." | "..");
        let refused = if path.iter().all(is_plain) { None } else { Some("a part of the path is empty or dots") };
        let mut whole = url.path().trim_end_matches('/').to_owned();
        for segment in path {
            whole.push('/');
            whole.extend(utf8_percent_encode(segment, SEGMENT));
        }
        url.set_path(&whole);
        self.call_at(method, url, refused)
    }

    /// A call to an address that the service itself told, such as the next page or a queue's item. Only one below the
    /// configured scheme, host and port is called; to all others nothing is sent.
    pub fn told(&self, method: Method, address: &str) -> Call<'_> {
        match self.base.join(address).ok().filter(|url| self.is_own(url)) {
            Some(url) => self.call_at(method, url, None),
            None => self.call_at(method, self.base.clone(), Some("it named an address that is not its own")),
        }
    }

    /// Whether an address has the same scheme, host and port as the configured one and no credentials of its own.
    #[must_use]
    pub fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin() && url.username().is_empty() && url.password().is_none()
    }

    fn call_at(&self, method: Method, url: Url, refused: Option<&'static str>) -> Call<'_> {
        let does = if matches!(method, Method::GET | Method::HEAD) { Does::Ask } else { Does::Act };
        let body = Sent::Nothing;
        let headers = HeaderMap::new();
        Call { api: self, method, url, headers, body, does, refused, secrets: Vec::new(), sign: None }
    }

    /// What no error may repeat: the token, and for [`Auth::Basic`] also the form in which it travels.
    fn secrets(&self) -> Vec<Secret> {
        match &self.auth {
            Auth::None => Vec::new(),
            Auth::Bearer(secret) | Auth::Header(_, secret) => vec![secret.clone()],
            Auth::Basic(user, secret) => {
                // An answer may repeat it with its padding or without.
                let travels = base64::encode(format!("{user}:{}", secret.expose()).as_bytes());
                vec![secret.clone(), Secret::new(travels.trim_end_matches('='))]
            }
        }
    }
}

#[derive(Clone)]
enum Sent {
    Nothing,
    Bytes(&'static str, Bytes),
}

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// It asks.
    Ask,
    /// It does something that is the same when it is done twice.
    Set,
    /// It does something each time.
    Act,
}

/// One call that is about to be made.
#[must_use]
pub struct Call<'a> {
    api: &'a Api,
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Sent,
    does: Does,
    refused: Option<&'static str>,
    secrets: Vec<Secret>,
    sign: Option<Arc<dyn Sign>>,
}

impl Call<'_> {
    /// Adds to the query; values are encoded.
    pub fn query(mut self, pairs: &[(&str, &str)]) -> Self {
        if !pairs.is_empty() {
            self.url.query_pairs_mut().extend_pairs(pairs);
        }
        self
    }

    /// Sends JSON.
    pub fn json(mut self, value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.body = Sent::Bytes("application/json", bytes.into()),
            Err(_) => self.refused = Some("the request can't be written as JSON"),
        }
        self
    }

    /// Sends a form.
    pub fn form(mut self, pairs: &[(&str, &str)]) -> Self {
        let written = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.body = Sent::Bytes("application/x-www-form-urlencoded", written.into());
        self
    }

    /// Sends bytes as they are.
    pub fn bytes(mut self, content_type: &'static str, bytes: Bytes) -> Self {
        self.body = Sent::Bytes(content_type, bytes);
        self
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// This is a secret too that no error may repeat (one in the body, a session's).
    pub fn secret(mut self, secret: Secret) -> Self {
        self.secrets.push(secret);
        self
    }

    /// Doing it twice is the same as doing it once: the service sees to it, or what is asked for is a state.
    pub fn harmless(mut self) -> Self {
        if self.does == Does::Act {
            self.does = Does::Set;
        }
        self
    }

    /// Says what it does, whatever its method says.
    pub(crate) fn does(mut self, does: Does) -> Self {
        self.does = does;
        self
    }

    /// Has each try signed just before it is sent.
    pub fn signed(mut self, sign: Arc<dyn Sign>) -> Self {
        self.sign = Some(sign);
        self
    }

    /// Where it goes, for signing.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Makes the call. One that does no harm twice is tried up to three times where it may go away by itself.
    ///
    /// # Errors
    /// Every status but 2xx; see [`Failure`].
    pub async fn send(self) -> Called<Reply> {
        let reply = self.exchange().await?;
        if (200..300).contains(&reply.status) { Ok(reply) } else { Err(reply.failure()) }
    }

    /// Makes the call and lets the caller look at any status that is neither a limit nor a trouble (2xx, 3xx and
    /// 4xx but 408 and 429).
    ///
    /// # Errors
    /// No whole answer came, a limit, or a status from 500 up.
    pub async fn exchange(self) -> Called<Reply> {
        let tries = if self.is_harmless() { TRIES } else { 1 };
        let mut tried = 1;
        loop {
            let failure = match self.once().await {
                Ok(reply) if self.sign.as_ref().is_some_and(|sign| sign.is_limit(&reply)) => reply.limited(),
                Ok(reply) if !is_trouble(&reply) => return Ok(reply),
                Ok(reply) => reply.failure(),
                Err(failure) => failure,
            };
            let wait = match &failure {
                Failure::Transient { retry_after, .. } => retry_after.unwrap_or(Duration::from_millis(200 << tried)),
                Failure::Permanent { .. } | Failure::Unknown { .. } => return Err(failure),
            };
            if tried == tries || wait > SAT_OUT {
                return Err(failure);
            }
            tried += 1;
            sleep(self.api.clock.as_ref(), wait).await;
        }
    }

    fn is_harmless(&self) -> bool {
        self.does != Does::Act
    }

    async fn once(&self) -> Called<Reply> {
        let service = self.api.service;
        if let Some(why) = self.refused {
            return Err(Failure::refused(Refused::NotAllowed, format!("{service} was not called: {why}")));
        }
        let mut request =
            self.api.http.request(self.method.clone(), self.url.clone()).headers(self.api.headers.clone());
        request = match &self.api.auth {
            Auth::None => request,
            Auth::Bearer(token) => match HeaderValue::from_str(&format!("Bearer {}", token.expose())) {
                Ok(value) => request.header(AUTHORIZATION, sensitive(value)),
                Err(_) => return Err(unusable(service)),
            },
            Auth::Basic(user, password) => request.basic_auth(user, Some(password.expose())),
            Auth::Header(name, token) => match HeaderValue::from_str(token.expose()) {
                Ok(value) => request.header(name, sensitive(value)),
                Err(_) => return Err(unusable(service)),
            },
        };
        request = request.headers(self.headers.clone());
        request = match &self.body {
            Sent::Nothing if self.method == Method::GET => request,
            Sent::Nothing => request.header(reqwest::header::CONTENT_LENGTH, "0"),
            Sent::Bytes(kind, bytes) if !self.headers.contains_key(reqwest::header::CONTENT_TYPE) => {
                request.header(reqwest::header::CONTENT_TYPE, *kind).body(bytes.clone())
            }
            Sent::Bytes(_, bytes) => request.body(bytes.clone()),
        };
        let began = self.api.clock.now();
        if let Some(sign) = &self.sign {
            let (mut headers, mut body) = (self.headers.clone(), &Bytes::new());
            if let Sent::Bytes(kind, bytes) = &self.body {
                body = bytes;
                headers.entry(reqwest::header::CONTENT_TYPE).or_insert(HeaderValue::from_static(kind));
            }
            let call = Unsigned { method: &self.method, url: &self.url, headers: &headers, body, now: began };
            let added = sign.headers(&call).map_err(|why| {
                Failure::refused(Refused::Token, format!("{service} was not called: it can't be signed: {why}"))
            })?;
            request = request.headers(added);
        }
        let outcome = exchange(self.api.clock.as_ref(), request).await;
        let millis = self.api.clock.now().duration_since(began).as_millis();
        let status = outcome.as_ref().map_or(0, |answered| answered.status);
        tracing::debug!(service, method = %self.method, status, millis, "called");
        match outcome {
            Ok(Answered { status, headers, body }) => {
                let secrets = self.api.secrets().into_iter().chain(self.secrets.iter().cloned()).collect();
                let now = self.api.clock.now();
                let (harmless, usual_wait) = (self.is_harmless(), self.api.usual_wait);
                Ok(Reply { service, status, headers, body, harmless, secrets, now, usual_wait })
            }
            Err(Broken::NotSent(why)) => Err(Failure::transient(format!("{service}: {why}"))),
            Err(Broken::Lost(why)) => Err(perhaps(service, self.is_harmless(), &why)),
            // It would be as long the next time. What was to be done may have been.
            Err(Broken::TooLong(why)) => {
                let why = format!("{service}: {why}");
                let is_asked = self.does == Does::Ask;
                Err(if is_asked { Failure::refused(Refused::TooLong, why) } else { Failure::Unknown { why } })
            }
        }
    }
}

fn sensitive(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

fn unusable(service: &str) -> Failure {
    Failure::refused(Refused::Token, format!("{service}: the token holds characters that no header can carry"))
}

#[cfg(test)]
mod tests;
