//! Results as other programs take them: rows of objects, streamed, whatever the format.

mod coco;
mod csv;
#[cfg(feature = "parquet")]
mod parquet;
mod row;
mod source;

pub(crate) use coco::coco;
pub(crate) use csv::csv;
#[cfg(feature = "parquet")]
pub(crate) use parquet::parquet;
pub(crate) use row::{Row, rows};
pub(crate) use source::Source;
