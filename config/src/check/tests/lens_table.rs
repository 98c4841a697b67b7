//! Tests of the table of a measured lens.

use super::{FISHEYE, load, refused};
use crate::Projection;

#[test]
fn refuses_tables_that_do_not_grow_out_to_the_edge() {
    refused(
        FISHEYE,
        &[
            (
                "projection = 'table'",
                7,
                "`camera[0].lens.table`: must be pairs `[degrees off the axis, radius]`",
            ),
            (
                "projection = 'table'\ntable = [[0, 0], [45, 0.5], [90]]",
                9,
                "`camera[0].lens.table`: must be pairs `[degrees off the axis, radius]`",
            ),
            (
                "projection = 'table'\ntable = [[0, 0], [45, 0.5], [45, 1.0]]",
                9,
                "`camera[0].lens.table`: must grow in both numbers from pair to pair, but `[45, 1]` comes after `[45, 0.5]`",
            ),
            (
                "projection = 'table'\ntable = [[0, 0.1], [90, 1]]",
                9,
                "`camera[0].lens.table`: must grow in both numbers from pair to pair, but `[0, 0.1]` comes after `[0, 0]`",
            ),
            (
                "projection = 'table'\ntable = [[30, 0.4], [60, nan]]",
                9,
                "`camera[0].lens.table`: must be pairs",
            ),
            (
                "projection = 'table'\ntable = [[30, 0.4], [80, 0.9]]",
                9,
                "`camera[0].lens.table`: must reach to the edge, half of `fov_deg` = 90 degrees, but ends at 80",
            ),
            (
                "table = [[90, 1]]",
                8,
                "`camera[0].lens.table`: has an effect only with `projection = \"table\"`",
            ),
        ],
    );
}

#[test]
fn a_table_begins_at_the_axis_whether_it_says_so_or_not() {
    let pairs = [[0.0, 0.0], [45.0, 0.6], [90.0, 1.0]];
    for text in ["[[45, 0.6], [90, 1]]", "[[0, 0], [45, 0.6], [90, 1]]"] {
        let settings = load(&format!("{FISHEYE}projection = 'table'\ntable = {text}\n")).unwrap();
        let lens = settings.cameras[0].lens.as_ref().unwrap();
        assert_eq!(lens.projection, Projection::Table { pairs: pairs.into() });
    }
}
