//! Sorts assets: numbers as numbers, times as times, text without case by code point, and blanks last. Assets of one
//! time of creation, which are usually from one import, are in the order of their Asset IDs.

use std::cmp::Ordering;

use crate::api::KnownProject;
use crate::api::assets::FIELDS;
use crate::api::field::Kind;
use crate::columns::{Cell, Page, PageColumn, Table};

use super::facts::named;

/// The fields and custom attributes to sort by.
#[derive(Debug, Clone)]
pub struct Order(Vec<Field>);

/// A field or custom attribute to sort by.
#[derive(Debug, Clone)]
struct Field {
    name: Box<str>,
    descending: bool,
    texts: Texts,
}

/// What the texts in a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Texts {
    Plain,
    /// Numbers, as in category ids and numeric attributes.
    Numbers,
    Times,
}

/// A value to compare. Numbers and times come before text.
#[derive(Debug, PartialEq, PartialOrd)]
enum Key {
    Number(f64),
    Text(Box<str>),
}

/// The values of a row, its creation time, and its Asset ID.
type Keys = (Vec<Option<Key>>, Option<Key>, Box<str>);

const CREATED: &str = "createdAt";

impl Default for Order {
    fn default() -> Self {
        Self::of(CREATED, None)
    }
}

impl Order {
    /// Reads the parameter `sort`, such as `createdAt asc,customAttributes.ca3 desc`. `project` has the types of
    /// the attributes.
    pub fn of(sort: &str, project: Option<&dyn KnownProject>) -> Self {
        let field = |part: &str| {
            let (name, direction) = part.trim().split_once(' ').unwrap_or((part.trim(), ""));
            Field {
                name: name.into(),
                descending: direction.trim().eq_ignore_ascii_case("desc"),
                texts: Texts::of(name, project),
            }
        };
        Self(sort.split(',').map(field).collect())
    }

    /// Returns these rows of a table, given by their ascending positions, in order. Assets with equal values
    /// are in the order of their creation, and those of one time of creation in the order of their Asset IDs.
    pub fn sorted(&self, table: &Table, positions: Vec<usize>) -> Vec<usize> {
        let mut keyed = self.keyed(table, positions);
        keyed.sort_by(
            |((one, created, name), position), ((other, later, next), beside)| {
                let fields = self.compared(one, other);
                let creation = fields.then_with(|| ordered(created.as_ref(), later.as_ref(), false));
                let names = creation.then_with(|| natural(name, next));
                names.then_with(|| table.id(*position).cmp(&table.id(*beside)))
            },
        );
        keyed.into_iter().map(|(_, position)| position).collect()
    }

    /// Returns whether the rows of a table are certainly in this order, if the service compares texts in a usual way.
    pub fn is_that_of(&self, table: &Table) -> bool {
        let keyed = self.keyed(table, (0..table.len()).collect());
        // Where the service sorts blanks is not documented, and here they come last.
        let begins_blank = keyed
            .first()
            .is_some_and(|((fields, ..), _)| fields.first().is_none_or(Option::is_none));
        keyed.len() < 2
            || !begins_blank
                && keyed.windows(2).all(|pair| match pair {
                    [((one, ..), _), ((other, ..), _)] => self.may_follow(one, other),
                    _ => true,
                })
    }

    /// Returns whether a row with the values `other` may come after a row with the values `one`.
    fn may_follow(&self, one: &[Option<Key>], other: &[Option<Key>]) -> bool {
        let pairs = one.iter().zip(other).zip(&self.0);
        let mut orders = pairs.map(|((one, other), field)| match (one, other) {
            (Some(one), Some(other)) if one != other => {
                let (one, other) = if field.descending {
                    (other, one)
                } else {
                    (one, other)
                };
                if may_precede(&field.name, one, other) {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
            (one, other) => ordered(one.as_ref(), other.as_ref(), field.descending),
        });
        orders.find(|order| *order != Ordering::Equal) != Some(Ordering::Greater)
    }

    fn compared(&self, one: &[Option<Key>], other: &[Option<Key>]) -> Ordering {
        let pairs = one.iter().zip(other).zip(&self.0);
        let mut orders =
            pairs.map(|((one, other), field)| ordered(one.as_ref(), other.as_ref(), field.descending));
        orders
            .find(|order| *order != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    }

    /// Returns the values of these rows of a table, which are given by their ascending positions.
    fn keyed(&self, table: &Table, positions: Vec<usize>) -> Vec<(Keys, usize)> {
        let mut keyed: Vec<(Keys, usize)> = Vec::with_capacity(positions.len());
        let mut positions = positions.into_iter().peekable();
        let mut first = 0;
        for (page, from, to) in table.parts() {
            let column = |field: &Field| named(page, column_name(&field.name));
            let columns: Vec<Option<&PageColumn>> = self.0.iter().map(column).collect();
            let created = named(page, CREATED);
            let names = named(page, "clientAssetId");
            let end = first + to - from;
            while let Some(position) = positions.next_if(|position| *position < end) {
                let row = from + position - first;
                let fields = self.0.iter().zip(&columns);
                let fields = fields
                    .map(|(field, column)| key(field.texts, page, *column, row))
                    .collect();
                let name = match key(Texts::Plain, page, names, row) {
                    Some(Key::Text(name)) => name,
                    _ => Box::default(),
                };
                keyed.push(((fields, key(Texts::Times, page, created, row), name), position));
            }
            first = end;
        }
        keyed
    }
}

/// Returns whether a value may come before another one in a usual order.
fn may_precede(name: &str, one: &Key, other: &Key) -> bool {
    match (one, other) {
        // Ids of categories are numbers in texts.
        (Key::Number(one), Key::Number(other)) => {
            one <= other || name == "categoryId" && one.to_string() <= other.to_string()
        }
        (Key::Text(one), Key::Text(other)) => {
            let letters = |text: &str| {
                text.chars()
                    .filter(|letter| letter.is_alphanumeric())
                    .collect::<String>()
            };
            one <= other || natural(one, other).is_le() || letters(one) <= letters(other)
        }
        _ => false,
    }
}

/// Compares two texts. Digits are compared as a number, so that AHU-2 comes before AHU-10.
fn natural(one: &str, other: &str) -> Ordering {
    let number = |text: &str| -> (usize, usize) {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let zeros = text.bytes().take_while(|byte| *byte == b'0').count();
        (zeros.min(digits), digits)
    };
    let (mut one, mut other) = (one, other);
    loop {
        let ((zeros, digits), (others_zeros, others_digits)) = (number(one), number(other));
        if digits > 0 && others_digits > 0 {
            let (mine, theirs) = (&one[zeros..digits], &other[others_zeros..others_digits]);
            let order = mine.len().cmp(&theirs.len()).then(mine.cmp(theirs));
            if order != Ordering::Equal {
                return order;
            }
            (one, other) = (&one[digits..], &other[others_digits..]);
            continue;
        }
        let (mut mine, mut theirs) = (one.chars(), other.chars());
        match (mine.next(), theirs.next()) {
            (Some(letter), Some(beside)) if letter == beside => {
                (one, other) = (mine.as_str(), theirs.as_str());
            }
            (letter, beside) => return letter.cmp(&beside),
        }
    }
}

/// Returns the column of a sort field.
fn column_name(name: &str) -> &str {
    name.strip_prefix("customAttributes.").unwrap_or(name)
}

fn ordered(one: Option<&Key>, other: Option<&Key>, descending: bool) -> Ordering {
    match (one, other) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(one), Some(other)) => {
            let order = one.partial_cmp(other).unwrap_or(Ordering::Equal);
            if descending { order.reverse() } else { order }
        }
    }
}

#[allow(clippy::cast_precision_loss)] // Numbers beyond 2^53 are compared approximately.
fn key(texts: Texts, page: &Page, column: Option<&PageColumn>, row: usize) -> Option<Key> {
    let cell = match column {
        Some(column) if page.members(row).is_some() => column.cell(row),
        // A row that is not a plain object.
        _ => Cell::Null,
    };
    match cell {
        Cell::Null => None,
        Cell::Bool(flag) => Some(Key::Number(f64::from(u8::from(flag)))),
        Cell::Int(number) => Some(Key::Number(number as f64)),
        Cell::Float(number) => Some(Key::Number(number)),
        Cell::Time(time) => Some(Key::Number(time as f64)),
        Cell::Text(text) => Some(texts.key(text)),
        other => match other.to_value() {
            serde_json::Value::String(text) => Some(texts.key(&text)),
            serde_json::Value::Number(number) => number.as_f64().map(Key::Number),
            serde_json::Value::Null => None,
            other => Some(Key::Text(other.to_string().into())),
        },
    }
}

impl Texts {
    fn of(name: &str, project: Option<&dyn KnownProject>) -> Self {
        let attribute = name.strip_prefix("customAttributes.");
        let data_type = project.zip(attribute);
        let data_type = data_type.and_then(|(project, name)| project.data_type(name));
        match (attribute, data_type, FIELDS.find(name).map(|field| field.kind)) {
            (_, Some("numeric"), _) | (Some(_), None, _) | (None, _, Some(Kind::Integer)) => Self::Numbers,
            (None, _, Some(Kind::Time)) => Self::Times,
            _ => Self::Plain,
        }
    }

    #[allow(clippy::cast_precision_loss)] // Milliseconds are far below 2^53.
    fn key(self, text: &str) -> Key {
        let number = match self {
            Self::Plain => None,
            Self::Numbers => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            Self::Times => {
                let time: Option<jiff::Timestamp> = text.parse().ok();
                time.map(|time| time.as_millisecond() as f64)
            }
        };
        number.map_or_else(|| Key::Text(text.to_lowercase().into()), Key::Number)
    }
}
