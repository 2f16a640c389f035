//! The reasons why a request is rejected.

use serde_json::{Map, Value};

use crate::http::send::Response;

/// The reason why a request is rejected.
#[derive(Debug)]
pub enum Refusal {
    /// Rejected by the gateway.
    Gateway {
        status: u16,
        code: &'static str,
        message: &'static str,
    },
    /// Rejected by the service.
    Service {
        status: u16,
        code: &'static str,
        detail: String,
        violations: Vec<Violation>,
    },
    /// Rejected with this complete response.
    Ready(Response),
}

/// A reason why the service rejects a request, for example an invalid field.
#[derive(Debug)]
pub struct Violation {
    pub code: &'static str,
    pub detail: String,
    pub metadata: Map<String, Value>,
}

impl Violation {
    /// Creates a violation without metadata.
    pub fn new(code: &'static str, detail: String) -> Self {
        Self {
            code,
            detail,
            metadata: Map::new(),
        }
    }

    /// Creates a violation for one field.
    pub fn field(code: &'static str, field: &str, detail: String) -> Self {
        let mut violation = Self::new(code, detail);
        violation.metadata.insert("fieldName".into(), field.into());
        violation
    }

    /// Creates the violation for a string that is too long. The "GET error-codes" reference page shows
    /// the metadata of this violation.
    pub fn too_long(field: &str, most: usize) -> Self {
        let detail = format!("Field {field:?} is longer than {most} characters.");
        let mut violation = Self::field("FIELD_EXCEEDS_MAX_LENGTH", field, detail);
        violation.metadata.insert("maxStringLength".into(), most.into());
        violation
    }
}

/// Creates a service error without violations.
pub fn refuse(status: u16, code: &'static str, detail: impl Into<String>) -> Refusal {
    Refusal::Service {
        status,
        code,
        detail: detail.into(),
        violations: Vec::new(),
    }
}

/// Rejects a request that has violations. The error contains all violations and has the code of
/// the first.
pub fn refuse_all(status: u16, violations: Vec<Violation>) -> Result<(), Refusal> {
    let Some(first) = violations.first() else {
        return Ok(());
    };
    Err(Refusal::Service {
        status,
        code: first.code,
        detail: first.detail.clone(),
        violations,
    })
}

/// Creates an error that names one field or parameter.
pub fn bad_field(code: &'static str, field: &str, detail: impl Into<String>) -> Refusal {
    let detail = detail.into();
    Refusal::Service {
        status: 400,
        code,
        violations: vec![Violation::field(code, field, detail.clone())],
        detail,
    }
}

/// Creates the error of the Relationship API for an invalid value.
pub fn invalid(field: &str, value: &str) -> Refusal {
    bad_field("BadInput", field, format!("The value '{value}' is not valid."))
}
