//! How long pages take to be read and checked.

use std::time::Instant;

/// So many pages.
const PAGES: usize = 500;

/// Reads the shipped pages over and over, each time under another id, and prints how long that takes.
pub(crate) fn runbooks() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../runbooks/library");
    let mut shipped = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the shipped pages").flatten() {
        if entry.path().is_dir() {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).expect("a text");
        if text.starts_with("---") {
            shipped.push(text);
        }
    }
    let pages: Vec<String> = (0..PAGES)
        .map(|number| shipped[number % shipped.len()].replacen("id: ", &format!("id: n{number}-"), 1))
        .collect();
    let bytes: usize = pages.iter().map(String::len).sum();
    let begun = Instant::now();
    let steps: usize = pages.iter().map(|text| runbooks::read("page.md", text).expect("it is right").steps.len()).sum();
    let took = begun.elapsed();
    println!("{PAGES} pages with {steps} steps ({} KiB) read and checked in {took:.1?}", bytes / 1024);
}
