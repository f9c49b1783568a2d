//! Every call that is made, failing in every way that leaves a doubt: in the end people see what they see when nothing
//! fails, once, and nothing was sent before a told wait was over.
//!
//! The calls come from the tables of limits, so that a new one can't be left out: one that these
//! scenes do not make is found. What follows from a lost answer stands in the tables too; whoever
//! says "marked" may say something twice, the second time with words that say so.

mod alone;
mod play;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use integrations::chat::limits::{Call, Twice, calls};
use operations::ids::Platform;
use sandbox::faults::CallFault;

use self::play::{Seen, Told};

/// A call that fails.
#[derive(Clone, Debug)]
struct Trial {
    call: Call,
    /// How often it is let pass before.
    after: usize,
    fault: CallFault,
}

/// The ways in which a call leaves a doubt, and those that only look so.
fn faults() -> Vec<CallFault> {
    vec![
        CallFault::CutBodyAfterWork,
        CallFault::DropAfterWork,
        CallFault::StatusAfterWork { status: 500 },
        CallFault::Hang,
        CallFault::HangAfterWork,
        CallFault::Drop,
        CallFault::RateLimited { retry_after: 2, global: false },
        CallFault::Html,
    ]
}

/// What must fail first, so that a call is made at all.
fn before(call: &Call) -> Vec<(&'static str, CallFault)> {
    let lost = |of: &'static str| vec![(of, CallFault::DropAfterWork)];
    let refused = |of: &'static str, word: &str| vec![(of, CallFault::Refuse { error: word.to_owned() })];
    match call.name {
        "conversations.join" => refused("chat.postMessage", "not_in_channel"),
        "conversations.list" => lost("conversations.create"),
        "GET /guilds/{guild.id}/channels" => lost("POST /guilds/{guild.id}/channels"),
        "GET /channels/{channel.id}/messages" => lost("POST /channels/{channel.id}/messages"),
        "PUT /channels/{channel.id}/pins/{message.id}" => {
            refused("PUT /channels/{channel.id}/messages/pins/{message.id}", "0")
        }
        _ => Vec::new(),
    }
}

/// The calls of a platform by name: one that has two limits is one call.
fn by_name(platform: Platform) -> Vec<Call> {
    let named: BTreeMap<&str, Call> = calls(platform).into_iter().map(|call| (call.name, call)).collect();
    named.into_values().collect()
}

/// Each call fails the first time in every way; what people see of it at once, fails each time with its answer lost.
fn trials(on: Platform, expected: &Seen) -> Vec<Trial> {
    let mut trials = Vec::new();
    for call in by_name(on) {
        trials.extend(faults().into_iter().map(|fault| Trial { call, after: 0, fault }));
        let often = match call.twice {
            Twice::Found(_) | Twice::Marked(_) | Twice::Once(_) => expected.calls.get(play::in_the_sandbox(call.name)),
            Twice::Reads | Twice::Same(_) => None,
        };
        let lost = |after| Trial { call, after, fault: CallFault::DropAfterWork };
        trials.extend((1..often.copied().unwrap_or_default()).map(lost));
    }
    // For whoever looks into one: a part of its name and fault.
    let only = std::env::var("MUSTER_DOUBTS").unwrap_or_default();
    trials.retain(|trial| format!("{} {:?}", trial.call.name, trial.fault).contains(&only));
    trials
}

/// What is said of a trial that went wrong.
fn judge(expected: &Seen, found: &Seen, trial: &Trial) -> Vec<String> {
    let mut wrong = Vec::new();
    let Trial { call, fault, .. } = trial;
    // Somebody who waits three seconds for it has waited in vain.
    let late = matches!(fault, CallFault::Hang | CallFault::HangAfterWork);
    let mut say = |what: String| wrong.push(format!("{} after {}, {fault:?}: {what}", call.name, trial.after));
    for (what, times) in expected.public.iter().filter(|(what, _)| what.starts_with(call.platform.key())) {
        let found = found.public.get(what).copied().unwrap_or_default();
        // A form that could not be opened in time is not open.
        if found != *times && !(late && what.contains("form")) {
            say(format!("{found} times instead of {times}: {what}"));
        }
    }
    let here = |what: &str| what.starts_with(call.platform.key());
    for (what, times) in found.public.iter().filter(|(what, _)| here(what) && !expected.public.contains_key(*what)) {
        say(format!("{times} times what should not be there: {what}"));
    }
    // Where the first way was refused and the refusal was lost, the second way can't know that.
    let may_be_marked = matches!(call.twice, Twice::Marked(_) | Twice::Once(_));
    let more = usize::from(matches!(call.twice, Twice::Marked(_)));
    for (what, Told { plain, marked }) in found.told.iter().filter(|(what, _)| here(what)) {
        let wanted = expected.told.get(what).map_or(0, |told| told.plain);
        let once_more = plain + marked > wanted + more;
        let is_instead = late && what.contains("The form can't be opened");
        if !is_instead && (*plain > wanted || once_more || wanted == 0 || (*marked > 0 && !may_be_marked)) {
            say(format!("told {plain} times, and {marked} times marked, instead of {wanted} times: {what}"));
        }
    }
    for (what, wanted) in expected.told.iter().filter(|(what, _)| what.starts_with(call.platform.key())) {
        let told = found.told.get(what).copied().unwrap_or_default();
        if told.plain + told.marked < wanted.plain {
            say(format!("not told: {what}"));
        }
    }
    if found.early > 0 {
        say(format!("{} calls before a told wait was over", found.early));
    }
    if found.left > 0 {
        say(format!("{} faults never happened: no scene makes this call so often", found.left));
    }
    wrong.extend(found.unexpected.iter().map(|what| format!("{} {fault:?}: refused: {what}", call.name)));
    wrong
}

/// So many worlds at once: each mostly waits.
const AT_ONCE: usize = 4;

fn in_a_world_of_its_own(trials: &[Trial]) -> Seen {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(play::play(trials))
}

#[test]
fn whatever_answer_is_lost_people_see_everything_once() {
    let expected = in_a_world_of_its_own(&[]);
    assert!(expected.public.len() > 15 && expected.told.len() > 5, "{expected:#?}");
    let [slack, discord] = Platform::ALL.map(|on| trials(on, &expected));
    let plays: Vec<Vec<Trial>> = (0..slack.len().max(discord.len()))
        .map(|number| [slack.get(number), discord.get(number)].into_iter().flatten().cloned().collect())
        .collect();
    let next = AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(trials) = plays.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = std::panic::catch_unwind(|| in_a_world_of_its_own(trials));
                    let said = match found {
                        Ok(found) => trials.iter().flat_map(|trial| judge(&expected, &found, trial)).collect(),
                        Err(_) => vec![format!("the scenes could not be played: {trials:?}")],
                    };
                    wrong.lock().expect("nobody panics with it").extend(said);
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("nobody panics with it");
    assert!(wrong.is_empty(), "{} of {} trials:\n{}", wrong.len(), slack.len() + discord.len(), wrong.join("\n"));
}
