//! The wiki as web pages: `GET /wiki/…`, read from the work tree at each request.
//!
//! What holds: HTML in a page is shown as text and never passed through; a link leads to the
//! web or stays in the wiki; no script ever runs (there is none, and the policy forbids it).

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use integrations::wiki::git::{Wiki, WikiError};
use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};

use crate::postmortem::heading;

/// What a browser may do with a page: show it with our style sheet, and images over https.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' https:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";
/// The page that stands for the whole wiki.
const INDEX: &str = "README.md";
const STYLE: &str = include_str!("wiki_pages/style.css");

/// The routes of the wiki.
pub fn router(wiki: Arc<Wiki>) -> Router {
    Router::new()
        .route("/wiki", get(|| async { Redirect::permanent("/wiki/") }))
        .route("/wiki/", get(index))
        .route("/wiki/style.css", get(style))
        .route("/wiki/{*path}", get(page))
        .with_state(wiki)
}

async fn index(State(wiki): State<Arc<Wiki>>) -> Response {
    blocking(wiki, |wiki| match wiki.read(INDEX)? {
        Some(markdown) => Ok(Some(document("Wiki", &markdown))),
        None => wiki.list().map(|pages| Some(document("Wiki", &listing(&pages)))),
    })
    .await
}

async fn page(State(wiki): State<Arc<Wiki>>, Path(path): Path<String>) -> Response {
    blocking(wiki, move |wiki| Ok(wiki.read(&path)?.map(|markdown| document(&path, &markdown)))).await
}

async fn style() -> Response {
    answer(StatusCode::OK, "text/css; charset=utf-8", STYLE.to_owned())
}

/// Reads and renders away from the threads that serve: both may take a while with a large page.
async fn blocking(
    wiki: Arc<Wiki>,
    make: impl FnOnce(&Wiki) -> Result<Option<String>, WikiError> + Send + 'static,
) -> Response {
    const HTML: &str = "text/html; charset=utf-8";
    let made = tokio::task::spawn_blocking(move || make(&wiki)).await;
    match made {
        Ok(Ok(Some(page))) => answer(StatusCode::OK, HTML, page),
        Ok(Ok(None) | Err(WikiError::BadPath(_) | WikiError::NotPlain(_))) => {
            let words = "# There is no such page\n\nThe [list of pages](/wiki/) has those that there are.\n";
            answer(StatusCode::NOT_FOUND, HTML, document("No such page", words))
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "A page of the wiki could not be read");
            broken(HTML)
        }
        Err(error) => {
            tracing::error!(%error, "Rendering a page of the wiki broke off");
            broken(HTML)
        }
    }
}

fn broken(html: &'static str) -> Response {
    let words = "# This page can't be shown\n\nMuster's log says why.\n";
    answer(StatusCode::INTERNAL_SERVER_ERROR, html, document("Can't be shown", words))
}

/// An answer that a browser shows with our style sheet, and does nothing else with.
pub fn answer(status: StatusCode, kind: &'static str, body: String) -> Response {
    let headers: [(HeaderName, HeaderValue); 5] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (status, headers, body).into_response()
}

fn listing(pages: &[String]) -> String {
    let lines: String = pages.iter().map(|path| format!("- [{path}]({path})\n")).collect();
    if lines.is_empty() { "# Wiki\n\nNo page was written yet.\n".to_owned() } else { format!("# Wiki\n\n{lines}") }
}

fn document(name: &str, markdown: &str) -> String {
    let title = escape(&heading(markdown).unwrap_or_else(|| name.to_owned()));
    framed_with(&title, &html(markdown))
}

/// A page with this title and body; the body is HTML.
#[must_use]
pub fn framed(title: &str, body: &str) -> String {
    framed_with(&escape(title), body)
}

fn framed_with(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n\
         <link rel=\"stylesheet\" href=\"/wiki/style.css\">\n</head>\n<body>\n\
         <nav><a href=\"/wiki/\">All pages</a></nav>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Markdown as HTML that is safe to show, whatever the Markdown.
#[must_use]
pub fn html(markdown: &str) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    // Whether each link or image that is open is shown as one.
    let mut open: Vec<bool> = Vec::new();
    let safe = Parser::new_ext(markdown, options).filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => shown(text),
        Event::Start(Tag::Link { link_type, ref dest_url, .. } | Tag::Image { link_type, ref dest_url, .. }) => {
            // `<a@b.c>` would become a link to `mailto:`.
            let goes = link_type != LinkType::Email && leads_somewhere_safe(dest_url);
            open.push(goes);
            goes.then_some(event)
        }
        Event::End(TagEnd::Link | TagEnd::Image) => open.pop().unwrap_or(false).then_some(event),
        other => Some(other),
    });
    let mut html = String::with_capacity(markdown.len() * 2);
    pulldown_cmark::html::push_html(&mut html, safe);
    html
}

/// HTML as text; nothing of Muster's own markers.
fn shown(html: CowStr<'_>) -> Option<Event<'_>> {
    let is_marker =
        html.trim().strip_prefix("<!-- muster:").is_some_and(|rest| rest.ends_with("-->") && !rest.contains('\n'));
    (!is_marker).then_some(Event::Text(html))
}

/// Whether an address is one of the web, or a place in the wiki.
fn leads_somewhere_safe(address: &str) -> bool {
    // Browsers pass over controls and take a backslash for a slash; no address needs them.
    if address.chars().any(|c| c.is_control() || c == '\\') || address.trim() != address {
        return false;
    }
    let lower = address.to_ascii_lowercase();
    if lower.starts_with("https://") || lower.starts_with("http://") {
        return true;
    }
    let scheme = address.find(['/', '?', '#', ':']).is_some_and(|at| address[at..].starts_with(':'));
    !scheme && !address.starts_with("//")
}

/// Text as HTML that shows it.
#[must_use]
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_shown_as_text() {
        for hostile in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "<div>\n<b onclick='x'>\n</div>",
            "<style>body{}</style>",
            "<!-- muster:begin x -->\n<iframe src=x>",
            "<!-- muster:begin x --><script>x</script>",
            "<!-- muster: <script>\nx -->",
            "<?php x ?>",
            "<![CDATA[<script>]]>",
            "`<script>`",
            "```html\n<script>\n```",
            "# <script>x</script>",
            "| <script> |\n| - |\n| <img src=x> |",
            "[<script>](https://a.example \"<script>\")",
            "![<script>\"onload=x](https://a.example/\"onload=x)",
            "``` \"><script>\nx\n```",
        ] {
            let page = document("x", hostile);
            for tag in ["<script", "<img src=x", "<b ", "<style", "<iframe", "<div", "<?php", "<![CDATA"] {
                assert!(!page.contains(tag), "{tag} of {hostile}: {page}");
            }
            assert!(!page.contains("\"onload"), "{page}");
        }
    }

    #[test]
    fn markers_are_not_shown_and_other_comments_are() {
        let page = html("<!-- muster:begin x 12ab -->\n| a |\n| - |\n| b |\n<!-- muster:end x -->\n\nc <!-- note -->");
        assert!(
            !page.contains("muster:") && page.contains("<td>b</td>") && page.contains("c &lt;!-- note --&gt;"),
            "{page}"
        );
    }

    #[test]
    fn links_lead_to_the_web_or_into_the_wiki() {
        for (address, safe) in [
            ("https://a.example/x?y#z", true),
            ("HTTP://a.example", true),
            ("postmortems/inc-1.md", true),
            ("/wiki/", true),
            ("#part", true),
            ("a/b:c", true),
            ("?x=a:b", true),
            ("javascript:alert(1)", false),
            ("JaVaScRiPt:alert(1)", false),
            ("java\tscript:alert(1)", false),
            (" javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("vbscript:x", false),
            ("file:///etc/passwd", false),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("mailto:a@b.c", false),
        ] {
            assert_eq!(leads_somewhere_safe(address), safe, "{address}");
        }
        let page = html("[a](javascript&colon;x) ![b](data:x) [c [d](//e) f](https://g.example) <javascript:x>");
        assert!(!page.contains("javascript:x\"") && !page.contains("data:") && !page.contains("//e\""), "{page}");
        assert_eq!(html("<ann@example.com>"), "<p>ann@example.com</p>\n");
        assert!(html("[c](https://g.example)").contains("<a href=\"https://g.example\">c</a>"));
        assert!(html("[![b](data:x)](https://g.example)").contains("<a href=\"https://g.example\">b</a>"));
    }

    /// Asks the handler of a path, as it stands after the percent signs were read.
    async fn get_page(wiki: &Arc<Wiki>, path: &str) -> (StatusCode, axum::http::HeaderMap, String) {
        let answer = match path {
            "" => index(State(wiki.clone())).await,
            "style.css" => style().await,
            _ => page(State(wiki.clone()), Path(path.to_owned())).await,
        };
        let (parts, body) = answer.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn pages_are_served_with_a_strict_policy() {
        let folder = tempfile::tempdir().expect("a folder");
        let wiki = Arc::new(Wiki::open_or_create(folder.path(), "Muster").expect("a wiki"));
        // That the routes can stand beside each other shows when they are put together.
        drop(router(wiki.clone()));
        let (status, _, body) = get_page(&wiki, "").await;
        assert!(status == StatusCode::OK && body.contains("No page was written yet"), "{body}");
        wiki.write("postmortems/inc-1-a.md", "# INC-1: <b>\n\nwords\n", "x").expect("written");
        let (_, _, body) = get_page(&wiki, "").await;
        assert!(body.contains("<a href=\"postmortems/inc-1-a.md\">"), "{body}");
        wiki.write("README.md", "# Our wiki\n", "x").expect("written");
        let (_, _, body) = get_page(&wiki, "").await;
        assert!(body.contains("<h1>Our wiki</h1>"), "{body}");
        let (status, headers, body) = get_page(&wiki, "postmortems/inc-1-a.md").await;
        assert!(
            status == StatusCode::OK && body.contains("words") && body.contains("<title>INC-1: &lt;b&gt;<"),
            "{body}"
        );
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().expect("text");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        for path in
            ["no.md", "../Cargo.toml", "../x.md", ".git/config", "/etc/passwd", "\0.md", "README.md/x", "postmortems/"]
        {
            let (status, headers, body) = get_page(&wiki, path).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}: {body}");
            assert!(headers.contains_key(header::CONTENT_SECURITY_POLICY), "{path}");
        }
        std::fs::write(folder.path().join("bytes.md"), b"\xff").expect("written");
        let (status, _, body) = get_page(&wiki, "bytes.md").await;
        assert!(status == StatusCode::INTERNAL_SERVER_ERROR && !body.contains("UTF-8"), "{body}");
        let (status, headers, _) = get_page(&wiki, "style.css").await;
        assert!(
            status == StatusCode::OK
                && headers[header::CONTENT_TYPE].to_str().is_ok_and(|kind| kind.starts_with("text/css"))
        );
    }
}
