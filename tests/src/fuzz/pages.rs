//! The wiki's pages: any Markdown is HTML that does nothing, and no path leads out of the wiki.

use std::sync::LazyLock;

use bot::wiki_pages::html;
use integrations::wiki::git::Wiki;

use super::bytes::Bytes;
use super::tags;

/// A path, then a page.
pub(super) fn check(data: &[u8]) {
    let mut script = Bytes::new(data);
    leads_nowhere_else(&script.text());
    let markdown = String::from_utf8_lossy(script.rest()).into_owned();
    let page = html(&markdown);
    if let Err(why) = tags::read(&page) {
        panic!("{why} comes out of {markdown:?}: {page}");
    }
    assert_eq!(html(&markdown), page);
}

/// A path that can be read is one that is listed, and gives the page itself.
fn leads_nowhere_else(path: &str) {
    static WIKI: LazyLock<(tempfile::TempDir, Wiki)> = LazyLock::new(|| {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("secret.md"), "secret").expect("written");
        let wiki = Wiki::open_or_create(folder.path().join("wiki"), "Muster").expect("a wiki");
        for page in ["README.md", "postmortems/inc-1.md"] {
            wiki.write(page, "page", "Write").expect("written");
        }
        (folder, wiki)
    });
    let (_, wiki) = &*WIKI;
    if let Ok(Some(text)) = wiki.read(path) {
        assert_eq!(text, "page", "{path:?}");
        assert!(["README.md", "postmortems/inc-1.md"].contains(&path), "{path:?}");
    }
}
