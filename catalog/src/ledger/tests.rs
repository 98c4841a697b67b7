//! Money: what counts against the cap, and what is kept of an answer.

use super::*;
use crate::fixture::{Store, noon};

fn intent(request: &str) -> CallIntent {
    CallIntent {
        request_id: request.to_owned(),
        key: format!("key of {request}"),
        cap_day: noon().date_naive(),
        camera: Some("gate".to_owned()),
        segment_sha256: "ab".repeat(32),
        model: "model".to_owned(),
    }
}

fn end(status: CallStatus) -> CallEnd {
    CallEnd {
        status,
        http_status: Some(200),
        input_tokens: Some(1200),
        output_tokens: Some(80),
        cost_usd: Some(0.000_25),
        error: None,
    }
}

fn begin(catalog: &Catalog, request: &str) -> Begun {
    catalog.begin_call(&intent(request), 100, noon()).unwrap()
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
        assert_eq!(catalog.begin_call(&intent(&request), 5, noon()).unwrap(), Begun::Sent);
        if status != CallStatus::Sent {
            catalog.end_call(&request, &end(status), None, noon()).unwrap();
        }
        assert_eq!(catalog.calls_on(noon().date_naive()).unwrap(), number as u64 + 1);
    }
    assert_eq!(catalog.begin_call(&intent("too many"), 5, noon()).unwrap(), Begun::CapReached);
    assert_eq!(catalog.calls_on(noon().date_naive()).unwrap(), 5);
    let tomorrow = CallIntent { cap_day: noon().date_naive().succ_opt().unwrap(), ..intent("tomorrow") };
    assert_eq!(catalog.begin_call(&tomorrow, 5, noon()).unwrap(), Begun::Sent);
}

#[test]
fn the_cap_holds_for_many_at_once() {
    let store = Store::new();
    let sent: usize = std::thread::scope(|scope| {
        let askers: Vec<_> = (0..4)
            .map(|asker| {
                let catalog = store.catalog_elsewhere();
                scope.spawn(move || {
                    let begun = |n: &usize| catalog.begin_call(&intent(&format!("{asker}.{n}")), 10, noon());
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
    store.catalog.begin_call(&intent("a"), 100, noon()).unwrap_err();
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
    catalog.begin_call(&CallIntent { key: "key of a".to_owned(), ..intent("b") }, 100, noon()).unwrap();
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
    assert_eq!(store.catalog.calls_on(noon().date_naive()).unwrap(), 4);
}

#[test]
fn calls_are_listed_by_content_and_model() {
    let store = Store::new();
    begin(&store.catalog, "a");
    let other_content = CallIntent { segment_sha256: "cd".repeat(32), ..intent("b") };
    let other_model = CallIntent { model: "other".to_owned(), ..intent("c") };
    for intent in [other_content, other_model] {
        store.catalog.begin_call(&intent, 100, noon()).unwrap();
    }
    assert_eq!(statuses(&store.catalog), pairs(&[("a", "sent")]));
}
