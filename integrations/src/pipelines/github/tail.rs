//! The last lines of a job's log: GitHub's own times and marks are left out, the rest is as with all logs.

use std::borrow::Cow;

use operations::text::Outside;

use crate::pipelines::tail;

/// The end of `log`, without these secrets and whatever looks like one.
pub(super) fn end(log: &[u8], secrets: &[&str]) -> Outside {
    // A line in front of what is looked at, with a time of its own for each: more than that is not needed.
    let from = log.len().saturating_sub(2 * tail::WINDOW);
    let text: Cow<'_, str> = String::from_utf8_lossy(&log[from..]);
    let lines: Vec<&str> = text.lines().filter_map(clean).collect();
    tail::tail(lines.join("\n"), secrets)
}

/// A line without its time and GitHub's marks; none where nothing is left but a mark.
fn clean(line: &str) -> Option<&str> {
    let line = line.trim_start_matches('\u{feff}');
    let line = match line.split_once(' ') {
        Some((time, rest)) if time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok() => rest,
        _ => line,
    };
    match line.strip_prefix("##[") {
        Some(marked) if marked.starts_with("endgroup]") => None,
        Some(marked) => Some(marked.split_once(']').map_or(line, |(_, rest)| rest)),
        None => Some(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_marks_are_left_out() {
        let log = "\u{feff}2026-11-21T22:00:00.1234567Z ##[group]Run deploy\n2026-11-21T22:00:01.1234567Z \u{1b}[1;31mred\u{1b}[0m\n\
                   2026-11-21T22:00:03.1234567Z 10%\r50%\r100%\n2026-11-21T22:00:04.1234567Z ##[endgroup]\n##[error]it failed\n";
        assert_eq!(end(log.as_bytes(), &[]).as_str(), "Run deploy\nred\n100%\nit failed");
    }

    #[test]
    fn the_last_whole_lines_are_kept() {
        let log: String = (0..20_000).map(|at| format!("2026-11-21T22:00:01.1234567Z line {at:05}\n")).collect();
        let end = end(log.as_bytes(), &[]);
        assert!(end.as_str().lines().all(|line| line.len() == 10 && line.starts_with("line ")), "{end:?}");
        assert!(end.as_str().ends_with("line 19999"));
    }
}
