//! Parquet, column by column: gathered for one row group, then written, so that memory is bounded.

use std::io::Write;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, FloatType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use crate::export::{Row, Source, rows};

/// The columns, in the order of the groups below.
const SCHEMA: &str = "message nightreel {
    optional int64 time (TIMESTAMP(MILLIS, true));
    optional int64 frame;
    optional int64 people;
    optional boolean notable;
    optional binary camera (UTF8);
    optional binary file (UTF8);
    optional binary view (UTF8);
    optional binary label (UTF8);
    optional binary caption (UTF8);
    optional binary profile (UTF8);
    optional binary detector (UTF8);
    optional binary vision_model (UTF8);
    optional binary tags (UTF8);
    optional binary described_objects (UTF8);
    optional binary reason (UTF8);
    optional float score;
    optional float x;
    optional float y;
    optional float width;
    optional float height;
    optional float confidence;
}";

/// Rows that are gathered at most; a few megabytes.
const GROUP: usize = 16 * 1024;

/// The columns of one row group, by type.
#[derive(Default)]
struct Group {
    whole: [Vec<Option<i64>>; 3],
    truth: [Vec<Option<bool>>; 1],
    text: [Vec<Option<ByteArray>>; 11],
    real: [Vec<Option<f32>>; 6],
}

pub(crate) fn parquet(source: &Source, out: &mut (dyn Write + Send)) -> anyhow::Result<()> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(out, schema, properties)?;
    let mut group = Group::default();
    source.each(|exported, results| {
        for row in rows(exported, results) {
            group.add(&row);
            if group.whole[0].len() >= GROUP {
                std::mem::take(&mut group).write(writer.next_row_group()?)?;
            }
        }
        Ok(())
    })?;
    if !group.whole[0].is_empty() {
        group.write(writer.next_row_group()?)?;
    }
    writer.close()?;
    Ok(())
}

impl Group {
    fn add(&mut self, row: &Row<'_>) {
        let time = row.time.parse::<DateTime<Utc>>().ok().map(|time| time.timestamp_millis());
        push(&mut self.whole, [time, i64::try_from(row.frame).ok(), row.people.map(i64::from)]);
        push(&mut self.truth, [row.notable]);
        let text = [
            row.camera,
            Some(row.file),
            Some(row.view),
            row.label,
            row.caption,
            Some(row.profile),
            row.detector,
            row.vision_model,
            row.tags.as_deref(),
            row.described_objects.as_deref(),
            row.reason,
        ];
        push(&mut self.text, text.map(|text| text.map(ByteArray::from)));
        push(&mut self.real, [row.score, row.x, row.y, row.width, row.height, row.confidence]);
    }

    fn write<W: Write + Send>(self, mut group: SerializedRowGroupWriter<'_, W>) -> anyhow::Result<()> {
        self.whole.into_iter().try_for_each(|values| write_column::<Int64Type, W>(&mut group, values))?;
        self.truth.into_iter().try_for_each(|values| write_column::<BoolType, W>(&mut group, values))?;
        self.text.into_iter().try_for_each(|values| write_column::<ByteArrayType, W>(&mut group, values))?;
        self.real.into_iter().try_for_each(|values| write_column::<FloatType, W>(&mut group, values))?;
        group.close()?;
        Ok(())
    }
}

fn push<T, const N: usize>(columns: &mut [Vec<Option<T>>; N], values: [Option<T>; N]) {
    columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
}

fn write_column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: Vec<Option<T::T>>,
) -> anyhow::Result<()> {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    if let Some(mut column) = group.next_column()? {
        column.typed::<T>().write_batch(&values, Some(&levels), None)?;
        column.close()?;
    }
    Ok(())
}
