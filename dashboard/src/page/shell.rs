//! What is around every page: head, menu, search.

use maud::{DOCTYPE, Markup, html};

use crate::page::assets::address;

/// Which entry of the menu a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    Day,
    Events,
    Night,
    Storage,
    Search,
    None,
}

const MENU: [(Tab, &str, &str); 4] = [
    (Tab::Day, "/", "Day"),
    (Tab::Events, "/events", "Events"),
    (Tab::Night, "/night", "Night"),
    (Tab::Storage, "/storage", "Storage"),
];

pub(crate) fn shell(title: &str, here: Tab, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · nightreel" }
                link rel="stylesheet" href=(address("style.css"));
                link rel="icon" href="data:,";
                link rel="alternate" type="application/atom+xml" title="Events" href="/events.atom";
                script src=(address("keys.js")) defer {}
            }
            body {
                a.skip href="#main" { "To the content" }
                header.top {
                    a.brand href="/" { "nightreel" }
                    nav aria-label="Pages" {
                        @for (tab, address, name) in MENU {
                            a href=(address) aria-current=[(tab == here).then_some("page")] { (name) }
                        }
                    }
                    form.find role="search" action="/search" {
                        input #find type="search" name="q" aria-label="Search the events" maxlength="300"
                            placeholder="person yesterday 22:00-02:00";
                    }
                }
                main #main { (body) }
            }
        }
    }
}
