//! What a writer of assets knows besides the fields: names, custom attributes, the import key, and the current assets.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::{Map, Value};

use super::doubts::Doubts;
use super::edits::Ignored;
use super::notices::Notices;
use super::resolve::Resolver;
use crate::api::assets::FIELDS;
use crate::api::assets::fields::CLIENT_ASSET_ID;
use crate::input::{Column, Owned};
use crate::rows::identity::Seed;
use crate::rows::policy::Policy;

/// The fields that a check names. Names are looked up by the compiler.
pub(super) const CLIENT_ASSET: usize = FIELDS.place(CLIENT_ASSET_ID);
pub(super) const CATEGORY: usize = FIELDS.place("categoryId");
pub(super) const STATUS: usize = FIELDS.place("statusId");

/// The JSON before the fields of a patch: `"<uuid>":{`. A UUID always has 36 characters, so its space is reserved
/// until the id column is read.
pub(super) const PATCH_OPENING: &[u8; 40] = b"\"                                    \":{";

/// New assets, or patches of assets.
#[allow(clippy::struct_excessive_bools)] // The flags are independent.
pub(in crate::rows) struct Assets {
    /// Looks up names in the project's settings, if the settings are known.
    pub(super) names: Option<Resolver>,
    pub(super) notices: Notices,
    /// The custom attributes that columns and dicts set.
    pub(super) attributes: Vec<Attribute>,
    pub(super) attribute_indexes: HashMap<String, usize>,
    /// The meanings of the entries in the last dict, by position. Dicts usually have the same keys in the same order.
    pub(super) entries: Vec<Entry>,
    /// Whether the rows have values that only the service sets, so they come from the service.
    pub(super) are_of_service: bool,
    /// The edits that are not sent, because of what they are.
    pub(super) ignored_edits: Ignored,
    /// What the texts of the columns show together.
    pub(super) doubts: Doubts,
    // The fields below belong to the current row.
    /// Whether the row cannot be checked without the asset that it changes, which was not read.
    pub(super) needs_asset: bool,
    /// The range of the row's import key, as JSON, in the body or `attribute_body`.
    pub(super) import_key_at: Option<Range<usize>>,
    pub(super) import_key: String,
    /// The entries of `customAttributes`, each followed by a comma.
    pub(super) attribute_body: Vec<u8>,
    /// A status cell with several labels. The label that is found is added to the identity at the end of the row, so that a
    /// run may be resumed with labels for further status sets.
    pub(super) status_labels: Option<(Seed, String)>,
    /// The asset that the row changes, if cells are compared with it.
    pub(super) current: Option<Map<String, Value>>,
    /// The version of the asset when the row was read.
    pub(super) version: Option<u64>,
    /// Whether the row has the import key by which its asset was found in the same spelling.
    pub(super) key_is_exact: bool,
    /// The columns whose values of the service differ from those of the asset, and their fields.
    pub(super) edited: Vec<(String, &'static str)>,
    /// The blank cells whose asset has a value. The flag is whether the field cannot be cleared.
    pub(super) uncompared: Vec<(String, bool)>,
    /// The cells that came before the id.
    pub(super) held: Vec<(Column, Owned)>,
    /// Whether the row has nothing to send, because the asset already has its values.
    pub(super) unchanged: bool,
}

/// What a column of assets may be besides a field.
#[derive(Clone, Copy)]
pub(in crate::rows) enum Own {
    /// A field that only the service sets, in a patch.
    Service(&'static str),
    /// A custom attribute, as its index in `Assets::attributes`.
    Attribute(usize),
    /// A column with dicts of custom attributes.
    Attributes,
}

/// A custom attribute that the rows have.
pub(super) struct Attribute {
    pub(super) name: String,
    /// The attribute's index in the settings.
    pub(super) known: Option<usize>,
    /// The attribute's own column, if there is one.
    pub(super) column: Option<Column>,
    /// The JSON before the value.
    pub(super) opening: String,
    /// The number of the last row that has a value for the attribute, counted from 1.
    pub(super) last_given: usize,
}

/// An entry in a dict of custom attributes.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) seed: Seed,
    /// The index in `Assets::attributes`. `None` if the name is not an attribute.
    pub(super) attribute: Option<usize>,
    /// The index in `Writer::readings`.
    pub(super) reading: usize,
}

impl Assets {
    pub(super) fn of(policy: &Policy) -> Self {
        let settings = policy.names.settings.as_ref();
        Self {
            names: settings.map(|settings| Resolver::new(settings.clone(), &policy.names.separator)),
            notices: Notices::default(),
            attributes: Vec::new(),
            attribute_indexes: HashMap::new(),
            entries: Vec::new(),
            are_of_service: false,
            ignored_edits: Ignored::default(),
            doubts: Doubts::default(),
            needs_asset: false,
            import_key_at: None,
            import_key: String::new(),
            attribute_body: Vec::new(),
            status_labels: None,
            current: None,
            version: None,
            key_is_exact: true,
            edited: Vec::new(),
            uncompared: Vec::new(),
            held: Vec::new(),
            unchanged: false,
        }
    }

    /// Starts a row.
    pub(super) fn begin(&mut self) {
        self.needs_asset = false;
        self.import_key_at = None;
        self.import_key.clear();
        self.attribute_body.clear();
        self.status_labels = None;
        self.current = None;
        self.version = None;
        self.edited.clear();
        self.uncompared.clear();
        self.held.clear();
        self.unchanged = false;
        if let Some(names) = &mut self.names {
            names.begin();
        }
    }
}
