//! Pushing with the `git` program: the only thing that needs it installed.
//!
//! What holds: no shell, no question to a terminal, an end after a minute, and no
//! credentials in an error.

use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use operations::text::Outside;

use super::WikiError;
use crate::redact;

/// How long a push may take.
const LONGEST: Duration = Duration::from_secs(60);
/// How much of what git says is kept, in bytes, and shown, in characters.
const HEARD: u64 = 16 * 1024;
const SHOWN: usize = 300;

pub(super) fn push(folder: &Path, remote: &str, branch: &str) -> Result<(), WikiError> {
    push_with("git", folder, remote, branch, LONGEST)
}

/// `program` is git; tests put another in its place.
pub(super) fn push_with(
    program: &str,
    folder: &Path,
    remote: &str,
    branch: &str,
    longest: Duration,
) -> Result<(), WikiError> {
    if remote.is_empty() || remote.starts_with('-') {
        return Err(WikiError::Push("the remote to push the wiki to is no address".to_owned()));
    }
    let mut command = Command::new(program);
    command
        .arg("-C")
        .arg(folder)
        .args(["push", "--quiet", "--", remote])
        .arg(format!("{branch}:{branch}"))
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "true")
        .env("SSH_ASKPASS", "true")
        // Transports that run programs by address (ext::) stay shut, whatever git's own configuration says.
        .env("GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if std::env::var_os("GIT_SSH_COMMAND").is_none() {
        command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
    }
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => WikiError::Push("the program git is not installed; pushing needs it".to_owned()),
        _ => WikiError::Push(format!("git could not be started: {error}")),
    })?;
    let heard = listen(&mut child, longest);
    let Some(words) = heard else {
        // That it has ended by itself meanwhile is as good.
        let _ = child.kill();
        let _ = child.wait();
        return Err(WikiError::Push(format!("git push took longer than {} seconds", longest.as_secs())));
    };
    let status = child.wait().map_err(|error| WikiError::Push(format!("git could not be waited for: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(WikiError::Push(explain(&words, remote)))
}

/// What git says until it ends; `None` where that takes too long.
fn listen(child: &mut Child, longest: Duration) -> Option<String> {
    let mut stderr = child.stderr.take()?;
    let (told, tell) = mpsc::channel();
    std::thread::spawn(move || {
        let mut words = Vec::new();
        // What can't be read is not missed: the exit status decides. The rest is read so that git is not held up.
        let _ = stderr.by_ref().take(HEARD).read_to_end(&mut words);
        let _ = std::io::copy(&mut stderr, &mut std::io::sink());
        let _ = told.send(words);
    });
    match tell.recv_timeout(longest) {
        Ok(words) => Some(String::from_utf8_lossy(&words).into_owned()),
        Err(RecvTimeoutError::Timeout) => None,
        Err(RecvTimeoutError::Disconnected) => Some(String::new()),
    }
}

fn explain(words: &str, remote: &str) -> String {
    let words = words.replace(remote, &without_credentials(remote));
    let words = without_credentials(&words).split_whitespace().collect::<Vec<_>>().join(" ");
    // What the other side says is among it, and may repeat what it was shown.
    let words = Outside::new(&redact::text(&words)).short(SHOWN);
    let hint = if words.as_str().contains("rejected") || words.as_str().contains("fetch first") {
        " (the remote has commits that the wiki lacks: pull them into the wiki's folder)"
    } else {
        ""
    };
    format!("git push failed: {}{hint}", words.as_str())
}

/// Takes names and passwords out of addresses: `https://user:token@host` becomes `https://host`.
pub(super) fn without_credentials(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let end =
            after.find(|c: char| c.is_whitespace() || matches!(c, '/' | '\'' | '"' | '?' | '#')).unwrap_or(after.len());
        let authority = &after[..end];
        clean.push_str(authority.rsplit_once('@').map_or(authority, |(_, host)| host));
        rest = &after[end..];
    }
    clean.push_str(rest);
    clean
}
