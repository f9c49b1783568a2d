//! What AWS's error words mean.
//!
//! Most errors come with status 400 and a word. The lists are those of docs.aws.amazon.com, "Common Errors", and of
//! the SDKs' retry behaviour ("Retry behavior" in the SDKs and Tools Reference Guide). `LimitExceededException` and its
//! like are quotas in the services that are called here, so they are not among the limits that pass.

use serde_json::Value;

use crate::http::api::{Failure, Refused, Reply};

/// It came too often and was not done.
const LIMITS: &[&str] = &[
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "ProvisionedThroughputExceededException",
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "TransactionInProgressException",
    "EC2ThrottledException",
    "SlowDown",
];

/// The service broke, perhaps in the middle of it.
const BROKEN: &[&str] = &[
    "InternalFailure",
    "InternalError",
    "InternalServerError",
    "InternalServerException",
    "InternalServiceError",
    "InternalServiceException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "RequestTimeout",
    "RequestTimeoutException",
];

/// The credentials ran out.
const EXPIRED: &[&str] = &["ExpiredToken", "ExpiredTokenException"];

/// The credentials are not known, or the signature does not fit.
const TOKEN: &[&str] = &[
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "AuthFailure",
    "InvalidToken",
    "RequestExpired",
    "RequestTimeTooSkewed",
];

/// They may not do this.
const FORBIDDEN: &[&str] =
    &["AccessDenied", "AccessDeniedException", "NotAuthorized", "OptInRequired", "UnauthorizedOperation"];

/// The error's word: of the header where there is one, else of the body, without a namespace before it
/// (`com.amazonaws…#`) and an address after it (`:http://…`), as the AWS JSON protocols have it (smithy.io).
pub(super) fn code(reply: &Reply) -> Option<String> {
    let body = || {
        let body: Value = serde_json::from_slice(&reply.body).ok()?;
        ["__type", "code", "Code"].iter().find_map(|name| body.get(*name)?.as_str().map(str::to_owned))
    };
    let told = reply.header("x-amzn-errortype").map(str::to_owned).or_else(body)?;
    let word = told.split(':').next().unwrap_or_default();
    let word = word.rsplit('#').next().unwrap_or_default().trim();
    // Whatever else may stand there is no word, and is not repeated.
    let is_word =
        (1..=80).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    is_word.then(|| word.to_owned())
}

pub(super) fn is_limit(code: &str) -> bool {
    LIMITS.contains(&code)
}

pub(super) fn is_expired(code: &str) -> bool {
    EXPIRED.contains(&code)
}

/// What a refusal with this word means. `harmless`: doing it twice is the same as once.
pub(super) fn meaning(service: &str, code: &str, reply: &Reply, harmless: bool) -> Failure {
    let why = format!("{service}: {code}{}", reply.said());
    if is_limit(code) {
        return Failure::Transient { why, retry_after: None };
    }
    if BROKEN.contains(&code) {
        return if harmless { Failure::transient(why) } else { Failure::Unknown { why } };
    }
    if is_expired(code) || TOKEN.contains(&code) {
        return Failure::refused(Refused::Token, why);
    }
    if FORBIDDEN.contains(&code) {
        return Failure::refused(Refused::Forbidden, why);
    }
    if code.ends_with("NotFoundException") || code.ends_with("DoesNotExistException") {
        return Failure::refused(Refused::NotFound, why);
    }
    Failure::refused(Refused::Malformed, why)
}
