//! The end of a log, as people may see it.
//!
//! What holds: no colour or other order to a terminal, nothing that can't be seen, no secret and no half of a line comes
//! out, and at most [`Log::LONGEST`] characters do; secrets are looked for before anything is cut off, and after what
//! could hide them is gone.

use std::iter::Peekable;
use std::str::Chars;

use operations::pipeline::Log;
use operations::text::{self, Outside};

use crate::redact;

/// So many bytes of a log's end are looked at: enough for a private key to be seen whole above what is kept.
pub(in crate::pipelines) const WINDOW: usize = 64 * 1024;

/// The last whole lines of a log, without `secrets` and whatever looks like one.
pub(in crate::pipelines) fn tail(log: impl AsRef<[u8]>, secrets: &[&str]) -> Outside {
    let log = log.as_ref();
    let from = log.len().saturating_sub(WINDOW);
    let seen = String::from_utf8_lossy(&log[from..]);
    let seen = if from > 0 { after_a_line(&seen) } else { &*seen };
    let plain = text::clean(&overwritten(&without_escapes(seen)));
    let clean = redact::words(plain.trim_end(), secrets);
    Outside::new(last_lines(&clean))
}

/// What stands behind the first line, which was cut; all of it where there is nothing behind.
fn after_a_line(text: &str) -> &str {
    text.split_once('\n').map(|(_, rest)| rest).filter(|rest| !rest.is_empty()).unwrap_or(text)
}

/// The last lines that fit; the end of the last one where it alone is too long.
fn last_lines(text: &str) -> &str {
    let Some((first, _)) = text.char_indices().rev().nth(Log::LONGEST - 1) else { return text };
    if text[..first].is_empty() || text[..first].ends_with('\n') {
        &text[first..]
    } else {
        after_a_line(&text[first..])
    }
}

/// What is left of each line where a carriage return let it be written over (bars of progress, GitLab's marks of
/// sections).
fn overwritten(text: &str) -> String {
    let line = |line: &str| line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default().to_owned();
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Removes what terminals take as orders (ECMA-48): control sequences, strings, and escapes of two or three characters.
/// None goes beyond its line: one that is never ended ends with it.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let kind = match c {
            '\u{1b}' => match rest.next_if(|c| *c != '\n') {
                Some(kind) => kind,
                None => continue,
            },
            '\u{90}' => 'P',
            '\u{9b}' => '[',
            '\u{9d}' => ']',
            c => {
                plain.push(c);
                continue;
            }
        };
        match kind {
            // CSI: parameters, then one letter or sign.
            '[' => {
                while rest.next_if(|c| (' '..='?').contains(c)).is_some() {}
                rest.next_if(|c| ('@'..='~').contains(c));
            }
            // OSC, DCS and other strings: links, titles.
            ']' | 'P' | 'X' | '^' | '_' => skip_string(&mut rest),
            ' '..='/' => {
                while rest.next_if(|c| (' '..='/').contains(c)).is_some() {}
                rest.next_if(|c| ('0'..='~').contains(c));
            }
            _ => {}
        }
    }
    plain
}

/// Up to BEL or ST.
fn skip_string(rest: &mut Peekable<Chars<'_>>) {
    while let Some(c) = rest.next_if(|c| *c != '\n') {
        if matches!(c, '\u{7}' | '\u{9c}') {
            return;
        }
        if c == '\u{1b}' {
            rest.next_if_eq(&'\\');
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_titles_links_and_bars_are_taken_out() {
        let cases = [
            ("\u{1b}[0;31mred\u{1b}[0m", "red"),
            ("\u{1b}[38;5;196mred\u{1b}[m", "red"),
            ("\u{9b}1mbold", "bold"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;https://x\u{1b}\\link\u{1b}]8;;\u{1b}\\ end", "link end"),
            ("\u{90}1$r\u{9c}text", "text"),
            ("\u{1b}(Bplain", "plain"),
            ("\u{1b}]never ended\nnext", "\nnext"),
            ("\u{1b}[12\nnext", "\nnext"),
            ("\u{1b}\nnext", "\nnext"),
            ("10%\r50%\r100%\nend", "100%\nend"),
            ("windows\r\nlines\r\n", "windows\nlines"),
            ("section_start:1:build\r\u{1b}[0Kstep", "step"),
            ("pass\u{200b}word \u{202e}txt\u{0}", "password txt"),
            ("end\u{1b}", "end"),
            ("", ""),
        ];
        for (log, left) in cases {
            assert_eq!(tail(log, &[]).as_str(), left, "{log:?}");
        }
        assert_eq!(tail(b"a\xffb", &[]).as_str(), "a\u{fffd}b", "what is no text");
    }

    #[test]
    fn the_last_whole_lines_are_kept() {
        let log: String = (0..50_000).map(|line| format!("line {line} ü\n")).collect();
        let left = tail(&log, &[]);
        assert!(left.as_str().starts_with("line ") && left.as_str().ends_with("line 49999 ü"), "{left:?}");
        assert!(left.as_str().lines().all(|line| line.split(' ').count() == 3), "{left:?}");
        let length = left.as_str().chars().count();
        assert!((Log::LONGEST - 20..=Log::LONGEST).contains(&length), "{length}");
        // Whatever the length of what is before: no half of a line.
        for filler in 1_950..2_050 {
            let log = format!("{}\nlast", "x".repeat(filler));
            let left = tail(&log, &[]);
            let fits = filler + 5 <= Log::LONGEST;
            assert_eq!(left.as_str(), if fits { log.as_str() } else { "last" }, "{filler}");
        }
        let one = "ä".repeat(100_000);
        assert_eq!(tail(&one, &[]).as_str().chars().count(), Log::LONGEST, "one line that is longer than all");
    }

    #[test]
    fn secrets_are_taken_out_before_it_is_cut_and_whatever_hides_them() {
        let secret = ["hunter2", "hunter2", "hunter2"].concat();
        for filler in 1_900..2_100 {
            let log = format!("first {secret} line\n{}", "x".repeat(filler));
            assert!(!tail(&log, &[&secret]).as_str().contains("hunter2"), "{filler}");
        }
        for hidden in
            ["hunter2hunter\u{1b}[0m2hunter2", "hunter2\u{200b}hunter2hunter2", "hunter2\u{1b}(Bhunter2hunter2"]
        {
            let left = tail(format!("token \u{1b}[1m{hidden}"), &[&secret]);
            assert!(!left.as_str().contains("hunter2"), "{left:?}");
        }
        assert!(!tail("and AKIAIOSFODNN7EXAMPLE, password=hunter2hunter2", &[]).as_str().contains("hunter2"));
        let body = "A".repeat(2500);
        let key = format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\nafter");
        assert_eq!(tail(&key, &[]).as_str().matches('A').count(), 0, "a private key that is cut in two");
    }
}
