//! Secrets: references that are looked up, never values.

use std::path::Path;

use integrations::secret::Secret;
use toml::Spanned;
use toml::de::DeValue;

use super::tables::{File, Table};

/// Where secrets are looked up.
pub(super) struct Vault<'a> {
    pub(super) directory: &'a Path,
    pub(super) env: &'a dyn Fn(&str) -> Option<String>,
}

impl Vault<'_> {
    /// The secret that a key refers to. That it is missing is a problem only where it is `required`.
    pub(super) fn secret(&self, file: &mut File<'_>, table: &mut Table<'_, '_>, name: &str, required: bool) -> Option<Secret> {
        let key = table.key(name);
        let span = table.span().clone();
        match table.get(name) {
            Some(value) => self.look_up(file, value, &key),
            None => {
                if required {
                    let what = format!("it is missing. Write {name} = {{ env = \"NAME\" }} or {{ file = \"path\" }}");
                    file.problem(&span, &key, what);
                }
                None
            }
        }
    }

    /// One secret, or a list of them while one is being replaced.
    pub(super) fn secrets(&self, file: &mut File<'_>, table: &mut Table<'_, '_>, name: &str) -> Vec<Secret> {
        let key = table.key(name);
        let span = table.span().clone();
        let Some(value) = table.get(name) else {
            let what = "a source without a secret doesn't start. Write bearer = { env = \"NAME\" } or { file = \"path\" }";
            file.problem(&span, &key, what);
            return Vec::new();
        };
        match value.get_ref() {
            DeValue::Array(values) => values.iter().filter_map(|value| self.look_up(file, value, &key)).collect(),
            _ => self.look_up(file, value, &key).into_iter().collect(),
        }
    }

    fn look_up(&self, file: &mut File<'_>, value: &Spanned<DeValue<'_>>, key: &str) -> Option<Secret> {
        let span = value.span();
        let DeValue::Table(reference) = value.get_ref() else {
            // What stands there may be the secret itself, so it is not repeated.
            let what = "a secret is never written here. Refer to it: { env = \"NAME\" } or { file = \"path\" }";
            file.problem(&span, key, what);
            return None;
        };
        let mut entries = reference.iter().map(|(key, value)| (key.get_ref().to_string(), value.get_ref()));
        let found = match (entries.next(), entries.next()) {
            (Some((how, DeValue::String(at))), None) if how == "env" => self.from_env(at),
            (Some((how, DeValue::String(at))), None) if how == "file" => {
                if self.is_open(at) {
                    file.warning(&span, key, format!("the file {at} can be read by others: chmod 600 {at}"));
                }
                self.from_file(at)
            }
            _ => Err("a reference is { env = \"NAME\" } or { file = \"path\" }, and nothing else".to_owned()),
        };
        match found {
            Ok(secret) if secret.expose().is_empty() => {
                file.problem(&span, key, "it is empty");
                None
            }
            Ok(secret) => Some(secret),
            Err(what) => {
                file.problem(&span, key, what);
                None
            }
        }
    }

    fn from_env(&self, name: &str) -> Result<Secret, String> {
        let value = (self.env)(name).ok_or_else(|| format!("the environment variable {name} is not set"))?;
        Ok(Secret::new(&value))
    }

    fn from_file(&self, path: &str) -> Result<Secret, String> {
        let value = std::fs::read_to_string(self.directory.join(path)).map_err(|error| format!("the file {path} can't be read: {error}"))?;
        Ok(Secret::new(&value))
    }

    #[cfg(unix)]
    fn is_open(&self, path: &str) -> bool {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(self.directory.join(path)).is_ok_and(|it| it.permissions().mode() & 0o077 != 0)
    }

    #[cfg(not(unix))]
    fn is_open(&self, _path: &str) -> bool {
        false
    }
}
