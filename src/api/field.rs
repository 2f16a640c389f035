//! What a row consists of, as data: each kind of row has one table of fields.

use crate::model::same::Form;

/// A field of an asset or relationship.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // Each is an independent property.
pub struct Field {
    /// The name in requests and responses.
    pub name: &'static str,
    /// The heading that people use for the field, as in templates and tables.
    pub heading: &'static str,
    /// All headings that mean the field, in lower case, without blanks and punctuation.
    pub aliases: &'static [&'static str],
    pub kind: Kind,
    /// The part of the project's settings that values refer to.
    pub refers: Option<Refers>,
    /// Whether the field is required on create and cannot be cleared by a patch.
    pub required: bool,
    /// The documented maximum in characters. A longer value makes the row invalid.
    pub longest: Option<usize>,
    /// The assumed maximum in characters, which is not documented. A longer value is sent, with a warning.
    pub expected: Option<usize>,
    /// Whether the field contains identifiers: leading and trailing blanks are removed, and leading zeros matter.
    pub trims: bool,
    /// Whether only the service sets the field.
    pub by_service: bool,
    /// Whether every entry in a response is expected to have the field. Tables then start with it.
    pub is_usual: bool,
    /// Whether a list can be sorted by the field.
    pub sorts: bool,
    /// The filters of a list that can be checked on the field.
    pub filters: &'static [Filter],
    /// The fix for an invalid value. If the project's settings are known, the other one is used, if any.
    pub fix: &'static str,
    pub fix_by_name: Option<&'static str>,
    /// What to fill in, as a template says it.
    pub note: &'static str,
}

/// The type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// A whole number, sent as a string.
    Integer,
    Uuid,
    Bool,
    /// A whole number, which the service returns as a number.
    Number,
    Time,
    /// Custom attributes by name.
    Attributes,
    /// One end of a relationship.
    Entity,
    /// Both ends of a relationship.
    Entities,
    /// Of a type that the documentation does not name.
    Open,
}

/// A part of the project's settings that has names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refers {
    Category,
    Status,
    Location,
}

/// A filter of a list, which is checked on a field of each entry.
#[derive(Debug, Clone, Copy)]
pub struct Filter {
    /// The query parameter. For custom attributes, the part before the name.
    pub parameter: &'static str,
    pub shows: Shows,
}

/// How to check a field against its filter.
#[derive(Debug, Clone, Copy)]
pub enum Shows {
    /// The field is one of the values.
    OneOf,
    /// The field is the id of one of the locations. If the query sets the parameter named here to `true`, a
    /// single location includes those below it.
    Location(&'static str),
    /// The field is in a range `from..to`, `from..` or `..to`, or equals a single time.
    Time,
    After,
    Before,
    /// The field contains custom attributes by name: `filter[customAttributes][ca1]`.
    Attributes,
    /// If the parameter is `true`, the field equals this flag.
    Only(bool),
    /// The field may equal this flag only if the parameter or `onlyDeleted` is `true`.
    Unless(bool),
    /// The field contains the two ends of a relationship. Either end may match `domain`, `type` and `id`; the other
    /// end must then match `withDomain`, `withType` and `withId`.
    Entities,
}

impl Filter {
    pub(super) const fn new(parameter: &'static str, shows: Shows) -> Self {
        Self { parameter, shows }
    }
}

impl Field {
    /// Describes an optional field that rows may set.
    pub(super) const fn new(name: &'static str, heading: &'static str, kind: Kind) -> Self {
        Self {
            name,
            heading,
            aliases: &[],
            kind,
            refers: None,
            required: false,
            longest: None,
            expected: None,
            trims: false,
            by_service: false,
            is_usual: false,
            sorts: false,
            filters: &[],
            fix: "",
            fix_by_name: None,
            note: "",
        }
    }

    /// Describes a field that only the service sets.
    pub(super) const fn by_service(name: &'static str, heading: &'static str, kind: Kind) -> Self {
        Self {
            by_service: true,
            ..Self::new(name, heading, kind)
        }
    }

    /// Returns the fix for an invalid value. `by_name` is true if the project's settings are known, so that
    /// names can be used.
    #[must_use]
    pub fn fix(&self, by_name: bool) -> &'static str {
        self.fix_by_name.filter(|_| by_name).unwrap_or(self.fix)
    }

    /// Returns whether the field is one column of a table, because its values have one documented type and no parts.
    #[must_use]
    pub fn is_column(&self) -> bool {
        !matches!(
            self.kind,
            Kind::Attributes | Kind::Entity | Kind::Entities | Kind::Open
        )
    }

    /// Returns whether a row may have a value for the field. Custom attributes have their own columns.
    fn is_settable(&self) -> bool {
        !self.by_service && self.kind != Kind::Attributes
    }
}

/// A table of fields, in the order of a table of rows.
#[derive(Debug, Clone, Copy)]
pub struct Fields(pub &'static [Field]);

impl Fields {
    /// Returns the place of a field whose name is known at compile time.
    ///
    /// # Panics
    /// If there is no such field. Call this in constants only, where that is a compile error.
    #[must_use]
    pub const fn place(self, name: &str) -> usize {
        let mut place = 0;
        while place < self.0.len() {
            if is_same(self.0[place].name, name) {
                return place;
            }
            place += 1;
        }
        panic!("no such field");
    }

    /// Returns the field at a place.
    #[must_use]
    pub fn at(self, place: usize) -> &'static Field {
        &self.0[place]
    }

    /// Returns the fields that rows may set, with their places.
    pub fn settable(self) -> impl Iterator<Item = (usize, &'static Field)> + Clone {
        self.0.iter().enumerate().filter(|(_, field)| field.is_settable())
    }

    /// Returns the fields that every entry in a response is expected to have.
    pub fn usual(self) -> impl Iterator<Item = &'static Field> + Clone {
        self.0.iter().filter(|field| field.is_usual)
    }

    /// Returns the fields that only the service sets.
    pub fn by_service(self) -> impl Iterator<Item = &'static Field> + Clone {
        self.0.iter().filter(|field| field.by_service)
    }

    /// Returns the place of a field that rows may set, by its name.
    #[must_use]
    pub fn named(self, name: &str) -> Option<usize> {
        let mut settable = self.settable();
        let (place, _) = settable.find(|(_, field)| field.name == name)?;
        Some(place)
    }

    /// Returns the place of a field that rows may set, by one of its headings in lower case and without punctuation.
    #[must_use]
    pub fn called(self, heading: &str) -> Option<usize> {
        let mut settable = self.settable();
        let (place, _) = settable.find(|(_, field)| field.aliases.contains(&heading))?;
        Some(place)
    }

    /// Returns the name of the field with custom attributes, if rows of this kind have them.
    #[must_use]
    pub fn attributes(self) -> Option<&'static str> {
        let mut fields = self.0.iter();
        Some(fields.find(|field| field.kind == Kind::Attributes)?.name)
    }

    /// Returns the field with this name, whoever sets it.
    #[must_use]
    pub fn find(self, name: &str) -> Option<&'static Field> {
        self.0.iter().find(|field| field.name == name)
    }

    /// Returns how the values of a field are compared.
    #[must_use]
    pub fn form(self, name: &str) -> Form<'static> {
        match self.find(name) {
            Some(field) if field.kind == Kind::Uuid => Form::Uuid,
            Some(field) if field.trims || field.kind == Kind::Integer => Form::Trimmed,
            _ => Form::Text,
        }
    }

    /// Returns whether this is the name of a field with identifiers.
    #[must_use]
    pub fn is_identifier(self, name: &str) -> bool {
        self.find(name).is_some_and(|field| field.trims)
    }
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}
