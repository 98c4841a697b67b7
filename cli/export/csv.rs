//! CSV as RFC 4180 has it: a head, CRLF, quotes where they are needed; a field that is not known is empty.

use std::fmt::Display;
use std::io::Write;

use crate::export::{Row, Source, rows};

const HEAD: &str = "time,camera,file,frame,view,label,score,x,y,width,height,caption,profile,detector,vision_model,\
    tags,described_objects,people,notable,reason,confidence\r\n";

pub(crate) fn csv(source: &Source, out: &mut dyn Write) -> anyhow::Result<()> {
    out.write_all(HEAD.as_bytes())?;
    source.each(|exported, results| {
        rows(exported, results).try_for_each(|row| Ok(out.write_all(line(&row).as_bytes())?))
    })
}

fn line(row: &Row<'_>) -> String {
    let fields = [
        quoted(row.time),
        known(row.camera),
        quoted(row.file),
        row.frame.to_string(),
        quoted(row.view),
        known(row.label),
        number(row.score),
        number(row.x),
        number(row.y),
        number(row.width),
        number(row.height),
        known(row.caption),
        quoted(row.profile),
        known(row.detector),
        known(row.vision_model),
        known(row.tags.as_deref()),
        known(row.described_objects.as_deref()),
        number(row.people),
        number(row.notable),
        known(row.reason),
        number(row.confidence),
    ];
    fields.join(",") + "\r\n"
}

fn known(text: Option<&str>) -> String {
    text.map(quoted).unwrap_or_default()
}

fn number(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_have_to_be() {
        for (text, field) in [
            ("gate", "gate"),
            ("a, b", "\"a, b\""),
            ("say \"ah\"", "\"say \"\"ah\"\"\""),
            ("a\nb", "\"a\nb\""),
            ("", ""),
        ] {
            assert_eq!(quoted(text), field);
        }
    }
}
