//! Reads the error codes of the Assets API as a table.

use crate::call::Session;
use crate::columns::{Page, Table};
use crate::error::stopped;
use crate::http::{Phase, Stop};
use crate::model::error_code::ErrorCode;
use crate::reads::rest::ReadEnd;

/// Reads the error codes, unless this client has read them before. The table has one row per code.
pub async fn read(session: &Session, stop: &Stop) -> ReadEnd {
    let read = tokio::select! {
        read = session.error_codes() => read.map(|codes| table(&codes)),
        () = stop.reached(Phase::Now) => Err(stopped()),
    };
    let (table, error) = match read {
        Ok(table) => (table, None),
        Err(error) => (Table::default(), Some(error)),
    };
    ReadEnd {
        table,
        rest: None,
        error,
    }
}

fn table(codes: &[ErrorCode]) -> Table {
    let rows: Vec<String> = codes
        .iter()
        .filter_map(|code| serde_json::to_string(code).ok())
        .collect();
    let mut table = Table::default();
    // Four members per row are never too many.
    if let Ok(page) = Page::of(rows.iter().map(String::as_str)) {
        table.add(page, 0..);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_a_row() {
        let code = |name: &str, status| ErrorCode {
            name: name.to_owned(),
            description: "In use.".to_owned(),
            status,
            metadata_keys: vec!["field".to_owned()],
        };
        let table = table(&[code("LATE", None), code("TAKEN", Some(409))]);
        let rows: Vec<serde_json::Value> = table.rows().map(Into::into).collect();
        assert_eq!(
            serde_json::Value::from(rows),
            serde_json::json!([
                {"name": "LATE", "description": "In use.", "status": null, "metadata_keys": ["field"]},
                {"name": "TAKEN", "description": "In use.", "status": 409, "metadata_keys": ["field"]},
            ])
        );
    }
}
