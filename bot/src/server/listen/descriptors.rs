//! Room for connections in the process's table of open files.
//!
//! Systems start a process with as few as 256 or 1,024, and let it ask for more up to a limit of
//! its own. What holds: asking for less than there is changes nothing, and a refusal is only told.

/// What is needed beside connections from outside: files, the chats' sockets, git.
#[cfg(unix)]
const BESIDE: u64 = 256;

/// Sees to it that so many connections can be open.
#[cfg(unix)]
pub(super) fn raise(connections: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(BESIDE);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= wanted) {
        return;
    }
    let possible = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum });
    if raised.is_err() || possible < wanted {
        tracing::warn!(
            wanted,
            possible,
            "The system allows fewer open files than http.max_connections needs (ulimit -n, LimitNOFILE)"
        );
    }
}

#[cfg(not(unix))]
pub(super) fn raise(_connections: usize) {}
