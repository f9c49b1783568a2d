//! Secrets by their form: tokens that well-known services give out, and keys.

use std::ops::Range;

/// What stands behind the beginning of a form.
#[derive(Clone, Copy)]
enum Tail {
    /// So many capitals and digits, and no more.
    Capitals(usize),
    /// At least so many letters and digits.
    Letters(usize),
    /// At least so many of what tokens are made of.
    Any(usize),
}

/// Forms of tokens, from each service's own documentation.
const FORMS: &[(&[u8], Tail)] = &[
    // Slack.
    (b"xoxb-", Tail::Any(8)),
    (b"xoxp-", Tail::Any(8)),
    (b"xoxa-", Tail::Any(8)),
    (b"xoxr-", Tail::Any(8)),
    (b"xoxs-", Tail::Any(8)),
    (b"xoxc-", Tail::Any(8)),
    (b"xoxd-", Tail::Any(8)),
    (b"xoxe-", Tail::Any(8)),
    (b"xoxe.", Tail::Any(8)),
    (b"xapp-", Tail::Any(8)),
    (b"xwfp-", Tail::Any(8)),
    // GitHub and GitLab.
    (b"ghp_", Tail::Letters(30)),
    (b"gho_", Tail::Letters(30)),
    (b"ghu_", Tail::Letters(30)),
    (b"ghs_", Tail::Letters(30)),
    (b"ghr_", Tail::Letters(30)),
    (b"github_pat_", Tail::Any(20)),
    (b"glpat-", Tail::Any(16)),
    (b"gldt-", Tail::Any(16)),
    (b"glrt-", Tail::Any(16)),
    // Grafana, Vault, webhooks, clouds.
    (b"glsa_", Tail::Letters(30)),
    (b"hvs.", Tail::Any(20)),
    (b"whsec_", Tail::Any(16)),
    (b"AKIA", Tail::Capitals(16)),
    (b"ASIA", Tail::Capitals(16)),
    (b"AIza", Tail::Any(30)),
    (b"AGE-SECRET-KEY-1", Tail::Any(20)),
    (b"dop_v1_", Tail::Letters(40)),
    // Discord's interactions ("interaction:" in base64), and others.
    (b"aW50ZXJhY3Rpb24", Tail::Any(20)),
    (b"NRAK-", Tail::Letters(20)),
    (b"PMAK-", Tail::Any(24)),
    (b"SG.", Tail::Any(40)),
    (b"sk-ant-", Tail::Any(16)),
    (b"sk-proj-", Tail::Any(16)),
    (b"sk_live_", Tail::Letters(16)),
    (b"sk_test_", Tail::Letters(16)),
    (b"rk_live_", Tail::Letters(16)),
    (b"rk_test_", Tail::Letters(16)),
    (b"shpat_", Tail::Letters(24)),
    (b"npm_", Tail::Letters(30)),
    (b"pypi-", Tail::Any(40)),
];

/// What else begins as a form: keys, JWTs, `Bearer …`, addresses.
const OTHERS: &[&[u8; 2]] = &[b"--", b"ey", b"Be", b"be", b"Ba", b"ba", b"ho", b"di"];

/// For each first byte of a form, a bit for each second one: most words end here.
pub(super) const BEGINNINGS: [u128; 256] = {
    let mut second = [0; 256];
    let mut i = 0;
    while i < FORMS.len() {
        let prefix = FORMS[i].0;
        second[prefix[0] as usize] |= 1 << prefix[1];
        i += 1;
    }
    i = 0;
    while i < OTHERS.len() {
        second[OTHERS[i][0] as usize] |= 1 << OTHERS[i][1];
        i += 1;
    }
    // A bot's token of Discord begins with one of these and any letter or digit.
    second[b'M' as usize] = u128::MAX;
    second[b'N' as usize] = u128::MAX;
    second[b'O' as usize] = u128::MAX;
    second
};

/// Whether a form may begin with the byte at `at`: at the beginning of a word, and with the right letters.
pub(super) fn may_begin(bytes: &[u8], at: usize) -> bool {
    let second = bytes.get(at + 1).filter(|byte| byte.is_ascii());
    second.is_some_and(|second| BEGINNINGS[usize::from(bytes[at])] >> second & 1 == 1)
        && (at == 0 || !bytes[at - 1].is_ascii_alphanumeric())
}

/// How much of an address is looked at, in bytes.
const LONGEST_ADDRESS: usize = 512;

/// Looks for forms. Remembers where it has looked in vain, so that no run of bytes is gone through twice.
#[derive(Default)]
pub(super) struct Shapes {
    no_token_before: usize,
    no_jwt_before: usize,
}

impl Shapes {
    /// The secret that begins with the byte at `at`, or that it announces.
    pub(super) fn at(&mut self, bytes: &[u8], at: usize) -> Option<Range<usize>> {
        let rest = &bytes[at..];
        let behind = |range: Range<usize>| at + range.start..at + range.end;
        let whole = |length: usize| at..at + length;
        match rest {
            [b'-', ..] => private_key(rest).map(whole),
            [b'B' | b'b', ..] => scheme(rest).map(behind),
            [b'e', ..] if at >= self.no_jwt_before => {
                let found = jwt(rest);
                if found.is_none() {
                    self.no_jwt_before = at + run(rest, is_base64url);
                }
                found.map(whole)
            }
            [b'e', ..] => None,
            [b'M' | b'O', ..] => discord(rest).map(whole),
            [b'h', b'o', ..] => slack_address(rest).map(behind),
            [b'd', b'i', ..] => discord_address(rest).map(behind),
            [b'N', ..] => self.token(rest, at).or_else(|| discord(rest)).map(whole),
            _ => self.token(rest, at).map(whole),
        }
    }

    fn token(&mut self, rest: &[u8], at: usize) -> Option<usize> {
        if at < self.no_token_before {
            return None;
        }
        let first = rest.first()?;
        let (prefix, wanted) = FORMS.iter().find(|(prefix, _)| prefix[0] == *first && rest.starts_with(prefix))?;
        let tail = &rest[prefix.len()..];
        let (length, least) = match wanted {
            Tail::Capitals(exactly) => {
                let length = run(tail, |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
                let ends = length == *exactly && !tail.get(length).is_some_and(u8::is_ascii_alphanumeric);
                return ends.then_some(prefix.len() + length);
            }
            Tail::Letters(least) => (run(tail, |byte| byte.is_ascii_alphanumeric()), *least),
            Tail::Any(least) => (run(tail, is_token), *least),
        };
        // A name that is made of words has no digits, and neither has any part of it.
        if !tail[..length].iter().any(u8::is_ascii_digit) {
            self.no_token_before = at + prefix.len() + length;
            return None;
        }
        // What ends a sentence or a folder is not part of it.
        let length = length - tail[..length].iter().rev().take_while(|byte| matches!(byte, b'.' | b'/')).count();
        (length >= least).then_some(prefix.len() + length)
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'+' | b'/' | b'=')
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// How many bytes from the beginning hold.
fn run(bytes: &[u8], holds: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| holds(**byte)).count()
}

/// The end of the part behind the dot at `at`.
fn parted(rest: &[u8], at: usize) -> Option<usize> {
    (rest.get(at) == Some(&b'.')).then(|| at + 1 + run(&rest[at + 1..], is_base64url))
}

/// `eyJ….eyJ….signature`.
fn jwt(rest: &[u8]) -> Option<usize> {
    rest.starts_with(b"eyJ").then_some(())?;
    let head = run(rest, is_base64url);
    let body = parted(rest, head)?;
    let signature = parted(rest, body)?;
    (head >= 8 && body - head > 8).then_some(signature)
}

/// A bot's token of Discord: an id in base64, six characters of time, 27 or more of signature.
fn discord(rest: &[u8]) -> Option<usize> {
    let id = run(&rest[..rest.len().min(30)], is_base64url);
    (23..=28).contains(&id).then_some(())?;
    let time = parted(&rest[..rest.len().min(id + 9)], id)?;
    (time == id + 7).then_some(())?;
    let end = parted(rest, time)?;
    (end - time > 27).then_some(end)
}

/// `Bearer …` and `Basic …`: what follows, where it is no word.
fn scheme(rest: &[u8]) -> Option<Range<usize>> {
    let named = |name: &[u8]| rest.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
    let (start, is_basic) = if named(b"bearer ") { (7, false) } else { (6, true) };
    if is_basic && !named(b"basic ") {
        return None;
    }
    let length = run(&rest[start..], |byte| is_token(byte) || byte == b'~');
    let tail = &rest[start..start + length];
    let holds = |kind: fn(&u8) -> bool| tail.iter().any(kind);
    let is_mixed = holds(u8::is_ascii_uppercase) && holds(u8::is_ascii_lowercase);
    let is_base64 = length % 4 == 0 && is_mixed;
    (length >= 12 && holds(u8::is_ascii_digit) && (is_base64 || !is_basic)).then_some(start..start + length)
}

fn in_address(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"'<>|)`".contains(&byte)
}

/// Slack's webhooks and response URLs: whoever knows one may post.
fn slack_address(rest: &[u8]) -> Option<Range<usize>> {
    let host = b"hooks.slack.com/";
    let path = run(rest.strip_prefix(host)?, in_address);
    (path > 8).then_some(host.len()..host.len() + path)
}

/// A Discord webhook's token: `discord.com/api/webhooks/ID/TOKEN`.
fn discord_address(rest: &[u8]) -> Option<Range<usize>> {
    rest.starts_with(b"discord.com/").then_some(()).or(rest.starts_with(b"discordapp.com/").then_some(()))?;
    let end = run(&rest[..rest.len().min(LONGEST_ADDRESS)], in_address);
    let marker = b"/webhooks/";
    let at = rest[..end].windows(marker.len()).position(|window| window == marker)? + marker.len();
    let id = run(&rest[at..end], |byte| byte.is_ascii_digit());
    (id > 0 && rest.get(at + id) == Some(&b'/')).then_some(at + id + 1..end.max(at + id + 1))
}

/// `-----BEGIN … PRIVATE KEY-----` to its end, or to the end of the text where it was cut off.
fn private_key(rest: &[u8]) -> Option<usize> {
    let begun = rest.strip_prefix(b"-----BEGIN ")?;
    let is_title = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' ';
    begun[..run(begun, is_title)].ends_with(b"PRIVATE KEY").then_some(())?;
    let marker = b"-----END ";
    let Some(at) = rest.windows(marker.len()).position(|window| window == marker) else { return Some(rest.len()) };
    let title = at + marker.len() + run(&rest[at + marker.len()..], is_title);
    Some(title + run(&rest[title..], |byte| byte == b'-'))
}
