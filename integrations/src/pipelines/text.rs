//! Text that pipelines give: addresses, ids, names.

use url::Url;

/// The longest address that is kept.
const LONGEST_ADDRESS: usize = 2_000;

/// An address for people, where it is one of the web that holds no credentials.
pub(in crate::pipelines) fn web(address: &str) -> Option<String> {
    let url = Url::parse(address).ok().filter(|_| address.len() <= LONGEST_ADDRESS)?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.host_str().is_some();
    (is_plain && matches!(url.scheme(), "http" | "https")).then(|| url.to_string())
}

/// Whether it is a hash of Git: seven characters or more of one.
pub(in crate::pipelines) fn is_hash(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether it is a whole hash of Git: SHA-1 or SHA-256.
pub(in crate::pipelines) fn is_full_hash(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && is_hash(text)
}

/// Whether `text` holds `id` as a word of its own, so that `muster-d7-4f` is not found in `muster-d7-4f0c`.
pub(in crate::pipelines) fn holds_word(text: &str, id: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    !id.is_empty()
        && text.match_indices(id).any(|(at, _)| {
            !text[..at].chars().next_back().is_some_and(is_part)
                && !text[at + id.len()..].chars().next().is_some_and(is_part)
        })
}

/// A person's name that can stand in a variable, of which some shell may make something: letters, digits and
/// `. _ - @` and blanks.
pub(in crate::pipelines) fn harmless_name(name: &str) -> String {
    let fits = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | ' ');
    name.chars().filter(fits).take(80).collect::<String>().trim_matches([' ', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbours_id_is_not_the_id() {
        assert!(holds_word("Deploy muster-d7-4f to production", "muster-d7-4f"));
        assert!(holds_word("muster-d7-4f", "muster-d7-4f"));
        assert!(!holds_word("muster-d7-4f0c", "muster-d7-4f"));
        assert!(!holds_word("xmuster-d7-4f", "muster-d7-4f"));
        assert!(!holds_word("muster-d7-4f-2", "muster-d7-4f"));
        assert!(!holds_word("anything", ""));
    }

    #[test]
    fn only_addresses_of_the_web_are_for_people() {
        assert_eq!(web("https://ci.example.com/x"), Some("https://ci.example.com/x".to_owned()));
        for address in ["javascript:alert(1)", "//x", "ftp://x/y", "", "https://a@b/", "https://:a@b/"] {
            assert_eq!(web(address), None, "{address}");
        }
    }
}
