//! `{{ … }}` in texts, and expressions such as those of `when` and `expect`: Jinja, by the library MiniJinja.
//!
//! What holds: a value that is not there is an error and never an empty text; a value is put into an address, a JSON body, a
//! header or a query as data of that, whatever it holds; nothing is included, and the work is bounded.

use std::collections::BTreeSet;

use minijinja::value::{Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, UndefinedBehavior, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// So many steps may rendering take.
const FUEL: u64 = 50_000;

/// So long is one expression at most, in bytes: the library goes down into it, and a thread's stack ends.
const LONGEST: usize = 1_000;

/// The filters that pages may use: none that makes much of little, or says that a value is safe where it is not.
pub(crate) const FILTERS: [&str; 20] = [
    "abs",
    "capitalize",
    "default",
    "first",
    "float",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "lower",
    "max",
    "min",
    "replace",
    "round",
    "split",
    "string",
    "trim",
    "upper",
];

/// What stays as it is in an address (RFC 3986, unreserved).
const IN_ADDRESS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a text becomes part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// Words that people read, an environment variable, an argument.
    Text,
    /// An address: a value is percent-encoded, so it stays within its segment or parameter.
    Address,
    /// A header: a value has no line of its own.
    Header,
    /// A JSON body: a value is JSON, with its quotes.
    Json,
    /// A PromQL query: a value stands within double quotes.
    Query,
}

/// What is wrong with a template or an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// In which of its lines, from 1.
    pub line: usize,
    /// What.
    pub what: String,
}

/// What a template or an expression reads: `inputs.cluster`, `steps.look.clients`.
pub(crate) type Reads = BTreeSet<String>;

/// Checks a template, and tells what it reads.
pub(crate) fn template(text: &str) -> Result<Reads, Wrong> {
    template_fits(text)?;
    let env = environment(Slot::Text);
    let template = env.template_from_str(text).map_err(|error| wrong(&error))?;
    for (at, _) in text.match_indices("{{") {
        let inner = text[at + 2..].split("}}").next().unwrap_or_default();
        filters_are_known(inner, text[..at].matches('\n').count() + 1)?;
    }
    Ok(template.undeclared_variables(true).into_iter().collect())
}

/// Checks an expression, and tells what it reads.
pub(crate) fn expression(text: &str) -> Result<Reads, Wrong> {
    expression_fits(text)?;
    let env = environment(Slot::Text);
    let expression = env.compile_expression(text).map_err(|error| wrong(&error))?;
    filters_are_known(text, 1)?;
    Ok(expression.undeclared_variables(true).into_iter().collect())
}

/// Fills a template in.
///
/// # Errors
/// A value that isn't there, or that can't be part of what it is put into.
pub fn render(text: &str, slot: Slot, values: &serde_json::Value) -> Result<String, Wrong> {
    template_fits(text)?;
    environment(slot).render_str(text, Serde(values)).map_err(|error| wrong(&error))
}

/// Whether an expression is true.
///
/// # Errors
/// A value that isn't there, or what can't be compared.
pub fn is_true(expression: &str, values: &serde_json::Value) -> Result<bool, Wrong> {
    evaluate(expression, values).map(|value| value.is_true())
}

/// The list that an expression gives, as texts.
///
/// # Errors
/// It gives no list, or what is said of [`is_true`].
pub fn list(expression: &str, values: &serde_json::Value) -> Result<Vec<serde_json::Value>, Wrong> {
    let value = evaluate(expression, values)?;
    if value.kind() != ValueKind::Seq {
        return Err(Wrong { line: 1, what: format!("a list is wanted, and this is {}", value.kind()) });
    }
    let items = value.try_iter().map_err(|error| wrong(&error))?;
    items.map(|item| serde_json::to_value(&item).map_err(|error| Wrong { line: 1, what: error.to_string() })).collect()
}

fn evaluate(expression: &str, values: &serde_json::Value) -> Result<Value, Wrong> {
    expression_fits(expression)?;
    let env = environment(Slot::Text);
    let compiled = env.compile_expression(expression).map_err(|error| wrong(&error))?;
    compiled.eval(Serde(values)).map_err(|error| wrong(&error))
}

/// The library looks for a filter only once it is used, which is too late.
fn filters_are_known(expression: &str, line: usize) -> Result<(), Wrong> {
    let mut quote = None;
    let mut rest = expression;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match (quote, c) {
            (Some(_), '\\') => rest = rest.get(1..).unwrap_or_default(),
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '|') => {
                let name = rest.trim_start();
                let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(name.len());
                if !FILTERS.contains(&&name[..end]) {
                    let what = format!("there is no filter {}; there are {}", &name[..end], FILTERS.join(", "));
                    return Err(Wrong { line, what });
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn too_long(line: usize) -> Wrong {
    Wrong { line, what: format!("an expression is longer than {LONGEST} characters") }
}

fn expression_fits(text: &str) -> Result<(), Wrong> {
    if text.len() > LONGEST { Err(too_long(1)) } else { Ok(()) }
}

/// Before the library looks at it.
fn template_fits(text: &str) -> Result<(), Wrong> {
    if let Some(at) = text.lines().position(|line| line.contains("{%")) {
        return Err(Wrong { line: at + 1, what: "only {{ … }} can stand here, and no {% … %}".to_owned() });
    }
    for (at, _) in text.match_indices("{{") {
        let inner = text[at + 2..].split("}}").next().unwrap_or_default();
        if inner.len() > LONGEST {
            return Err(too_long(text[..at].matches('\n').count() + 1));
        }
    }
    Ok(())
}

fn environment(slot: Slot) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    for name in ["range", "debug", "dict", "namespace"] {
        env.remove_global(name);
    }
    env.set_auto_escape_callback(|_| AutoEscape::Custom("value".into()));
    env.set_formatter(move |out, _, value| put(out, slot, value));
    env
}

fn put(out: &mut Output<'_>, slot: Slot, value: &Value) -> Result<(), Error> {
    let cannot = |why: &str| Err(Error::new(ErrorKind::BadEscape, why.to_owned()));
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let text = value.to_string();
    let written = match slot {
        Slot::Json => match serde_json::to_string(value) {
            Ok(json) => out.write_str(&json),
            Err(error) => return cannot(&error.to_string()),
        },
        _ if matches!(value.kind(), ValueKind::Seq | ValueKind::Map | ValueKind::Iterable) && slot != Slot::Text => {
            return cannot("a list or mapping can't stand here");
        }
        Slot::Text => out.write_str(&text),
        Slot::Address => out.write_str(&utf8_percent_encode(&text, IN_ADDRESS).to_string()),
        Slot::Header if text.chars().any(char::is_control) => return cannot("a header has no line of its own"),
        Slot::Header => out.write_str(&text),
        Slot::Query => {
            let escaped: String = text.chars().flat_map(in_quotes).collect();
            out.write_str(&escaped)
        }
    };
    written.map_err(Error::from)
}

/// A character as it stands within double quotes of PromQL, which follows Go's rules
/// (prometheus.io, "Querying basics", string literals).
fn in_quotes(c: char) -> Vec<char> {
    match c {
        '"' | '\\' => vec!['\\', c],
        '\n' => vec!['\\', 'n'],
        '\r' => vec!['\\', 'r'],
        '\t' => vec!['\\', 't'],
        c if c.is_control() => Vec::new(),
        c => vec![c],
    }
}

fn wrong(error: &Error) -> Wrong {
    let what = match (error.kind(), error.detail()) {
        (ErrorKind::UndefinedError, _) => "a value is not there".to_owned(),
        (ErrorKind::OutOfFuel, _) => "it takes too long".to_owned(),
        (_, Some(detail)) => detail.to_owned(),
        (kind, None) => kind.to_string(),
    };
    Wrong { line: error.line().unwrap_or(1), what }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_read_is_told() {
        let reads = template("{{ inputs.cluster }} of {{ steps.look.clients | default(3) }}").expect("it is right");
        assert_eq!(reads, ["inputs.cluster", "steps.look.clients"].map(str::to_owned).into());
        let reads = expression("output.status == 200 and 'x' in output.text").expect("it is right");
        assert_eq!(reads, ["output.status", "output.text"].map(str::to_owned).into());
        for text in [
            "{{ inputs.x",
            "{{ 1 + }}",
            "{% for x in y %}{% endfor %}",
            "{{ x | nofilter }}",
            "{{ x|safe }}",
            "{{ '|' ~ x | indent }}",
        ] {
            assert!(template(text).is_err(), "{text}");
        }
        assert!(expression("a ==").is_err() && expression("a | frist").is_err());
        assert!(expression("a == '| x' and b | lower == \"| y\"").is_ok());
    }

    #[test]
    fn a_value_is_data_whatever_it_holds() {
        for hostile in
            ["; rm -rf /", "$(id)", "-x", "a\nb: c", "\u{202e}x", "\" or \"", "../..?x=1#y", "{{ 7*7 }}", "\\"]
        {
            let values = json!({ "inputs": { "x": hostile } });
            let put = |text: &str, slot| render(text, slot, &values);
            let address = put("https://h/a/{{ inputs.x }}/b", Slot::Address).expect("it is encoded");
            let url = url::Url::parse(&address).expect("an address");
            assert_eq!(url.path_segments().map(Iterator::count), Some(3), "{address}");
            assert!(url.host_str() == Some("h") && url.query().is_none() && url.fragment().is_none(), "{address}");
            let body = put("{\"x\": {{ inputs.x }}}", Slot::Json).expect("JSON");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&body).expect("JSON"), json!({ "x": hostile }));
            assert_eq!(put("{{ inputs.x }}", Slot::Header).is_err(), hostile.contains('\n'), "{hostile:?}");
            let query = put("up{x=\"{{ inputs.x }}\"}", Slot::Query).expect("it is escaped");
            let inner = query.trim_start_matches("up{x=").trim_end_matches('}');
            let back: String = serde_json::from_str(inner).expect("one string, to its end");
            assert_eq!(back, hostile);
            assert_eq!(put("{{ inputs.x }}", Slot::Text).expect("text"), hostile, "it is not read as a template");
        }
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let values = json!({ "inputs": {} });
        assert!(render("{{ inputs.x }}", Slot::Text, &values).is_err());
        assert!(is_true("inputs.x == 1", &values).is_err());
        assert_eq!(is_true("1 == 1", &values), Ok(true));
        assert_eq!(list("[1, 'a']", &values), Ok(vec![json!(1), json!("a")]));
        assert!(list("3", &values).is_err());
        let long = format!("{{{{ {} }}}}", vec!["a"; 30_000].join("~"));
        assert!(render(&long, Slot::Text, &values).is_err() && template(&long).is_err(), "a stack has an end");
        assert!(is_true(&vec!["a"; 30_000].join("~"), &values).is_err());
        // As long as it may be.
        for text in
            [vec!["1"; 500].join("~"), format!("{}1{}", "(".repeat(140), ")".repeat(140)), "-".repeat(998) + "1"]
        {
            let _ = (template(&format!("{{{{{text}}}}}")), is_true(&text, &values));
        }
    }
}
