//! Days that the server keeps, and what becomes of them when something happens to their footage.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::media::let_rest;
use crate::support::{Clip, Nightreel, PATIENCE, Running, eventually, footage};

const DAY: &str = "/day/2020-01-02";

/// What the server says of a page, and the page.
struct Told {
    head: String,
    page: String,
}

impl Told {
    fn tag(&self) -> &str {
        let line = self.head.lines().find_map(|line| line.strip_prefix("etag: "));
        line.unwrap_or_else(|| panic!("no tag: {}", self.head))
    }
}

fn ask(server: &Running, headers: &str) -> Told {
    let address = eventually("the server's address", PATIENCE, || {
        let said = server.said();
        let (_, after) = said.split_once("serving address=")?;
        Some(after.split_whitespace().next()?.to_owned())
    });
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {DAY} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    Told { head: head.to_owned(), page: page.to_owned() }
}

fn put(nightreel: &Nightreel, name: &str, from_s: u32) {
    let clip = footage(Clip { from_s, ..Clip::default() });
    let segment = nightreel.copy_in(&clip, nightreel.root().join("gate").join(name));
    let_rest(&segment);
}

fn configure(nightreel: &Nightreel, retention: &str) {
    nightreel.configure(&format!(
        "[process]\nevery_nth_frame = 30\n\n[detect]\nlabels = [\"person\"]\n\n\
         [retention]\nafter_processing = \"keep\"\n{retention}\n"
    ));
}

/// What happens to the footage of a day, and what its page shows from then on.
type Happening = (&'static str, fn(&Nightreel), &'static str);

const HAPPENINGS: [Happening; 3] = [
    (
        "another segment comes, and is looked at",
        |nightreel| {
            put(nightreel, "segment_20200102_120000.mp4", 6);
            nightreel.run(&["process", "--once"]).with_code(0);
        },
        "12:00:00: person",
    ),
    (
        "it is given to another camera",
        |nightreel| {
            fs::create_dir_all(nightreel.root().join("yard")).unwrap();
            for end in ["mp4", "mp4.json"] {
                let of = |camera: &str| {
                    nightreel.root().join(camera).join(format!("segment_20200102_120000.{end}"))
                };
                fs::rename(of("gate"), of("yard")).unwrap();
            }
            nightreel.run(&["retain"]).with_code(0);
        },
        "/live/yard",
    ),
    (
        "all of it is deleted",
        |nightreel| {
            configure(nightreel, "max_age_days = 30\nguard_share = 1.0");
            nightreel.run(&["retain", "--yes"]).with_code(0);
        },
        "recorded",
    ),
];

#[test]
fn a_server_that_runs_for_long_shows_what_one_shows_that_has_just_started() {
    let nightreel = Nightreel::new();
    configure(&nightreel, "");
    put(&nightreel, "segment_20200102_080000.mp4", 0);
    nightreel.run(&["process", "--once"]).with_code(0);
    let old = nightreel.start(&["serve"]);
    let mut before = ask(&old, "");
    for (happening, happens, shows) in HAPPENINGS {
        happens(&nightreel);
        let young = nightreel.start(&["serve"]);
        let now = ask(&young, "");
        let shown = now.page.split_once("<main").unwrap().1;
        assert!(shown.contains(shows), "{happening}: {shown}");
        // what is made is kept for a moment, whatever happens
        eventually(happening, PATIENCE, || (ask(&old, "").page == now.page).then_some(()));
        let known = ask(&old, &format!("If-None-Match: {}\r\n", now.tag()));
        assert!(known.head.starts_with("HTTP/1.1 304 ") && known.page.is_empty(), "{}", known.head);
        let other = ask(&old, &format!("If-None-Match: {}\r\n", before.tag()));
        assert_eq!(other.page == now.page, before.page != now.page, "{happening}");
        before = now;
    }
}
