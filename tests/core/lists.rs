//! Lists read through the public API.

use std::sync::Arc;

use acc_assets::api::{Call, Endpoint, Query, ResponseBody};
use acc_assets::call::{Reading, Session};
use acc_assets::columns::Table;
use acc_assets::error::Error;
use acc_assets::http::{Caller, Stop};

/// A call of a list at this path.
pub fn call(list: &'static Endpoint, path: &str, query: &[(String, String)]) -> Call {
    Call {
        endpoint: list,
        path: path.to_owned(),
        query: Query::from(query),
        body: None,
        project: None,
    }
}

/// All rows of a list.
pub async fn read(
    caller: &Arc<Caller>,
    list: &'static Endpoint,
    path: &str,
    query: &[(String, String)],
) -> Result<Table, Error> {
    let session = Session::new(caller.clone(), Stop::default());
    let mut reading = Reading::default();
    reading.go_on(&session, call(list, path, query)).await?;
    Ok(reading.table)
}

/// The member with the rows of a list.
pub fn member(list: &Endpoint) -> &'static str {
    match list.response {
        ResponseBody::Rows(rows) => rows.member.unwrap(),
        _ => panic!("{} is no list", list.name),
    }
}
