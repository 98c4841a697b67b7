//! Data on stdout: text or one line of JSON at a time. Talk goes to stderr, through the log.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;
use serde::Serialize;

/// Prints bytes as they are.
///
/// A reader that went away (`nightreel frames … | head`) has what it wanted: the program ends quietly.
pub(crate) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(e) if e.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        done => done.context("cannot write to stdout"),
    }
}

pub(crate) fn line(text: impl AsRef<str>) -> anyhow::Result<()> {
    bytes(format!("{}\n", text.as_ref()).as_bytes())
}

/// Prints a value as JSON on one line.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string(value).context("cannot write JSON")?)
}

/// Prints columns, each as wide as its widest cell; the last one is left ragged.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> anyhow::Result<()> {
    let cells = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    let width = |column: usize| cells(column).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> =
        head.iter().enumerate().map(|(column, name)| width(column).max(name.chars().count())).collect();
    let render = |row: Vec<&str>| {
        let padded = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    line(render(head.to_vec()))?;
    rows.iter().try_for_each(|row| line(render(row.iter().map(String::as_str).collect())))
}

/// Writes a number of bytes as people do: `1.2 GB` is 1.2 · 10⁹ bytes, as in the settings.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    let mut scaled = bytes as f64;
    let mut unit = "B";
    for larger in UNITS {
        if scaled < 1000.0 {
            break;
        }
        scaled /= 1000.0;
        unit = larger;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{scaled:.1} {unit}") }
}

/// Writes seconds as people do: `23 h 59 min`, `4 min 10 s`, `12 s`.
pub(crate) fn time_span(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes) {
        (0, 0) => format!("{rest} s"),
        (0, _) => format!("{minutes} min {rest:02} s"),
        _ => format!("{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time_read_as_people_write_them() {
        for (seconds, text) in
            [(0.0, "0 s"), (59.6, "1 min 00 s"), (250.2, "4 min 10 s"), (86_340.0, "23 h 59 min")]
        {
            assert_eq!(time_span(seconds), text);
        }
    }

    #[test]
    fn sizes_read_as_people_write_them() {
        for (bytes, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (5_400_000_000, "5.4 GB"),
            (u64::MAX, "18446.7 PB"),
        ] {
            assert_eq!(size(bytes), text);
        }
    }
}
