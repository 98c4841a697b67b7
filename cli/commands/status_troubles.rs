//! What `status` says of footage that was given up or passed over: which, and why.

use catalog::{DeadLetter, Queue, SqliteQueue, passed_over};
use serde::Serialize;

use crate::open::Store;
use crate::output;

/// Of each kind; `queue list` has all that was given up.
const SHOWN: usize = 10;

/// Flattened into the object of `status --json`.
#[derive(Serialize)]
pub(crate) struct Troubles {
    /// The newest.
    given_up: Vec<GivenUp>,
    /// In words: a pipe, a link, a name that is not UTF-8.
    passed_over: Vec<String>,
}

#[derive(Serialize)]
struct GivenUp {
    file: String,
    camera: Option<String>,
    reason: String,
}

impl Troubles {
    pub(crate) fn of(store: &Store, queue: &SqliteQueue) -> anyhow::Result<Self> {
        let mut dead = queue.dead()?;
        dead.sort_by_key(|letter| std::cmp::Reverse((letter.segment.start, letter.segment.id)));
        let mut passed_over = passed_over(&store.root, &store.settings);
        passed_over.truncate(SHOWN);
        Ok(Self { given_up: dead.into_iter().take(SHOWN).map(GivenUp::of).collect(), passed_over })
    }

    pub(crate) fn print(&self) -> anyhow::Result<()> {
        if !self.given_up.is_empty() {
            output::line("")?;
            let row = |given_up: &GivenUp| vec![given_up.file.clone(), given_up.reason.clone()];
            output::table(&["GIVEN UP", "BECAUSE"], &self.given_up.iter().map(row).collect::<Vec<_>>())?;
        }
        self.passed_over.iter().try_for_each(|trouble| output::line(format!("passed over: {trouble}")))
    }
}

impl GivenUp {
    fn of(letter: DeadLetter) -> Self {
        let DeadLetter { segment, reason, .. } = letter;
        Self { file: segment.path.display().to_string(), camera: segment.camera, reason }
    }
}
