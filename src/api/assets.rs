//! The Assets API, version 2: four bulk endpoints and one list endpoint.
//!
//! Paths, methods, bodies and statuses come from the reference page named in each entry. The limit of 100 assets
//! per request is from the tutorial "Manage assets"; the rate groups are from the page "Assets rate limits".

pub mod fields;
mod pair;
mod values;

use jiff::Timestamp;

pub use fields::FIELDS;

use crate::api::endpoint::{Endpoint, Items, Path, RequestBody, ResponseBody, Rows};
use crate::api::paging::{Paging, Query};
use crate::api::write::{Absent, Concerns, Done, Lookup, Proof, RowShape, Write};
use crate::http::send::Method;
use crate::http::{Auth, Replay};
use crate::options::RateGroup;
use pair::{pair_created, pair_deleted, pair_got, pair_patched};
use values::{delete_drift, deleted_now, differing, found, patch_drift, patched_now, says};

/// The rate group for reading assets and settings.
pub const READS: RateGroup = RateGroup {
    name: "assets_read",
    requests: 1000,
};

/// The rate group for writing assets and settings.
pub const WRITES: RateGroup = RateGroup {
    name: "assets_write",
    requests: 100,
};

/// Describes a bulk endpoint with JSON requests and responses and without a region header.
const fn bulk(
    name: &'static str,
    method: Method,
    path: &'static str,
    group: &'static RateGroup,
    replay: Replay,
    [open, close]: [&'static str; 2],
    response: ResponseBody,
) -> Endpoint {
    Endpoint {
        name,
        method,
        path: Path::new(path),
        group,
        region_header: None,
        auth: Auth::Bearer,
        replay,
        body: RequestBody::Items(Items {
            open,
            close,
            most: 100,
        }),
        response,
    }
}

const RESULTS: ResponseBody = ResponseBody::Rows(Rows {
    member: Some("results"),
    paging: Paging::One,
    filters: &[],
});

/// POST assets:batch-create: a bare array; 201 with `results`. The service assigns the ids and has no idempotency
/// key, so repeating a create makes duplicates.
pub const BATCH_CREATE: Write = Write {
    endpoint: bulk(
        "assets:batch-create",
        Method::Post,
        "/{prefix}/assets/v2/projects/{project}/assets:batch-create",
        &WRITES,
        Replay::Never,
        ["[", "]"],
        RESULTS,
    ),
    row: RowShape::NewAsset,
    success: 201,
    done: Done::Created,
    absent: Absent::InDoubt,
    forbidden: Concerns::Run,
    not_found: Concerns::Run,
    pair: pair_created,
    differing: None,
    drift: None,
    proof: Proof::InList(&NEW_ASSETS),
};

/// PATCH assets:batch-patch: an object keyed by asset id, in both request and response.
pub const BATCH_PATCH: Write = Write {
    endpoint: bulk(
        "assets:batch-patch",
        Method::Patch,
        "/{prefix}/assets/v2/projects/{project}/assets:batch-patch",
        &WRITES,
        Replay::Safe,
        ["{", "}"],
        ResponseBody::One,
    ),
    row: RowShape::AssetPatch,
    success: 200,
    done: Done::Updated,
    absent: Absent::InDoubt,
    forbidden: Concerns::Run,
    not_found: Concerns::Rows,
    pair: pair_patched,
    differing: Some(differing),
    drift: Some(patch_drift),
    proof: Proof::ById {
        read: &BATCH_GET,
        query: WHOLE,
        now: patched_now,
    },
};

/// POST assets:batch-get: `ids`; `results` omits unknown ids.
pub const BATCH_GET: Write = Write {
    endpoint: bulk(
        "assets:batch-get",
        Method::Post,
        "/{prefix}/assets/v2/projects/{project}/assets:batch-get",
        &READS,
        Replay::Safe,
        ["{\"ids\":[", "]}"],
        RESULTS,
    ),
    row: RowShape::IdOfAsset,
    success: 200,
    done: Done::Read,
    absent: Absent::Refused("the service has no asset with this id"),
    forbidden: Concerns::Run,
    not_found: Concerns::Run,
    pair: pair_got,
    differing: None,
    drift: None,
    proof: Proof::Needless,
};

/// Query parameters that include all fields and deleted assets.
const WHOLE: &[(&str, &str)] = &[("includeCustomAttributes", "true"), ("includeDeleted", "true")];

/// POST assets:batch-delete: `ids`; 204 without a body.
pub const BATCH_DELETE: Write = Write {
    endpoint: bulk(
        "assets:batch-delete",
        Method::Post,
        "/{prefix}/assets/v2/projects/{project}/assets:batch-delete",
        &WRITES,
        Replay::Safe,
        ["{\"ids\":[", "]}"],
        ResponseBody::None,
    ),
    row: RowShape::IdOfAsset,
    success: 204,
    done: Done::Deleted,
    absent: Absent::InDoubt,
    forbidden: Concerns::Run,
    not_found: Concerns::Rows,
    pair: pair_deleted,
    differing: None,
    drift: Some(delete_drift),
    proof: Proof::ById {
        read: &BATCH_GET,
        query: WHOLE,
        now: deleted_now,
    },
};

/// GET assets: cursor pagination with at most 200 assets per page.
pub const LIST: Endpoint = Endpoint {
    name: "assets",
    method: Method::Get,
    path: Path::new("/{prefix}/assets/v2/projects/{project}/assets"),
    group: &READS,
    region_header: None,
    auth: Auth::Bearer,
    replay: Replay::Safe,
    body: RequestBody::None,
    response: ResponseBody::Rows(Rows {
        member: Some("results"),
        paging: Paging::Token {
            within: "pagination",
            name: "cursorState",
            limit: Some(200),
        },
        filters: FIELDS.0,
    }),
};

/// After a lost response, new assets are looked up among recent changes in their categories.
const NEW_ASSETS: Lookup = Lookup {
    list: &LIST,
    query: changed_since,
    whole,
    place: |sent| sent.get("categoryId")?.as_str().map(str::to_owned),
    read: found,
    says,
    by_id: (&BATCH_GET, WHOLE),
};

/// The maximum number of categories to filter by. More would make the URL too long, so the list is then not
/// filtered by category.
const MOST_CATEGORIES: usize = 50;

/// Lists the oldest assets first, so that assets created concurrently are appended and no page shifts.
/// Includes deleted assets, because a row that was created and then deleted was still created.
fn changed_since(time: Option<i64>, categories: &[String]) -> Query {
    let mut query = whole();
    query.push(("sort".to_owned(), "createdAt asc".to_owned()));
    query.push(("includeDeleted".to_owned(), "true".to_owned()));
    if let Some(time) = time.and_then(|time| Timestamp::from_millisecond(time).ok()) {
        query.push(("filter[updatedAt]".to_owned(), format!("{time:.3}..")));
    }
    if categories.len() <= MOST_CATEGORIES {
        let filter = |category: &String| ("filter[categoryId]".to_owned(), category.clone());
        query.extend(categories.iter().map(filter));
    }
    query
}

fn whole() -> Query {
    vec![("includeCustomAttributes".to_owned(), "true".to_owned())]
}
