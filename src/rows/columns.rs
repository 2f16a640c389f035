//! Maps columns to fields and custom attributes.

use std::collections::BTreeMap;

use serde_json::json;

use super::compare::as_number;
pub(crate) use super::fields::CUSTOM_ATTRIBUTES;
use super::fields::{self, CATEGORY, CLIENT_ASSET, FIELDS};
use crate::input::Cell;
pub use crate::input::sheet::ROW_OF_RUN;
use crate::model::text::composed;
use crate::settings::names::{folded, nearest, plain};
use crate::settings::{Miss, Settings};

/// The meaning of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// A field of an asset, as its index in `FIELDS`.
    Field(usize),
    /// A custom attribute, as its index in the settings.
    Attribute(usize),
    /// The `customAttributes` dict.
    Attributes,
    /// A field that only the service sets.
    SetByService,
    /// The column is ignored, because `write_fixes` added it. The string is the reason.
    Ignored(&'static str),
    /// The name is unknown, so the column is ignored. Contains the name that was probably meant, if the column's
    /// name looks like a typo.
    Unknown(Option<String>),
    /// The column makes every row invalid. The strings are the problem and the fix.
    Unclear(String, String),
}

/// Common headings for each field, ignoring case, spaces and punctuation. The web pages of Assets call the
/// clientAssetId "Asset ID" ("POST assets:batch-create" reference page), and exports from those pages call it
/// "Name".
static CALLED: [(&str, usize); 17] = [
    ("clientassetid", 0),
    ("assetid", 0),
    ("assetname", 0),
    ("name", 0),
    ("categoryid", 1),
    ("category", 1),
    ("categorypath", 1),
    ("statusid", 2),
    ("status", 2),
    ("assetstatus", 2),
    ("description", 3),
    ("assetdescription", 3),
    ("locationid", 4),
    ("location", 4),
    ("locationpath", 4),
    ("barcode", 5),
    ("assetbarcode", 5),
];

/// The reason given for ignoring an unrecognized column.
pub(super) const NOT_RECOGNIZED: &str = "unknown column";

/// The columns added by `write_fixes`: the row's position in its sheet or text file (`SHEET_ROW` or `LINE`),
/// the problem and the fix.
pub const SHEET_ROW: &str = "Sheet row";
pub const LINE: &str = "Line";
pub const PROBLEM: &str = "Problem";
pub const FIX: &str = "Fix";
pub const OF_REPORTS: [&str; 4] = [SHEET_ROW, LINE, PROBLEM, FIX];

/// The suffix of an added column if the rows already have a column with that name.
pub const OF_REPORT_MARK: &str = " (acc-assets)";

/// Returns whether an unrecognized column may have been added by `write_fixes`.
pub(super) fn is_of_report(name: &str) -> bool {
    OF_REPORTS.contains(&name.strip_suffix(OF_REPORT_MARK).unwrap_or(name))
}

/// The text of a cell that clears its field.
pub const CLEAR: &str = "acc.CLEAR";

/// Comes before [`RowOfRun::texts`] in a cell.
const TEXTS_MARK: char = '\t';

/// A cell of the [`ROW_OF_RUN`] column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowOfRun {
    /// The run, or the call without a name. 0 for a check.
    pub run: u64,
    /// The number of the row, counted from 0.
    pub row: u32,
    /// The digest of the row before it was fixed, or 0 if it is not known.
    pub digest: u64,
    /// The name of the run, if it has one.
    pub name: Option<String>,
    /// The texts that are numbers written in another way, such as 0017 and 1.10, by field or custom attribute. pandas reads
    /// a column of such texts as numbers.
    pub texts: BTreeMap<String, String>,
}

impl RowOfRun {
    /// Formats the cell.
    #[must_use]
    pub fn text(&self) -> String {
        let Self {
            run,
            row,
            digest,
            name,
            texts,
        } = self;
        let name = name.as_ref().map_or_else(String::new, |name| format!(":{name}"));
        let texts = if texts.is_empty() {
            String::new()
        } else {
            format!("{TEXTS_MARK}{}", json!(texts))
        };
        format!("{run:016x}:{row}:{digest:016x}{name}{texts}")
    }

    /// Parses a cell. Files of earlier versions have only some of the parts.
    #[must_use]
    pub fn of(cell: &Cell<'_>) -> Option<Self> {
        let Cell::Text(text) = cell else { return None };
        let (text, texts) = text.split_once(TEXTS_MARK).unwrap_or((text, ""));
        let mut parts = text.trim().splitn(4, ':');
        let hex = |part| u64::from_str_radix(part, 16).ok();
        Some(Self {
            run: hex(parts.next()?)?,
            row: parts.next()?.parse().ok()?,
            digest: parts.next().and_then(hex).unwrap_or(0),
            name: parts.next().filter(|name| !name.is_empty()).map(str::to_owned),
            texts: serde_json::from_str(texts.trim()).unwrap_or_default(),
        })
    }
}

/// Returns whether a text is a number that is usually written in another way, such as 0017 or 1.10.
#[must_use]
pub fn is_unusual_number(text: &str) -> bool {
    as_number(text).is_some_and(|number| number != text)
}

/// Returns the field of a column that identifies rows in this role, if it is not a custom attribute.
#[must_use]
pub fn field_of_role(role: &str) -> Option<&str> {
    super::identity::field_of(role)
}

/// Returns the fields of an asset in the order of a template, each with its heading.
pub fn headings() -> impl Iterator<Item = (&'static str, &'static str)> {
    FIELDS.iter().map(|field| (field.name, field.heading))
}

/// Returns the fields of an asset that only the service sets, except the id, in the order of a table.
pub fn set_by_the_service() -> impl Iterator<Item = &'static str> {
    fields::set_by_the_service()
}

/// Returns the heading of a custom attribute in a table: its display name, with its own name behind it if the display name
/// alone could mean another column.
#[must_use]
pub fn attribute_heading(attribute: usize, settings: &Settings) -> String {
    settings.heading_of(attribute, |called| {
        CALLED.iter().any(|(known, _)| *known == called)
            || fields::is_heading_of_service(called)
            || fields::is_attribute(called)
            || called.starts_with(&plain(CUSTOM_ATTRIBUTES))
            || called == plain(ROW_OF_RUN)
    })
}

/// Returns the field that has this name or heading. The result is the same in every project.
pub(super) fn base_field(name: &str) -> Option<usize> {
    let called = plain(bare(name));
    let exact = FIELDS.iter().position(|field| field.name == name);
    exact.or_else(|| {
        CALLED
            .iter()
            .find(|(known, _)| *known == called)
            .map(|(_, field)| *field)
    })
}

/// The columns that `mapping=` names, each with its target, and the settings that know the attributes.
type Mapped<'m> = (&'m [(String, Option<String>)], Option<&'m Settings>);

/// Returns whether a name that the user gave for a column means this one: by its heading, or by the field or attribute
/// that it sets.
#[must_use]
pub fn is_called(column: &str, name: &str, (mapping, settings): Mapped<'_>) -> bool {
    let same = |one: &str, other: &str| plain(bare(one)) == plain(bare(other));
    if same(column, name) {
        return true;
    }
    let target = match mapped(column, mapping) {
        Some((_, None)) => return false,
        Some((_, Some(target))) => target.as_str(),
        None if base_field(column).is_some() => column,
        None => mapped_alike(column, mapping).unwrap_or(column),
    };
    let field = base_field(target);
    if same(target, name) || field.is_some() && field == base_field(name) {
        return true;
    }
    // An attribute has two names: its own, such as ca1, and its display name.
    let attribute = |name: &str| {
        let (name, settings) = (bare(name), settings?);
        let place = settings.attribute_of_name(name);
        place.or_else(|| settings.attribute(name).ok())
    };
    let has_field = field.is_some() || base_field(name).is_some();
    !has_field && attribute(target).is_some_and(|place| attribute(name) == Some(place))
}

/// Returns whether a column sets a multi-select attribute.
pub(super) fn has_items(column: &str, (mapping, settings): Mapped<'_>) -> bool {
    let target = match mapped(column, mapping) {
        Some((_, target)) => target.as_deref(),
        None => Some(column),
    };
    let (Some(target), Some(settings)) = (target, settings) else {
        return false;
    };
    matches!(meant(target, settings), Meant::Attribute(place)
        if settings.content().attributes[place].data_type == "multi_select")
}

/// Returns whether two names that the user gave for columns mean the same one.
pub(super) fn are_one(one: &str, other: &str, mapped: Mapped<'_>) -> bool {
    let both = |column: &str| is_called(column, one, mapped) && is_called(column, other, mapped);
    both(one) || both(other) || mapped.0.iter().any(|(from, _)| both(from))
}

/// Returns whether columns that are marked as required are those of a template, which remembers its category. Offices mark
/// columns too, but also the category.
pub fn are_of_template<'n>(marked: impl Iterator<Item = &'n str>) -> bool {
    let fields: Vec<usize> = marked.filter_map(base_field).collect();
    fields.contains(&CLIENT_ASSET) && !fields.contains(&CATEGORY)
}

/// An entry of a mapping: a column, and what it is mapped to.
type Entry = (String, Option<String>);

/// Returns the entry of a mapping for a column.
pub(super) fn mapped<'m>(column: &str, mapping: &'m [Entry]) -> Option<&'m Entry> {
    let column = composed(column);
    mapping.iter().find(|(from, _)| composed(from) == column)
}

/// Returns what a column that is not recognized is mapped to by the only entry whose name differs in case, punctuation and
/// blanks, such as the line break of a heading in Excel.
pub(super) fn mapped_alike<'m>(column: &str, mapping: &'m [Entry]) -> Option<&'m str> {
    let called = plain(column);
    let mut alike = mapping.iter().filter(|(from, _)| plain(from) == called);
    let (_, target) = alike.next().filter(|_| alike.next().is_none())?;
    target.as_deref().filter(|_| mapped(column, mapping).is_none())
}

/// Strips the prefix `customAttributes.` from a name.
pub(super) fn bare(name: &str) -> &str {
    name.strip_prefix(CUSTOM_ATTRIBUTES)
        .and_then(|rest| rest.strip_prefix('.'))
        .unwrap_or(name)
}

/// Returns the meaning of a column in a project.
#[must_use]
pub fn meant(name: &str, settings: &Settings) -> Meant {
    if let Some(field) = FIELDS.iter().position(|field| field.name == name) {
        return Meant::Field(field);
    }
    if name == CUSTOM_ATTRIBUTES {
        return Meant::Attributes;
    }
    let bare = bare(name);
    if fields::is_attribute(bare) {
        return match settings.attribute_of_name(bare) {
            Some(place) if settings.content().attributes[place].active => Meant::Attribute(place),
            Some(_) => Meant::Unclear(
                format!("the custom attribute `{bare}` is inactive"),
                format!("ignore the column with mapping={{'{name}': None}}"),
            ),
            None => Meant::Unclear(
                format!("the project has no custom attribute `{bare}`"),
                "drop the column, or use the display name of the attribute".to_owned(),
            ),
        };
    }
    let called = plain(bare);
    if let Some((_, field)) = CALLED.iter().find(|(known, _)| *known == called) {
        return Meant::Field(*field);
    }
    if fields::is_set_by_the_service(name) {
        return Meant::SetByService;
    }
    match settings.attribute(bare) {
        Ok(place) => Meant::Attribute(place),
        Err(miss @ Miss::Ambiguous(_)) => Meant::Unclear(
            format!("the column `{name}` is ambiguous: {}", miss.reason("attribute")),
            "name the column by the attribute's own name, such as ca1".to_owned(),
        ),
        Err(miss @ Miss::Inactive(_)) => Meant::Unclear(
            format!(
                "the column `{name}` cannot be filled: {}",
                miss.reason("custom attribute")
            ),
            format!("ignore the column with mapping={{'{name}': None}}"),
        ),
        Err(_) if is_of_report(name) => Meant::Ignored("added by .write_fixes()"),
        Err(_) => Meant::Unknown(meant_by(name, settings)),
    }
}

/// Returns the known name that an unknown name almost certainly misspells.
fn meant_by(name: &str, settings: &Settings) -> Option<String> {
    let attributes = settings
        .content()
        .attributes
        .iter()
        .filter(|attribute| attribute.active);
    let known = FIELDS
        .iter()
        .flat_map(|field| [field.heading, field.name])
        .chain(attributes.map(|attribute| attribute.display_name.as_str()));
    // "Remarks" is not a typo of "Mark".
    let near = nearest(name, known.map(|known| (known, folded(known))));
    near.into_iter().find(|known| {
        let edits = strsim::osa_distance(&plain(name), &plain(known));
        edits <= 1 + plain(known).chars().count() / 6
    })
}

/// Resolves the target of the mapping of a column to the name of a field or custom attribute.
///
/// # Errors
/// Returns a message if the target names neither a field nor exactly one active custom attribute. Display
/// names are known only with `settings`.
pub fn target(column: &str, text: &str, settings: Option<&Settings>) -> Result<String, String> {
    let known = |field: usize| FIELDS[field].name.to_owned();
    let called = plain(text);
    let of_service = fields::of_service(text);
    if FIELDS.iter().any(|field| field.name == text)
        || fields::is_attribute(text)
        || of_service.is_some_and(|field| field == text)
    {
        return Ok(text.to_owned());
    }
    if let Some((_, field)) = CALLED.iter().find(|(alias, _)| *alias == called) {
        return Ok(known(*field));
    }
    let Some(settings) = settings else {
        let near = fields::nearest(text, None);
        let near = near.map_or_else(|| ".".to_owned(), |near| format!(". Did you mean `{near}`?"));
        return Err(format!(
            "mapping: column `{column}` is mapped to `{text}`, which is not a field{near} To map to the display name of \
                a custom attribute, pass the project's settings as settings="
        ));
    };
    match (settings.attribute(text), of_service) {
        (Ok(place), _) => Ok(settings.content().attributes[place].name.clone()),
        (Err(Miss::Unknown(_)), Some(field)) => Ok(field.to_owned()),
        (Err(miss), _) => {
            let fix = match meant_by(text, settings) {
                Some(near) if matches!(miss, Miss::Unknown(_)) => format!("did you mean `{near}`?"),
                _ => miss.fix("custom attribute"),
            };
            Err(format!(
                "mapping: column `{column}` is mapped to `{text}`, which is not a field of an asset, and {}; {fix}",
                miss.reason("custom attribute"),
            ))
        }
    }
}
