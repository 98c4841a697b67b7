//! The pages, a file each, and what they are put together of.

pub(crate) mod assets;
pub(crate) mod card;
pub(crate) mod chart;
pub(crate) mod clip;
pub(crate) mod cues;
pub(crate) mod day;
pub(crate) mod events;
pub(crate) mod feed;
pub(crate) mod live;
pub(crate) mod login;
pub(crate) mod night;
pub(crate) mod play;
pub(crate) mod search;
pub(crate) mod shell;
pub(crate) mod still;
pub(crate) mod storage;
pub(crate) mod strip;
pub(crate) mod thumbnail;
pub(crate) mod words;
