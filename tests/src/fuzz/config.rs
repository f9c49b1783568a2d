//! The configuration: any files are read or refused with all that is wrong, and nothing that may be a secret is told.

use std::path::Path;
use std::sync::LazyLock;

use bot::config::{Config, Problems, load};

use super::bytes::{Bytes, is_visible};

/// What stands for a secret, in the environment and wherever a file puts it in a value.
const SECRET: &str = "CaNaRy";

/// `muster.toml`, `services.toml`, `people.toml`.
pub(super) fn check(data: &[u8]) {
    static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));
    let mut script = Bytes::new(data);
    let mut keys = String::new();
    // Each thread its own files: tests run side by side.
    let folder = FOLDER.path().join(format!("{:?}", std::thread::current().id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in ["muster.toml", "services.toml", "people.toml"] {
        let part = script.part();
        std::fs::write(folder.join(name), part).expect("written");
        if let Some(table) = std::str::from_utf8(part).ok().and_then(|text| text.parse::<toml::Table>().ok()) {
            names(&toml::Value::Table(table), &mut keys);
        }
    }
    let loaded = read(&folder);
    assert_eq!(loaded.as_ref().err(), read(&folder).as_ref().err(), "the same files are read the same way");
    let told = match &loaded {
        Ok(config) => {
            assert!(config.warnings.iter().all(|problem| problem.is_warning));
            for hook in config.hooks.values() {
                assert!((1..=2).contains(&hook.bearer.len()) && hook.bearer.iter().all(|it| !it.expose().is_empty()));
                assert!(hook.max_body > 0);
            }
            let secret = format!("xoxb-{SECRET}-bot");
            assert!(!format!("{config:?}").contains(&secret), "a secret is shown");
            config.warnings.iter().map(|problem| format!("{problem}\n")).collect()
        }
        Err(problems) => {
            assert!(!problems.0.is_empty() && problems.0.iter().all(|problem| !problem.is_warning));
            problems.to_string()
        }
    };
    assert!(is_visible(&told), "{told:?}");
    // A key is repeated, because nothing else says which one is meant.
    assert!(keys.contains(SECRET) || !told.contains(SECRET), "{told}");
}

fn read(folder: &Path) -> Result<Config, Problems> {
    let env = |name: &str| match name {
        "APP" => Some(format!("xapp-{SECRET}-app")),
        "BOT" => Some(format!("xoxb-{SECRET}-bot")),
        "ODD" => Some(format!("{SECRET} with blanks")),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    load(folder, &env)
}

/// All keys, one after another.
fn names(value: &toml::Value, keys: &mut String) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                keys.push_str(key);
                keys.push('\n');
                names(value, keys);
            }
        }
        toml::Value::Array(values) => values.iter().for_each(|value| names(value, keys)),
        _ => {}
    }
}
