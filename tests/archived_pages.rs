//! Footage in the archive, as the pages tell of it.

use serde_json::Value;

use crate::pages::{ask, serve};
use crate::support::media::put_segments;
use crate::support::{Nightreel, Seen};

/// Three segments of which the archive alone has the file.
fn away() -> Nightreel {
    let nightreel = Nightreel::new();
    nightreel.configure(&format!(
        "[detect]\nenabled = false\n[retention]\nafter_processing = \"archive\"\n\
         [archive]\nurl = \"file://{}\"\n\
         [[archive.price]]\nclass = \"STANDARD\"\nusd_per_gb_month = 1000.0\nusd_per_1000_puts = 0.0\n",
        nightreel.path("cold").display()
    ));
    std::fs::create_dir_all(nightreel.path("cold")).unwrap();
    put_segments(&nightreel.root(), 3);
    nightreel.run(&["process", "--once"]).with_code(0);
    nightreel.run(&["retain"]).with_code(0);
    assert_eq!(nightreel.status()["segments"]["archived"], 3);
    nightreel
}

#[test]
fn pages_show_what_is_away_what_it_costs_and_how_it_comes_back() {
    let nightreel = away();
    let (mut server, address) = serve(&nightreel);
    let page = |path: &str| {
        let (status, body) = ask(&address, &format!("GET {path}"), "");
        assert_eq!(status, 200, "{path}: {body}");
        body
    };
    let day = page("/day/2026-11-22");
    assert!(day.contains("22:00:00–22:00:18: in the archive, no longer on the disk"), "{day}");

    let player = page("/play/gate?at=2026-11-22T22:00:03Z");
    let command = "nightreel restore --camera gate --from 2026-11-22T22:00:00Z --to 2026-11-22T22:00:18Z";
    assert!(player.contains(&format!("<code>{command}</code>")), "{player}");

    let storage = page("/storage");
    let estimate: Value = serde_json::from_str(&page("/api/v1/estimate")).unwrap();
    let [held] = &estimate.list("archived")[..] else { panic!("{estimate}") };
    let usd = held["usd_per_month"].as_f64().unwrap();
    let expected = held["bytes"].as_f64().unwrap() / f64::from(1 << 30) * 1000.0;
    assert!((usd - expected).abs() < 1e-9 && usd > 0.1, "{held}");
    assert!(storage.contains(&format!("in 1 bundle, for ${usd:.2} a month")), "{storage}");
    assert!(nightreel.run(&["estimate"]).with_code(0).stdout.contains("archived  "));

    let archived: Value = serde_json::from_str(&page("/api/v1/archived?day=2026-11-22")).unwrap();
    assert_eq!(archived["archived"][0]["restore"], command);

    // The command of the page does what the page says.
    let restored = nightreel.run(&command.split(' ').skip(1).collect::<Vec<_>>());
    restored.with_code(0);
    assert_eq!(server.terminate().code(), Some(0));
    let (mut server, address) = serve(&nightreel);
    assert!(!ask(&address, "GET /play/gate?at=2026-11-22T22:00:03Z", "").1.contains("nightreel restore"));
    let clip = "GET /clip/gate/download?from=2026-11-22T22:00:03Z&to=2026-11-22T22:00:10Z";
    assert_eq!(ask(&address, clip, "").0, 200);
    assert_eq!(server.terminate().code(), Some(0));
}
