//! Everything that the fuzzer ever found worth keeping, through the same properties again.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use tests::fuzz::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    entries.map(|entry| name(entry).into_string().expect("a name in UTF-8")).collect()
}

#[test]
fn corpora_replay() {
    let mut broken = Vec::new();
    std::thread::scope(|scope| {
        let replay = |(name, target): &'static (&str, tests::fuzz::Target)| {
            let folder = fuzz().join("corpus").join(name);
            let files = names(&folder).into_iter().map(move |file| folder.join(file));
            let fails = |file: &PathBuf| {
                let data = fs::read(file).expect("a file");
                catch_unwind(AssertUnwindSafe(|| target(&data))).is_err()
            };
            files.filter(fails).collect::<Vec<_>>()
        };
        let threads: Vec<_> = TARGETS.iter().map(|target| scope.spawn(move || replay(target))).collect();
        broken.extend(threads.into_iter().flat_map(|thread| thread.join().expect("a thread")));
    });
    assert!(broken.is_empty(), "what is said above came of {broken:#?}");
}

#[test]
fn every_target_has_its_file_and_its_corpus() {
    let known: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&fuzz().join("corpus")), known);
    let files: BTreeSet<String> = known.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&fuzz().join("fuzz_targets")), files);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("the manifest");
    for name in known {
        let target = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).expect("the target");
        assert!(target.contains(&format!("\"{name}\"")), "{name} runs itself");
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name} is in the manifest");
    }
}

#[test]
fn corpora_stay_small() {
    let mut all = 0;
    for (name, _) in TARGETS {
        let folder = fuzz().join("corpus").join(name);
        for file in names(&folder) {
            let size = fs::metadata(folder.join(&file)).expect("a file").len();
            assert!(size <= 64 * 1024, "{name}/{file} has {size} bytes");
            all += size;
        }
    }
    assert!(all <= 2 * 1024 * 1024, "{all} bytes in all; `cargo fuzz cmin` makes them fewer");
}
