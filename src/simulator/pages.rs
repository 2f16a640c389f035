//! The pages of a list.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::call::Call;
use super::contract::{PAGE_DEFAULT, PAGE_MOST, Switch, Switches};
use super::query::{Query, encoded};
use super::refusal::{Refusal, bad_field};
use super::responses::json_response;
use crate::http::send::Response;

/// The part of a list that a request asks for.
pub struct Page {
    pub limit: usize,
    pub offset: usize,
}

/// Reads `limit` and `cursorState`. The cursor is a base64-encoded JSON object with `limit` and `offset`.
pub fn page(query: &Query, switches: &Switches) -> Result<Page, Refusal> {
    let mut page = Page {
        limit: PAGE_DEFAULT,
        offset: 0,
    };
    if let Some(cursor) = query.get("cursorState") {
        let number = |value: &Value, key: &str| {
            value[key]
                .as_u64()
                .and_then(|number| usize::try_from(number).ok())
        };
        let decoded = STANDARD
            .decode(cursor)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
            .and_then(|value| {
                Some(Page {
                    limit: number(&value, "limit")?,
                    offset: number(&value, "offset")?,
                })
            });
        page = match decoded {
            Some(page) => page,
            None if switches.is(Switch::BadCursor, "restart") => page,
            None => {
                return Err(bad_field(
                    "INVALID_PARAMETER",
                    "cursorState",
                    "cursorState is not valid.",
                ));
            }
        };
    }
    if let Some(text) = query.get("limit") {
        page.limit = match text.parse::<usize>() {
            Ok(limit) if (1..=PAGE_MOST).contains(&limit) => limit,
            Ok(limit) if switches.is(Switch::LimitOver, "clamp") => limit.clamp(1, PAGE_MOST),
            _ => {
                let detail = format!("limit must be a number from 1 to {PAGE_MOST}, not {text:?}.");
                return Err(bad_field("INVALID_PARAMETER", "limit", detail));
            }
        };
    }
    page.limit = page.limit.clamp(1, PAGE_MOST);
    Ok(page)
}

/// Creates the pagination object of a list response. On the last page, the object has neither a cursor nor a
/// next URL.
pub fn pagination(call: &Call, switches: &Switches, limit: usize, offset: usize, total: usize) -> Value {
    let mut pagination = json!({ "limit": limit, "offset": offset, "totalResults": total });
    let next = offset.saturating_add(limit);
    if next < total {
        let cursor = STANDARD.encode(json!({ "limit": limit, "offset": next }).to_string());
        let mut query: Vec<String> = call
            .query
            .pairs()
            .iter()
            .filter(|(name, _)| name != "cursorState")
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        query.push(format!("cursorState={}", encoded(&cursor)));
        // In the documented examples, the next URL of GET assets has the wrong version, and the next URLs of
        // settings lists lead to the assets.
        let path = if switches.is(Switch::NextUrl, "correct") {
            call.path.clone()
        } else if call.endpoint.tag == "assets" {
            call.path.replace("/v2/", "/v1/")
        } else {
            call.path
                .rsplit_once('/')
                .map_or_else(String::new, |(start, _)| format!("{start}/assets"))
        };
        pagination["nextUrl"] = json!(format!("{}{path}?{}", call.origin, query.join("&")));
        pagination["cursorState"] = json!(cursor);
    }
    pagination
}

pub fn whole(results: &[Value]) -> Response {
    let pagination = json!({ "limit": results.len(), "offset": 0, "totalResults": results.len() });
    json_response(200, &json!({ "pagination": pagination, "results": results }))
}
