//! A whole incident as a page, and pages that people and Muster write in turns.

use integrations::wiki::git::Wiki;
use jiff::{SignedDuration, Timestamp};
use operations::alert::Alert;
use operations::chat::{Actor, Captured};
use operations::event::Event;
use operations::ids::{GroupId, IncidentId, MessageRef, Platform, UserRef};
use operations::incident::{Mark, Role, Severity};
use operations::journal::Record;
use operations::state::State;
use operations::triage::Verdict;

use super::*;

const INC: IncidentId = IncidentId(1);
const GROUP: GroupId = GroupId(7);

fn start() -> Timestamp {
    "2026-03-02T14:00:00Z".parse().expect("a time")
}

fn actor(name: &str, platform: Platform) -> Actor {
    let user = UserRef { platform, workspace: "W".to_owned(), user: format!("U-{name}") };
    Actor { user, name: name.into() }
}

fn ann() -> Actor {
    actor("Ann", Platform::Slack)
}

fn bob() -> Actor {
    actor("Bob", Platform::Discord)
}

fn tell(state: &mut State, second: i64, event: Event) {
    let at = start() + SignedDuration::from_secs(second);
    state.apply(&Record { seq: state.seq + 1, at, event });
}

fn alert_fires(state: &mut State, words: &str) {
    let labels = [("alertname", words.into()), ("severity", "critical".into())].into();
    let alert = Alert {
        fingerprint: "ab12".into(),
        labels,
        annotations: [("summary", words.into())].into(),
        starts_at: start(),
        ends_at: None,
        source_url: Some("https://prometheus.example.com/graph?a=b|c".into()),
    };
    let opened = Event::GroupOpened {
        group: GROUP,
        source: "am".into(),
        key: "k".into(),
        title: words.into(),
        service: None,
        severity: Severity::Sev2,
        source_url: None,
        channel: None,
    };
    tell(state, 0, opened);
    tell(state, 0, Event::AlertFired { group: GROUP, alert, verdict: Verdict::Opens });
}

/// An incident in which everything was said in `words`.
fn told_in(words: &str) -> State {
    let mut state = State::default();
    alert_fires(&mut state, words);
    let who = Actor { name: words.into(), ..ann() };
    let incident = INC;
    tell(
        &mut state,
        65,
        Event::AlertAcknowledged { group: GROUP, by: who.clone(), taken_from: None, asks_again: None },
    );
    tell(
        &mut state,
        120,
        Event::IncidentDeclared {
            incident,
            title: words.into(),
            severity: Severity::Sev2,
            by: who.clone(),
            update_due: None,
        },
    );
    tell(&mut state, 120, Event::AlertAttached { incident, group: GROUP });
    tell(&mut state, 120, Event::ResponderJoined { incident, who: who.clone() });
    tell(
        &mut state,
        130,
        Event::RoleChanged { incident, role: Role::Commander, to: Some(who.clone()), by: who.clone() },
    );
    tell(&mut state, 131, Event::RoleChanged { incident, role: Role::Scribe, to: Some(bob()), by: who.clone() });
    for (from, to) in [(Severity::Sev2, Severity::Sev1), (Severity::Sev1, Severity::Sev3)] {
        tell(&mut state, 180, Event::SeverityChanged { incident, from, to, by: who.clone(), update_due: None });
    }
    tell(&mut state, 200, Event::NoteAdded { incident, text: words.into(), by: who.clone() });
    tell(&mut state, 210, Event::UpdatePosted { incident, text: words.into(), by: who.clone(), update_due: None });
    tell(&mut state, 220, Event::ActionItemAdded { incident, text: words.into(), by: who.clone() });
    let captured = Captured {
        message: MessageRef { platform: Platform::Slack, channel: "C1".into(), message: "1.2".into() },
        author: who.clone(),
        at: start() + SignedDuration::from_secs(90),
        text: words.into(),
        link: "https://chat.example.com/p?x=(1)".to_owned(),
    };
    tell(&mut state, 230, Event::MessageCaptured { incident, captured, by: who, how: Mark::Pin });
    state
}

fn resolve(state: &mut State) {
    let incident = INC;
    tell(state, 3_720, Event::IncidentMitigated { incident, text: None, by: ann() });
    tell(state, 7_320, Event::IncidentResolved { incident, text: Some("rolled back".into()), by: bob() });
}

fn view_of(state: &State) -> View {
    view::view(state, INC).expect("there is the incident")
}

#[test]
fn what_the_journal_knows_is_in_the_page() {
    let mut state = told_in("Checkout fails");
    resolve(&mut state);
    let page = render(&view_of(&state), None).expect("the shipped template");
    for words in [
        "# INC-1: Checkout fails\n",
        "| Severity | SEV3 (minor: some users, a way around exists); at its highest SEV1 |",
        "| Status | resolved |",
        "| Resolved | 2026-03-02 16:02:00 UTC |",
        "| Time to acknowledge | 1 minute 5 seconds |",
        "| Time to mitigate | 1 hour |",
        "| Time to resolve | 2 hours |",
        "| Checkout fails (Slack) | Commander | 2026-03-02 14:02:00 |",
        "| Bob (Discord) | Scribe | – |",
        "| A-7 Checkout fails ([source](https://prometheus.example.com/graph?a=b%7Cc)) | Checkout fails | SEV1 | 2026-03-02 14:00:00 |",
        "| 2026-03-02 14:03:00 | Checkout fails | changed the severity from SEV2 to SEV1 |",
        "| 2026-03-02 14:01:30 | Checkout fails | wrote: Checkout fails | [open](https://chat.example.com/p?x=%281%29) |",
        "| 2026-03-02 16:02:00 | Bob | resolved the incident: rolled back |  |",
        "\n> Checkout fails\n>\n> — Checkout fails, 2026-03-02 14:01:30 UTC, [open](https://chat.example.com/p?x=%281%29)\n",
        "| Checkout fails | Checkout fails | | |",
        "## Where we were lucky",
    ] {
        assert!(page.contains(words), "{words} is missing in:\n{page}");
    }
    let html = crate::wiki_pages::html(&page);
    assert_eq!(html.matches("<table>").count(), 6, "every table is one: {html}");
    assert!(!html.contains('|') && !html.contains("&gt;"), "no markup is left over: {html}");
}

#[test]
fn what_is_not_known_is_no_zero() {
    let mut state = State::default();
    let by = ann();
    let declared =
        Event::IncidentDeclared { incident: INC, title: "x".into(), severity: Severity::Sev4, by, update_due: None };
    tell(&mut state, 0, declared);
    let view = view_of(&state);
    assert_eq!(view.to_acknowledge, "not applicable: no alert belongs to it");
    assert_eq!(
        (view.to_mitigate.as_str(), view.to_resolve.as_str(), view.mitigated_at.as_str()),
        ("pending", "pending", "pending")
    );
    assert_eq!((view.highest, view.severity), ("SEV4", "SEV4"));
    let page = render(&view, None).expect("the shipped template");
    for words in ["No alert belongs", "SEV4 all along", "Nothing was pinned", "None were written down"] {
        assert!(page.contains(words), "{words} is missing in:\n{page}");
    }
    alert_fires(&mut state, "late");
    tell(&mut state, 5, Event::AlertAttached { incident: INC, group: GROUP });
    assert_eq!(view_of(&state).to_acknowledge, "pending");
    resolve(&mut state);
    assert_eq!(view_of(&state).to_acknowledge, "not recorded: no alert was acknowledged");
    tell(&mut state, 9_000, Event::IncidentReopened { incident: INC, text: None, by: ann(), update_due: None });
    assert_eq!(view_of(&state).to_resolve, "pending");
    assert!(view::view(&state, IncidentId(2)).is_none());
}

#[test]
fn hostile_words_change_nothing_but_themselves() {
    let shape = |words: &str| {
        let page = render(&view_of(&told_in(words)), None).expect("the shipped template");
        let merged = merge(None, &page);
        let refreshed = merge(Some(&merged.text), &page);
        assert_eq!((refreshed.text.as_str(), refreshed.conflicts.len()), (merged.text.as_str(), 0), "{words:?}");
        let html = crate::wiki_pages::html(&merged.text);
        html.split('<').skip(1).map(|tag| tag.split('>').next().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let plain = shape("plain");
    for words in [
        "<script>alert(1)</script> <!-- muster:end header -->",
        "<!-- muster:begin timeline -->",
        "a | b \\| c \\\\| d",
        "[x](javascript:alert(1)) ![y](https://evil.example/z.png) <https://evil.example>",
        "{{ 7*7 }} {% for x in y %} {# z #} ${x}",
        "# head **bold** _it_ ~~s~~ `code` \\",
        "@everyone @ann https://evil.example www.evil.example a@b.example",
        "--- === *** 1. x - y",
    ] {
        assert_eq!(shape(words), plain, "{words:?}");
        assert_eq!(shape(&format!("{words}\\")), plain, "{words:?} and a backslash");
    }
}

#[test]
fn a_page_is_found_again_and_human_words_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let wiki = Wiki::open_or_create(folder.path(), "Muster").expect("a wiki");
    let mut state = told_in("Checkout | fails <script>");
    let path = publish(&view_of(&state), &wiki, None).expect("published").path;
    assert_eq!(path, "postmortems/inc-1-checkout-fails-script.md");
    let index = wiki.read("README.md").expect("readable").expect("there");
    assert!(
        index.contains("- [INC-1: Checkout \\| fails &lt;script&gt;](postmortems/inc-1-checkout-fails-script.md)\n"),
        "{index}"
    );
    let text = wiki.read(&path).expect("readable").expect("there");
    let edited = text
        .replace("_Two or three sentences", "It was DNS. _Two or three sentences")
        .replace("| | |\n", "| Ann | Friday |\n");
    let moved = folder.path().join("postmortems/inc-1-dns.md");
    std::fs::write(&moved, edited).expect("edited");
    std::fs::remove_file(folder.path().join(&path)).expect("moved");
    std::fs::write(folder.path().join("postmortems/inc-1-a-note.md"), "# Note\n").expect("written");
    std::fs::write(folder.path().join("postmortems/inc-12-other.md"), "# INC-12: other\n").expect("written");
    std::fs::write(folder.path().join("README.md"), index.clone() + "\nWritten by Ann.").expect("edited");
    resolve(&mut state);
    assert_eq!(publish(&view_of(&state), &wiki, None).expect("published").path, "postmortems/inc-1-dns.md");
    let text = std::fs::read_to_string(&moved).expect("readable");
    for words in ["It was DNS. _Two", "| Ann | Friday |\n", "| Status | resolved |"] {
        assert!(text.contains(words), "{words} is missing in:\n{text}");
    }
    assert!(!text.contains("Edited by hand"), "{text}");
    let index = wiki.read("README.md").expect("readable").expect("there");
    assert!(
        index.ends_with("\nWritten by Ann.") && index.contains("inc-1-dns.md") && !index.contains("script.md"),
        "{index}"
    );
    assert!(index.find("INC-12") < index.find("INC-1:"), "the newest first: {index}");
    assert_eq!(publish(&view_of(&state), &wiki, None).expect("published again").path, "postmortems/inc-1-dns.md");
    assert_eq!(std::fs::read_to_string(&moved).expect("readable"), text);
}

#[test]
fn a_title_without_letters_has_a_page_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let wiki = Wiki::open_or_create(folder.path(), "Muster").expect("a wiki");
    for title in ["障害", "../../etc", ""] {
        let path = publish(&view_of(&told_in(title)), &wiki, None).expect("published").path;
        assert_eq!(path, "postmortems/inc-1.md", "found again under its first name");
    }
}

#[test]
fn a_mistake_in_a_template_is_named() {
    let view = view_of(&told_in("x"));
    assert_eq!(render(&view, Some("{{ id }}\n")).expect("a template"), "INC-1\n");
    for (template, words) in [
        ("{{ no_such_name }}", "undefined"),
        ("a\n{% if %}", "postmortem.md:2"),
        ("{% include \"/etc/passwd\" %}", "template"),
        ("{{ id.no_such }}", "undefined"),
    ] {
        let error = render(&view, Some(template)).expect_err("a mistake").to_string();
        assert!(error.contains(words) && error.chars().count() < 400, "{template}: {error}");
    }
}
