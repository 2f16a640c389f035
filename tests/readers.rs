//! Any answer is read or refused with a reason; none brings the reader down.

use acc_assets::api::{Endpoint, SentRow, assets, relationships};
use acc_assets::http::Answer;
use acc_assets::http::refusal;
use acc_assets::model::asset::{Identity, keyed, member};
use acc_assets::table::{self, Table};
use proptest::prelude::*;
use serde_json::{Map, Number, Value};

fn json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("results"),
        Just("id"),
        Just("clientAssetId"),
        Just("deleted"),
        Just("errors"),
        Just("violations"),
        Just("errorMetadata"),
        Just("index"),
        Just("field"),
        Just("errorCode"),
        Just("detail"),
        Just("fault"),
        Just("version"),
        Just("isActive"),
        Just("customAttributes"),
        Just("ca1"),
        Just("createdAt"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| Number::from_f64(number).map_or(Value::Null, Value::Number)),
        ".{0,12}".prop_map(Value::from),
        "[0-9a-f]{8}-0000-4000-8000-000000000000".prop_map(Value::from),
        Just(Value::from("2,")),
    ];
    leaf.prop_recursive(4, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..5).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect::<Map<_, _>>(),
                )
            }),
        ]
    })
}

/// JSON, JSON cut off somewhere, JSON with a doubled member, or no JSON at all.
fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        json().prop_map(|value| value.to_string().into_bytes()),
        (json(), any::<prop::sample::Index>()).prop_map(|(value, at)| {
            let text = value.to_string().into_bytes();
            text[..at.index(text.len())].to_vec()
        }),
        (json(), json())
            .prop_map(|(one, two)| format!("{{\"results\":{one},\"results\":{two}}}").into_bytes()),
        prop::collection::vec(any::<u8>(), 0..200),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn any_body_is_read_or_refused(body in body(), keys in prop::collection::vec(".{0,6}", 0..4)) {
        let keys: Vec<SentRow<'_>> = keys.iter().map(|key| SentRow { key, body: b"{}" }).collect();
        let endpoints: [&Endpoint; 5] = [
            &assets::BATCH_CREATE, &assets::BATCH_PATCH, &assets::BATCH_GET, &assets::BATCH_DELETE, &relationships::DELETE,
        ];
        for endpoint in endpoints {
            for entries in [false, true] {
                match (endpoint.pair)(&body, &keys, entries) {
                    Ok(paired) => prop_assert_eq!(paired.len(), keys.len()),
                    Err(reason) => prop_assert!(!reason.is_empty()),
                }
            }
        }
        let _ = keyed(&body);
        let _ = member::<Vec<Identity<'_>>>(&body, "results");
    }

    #[test]
    fn any_refusal_keeps_its_status_and_its_body(body in body(), status in 300_u16..600, after in ".{0,12}") {
        let answer = Answer {
            status,
            headers: vec![("retry-after".to_owned(), after)],
            body: body.clone().into(),
        };
        let error = refusal::read(&answer);
        prop_assert_eq!(error.status, status);
        prop_assert_eq!(&*error.body, String::from_utf8_lossy(&body));
        prop_assert!(error.to_string().contains(&status.to_string()));
        prop_assert!(error.retry_after.is_none_or(|seconds| seconds >= 0.0 && seconds.is_finite()));
    }

    #[test]
    fn any_rows_become_columns(rows in prop::collection::vec(json(), 0..6)) {
        let mut table = Table::default();
        for (number, row) in (0..).zip(&rows) {
            let text = row.to_string();
            let range = 0..text.len();
            table.add(text.into(), vec![(number, range)]);
        }
        let columns = table.columns();
        prop_assert!(columns.iter().all(|(_, values)| values.len() == rows.len()));
        let batch = table::batch(&columns, rows.len()).unwrap();
        prop_assert_eq!(batch.num_rows(), rows.len());
    }
}
