//! Every workflow, with the bot killed at every point that it passes.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bot::crash::{Crash, Dies, Point};

use super::{each, in_a_world_of_its_own, workflows};

#[test]
fn every_workflow_ends_the_same_whichever_point_the_bot_dies_at() {
    let workflows = workflows::all();
    let mut plans = Vec::new();
    let mut passed: BTreeMap<&str, u64> = Point::ALL.iter().map(|point| (point.name(), 0)).collect();
    let mut expected = Vec::new();
    for (number, workflow) in workflows.iter().enumerate() {
        let counted = Crash::counted();
        expected.push(in_a_world_of_its_own(workflow, &counted));
        for point in Point::ALL {
            let passes = counted.passes(*point);
            *passed.entry(point.name()).or_default() += passes;
            // The story is long, and killed at each of its commits besides: only in the middle.
            let first: &[u64] = if workflow.name == workflows::STORY { &[] } else { &[1, 2] };
            let mut some: Vec<u64> = first.iter().copied().chain([passes.div_ceil(2)]).collect();
            some.retain(|pass| (1..=passes).contains(pass));
            some.sort_unstable();
            some.dedup();
            plans.extend(some.into_iter().map(|pass| (number, *point, pass)));
        }
    }
    let never: Vec<&&str> = passed.iter().filter(|(_, passes)| **passes == 0).map(|(point, _)| point).collect();
    assert!(never.is_empty(), "no workflow passes {never:?}");
    let wrong = Mutex::new(Vec::new());
    each(&plans, |(number, point, pass)| {
        let workflow = &workflows[*number];
        let what = format!("{}, {}, pass {pass}", workflow.name, point.name());
        let played = in_a_world_of_its_own(workflow, &Crash::at(*point, *pass, Dies::Bot));
        let mut differs = played.differs(&expected[*number]);
        if !played.died && *pass == 1 {
            differs.push("the bot did not die".to_owned());
        }
        if !differs.is_empty() {
            wrong.lock().expect("nobody panics with it").push(format!("{what}: {differs:#?}"));
        }
    });
    let wrong = wrong.into_inner().expect("nobody panics with it");
    assert!(wrong.is_empty(), "{} of {} plays:\n{}", wrong.len(), plans.len(), wrong.join("\n"));
}
