//! `docs/sandbox.md` against the code: it names every deed, every fault and every route, and each fault in it is right.

use std::collections::BTreeSet;

use sandbox::faults::{CallFault, SocketFault};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const DOCUMENT: &str = include_str!("../../../docs/sandbox.md");
const DEEDS: &str = include_str!("../../src/control/deeds.rs");
const ROUTES: &str = include_str!("../../src/control/mod.rs");

fn name(fault: &impl Serialize) -> String {
    let fault = serde_json::to_value(fault).expect("a fault is JSON");
    fault["kind"].as_str().expect("every fault has a kind").to_owned()
}

/// Every kind that the code takes, out of its own words about one that it does not.
fn known<F: DeserializeOwned>() -> BTreeSet<String> {
    let refused = serde_json::from_value::<F>(json!({ "kind": "explode" })).err().expect("there is no such fault");
    let text = refused.to_string();
    let (_, list) = text.split_once("expected one of ").expect("it says what there is");
    // The names stand between the odd backquotes and the even ones.
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Every fault that stands in the document, as JSON.
fn documented() -> Vec<Value> {
    let pieces = DOCUMENT.split(['`', '\'']).filter(|piece| piece.starts_with("{\"kind\":"));
    pieces.map(|piece| serde_json::from_str(piece).unwrap_or_else(|error| panic!("{piece}: {error}"))).collect()
}

fn call_faults() -> Vec<CallFault> {
    vec![
        CallFault::Status { status: 503 },
        CallFault::RateLimited { retry_after: 5, global: false },
        CallFault::Refuse { error: "is_archived".to_owned() },
        CallFault::Pass,
        CallFault::Drop,
        CallFault::Hang,
        CallFault::HangAfterWork,
        CallFault::DropAfterWork,
        CallFault::StatusAfterWork { status: 500 },
        CallFault::Html,
        CallFault::BareNotOk,
        CallFault::CutBodyAfterWork,
    ]
}

fn socket_faults() -> Vec<SocketFault> {
    vec![
        SocketFault::Close { code: Some(1001) },
        SocketFault::Drop,
        SocketFault::HangHandshake { times: 1 },
        SocketFault::RefuseHandshake { times: 1, status: 503 },
        SocketFault::NoHello { times: 1 },
        SocketFault::CloseAfterHello { times: 1, code: None },
        SocketFault::AskReconnect { reason: "warning".to_owned() },
        SocketFault::RefuseResume { times: 1 },
        SocketFault::Twice { times: 1 },
        SocketFault::InvalidSession { resumable: true },
        SocketFault::IgnoreHeartbeats { on: true },
        SocketFault::Freeze { on: true },
        SocketFault::Frame { text: "{}".to_owned() },
        SocketFault::ResumeUrl { url: String::new() },
    ]
}

#[test]
fn every_fault_is_in_the_document_and_every_fault_in_it_is_known() {
    let calls: BTreeSet<String> = call_faults().iter().map(name).collect();
    let sockets: BTreeSet<String> = socket_faults().iter().map(name).collect();
    assert_eq!((&calls, &sockets), (&known::<CallFault>(), &known::<SocketFault>()), "the lists above are whole");
    let mut missing: BTreeSet<&String> = calls.iter().chain(&sockets).collect();
    let documented = documented();
    for fault in &documented {
        let kind = fault["kind"].as_str().expect("a kind");
        let own = match (serde_json::from_value::<CallFault>(fault.clone()), calls.contains(kind)) {
            (Ok(fault), true) => serde_json::to_value(fault),
            (Err(error), true) => panic!("{fault}: {error}"),
            (_, false) => match serde_json::from_value::<SocketFault>(fault.clone()) {
                Ok(fault) => serde_json::to_value(fault),
                Err(error) => panic!("{fault}: {error}"),
            },
        };
        let own = own.expect("a fault is JSON");
        for key in fault.as_object().expect("an object").keys() {
            assert!(own.get(key).is_some(), "{fault}: the code knows no {key}");
        }
        missing.retain(|known| *known != kind);
    }
    assert_eq!(missing, BTreeSet::new(), "not in docs/sandbox.md");
}

#[test]
fn every_deed_is_in_the_document_with_an_example() {
    let arms = DEEDS.lines().filter_map(|line| line.trim().strip_prefix('"')?.split_once("\" =>"));
    let deeds: BTreeSet<&str> = arms.map(|(deed, _)| deed).collect();
    assert!(deeds.len() >= 12 && deeds.contains("types"), "the deeds are found: {deeds:?}");
    for deed in deeds {
        assert!(DOCUMENT.contains(&format!("| `{deed}` |")), "docs/sandbox.md has no line for {deed}");
        let example = DOCUMENT.lines().any(|line| line.contains("/users/") && line.contains(&format!("/{deed} ")));
        assert!(example, "docs/sandbox.md has no example for {deed}");
    }
}

#[test]
fn every_route_is_in_the_document() {
    let routes: Vec<&str> =
        ROUTES.split(".route(\"").skip(1).filter_map(|rest| rest.split_once('"').map(|(path, _)| path)).collect();
    assert!(routes.len() >= 15, "the routes are found: {routes:?}");
    for route in routes {
        assert!(DOCUMENT.contains(&format!("{route}`")), "docs/sandbox.md does not name {route}");
    }
}
