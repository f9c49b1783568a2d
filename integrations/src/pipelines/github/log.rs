//! The end of a job's log.
//!
//! GitHub answers with the log's address (302, good for a minute), which is another host's at github.com and may be the
//! server's own at Enterprise. What holds: credentials go to the configured origin alone. A job that has not ended has no
//! log yet (404).

use bytes::Bytes;
use operations::pipeline::{Log, Run};
use reqwest::Method;
use reqwest::header::{HeaderValue, LOCATION, RANGE};

use super::GitHub;
use super::call::{asked, failure, sent};
use super::look::{step_of, telling_job};
use super::{tail, wire};
use crate::http::api::{Called, Failure, Refused};

/// The end of a log that is asked for where a range can be.
const END: HeaderValue = HeaderValue::from_static("bytes=-262144");

impl GitHub {
    /// The end of the log of the job that failed, or of the last one.
    pub(super) async fn log_of(&self, run: &Run) -> Called<Log> {
        let jobs = self.jobs(run).await?;
        let none = |words: &str| Failure::refused(Refused::NotFound, words);
        let job = telling_job(&jobs).ok_or_else(|| none("the run has no job that has begun"))?;
        if job.status.as_deref() != Some("completed") {
            return Err(none("GitHub gives a job's log when the job has ended, and it still runs"));
        }
        let text = self.read_log(job).await?;
        Ok(Log { step: Some(step_of(job, jobs.len() > 1)), tail: tail::end(&text, &[self.token.expose()]) })
    }

    async fn read_log(&self, job: &wire::Job) -> Called<Bytes> {
        let id = job.id.to_string();
        let reply = asked(self.get(&["actions", "jobs", &id, "logs"])).await?;
        let body = match reply.status {
            200..=299 => reply.body,
            302 | 303 | 307 => {
                let address = reply.headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
                let url = self.api.base().join(address);
                let url = url.map_err(|_| Failure::refused(Refused::NotAllowed, "the log's address is no URL"))?;
                if self.api.is_own(&url) {
                    sent(self.api.told(Method::GET, url.as_str()).header(RANGE, END)).await?.body
                } else {
                    self.public.read(url.as_str()).await?.body
                }
            }
            404 | 410 => {
                let words = "GitHub has no log of that job: none was written, or it was deleted";
                return Err(Failure::refused(Refused::NotFound, words));
            }
            _ => return Err(failure(&reply)),
        };
        Ok(body)
    }
}
