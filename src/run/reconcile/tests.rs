//! Compares lost requests with assets that the project shows.

use serde_json::json;

use super::*;
use crate::api::{Proof, assets};
use crate::ledger::{SentBody, SentItem};

/// Creates a request with one row, sent within the second before this time by the service's clock.
fn doubt(sending: u32, left: i64) -> RequestInDoubt {
    let text = json!({"clientAssetId": "P-1", "categoryId": "4"}).to_string();
    let item = SentItem {
        row: sending,
        key: "P-1".into(),
        end: text.len(),
    };
    let moment = |time: i64| Moment {
        local: time,
        earliest: time - 270,
        latest: time,
        by: By::Service,
    };
    RequestInDoubt {
        batch: Batch::kept(
            &assets::BATCH_CREATE,
            &SentBody {
                part: 0,
                endpoint: String::new(),
                rows: vec![item],
                text,
            },
        ),
        sending,
        left: moment(left),
        ended: moment(left + 500),
        earlier: false,
        executed: false,
        omitted: None,
        due: Duration::ZERO,
        conclusive_from: Duration::ZERO,
        lookup_began: Duration::ZERO,
        rounds: 0,
        missed: false,
    }
}

fn found(id: &str, created: i64) -> Found {
    Found {
        id: id.to_owned(),
        key: "P-1".to_owned(),
        created: Some(created),
        active: true,
        entry: json!({"clientAssetId": "P-1", "categoryId": "4"}),
    }
}

fn shown(doubts: &[RequestInDoubt], found: &[Found]) -> Vec<Shown> {
    let Proof::InList(lookup) = &assets::BATCH_CREATE.proof else {
        panic!("creates are looked up in a list");
    };
    compare(lookup, None, doubts, found, &HashSet::new(), &[], &HashSet::new())
}

#[test]
fn equal_rows_get_assets_in_order_of_time() {
    let [first, second] = [1_791_734_507_162, 1_791_734_508_794];
    let assets = [found("first", first), found("second", second)];
    for assets in [assets.clone(), [assets[1].clone(), assets[0].clone()]] {
        // The result must not depend on the order of lookups.
        for order in [[(1, first), (2, second)], [(2, second), (1, first)]] {
            let doubts = order.map(|(sending, left)| doubt(sending, left));
            let ids = shown(&doubts, &assets).into_iter().map(|shown| match shown {
                Shown::Executed(entries) => assets[entries[0].unwrap()].id.clone(),
                other => panic!("{other:?}"),
            });
            let expected = order.map(|(sending, _)| if sending == 1 { "first" } else { "second" });
            assert_eq!(ids.collect::<Vec<_>>(), expected);
        }
    }
}

#[test]
fn equal_rows_are_certain_together_or_not_at_all() {
    // One asset is older than both requests, which a wrong clock is unlikely to explain.
    let left = 1_791_734_507_162;
    let doubts = [doubt(1, left), doubt(2, left + 2000)];
    let assets = [found("older", left - 900), found("newer", left + 2000)];
    for shown in shown(&doubts, &assets) {
        assert!(matches!(shown, Shown::Unclear(_)), "{shown:?}");
    }
}
