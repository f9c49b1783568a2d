//! Spans of time and ends as people type them: `2h`, `1h30m`, `18:00`, `2026-11-24T08:00`.

use std::time::Duration;

use operations::locks::Until;

/// A span of time; none where it is something else.
pub(super) fn duration(said: &str) -> Option<Duration> {
    let mut left = said.trim();
    let mut seconds: u64 = 0;
    if left.is_empty() || left.len() > 20 {
        return None;
    }
    while !left.is_empty() {
        let digits = left.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = left[..digits].parse().ok()?;
        left = &left[digits..];
        let end = left.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(left.len());
        let unit = match left[..end].to_ascii_lowercase().as_str() {
            "s" | "sec" | "secs" => 1,
            "m" | "min" | "mins" | "minutes" => 60,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => 86_400,
            "w" | "week" | "weeks" => 604_800,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        left = &left[end..];
    }
    // More than ten years are a slip of the pen.
    (seconds > 0 && seconds < 315_000_000).then(|| Duration::from_secs(seconds))
}

/// An end; none where it is something else.
pub(super) fn until(said: &str) -> Option<Until> {
    let said = said.trim().trim_end_matches([',', '.']);
    if let Some(lasts) = duration(said) {
        return Some(Until::For(lasts));
    }
    if let Ok(moment) = said.parse::<jiff::civil::DateTime>()
        && said.contains(['T', ' '])
    {
        return Some(Until::DateTime(moment));
    }
    if let Ok(date) = said.parse::<jiff::civil::Date>() {
        return Some(Until::DateTime(date.to_datetime(jiff::civil::Time::midnight())));
    }
    said.contains(':').then(|| said.parse().ok()).flatten().map(Until::Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read() {
        for (said, seconds) in
            [("2h", 7200), ("90m", 5400), ("1h30m", 5400), ("3d", 259_200), ("45min", 2700), ("1w", 604_800)]
        {
            assert_eq!(duration(said), Some(Duration::from_secs(seconds)), "{said}");
        }
        for said in ["", "h", "2", "2x", "-2h", "0m", "99999999999999999999h", "9999w", "2 h", "checkout"] {
            assert_eq!(duration(said), None, "{said}");
        }
    }

    #[test]
    fn ends_are_read() {
        assert_eq!(until("2h"), Some(Until::For(Duration::from_secs(7200))));
        assert_eq!(until("18:00"), Some(Until::Time(jiff::civil::time(18, 0, 0, 0))));
        assert_eq!(until("2026-11-24T08:00"), Some(Until::DateTime(jiff::civil::date(2026, 11, 24).at(8, 0, 0, 0))));
        assert_eq!(until("2026-11-24"), Some(Until::DateTime(jiff::civil::date(2026, 11, 24).at(0, 0, 0, 0))));
        for said in ["", "25:00", "monday", "2026-13-01", "x:y"] {
            assert_eq!(until(said), None, "{said}");
        }
    }
}
