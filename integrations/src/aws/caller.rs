//! Calls an operation of one of AWS's JSON services.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::{HeaderName, HeaderValue};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::sign::Signature;
use super::{Connection, check_region, endpoint, words};
use crate::clock::SharedClock;
use crate::http::api::{Api, Auth, Called, Does, Failure, Reply};

/// The names of a service. A service model of AWS's (botocore, `service-2.json`) has them as its metadata.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// What it is called in errors: `CodePipeline`.
    pub name: &'static str,
    /// What its address begins with and its signature is made for: `codepipeline`.
    pub prefix: &'static str,
    /// What its operations' names begin with: `CodePipeline_20150709`.
    pub target: &'static str,
}

/// Calls one service in one region.
#[derive(Clone)]
pub struct Caller {
    service: Service,
    api: Api,
    connection: Connection,
}

/// What became of a call that was not done, with the service's own word for it.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// The service's word, such as `ConflictException`; empty where it said none.
    pub code: String,
    /// What it means in general.
    pub failure: Failure,
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Failure {
        trouble.failure
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble { code: String::new(), failure }
    }
}

impl Caller {
    /// A caller of `service`.
    ///
    /// # Errors
    /// The region or the address can't be used. The words are for the operator.
    pub fn new(
        service: Service,
        connection: Connection,
        http: reqwest::Client,
        clock: SharedClock,
    ) -> Result<Caller, String> {
        check_region(&connection.region)?;
        let address = match &connection.api_url {
            Some(address) => address.clone(),
            None => endpoint(service.prefix, &connection.region),
        };
        let api = Api::new(service.name, &address, Auth::None, http, clock)?;
        if api.base().path() != "/" {
            return Err(format!("the address of {} must end with its host, without a path", service.name));
        }
        Ok(Caller { service, api, connection })
    }

    /// The region that is called.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.connection.region
    }

    /// The clock that calls are timed by.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        self.api.clock()
    }

    /// An operation that reads.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn read<T: DeserializeOwned>(&self, operation: &str, body: &Value) -> Result<T, Trouble> {
        Ok(self.call(operation, body, Does::Ask).await?.json()?)
    }

    /// An operation that does something, of which the service sees to it that the same again is done once.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn repeat<T: DeserializeOwned>(&self, operation: &str, body: &Value) -> Result<T, Trouble> {
        Ok(self.call(operation, body, Does::Set).await?.json()?)
    }

    /// An operation that does something: sent once.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn act<T: DeserializeOwned>(&self, operation: &str, body: &Value) -> Result<T, Trouble> {
        Ok(self.call(operation, body, Does::Act).await?.json()?)
    }

    /// An operation that does something and answers with nothing: sent once.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn act_unanswered(&self, operation: &str, body: &Value) -> Result<(), Trouble> {
        self.call(operation, body, Does::Act).await.map(drop)
    }

    /// An operation that sets something, so that twice is the same as once, and whose answer says nothing.
    ///
    /// # Errors
    /// See [`Trouble`].
    pub async fn set(&self, operation: &str, body: &Value) -> Result<(), Trouble> {
        self.call(operation, body, Does::Set).await.map(drop)
    }

    async fn call(&self, operation: &str, body: &Value, does: Does) -> Result<Reply, Trouble> {
        let mut renewed = false;
        loop {
            let credentials = self.connection.credentials.get().await?;
            let reply = self.send(operation, body, does, &credentials).await?;
            if (200..300).contains(&reply.status) {
                return Ok(reply);
            }
            let Some(code) = words::code(&reply) else { return Err(reply.failure().into()) };
            // A refusal was not done, so it can be sent again, whatever it does.
            if words::is_expired(&code) && !renewed && self.connection.credentials.forget(&credentials).await {
                renewed = true;
                continue;
            }
            let failure = words::meaning(self.service.name, &code, &reply, does != Does::Act);
            return Err(Trouble { code, failure });
        }
    }

    async fn send(&self, operation: &str, body: &Value, does: Does, credentials: &super::Credentials) -> Called<Reply> {
        let target = format!("{}.{operation}", self.service.target);
        let target = HeaderValue::from_str(&target)
            .map_err(|_| Failure::refused(crate::http::api::Refused::Malformed, "there is no such operation"))?;
        let signature = Signature {
            credentials: credentials.clone(),
            region: self.connection.region.clone(),
            service: self.service.prefix,
        };
        // The words about a wrong signature repeat what should have been signed, the session's token with it.
        let mut call = self
            .api
            .post(&[])
            .bytes("application/x-amz-json-1.1", Bytes::from(body.to_string()))
            .header(HeaderName::from_static("x-amz-target"), target)
            .secret(credentials.secret_access_key.clone())
            .signed(Arc::new(signature));
        if let Some(token) = &credentials.session_token {
            call = call.secret(token.clone());
        }
        call.does(does).exchange().await
    }
}
