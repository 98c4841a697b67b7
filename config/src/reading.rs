//! Reads a tree into raw settings. It is a serde deserializer of our own, because three things are asked for
//! that TOML's does not give: all faults at once, texts from the environment as any type, and no fault that
//! repeats a value, which may be a secret.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use crate::Faults;
use crate::planned;
use crate::tree::{self, Node, Table, Value};

#[cfg(test)]
mod tests;

/// How alike a wrong key and a right one must be for the right one to be offered.
const ALIKE: f64 = 0.7;

/// Reads `table`. A key of the wrong type becomes a fault, is taken out of `table`, and the rest is read
/// again, until nothing is left that is wrong in that way.
pub(crate) fn read<T: DeserializeOwned + Default>(table: &mut Table, faults: &mut Faults) -> T {
    let notes = RefCell::new(std::mem::take(faults));
    let read = loop {
        match T::deserialize(Section { table, path: String::new(), notes: &notes }) {
            Ok(read) => break read,
            Err(wrong) => {
                let removed = tree::remove(table, &wrong.path);
                notes.borrow_mut().add(wrong.path, wrong.text);
                if !removed {
                    break T::default();
                }
            }
        }
    };
    *faults = notes.into_inner();
    read
}

/// Returns the name that `word` was probably meant to be, whatever its case.
pub(crate) fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let word = word.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&word, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

#[derive(Debug)]
struct WrongType {
    path: String,
    text: String,
}

impl fmt::Display for WrongType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for WrongType {}

impl Error for WrongType {
    /// Serde's own message is dropped: it repeats the value. Kinds are compared before serde sees a value,
    /// so that this is not reached.
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self { path: String::new(), text: "has a value of the wrong type".to_owned() }
    }
}

/// One section, or the whole file.
struct Section<'t> {
    table: &'t Table,
    path: String,
    notes: &'t RefCell<Faults>,
}

impl Section<'_> {
    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn refuse_unknown(&self, known: &[&'static str]) {
        for key in self.table.keys().filter(|key| !known.contains(&key.as_str())) {
            let path = self.path_of(key);
            let text = if planned::is_planned_key(&path) {
                planned::cannot_do_yet("this")
            } else {
                unknown(key, known)
            };
            self.notes.borrow_mut().add(path, text);
        }
    }
}

fn unknown(key: &str, known: &[&'static str]) -> String {
    match nearest(key, known.iter().copied()) {
        Some(name) => format!("there is no such key; did you mean `{name}`?"),
        None => format!("there is no such key; here it can be one of {}", known.join(", ")),
    }
}

impl<'de> Deserializer<'de> for Section<'_> {
    type Error = WrongType;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WrongType> {
        self.refuse_unknown(fields);
        let known: Vec<_> =
            fields.iter().filter_map(|field| Some((*field, self.table.get(*field)?))).collect();
        visitor.visit_map(Entries { section: self, known: known.into_iter(), value: None })
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, WrongType> {
        Err(WrongType::custom("only structs are read"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Entries<'t, I> {
    section: Section<'t>,
    known: I,
    value: Option<(&'static str, &'t Node)>,
}

impl<'de, 't, I: Iterator<Item = (&'static str, &'t Node)>> MapAccess<'de> for Entries<'t, I> {
    type Error = WrongType;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, WrongType> {
        self.value = self.known.next();
        self.value.map(|(key, _)| seed.deserialize(StrDeserializer::new(key))).transpose()
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, WrongType> {
        let (key, node) = self.value.take().ok_or_else(|| WrongType::custom("no key was read"))?;
        seed.deserialize(Reading { node, path: self.section.path_of(key), notes: self.section.notes })
    }
}

/// One value.
struct Reading<'t> {
    node: &'t Node,
    path: String,
    notes: &'t RefCell<Faults>,
}

impl Reading<'_> {
    fn wrong(self, expected: &str) -> WrongType {
        WrongType { text: format!("must be {expected}, but is {}", self.node.kind()), path: self.path }
    }
}

impl<'de> Deserializer<'de> for Reading<'_> {
    type Error = WrongType;

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WrongType> {
        let whole = match &self.node.value {
            Value::Whole(whole) => Some(*whole),
            Value::Loose(text, _) => text.trim().parse().ok(),
            _ => None,
        };
        whole.map_or_else(|| Err(self.wrong("a whole number")), |whole| visitor.visit_i64(whole))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WrongType> {
        let number = match &self.node.value {
            Value::Decimal(number) => Some(*number),
            Value::Whole(whole) => Some(*whole as f64),
            Value::Loose(text, _) => text.trim().parse().ok(),
            _ => None,
        };
        number.map_or_else(|| Err(self.wrong("a number")), |number| visitor.visit_f64(number))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WrongType> {
        let truth = match &self.node.value {
            Value::Truth(truth) => Some(*truth),
            Value::Loose(text, _) => text.trim().to_lowercase().parse().ok(),
            _ => None,
        };
        truth.map_or_else(|| Err(self.wrong("`true` or `false`")), |truth| visitor.visit_bool(truth))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WrongType> {
        match &self.node.value {
            Value::Text(text) | Value::Loose(text, _) => visitor.visit_str(text),
            _ => Err(self.wrong("text in quotes")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WrongType> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WrongType> {
        visitor.visit_some(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, WrongType> {
        match &self.node.value {
            Value::List(nodes) | Value::Loose(_, nodes) => visitor.visit_seq(Entry {
                nodes: nodes.iter().enumerate(),
                path: &self.path,
                notes: self.notes,
            }),
            _ => Err(self.wrong("a list")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, WrongType> {
        match &self.node.value {
            Value::Table(table) => Section { table, path: self.path, notes: self.notes }
                .deserialize_struct(name, fields, visitor),
            _ => Err(self.wrong("a section")),
        }
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, WrongType> {
        Err(self.wrong("of another type"))
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 char bytes byte_buf unit unit_struct newtype_struct
        tuple tuple_struct map enum identifier ignored_any
    }
}

struct Entry<'t, I> {
    nodes: I,
    path: &'t str,
    notes: &'t RefCell<Faults>,
}

impl<'de, 't, I: Iterator<Item = (usize, &'t Node)>> SeqAccess<'de> for Entry<'t, I> {
    type Error = WrongType;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, WrongType> {
        let Some((index, node)) = self.nodes.next() else { return Ok(None) };
        let path = format!("{}[{index}]", self.path);
        seed.deserialize(Reading { node, path, notes: self.notes }).map(Some)
    }
}
