//! The journal's lines and exports: what was changed is never taken for what was written.

use std::fmt::Write as _;
use std::sync::LazyLock;

use bot::journal::verify_export;
use operations::journal::{Hash, Record};
use operations::state::State;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::bytes::Bytes;
use super::scene::Scene;

/// An export as it came, records as they came, or a good export with something changed.
pub(super) fn check(data: &[u8]) {
    let mut script = Bytes::new(data);
    match script.below(3) {
        0 => {
            let export = script.rest();
            let read = verify_export(&mut &export[..]);
            assert_eq!(read.is_ok(), verify_export(&mut &export[..]).is_ok());
            if let Ok(summary) = read {
                let (events, hash) = chain(export);
                assert_eq!((summary.events, summary.hash), (events, hash));
            }
        }
        1 => folds(script.rest()),
        _ => changed(&mut script),
    }
}

/// Whatever can be read can be folded, the same way each time, and is written as it was read.
fn folds(lines: &[u8]) {
    let (mut one, mut other) = (State::default(), State::default());
    for line in lines.split(|byte| *byte == b'\n') {
        let Ok(record) = serde_json::from_slice::<Record>(line) else { continue };
        let written = serde_json::to_string(&record).expect("a record is JSON");
        assert_eq!(serde_json::from_str::<Record>(&written).ok(), Some(record.clone()), "{written}");
        one.apply(&record);
        other.apply(&record);
    }
    let json = |state: &State| serde_json::to_value(state).expect("the state is JSON");
    assert_eq!(json(&one), json(&other));
}

/// A good export, byte by byte.
fn good() -> &'static [u8] {
    static GOOD: LazyLock<String> = LazyLock::new(|| {
        let mut hash = Hash::GENESIS;
        let mut export = "{\"format\":1}\n".to_owned();
        let records = Scene::lively().records;
        for record in &records {
            let line = serde_json::to_string(record).expect("a record is JSON");
            hash = hash.then(line.as_bytes());
            writeln!(export, "{{\"record\":{{\"hash\":\"{hash}\",\"record\":{line}}}}}").expect("a string takes all");
        }
        let events = records.len();
        writeln!(export, "{{\"end\":{{\"events\":{events},\"hash\":\"{hash}\",\"effects\":0}}}}").expect("it does");
        assert!(verify_export(&mut export.as_bytes()).is_ok(), "{export}");
        export
    });
    GOOD.as_bytes()
}

fn changed(script: &mut Bytes<'_>) {
    let mut export = good().to_vec();
    for _ in 0..1 + script.below(3) {
        let at = script.number() % export.len().max(1);
        match script.below(6) {
            0 if at < export.len() => export[at] ^= 1 << script.below(8),
            1 if at < export.len() => drop(export.remove(at)),
            2 => export.insert(at.min(export.len()), script.byte()),
            3 => export.truncate(at),
            _ => {
                let mut lines: Vec<&[u8]> = export.split_inclusive(|byte| *byte == b'\n').collect();
                let (from, to) = (script.below(lines.len().max(1)), script.below(lines.len().max(1)));
                match script.below(3) {
                    0 if from < lines.len() => drop(lines.remove(from)),
                    1 if from < lines.len() => lines.insert(to, lines[from]),
                    _ if from < lines.len() && to < lines.len() => lines.swap(from, to),
                    _ => {}
                }
                export = lines.concat();
            }
        }
    }
    if verify_export(&mut &export[..]).is_ok() {
        // Blanks between the lines' parts say nothing; every record is as it was, to the byte.
        let records = |export: &[u8]| records(export).into_iter().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(records(&export), records(good()), "{}", String::from_utf8_lossy(&export));
    }
}

/// The records of an export as they stand.
fn records(export: &[u8]) -> Vec<&str> {
    #[derive(Deserialize)]
    struct Line<'a> {
        #[serde(borrow)]
        record: Option<Inner<'a>>,
    }
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow)]
        record: &'a RawValue,
    }
    let lines = export.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let read = |line| serde_json::from_slice::<Line<'_>>(line).ok().and_then(|line| line.record);
    lines.filter_map(read).map(|inner| inner.record.get()).collect()
}

/// How many records an export has, and the hash that they come to.
fn chain(export: &[u8]) -> (u64, Hash) {
    let records = records(export);
    let hash = records.iter().fold(Hash::GENESIS, |hash, line| hash.then(line.as_bytes()));
    (records.len() as u64, hash)
}
