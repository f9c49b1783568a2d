//! The cluster's API, and what shows that calls are allowed.
//!
//! What holds: files are read anew for each call, because a Pod's token and the cluster's CA are renewed beneath it
//! (kubernetes.io, "Managing Service Accounts", "bound service account tokens"); a client that trusts a CA is built
//! only when the CA has changed.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::clock::SharedClock;
use crate::http::api::{Api, Auth, Called, Failure};
use crate::http::http_client_trusting;
use crate::secret::Secret;

/// Where a Pod finds what it may show itself with (kubernetes.io, "Accessing the Kubernetes API from a Pod").
const MOUNTED: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A cluster.
#[derive(Clone, Debug)]
pub struct Connection {
    /// The address of its API: `https://kubernetes.default.svc` from within.
    pub url: String,
    /// The token of a service account.
    pub token: Token,
    /// A file with the certificates of the cluster's CA, as PEM: they alone are trusted then. None where the API's
    /// certificate is one that machines trust anyway.
    pub ca_file: Option<PathBuf>,
}

/// Where the token is.
#[derive(Clone, Debug)]
pub enum Token {
    /// In a file, which is read anew each time.
    File(PathBuf),
    /// Here.
    Given(Secret),
}

impl Connection {
    /// The cluster that Muster itself runs in.
    #[must_use]
    pub fn in_cluster() -> Connection {
        let mounted = PathBuf::from(MOUNTED);
        Connection {
            url: "https://kubernetes.default.svc".to_owned(),
            token: Token::File(mounted.join("token")),
            ca_file: Some(mounted.join("ca.crt")),
        }
    }
}

pub(super) struct Access {
    connection: Connection,
    http: reqwest::Client,
    clock: SharedClock,
    /// The CA's file as it was last read, and the client that trusts it.
    trusting: Mutex<Option<(Vec<u8>, reqwest::Client)>>,
}

impl Access {
    pub(super) fn new(connection: Connection, http: reqwest::Client, clock: SharedClock) -> Result<Access, String> {
        if let Token::Given(token) = &connection.token
            && token.expose().is_empty()
        {
            return Err("`token` of Kubernetes is empty: write a service account's token, or its file".to_owned());
        }
        // Only to see that the address is one.
        Api::new("Kubernetes", &connection.url, Auth::None, http.clone(), clock.clone())?;
        if connection.ca_file.is_some() && !connection.url.starts_with("https://") {
            return Err("`ca_file` of Kubernetes needs an address with https://".to_owned());
        }
        Ok(Access { connection, http, clock, trusting: Mutex::new(None) })
    }

    /// The token, where it is known without a file: for logs, in which it must not stand.
    pub(super) fn secrets(&self) -> Vec<&str> {
        match &self.connection.token {
            Token::Given(token) => vec![token.expose()],
            Token::File(_) => Vec::new(),
        }
    }

    pub(super) async fn api(&self) -> Called<Api> {
        let token = match &self.connection.token {
            Token::Given(token) => token.clone(),
            Token::File(path) => {
                let read = tokio::fs::read_to_string(path).await;
                Secret::new(&read.map_err(|error| unread("token", &error))?)
            }
        };
        let http = match &self.connection.ca_file {
            None => self.http.clone(),
            Some(path) => {
                let pem = tokio::fs::read(path).await.map_err(|error| unread("CA", &error))?;
                self.trusting(pem)?
            }
        };
        let api = Api::new("Kubernetes", &self.connection.url, Auth::Bearer(token), http, self.clock.clone());
        api.map_err(Failure::transient)
    }

    fn trusting(&self, pem: Vec<u8>) -> Called<reqwest::Client> {
        let mut known = self.trusting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, http)) = known.as_ref().filter(|(read, _)| *read == pem) {
            return Ok(http.clone());
        }
        let http = http_client_trusting(&pem).map_err(|why| Failure::transient(format!("Kubernetes: {why}")))?;
        *known = Some((pem, http.clone()));
        Ok(http)
    }
}

/// It may be there a moment later: the files are replaced as a whole.
fn unread(what: &str, error: &std::io::Error) -> Failure {
    Failure::transient(format!("Kubernetes was not called: the {what}'s file can't be read ({})", error.kind()))
}
