//! The response headers that an error keeps, and the request id in them.

/// Response headers that the service's support team may ask for: names in lower case, in the order received.
pub type Headers = Vec<(String, String)>;

/// Returns the request id from response headers: Autodesk's own if present, otherwise that of a proxy or gateway.
#[must_use]
pub fn request_id(headers: &[(String, String)]) -> Option<&str> {
    ["x-ads-request-id", "x-request-id"]
        .iter()
        .find_map(|id| headers.iter().find(|(name, _)| name == id))
        .map(|(_, value)| value.as_str())
}
