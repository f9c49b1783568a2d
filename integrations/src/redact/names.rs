//! Names that say that a secret stands under them.
//!
//! The end of a name decides: `db_password` holds a password, `password_policy` does not.

/// What such a name ends with, as one word or run together (`accesstoken`).
const ENDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "apikey",
    "privatekey",
    "accesskey",
    "secretkey",
    "authorization",
    "cookie",
    "credential",
    "credentials",
];

/// The word before `key` in a name that ends so.
const KEYS: &[&str] =
    &["api", "private", "access", "secret", "signing", "encryption", "auth", "account", "shared", "master", "ssh"];

/// Words behind a name's end that change nothing: `token_value` is a token. Without their numbers: `b64`, `base64`.
const BEHIND: &[&str] = &["value", "hash", "header", "b", "base", "plain", "plaintext"];

/// Whether what stands under this name is a secret.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    let mut parts = Parts { rest: name };
    let Some(mut last) = parts.next() else { return false };
    let mut before = parts.next();
    if is_any(BEHIND, last)
        && let Some(word) = before
    {
        last = word;
        before = parts.next();
    }
    if last.eq_ignore_ascii_case("key") {
        return before.is_some_and(|before| is_any(KEYS, before));
    }
    ENDS.iter().any(|end| ends_with(last, end))
}

fn is_any(words: &[&str], word: &str) -> bool {
    words.iter().any(|known| known.eq_ignore_ascii_case(word))
}

fn ends_with(word: &str, end: &str) -> bool {
    let start = word.len().wrapping_sub(end.len());
    word.len() >= end.len() && word.get(start..).is_some_and(|tail| tail.eq_ignore_ascii_case(end))
}

/// The words of a name from its end: parted by what is neither letter nor digit, and where `camelCase` has a capital.
struct Parts<'n> {
    rest: &'n str,
}

impl<'n> Iterator for Parts<'n> {
    type Item = &'n str;

    fn next(&mut self) -> Option<&'n str> {
        // A number at the end of a word says nothing: `password2`, `DB_PASSWORD_1`, `token_2_value`.
        let rest = self.rest.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
        let bytes = rest.as_bytes();
        let end = bytes.len();
        let mut start = end;
        while start > 0 && bytes[start - 1].is_ascii_alphanumeric() {
            start -= 1;
            let starts_a_word = bytes[start].is_ascii_uppercase()
                && start > 0
                && (bytes[start - 1].is_ascii_lowercase() || bytes[start - 1].is_ascii_digit());
            if starts_a_word {
                break;
            }
        }
        self.rest = &rest[..start];
        (start < end).then(|| &rest[start..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_name_decides() {
        for name in [
            "password",
            "PASSWORD",
            "db_password",
            "db.password",
            "dbPassword",
            "userpassword",
            "password2",
            "password_2",
            "DB_PASSWORD_1",
            "token-1",
            "API_KEY_1",
            "secret_base64",
            "token_2_value",
            "apiKey2",
            "token",
            "access_token",
            "accessToken",
            "X-Auth-Token",
            "secret",
            "client_secret",
            "clientSecret",
            "api_key",
            "API-Key",
            "apiKey",
            "apikey",
            "x_api_key",
            "private_key",
            "aws_secret_access_key",
            "authorization",
            "Proxy-Authorization",
            "cookie",
            "set_cookie",
            "token_value",
            "password_hash",
            "google_credentials",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "",
            "_",
            "7",
            "alertname",
            "instance",
            "service",
            "key",
            "primary_key",
            "tokens",
            "max_tokens",
            "token_type",
            "token_bucket_size",
            "secret_name",
            "secrets",
            "password_policy",
            "password_expires_in",
            "cookie_count",
            "keyboard",
            "secretary",
            "passwordless",
            "author",
            "authority",
            "monkey",
            "hash",
            "value",
            "api_key_count",
            "résumé",
            "_7",
            "shard_1",
            "base64",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
