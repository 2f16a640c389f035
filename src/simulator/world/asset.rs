//! An asset and its content.

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::stamp::Stamp;

/// An asset. The custom attributes are stored as the JSON text of one object, which is compact and can be
/// sent unchanged.
#[derive(Debug, Clone)]
pub struct Asset {
    pub id: Uuid,
    pub client_asset_id: Box<str>,
    pub category: u64,
    pub status: Uuid,
    pub description: Option<Box<str>>,
    pub location: Option<Uuid>,
    pub barcode: Option<Box<str>>,
    pub attributes: Box<RawValue>,
    pub company: Option<Uuid>,
    pub stamp: Stamp,
}

impl Asset {
    /// Returns the custom attributes, parsed.
    #[must_use]
    pub fn attribute_map(&self) -> Map<String, Value> {
        serde_json::from_str(self.attributes.get()).unwrap_or_default()
    }
}

/// The content of an asset, without its id and stamp.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub client_asset_id: String,
    pub category: u64,
    pub status: Uuid,
    pub description: Option<String>,
    pub location: Option<Uuid>,
    pub barcode: Option<String>,
    pub attributes: Map<String, Value>,
}

impl From<&Asset> for Draft {
    fn from(asset: &Asset) -> Self {
        Self {
            client_asset_id: asset.client_asset_id.to_string(),
            category: asset.category,
            status: asset.status,
            description: asset.description.as_deref().map(Into::into),
            location: asset.location,
            barcode: asset.barcode.as_deref().map(Into::into),
            attributes: asset.attribute_map(),
        }
    }
}

pub fn filled(id: Uuid, draft: Draft, company: Option<Uuid>, stamp: Stamp) -> Asset {
    Asset {
        id,
        client_asset_id: draft.client_asset_id.into(),
        category: draft.category,
        status: draft.status,
        description: draft.description.map(Into::into),
        location: draft.location,
        barcode: draft.barcode.map(Into::into),
        // A map of JSON values always serializes, so the fallback is never used.
        attributes: serde_json::value::to_raw_value(&draft.attributes).unwrap_or_default(),
        company,
        stamp,
    }
}
