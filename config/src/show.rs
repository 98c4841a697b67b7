//! `config show`: the settings in force as TOML, each with where it came from; secrets are `***`.

use std::fmt::Write;

use toml::{Table, Value};

use crate::Loaded;

/// Renders the settings in force, the origin behind each as a comment.
pub fn render_effective(loaded: &Loaded) -> String {
    let mut text = String::new();
    section(loaded.effective(), "", loaded, &mut text);
    text
}

fn section(table: &Table, path: &str, loaded: &Loaded, text: &mut String) {
    let path_of = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    // TOML wants a section's own keys before its sections.
    for (key, value) in table.iter().filter(|(_, value)| !is_section(value)) {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{key} = {}  # {}", plain(value), loaded.origin(&path_of(key)));
    }
    for (key, value) in table.iter().filter(|(_, value)| is_section(value)) {
        let path = path_of(key);
        let name = path.split('.').map(|step| step.split('[').next().unwrap_or(step));
        let name = name.collect::<Vec<_>>().join(".");
        match value {
            Value::Table(inner) => {
                let _ = writeln!(text, "\n[{name}]");
                section(inner, &path, loaded, text);
            }
            Value::Array(entries) => {
                for (index, entry) in entries.iter().enumerate() {
                    let _ = writeln!(text, "\n[[{name}]]");
                    entry.as_table().into_iter().for_each(|inner| {
                        section(inner, &format!("{path}[{index}]"), loaded, text);
                    });
                }
            }
            _ => {}
        }
    }
}

fn is_section(value: &Value) -> bool {
    match value {
        Value::Table(_) => true,
        Value::Array(entries) => entries.first().is_some_and(Value::is_table),
        _ => false,
    }
}

/// Writes whole decimals as people do: `180`, not `180.0`.
fn plain(value: &Value) -> String {
    match value {
        Value::Float(number) => number.to_string(),
        Value::Array(entries) => format!("[{}]", entries.iter().map(plain).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
