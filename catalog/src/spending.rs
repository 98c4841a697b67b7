//! Spending: what a day's requests count against its caps, what is set aside before one is sent, and what is put
//! off when it does not fit.

use std::fmt;

use chrono::{DateTime, NaiveDate, Utc};
use config::{Caps, Rates, Usd};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;

use crate::segment::time;
use crate::{CallIntent, Catalog, CatalogError};

/// How the reason of a job begins that waits for its camera's cap.
pub const WAITS_FOR_CAP: &str = "waits for the next day of its camera's cap";

/// What the requests of a day come to, those under way with what was set aside for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub calls: u64,
    pub tokens: u64,
    pub usd: Usd,
}

/// Tokens of a request and its answer at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bound {
    pub input_tokens: u64,
    pub output_tokens: u64,
}

impl Bound {
    pub fn tokens(self) -> u64 {
        self.input_tokens + self.output_tokens
    }
}

/// What a request is held against before it is sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct DayCaps {
    pub all: Caps,
    pub camera: Caps,
    /// Absent where the model has no price: it then costs nothing that could be counted.
    pub rates: Option<Rates>,
    /// When the next cap day begins.
    pub until: Option<DateTime<Utc>>,
}

/// The cap that a request does not fit under any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapReached {
    /// Absent for the cap of all cameras together.
    pub camera: Option<String>,
    pub day: NaiveDate,
    kind: Kind,
    cap: String,
    taken: String,
    /// What the request may take.
    asked: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Usd,
    Tokens,
    Calls,
}

/// Work that waits for a cap's next day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Deferral {
    /// Absent where all cameras wait.
    pub camera: Option<String>,
    /// The key of the settings.
    pub cap: String,
    pub until: DateTime<Utc>,
    /// How many wait.
    pub segments: u64,
}

impl CapReached {
    /// Returns the key of the settings.
    pub fn key(&self) -> &'static str {
        match (self.kind, self.camera.is_some()) {
            (Kind::Usd, false) => "vision.max_usd_per_day",
            (Kind::Tokens, false) => "vision.max_tokens_per_day",
            (Kind::Calls, false) => "vision.max_calls_per_day",
            (Kind::Usd, true) => "camera.vision.max_usd_per_day",
            (Kind::Tokens, true) => "camera.vision.max_tokens_per_day",
            (Kind::Calls, true) => "camera.vision.max_calls_per_day",
        }
    }
}

impl fmt::Display for CapReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { day, cap, taken, asked, .. } = self;
        write!(f, "`{} = {cap}`", self.key())?;
        if let Some(camera) = &self.camera {
            write!(f, " of camera `{camera}`")?;
        }
        write!(f, " is reached for {day} ({taken} taken")?;
        if self.kind != Kind::Calls {
            write!(f, ", and the next request may take {asked}")?;
        }
        write!(f, "): what is left waits for the next day; raise the key to go on now")
    }
}

impl Catalog {
    /// Returns what a day's requests come to, for one camera or for all.
    pub fn spent(&self, cap_day: NaiveDate, camera: Option<&str>) -> Result<Spent, CatalogError> {
        self.read("add up what was spent", |c| match camera {
            Some(camera) => of_camera(c, cap_day, camera),
            None => of_all(c, cap_day),
        })
    }

    /// Lists what waits for a cap's next day at `now`.
    pub fn deferrals(&self, now: DateTime<Utc>) -> Result<Vec<Deferral>, CatalogError> {
        self.read("list what is put off", |c| {
            let mut statement = c.prepare_cached(
                "SELECT camera, cap, until_ms,
                        (SELECT count(*) FROM job JOIN segment ON segment.id = job.segment_id
                         WHERE job.state = 'queued' AND deferral.camera IN ('', segment.camera))
                 FROM deferral WHERE until_ms > ?1 ORDER BY camera",
            )?;
            let rows = statement.query_map([now.timestamp_millis()], |row| {
                Ok(Deferral {
                    camera: row.get::<_, Option<String>>(0)?.filter(|camera| !camera.is_empty()),
                    cap: row.get(1)?,
                    until: time(row.get(2)?),
                    segments: row.get(3)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Takes up what was put off, for a run that begins: the caps may be others by now. What is still over them
    /// is put off again.
    pub fn take_up_deferrals(&self, now: DateTime<Utc>) -> Result<(), CatalogError> {
        self.write("take up what was put off", |t| {
            t.execute("DELETE FROM deferral", [])?;
            t.execute(
                "UPDATE job SET available_ms = ?1
                 WHERE state = 'queued' AND available_ms > ?1 AND reason LIKE ?2 || '%'",
                params![now.timestamp_millis(), WAITS_FOR_CAP],
            )
            .map(drop)
        })
    }
}

/// Looks whether a request fits under the caps with all it may take, and returns what is to be set aside; notes
/// what has to wait where it does not fit.
pub(crate) fn set_aside(
    t: &Transaction<'_>,
    intent: &CallIntent,
    caps: &DayCaps,
) -> rusqlite::Result<Result<Spent, CapReached>> {
    let asked = worst_case(t, intent, caps.rates)?;
    let mut reached = over(caps.all, of_all(t, intent.cap_day)?, asked).map(|over| (None, over));
    if let (None, Some(camera)) = (&reached, &intent.camera) {
        let over = over(caps.camera, of_camera(t, intent.cap_day, camera)?, asked);
        reached = over.map(|over| (Some(camera.clone()), over));
    }
    let Some((camera, (kind, [cap, taken, asked]))) = reached else { return Ok(Ok(asked)) };
    let reached = CapReached { camera, day: intent.cap_day, kind, cap, taken, asked };
    if let Some(until) = caps.until {
        t.prepare_cached("INSERT OR REPLACE INTO deferral VALUES (?1, ?2, ?3)")?.execute(params![
            reached.camera.as_deref().unwrap_or_default(),
            reached.key(),
            until.timestamp_millis(),
        ])?;
    }
    Ok(Err(reached))
}

/// Remembers where a call took more than it was thought to take at most.
pub(crate) fn learn(
    t: &Transaction<'_>,
    request_id: &str,
    (input, output): (u64, u64),
) -> rusqlite::Result<()> {
    t.prepare_cached(
        "INSERT INTO learnt_tokens
         SELECT model, (?2 * 1000 + bound_input_tokens - 1) / bound_input_tokens,
                       (?3 * 1000 + bound_output_tokens - 1) / bound_output_tokens
         FROM call WHERE request_id = ?1 AND bound_input_tokens > 0 AND bound_output_tokens > 0
                     AND (?2 > bound_input_tokens OR ?3 > bound_output_tokens)
         ON CONFLICT DO UPDATE SET input_permille = max(input_permille, excluded.input_permille),
                                   output_permille = max(output_permille, excluded.output_permille)",
    )?
    .execute(params![request_id, bounded(input), bounded(output)])
    .map(drop)
}

/// More tokens than any model takes are a server's slip, and must not overflow a sum.
pub(crate) fn bounded(tokens: u64) -> u64 {
    tokens.min(1_000_000_000_000)
}

fn worst_case(t: &Transaction<'_>, intent: &CallIntent, rates: Option<Rates>) -> rusqlite::Result<Spent> {
    let learnt: Option<(u64, u64)> = t
        .prepare_cached("SELECT input_permille, output_permille FROM learnt_tokens WHERE model = ?1")?
        .query_row([&intent.model], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (more_input, more_output) = learnt.unwrap_or((1000, 1000));
    let scaled =
        |tokens: u64, permille: u64| bounded(bounded(tokens) * permille.clamp(1000, 1_000_000) / 1000 + 1);
    let input = scaled(intent.bound.input_tokens, more_input);
    let output = scaled(intent.bound.output_tokens, more_output);
    Ok(Spent {
        calls: 1,
        tokens: input + output,
        usd: rates.map(|rates| rates.cost(input, output)).unwrap_or_default(),
    })
}

/// Finds the cap that `taken` and `asked` together are over, with cap, taken and asked in words.
fn over(caps: Caps, taken: Spent, asked: Spent) -> Option<(Kind, [String; 3])> {
    let words = |cap: u64, taken: u64, asked: u64| [cap, taken, asked].map(|number| number.to_string());
    if let Some(cap) = caps.calls.filter(|cap| taken.calls + asked.calls > *cap) {
        return Some((Kind::Calls, words(cap, taken.calls, asked.calls)));
    }
    if let Some(cap) = caps.tokens.filter(|cap| taken.tokens + asked.tokens > *cap) {
        return Some((Kind::Tokens, words(cap, taken.tokens, asked.tokens)));
    }
    let cap = caps.usd.filter(|cap| taken.usd.plus(asked.usd) > *cap)?;
    Some((Kind::Usd, [cap.dollars().to_string(), taken.usd.to_string(), asked.usd.to_string()]))
}

fn of_all(c: &Connection, cap_day: NaiveDate) -> rusqlite::Result<Spent> {
    c.prepare_cached(
        "SELECT coalesce(sum(calls), 0), coalesce(sum(tokens), 0), coalesce(sum(nanousd), 0) FROM spent
         WHERE cap_day = ?1",
    )?
    .query_row([cap_day.to_string()], spent)
}

fn of_camera(c: &Connection, cap_day: NaiveDate, camera: &str) -> rusqlite::Result<Spent> {
    let found = c
        .prepare_cached("SELECT calls, tokens, nanousd FROM spent WHERE cap_day = ?1 AND camera = ?2")?
        .query_row([&cap_day.to_string(), camera], spent)
        .optional()?;
    Ok(found.unwrap_or_default())
}

fn spent(row: &rusqlite::Row<'_>) -> rusqlite::Result<Spent> {
    Ok(Spent { calls: row.get(0)?, tokens: row.get(1)?, usd: Usd::of_nanos(row.get(2)?) })
}
