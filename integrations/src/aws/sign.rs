//! AWS's signature, version 4, by the crate that AWS's own SDK signs with.
//!
//! What holds: the body's hash, the host, the date, the content's type and the operation's name are signed;
//! the session's token is signed and marked so that it is never logged.

use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::credentials::Credentials;
use super::words;
use crate::http::api::{Reply, Sign, Unsigned};

/// Signs calls to one service in one region with one set of credentials.
pub(super) struct Signature {
    pub(super) credentials: Credentials,
    pub(super) region: String,
    pub(super) service: &'static str,
}

impl Sign for Signature {
    fn headers(&self, call: &Unsigned<'_>) -> Result<HeaderMap, String> {
        let keys = &self.credentials;
        let identity = aws_credential_types::Credentials::new(
            keys.access_key_id.as_str(),
            keys.secret_access_key.expose(),
            keys.session_token.as_ref().map(|token| token.expose().to_owned()),
            None,
            "Muster",
        )
        .into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(SystemTime::from(call.now))
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| "something is missing".to_owned())?
            .into();
        let mut headers = Vec::new();
        for (name, value) in call.headers {
            headers.push((name.as_str(), value.to_str().map_err(|_| "a header is no text".to_owned())?));
        }
        let body = SignableBody::Bytes(call.body);
        let unsigned = SignableRequest::new(call.method.as_str(), call.url.as_str(), headers.into_iter(), body)
            .map_err(|_| "the address is unusable".to_owned())?;
        // The error's own words could repeat what was to be signed.
        let (signed, _) =
            sign(unsigned, &parameters).map_err(|_| "the credentials are unusable".to_owned())?.into_parts();
        let mut added = HeaderMap::new();
        for (name, value) in signed.headers() {
            let name = HeaderName::try_from(name).map_err(|_| "a header has no usable name".to_owned())?;
            let mut value =
                HeaderValue::from_str(value).map_err(|_| "the credentials hold what no header can carry".to_owned())?;
            value.set_sensitive(name != "x-amz-date");
            added.insert(name, value);
        }
        Ok(added)
    }

    fn is_limit(&self, reply: &Reply) -> bool {
        reply.status >= 400 && words::code(reply).is_some_and(|code| words::is_limit(&code))
    }
}

#[cfg(test)]
mod tests {
    use reqwest::{Method, Url};

    use super::*;
    use crate::secret::Secret;

    /// The keys of AWS's test suite for the signature (docs.aws.amazon.com, "Signature Version 4 test suite").
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    fn signed(method: Method, token: Option<&str>, headers: &[(&'static str, &'static str)], body: &[u8]) -> HeaderMap {
        let signature = Signature {
            credentials: Credentials {
                access_key_id: "AKIDEXAMPLE".to_owned(),
                secret_access_key: Secret::new(SECRET),
                session_token: token.map(Secret::new),
                ends: None,
            },
            region: "us-east-1".to_owned(),
            service: "service",
        };
        let mut given = HeaderMap::new();
        for (name, value) in headers {
            given.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let url = Url::parse("https://example.amazonaws.com/").expect("an address");
        let now = "2015-08-30T12:36:00Z".parse().expect("a time");
        let call = Unsigned { method: &method, url: &url, headers: &given, body, now };
        signature.headers(&call).expect("a signature")
    }

    fn authorization(headers: &HeaderMap) -> &str {
        headers["authorization"].to_str().expect("text")
    }

    #[test]
    fn calls_are_signed_as_in_the_published_examples() {
        let scope = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=";
        // post-vanilla
        let headers = signed(Method::POST, None, &[], b"");
        let wanted = "host;x-amz-date, Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        assert_eq!(authorization(&headers), format!("{scope}{wanted}"));
        assert_eq!(headers["x-amz-date"], "20150830T123600Z");
        // post-header-key-sort
        let headers = signed(Method::POST, None, &[("my-header1", "value1")], b"");
        let wanted =
            "host;my-header1;x-amz-date, Signature=c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c";
        assert_eq!(authorization(&headers), format!("{scope}{wanted}"));
        // get-vanilla-with-session-token
        let token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
        let headers = signed(Method::GET, Some(token), &[], b"");
        let wanted = "host;x-amz-date;x-amz-security-token, \
                      Signature=07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8";
        assert_eq!(authorization(&headers), format!("{scope}{wanted}"));
        assert_eq!(headers["x-amz-security-token"], token);
    }

    #[test]
    fn the_body_is_signed_and_no_secret_is_shown() {
        let one = signed(Method::POST, Some("a-token-of-a-session"), &[], b"{}");
        let other = signed(Method::POST, Some("a-token-of-a-session"), &[], b"{ }");
        assert_ne!(authorization(&one), authorization(&other));
        let shown = format!("{one:?}");
        assert!(!shown.contains("a-token-of-a-session") && !shown.contains("Signature="), "{shown}");
    }
}
