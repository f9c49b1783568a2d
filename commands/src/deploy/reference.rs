//! What may be said as a branch, tag, commit or parameter: checked before anybody else sees it.
//!
//! What holds: what passes is a name that Git takes (git-check-ref-format) made of letters, digits and a few signs, so
//! it can't be an option, a command or a template for whoever reads it next.

use operations::text::cut;

/// The longest reference, in bytes.
const LONGEST: usize = 200;

/// The longest value of a parameter, in bytes.
const LONGEST_VALUE: usize = 200;

/// Checks a reference.
///
/// # Errors
/// Why it is none, as an ending of a sentence.
pub fn check(said: &str) -> Result<&str, String> {
    let said = said.trim();
    if said.is_empty() {
        return Err("it is empty".to_owned());
    }
    if said.len() > LONGEST {
        return Err(format!("it is longer than {LONGEST} characters"));
    }
    if said.starts_with('-') {
        return Err("it begins with a hyphen, as options do".to_owned());
    }
    if matches!(said.to_ascii_uppercase().as_str(), "HEAD" | "FETCH_HEAD" | "ORIG_HEAD") {
        return Err("it is whatever is checked out somewhere".to_owned());
    }
    if ["refs/", "pull/", "merge-requests/"].iter().any(|bad| said.starts_with(bad))
        && !["refs/heads/", "refs/tags/"].iter().any(|good| said.starts_with(good))
    {
        return Err("anybody can put something there; say the branch, tag or commit".to_owned());
    }
    if let Some(odd) = said.chars().find(|c| !(c.is_ascii_alphanumeric() || "._/+-@#=,".contains(*c))) {
        return Err(odd_character(odd));
    }
    let bad = [
        ("..", "two dots stand together"),
        ("@{", "it asks for another than it names"),
        ("//", "two slashes stand together"),
    ];
    if let Some((_, why)) = bad.iter().find(|(bad, _)| said.contains(bad)) {
        return Err((*why).to_owned());
    }
    if said == "@" || said.starts_with('/') || said.ends_with('/') || said.ends_with('.') {
        return Err("it begins or ends as no name does".to_owned());
    }
    if said.split('/').any(|part| part.starts_with('.') || part.ends_with(".lock")) {
        return Err("a part of it begins with a dot or ends with .lock".to_owned());
    }
    Ok(said)
}

/// Checks the value of a parameter that may be one of these, or any plain word where there are none.
///
/// # Errors
/// Why it is none, as an ending of a sentence.
pub fn value(said: &str, values: &[String]) -> Result<(), String> {
    if !values.is_empty() {
        let fits = values.iter().any(|value| value == said);
        return if fits { Ok(()) } else { Err(format!("it is one of {}", cut(&values.join(", "), 200))) };
    }
    if said.is_empty() {
        return Err("it is empty".to_owned());
    }
    if said.len() > LONGEST_VALUE {
        return Err(format!("it is longer than {LONGEST_VALUE} characters"));
    }
    if said.starts_with('-') {
        return Err("it begins with a hyphen, as options do".to_owned());
    }
    match said.chars().find(|c| !(c.is_ascii_alphanumeric() || "._/+-@:,=".contains(*c))) {
        Some(odd) => Err(odd_character(odd)),
        None => Ok(()),
    }
}

fn odd_character(odd: char) -> String {
    match odd {
        '\u{2014}' | '\u{2013}' => "a dash stands where hyphens were meant".to_owned(),
        '\u{201c}' | '\u{201d}' | '\u{2018}' | '\u{2019}' | '"' | '\'' => "quotation marks stand in it".to_owned(),
        odd if odd.is_whitespace() || odd.is_control() => "a blank or line break stands in it".to_owned(),
        odd if odd.is_ascii() => format!("“{odd}” stands in it"),
        _ => "it has characters other than plain letters and digits".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_branches_tags_and_commits_pass() {
        for said in [
            "main",
            "v1.2.3",
            "release/2026-11",
            "feature/JIRA-1_x",
            "a1b2c3d",
            "0123456789abcdef0123456789abcdef01234567",
            "dependabot/npm_and_yarn/a-1.0",
            "release@2",
            "fix#12",
            "1.0.0+build.5",
            "refs/heads/main",
        ] {
            assert_eq!(check(said), Ok(said));
        }
    }

    #[test]
    fn what_could_be_more_than_a_name_does_not() {
        for said in [
            "",
            " ",
            "--upload-pack=x",
            "-b",
            "a;b",
            "a$(id)",
            "${{ github.token }}",
            "`id`",
            "a|b",
            "a&b",
            "a b",
            "a\nb",
            "a\tb",
            "main..other",
            "main@{1}",
            "main@{upstream}",
            "a~1",
            "a^",
            "a:b",
            "a?b",
            "a*b",
            "a[b",
            "a\\b",
            "/main",
            "main/",
            "main.",
            "a//b",
            ".hidden",
            "a/.hidden",
            "a.lock",
            "a.lock/b",
            "@",
            "\u{2014}dry-run",
            "“main”",
            "'main'",
            "ma\u{202e}in",
            "ma\u{200b}in",
            "mаin",
            "<http://x|x>",
            "a%2e%2e",
            "a\u{0}b",
            "refs/heads/../../x",
            "a{b}",
            "!x",
        ] {
            assert!(check(said).is_err(), "{said:?}");
        }
        assert!(check(&"a".repeat(201)).is_err());
    }

    #[test]
    fn values_are_those_that_are_declared_or_plain() {
        let declared = ["eu".to_owned(), "us".to_owned()];
        assert_eq!(value("eu", &declared), Ok(()));
        assert!(value("eu;", &declared).is_err());
        assert_eq!(value("1.2/x:y,z", &[]), Ok(()));
        for said in ["", "-x", "a b", "$(id)", "a;b", "${{x}}", "a\"b", "a`b", "a\nb"] {
            assert!(value(said, &[]).is_err(), "{said:?}");
        }
    }
}
