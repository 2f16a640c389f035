//! Leniently reads every kind of error body: from the services, the gateway, OAuth and proxies.
//!
//! Few reference pages show an error body: "POST relationships:delete" does, and the pages on rate limits and error
//! codes show the gateway's error bodies. So the reader takes the first known key for each part, and always keeps the
//! raw body.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::error::{self, Headers, ServiceError, Violation};
use crate::http::message::Response;
use crate::model::value;

const CODE: [&str; 5] = ["errorCode", "code", "type", "error", "name"];
const TEXT: [&str; 6] = [
    "detail",
    "error_description",
    "message",
    "developerMessage",
    "title",
    "error",
];
const LIST: [&str; 3] = ["errors", "violations", "details"];
const METADATA: [&str; 2] = ["errorMetadata", "metadata"];

/// Reads an error response.
#[must_use]
pub fn read(response: &Response) -> ServiceError {
    let body: Arc<str> = String::from_utf8_lossy(&response.body).into();
    let mut error = ServiceError {
        status: response.status,
        headers: kept_headers(response),
        request_id: request_id(response),
        retry_after: response
            .header("retry-after")
            .and_then(|value| retry_after(value, now(response))),
        body,
        ..ServiceError::default()
    };
    match value::read(&error.body) {
        Some(Value::Object(object)) => read_object(&object, &mut error),
        Some(Value::Array(entries)) => error.violations = violations(&entries),
        Some(Value::String(text)) => error.message = Some(text),
        _ => {}
    }
    error.hint = hint(&error, response);
    error
}

/// Returns the time in the response's Date header, or else the local time. A date in its Retry-After header
/// is compared with this time, since both headers use the same clock.
fn now(response: &Response) -> Timestamp {
    response
        .header("date")
        .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
        .map_or_else(Timestamp::now, |date| date.timestamp())
}

/// Returns the request id from the response headers, if there is one.
#[must_use]
pub fn request_id(response: &Response) -> Option<String> {
    error::request_id(&response.headers).map(str::to_owned)
}

/// Selects the headers to store with an error. The correlation headers are not documented, so all of Autodesk's own
/// headers are kept.
#[must_use]
pub fn kept_headers(response: &Response) -> Headers {
    const NAMES: [&str; 3] = ["x-request-id", "date", "retry-after"];
    let kept =
        |name: &str| NAMES.contains(&name) || name.starts_with("x-ads-") || name.starts_with("ratelimit-");
    response
        .headers
        .iter()
        .filter(|(name, _)| kept(name))
        .cloned()
        .collect()
}

fn read_object(object: &Map<String, Value>, error: &mut ServiceError) {
    if let Some(Value::Object(fault)) = object.get("fault") {
        // This is Apigee's error format.
        error.message = text(fault, &["faultstring"]);
        error.code = fault
            .get("detail")
            .and_then(Value::as_object)
            .and_then(|detail| text(detail, &["errorcode"]));
        return;
    }
    error.code = text(object, &CODE);
    error.message = text(object, &TEXT);
    let metadata = metadata(object);
    error.metadata = metadata.cloned().map(Value::Object);
    let list = LIST
        .iter()
        .map(|key| object.get(*key))
        .chain([metadata.and_then(|metadata| metadata.get("violations"))])
        .find_map(|list| list?.as_array().filter(|entries| !entries.is_empty()));
    if let Some(entries) = list {
        error.violations = violations(entries);
        return;
    }
    // A single violation at the top level.
    let single = violation(object);
    if single.index.is_some() || single.id.is_some() {
        error.violations = vec![single];
    }
}

fn metadata(object: &Map<String, Value>) -> Option<&Map<String, Value>> {
    METADATA.iter().find_map(|key| object.get(*key)?.as_object())
}

fn violations(entries: &[Value]) -> Vec<Violation> {
    entries
        .iter()
        .filter_map(|entry| match entry {
            Value::Object(object) => Some(violation(object)),
            Value::String(text) => Some(Violation {
                message: text.clone(),
                ..Violation::default()
            }),
            _ => None,
        })
        .collect()
}

fn violation(object: &Map<String, Value>) -> Violation {
    let metadata = metadata(object);
    let everywhere = || std::iter::once(object).chain(metadata);
    let field = everywhere().find_map(|place| text(place, &["field", "fieldName", "path"]));
    let index = everywhere()
        .find_map(|place| {
            ["index", "itemIndex"]
                .iter()
                .find_map(|key| number(place.get(*key)?))
        })
        .or_else(|| field.as_deref().and_then(leading_index));
    Violation {
        index,
        id: everywhere().find_map(|place| text(place, &["id", "assetId"])),
        field,
        code: text(object, &["errorCode", "code", "type"]),
        title: text(object, &["title"]),
        metadata: metadata.cloned().map(Value::Object),
        message: text(object, &["detail", "message", "title", "description"]).unwrap_or_else(|| {
            text(object, &["errorCode", "code", "type"])
                .unwrap_or_else(|| Value::Object(object.clone()).to_string())
        }),
        description: None,
    }
}

fn text(object: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| match object.get(*key)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

fn number(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => usize::try_from(number.as_u64()?).ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// Returns the item index in a field path such as `[3].categoryId` or `3.categoryId`.
fn leading_index(field: &str) -> Option<usize> {
    let field = field.trim_start_matches(['[', '$', '.']);
    let digits = field
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(field.len());
    let (number, rest) = field.split_at(digits);
    (rest.starts_with(']') || rest.starts_with('.')).then(|| number.parse().ok())?
}

const TWO_LEGGED: &str = "this is a two-legged token, which has no user: log in as a user (three-legged) \
    with the scopes data:read data:write data:create";

/// Returns advice that the service's response does not contain.
fn hint(error: &ServiceError, response: &Response) -> Option<String> {
    let code = error.code.as_deref().unwrap_or_default().to_uppercase();
    let html = response
        .header("content-type")
        .is_some_and(|kind| kind.contains("html"))
        || error.body.trim_start().starts_with('<');
    let text = match error.status {
        300..=399 => {
            // The query may contain a cursor or credentials.
            let location = response.header("location").unwrap_or("nowhere");
            let location = location.split(['?', '#']).next().unwrap_or_default();
            format!(
                "redirected to {location}, which was not followed because the token would be sent there: \
                    check base_url="
            )
        }
        401 | 403 if error.is_two_legged() => TWO_LEGGED.to_owned(),
        401 => "the token was rejected: get a new one and retry the remaining rows".to_owned(),
        403 if error.is_capacity() => "the gateway has no capacity for requests of this app: retry the \
            remaining rows later. If this persists, ask the app's owner to check its plan"
            .to_owned(),
        403 if code == "AUTH-001" => "the app lacks this API product, its client id is not added under \
            Custom Integrations, or region= is missing or wrong: check each of them"
            .to_owned(),
        403 if code == "AUTH-010" => "the token lacks a scope, or is a two-legged token, which has no \
            user: log in as a user (three-legged) with the scopes data:read data:write data:create"
            .to_owned(),
        403 => "the token's user is not a member of this project, or has no access to its Assets product. \
            To find out, open the project in the browser as that user. If it is not in the list of \
            projects, ask a project admin to add the user. If it opens without Assets, ask an admin to \
            give the user access to Assets. For relationships and locations of a project outside the US, \
            also set region="
            .to_owned(),
        429 => "this user sent too many requests per minute, across all programs: wait, then retry the \
            remaining rows"
            .to_owned(),
        407 => "the proxy requires a user name and password: add them to proxy=".to_owned(),
        404 => "check the project id, and that the token's user is a member of the project".to_owned(),
        415 => "a proxy may have changed the request: check base_url= and proxy=".to_owned(),
        _ if html => "the response is an HTML page, so it comes from a proxy or gateway, not from the \
            service"
            .to_owned(),
        500.. => "the service failed: retry the remaining rows later".to_owned(),
        _ => return None,
    };
    Some(text)
}

/// Parses a Retry-After header, in seconds or as an HTTP date. Ignores an implausible value.
fn retry_after(value: &str, now: Timestamp) -> Option<f64> {
    // More than a year is implausible.
    const YEAR: f64 = 31_557_600.0;
    let value = value.trim();
    let seconds = if let Ok(seconds) = value.parse::<f64>() {
        seconds
    } else {
        let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
        at.duration_since(now).as_secs_f64().max(0.0).ceil()
    };
    (0.0..=YEAR).contains(&seconds).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(body: &Value) -> ServiceError {
        read(&Response {
            status: 400,
            headers: Vec::new(),
            body: body.to_string().into(),
        })
    }

    #[test]
    fn each_part_is_read_from_the_first_known_key() {
        // Test first with every key of a part, then without the first, the first two, and so on.
        for (skipped, first) in CODE.iter().enumerate() {
            let mut body = Map::new();
            for key in CODE.iter().skip(skipped).rev() {
                body.insert((*key).to_owned(), json!(format!("code of {key}")));
            }
            let error = refused(&Value::Object(body));
            assert_eq!(error.code, Some(format!("code of {first}")));
        }
        for (skipped, first) in TEXT.iter().enumerate() {
            let mut body = Map::new();
            for key in TEXT.iter().skip(skipped).rev() {
                body.insert((*key).to_owned(), json!(format!("text of {key}")));
            }
            let error = refused(&Value::Object(body));
            assert_eq!(error.message, Some(format!("text of {first}")));
        }
        let entry = |text: &str| json!([{ "detail": text }]);
        for (body, list, metadata) in [
            (
                json!({"details": entry("d"), "violations": entry("v"), "errors": entry("e"), "metadata": {"b": 2},
                    "errorMetadata": {"a": 1, "violations": entry("m")}}),
                "e",
                json!({"a": 1, "violations": entry("m")}),
            ),
            (
                json!({"details": entry("d"), "violations": entry("v"), "metadata": {"b": 2}}),
                "v",
                json!({"b": 2}),
            ),
            (
                json!({"details": entry("d"), "errorMetadata": {"violations": entry("m")}}),
                "d",
                json!({"violations": entry("m")}),
            ),
            (
                json!({"errors": [], "details": "none", "errorMetadata": {"violations": entry("m")}}),
                "m",
                json!({"violations": entry("m")}),
            ),
        ] {
            let error = refused(&body);
            assert_eq!(error.violations[0].message, list, "{body}");
            assert_eq!(error.metadata, Some(metadata), "{body}");
        }
    }

    #[test]
    fn the_parts_of_an_entry_are_kept() {
        let error = refused(&json!({"errors": [{
            "field": "[2].barcode", "title": "Taken", "detail": "It is in use.", "type": "Conflict",
            "errorCode": "DUPLICATE", "errorMetadata": {"index": 3, "assetId": "a-1"},
        }]}));
        assert_eq!(
            error.violations,
            [Violation {
                index: Some(3),
                id: Some("a-1".to_owned()),
                field: Some("[2].barcode".to_owned()),
                code: Some("DUPLICATE".to_owned()),
                title: Some("Taken".to_owned()),
                message: "It is in use.".to_owned(),
                description: None,
                metadata: Some(json!({"index": 3, "assetId": "a-1"})),
            }]
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_implausible_values_are_ignored() {
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        for (value, seconds) in [
            ("25", Some(25.0)),
            (" 0 ", Some(0.0)),
            ("1.5", Some(1.5)),
            ("Mon, 23 Nov 2026 12:00:30 GMT", Some(30.0)),
            ("Mon, 23 Nov 2026 11:00:00 GMT", Some(0.0)),
            ("Mon, 23 Nov 2999 11:00:00 GMT", None),
            ("-3", None),
            ("10000000000000000000", None),
            ("NaN", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now), seconds, "{value}");
        }
    }
}
