//! Courses of runs over random pages: whatever ends how, the course keeps its promises.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use operations::runbook::course::{Course, End, How, Next, Stands, Way};
use operations::runbook::page::{DryRun, Effect, OnFailure, Output, Page, Shown, Step, What};

fn step(id: String) -> Step {
    Step {
        title: id.clone(),
        id,
        prose: String::new(),
        line: 1,
        what: What::Pause { lasts: Duration::from_secs(1) },
        when: None,
        needs: Vec::new(),
        foreach: None,
        timeout: Duration::from_secs(1),
        retry: None,
        on_failure: OnFailure::Stop,
        undo: None,
        expect: None,
        capture: BTreeMap::new(),
        effect: Effect::Once,
        key: None,
        dry_run: DryRun::Skip,
        danger: None,
        output: Output { shown: Shown::Thread, most: 1, redact: Vec::new() },
        aside: false,
    }
}

fn page(steps: Vec<Step>) -> Page {
    Page {
        id: "x".to_owned(),
        title: "X".to_owned(),
        version: String::new(),
        owners: Vec::new(),
        about: String::new(),
        inputs: Vec::new(),
        triggers: Vec::new(),
        schedule: None,
        concurrency: None,
        runners: Vec::new(),
        secrets: Vec::new(),
        timeout: Duration::from_secs(1),
        steps,
    }
}

/// A page of ordinary steps, each needing some before it, and of some that are aside.
fn random_page(random: &mut fastrand::Rng) -> Page {
    let ordinary = random.usize(1..9);
    let asides = random.usize(0..4);
    let aside = |number: usize| format!("aside{number}");
    let mut steps: Vec<Step> = Vec::new();
    for number in 0..ordinary {
        let mut it = step(format!("step{number}"));
        if number > 0 {
            let count = random.usize(0..=2.min(number));
            it.needs = (0..count).map(|_| format!("step{}", random.usize(0..number))).collect();
            it.needs.sort();
            it.needs.dedup();
        }
        it.on_failure = match random.u8(..5) {
            0 => OnFailure::Continue,
            1 if asides > 0 => OnFailure::Goto(aside(random.usize(..asides))),
            2 if number + 1 < ordinary => OnFailure::Goto(format!("step{}", random.usize(number + 1..ordinary))),
            3 => OnFailure::Undo,
            _ => OnFailure::Stop,
        };
        it.undo = (asides > 0 && random.bool()).then(|| aside(random.usize(..asides)));
        steps.push(it);
    }
    steps.extend((0..asides).map(|number| Step { aside: true, ..step(aside(number)) }));
    page(steps)
}

#[test]
fn whatever_ends_how_a_course_keeps_its_promises() {
    let mut ends: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..20_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let page = random_page(&mut random);
        let mut course = Course::default();
        let mut begun: Vec<String> = Vec::new();
        let mut done: Vec<String> = Vec::new();
        let mut undone: Vec<String> = Vec::new();
        let mut active: Vec<String> = Vec::new();
        let mut turns = 0;
        let end = loop {
            turns += 1;
            assert!(turns < 200, "seed {seed}: it does not end");
            match course.next(&page) {
                Next::Over(end) => break end,
                Next::Begin(steps) => {
                    assert!(course.way() != Way::Out, "seed {seed}: something begins after the failure that ended it");
                    for id in steps {
                        assert!(!begun.contains(&id), "seed {seed}: {id} begins twice");
                        let it = page.step(&id).expect("it is there");
                        if course.way() == Way::Back {
                            assert!(active.is_empty(), "seed {seed}: it is taken back while something is under way");
                            undone.push(id.clone());
                        } else if !it.aside {
                            let goto = |it: &Step| it.on_failure == OnFailure::Goto(id.clone());
                            let is_reached = page
                                .steps
                                .iter()
                                .any(|it| goto(it) && course.stands(&it.id) == Some(Stands::Over(How::Failed)));
                            let over = |id: &String| matches!(course.stands(id), Some(Stands::Over(_)));
                            assert!(is_reached || it.needs.iter().all(over), "seed {seed}: {id} begins too early");
                        }
                        course.begin(&id);
                        begun.push(id.clone());
                        active.push(id);
                    }
                }
                Next::Wait => {
                    assert!(!active.is_empty(), "seed {seed}: it waits for nothing");
                    let id = active.swap_remove(random.usize(..active.len()));
                    if random.u8(..20) == 0 && course.way() == Way::On {
                        course.turn_back();
                    }
                    let how = match random.u8(..10) {
                        0 | 1 => How::Failed,
                        2 => How::Skipped,
                        _ => How::Done,
                    };
                    if how == How::Done && course.way() == Way::On {
                        done.push(id.clone());
                    }
                    course.end(&page, &id, how);
                }
            }
        };
        assert!(active.is_empty(), "seed {seed}: it is over while {active:?} are under way");
        let undo = |id: &String| page.step(id).and_then(|it| it.undo.clone());
        if end == End::Undone {
            // What was done is taken back, the last first, and what two have in common once.
            let wanted: BTreeSet<String> = done.iter().filter_map(undo).collect();
            assert!(wanted.iter().all(|id| begun.contains(id)), "seed {seed}: {wanted:?} of {begun:?}");
        } else {
            assert!(undone.is_empty(), "seed {seed}: something was taken back, and it is {end:?}");
        }
        *ends.entry(format!("{end:?}")).or_default() += 1;
    }
    assert!(ends.len() == 3 && ends.values().all(|count| *count > 500), "all ends were seen: {ends:?}");
}

#[test]
fn what_was_done_is_taken_back_the_last_first() {
    let steps = [("a", Some("undo-a")), ("b", None), ("c", Some("undo-c")), ("d", None)];
    let mut all: Vec<Step> = Vec::new();
    let mut before: Option<&str> = None;
    for (id, undo) in steps {
        let needs = before.into_iter().map(str::to_owned).collect();
        let on_failure = OnFailure::Undo;
        all.push(Step { needs, undo: undo.map(str::to_owned), on_failure, ..step(id.to_owned()) });
        before = Some(id);
    }
    all.extend(["undo-a", "undo-c"].map(|id| Step { aside: true, ..step(id.to_owned()) }));
    let page = page(all);
    let mut course = Course::default();
    let mut seen = Vec::new();
    loop {
        match course.next(&page) {
            Next::Begin(ids) => {
                for id in ids {
                    course.begin(&id);
                    // The first of the undos fails; the other one is done all the same.
                    let how = if matches!(id.as_str(), "d" | "undo-c") { How::Failed } else { How::Done };
                    course.end(&page, &id, how);
                    seen.push(id);
                }
            }
            Next::Wait => panic!("nothing is under way"),
            Next::Over(end) => {
                assert_eq!(end, End::Undone);
                break;
            }
        }
    }
    assert_eq!(seen, ["a", "b", "c", "d", "undo-c", "undo-a"]);
}
