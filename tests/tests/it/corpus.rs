//! Journals of every format that was released: each is imported, opened, checked and replayed, for ever.
//!
//! They stand in `tests/journals/format-N`; how one is made stands in `docs/journal.md`. An
//! expectation here changes only with what [`tests::corpus::told`] tells, never because a
//! journal is understood otherwise than it was.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use bot::checkpoints::check::Against;
use bot::checkpoints::key::PublicKey;
use bot::store::Store;
use bot::store::files::{Files, ReadOnly};
use tests::copy_directory;
use tests::corpus::told;

/// The directories of the formats.
fn formats() -> Vec<PathBuf> {
    let journals = Path::new(env!("CARGO_MANIFEST_DIR")).join("journals");
    let formats: Vec<PathBuf> =
        fs::read_dir(journals).expect("the corpus").flatten().map(|it| it.path()).filter(|it| it.is_dir()).collect();
    assert!(!formats.is_empty(), "there is at least the first format");
    formats
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn state(data: &Path) -> operations::state::State {
    let (state, _, _) = ReadOnly::open(data).and_then(|mut store| store.bring_back()).expect("it can be replayed");
    state
}

#[test]
fn an_export_of_every_format_is_imported_and_replayed_as_it_was() {
    for format in formats() {
        let export = || BufReader::new(File::open(format.join("story.jsonl")).expect("the export"));
        let checked = bot::journal::verify_export(&mut export()).expect("every hash fits");
        let data = tempfile::tempdir().expect("a directory");
        let imported = bot::journal::import(&mut export(), data.path()).expect("it can be imported");
        assert_eq!(imported, checked);
        assert_eq!(bot::journal::verify(data.path()).expect("it holds").hash, checked.hash);
        assert_eq!(told(&state(data.path())), text(&format.join("story.txt")), "{}", format.display());
        // Exported again it is the same to the byte.
        let mut again = Vec::new();
        bot::journal::export(data.path(), &mut again).expect("it can be exported");
        assert!(again == text(&format.join("story.jsonl")).as_bytes(), "{}", format.display());
    }
}

#[test]
fn a_data_directory_of_every_format_opens_and_fits_its_checkpoints() {
    for format in formats() {
        let data = tempfile::tempdir().expect("a directory");
        copy_directory(&format.join("data"), data.path());
        let key = PublicKey::read(text(&format.join("key.txt")).trim()).expect("a key");
        let against = Against { keys: vec![key], ..Against::default() };
        let (summary, fitting) = bot::journal::verify_against(data.path(), &against).expect("everything fits");
        assert_eq!(fitting.newest.map(|(seq, _)| seq), Some(summary.events));
        assert!(fitting.own > 1, "{fitting:?}");
        assert_eq!(told(&state(data.path())), text(&format.join("story.txt")), "{}", format.display());
        // By the snapshot, and by the journal alone.
        let mut store = Files::open(data.path()).expect("it opens");
        let found = store.found().expect("it can be read").state.expect("there is a snapshot");
        assert_eq!(told(&found.0), text(&format.join("story.txt")));
        let read = &mut |from, take: &mut bot::store::Take<'_>| store.read(from, take);
        let (replayed, hash, _) = bot::engine::bring_back(None, read).expect("it can be replayed");
        assert_eq!((told(&replayed), hash), (told(&found.0), summary.hash));
    }
}
