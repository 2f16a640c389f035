//! How rows are read, and what they become.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::fields::{self, BARCODE, CUSTOM_ATTRIBUTES};
use crate::api::RowShape;
use crate::settings::{SEPARATOR, Settings};

/// What a null cell does. It never satisfies a required field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nulls {
    /// As if the cell were not there.
    Omit,
    /// Clears the field on a patch; on a create there is nothing to clear.
    Clear,
    /// Makes the row invalid.
    Error,
}

/// What a custom attribute does with a date that has a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dates {
    /// Makes the row invalid.
    Exact,
    /// Drops the time of day.
    Date,
}

/// How rows are read and what they become.
#[derive(Debug, Clone)]
pub struct Policy {
    pub shape: RowShape,
    pub nulls: Nulls,
    pub dates: Dates,
    /// The column that holds the id, for a patch and for ids.
    pub id_column: String,
    pub import_key: Option<ImportKey>,
    pub names: Names,
}

/// What the names in rows are looked up in.
#[derive(Debug, Clone)]
pub struct Names {
    /// Without them rows hold ids, and are checked by themselves only.
    pub settings: Option<Arc<Settings>>,
    /// What columns mean, where their names do not say it; `None`: they are left out.
    pub mapping: Vec<(String, Option<String>)>,
    /// What stands between the names of a path.
    pub separator: String,
    /// What is known of the assets that a patch changes; `None`: nothing was read.
    pub assets: Option<Arc<HashMap<Uuid, KnownAsset>>>,
    /// The category of new assets that name none: that of the template the rows were filled into.
    pub category: Option<String>,
    /// What the labels of the rows are, where they are places in a file, such as `sheet row`.
    pub row_title: Option<&'static str>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            settings: None,
            mapping: Vec::new(),
            separator: SEPARATOR.to_owned(),
            assets: None,
            category: None,
            row_title: None,
        }
    }
}

/// An asset as it is before a patch, as far as the patch depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownAsset {
    /// Places in the settings.
    pub category: Option<usize>,
    pub status: Option<(usize, usize)>,
    pub attributes: Vec<usize>,
}

impl KnownAsset {
    /// Reads an asset as the service sends it; its id too.
    #[must_use]
    pub fn read(asset: &Value, settings: &Settings) -> Option<(Uuid, Self)> {
        let text = |name: &str| asset.get(name).and_then(Value::as_str);
        let attributes = asset.get(CUSTOM_ATTRIBUTES).and_then(Value::as_object);
        let known = Self {
            category: text("categoryId").and_then(|id| settings.category_of_id(id)),
            status: text("statusId").and_then(|id| settings.status_of_id(id)),
            attributes: attributes
                .into_iter()
                .flatten()
                .filter(|(_, value)| !value.is_null())
                .filter_map(|(name, _)| settings.attribute_of_name(name))
                .collect(),
        };
        Some((Uuid::try_parse(text("id")?).ok()?, known))
    }
}

/// A key a row of a create that stays with the asset, so that the row can be found again for certain.
///
/// The service takes no id and no idempotency key from a client, and a clientAssetId need not be unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportKey {
    /// `barcode`, or the name of a text attribute such as `ca7`.
    pub field: String,
    /// What keys begin with where the rows bring none; the row's number follows.
    pub prefix: String,
}

impl ImportKey {
    /// What the keys of one call begin with where they are made here. A forked child inherits the state of every
    /// generator within the process, so the bytes come from the system: a UUID v4.
    #[must_use]
    pub fn new_prefix() -> String {
        format!("imp-{}-", Uuid::new_v4().simple())
    }

    /// Whether a field can hold the key.
    #[must_use]
    pub fn may_be(field: &str) -> bool {
        field == BARCODE || fields::is_attribute(field)
    }

    /// The key of an asset, as it was sent or as it came back.
    #[must_use]
    pub fn of<'v>(&self, asset: &'v Value) -> Option<&'v str> {
        self.value(asset)?
            .as_str()
            .map(str::trim)
            .filter(|key| !key.is_empty())
    }

    /// Whether an asset of the project holds something else than text there.
    #[must_use]
    pub fn is_no_text(&self, asset: &Value) -> bool {
        self.value(asset)
            .is_some_and(|value| !value.is_null() && !value.is_string())
    }

    fn value<'v>(&self, asset: &'v Value) -> Option<&'v Value> {
        if self.field == BARCODE {
            asset.get(BARCODE)
        } else {
            asset.get(CUSTOM_ATTRIBUTES)?.get(&self.field)
        }
    }
}
