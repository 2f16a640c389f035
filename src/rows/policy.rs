//! Options for reading and checking rows.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::columns;
use super::fields;
use super::reading::Reading;
use super::value::{Dates, Nulls};
use crate::api::RowShape;
use crate::api::assets::FIELDS;
use crate::api::assets::fields::{BARCODE, CLIENT_ASSET_ID, CUSTOM_ATTRIBUTES};
use crate::columns::Table;
use crate::input::Padded;
use crate::input::sheet::{LINE, SHEET_ROW};
use crate::settings::names::{folded, nearest};
use crate::settings::{LookupError, SEPARATOR, Settings};

/// Options for reading and checking rows.
#[derive(Debug, Clone)]
pub struct Policy {
    pub shape: RowShape,
    pub nulls: Nulls,
    pub dates: Dates,
    /// The column that contains the asset ids.
    pub id_column: String,
    pub import_key: Option<ImportKey>,
    pub names: Names,
}

impl Policy {
    /// Returns whether the rows come from a workbook, which stores 15 digits of a number.
    pub(super) fn is_workbook(&self) -> bool {
        self.names.row_title.as_deref() == Some(SHEET_ROW)
    }

    /// Returns whether the rows come from a text file, whose cells have no types.
    pub(super) fn is_text_file(&self) -> bool {
        self.names.row_title.as_deref() == Some(LINE)
    }
}

/// The data needed to replace names in rows with ids.
#[derive(Debug, Clone)]
pub struct Names {
    /// The project's settings. If `None`, rows must contain ids, and each value is checked only by itself.
    pub settings: Option<Arc<Settings>>,
    /// Whether the file has the marks of a template.
    pub is_template: bool,
    /// Explicit column mappings. A column that maps to `None` is ignored.
    pub mapping: Vec<(String, Option<String>)>,
    /// The separator between the names in a path.
    pub separator: String,
    /// How to read text.
    pub reading: Arc<Reading>,
    /// The assets that a patch changes, by id. `None` if the assets were not read.
    pub assets: Option<Arc<HashMap<Uuid, KnownAsset>>>,
    /// The same assets, if the rows of the patch come from the service. Only cells that differ are then sent.
    pub current: Option<Arc<CurrentAssets>>,
    /// The field of the import key by which the assets were found. If a row differs from its asset only in the spelling of
    /// this key, it keeps the key.
    pub found_by: Option<String>,
    /// The category of new assets that do not specify one, taken from the template that was filled in.
    pub category: Option<String>,
    /// The title of the row labels if they are positions in a file, such as `sheet row`.
    pub row_title: Option<Arc<str>>,
    /// The number of rows, if the rows come from a sheet or text file.
    pub rows_of_file: Option<usize>,
    /// The number of rows that were skipped below them.
    pub skipped: usize,
    /// The sheet row or line right above the rows' column names that was skipped, and what it contains.
    pub skipped_above: Option<String>,
    /// The columns that have both texts with leading zeros and numbers, if known before the rows are read.
    pub padded: HashMap<String, Padded>,
    /// The columns that contain outcomes of an earlier call.
    pub outcomes: Vec<String>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            settings: None,
            is_template: false,
            mapping: Vec::new(),
            separator: SEPARATOR.to_owned(),
            reading: Arc::default(),
            assets: None,
            current: None,
            found_by: None,
            category: None,
            row_title: None,
            rows_of_file: None,
            skipped: 0,
            skipped_above: None,
            padded: HashMap::new(),
            outcomes: Vec::new(),
        }
    }
}

/// The asset data needed to check a patch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KnownAsset {
    /// The index of the category in the settings. `status` and `attributes` contain indexes in the
    /// settings as well.
    pub category: Option<usize>,
    pub status: Option<(usize, usize)>,
    pub attributes: Vec<usize>,
}

impl KnownAsset {
    /// Reads an asset and its id from a response.
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

/// The assets that a patch changes, as read before the call.
#[derive(Debug)]
pub struct CurrentAssets {
    table: Table,
    /// The index of each asset in the table.
    places: HashMap<Uuid, usize>,
}

impl CurrentAssets {
    /// Indexes assets by their ids. The pages of a table are shared, not copied.
    #[must_use]
    pub fn new(table: Table) -> Self {
        let id = |place| Uuid::try_parse(&table.id(place)?).ok();
        let places = (0..table.len()).filter_map(|place| Some((id(place)?, place)));
        Self {
            places: places.collect(),
            table,
        }
    }

    /// Returns an asset. `None` if the service did not return it.
    #[must_use]
    pub fn get(&self, id: &Uuid) -> Option<Map<String, Value>> {
        self.table.row(*self.places.get(id)?)
    }
}

/// A unique key for each row in a create. The key is stored with the asset, so that a row's asset can be found
/// reliably.
///
/// The service accepts neither ids nor idempotency keys from a client, and a clientAssetId need not be unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportKey {
    /// Either `barcode`, or the name of a text attribute such as `ca7`.
    pub field: String,
    /// The prefix of generated keys. In each key, the row number follows the prefix.
    pub prefix: String,
    /// Whether a key is generated for each row. Otherwise, the rows have them.
    pub is_generated: bool,
}

impl ImportKey {
    /// Generates the key prefix for one call, which contains a UUID v4. The random bytes come from the
    /// operating system, because a forked child inherits the state of the process's generators.
    #[must_use]
    pub fn new_prefix() -> String {
        format!("imp-{}-", Uuid::new_v4().simple())
    }

    /// Finds the field that an import key names: by a heading in the mapping, a field name or usual heading, or
    /// the name or display name of a custom attribute. Display names are known only with `settings`.
    ///
    /// # Errors
    /// Returns a message if the name is unknown, or if its field cannot identify rows.
    pub fn field_of(
        named: &str,
        mapping: &[(String, Option<String>)],
        settings: Option<&Settings>,
    ) -> Result<String, String> {
        let says = |why: &str| {
            Err(format!(
                "import_key must be \"barcode\" or a text attribute, not {named:?}: {why}"
            ))
        };
        let field = fields::field_called(FIELDS, named).map(|field| FIELDS.at(field).name);
        let is_field_of_another = field.is_some()
            && mapping.iter().any(|(_, target)| {
                target
                    .as_deref()
                    .is_some_and(|target| Some(fields::bare(FIELDS, target)) == field)
            });
        let target = match columns::mapped(named, mapping) {
            Some((_, Some(target))) => target,
            // Another column may be mapped to the field instead.
            Some((_, None)) if !is_field_of_another => return says("mapping= ignores this column"),
            _ => named,
        };
        match fields::field_called(FIELDS, target).map(|field| FIELDS.at(field).name) {
            Some(BARCODE) => return Ok(BARCODE.to_owned()),
            Some(CLIENT_ASSET_ID) => {
                return says(
                    "the service allows several assets with the same Asset ID, so it does not identify a row. If your \
                     Asset IDs are unique, copy them into the barcode",
                );
            }
            Some(_) => return says("many assets may have the same value"),
            None => {}
        }
        let name = fields::bare(FIELDS, target);
        let is_api_name = fields::is_attribute(name);
        let Some(settings) = settings else {
            return if is_api_name {
                Ok(name.to_owned())
            } else {
                says("without settings, only API names such as \"ca7\" are known")
            };
        };
        let attributes = &settings.content().attributes;
        match settings.attribute_meant(name, false) {
            Ok(place) if attributes[place].data_type == "text" => Ok(attributes[place].name.clone()),
            Ok(place) => says(&format!("its type is {}", attributes[place].data_type)),
            // The attribute may be newer than the settings.
            Err(_) if is_api_name => Ok(name.to_owned()),
            Err(LookupError::Unknown(_)) => {
                let usable = attributes
                    .iter()
                    .filter(|attribute| attribute.active && attribute.data_type == "text")
                    .map(|attribute| attribute.display_name.as_str());
                let near = nearest(
                    name,
                    usable.chain(["Barcode"]).map(|known| (known, folded(known))),
                );
                let near: Vec<String> = near.iter().map(|known| format!("{known:?}")).collect();
                let hint = format!(". Did you mean {}?", near.join(" or "));
                let hint = if near.is_empty() { "" } else { &hint };
                says(&format!("the project has no such attribute{hint}"))
            }
            Err(error) => says(&error.reason("attribute")),
        }
    }

    /// Returns an asset's import key, from a request or a response.
    #[must_use]
    pub fn of<'v>(&self, asset: &'v Value) -> Option<&'v str> {
        self.value(asset)?
            .as_str()
            .map(str::trim)
            .filter(|key| !key.is_empty())
    }

    /// Returns whether the key field of an asset contains a value other than a string or null.
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
