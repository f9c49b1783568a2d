//! What the documents show of the code's tables is what the code has.
//!
//! After a change of a table, `MUSTER_WRITE_DOCS=1 cargo test -p tests --test it documents` writes it anew.

use std::path::{Path, PathBuf};
use std::time::Duration;

use integrations::chat::limits::{Bucket, Limit, Per, Row, Source, Twice, calls, rows};
use operations::ids::Platform;

fn time(of: Duration) -> String {
    let ms = of.as_millis();
    let units = [("h", 3_600_000), ("min", 60_000), ("s", 1000)];
    let whole = units.into_iter().find(|(_, unit)| ms.is_multiple_of(*unit));
    whole.map_or_else(|| format!("{ms} ms"), |(name, unit)| format!("{} {name}", ms / unit))
}

fn often(limit: Limit) -> String {
    format!("{} in {}", limit.calls, time(limit.per))
}

fn per(per: Per) -> &'static str {
    match per {
        Per::Workspace => "workspace",
        Per::Application => "bot",
        Per::Channel => "channel",
        Per::Guild => "server",
        Per::Token => "interaction",
        Per::Url => "address",
        Per::Address => "IP address",
    }
}

fn limits(platform: Platform) -> String {
    let line = |Row { call, bucket, per: each, figure }: Row| {
        let tolerated = match figure.tolerated {
            0 => String::new(),
            more => format!(", and {more} more at once"),
        };
        let kept = match bucket {
            Bucket::Counted => often(figure.kept),
            Bucket::Own | Bucket::Headers | Bucket::All => {
                format!("{} at once, then one in {}", figure.kept.calls, time(figure.kept.apart()))
            }
        };
        let (allowed, from) = match figure.source {
            Source::Told { page, read } => (often(figure.told), format!("{page}; {read}")),
            Source::Read { page, read, words } => (often(figure.told), format!("{words}: {page}; {read}")),
            Source::Seen { by } => (often(figure.told), format!("not told; seen by {by}")),
            Source::Headers { why } => {
                ("as the headers say".to_owned(), format!("each answer's headers; begun with: {why}"))
            }
        };
        format!("| `{call}` | {} | {allowed}{tolerated} | {kept} | {from} |\n", per(each))
    };
    let head = "| Call | For each | Allowed | Kept to | From |\n|---|---|---|---|---|\n";
    rows(platform).into_iter().map(line).fold(head.to_owned(), |all, line| all + &line)
}

fn deliveries(platform: Platform) -> String {
    let mut seen = std::collections::BTreeSet::new();
    let mut table = "| Call | After a lost answer | |\n|---|---|---|\n".to_owned();
    // A route that has two limits is one call.
    for call in calls(platform).into_iter().filter(|call| seen.insert(call.name)) {
        let (what, why) = match call.twice {
            Twice::Reads => ("made again", "it only reads"),
            Twice::Same(why) => ("made again", why),
            Twice::Once(why) => ("made again, and done once", why),
            Twice::Found(by) => ("looked for, then made again", by),
            Twice::Marked(why) => ("made again and marked", why),
        };
        table += &format!("| `{}` | {what} | {why} |\n", call.name);
    }
    table
}

/// Compares what stands between the marks of a document with what is made of the tables, or writes it.
fn is_up_to_date(document: &str, name: &str, made: &str) {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(document);
    let text = std::fs::read_to_string(&path).expect("the document is there");
    let (begin, end) = (format!("<!-- {name}: made of the code -->\n"), format!("<!-- {name}: end -->"));
    let from = text.find(&begin).unwrap_or_else(|| panic!("{document} has no {begin}")) + begin.len();
    let to = text.find(&end).unwrap_or_else(|| panic!("{document} has no {end}"));
    if std::env::var_os("MUSTER_WRITE_DOCS").is_some() {
        std::fs::write(&path, format!("{}{made}{}", &text[..from], &text[to..])).expect("it can be written");
        return;
    }
    assert_eq!(&text[from..to], made, "{document}: see the head of this file");
}

#[test]
fn the_limits_that_are_documented_are_those_that_are_kept() {
    is_up_to_date("limits.md", "slack", &limits(Platform::Slack));
    is_up_to_date("limits.md", "discord", &limits(Platform::Discord));
}

#[test]
fn what_follows_from_a_lost_answer_is_documented() {
    is_up_to_date("delivery.md", "slack", &deliveries(Platform::Slack));
    is_up_to_date("delivery.md", "discord", &deliveries(Platform::Discord));
}

#[test]
fn the_schema_of_runbooks_for_editors_is_what_is_read() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/runbook.schema.json");
    let made = format!("{}\n", serde_json::to_string_pretty(&runbooks::schema()).expect("it is JSON"));
    if std::env::var_os("MUSTER_WRITE_DOCS").is_some() {
        std::fs::write(&path, made).expect("it can be written");
        return;
    }
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), made, "see the head of this file");
}
