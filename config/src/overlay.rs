//! The environment's layer: `NIGHTREEL__PROCESS__EVERY_NTH_FRAME=10` over the file's
//! `process.every_nth_frame`.

use crate::tree::{Node, Table, Value};
use crate::{Environment, Faults, Origin};

const PREFIX: &str = "NIGHTREEL__";

/// Far more than one machine records, and few enough that a wrong number costs no memory.
const MOST_ENTRIES: usize = 256;

/// Keys that say the same thing in different ways. One from the environment takes the place of all, or there
/// would be no way to override a file's `password_env`.
const ALTERNATIVES: &[[&str; 3]] = &[
    ["password", "password_file", "password_env"],
    ["republish_password", "republish_password_file", "republish_password_env"],
    ["api_key", "api_key_file", "api_key_env"],
];

/// Lays every `NIGHTREEL__SECTION__KEY` over `table`. Entries of a list of sections go by number from 0:
/// `NIGHTREEL__CAMERA__0__URL`.
pub(crate) fn lay(table: &mut Table, environment: &Environment, faults: &mut Faults) {
    for name in environment.names_with(PREFIX) {
        let Some((value, origin)) = environment.get(name) else { continue };
        let path = name[PREFIX.len()..].to_lowercase();
        let steps: Vec<&str> = path.split("__").collect();
        if steps.iter().any(|step| step.is_empty()) || steps[0].parse::<usize>().is_ok() {
            faults.add_at(origin, "does not name a key: write NIGHTREEL__SECTION__KEY");
            continue;
        }
        if set(table, &steps, value, &origin).is_none() {
            faults
                .add_at(origin, "does not lead to a key: a step of it is no section, or its number too high");
        }
    }
}

fn set(table: &mut Table, steps: &[&str], value: &str, origin: &Origin) -> Option<()> {
    match steps {
        [] => None,
        [key] => {
            drop_alternatives(table, key, origin);
            table.insert((*key).to_owned(), Node::loose(value, origin));
            Some(())
        }
        [key, rest @ ..] => {
            let index = rest[0].parse::<usize>().ok();
            let empty = if index.is_some() { Value::List(Vec::new()) } else { Value::Table(Table::new()) };
            let node =
                table.entry((*key).to_owned()).or_insert(Node { value: empty, origin: origin.clone() });
            match (&mut node.value, index) {
                (Value::Table(inner), None) => set(inner, rest, value, origin),
                (Value::List(nodes), Some(index)) => {
                    set(entry(nodes, index, origin)?, &rest[1..], value, origin)
                }
                _ => None,
            }
        }
    }
}

fn entry<'n>(nodes: &'n mut Vec<Node>, index: usize, origin: &Origin) -> Option<&'n mut Table> {
    if index >= MOST_ENTRIES {
        return None;
    }
    while nodes.len() <= index {
        nodes.push(Node { value: Value::Table(Table::new()), origin: origin.clone() });
    }
    match &mut nodes[index].value {
        Value::Table(inner) => Some(inner),
        _ => None,
    }
}

fn drop_alternatives(table: &mut Table, key: &str, origin: &Origin) {
    let from_file = |node: &Node| !matches!(node.origin, Origin::Environment(_) | Origin::Dotenv(_));
    if matches!(origin, Origin::Default | Origin::File { .. }) {
        return;
    }
    for name in ALTERNATIVES.iter().filter(|names| names.contains(&key)).flatten() {
        if table.get(*name).is_some_and(from_file) {
            table.remove(*name);
        }
    }
}
