//! The Relationship API, version 2. Its container id is the bare UUID of the project.

use std::borrow::Cow;

use super::{Absent, Concerns, Done, Endpoint, Listing, Pages, Paired, SentRow};
use crate::api::assets::by_id;
use crate::http::Replay;
use crate::http::send::Method;
use crate::model::asset::member;
use crate::model::text::Text;
use crate::options::RateGroup;

/// POST relationships:delete: a bare array of 1 to 50 ids; 200 with the ids that were `deleted`. The page asks for
/// access to both entities of each relationship, so a 403 may concern single rows.
pub const DELETE: Endpoint = Endpoint {
    name: "relationships:delete",
    method: Method::Post,
    path: "/bim360/relationship/v2/containers/{project}/relationships:delete",
    group: RateGroup::Relationships,
    most_items: 50,
    replay: Replay::Safe,
    region: true,
    opens: "[",
    closes: "]",
    done: Done::Deleted,
    absent: Absent::Refused(
        "the service did not name it among the deleted: it is unknown, was deleted before, or one of its two entities \
         is out of reach for the token's user",
    ),
    forbidden: Concerns::Rows,
    not_found: Concerns::Rows,
    pair: pair_deleted,
};

/// GET relationships:search: pages of at most 100, by continuation token.
pub const SEARCH: Listing = Listing {
    name: "relationships",
    path: "/bim360/relationship/v2/containers/{project}/relationships:search",
    group: RateGroup::Relationships,
    region: true,
    pages: Pages::Continuation,
    rows: "relationships",
};

fn pair_deleted<'a>(body: &'a [u8], rows: &[SentRow<'_>], _: bool) -> Result<Vec<Paired<'a>>, String> {
    let deleted: Vec<Text<'a>> = member(body, "deleted")?;
    Ok(by_id(
        rows,
        deleted
            .into_iter()
            .filter_map(|Text(id): Text<'a>| Some((id? as Cow<'a, str>, None))),
    ))
}
