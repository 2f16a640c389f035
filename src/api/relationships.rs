//! The Relationship API, version 2. The container id is the bare UUID of the project.

pub mod fields;
pub mod kinds;

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;
use serde_json::value::RawValue;

pub use fields::FIELDS;

use crate::api::endpoint::{Endpoint, Items, Path, RequestBody, ResponseBody, Rows};
use crate::api::paging::Paging;
use crate::api::write::{Absent, Concerns, Done, Now, Paired, Proof, RowShape, SentRow, Write, by_id};
use crate::http::send::Method;
use crate::http::{Auth, Replay};
use crate::model::asset::{entries, identity, list, range_in};
use crate::model::text::Text;
use crate::options::RateGroup;

/// All requests to the API share one rate limit.
pub const LIMIT: RateGroup = RateGroup {
    name: "relationships",
    requests: 120,
};

/// The region header, as listed on the API's reference pages.
const REGION_HEADER: Option<&str> = Some("x-ads-region");

/// Describes an idempotent endpoint whose body is a bare array of 1 to 50 ids.
const fn of_ids(name: &'static str, path: &'static str, member: Option<&'static str>) -> Endpoint {
    Endpoint {
        name,
        method: Method::Post,
        path: Path::new(path),
        group: &LIMIT,
        region_header: REGION_HEADER,
        auth: Auth::Bearer,
        replay: Replay::Safe,
        body: RequestBody::Items(Items {
            open: "[",
            close: "]",
            most: 50,
        }),
        response: ResponseBody::Rows(Rows {
            member,
            paging: Paging::One,
            filters: &[],
        }),
    }
}

/// PUT relationships: a bare array of up to 20 relationships, whose ids the client makes; 200 with a bare array of
/// relationships. A request with the same ids can be repeated. According to the reference page, both entities must exist
/// and the user needs access to them, so a 403 or 404 may concern individual rows.
pub const CREATE: Write = Write {
    endpoint: Endpoint {
        name: "PUT relationships",
        method: Method::Put,
        path: Path::new("/bim360/relationship/v2/containers/{project}/relationships"),
        body: RequestBody::Items(Items {
            open: "[",
            close: "]",
            most: 20,
        }),
        ..of_ids("", "", None)
    },
    row: RowShape::NewRelationship,
    success: 200,
    done: Done::Created,
    absent: Absent::InDoubt,
    forbidden: Concerns::Rows,
    not_found: Concerns::Rows,
    pair: pair_read,
    differing: None,
    drift: None,
    proof: Proof::ById {
        read: &BATCH,
        query: &[],
        now: created_now,
    },
};

/// POST relationships:delete: a bare array of 1 to 50 ids; 200 with the ids that were `deleted`. According to
/// the reference page, the user needs access to both entities of each relationship, so a 403 may concern
/// individual rows.
pub const DELETE: Write = Write {
    endpoint: of_ids(
        "relationships:delete",
        "/bim360/relationship/v2/containers/{project}/relationships:delete",
        Some("deleted"),
    ),
    row: RowShape::IdOfRelationship,
    success: 200,
    done: Done::Deleted,
    absent: Absent::Refused(
        "not deleted: it is unknown, was already deleted, or the token's user has no access to one of its \
            two entities",
    ),
    forbidden: Concerns::Rows,
    not_found: Concerns::Rows,
    pair: pair_deleted,
    differing: None,
    drift: None,
    proof: Proof::ById {
        read: &BATCH,
        query: &[],
        now: deleted_now,
    },
};

/// POST relationships:batch: a bare array of 1 to 50 ids; 200 with a bare array of relationships.
pub const BATCH: Write = Write {
    endpoint: of_ids(
        "relationships:batch",
        "/bim360/relationship/v2/containers/{project}/relationships:batch",
        None,
    ),
    row: RowShape::IdOfRelationship,
    success: 200,
    done: Done::Read,
    absent: Absent::Refused("the service has no relationship with this id"),
    forbidden: Concerns::Run,
    not_found: Concerns::Run,
    pair: pair_read,
    differing: None,
    drift: None,
    proof: Proof::Needless,
};

fn pair_read<'a>(body: &'a [u8], rows: &[SentRow<'_>], _: bool) -> Result<Vec<Paired<'a>>, String> {
    let raw: Vec<&'a RawValue> = entries(body)?;
    Ok(by_id(
        rows,
        raw.into_iter()
            .filter_map(|raw| Some((identity(raw).id?, Some(range_in(body, raw))))),
    ))
}

/// Determines from the current relationship whether it was created. Its id is the client's own, so that a missing
/// relationship can be sent again.
fn created_now(relationship: Option<&Value>, _: &SentRow<'_>) -> Now {
    match relationship.map(|relationship| relationship.get("isDeleted")) {
        Some(Some(Value::Bool(true))) => Now::Impossible("the relationship was created and then deleted"),
        Some(Some(Value::Bool(false)) | None) => Now::Done,
        Some(Some(_)) => Now::Unclear("the service does not say whether the relationship is deleted"),
        None => Now::NotDone,
    }
}

/// Determines from the current relationship whether it was deleted. The documentation does not say whether a
/// deleted relationship is returned at all.
fn deleted_now(relationship: Option<&Value>, _: &SentRow<'_>) -> Now {
    match relationship.map(|relationship| relationship.get("isDeleted")) {
        Some(Some(Value::Bool(true))) => Now::Done,
        Some(Some(Value::Bool(false))) => Now::NotDone,
        Some(_) => Now::Unclear("the service does not say whether the relationship is deleted"),
        None => Now::Unclear("the service no longer returns it, but it may never have existed"),
    }
}

/// GET relationships:search: pagination by continuation token, with at most 100 relationships per page.
pub const SEARCH: Endpoint = Endpoint {
    name: "relationships",
    method: Method::Get,
    path: Path::new("/bim360/relationship/v2/containers/{project}/relationships:search"),
    group: &LIMIT,
    region_header: REGION_HEADER,
    auth: Auth::Bearer,
    replay: Replay::Safe,
    body: RequestBody::None,
    response: ResponseBody::Rows(Rows {
        member: Some("relationships"),
        paging: Paging::Token {
            within: "page",
            name: "continuationToken",
            limit: None,
        },
        filters: FIELDS.0,
    }),
};

fn pair_deleted<'a>(body: &'a [u8], rows: &[SentRow<'_>], _: bool) -> Result<Vec<Paired<'a>>, String> {
    let deleted: Vec<Text<'a>> = list(body, "deleted")?;
    let asked: HashSet<String> = rows.iter().map(|row| row.key.to_ascii_lowercase()).collect();
    let foreign = |Text(id): &Text<'_>| {
        !id.as_ref()
            .is_some_and(|id| asked.contains(&id.to_ascii_lowercase()))
    };
    if deleted.iter().any(foreign) {
        return Err("`deleted` contains ids that were not requested".to_owned());
    }
    Ok(by_id(
        rows,
        deleted
            .into_iter()
            .filter_map(|Text(id): Text<'a>| Some((id? as Cow<'a, str>, None))),
    ))
}
