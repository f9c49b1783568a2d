//! Pages as people write them: what is understood, and what is told where something is wrong.

use std::time::Duration;

use operations::runbook::page::{Capture, DryRun, Effect, OnFailure, Page, What};
use runbooks::read;

const FRONT: &str = "---\nid: x\ntitle: X\nowners: [ann]\n---\n\n";

fn page(text: &str) -> Page {
    read("x.md", text).unwrap_or_else(|problems| {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", told.join("\n"))
    })
}

/// What is told of a page, a line each.
fn told(text: &str) -> String {
    match read("x.md", text) {
        Ok(page) => panic!("it is read as {page:?}"),
        Err(problems) => problems.iter().map(|problem| format!("{problem}\n")).collect(),
    }
}

/// What is told of steps below a front matter that is right.
fn steps(text: &str) -> String {
    told(&format!("{FRONT}{text}"))
}

/// The page that the documentation shows.
fn documented() -> &'static str {
    let text = include_str!("../../docs/runbooks.md");
    let (_, rest) = text.split_once("````markdown\n").expect("it shows a page");
    rest.split_once("````\n").expect("it ends").0
}

#[test]
fn the_page_of_the_documentation_is_understood() {
    let page = page(documented());
    assert_eq!((page.id.as_str(), page.title.as_str(), page.steps.len()), ("cache-restart", "Restart the cache", 5));
    assert_eq!(page.about, "When the cache answers slowly and nothing else is wrong.");
    assert_eq!((page.timeout, page.version.len()), (Duration::from_secs(1_800), 64));
    let ids: Vec<&str> = page.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids, ["look", "look-with-your-own-eyes", "let-somebody-approve-it", "restart", "tell"]);
    let [look, eyes, ask, restart, tell] = page.steps.as_slice() else { panic!("five") };
    let What::Http(request) = &look.what else { panic!("a request") };
    assert_eq!((request.method.as_str(), request.headers.len(), &request.body), ("GET", 1, &None));
    assert_eq!(look.capture["clients"], Capture::Json("/clients".to_owned()));
    assert_eq!((look.effect, look.needs.len(), &look.dry_run), (Effect::Retryable, 0, &DryRun::Run));
    let What::Manual { items } = &eyes.what else { panic!("a checklist") };
    assert_eq!(items.iter().map(|item| item.wants_link).collect::<Vec<_>>(), [false, true]);
    assert_eq!(items[1].words.0, "The dashboard shows no deploy since");
    assert!(matches!(&ask.what, What::Approval { least: 1, .. }) && ask.needs == ["look-with-your-own-eyes"]);
    assert_eq!(
        (restart.effect, &restart.on_failure, restart.undo.as_deref()),
        (Effect::Once, &OnFailure::Ask, Some("tell"))
    );
    assert!(tell.aside && tell.needs.is_empty());
}

#[test]
fn prose_belongs_to_the_step_below_it() {
    let text = format!(
        "{FRONT}Above.\n\n## Why\n\nBecause.\n\n```sh example\nrm x\n```\n\n## First\n\nLook.\n\n- [ ] a\n- [ ] b `c` [d](https://e)\n\n\
         > ```http\n> GET https://quoted\n> ```\n"
    );
    let page = page(&text);
    assert_eq!(page.about, "Above.");
    let [first] = page.steps.as_slice() else { panic!("one step: {:?}", page.steps) };
    assert!(first.prose.starts_with("Because.\n\n```sh example\nrm x\n```\n\nLook."), "{}", first.prose);
    assert!(first.prose.contains("> GET https://quoted"), "a fence in a quote is prose");
    let What::Manual { items } = &first.what else { panic!("a checklist") };
    assert_eq!(items[1].words.0, "b c d");
}

#[test]
fn each_shipped_page_is_right() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("library");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "README.md" || !name.ends_with(".md") {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).expect("a text");
        let page = read(&name, &text)
            .unwrap_or_else(|problems| panic!("{}", problems.iter().map(|it| format!("{it}\n")).collect::<String>()));
        assert_eq!(format!("{}.md", page.id), name, "a page is called like its file");
        count += 1;
    }
    assert!(count >= 10, "{count} pages");
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_its_place() {
    let told = told(
        "---\nid: Big One\nowner: ann\ninputs:\n  Cluster: { type: chioce }\n  n: { type: number, most: x, default: a }\n\
         secrets: [hunter2]\ntimeout: soon\nschedule: { cron: \"every day\", zone: Mars }\n---\n\n# X\n\n## One\n\n\
         ```http id=one tiemout=3s\nFETCH ftp://x\n```\n\n## Two\n\n```http timeout=5s when=\"inputs.m == 1\"\n\
         GET https://h/{{ steps.three.a }}\n```\n",
    );
    for part in [
        "x.md:2:5 Big One is no id",
        "x.md:3:1 the front matter has no key owner (did you mean owners?)",
        "a page without owners is nobody's",
        "x.md:5:3 Cluster is no name for an input",
        "x.md:5:20 there is no type chioce (did you mean choice?)",
        "x.md:6:28 most is a whole number",
        "this is no name of a secret",
        "timeout is a span of time",
        "this is no schedule",
        "there is no time zone Mars",
        "x.md:16:16 a step of kind http has no attribute tiemout (did you mean timeout?)",
        "nothing says how long a step of kind http may take",
        "x.md:17:1 FETCH is no method",
        "x.md:17:7 an address begins with https://",
        "x.md:22:20 there is no input m",
        "there is no step three",
    ] {
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
}

#[test]
fn what_would_hurt_is_refused() {
    for (text, part) in [
        ("## A\n\n```sh timeout=1m\necho {{ inputs.x }}\n```\n", "a script is fixed"),
        ("## A\n\n```sh timeout=1m env=\"N={{ run.by }}\"\necho $N\n```\n", "$N stands without quotes"),
        ("## A\n\n```http timeout=1m danger=\"x\"\nPOST https://h\n```\n", "only once others have approved"),
        ("## A\n\n```http timeout=1m\nGET https://{{ run.by }}.example.com\n```\n", "which host is asked is fixed"),
        ("## A\n\n```query timeout=1m\nup{a={{ run.by }}}\n```\n", "within double quotes"),
        ("## A\n\n```notify timeout=1m\nto: incident\ntext: \"{{ secrets.X }}\"\n```\n", "a secret would be seen here"),
        ("## A\n\n```http timeout=1m when=\"secrets.X == 'a'\"\nGET https://h\n```\n", "a secret would be seen here"),
        ("## A\n\n```query timeout=1m\nup{a=\"{{ secrets.X }}\"}\n```\n", "a secret would be seen here"),
        ("## A\n\n```http timeout=1m\nGET https://h/{{ secrets.X }}\n```\n", "names no secret X"),
        ("## A\n\n```http timeout=1m\nPOST https://h\n\n{\"a\": \"{{ run.by }}\"}\n```\n", "this is no JSON"),
        ("## A\n\n```http timeout=1m\nPOST https://h\nHost: x\n```\n", "what the client itself says"),
        ("## A\n\n```http timeout=1m aside\nGET https://h\n```\n", "nothing leads to the step a"),
        (
            "## A\n\n```http timeout=1m needs=b\nGET https://h\n```\n\n## B\n\n```http timeout=1m needs=a\nGET https://h\n```\n",
            "waits for itself",
        ),
        (
            "## A\n\n```http timeout=1m undo=b\nGET https://h\n```\n\n## B\n\n```http timeout=1m\nGET https://h\n```\n",
            "it is not done by itself",
        ),
        (
            "## A\n\n```http timeout=1m\nGET https://h/{{ steps.b.output }}\n```\n\n## B\n\n```http timeout=1m\nGET https://h\n```\n",
            "may not be over by then",
        ),
        (
            "## A\n\n```http timeout=1m\nGET https://h\n```\n\n```http timeout=1m\nGET https://h\n```\n",
            "two steps below one heading",
        ),
        ("## A\n\n```http\nGET https://h\n```\n", "nothing says how this step is done"),
        ("## A\n\n- [x] done\n", "a box is ticked in a run"),
        ("## A\n\n- [ ] one\n- two\n- [ ] three\n", "has no box"),
        ("```http timeout=1m\nGET https://h\n```\n", "stands below a heading"),
        ("## A\n\nOnly words.\n", "the page has no steps"),
        ("## A\n\n```deploy timeout=1m\nservice: x\n```\n", "lacks `environment`"),
        ("## A\n\n```incident timeout=1m\ndo: explode\n```\n", "do can't be explode"),
        ("## A\n\n```wait\n```\n", "a wait is for a time"),
        ("## A\n\n```wait until=\"output.value > 1\" probe=query timeout=1m\nup\n```\n", "how often it is looked at"),
        ("## A\n\n```manual timeout=1m\nx\n```\n", "is a checklist, and no fence"),
        ("## A\n\n```http timeout=1m expect=\"outptu.status == 200\"\nGET https://h\n```\n", "did you mean output?"),
        ("## A\n\n```http timeout=1m retry=\"3 5m..1m\"\nGET https://h\n```\n", "retry can't be"),
        ("## A\n\n```http timeout=1m capture=\"state=text\"\nGET https://h\n```\n", "no name for what is kept"),
        ("## A\n\n```http timeout=1m\nGET https://h/\u{202e}x\n```\n", "can't be seen"),
        ("## Ä\n\n- [ ] a\n", "the heading gives no id"),
    ] {
        let told = steps(text);
        assert!(told.contains(part), "{part} is missing for {text:?}:\n{told}");
    }
}

#[test]
fn what_is_no_page_is_refused_in_words() {
    for (text, part) in [
        (String::new(), "no front matter"),
        ("---\nid: x\n".to_owned(), "has no end"),
        ("---\n- a\n---\n## A\n- [ ] a\n".to_owned(), "is a mapping"),
        ("x".repeat(300 * 1024), "longer than 256 KiB"),
        (format!("{FRONT}{}", "## A\n- [ ] a\n".repeat(201)), "more than 200 steps"),
    ] {
        let told = told(&text);
        assert!(told.contains(part), "{part} is missing in:\n{told}");
    }
}

#[test]
fn what_is_told_of_a_page_steers_no_terminal() {
    let told =
        steps("## A\n\n```http timeout=1m needs=b\u{1b}[31m\nGET https://h\n```\n\n## B\n\n```http id=c\u{7}\n```\n");
    assert!(!told.chars().any(|c| c.is_control() && c != '\n'), "{told:?}");
}

#[test]
fn windows_lines_are_read_like_others() {
    let unix = documented();
    let windows = unix.replace('\n', "\r\n");
    let (one, other) = (page(unix), page(&windows));
    assert_eq!(one.steps.len(), other.steps.len());
    assert_eq!(one.steps[0].what, other.steps[0].what);
    assert_ne!(one.version, other.version, "the version is of the very bytes");
}

/// The keys of a part of the schema.
fn keys(part: &serde_json::Value) -> Vec<String> {
    part["properties"].as_object().expect("it has keys").keys().cloned().collect()
}

#[test]
fn every_key_of_the_schema_is_read_and_no_other() {
    let schema = runbooks::schema();
    let has = |front: &str, what: &str, key: &str| {
        let told = told(&format!("---\n{front}---\n\n## A\n\n- [ ] a\n"));
        assert!(!told.contains(&format!("{what} has no key {key}")), "{what} has no {key}: {told}");
    };
    for key in keys(&schema) {
        has(&format!("{key}:\n  - []\n"), "the front matter", &key);
    }
    for key in keys(&schema["properties"]["inputs"]["additionalProperties"]) {
        let kind = match key.as_str() {
            "longest" | "pattern" => "text",
            "least" | "most" => "number",
            "of" => "environment",
            _ => "choice",
        };
        let more = if key == "type" { String::new() } else { format!(", {key}: []") };
        has(&format!("inputs:\n  a: {{ type: {kind}{more} }}\n"), "the input a", &key);
    }
    for part in ["schedule", "concurrency", "policy"] {
        for key in keys(&schema["properties"][part]) {
            has(&format!("{part}: {{ {key}: [] }}\n"), part, &key);
        }
    }
    for key in keys(&schema["properties"]["triggers"]["items"]) {
        has(&format!("triggers: [{{ {key}: [] }}]\n"), "a trigger", &key);
    }
    assert!(told("---\nmore: 1\n---\n").contains("the front matter has no key more"));
}

/// What a rehearsal shows.
fn rehearsed(page: &Page, name: &str, text: &str) -> runbooks::rehearse::Rehearsal {
    let recording = runbooks::recording::read(name, text)
        .unwrap_or_else(|problems| panic!("{}", problems.iter().map(|it| format!("{it}\n")).collect::<String>()));
    runbooks::rehearse::rehearse(page, &recording)
}

#[test]
fn each_shipped_page_goes_as_its_rehearsals_expect() {
    let library = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("library");
    let mut pages = std::collections::BTreeSet::new();
    for entry in std::fs::read_dir(library.join("rehearsals")).expect("a folder").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (id, _) = name.split_once('.').expect("PAGE.WHAT.yaml");
        let text = std::fs::read_to_string(library.join(format!("{id}.md"))).expect("a page");
        let page = page(&text);
        let rehearsal = rehearsed(&page, &name, &std::fs::read_to_string(entry.path()).expect("a text"));
        assert!(rehearsal.differs.is_empty(), "{name}: {:#?}", rehearsal);
        let does: String = rehearsal.lines.iter().map(|line| line.does.as_str()).collect();
        assert!(!does.contains("{{"), "{name}: {does}");
        pages.insert(id.to_owned());
    }
    assert!(pages.len() >= 10, "{pages:?}");
}

#[test]
fn a_rehearsal_tells_what_would_be_done_without_secrets_and_what_differs() {
    let page = page(documented());
    let begins = "inputs: { cluster: eu }\noutputs:\n  look: { status: 200, json: { clients: 7 } }\n  \
                  look-with-your-own-eyes: done\n  let-somebody-approve-it: done\n  restart: { status: 500 }\n";
    let rehearsal =
        rehearsed(&page, "r.yaml", &format!("{begins}expect: {{ ended: failed, steps: {{ tell: done }} }}\n"));
    let does = |id: &str| rehearsal.lines.iter().find(|line| line.step == id).map(|line| line.does.clone());
    assert_eq!(does("look").as_deref(), Some("GET https://cache.example.com/eu/info\nAuthorization: Bearer •••"));
    let asked = does("let-somebody-approve-it").expect("it was asked");
    assert_eq!(asked, "Restart the cache in eu? 7 clients lose their connection.");
    let restart = rehearsal.lines.iter().find(|line| line.step == "restart").expect("it was played");
    assert_eq!(restart.why, "it was answered with 500; somebody would be asked");
    assert_eq!(rehearsal.differs, ["tell is not begun, and done was expected"]);
    let rehearsal = rehearsed(&page, "r.yaml", "inputs: { cluster: mars, x: y }\noutputs: { lok: done }\n");
    let told = rehearsal.differs.join("\n");
    for part in [
        "the input cluster does not fit: it is one of eu, us",
        "gives x, and the page asks for no such input",
        "speaks of a step lok, and there is none",
        "does not say what look came to",
    ] {
        assert!(told.contains(part), "{part} is missing in {told}");
    }
    let problems = runbooks::recording::read("r.yaml", "outputs: { look: dne }\nmore: 1\n").expect_err("it is wrong");
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(told[0].contains("r.yaml:1:18 dne can't stand here (did you mean done?)"), "{told:?}");
    assert!(told[1].contains("r.yaml:2:1 a recording has no key more"), "{told:?}");
}
