//! Rows and entries in many orders, with equal, missing and misspelled ids.

use super::*;

fn keys<'t>(texts: &[&'t str]) -> Vec<SentRow<'t>> {
    texts
        .iter()
        .map(|text| SentRow {
            key: text,
            body: b"{}",
        })
        .collect()
}

fn ids(paired: &[Paired<'_>]) -> Vec<Option<String>> {
    paired
        .iter()
        .map(|paired| match paired {
            Paired::Named { id, .. } => id.as_deref().map(str::to_owned),
            Paired::Absent => None,
        })
        .collect()
}

#[test]
fn created_assets_are_paired_by_content_before_position() {
    let shuffled = br#"{"results":[{"id":"2","clientAssetId":"B"},{"id":"1","clientAssetId":"A"}]}"#;
    assert_eq!(
        ids(&pair_created(shuffled, &keys(&["A", "B"]), false).unwrap()),
        [Some("1".into()), Some("2".into())]
    );
    let same_names = br#"{"results":[{"id":"1","clientAssetId":"A"},{"id":"2","clientAssetId":"A"}]}"#;
    assert_eq!(
        ids(&pair_created(same_names, &keys(&["A", "A"]), false).unwrap()),
        [Some("1".into()), Some("2".into())]
    );
}

#[test]
fn a_mismatched_response_never_assigns_a_wrong_id() {
    for (body, rows, expected) in [
        (
            r#"{"results":[{"id":"2","clientAssetId":"B"}]}"#,
            &["A", "B"][..],
            &[None, Some("2")][..],
        ),
        (r#"{"results":[{"id":"1"}]}"#, &["A"], &[None]),
        (r#"{"results":[{"id":"","clientAssetId":"A"}]}"#, &["A"], &[None]),
        (
            r#"{"results":[{"id":"1","clientAssetId":"A"},{"id":"1","clientAssetId":"B"}]}"#,
            &["A", "B"],
            &[None, None],
        ),
        (
            r#"{"results":[{"id":"1","clientAssetId":"A"}]}"#,
            &["A", "A"],
            &[None, None],
        ),
    ] {
        let paired = pair_created(body.as_bytes(), &keys(rows), true).unwrap();
        assert_eq!(
            ids(&paired),
            expected
                .iter()
                .map(|id| id.map(str::to_owned))
                .collect::<Vec<_>>(),
            "{body}"
        );
    }
}

#[test]
fn twins_are_paired_by_other_values_or_not_at_all() {
    let twin = |body: &'static str| SentRow {
        key: "A",
        body: body.as_bytes(),
    };
    let rows = [
        twin(r#"{"clientAssetId":"A","barcode":"1"}"#),
        twin(r#"{"clientAssetId":"A","customAttributes":{"ca1":"6.5"}}"#),
    ];
    let shuffled = br#"{"results":[{"id":"y","clientAssetId":"A","customAttributes":{"ca1":6.5}},
        {"id":"x","clientAssetId":"A","barcode":"1"}]}"#;
    assert_eq!(
        ids(&pair_created(shuffled, &rows, false).unwrap()),
        [Some("x".into()), Some("y".into())]
    );
    let silent = br#"{"results":[{"id":"y","clientAssetId":"A"},{"id":"x","clientAssetId":"A"}]}"#;
    assert_eq!(ids(&pair_created(silent, &rows, false).unwrap()), [None, None]);
}

#[test]
fn a_proxy_page_proves_no_delete() {
    for body in [&b"<html>log in</html>"[..], b"{}", br#"{"login":"here"}"#] {
        assert!(pair_deleted(body, &keys(&["a"]), false).is_err());
    }
    assert_eq!(
        ids(&pair_deleted(b"", &keys(&["a"]), false).unwrap()),
        [Some("a".into())]
    );
    for body in [&br#"{"a":null}"#[..], b"{}"] {
        assert!(pair_patched(body, &keys(&["a"]), false).is_err());
    }
    assert!(pair_created(br#"{"results":[]}"#, &keys(&["a"]), false).is_err());
}

#[test]
fn created_assets_are_paired_by_exact_ids_before_folded_ones() {
    for (results, rows, expected) in [
        // Trimmed, lower case, composed.
        (
            &[("1", "A"), ("2", "b"), ("3", "K\u{fc}hler")][..],
            &["B", "A ", "ku\u{308}hler"][..],
            &["2", "1", "3"][..],
        ),
        (&[("1", "a"), ("2", "A")], &["A", "a"], &["2", "1"]),
        (&[("1", "a"), ("2", "A")], &["A", "b"], &["2", ""]),
        // Ambiguous: two candidates for one row, or two rows for one candidate.
        (&[("1", "a"), ("2", "a")], &["A", "b"], &["", ""]),
        (&[("1", "a")], &["A", "a "], &["", ""]),
        // Each could be either row.
        (&[("1", "a"), ("2", "a")], &["A", "a"], &["", ""]),
    ] {
        let results: Vec<Value> = results
            .iter()
            .map(|(id, key)| serde_json::json!({"id": id, "clientAssetId": key, "categoryId": "1"}))
            .collect();
        let body = serde_json::json!({ "results": results }).to_string();
        let bodies: Vec<String> = rows
            .iter()
            .map(|key| format!(r#"{{"clientAssetId":"{key}"}}"#))
            .collect();
        let sent: Vec<SentRow<'_>> = rows
            .iter()
            .zip(&bodies)
            .map(|(key, body)| SentRow {
                key,
                body: body.as_bytes(),
            })
            .collect();
        let paired = ids(&pair_created(body.as_bytes(), &sent, false).unwrap());
        let paired: Vec<&str> = paired
            .iter()
            .map(|id| id.as_deref().unwrap_or_default())
            .collect();
        assert_eq!(paired, expected, "{rows:?}");
    }
}

#[test]
fn got_assets_are_paired_by_id_with_their_range_in_the_body() {
    let body = br#"{"results":[{"id":"bb"},{"id":"CC","version":2}]}"#;
    let paired = pair_got(body, &keys(&["aa", "cc"]), true).unwrap();
    assert_eq!(paired[0], Paired::Absent);
    let Paired::Named {
        entry: Some(range), ..
    } = &paired[1]
    else {
        panic!("{paired:?}")
    };
    assert_eq!(&body[range.clone()], br#"{"id":"CC","version":2}"#);
}
