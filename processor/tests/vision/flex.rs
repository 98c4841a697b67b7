//! The flex tier: half the price, and the full one only where the tier has no room.

use catalog::{LedgerFilter, LedgerRow};
use config::{FlexFallback, VisionMode};
use nightreel_processor::vision::VisionError;
use serde_json::Value;

use crate::setting::{Setting, look};
use crate::vision_server::{Reply, VisionServer};

fn no_room() -> Reply {
    Reply::error(429, "resource_unavailable", "Flex processing is not available right now")
}

fn setting(server: &VisionServer, fallback: FlexFallback) -> Setting {
    Setting::of(server).with(|settings| {
        settings.mode = VisionMode::Flex;
        settings.flex_fallback = fallback;
    })
}

fn tiers(server: &VisionServer) -> Vec<Value> {
    server.journal().iter().map(|received| received.body["service_tier"].clone()).collect()
}

fn ledger(setting: &Setting) -> Vec<LedgerRow> {
    let mut rows = Vec::new();
    let filter = LedgerFilter::default();
    let each = |row: &LedgerRow| {
        rows.push(row.clone());
        Ok::<_, catalog::CatalogError>(())
    };
    setting.catalog.each_call(&filter, each).unwrap();
    rows
}

#[tokio::test]
async fn flex_costs_half() {
    let server = VisionServer::scripted([]);
    let setting = setting(&server, FlexFallback::Direct);
    setting.look(&look(0)).await.unwrap();
    assert_eq!(tiers(&server), ["flex"]);
    let [row] = &ledger(&setting)[..] else { panic!("one request") };
    // A thousand tokens at $0.05 and a hundred at $0.25 a million.
    assert_eq!((row.mode.as_str(), row.cost_usd), ("flex", Some(0.000_075)));
}

#[tokio::test]
async fn where_flex_has_no_room_three_times_the_full_price_is_paid() {
    let server = VisionServer::scripted([no_room(), no_room(), no_room()]);
    let setting = setting(&server, FlexFallback::Direct);
    assert_eq!(setting.look(&look(0)).await.unwrap().caption(), Some("caption 4"));
    assert_eq!(tiers(&server), ["flex".into(), "flex".into(), "flex".into(), Value::Null]);
    let rows = ledger(&setting);
    let mut modes: Vec<_> = rows.iter().map(|row| (row.mode.as_str(), row.cost_usd)).collect();
    modes.sort_by_key(|(mode, _)| *mode);
    assert_eq!(modes, [("direct", Some(0.000_15)), ("flex", None), ("flex", None), ("flex", None)]);
    setting.assert_ledger_is_the_journal(&server);
}

#[tokio::test]
async fn without_a_fallback_the_work_waits() {
    let server = VisionServer::start(None, |_| no_room());
    let setting = setting(&server, FlexFallback::Never);
    let error = setting.look(&look(0)).await.unwrap_err();
    assert!(matches!(error, VisionError::GiveBack { .. }), "{error}");
    assert!(tiers(&server).iter().all(|tier| tier == "flex"));
    assert_eq!(ledger(&setting).len(), 6);
}
