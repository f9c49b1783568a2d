//! Secrets: references that are looked up, never values.
//!
//! What holds: neither a secret, nor what stands where one was expected, is ever repeated.
//! What is there is checked as far as that is possible, so that two tokens that were
//! swapped are told here and not by a chat that refuses them.

use std::io::Read;
use std::path::Path;

use integrations::secret::Secret;
use toml::Spanned;
use toml::de::DeValue;

use super::tables::{File, Table};

/// The longest secret, in bytes.
const LONGEST: usize = 16 * 1024;

/// How a reference is written.
const REFERENCE: &str = "{ env = \"NAME\" } or { file = \"path\" }";

/// Where secrets are looked up.
pub(super) struct Vault<'a> {
    /// Files are relative to it.
    pub(super) directory: &'a Path,
    /// Looks an environment variable up.
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
}

/// How a secret of a kind is known.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// Whether it looks like one.
    pub(super) fits: fn(&str) -> bool,
    /// What is said where it doesn't.
    pub(super) unfit: &'static str,
}

/// A token whose form says nothing.
pub(super) const ANY: Kind = Kind { fits: |_| true, unfit: "" };

impl Vault<'_> {
    /// The secret that a key refers to; that it is missing is a problem.
    pub(super) fn secret(
        &self,
        file: &mut File<'_>,
        table: &mut Table<'_, '_>,
        name: &str,
        kind: Kind,
    ) -> Option<Secret> {
        let (key, span) = (table.key(name), table.span());
        match table.get(name) {
            Some(value) => self.look_up(file, value, &key, kind),
            None => {
                file.problem(&span, &key, format!("it is missing. Write {name} = {REFERENCE}"));
                None
            }
        }
    }

    /// One secret, or two in a list while one is being replaced.
    pub(super) fn one_or_two(&self, file: &mut File<'_>, table: &mut Table<'_, '_>, name: &str) -> Vec<Secret> {
        let (key, span) = (table.key(name), table.span());
        let Some(value) = table.get(name) else {
            let what = format!("it is missing: nobody could be told from anybody else. Write {name} = {REFERENCE}");
            file.problem(&span, &key, what);
            return Vec::new();
        };
        match value.get_ref() {
            DeValue::Array(values) => {
                if !(1..=2).contains(&values.len()) {
                    let what = "one or two are wanted in the list: two only while one is being replaced";
                    file.problem(&value.span(), &key, what);
                }
                values.iter().filter_map(|value| self.look_up(file, value, &key, ANY)).collect()
            }
            _ => self.look_up(file, value, &key, ANY).into_iter().collect(),
        }
    }

    fn look_up(&self, file: &mut File<'_>, value: &Spanned<DeValue<'_>>, key: &str, kind: Kind) -> Option<Secret> {
        let span = value.span();
        let DeValue::Table(reference) = value.get_ref() else {
            // What stands there may be the secret itself, so it is not repeated.
            file.problem(&span, key, format!("a secret is never written here. Refer to it: {REFERENCE}"));
            return None;
        };
        let mut entries = reference.iter().map(|(key, value)| (key.get_ref().as_ref(), value.get_ref()));
        let found = match (entries.next(), entries.next()) {
            (Some(("env", DeValue::String(name))), None) => self.value_of(name),
            (Some(("file", DeValue::String(path))), None) => {
                let path = self.directory.join(path.as_ref());
                if is_readable_by_others(&path) {
                    file.warning(&span, key, "others on this machine can read that file: chmod 600 it");
                }
                from_file(&path)
            }
            _ => Err(format!("a reference is {REFERENCE}, and nothing else")),
        };
        match found.and_then(|text| checked(&text, kind)) {
            Ok(secret) => Some(secret),
            Err(what) => {
                file.problem(&span, key, what);
                None
            }
        }
    }

    fn value_of(&self, name: &str) -> Result<String, String> {
        let starts = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_');
        let is_name = starts && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if !is_name {
            // A token that was put here is not repeated.
            return Err("the name of an environment variable is wanted here: capitals, digits and _".to_owned());
        }
        (self.env)(name).ok_or_else(|| format!("the environment variable {name} is not set, or is not text"))
    }
}

/// Reads a file of a secret. A path that was put in may be the secret itself, so it is not repeated.
fn from_file(path: &Path) -> Result<String, String> {
    let metadata = std::fs::metadata(path).map_err(|error| format!("that file can't be read: {error}"))?;
    if !metadata.is_file() {
        // A pipe or a device could be waited for for ever.
        return Err("that is not a file".to_owned());
    }
    let read = |path: &Path| -> std::io::Result<String> {
        let mut text = String::new();
        // One byte more than is taken shows that there is too much.
        std::fs::File::open(path)?.take(LONGEST as u64 + 1).read_to_string(&mut text)?;
        Ok(text)
    };
    read(path).map_err(|error| format!("that file can't be read: {error}"))
}

fn checked(text: &str, kind: Kind) -> Result<Secret, String> {
    if text.len() > LONGEST {
        return Err(format!("that is longer than {LONGEST} bytes, which no secret is"));
    }
    let secret = Secret::new(text);
    if secret.expose().is_empty() {
        return Err("that is empty".to_owned());
    }
    if !secret.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
        // It goes into a header, where it could not be sent.
        return Err("that has blanks or characters in it that no token has; the token alone is wanted".to_owned());
    }
    if !(kind.fits)(secret.expose()) {
        return Err(kind.unfit.to_owned());
    }
    Ok(secret)
}

#[cfg(unix)]
fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_readable_by_others(_path: &Path) -> bool {
    false
}
