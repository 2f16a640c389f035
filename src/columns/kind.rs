//! Kinds of values, and the column types that can store them.

use crate::api::field::Kind;
use crate::api::{assets, relationships};

/// A set of kinds of values, not counting null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds(u16);

impl Kinds {
    pub const NONE: Self = Self(0);
    pub const BOOL: Self = Self(1);
    /// An integer that fits in an `i64`.
    pub const INT: Self = Self(2);
    pub const FLOAT: Self = Self(4);
    pub const TEXT: Self = Self(8);
    /// A string that is a time, in a column of times.
    pub const TIME: Self = Self(16);
    /// A list of strings.
    pub const LIST: Self = Self(32);
    /// Objects, other lists, and integers outside the range of `i64`.
    pub const OTHER: Self = Self(64);
    /// An integer with an absolute value above 2^53, which a float cannot always represent exactly.
    pub const LARGE_INT: Self = Self(128);
    pub const DATE: Self = Self(256);

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    Bool,
    Int,
    Float,
    /// Milliseconds since 1970, UTC.
    Time,
    /// Days since 1970.
    Date,
    Text,
    /// Lists of strings.
    List,
}

/// Returns the fields of every asset, in the order on the reference page. Other members of a response follow these
/// fields.
pub(super) fn first() -> impl Iterator<Item = &'static str> {
    assets::FIELDS.usual().map(|field| field.name)
}

/// Returns the type of a documented column and the kinds of values that fit. The columns are the fields of an asset, and
/// the columns of relationship tables.
fn documented(name: &str) -> Option<(Type, Kinds)> {
    let mut columns = relationships::FIELDS.0.iter();
    let of_asset = assets::FIELDS.find(name);
    let field = of_asset.or_else(|| columns.find(|field| field.heading == name))?;
    Some(match field.kind {
        Kind::Bool => (Type::Bool, Kinds::BOOL),
        Kind::Number => (Type::Int, Kinds::INT.and(Kinds::LARGE_INT)),
        Kind::Time => (Type::Time, Kinds::TIME),
        Kind::Text | Kind::Integer | Kind::Uuid => (Type::Text, Kinds::TEXT),
        Kind::Attributes | Kind::Entity | Kind::Entities | Kind::Open => return None,
    })
}

impl Type {
    /// Returns the type of a column with these values: the type of a documented field, or else the narrowest type for
    /// all of them. A value of an unexpected kind turns the column into a string column, so that no value is
    /// lost. An undocumented column without values is a string column.
    #[must_use]
    pub fn of(name: &str, kinds: Kinds) -> Self {
        if let Some((known, fit)) = documented(name) {
            return if kinds.within(fit) { known } else { Self::Text };
        }
        let narrow = [
            (Self::Text, Kinds::NONE),
            (Self::Bool, Kinds::BOOL),
            (Self::Int, Kinds::INT.and(Kinds::LARGE_INT)),
            (Self::Float, Kinds::INT.and(Kinds::FLOAT)),
            (Self::Time, Kinds::TIME),
            (Self::Date, Kinds::DATE),
            (Self::List, Kinds::LIST),
        ];
        narrow
            .into_iter()
            .find(|(_, fit)| kinds.within(*fit))
            .map_or(Self::Text, |(kind, _)| kind)
    }
}
