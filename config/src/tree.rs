//! The settings as a tree of values, each with its origin, before anything is known of their meaning.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use crate::{Faults, Origin};

pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

pub(crate) enum Value {
    Text(String),
    Whole(i64),
    Decimal(f64),
    Truth(bool),
    Date,
    List(Vec<Node>),
    Table(Table),
    /// From the environment, where nothing tells `"60"` from `60`: the reader decides. The parts between its
    /// commas stand ready for a key that is a list.
    Loose(String, Vec<Node>),
}

pub(crate) type Table = BTreeMap<String, Node>;

impl Node {
    pub(crate) fn text(text: impl Into<String>, origin: Origin) -> Self {
        Self { value: Value::Text(text.into()), origin }
    }

    pub(crate) fn loose(text: &str, origin: &Origin) -> Self {
        let part = |text: &str| Self {
            value: Value::Loose(text.trim().to_owned(), Vec::new()),
            origin: origin.clone(),
        };
        let parts = text.split(',').filter(|text| !text.trim().is_empty()).map(part).collect();
        Self { value: Value::Loose(text.to_owned(), parts), origin: origin.clone() }
    }

    /// Names what the file holds here, never the value itself: it could be a secret.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Text(_) | Value::Loose(..) => "text",
            Value::Whole(_) => "a whole number",
            Value::Decimal(_) => "a decimal number",
            Value::Truth(_) => "true or false",
            Value::Date => "a date or time",
            Value::List(_) => "a list",
            Value::Table(_) => "a section",
        }
    }
}

/// Reads TOML text; faults of syntax go to `faults`, without the source line, which may hold a password.
pub(crate) fn parse(text: &str, file: &Arc<str>, faults: &mut Faults) -> Table {
    let lines = Lines { text, file };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let origin = lines.origin(error.span().map_or(0, |span| span.start));
        faults.add_at(origin, format!("not valid TOML: {}", first_line(error.message())));
    }
    table(document.get_ref(), &lines)
}

/// Lists the origin of each key and section in the tree, by its whole path.
pub(crate) fn origins(table: &Table) -> BTreeMap<String, Origin> {
    let mut origins = BTreeMap::new();
    for (key, node) in table {
        note_origin(key, node, &mut origins);
    }
    origins
}

/// Takes the key at `path` out of the tree; for an entry of a list, the whole list, so that the others keep
/// their numbers. Returns whether there was one.
pub(crate) fn remove(root: &mut Table, path: &str) -> bool {
    let path = path.strip_suffix(']').and_then(|path| path.rfind('[').map(|at| &path[..at])).unwrap_or(path);
    let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
    let mut table = root;
    for step in parents.split('.').filter(|step| !step.is_empty()) {
        let (name, index) = match step.split_once('[') {
            Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
            None => (step, None),
        };
        let node = match (table.get_mut(name), index) {
            (Some(Node { value: Value::List(nodes), .. }), Some(index)) => nodes.get_mut(index),
            (node, _) => node,
        };
        let Some(Node { value: Value::Table(inner), .. }) = node else { return false };
        table = inner;
    }
    table.remove(key).is_some()
}

struct Lines<'t> {
    text: &'t str,
    file: &'t Arc<str>,
}

impl Lines<'_> {
    fn origin(&self, offset: usize) -> Origin {
        let before = &self.text.as_bytes()[..offset.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Origin::File { file: Arc::clone(self.file), line }
    }
}

fn table(table: &DeTable<'_>, lines: &Lines<'_>) -> Table {
    table
        .iter()
        .map(|(key, value)| {
            let node =
                Node { value: value_of(value.get_ref(), lines), origin: lines.origin(key.span().start) };
            (key.get_ref().to_string(), node)
        })
        .collect()
}

fn value_of(value: &DeValue<'_>, lines: &Lines<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        // One that does not fit can only be out of any range asked for.
        DeValue::Integer(digits) => {
            Value::Whole(i64::from_str_radix(digits.as_str(), digits.radix()).unwrap_or(i64::MAX))
        }
        DeValue::Float(digits) => Value::Decimal(digits.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(truth) => Value::Truth(*truth),
        DeValue::Datetime(_) => Value::Date,
        DeValue::Array(nodes) => Value::List(
            nodes
                .iter()
                .map(|node| Node {
                    value: value_of(node.get_ref(), lines),
                    origin: lines.origin(node.span().start),
                })
                .collect(),
        ),
        DeValue::Table(inner) => Value::Table(table(inner, lines)),
    }
}

fn note_origin(path: &str, node: &Node, origins: &mut BTreeMap<String, Origin>) {
    origins.insert(path.to_owned(), node.origin.clone());
    match &node.value {
        Value::Table(table) => {
            for (key, node) in table {
                note_origin(&format!("{path}.{key}"), node, origins);
            }
        }
        Value::List(nodes) => {
            for (index, node) in nodes.iter().enumerate() {
                note_origin(&format!("{path}[{index}]"), node, origins);
            }
        }
        _ => {}
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}
