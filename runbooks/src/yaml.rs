//! YAML as a tree that knows where everything stands.
//!
//! What holds: no alias is followed, because a page of a kilobyte could mean gigabytes; nothing is nested deeper than
//! [`DEEPEST`]; a key stands once. A scalar is the text that was written: what it means is for whoever wants a number or a
//! choice there, so `no` is the word and never a boolean.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use crate::places::{Findings, Place};

/// So deep may lists and mappings be nested.
const DEEPEST: usize = 12;

/// A value with where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: Place,
    pub(crate) value: Value,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A scalar as it was written. One without quotes that is empty, `~` or `null` is nothing.
    Text { text: String, is_plain: bool },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in its order.
    Map(Vec<Entry>),
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) at: Place,
    pub(crate) node: Node,
}

impl Node {
    /// What it is, in words.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Text { .. } if self.is_nothing() => "nothing",
            Value::Text { .. } => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    pub(crate) fn is_nothing(&self) -> bool {
        matches!(&self.value, Value::Text { text, is_plain: true } if matches!(text.as_str(), "" | "~" | "null"))
    }
}

/// Reads one document; `from` is where its first line stands in the page. None where it can't be read, which was told.
pub(crate) fn read(text: &str, from: Place, found: &mut Findings<'_>) -> Option<Node> {
    let mut events = Events { parser: Parser::new_from_str(text), from };
    let tree = events.document();
    match tree {
        Ok(node) => node,
        Err((at, what)) => {
            found.tell(at, what, None);
            None
        }
    }
}

type Broken = (Place, String);

struct Events<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    from: Place,
}

impl<'t> Events<'t> {
    fn place(&self, span: &Span) -> Place {
        let (line, column) = (span.start.line().max(1), span.start.col() + 1);
        let column = if line == 1 { column + self.from.column - 1 } else { column };
        Place { line: self.from.line + line - 1, column }
    }

    fn next(&mut self) -> Result<(Event<'t>, Place), Broken> {
        match self.parser.next() {
            None => Ok((Event::StreamEnd, self.from)),
            Some(Ok((event, span))) => Ok((event, self.place(&span))),
            Some(Err(error)) => {
                let at = self.place(&Span::new(*error.marker(), *error.marker()));
                Err((at, format!("this is no YAML: {}", error.info())))
            }
        }
    }

    fn document(&mut self) -> Result<Option<Node>, Broken> {
        loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
                (Event::StreamEnd | Event::DocumentEnd, _) => return Ok(None),
                (event, at) => {
                    let node = self.node(event, at, 0)?;
                    return self.end().map(|()| Some(node));
                }
            }
        }
    }

    fn end(&mut self) -> Result<(), Broken> {
        loop {
            match self.next()? {
                (Event::DocumentEnd | Event::Nothing, _) => {}
                (Event::StreamEnd, _) => return Ok(()),
                (_, at) => return Err((at, "there is a second document here".to_owned())),
            }
        }
    }

    fn node(&mut self, event: Event<'t>, at: Place, depth: usize) -> Result<Node, Broken> {
        if depth > DEEPEST {
            return Err((at, "this is nested too deep".to_owned()));
        }
        let value = match event {
            Event::Scalar(text, style, ..) => {
                Value::Text { text: text.into_owned(), is_plain: style == ScalarStyle::Plain }
            }
            Event::SequenceStart(..) => self.list(depth)?,
            Event::MappingStart(..) => self.map(depth)?,
            Event::Alias(_) => return Err((at, "an alias (*name) is not followed: write it out".to_owned())),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err((at, "this is no YAML".to_owned())),
        };
        Ok(Node { at, value })
    }

    fn list(&mut self, depth: usize) -> Result<Value, Broken> {
        let mut all = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(all)),
                (event, at) => all.push(self.node(event, at, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Value, Broken> {
        let mut all: Vec<Entry> = Vec::new();
        loop {
            let (key, at) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Map(all)),
                (Event::Scalar(key, ..), at) => (key.into_owned(), at),
                (_, at) => return Err((at, "a key is a text".to_owned())),
            };
            if all.iter().any(|it| it.key == key) {
                return Err((at, format!("{} stands twice here", key.escape_debug())));
            }
            let (event, value_at) = self.next()?;
            let node = self.node(event, value_at, depth + 1)?;
            all.push(Entry { key, at, node });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let mut found = Findings::new("x.md");
        read(text, Place { line: 2, column: 1 }, &mut found);
        found.problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_broken_or_grows_is_refused_with_its_place() {
        for (text, part) in [
            ("a: 1\nb: [1, 2\n", "x.md:"),
            ("a: &x [1]\nb: *x\n", "x.md:3:4 an alias"),
            ("a: 1\na: 2\n", "x.md:3:1 a stands twice here"),
            ("a: 1\n---\nb: 2\n", "a second document"),
            ("? [1]\n: 2\n", "a key is a text"),
            (&"[".repeat(40), "nested too deep"),
        ] {
            let told = told(text);
            assert!(told.len() == 1 && told[0].contains(part), "{text:?}: {told:?}");
        }
        assert_eq!(told("a: no\nb: ~\n"), [] as [String; 0]);
    }

    #[test]
    fn a_word_is_the_word() {
        let mut found = Findings::new("x.md");
        let node = read("a: no\nb: \"~\"\nc:\n", Place { line: 2, column: 1 }, &mut found).expect("a tree");
        let Value::Map(all) = node.value else { panic!("a mapping") };
        assert!(matches!(&all[0].node.value, Value::Text { text, .. } if text == "no"));
        assert!(!all[1].node.is_nothing() && all[2].node.is_nothing());
        assert_eq!((all[1].at.line, all[1].at.column), (3, 1));
    }
}
