//! Bars, drawn on the server.

use maud::{Markup, html};

/// A bar of how much there is, against the most.
pub(crate) fn bar(part: f64, whole: f64) -> Markup {
    drawn(share(part, whole), "bar")
}

/// A bar of how much of what there is is taken; it warns near the end.
pub(crate) fn fill(part: f64, whole: f64) -> Markup {
    let share = share(part, whole);
    drawn(share, if share >= 0.9 { "bar over" } else { "bar" })
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}

fn drawn(share: f64, class: &str) -> Markup {
    html! {
        svg.chart viewBox="0 0 1000 16" preserveAspectRatio="none" aria-hidden="true" {
            rect.ground width="1000" height="16" {}
            rect class=(class) width=(format!("{:.0}", share * 1000.0)) height="16" {}
        }
    }
}
