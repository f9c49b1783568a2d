//! Workflows with the bot dying on the way: what people see in the end is what they see
//! without that, nothing missing and nothing doubled.

mod commits;
mod people;
mod points;
mod process;
mod workflows;

use std::sync::atomic::{AtomicUsize, Ordering};

use bot::crash::Crash;

use self::people::{Played, play};
use self::workflows::Workflow;

/// So many worlds at once: each mostly waits for its disk.
const AT_ONCE: usize = 6;

fn in_a_world_of_its_own(workflow: &Workflow, crash: &Crash) -> Played {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(play(workflow, crash))
}

/// Has each looked at, some at once.
fn each<T: Sync>(all: &[T], look: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    look(one);
                }
            });
        }
    });
}
