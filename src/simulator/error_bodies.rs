//! The error objects of the gateway, the Assets API and the Relationship API.

use serde_json::{Map, Value, json};

use super::contract::{Service, Switch, Switches};
use super::refusal::{Refusal, Violation};
use super::responses::json_response;
use crate::http::send::Response;

pub fn refusal_response(refusal: Refusal, service: Service, switches: &Switches) -> Response {
    match refusal {
        Refusal::Ready(response) => response,
        Refusal::Gateway {
            status,
            code,
            message,
        } => gateway_error(status, code, message, switches),
        Refusal::Service {
            status,
            code,
            detail,
            violations,
        } if service == Service::Relationships => {
            json_response(status, &relationship_error(status, code, &detail, &violations))
        }
        Refusal::Service {
            status,
            code,
            detail,
            violations,
        } => json_response(status, &asset_error(code, &detail, violations, switches)),
    }
}

/// Creates the gateway's error object ("Error codes" pages of the platform documentation).
pub fn gateway_error(status: u16, code: &str, message: &str, switches: &Switches) -> Response {
    let key = if switches.is(Switch::MoreInfoKey, "moreInfo") {
        "moreInfo"
    } else {
        "more info"
    };
    let link = "https://aps.autodesk.com/en/docs/oauth/v2/developers_guide/error_handling/";
    json_response(
        status,
        &json!({ "developerMessage": message, "userMessage": "", "errorCode": code, key: link }),
    )
}

/// Creates the error object shown on the "POST relationships:delete" reference page.
fn relationship_error(status: u16, code: &str, detail: &str, violations: &[Violation]) -> Value {
    let kind = match status {
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        413 => "PayloadTooLarge",
        415 => "UnsupportedMediaType",
        _ => "BadInput",
    };
    let title = match status {
        400 => "One or more input values in the request were bad",
        _ => "The request was rejected",
    };
    let field = |violation: &Violation| violation.metadata.get("fieldName").cloned().unwrap_or_default();
    let names: Vec<String> = violations
        .iter()
        .map(|violation| field(violation).as_str().unwrap_or_default().to_owned())
        .collect();
    let errors: Vec<Value> = violations
        .iter()
        .map(|violation| {
            json!({ "field": field(violation), "title": "Invalid parameter", "detail": violation.detail, "type": kind })
        })
        .collect();
    let detail = if names.is_empty() {
        detail.to_owned()
    } else {
        format!("The following parameters are invalid: {}", names.join(", "))
    };
    let code = if code == "BadInput" { code } else { kind };
    json!({ "type": code, "title": title, "detail": detail, "errors": errors })
}

/// Creates the error object of the Assets API. The format of this object is not documented, so
/// the switch `batch_error_shape` selects it.
pub fn asset_error(code: &str, detail: &str, violations: Vec<Violation>, switches: &Switches) -> Value {
    let mut error = asset_error_with_text(code, detail, violations, switches);
    if switches.is(Switch::ErrorText, "absent") {
        let without_text = |object: &mut Value| {
            if let Some(object) = object.as_object_mut() {
                object.retain(|name, _| !["title", "detail"].contains(&name.as_str()));
            }
        };
        without_text(&mut error);
        if let Some(errors) = error.get_mut("errors").and_then(Value::as_array_mut) {
            errors.iter_mut().for_each(without_text);
        }
    }
    error
}

fn asset_error_with_text(
    code: &str,
    detail: &str,
    mut violations: Vec<Violation>,
    switches: &Switches,
) -> Value {
    let entry = |violation: Violation| json!({ "errorCode": violation.code, "detail": violation.detail, "errorMetadata": violation.metadata });
    // Published client code reads the metadata next to the error code, where an error for one object has it.
    let metadata = violations
        .first()
        .filter(|first| first.code == code)
        .map_or_else(Map::new, |first| first.metadata.clone());
    if violations.is_empty() || switches.is(Switch::BatchErrorShape, "single_object") {
        let (code, detail, metadata) = match violations.into_iter().next() {
            Some(first) => (first.code, first.detail, first.metadata),
            None => return json!({ "errorCode": code, "title": code, "detail": detail, "errorMetadata": {} }),
        };
        return json!({ "errorCode": code, "title": code, "detail": detail, "errorMetadata": metadata });
    }
    if switches.is(Switch::BatchErrorShape, "first_only") {
        violations.truncate(1);
    }
    let errors: Vec<Value> = violations.into_iter().map(entry).collect();
    json!({ "errorCode": code, "title": code, "detail": detail, "errorMetadata": metadata, "errors": errors })
}
