//! The storage: what each camera brings, how long the disk lasts, what the next pass of retention does: `/storage`.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use crate::fault::Made;
use crate::figures::{Estimate, Held, Plan, Status, Wanted};
use crate::page::chart::{bar, fill};
use crate::page::shell::{Tab, shell};
use crate::page::words::{count, size};
use crate::pages::{Pages, Shared};

pub(crate) async fn storage(State(pages): Shared) -> Response {
    pages.page(show).await
}

fn show(pages: &Pages) -> Made<Markup> {
    let status: Status = pages.read_figure(Wanted::Status)?;
    let estimate: Estimate = pages.read_figure(Wanted::Estimate)?;
    let plan: Plan = pages.read_figure(Wanted::Plan)?;
    let disk = &status.disk;
    let used = disk.total_bytes.saturating_sub(disk.free_bytes);
    let body = html! {
        h1 { "Storage" }
        dl.figures {
            div {
                dt { "Disk" }
                dd { (size(disk.free_bytes)) " free of " (size(disk.total_bytes)) }
                (fill(used as f64, disk.total_bytes as f64))
            }
            div { dt { "Growth" } dd { (size(estimate.bytes_per_day)) " a day" } }
            div { dt { "Full" } dd { (days(estimate.disk.days_until_full)) } }
            @if let Some(floor) = disk.floor_bytes {
                div { dt { "Floor of " (size(floor)) } dd { (days(estimate.disk.days_until_floor)) } }
            }
        }
        (cameras(&status, &estimate))
        (archive(&estimate.archived))
        (next_pass(&plan))
    };
    Ok(shell("Storage", Tab::Storage, &body))
}

fn days(days: Option<f64>) -> String {
    days.map_or_else(|| "not foreseeable".to_owned(), |days| format!("in {days:.1} days"))
}

fn cameras(status: &Status, estimate: &Estimate) -> Markup {
    let most = status.cameras.iter().map(|camera| camera.bytes).max().unwrap_or_default();
    let growth = |id: &str| estimate.cameras.iter().find(|camera| camera.id == id)?.bytes_per_day;
    html! {
        h2 { "Cameras" }
        table {
            thead { tr { th { "Camera" } th { "Held" } th { "A day" } th { "Segments" } } }
            tbody {
                @for camera in &status.cameras {
                    @let held = camera.segments.iter().filter(|(state, _)| !matches!(state.as_str(), "missing" | "archived" | "deleted"));
                    tr {
                        th scope="row" { (camera.id) }
                        td { (size(camera.bytes)) (bar(camera.bytes as f64, most as f64)) }
                        td { (growth(&camera.id).map_or_else(|| "–".to_owned(), size)) }
                        td { (held.map(|(_, count)| count).sum::<u64>()) }
                    }
                }
            }
        }
    }
}

/// What is away costs by the month.
fn archive(held: &[Held]) -> Markup {
    let most = held.iter().map(|line| line.bytes).max().unwrap_or_default();
    let (bytes, bundles) =
        held.iter().fold((0, 0), |(bytes, bundles), line| (bytes + line.bytes, bundles + line.bundles));
    let usd = held.iter().map(|line| line.usd_per_month).sum::<Option<f64>>();
    let money = |usd: Option<f64>| usd.map_or_else(|| "no price".to_owned(), |usd| format!("${usd:.2}"));
    html! {
        @if !held.is_empty() {
            h2 #archive { "The archive" }
            p {
                "Holds " (size(bytes)) " in " (count(bundles, "bundle"))
                @match usd {
                    Some(_) => { ", for " (money(usd)) " a month." }
                    None => { "; " code { "[[archive.price]]" } " says what that costs." }
                }
            }
            table {
                thead { tr { th { "Camera" } th { "Held" } th { "Class" } th { "A month" } } }
                tbody {
                    @for line in held {
                        tr {
                            th scope="row" { (line.camera) }
                            td { (size(line.bytes)) (bar(line.bytes as f64, most as f64)) }
                            td { (line.storage_class.as_deref().unwrap_or("the bucket's")) }
                            td { (money(line.usd_per_month)) }
                        }
                    }
                }
            }
        }
    }
}

fn next_pass(plan: &Plan) -> Markup {
    let changed = plan.moved.segments + plan.archive.segments + plan.delete.segments;
    html! {
        h2 { "The next pass of retention" }
        p {
            "Keeps " (count(plan.keep.segments, "segment")) " (" (size(plan.keep.bytes)) "), moves " (plan.moved.segments)
            ", archives " (plan.archive.segments) ", deletes " (plan.delete.segments) " (" (size(plan.delete.bytes)) ")."
        }
        @if plan.shortfall_bytes > 0 {
            p.note { "The floor still lacks " (size(plan.shortfall_bytes)) " when that is done." }
        }
        @if !plan.changes.is_empty() {
            div.wide tabindex="0" role="region" aria-label="What changes" {
                table {
                    thead { tr { th { "Verdict" } th { "File" } th { "Why" } } }
                    tbody {
                        @for change in &plan.changes {
                            tr { td { (change.verdict) } td { (change.file) } td { (change.reasons.join("; ")) } }
                        }
                    }
                }
            }
            @if changed > plan.changes.len() as u64 {
                p { "And others: " code { "nightreel retain --dry-run" } " prints them all." }
            }
        }
    }
}
