//! What strace saw of the bot, and whether each webhook was on disk before it was answered.
//!
//! Lines as `strace -f -y -ttt -o FILE` writes them: process, time, call. A call that another
//! one interrupts stands on two lines (`<unfinished ...>` and `<... resumed>`); between them it
//! is under way. What holds: the order of the lines is the order in which the calls began and
//! ended, as far as one waits for the other; the times are not needed for it.

use std::collections::HashMap;

/// What every marker begins with.
const MARK: &str = "synced-";
/// How many digits follow.
const DIGITS: usize = 6;

/// The marker of a request: what is in its body and in nothing else.
pub(crate) fn marker(number: u32) -> String {
    format!("{MARK}{number:0DIGITS$}")
}

/// A system call on a file or socket.
struct Call<'t> {
    name: &'t str,
    /// What strace calls the descriptor: a path, or `socket:[1234]`.
    file: &'t str,
    /// Its lines without process and time.
    text: [&'t str; 2],
    /// The numbers of its first and of its last line; none where it never ended.
    began: usize,
    ended: Option<usize>,
    /// What it gave back; none where it gave back no number.
    result: Option<i64>,
}

impl Call<'_> {
    fn is_one_of(&self, names: &[&str]) -> bool {
        names.contains(&self.name)
    }

    fn is_on_socket(&self) -> bool {
        self.file.starts_with("socket:[")
    }

    fn says(&self, words: &str) -> bool {
        self.text.iter().any(|text| text.contains(words))
    }

    /// Whether it was done: it ended, and gave back what says so.
    fn done(&self, result: impl Fn(i64) -> bool) -> Option<usize> {
        self.result.filter(|it| result(*it)).and(self.ended)
    }
}

const READS: [&str; 3] = ["read", "recvfrom", "recvmsg"];
const WRITES: [&str; 5] = ["write", "writev", "pwrite64", "sendto", "sendmsg"];
const SYNCS: [&str; 2] = ["fsync", "fdatasync"];

/// A trace that has been read.
pub(crate) struct Trace<'t> {
    calls: Vec<Call<'t>>,
    /// The calls that read or write a marker, by marker.
    marked: HashMap<&'t str, Vec<usize>>,
    /// The calls on each file or socket.
    on: HashMap<&'t str, Vec<usize>>,
}

impl<'t> Trace<'t> {
    /// Reads a trace.
    pub(crate) fn read(trace: &'t str) -> Trace<'t> {
        let mut calls: Vec<Call<'t>> = Vec::new();
        let mut under_way: HashMap<&str, usize> = HashMap::new();
        for (number, line) in trace.lines().enumerate() {
            let mut words = line.splitn(2, ' ');
            let (Some(process), Some(rest)) = (words.next(), words.next()) else { continue };
            let Some((_time, text)) = rest.trim_start().split_once(' ') else { continue };
            if text.starts_with("<... ") {
                if let Some(call) = under_way.remove(process).and_then(|index| calls.get_mut(index)) {
                    call.text[1] = text;
                    call.ended = Some(number);
                    call.result = result(text);
                }
            } else if let Some(mut call) = begin(text, number) {
                if text.ends_with("<unfinished ...>") {
                    under_way.insert(process, calls.len());
                } else {
                    call.ended = Some(number);
                    call.result = result(text);
                }
                calls.push(call);
            }
        }
        let (mut marked, mut on) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for (index, call) in calls.iter().enumerate() {
            on.entry(call.file).or_default().push(index);
            let mut markers: Vec<&str> = call.text.iter().flat_map(|text| markers(text)).collect();
            markers.sort_unstable();
            markers.dedup();
            for marker in markers {
                marked.entry(marker).or_default().push(index);
            }
        }
        Trace { calls, marked, on }
    }

    /// How many calls brought a file below `data` to disk.
    pub(crate) fn syncs(&self, data: &str) -> usize {
        self.calls.iter().filter(|call| call.is_one_of(&SYNCS) && is_below(call.file, data)).count()
    }

    /// Whether the request with this marker was read, then written to a file below `data`, then synced, then answered
    /// with 2xx, each begun after the one before had ended.
    ///
    /// # Errors
    /// What is missing, or out of order.
    pub(crate) fn check(&self, marker: &str, data: &str) -> Result<(), String> {
        let marked = || self.marked.get(marker).into_iter().flatten().filter_map(|index| self.calls.get(*index));
        let request = marked().find(|call| call.is_one_of(&READS) && call.is_on_socket());
        let (request, read) = request
            .and_then(|call| Some((call, call.done(|bytes| bytes > 0)?)))
            .ok_or("it was never read from a socket")?;
        let answer = self.later(request.file, read).find(|call| call.is_one_of(&WRITES) && call.says("HTTP/1.1 "));
        let answer = answer.ok_or("it was never answered")?;
        if !answer.says("\"HTTP/1.1 2") {
            return Err("it was not answered with 2xx".to_owned());
        }
        let is_written = |call: &&Call<'_>| call.is_one_of(&WRITES) && is_below(call.file, data) && call.began > read;
        let mut problem = "nothing that holds it was written before the answer".to_owned();
        for write in marked().filter(is_written) {
            let Some(written) = write.done(|bytes| bytes > 0).filter(|written| *written < answer.began) else {
                continue;
            };
            let syncs: Vec<&Call<'_>> = self.later(write.file, written).filter(|call| call.is_one_of(&SYNCS)).collect();
            let in_time = |call: &&&Call<'_>| call.done(|result| result == 0).is_some_and(|at| at < answer.began);
            if syncs.iter().any(|call| in_time(&call)) {
                return Ok(());
            }
            let begun = syncs.iter().filter(|call| call.began < answer.began).count();
            problem = format!(
                "no sync of {} began after the write and ended well before the answer ({begun} began before it)",
                write.file
            );
        }
        Err(problem)
    }

    /// The calls on a file or socket that began after a line.
    fn later(&self, file: &str, line: usize) -> impl Iterator<Item = &Call<'t>> {
        let calls = self.on.get(file).into_iter().flatten().filter_map(|index| self.calls.get(*index));
        calls.filter(move |call| call.began > line)
    }
}

/// The beginning of a call on a descriptor that strace has a name for: `write(5</data/log>, …`.
fn begin(text: &str, began: usize) -> Option<Call<'_>> {
    let (name, arguments) = text.split_once('(')?;
    let descriptor = arguments.trim_start_matches(|c: char| c.is_ascii_digit());
    let (file, _) = descriptor.strip_prefix('<').filter(|_| descriptor.len() < arguments.len())?.split_once('>')?;
    Some(Call { name, file, text: [text, ""], began, ended: None, result: None })
}

/// What a call gave back: behind the last `)` that an equals sign follows, however far away strace puts it. What was
/// written may hold the same signs, but stands before.
fn result(text: &str) -> Option<i64> {
    let given = |at: usize| text[at + 1..].trim_start().strip_prefix("= ");
    text.rmatch_indices(')').find_map(|(at, _)| given(at))?.split_whitespace().next()?.parse().ok()
}

fn markers(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(MARK).filter_map(|(at, _)| {
        let marker = text.get(at..at + MARK.len() + DIGITS)?;
        marker[MARK.len()..].bytes().all(|byte| byte.is_ascii_digit()).then_some(marker)
    })
}

fn is_below(file: &str, directory: &str) -> bool {
    file.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
