//! Why a call is refused, in GitHub's own words.

use serde_json::{Value, json};

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The JSON body; null for none.
    pub(super) body: Value,
    /// Further headers.
    pub(super) headers: Vec<(&'static str, String)>,
    /// A text in place of JSON.
    pub(super) text: Option<String>,
    /// Whether a correct client would never have sent the call.
    pub(super) malformed: bool,
}

impl Answer {
    /// JSON with this status.
    pub(super) fn json(status: u16, body: Value) -> Answer {
        Answer { status, body, headers: Vec::new(), text: None, malformed: false }
    }

    /// No body.
    pub(super) fn empty(status: u16) -> Answer {
        Answer::json(status, Value::Null)
    }

    /// A text.
    pub(super) fn text(status: u16, text: String) -> Answer {
        Answer { text: Some(text), ..Answer::empty(status) }
    }

    /// The same with a header.
    pub(super) fn header(mut self, name: &'static str, value: String) -> Answer {
        self.headers.push((name, value));
        self
    }

    /// A refusal in GitHub's form.
    pub(super) fn refusal(status: u16, message: &str) -> Answer {
        let body = json!({
            "message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string(),
        });
        Answer::json(status, body)
    }

    /// The same for what a correct client would never have sent.
    pub(super) fn malformed(status: u16, message: &str) -> Answer {
        Answer { malformed: true, ..Answer::refusal(status, message) }
    }

    /// 404, for what is not there and for what the token may not see.
    pub(super) fn not_found() -> Answer {
        Answer::refusal(404, "Not Found")
    }

    /// 403 of a token that lacks a permission.
    pub(super) fn not_accessible() -> Answer {
        Answer::refusal(403, "Resource not accessible by personal access token")
    }

    /// 422 with one field's error.
    pub(super) fn invalid(resource: &str, field: &str, code: &str) -> Answer {
        let mut answer = Answer::malformed(422, "Validation Failed");
        answer.body["errors"] = json!([{"resource": resource, "field": field, "code": code}]);
        answer
    }
}

/// A call's outcome; a refusal is an answer like any other, but did no work.
pub(super) type Answered = Result<Answer, Answer>;
