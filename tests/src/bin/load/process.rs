//! What the kernel tells of processes (Linux): processor time and memory.
//!
//! What can't be read counts as nothing: these are figures, and where there is no `/proc`
//! there are none.

/// The kernel counts processor time in ticks of 10 ms, on every machine that Linux runs on today.
const TICKS: f64 = 100.0;

/// Memory of a process in KiB.
#[derive(Clone, Copy, Default)]
pub(crate) struct Memory {
    /// What is resident (`VmRSS`).
    pub(crate) resident: u64,
    /// The most that ever was (`VmHWM`).
    pub(crate) peak: u64,
}

/// The memory of a process.
pub(crate) fn memory(process: u32) -> Memory {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let field = |name: &str| {
        status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    Memory { resident: field("VmRSS:"), peak: field("VmHWM:") }
}

/// Processor time of a process so far, in user mode and in the kernel, in seconds.
pub(crate) fn seconds(process: u32) -> f64 {
    ticks(&format!("/proc/{process}/stat"), 11)
}

/// The same of the thread that asks.
pub(crate) fn seconds_of_this_thread() -> f64 {
    ticks("/proc/thread-self/stat", 11)
}

/// The same of all processes that this one started and that have ended.
pub(crate) fn seconds_of_ended_children() -> f64 {
    ticks("/proc/self/stat", 13)
}

/// The same of the whole machine, interrupts left out.
pub(crate) fn seconds_of_all() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    // The first line: `cpu`, then user, nice, system.
    let first = stat.lines().next().unwrap_or_default();
    first.split_whitespace().skip(1).take(3).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS
}

/// Two fields of a `stat` that stand side by side, counted from the one after the name.
fn ticks(path: &str, from: usize) -> f64 {
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    // The name stands in brackets and may have spaces and brackets in it.
    let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ');
    fields.skip(from).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / TICKS
}
