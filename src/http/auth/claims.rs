//! The claims in a token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

/// The claims in a token. Access tokens are JWTs; a token that cannot be decoded is treated as opaque.
pub struct Claims {
    pub user: Option<String>,
    pub expires: Option<Timestamp>,
}

impl Claims {
    pub fn of(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let claims: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
        Some(Self {
            user: claims
                .get("userid")
                .and_then(|user| user.as_str())
                .map(str::to_owned),
            expires: claims
                .get("exp")
                .and_then(serde_json::Value::as_i64)
                .and_then(|second| Timestamp::from_second(second).ok()),
        })
    }
}
