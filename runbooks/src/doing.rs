//! What a step would do with the values of a run, in words and in full: for dry runs, rehearsals and cards.

use operations::runbook::page::{Probe, Request, Step, Template, What};
use serde_json::Value;

use crate::kinds::kind_of_body;
use crate::template::{Slot, Wrong, render};

/// What would be done, with its values put in. Secrets have to be masked in `values`.
///
/// # Errors
/// A value that isn't there or can't be put where it stands.
pub fn doing(step: &Step, values: &Value) -> Result<String, Wrong> {
    let text = |template: &Template| render(&template.0, Slot::Text, values);
    match &step.what {
        What::Http(it) => request(it, values),
        What::Sh { script, env } => {
            let mut lines = Vec::new();
            for (name, value) in env {
                lines.push(format!("{name}={}", text(value)?));
            }
            lines.push(script.trim_end().to_owned());
            Ok(lines.join("\n"))
        }
        What::Act { action, with } => {
            let mut words = vec![action.clone()];
            for (name, value) in with {
                words.push(format!("{name}={}", text(value)?));
            }
            Ok(words.join(" "))
        }
        What::Query { query } => render(&query.0, Slot::Query, values),
        What::Manual { items } => {
            let item = |item: &operations::runbook::page::Item| text(&item.words).map(|words| format!("☐ {words}"));
            Ok(items.iter().map(item).collect::<Result<Vec<_>, _>>()?.join("\n"))
        }
        What::Approval { question, .. } => text(question),
        What::Form { fields } => {
            Ok(fields.iter().map(|field| format!("{}: {}", field.name, field.about)).collect::<Vec<_>>().join("\n"))
        }
        What::Pause { lasts } => Ok(format!("wait for {} s", lasts.as_secs())),
        What::Until { probe, is, .. } => {
            let probe = match probe {
                Probe::Http(it) => request(it, values)?,
                Probe::Query(query) => render(&query.0, Slot::Query, values)?,
            };
            Ok(format!("{probe}\nuntil {}", is.0))
        }
        What::Call { page, with } => {
            let mut words = vec![format!("run the page {page}")];
            for (name, value) in with {
                words.push(format!("{name}={}", text(value)?));
            }
            Ok(words.join(" "))
        }
    }
}

fn request(it: &Request, values: &Value) -> Result<String, Wrong> {
    let mut lines = vec![format!("{} {}", it.method, render(&it.url.0, Slot::Address, values)?)];
    for (name, value) in &it.headers {
        lines.push(format!("{name}: {}", render(&value.0, Slot::Header, values)?));
    }
    if let Some(body) = &it.body {
        lines.push(String::new());
        lines.push(render(&body.0, kind_of_body(&it.headers, &body.0), values)?);
    }
    Ok(lines.join("\n"))
}
