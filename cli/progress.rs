//! Progress of a long run: a bar with its ETA on a terminal, out of the way of the log's lines.

use indicatif::ProgressStyle;
use tracing::Span;
use tracing_indicatif::span_ext::IndicatifSpanExt;

const STYLE: &str = "{spinner} {msg} [{bar:30}] {pos}/{len}, {eta} left";

/// A bar that is drawn until it is dropped, and not at all where stderr is no terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Span,
}

impl Progress {
    pub(crate) fn start(what: &str) -> Self {
        let bar = tracing::info_span!("progress", indicatif.pb_show = tracing::field::Empty);
        bar.pb_set_style(&ProgressStyle::with_template(STYLE).expect("the template is a sound one"));
        bar.pb_set_message(what);
        bar.pb_start();
        Self { bar }
    }

    pub(crate) fn expect(&self, total: u64) {
        self.bar.pb_set_length(total);
    }

    pub(crate) fn one_more(&self) {
        self.bar.pb_inc(1);
    }
}
