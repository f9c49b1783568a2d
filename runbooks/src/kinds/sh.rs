//! A script. What holds: it is the page's own, to the last character; values come as environment variables, and never stand
//! where a shell would split or read them.

use std::collections::BTreeMap;

use operations::runbook::page::{Template, What};

use super::{Fence, within};
use crate::attributes::Attributes;
use crate::places::Findings;
use crate::uses::Uses;

/// How the variables begin that hold inputs: `INPUT_CLUSTER`.
pub(crate) const INPUT: &str = "INPUT_";

pub(super) fn read(
    fence: &Fence<'_>,
    attributes: &mut Attributes,
    uses: &mut Uses,
    found: &mut Findings<'_>,
) -> Option<What> {
    let mut env = BTreeMap::new();
    if let Some((at, said)) = attributes.value("env", found) {
        for pair in said.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some((name, value)) if is_variable(name) => {
                    uses.sent(at, value);
                    env.insert(name.to_owned(), Template(value.to_owned()));
                }
                _ => {
                    let hint = "env=\"CLIENTS={{ steps.look.clients }}; TOKEN={{ secrets.TOKEN }}\"".to_owned();
                    found.tell(at, format!("{} is no variable with a value", pair.escape_debug()), Some(hint));
                }
            }
        }
    }
    if fence.body.trim().is_empty() {
        found.tell(fence.at, "there is no script", None);
    }
    if let Some(at) = fence.body.find("{{") {
        let at = within(fence.body_at, fence.body, at);
        let hint = "\"$INPUT_CLUSTER\" is the input cluster; for others: env=\"NAME={{ … }}\"".to_owned();
        found.tell(at, "a script is fixed: what {{ … }} gives would be read by the shell", Some(hint));
    }
    for (at, name) in unquoted(fence.body) {
        if name.starts_with(INPUT) || env.contains_key(&name) {
            let at = within(fence.body_at, fence.body, at);
            let hint = format!("\"${name}\"");
            found.tell(
                at,
                format!("${name} stands without quotes, so the shell splits it and expands what is in it"),
                Some(hint),
            );
        }
    }
    Some(What::Sh { script: fence.body.to_owned(), env })
}

fn is_variable(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Variables that stand outside of double quotes, each with where (POSIX.1-2024, XCU 2.2 and 2.6).
fn unquoted(script: &str) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    let bytes = script.as_bytes();
    let (mut in_double, mut i) = (false, 0);
    let mut word_begins = true;
    while i < bytes.len() {
        let c = bytes[i];
        match c {
            b'\\' => i += 1,
            b'\'' if !in_double => i += script[i + 1..].find('\'').map_or(bytes.len(), |end| end + 1),
            b'"' => in_double = !in_double,
            b'#' if !in_double && word_begins => i += script[i..].find('\n').unwrap_or(bytes.len()),
            b'$' if !in_double => {
                let name = script[i + 1..].trim_start_matches(['{', '#']);
                let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(name.len());
                if end > 0 {
                    all.push((i, name[..end].to_owned()));
                }
            }
            _ => {}
        }
        word_begins = matches!(c, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'(');
        i += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_without_quotes_are_found() {
        for (script, names) in [
            ("echo $INPUT_A", &["INPUT_A"][..]),
            ("echo \"$INPUT_A\" '${INPUT_B}' \\$INPUT_C # $INPUT_D", &[]),
            ("echo \"a\"$INPUT_A\"b\" ${INPUT_B:-x}", &["INPUT_A", "INPUT_B"]),
            ("x='it'\"'\"'s' $INPUT_A", &["INPUT_A"]),
            ("echo a#$INPUT_A", &["INPUT_A"]),
            ("'never ends $INPUT_A", &[]),
            ("$", &[]),
            ("echo “$INPUT_A”\\", &["INPUT_A"]),
        ] {
            let found: Vec<String> = unquoted(script).into_iter().map(|(_, name)| name).collect();
            assert_eq!(found, names, "{script}");
        }
    }
}
