//! Values with a form: ids, addresses, times.
//!
//! Each function takes what was found, and gives it back checked or notes what is wrong.

use std::ops::RangeInclusive;
use std::time::Duration;

use jiff::tz::TimeZone;
use url::Url;

use super::tables::{File, Found};

/// Ids of the files that `muster init` writes: right in form, but of nobody.
const EXAMPLES: &[&str] = &[
    "000000000000000000",
    "000000000000000001",
    "C00ALERTS",
    "C00INCIDENTS",
    "C00OPERATORS",
    "C00FALLBACK",
    "C00CHECKPOINTS",
    "T00WORKSPACE",
    "U00ANN",
];

/// The longest time that can be set.
const A_YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A Discord id: digits (a snowflake; today's have 17 to 19).
pub(super) fn snowflake(file: &mut File<'_>, found: Found<String>) -> Option<String> {
    let Found { value, span, key } = found;
    if !((15..=20).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit())) {
        let what = "a Discord id is wanted here: 17 to 20 digits (Developer Mode, then Copy ID); names don't count";
        file.problem(&span, &key, what);
        return None;
    }
    example(file, &Found { value, span, key })
}

/// A Slack id: a letter that says what it is, then capitals and digits.
pub(super) fn slack_id(file: &mut File<'_>, found: Found<String>, kinds: &[char]) -> Option<String> {
    let Found { value, span, key } = found;
    let is_id = (3..=32).contains(&value.len())
        && value.starts_with(kinds)
        && value.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !is_id {
        let what = format!("a Slack id is wanted here: {} and capitals and digits; names don't count", kinds[0]);
        file.problem(&span, &key, what);
        return None;
    }
    example(file, &Found { value, span, key })
}

fn example(file: &mut File<'_>, found: &Found<String>) -> Option<String> {
    if EXAMPLES.contains(&found.value.as_str()) {
        file.warning(&found.span, &found.key, "this is still the example's id; put your own here");
    }
    Some(found.value.clone())
}

/// A page's address: `https://…` or `http://…`, without name and password.
pub(super) fn link(file: &mut File<'_>, found: Found<String>) -> Option<String> {
    let Found { value, span, key } = found;
    if Url::parse(&value).is_ok_and(|url| is_web(&url)) {
        return Some(value);
    }
    file.problem(&span, &key, "an address is wanted here: https://…");
    None
}

/// Where browsers reach Muster: an address that a path can be put after.
pub(super) fn base(file: &mut File<'_>, found: Found<String>) -> Option<String> {
    let Found { value, span, key } = found;
    let is_base = |url: &Url| is_web(url) && url.query().is_none() && url.fragment().is_none();
    if Url::parse(&value).is_ok_and(|url| is_base(&url)) && !value.ends_with('/') {
        return Some(value);
    }
    let what = "where browsers reach Muster is wanted here, without a slash at its end: https://muster.example.com";
    file.problem(&span, &key, what);
    None
}

/// The address of an API: https, or http on this machine, because a token goes there.
pub(super) fn api_url(file: &mut File<'_>, found: Found<String>) -> Option<String> {
    let Found { value, span, key } = found;
    let is_safe = |url: &Url| {
        let is_here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        is_web(url) && url.query().is_none() && url.fragment().is_none() && (url.scheme() == "https" || is_here)
    };
    if Url::parse(&value).is_ok_and(|url| is_safe(&url)) {
        return Some(value.trim_end_matches('/').to_owned());
    }
    file.problem(&span, &key, "an https address is wanted here; http only on this machine (http://127.0.0.1:…)");
    None
}

/// Whether a text is a whole address of the web.
pub(super) fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| is_http(&url) && url.has_host())
}

fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
}

/// A git remote, as `git push` takes it; never an option, never another program, never with a password.
pub(super) fn remote(file: &mut File<'_>, found: Found<String>) -> Option<String> {
    let Found { value, span, key } = found;
    if value.starts_with('-') || value.contains("::") || value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        let what = "a git remote is wanted here: git@github.com:acme/wiki.git, ssh://…, https://… or a path";
        file.problem(&span, &key, what);
        return None;
    }
    let url = Url::parse(&value).ok();
    let names_somebody = |url: &Url| url.password().is_some() || (is_http(url) && !url.username().is_empty());
    if url.as_ref().is_some_and(names_somebody) {
        let what = "a secret is never written here. Let git know it: an SSH key, or a credential helper";
        file.problem(&span, &key, what);
        return None;
    }
    Some(value)
}

fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// A host's name.
pub(super) fn host(file: &mut File<'_>, found: Found<String>) -> Option<String> {
    let Found { value, span, key } = found;
    match url::Host::parse(&value) {
        Ok(host) if !value.contains('*') => Some(host.to_string()),
        Ok(_) | Err(_) => {
            file.problem(&span, &key, "a host's name alone is wanted here: grafana.example.com");
            None
        }
    }
}

/// `"30m"`, `"1h 30m"`, or `"never"`, which is none.
pub(super) fn duration(file: &mut File<'_>, found: &Found<String>) -> Option<Duration> {
    if found.value == "never" {
        return None;
    }
    let duration = found.value.parse::<jiff::SignedDuration>().ok().and_then(|it| Duration::try_from(it).ok());
    let duration = duration.filter(|it| (Duration::from_secs(60)..=A_YEAR).contains(it));
    if duration.is_none() {
        let what = "a time from a minute to a year is wanted here: \"30m\", \"2h\", \"1h 30m\", or \"never\"";
        file.problem(&found.span, &found.key, what);
    }
    duration
}

/// The name of a time zone, as the IANA database has it.
pub(super) fn time_zone(file: &mut File<'_>, found: &Found<String>) -> Option<TimeZone> {
    let zone = TimeZone::get(&found.value).ok();
    if zone.is_none() {
        let what = "the name of a time zone is wanted here, as in \"Europe/Berlin\" or \"America/New_York\"";
        file.problem(&found.span, &found.key, what);
    }
    zone
}

/// `"5s"`, `"1m 30s"`: a short time, within bounds that are whole seconds.
pub(super) fn short_time(file: &mut File<'_>, found: &Found<String>, bounds: RangeInclusive<u64>) -> Option<Duration> {
    let duration = found.value.parse::<jiff::SignedDuration>().ok().and_then(|it| Duration::try_from(it).ok());
    let (least, most) = (Duration::from_secs(*bounds.start()), Duration::from_secs(*bounds.end()));
    let duration = duration.filter(|it| (least..=most).contains(it));
    if duration.is_none() {
        let (least, most) = (bounds.start(), bounds.end());
        let what = format!("a time from {least} to {most} seconds is wanted here: \"{least}s\", \"{most}s\"");
        file.problem(&found.span, &found.key, what);
    }
    duration
}

/// A number within bounds; `what` says of what.
pub(super) fn bounded(
    file: &mut File<'_>,
    found: &Found<u64>,
    bounds: RangeInclusive<u64>,
    what: &str,
) -> Option<usize> {
    match usize::try_from(found.value) {
        Ok(number) if bounds.contains(&found.value) => Some(number),
        Ok(_) | Err(_) => {
            let what = format!("from {} to {} {what} are wanted here", bounds.start(), bounds.end());
            file.problem(&found.span, &found.key, what);
            None
        }
    }
}
