//! Money: what counts against the cap, and what is kept of an answer.

use config::{Caps, Rate, Rates};

use super::*;
use crate::Spent;
use crate::fixture::{Store, noon};

fn intent(request: &str) -> CallIntent {
    CallIntent {
        request_id: request.to_owned(),
        key: format!("key of {request}"),
        cap_day: noon().date_naive(),
        camera: Some("gate".to_owned()),
        segment_sha256: "ab".repeat(32),
        model: "model".to_owned(),
        mode: CallMode::Direct,
        bound: Bound { input_tokens: 2000, output_tokens: 300 },
    }
}

fn calls(calls: u64) -> DayCaps {
    DayCaps { all: Caps { calls: Some(calls), ..Caps::default() }, ..DayCaps::default() }
}

fn end(status: CallStatus) -> CallEnd {
    CallEnd {
        status,
        http_status: Some(200),
        input_tokens: Some(1200),
        output_tokens: Some(80),
        cost: Some(Usd::of_dollars(0.000_25)),
        charge: Charge::Used,
        error: None,
    }
}

fn begin(catalog: &Catalog, request: &str) -> Begun {
    catalog.begin_call(&intent(request), &DayCaps::default(), noon()).unwrap()
}

fn statuses(catalog: &Catalog) -> Vec<(String, String)> {
    let calls = catalog.calls_of(&"ab".repeat(32), "model").unwrap();
    calls.into_iter().map(|call| (call.request_id, call.status)).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(request, status)| ((*request).to_owned(), (*status).to_owned())).collect()
}

#[test]
fn every_request_counts_against_its_day_whatever_became_of_it() {
    let store = Store::new();
    let catalog = &store.catalog;
    let became = [
        CallStatus::Sent,
        CallStatus::Answered,
        CallStatus::Failed,
        CallStatus::Refused,
        CallStatus::Unknown,
    ];
    for (number, status) in became.into_iter().enumerate() {
        let request = number.to_string();
        assert_eq!(catalog.begin_call(&intent(&request), &calls(5), noon()).unwrap(), Begun::Sent);
        if status != CallStatus::Sent {
            catalog.end_call(&request, &end(status), None, noon()).unwrap();
        }
        assert_eq!(catalog.spent(noon().date_naive(), None).unwrap().calls, number as u64 + 1);
    }
    let reached = catalog.begin_call(&intent("too many"), &calls(5), noon()).unwrap();
    assert!(matches!(reached, Begun::CapReached(_)));
    assert_eq!(catalog.spent(noon().date_naive(), None).unwrap().calls, 5);
    let tomorrow = CallIntent { cap_day: noon().date_naive().succ_opt().unwrap(), ..intent("tomorrow") };
    assert_eq!(catalog.begin_call(&tomorrow, &calls(5), noon()).unwrap(), Begun::Sent);
}

#[test]
fn the_cap_holds_for_many_at_once() {
    let store = Store::new();
    let sent: usize = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..4)
            .map(|asker| {
                let catalog = store.catalog_elsewhere();
                scope.spawn(move || {
                    let begun =
                        |n: &usize| catalog.begin_call(&intent(&format!("{asker}.{n}")), &calls(10), noon());
                    (0..8).filter(|n| begun(n).unwrap() == Begun::Sent).count()
                })
            })
            .collect();
        askers.into_iter().map(|asker| asker.join().unwrap()).sum()
    });
    assert_eq!(sent, 10);
}

#[test]
fn a_request_is_in_the_ledger_before_it_is_sent() {
    let store = Store::new();
    begin(&store.catalog, "a");
    assert_eq!(statuses(&store.catalog_elsewhere()), pairs(&[("a", "sent")]));
    store.catalog.begin_call(&intent("a"), &DayCaps::default(), noon()).unwrap_err();
}

#[test]
fn an_answer_is_kept_with_its_call_and_found_by_its_key() {
    let store = Store::new();
    let catalog = &store.catalog;
    begin(catalog, "a");
    assert_eq!(catalog.answer("key of a").unwrap(), None);
    catalog.end_call("a", &end(CallStatus::Answered), Some("a person"), noon()).unwrap();
    let kept = StoredAnswer { request_id: "a".to_owned(), text: "a person".to_owned() };
    assert_eq!(store.catalog_elsewhere().answer("key of a").unwrap(), Some(kept));
    let call = catalog.calls_of(&"ab".repeat(32), "model").unwrap().pop().unwrap();
    assert_eq!(
        (call.input_tokens, call.output_tokens, call.cost_usd),
        (Some(1200), Some(80), Some(0.000_25))
    );
}

#[test]
fn the_first_answer_stands() {
    let store = Store::new();
    let catalog = &store.catalog;
    begin(catalog, "a");
    catalog
        .begin_call(&CallIntent { key: "key of a".to_owned(), ..intent("b") }, &DayCaps::default(), noon())
        .unwrap();
    catalog.end_call("a", &end(CallStatus::Answered), Some("the first"), noon()).unwrap();
    catalog.end_call("b", &end(CallStatus::Answered), Some("the second"), noon()).unwrap();
    assert_eq!(catalog.answer("key of a").unwrap().unwrap().text, "the first");
}

#[test]
fn an_answer_to_no_request_is_an_error() {
    let store = Store::new();
    store.catalog.end_call("a", &end(CallStatus::Answered), Some("a person"), noon()).unwrap_err();
    assert_eq!(store.catalog.answer("key of a").unwrap(), None);
}

#[test]
fn only_what_dead_processes_left_in_flight_is_settled() {
    let store = Store::new();
    let (dead, living) = (store.catalog_elsewhere(), store.catalog_elsewhere());
    begin(&dead, "answered");
    dead.end_call("answered", &end(CallStatus::Answered), Some("a person"), noon()).unwrap();
    begin(&dead, "dead");
    begin(&living, "living");
    begin(&store.catalog, "own");
    drop(dead);
    assert_eq!(store.catalog.settle_calls(noon()).unwrap(), 1);
    let expected =
        pairs(&[("answered", "answered"), ("dead", "unknown"), ("living", "sent"), ("own", "sent")]);
    assert_eq!(statuses(&store.catalog), expected);
    assert_eq!(store.catalog.settle_calls(noon()).unwrap(), 0);
    assert_eq!(store.catalog.spent(noon().date_naive(), None).unwrap().calls, 4);
}

#[test]
fn calls_are_listed_by_content_and_model() {
    let store = Store::new();
    begin(&store.catalog, "a");
    let other_content = CallIntent { segment_sha256: "cd".repeat(32), ..intent("b") };
    let other_model = CallIntent { model: "other".to_owned(), ..intent("c") };
    for intent in [other_content, other_model] {
        store.catalog.begin_call(&intent, &DayCaps::default(), noon()).unwrap();
    }
    assert_eq!(statuses(&store.catalog), pairs(&[("a", "sent")]));
}

fn dollars(dollars: f64) -> DayCaps {
    let rates = Rates { input: Rate::per_million(1.0), output: Rate::per_million(10.0) };
    let all = Caps { usd: Some(Usd::of_dollars(dollars)), ..Caps::default() };
    DayCaps { all, rates: Some(rates), ..DayCaps::default() }
}

fn used(input: u64, output: u64) -> CallEnd {
    let cost = dollars(0.0).rates.map(|rates| rates.cost(input, output));
    CallEnd { input_tokens: Some(input), output_tokens: Some(output), cost, ..end(CallStatus::Answered) }
}

fn spent(catalog: &Catalog) -> Spent {
    catalog.spent(noon().date_naive(), None).unwrap()
}

#[test]
fn the_worst_case_is_set_aside_until_it_is_known_what_was_used() {
    let store = Store::new();
    let catalog = &store.catalog;
    // 2001 tokens asked and 301 answered at most, a token more than the bound of each for the rounding.
    let caps = dollars(0.011);
    let aside = Spent { calls: 1, tokens: 2302, usd: Usd::of_nanos(5_011_000) };
    assert_eq!(catalog.begin_call(&intent("a"), &caps, noon()).unwrap(), Begun::Sent);
    assert_eq!(spent(catalog), aside);
    assert_eq!(catalog.begin_call(&intent("b"), &caps, noon()).unwrap(), Begun::Sent);
    assert!(matches!(catalog.begin_call(&intent("c"), &caps, noon()).unwrap(), Begun::CapReached(_)));
    catalog.end_call("a", &used(1000, 100), None, noon()).unwrap();
    let both = Spent { calls: 2, tokens: 2302 + 1100, usd: aside.usd.plus(Usd::of_nanos(2_000_000)) };
    assert_eq!(spent(catalog), both);
    let refused = CallEnd { charge: Charge::Nothing, ..end(CallStatus::Refused) };
    catalog.end_call("b", &refused, None, noon()).unwrap();
    assert_eq!(spent(catalog), Spent { calls: 2, tokens: 1100, usd: Usd::of_nanos(2_000_000) });
    assert_eq!(catalog.begin_call(&intent("c"), &caps, noon()).unwrap(), Begun::Sent);
}

#[test]
fn what_nobody_knows_keeps_what_was_set_aside() {
    let store = Store::new();
    let dead = store.catalog_elsewhere();
    dead.begin_call(&intent("killed"), &dollars(1.0), noon()).unwrap();
    drop(dead);
    store.catalog.settle_calls(noon()).unwrap();
    store.catalog.begin_call(&intent("broken off"), &dollars(1.0), noon()).unwrap();
    let unknown = CallEnd { charge: Charge::Unknown, ..end(CallStatus::Unknown) };
    store.catalog.end_call("broken off", &unknown, None, noon()).unwrap();
    assert_eq!(spent(&store.catalog), Spent { calls: 2, tokens: 4604, usd: Usd::of_nanos(10_022_000) });
}

#[test]
fn a_call_that_took_more_than_thought_raises_what_is_set_aside_for_good() {
    let store = Store::new();
    let catalog = &store.catalog;
    for (request, input, aside) in [("a", 5000, 2302), ("b", 100, 5001 + 301), ("c", 100, 5001 + 301)] {
        let before = spent(catalog).tokens;
        catalog.begin_call(&intent(request), &DayCaps::default(), noon()).unwrap();
        assert_eq!(spent(catalog).tokens - before, aside);
        catalog.end_call(request, &used(input, 300), None, noon()).unwrap();
    }
}

#[test]
fn a_cameras_cap_leaves_the_others_alone() {
    let store = Store::new();
    let catalog = &store.catalog;
    let until = noon() + chrono::TimeDelta::hours(9);
    let caps = DayCaps {
        camera: Caps { tokens: Some(3000), ..Caps::default() },
        until: Some(until),
        ..DayCaps::default()
    };
    assert_eq!(catalog.begin_call(&intent("a"), &caps, noon()).unwrap(), Begun::Sent);
    let Begun::CapReached(reached) = catalog.begin_call(&intent("b"), &caps, noon()).unwrap() else {
        panic!("it was sent")
    };
    assert_eq!(
        (reached.key(), reached.camera.as_deref()),
        ("camera.vision.max_tokens_per_day", Some("gate"))
    );
    let other = CallIntent { camera: Some("yard".to_owned()), ..intent("c") };
    assert_eq!(catalog.begin_call(&other, &caps, noon()).unwrap(), Begun::Sent);
    let deferrals = catalog.deferrals(noon()).unwrap();
    assert_eq!(
        deferrals.iter().map(|d| (d.camera.as_deref(), d.until)).collect::<Vec<_>>(),
        [(Some("gate"), until)]
    );
    assert_eq!(catalog.deferrals(until).unwrap(), []);
    catalog.take_up_deferrals(noon()).unwrap();
    assert_eq!(catalog.deferrals(noon()).unwrap(), []);
}

#[test]
fn sums_of_dollars_and_tokens_hold_for_many_at_once() {
    let store = Store::new();
    let caps = dollars(0.025);
    let sent: usize = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..4)
            .map(|asker| {
                let (catalog, caps) = (store.catalog_elsewhere(), caps);
                scope.spawn(move || {
                    let begun =
                        |n: &usize| catalog.begin_call(&intent(&format!("{asker}.{n}")), &caps, noon());
                    (0..8).filter(|n| begun(n).unwrap() == Begun::Sent).count()
                })
            })
            .collect();
        askers.into_iter().map(|asker| asker.join().unwrap()).sum()
    });
    assert_eq!(sent, 4, "a fifth would be 25055 of 25000");
}

#[test]
fn the_ledger_is_listed_page_by_page_and_adds_up() {
    let store = Store::new();
    let catalog = &store.catalog;
    for number in 0..234 {
        let camera = ["gate", "yard"][number % 2].to_owned();
        let intent = CallIntent { camera: Some(camera), ..intent(&format!("{number:04}")) };
        let later = noon() + chrono::TimeDelta::seconds(number as i64 / 10);
        catalog.begin_call(&intent, &dollars(1e6), later).unwrap();
    }
    catalog.end_call("0001", &used(1000, 100), None, noon()).unwrap();
    let mut listed = Vec::new();
    let listing = catalog.each_call(&LedgerFilter::default(), |row| {
        listed.push(row.request_id.clone());
        Ok::<_, CatalogError>(())
    });
    listing.unwrap();
    assert_eq!(listed, (0..234).map(|number| format!("{number:04}")).collect::<Vec<_>>());

    let wanted = LedgerFilter {
        from: Some(noon()),
        to: Some(noon() + chrono::TimeDelta::seconds(1)),
        cameras: vec!["yard".to_owned()],
        models: vec!["model".to_owned()],
    };
    for (by, of) in [
        (SumBy::Day, noon().date_naive().to_string()),
        (SumBy::Camera, "yard".to_owned()),
        (SumBy::Model, "model".to_owned()),
    ] {
        let sums = catalog.ledger_sums(&wanted, by).unwrap();
        let expected = LedgerSum {
            of: Some(of),
            calls: 5,
            answered: 1,
            unknown: 0,
            input_tokens: 1000,
            output_tokens: 100,
            cost_usd: 0.002,
            counted_tokens: 1100 + 4 * 2302,
            counted_usd: Usd::of_nanos(2_000_000 + 4 * 5_011_000).dollars(),
        };
        assert_eq!(sums, [expected]);
    }
    let nobody = LedgerFilter { cameras: vec!["nobody".to_owned()], ..LedgerFilter::default() };
    assert_eq!(catalog.ledger_sums(&nobody, SumBy::Day).unwrap(), []);
}
