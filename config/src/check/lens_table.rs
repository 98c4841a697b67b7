//! The table of a measured lens: pairs of an angle and a radius that grow together.

use std::sync::Arc;

use super::Check;
use crate::Projection;
use crate::raw::RawLens;

/// A pair each tenth of a degree, out to what lies behind the lens.
const MOST_PAIRS: usize = 1801;

const FORM: &str = "must be pairs `[degrees off the axis, radius]` from 0 to 180 degrees, such as `[[30, 0.35], [60, 0.68], [90, 1.0]]`";

impl Check<'_> {
    pub(super) fn lens_table(&mut self, section: &str, raw: &RawLens) -> Option<Projection> {
        let key = format!("{section}.table");
        let pair = |pair: &Vec<f64>| match pair[..] {
            [degrees, radius] if (0.0..=180.0).contains(&degrees) && (0.0..=1e6).contains(&radius) => {
                Some([degrees, radius])
            }
            _ => None,
        };
        let raw_pairs = raw.table.as_deref().unwrap_or_default();
        let pairs: Option<Vec<[f64; 2]>> = raw_pairs.iter().map(pair).collect();
        let Some(mut pairs) = pairs.filter(|pairs| (1..=MOST_PAIRS).contains(&pairs.len())) else {
            return self.fault(&key, FORM);
        };
        // The axis falls on the centre, whether that is said or not.
        if pairs[0] != [0.0, 0.0] {
            pairs.insert(0, [0.0, 0.0]);
        }
        let grows = |two: &[[f64; 2]]| two[0][0] < two[1][0] && two[0][1] < two[1][1];
        if let Some(two) = pairs.windows(2).find(|two| !grows(two)) {
            let [before, after] = [two[0], two[1]].map(|[degrees, radius]| format!("[{degrees}, {radius}]"));
            return self.fault(
                &key,
                format!("must grow in both numbers from pair to pair, but `{after}` comes after `{before}`"),
            );
        }
        self.reaches_the_edge(&key, &pairs, raw.fov_deg)?;
        Some(Projection::Table { pairs: Arc::from(pairs) })
    }

    fn reaches_the_edge(&mut self, key: &str, pairs: &[[f64; 2]], fov_deg: f64) -> Option<()> {
        let (last, edge) = (pairs.last()?[0], fov_deg / 2.0);
        if last < edge {
            return self.fault(
                key,
                format!("must reach to the edge, half of `fov_deg` = {edge} degrees, but ends at {last}"),
            );
        }
        Some(())
    }
}
