//! Maps columns to fields and custom attributes.

use super::compare::as_number;
use super::fields;
use super::report::is_of_report;
pub use super::report::{
    CLEAR, FIX, LINE, OF_REPORT_MARK, OF_REPORTS, PROBLEM, ROW_OF_RUN, RowOfRun, SHEET_ROW,
};
use crate::api::RowShape;
use crate::api::assets::FIELDS;
use crate::api::assets::fields::CLIENT_ASSET_ID;
pub(crate) use crate::api::assets::fields::CUSTOM_ATTRIBUTES;
use crate::api::field::{Fields, Refers};
use crate::model::text::composed;
use crate::settings::names::{folded, folded_heading, nearest};
use crate::settings::{LookupError, Settings};

/// The meaning of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// A field of an asset, as its place in the table of fields.
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

/// The reason given for ignoring an unrecognized column.
pub(super) const NOT_RECOGNIZED: &str = "unknown column";

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
    FIELDS.settable().map(|(_, field)| (field.name, field.heading))
}

/// Returns the fields of an asset that only the service sets, except the id, in the order of a table.
pub fn set_by_the_service() -> impl Iterator<Item = &'static str> {
    fields::by_service(FIELDS)
}

/// Returns the heading of a custom attribute in a table: its display name, with its own name behind it if the display name
/// alone could mean another column.
#[must_use]
pub fn attribute_heading(attribute: usize, settings: &Settings) -> String {
    settings.heading_of(attribute, |called| {
        FIELDS.called(called).is_some()
            || fields::is_heading_of_service(FIELDS, called)
            || fields::is_attribute(called)
            || called.starts_with(&folded_heading(CUSTOM_ATTRIBUTES))
            || called == folded_heading(ROW_OF_RUN)
    })
}

/// What gives the columns of rows their meaning.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'n> {
    /// The fields of rows of this kind.
    pub fields: Fields,
    /// The columns that `mapping=` names, each with its target.
    pub mapping: &'n [Entry],
    /// The settings, which know the custom attributes.
    pub settings: Option<&'n Settings>,
}

impl<'n> Naming<'n> {
    fn bare<'c>(&self, name: &'c str) -> &'c str {
        fields::bare(self.fields, name)
    }

    fn field(&self, name: &str) -> Option<usize> {
        fields::field_called(self.fields, name)
    }

    /// Returns the settings, if rows of this kind have custom attributes.
    fn settings(&self) -> Option<&'n Settings> {
        self.settings.filter(|_| self.fields.attributes().is_some())
    }
}

/// Returns whether a name that the user gave for a column means this one: by its heading, or by the field or attribute
/// that it sets.
#[must_use]
pub fn is_called(column: &str, name: &str, naming: Naming<'_>) -> bool {
    let same = |one: &str, other: &str| {
        let (one, other) = (naming.bare(one), naming.bare(other));
        folded_heading(one) == folded_heading(other)
    };
    if same(column, name) {
        return true;
    }
    let target = match mapped(column, naming.mapping) {
        Some((_, None)) => return false,
        Some((_, Some(target))) => target.as_str(),
        None if naming.field(column).is_some() => column,
        None => mapped_alike(column, naming.mapping).unwrap_or(column),
    };
    let fields = [target, name].map(|name| naming.field(name));
    if same(target, name) || fields[0].is_some() && fields[0] == fields[1] {
        return true;
    }
    // An attribute has two names: its own, such as ca1, and its display name.
    let attribute = |name: &str| {
        let (name, settings) = (naming.bare(name), naming.settings()?);
        settings.attribute_meant(name, false).ok()
    };
    let has_field = fields.iter().any(Option::is_some);
    !has_field && attribute(target).is_some_and(|place| attribute(name) == Some(place))
}

/// Returns whether a column sets a multi-select attribute.
pub(super) fn has_items(column: &str, naming: Naming<'_>) -> bool {
    let target = match mapped(column, naming.mapping) {
        Some((_, target)) => target.as_deref(),
        None => Some(column),
    };
    let (Some(target), Some(settings)) = (target, naming.settings()) else {
        return false;
    };
    matches!(meant(target, settings), Meant::Attribute(place)
        if settings.content().attributes[place].data_type == "multi_select")
}

/// Returns whether two names that the user gave for columns mean the same one.
pub(super) fn are_one(one: &str, other: &str, naming: Naming<'_>) -> bool {
    let both = |column: &str| is_called(column, one, naming) && is_called(column, other, naming);
    both(one) || both(other) || naming.mapping.iter().any(|(from, _)| both(from))
}

/// Returns whether columns that are marked as required are those of a template, which remembers its category. Offices mark
/// columns too, but also the category.
pub fn are_of_template<'n>(marked: impl Iterator<Item = &'n str>) -> bool {
    let fields = marked.filter_map(|name| fields::field_called(FIELDS, name));
    let fields: Vec<_> = fields.map(|field| FIELDS.at(field)).collect();
    let has_category = fields.iter().any(|field| field.refers == Some(Refers::Category));
    fields.iter().any(|field| field.name == CLIENT_ASSET_ID) && !has_category
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
    let called = folded_heading(column);
    let mut alike = mapping.iter().filter(|(from, _)| folded_heading(from) == called);
    let (_, target) = alike.next().filter(|_| alike.next().is_none())?;
    target.as_deref().filter(|_| mapped(column, mapping).is_none())
}

/// Returns the meaning of a column of assets in a project.
#[must_use]
pub fn meant(name: &str, settings: &Settings) -> Meant {
    if let Some(field) = FIELDS.named(name) {
        return Meant::Field(field);
    }
    if name == CUSTOM_ATTRIBUTES {
        return Meant::Attributes;
    }
    let bare = fields::bare(FIELDS, name);
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
    let called = folded_heading(bare);
    if let Some(field) = FIELDS.called(&called) {
        return Meant::Field(field);
    }
    if fields::is_set_by_service(FIELDS, name) {
        return Meant::SetByService;
    }
    match settings.attribute(bare) {
        Ok(place) => Meant::Attribute(place),
        Err(error @ LookupError::Ambiguous(_)) => Meant::Unclear(
            format!("the column `{name}` is ambiguous: {}", error.reason("attribute")),
            "name the column by the attribute's own name, such as ca1".to_owned(),
        ),
        Err(error @ LookupError::Inactive(_)) => Meant::Unclear(
            format!(
                "the column `{name}` cannot be filled: {}",
                error.reason("custom attribute")
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
        .settable()
        .flat_map(|(_, field)| [field.heading, field.name])
        .chain(attributes.map(|attribute| attribute.display_name.as_str()));
    // "Remarks" is not a typo of "Mark".
    let near = nearest(name, known.map(|known| (known, folded(known))));
    near.into_iter().find(|known| {
        let edits = strsim::osa_distance(&folded_heading(name), &folded_heading(known));
        edits <= 1 + folded_heading(known).chars().count() / 6
    })
}

/// Resolves the target of the mapping of a column to the name of a field or custom attribute. `shape` is that of the rows.
///
/// # Errors
/// Returns a message if the target names neither a field nor exactly one active custom attribute. Display
/// names are known only with `settings`.
pub fn target(
    column: &str,
    text: &str,
    shape: RowShape,
    settings: Option<&Settings>,
) -> Result<String, String> {
    let fields = shape.fields();
    let has_attributes = fields.attributes().is_some();
    let of_service = fields::of_service(fields, text);
    if fields.named(text).is_some()
        || has_attributes && fields::is_attribute(text)
        || of_service.is_some_and(|field| field == text)
    {
        return Ok(text.to_owned());
    }
    if let Some(field) = fields.called(&folded_heading(text)) {
        return Ok(fields.at(field).name.to_owned());
    }
    let Some(settings) = settings.filter(|_| has_attributes) else {
        let is_mapped = format!("mapping: column `{column}` is mapped to `{text}`, which is not a field");
        let near = fields::nearest(fields, [], text);
        if has_attributes {
            let near = near.map_or_else(|| ".".to_owned(), |near| format!(". Did you mean `{near}`?"));
            return Err(format!(
                "{is_mapped}{near} To map to the display name of a custom attribute, pass the project's settings as settings="
            ));
        }
        let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(format!("{is_mapped} of a {}{near}", shape.noun()));
    };
    match (settings.attribute(text), of_service) {
        (Ok(place), _) => Ok(settings.content().attributes[place].name.clone()),
        (Err(LookupError::Unknown(_)), Some(field)) => Ok(field.to_owned()),
        (Err(error), _) => {
            let fix = match meant_by(text, settings) {
                Some(near) if matches!(error, LookupError::Unknown(_)) => format!("did you mean `{near}`?"),
                _ => error.fix("custom attribute"),
            };
            Err(format!(
                "mapping: column `{column}` is mapped to `{text}`, which is not a field of an asset, and {}; {fix}",
                error.reason("custom attribute"),
            ))
        }
    }
}
