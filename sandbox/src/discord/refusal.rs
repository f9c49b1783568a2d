//! Why a call is refused, in Discord's own words.

use serde_json::{Value, json};

use super::form::FormErrors;

/// An answer other than success.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// The JSON body.
    pub(super) body: Value,
    /// Whether a correct bot would never have sent the call.
    pub(super) malformed: bool,
}

/// A call's result: HTTP status and JSON body, null for none.
pub(super) type Answer = Result<(u16, Value), Refusal>;

/// Code, HTTP status, words. From Discord's reference (Opcodes and Status Codes) and observed answers.
const CODES: [(i64, u16, &str); 33] = [
    (10002, 404, "Unknown Application"),
    (10003, 404, "Unknown Channel"),
    (10004, 404, "Unknown Guild"),
    (10007, 404, "Unknown Member"),
    (10008, 404, "Unknown Message"),
    (10013, 404, "Unknown User"),
    (10014, 400, "Unknown Emoji"),
    (10015, 404, "Unknown Webhook"),
    (10062, 404, "Unknown interaction"),
    (20028, 429, "The write action you are performing on the channel has hit the write rate limit."),
    (30003, 400, "Maximum number of pins reached for the channel (250)"),
    (30010, 400, "Maximum number of reactions reached (20)"),
    (30013, 400, "Maximum number of guild channels reached (500)"),
    (30032, 400, "Maximum number of application commands reached (100)"),
    (30034, 400, "Max number of daily application command creates has been reached (200)"),
    (40060, 400, "Interaction has already been acknowledged."),
    (50001, 403, "Missing Access"),
    (50003, 403, "Cannot execute action on a DM channel"),
    (50005, 403, "Cannot edit a message authored by another user"),
    (50006, 400, "Cannot send an empty message"),
    (50007, 403, "Cannot send messages to this user"),
    (50008, 400, "Cannot send messages in a non-text channel"),
    (50013, 403, "Missing Permissions"),
    (50019, 400, "A message can only be pinned to the channel it was sent in"),
    (50021, 403, "Cannot execute action on a system message"),
    (50024, 400, "Cannot execute action on this channel type"),
    (50027, 401, "Invalid Webhook Token"),
    (50033, 400, "Invalid Recipient(s)"),
    (50083, 400, "Thread is archived"),
    (50109, 400, "The request body contains invalid JSON."),
    (50035, 400, "Invalid Form Body"),
    (160004, 400, "A thread has already been created for this message"),
    (160005, 400, "Thread is locked"),
];

impl Refusal {
    /// One of Discord's JSON errors. Those that only a wrong call can get are marked malformed.
    pub(super) fn code(code: i64) -> Refusal {
        let known = CODES.iter().find(|(known, ..)| *known == code);
        let (status, message) = known.map_or((400, "Refused on order"), |(_, status, message)| (*status, *message));
        let malformed = matches!(code, 30032 | 50006 | 50024 | 50109);
        Refusal { status, body: json!({"message": message, "code": code}), malformed }
    }

    /// A JSON error of any number, with status 400.
    pub(super) fn ordered(code: &str) -> Refusal {
        let mut refusal = Refusal::code(code.parse().unwrap_or(0));
        refusal.status = 400;
        refusal
    }

    /// 404 of a route that is not there.
    pub(super) fn no_route() -> Refusal {
        Refusal { status: 404, body: json!({"message": "404: Not Found", "code": 0}), malformed: true }
    }

    /// 405 of a route that is there for other verbs.
    pub(super) fn wrong_verb() -> Refusal {
        Refusal { status: 405, body: json!({"message": "405: Method Not Allowed", "code": 0}), malformed: true }
    }

    /// 401 of a missing or wrong token.
    pub(super) fn unauthorized() -> Refusal {
        Refusal { status: 401, body: json!({"message": "401: Unauthorized", "code": 0}), malformed: true }
    }

    /// 50035 with where and why.
    pub(super) fn form(errors: FormErrors) -> Refusal {
        let body = json!({"message": "Invalid Form Body", "code": 50035, "errors": errors.into_value()});
        Refusal { status: 400, body, malformed: true }
    }

    /// 50035 with one error.
    pub(super) fn field(path: &str, code: &str, message: &str) -> Refusal {
        let mut errors = FormErrors::default();
        errors.add(path, code, message);
        Refusal::form(errors)
    }

    /// Discord's JSON error code.
    pub(super) fn number(&self) -> Option<i64> {
        self.body["code"].as_i64()
    }
}
