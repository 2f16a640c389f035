//! Rows as they come in: a source pushes cells into a sink. Knows nothing of Python.
//!
//! Cells are pushed, not collected: the sink checks a value and writes it into the request body while it is still
//! borrowed from where it came, so a row is never held twice.

pub mod arrow;
pub mod sheet;

/// One value of a row, borrowed from its source.
///
/// The variants are what sources can tell apart; what a value may be sent as is decided by `validation`.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// None, NaN, `NaT`, pandas' NA, an Arrow null.
    Null,
    /// `acc_assets.CLEAR`: clear this field on a patch.
    Clear,
    Bool(bool),
    Int(i64),
    /// A finite or infinite float; NaN is `Null`.
    Float(f64),
    /// A single-precision float, kept apart so that 0.1 stays 0.1 as text.
    Float32(f32),
    /// A number too large or too exact for the two above (Decimal, big integer), as plain text: `-12.50`.
    Digits(&'a str),
    Text(&'a str),
    Date(jiff::civil::Date),
    /// A timestamp, without its time zone: the wall clock as the user saw it.
    DateTime(jiff::civil::DateTime),
    List(Vec<Cell<'a>>),
    /// Name and value, in the order given.
    Map(Vec<(&'a str, Cell<'a>)>),
    /// A formula of a sheet that was saved without its value, and the name of its cell, such as `C7`. The formula is
    /// empty where the file does not spell it out.
    Formula {
        cell: &'a str,
        formula: &'a str,
    },
    /// A value of a type that no rule takes; the type's name.
    Other(&'a str),
}

/// How a user finds the row again in their own data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label<'a> {
    /// The row has no label of its own: its number, counted from 0.
    Number,
    Int(i64),
    Text(&'a str),
}

/// A column, resolved once by the sink (a frame resolves each of its columns once, a dict walker each new key).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Column(pub u32);

/// Takes rows, a cell at a time: `begin`, `cell` for each column, `end`; then `full`.
pub trait Sink {
    /// The handle of a column. Never fails: an unknown name gets a handle too, whose cells make their rows invalid.
    fn column(&mut self, name: &str) -> Column;

    /// Starts a row. `false`: this row is not wanted, go on with the next (no `cell`, no `end`).
    fn begin(&mut self, label: Label<'_>) -> bool;

    /// One cell of the row begun.
    fn cell(&mut self, column: Column, value: &Cell<'_>);

    /// A row that is no row at all (a list item that is no dict, say): the row counts, with this problem.
    fn broken(&mut self, label: Label<'_>, found: &str);

    /// Ends the row.
    fn end(&mut self);

    /// Asked after every row, one that was not wanted or broken too. `true`: stop for now and come back.
    fn full(&self) -> bool;
}

/// Whether a source has more rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    Rows,
    End,
}

/// Gives rows.
pub trait Source: Send {
    /// Pushes rows until the sink is full (`Rows`) or there are none left (`End`).
    ///
    /// # Errors
    /// When the source itself fails: its generator raised, its Arrow stream broke.
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError>;

    /// How many rows there are in all, where that is known before reading them.
    fn rows(&self) -> Option<usize>;
}

/// The source of the rows failed.
#[derive(Debug, Clone)]
pub struct SourceError(pub String);

/// The first name that stands twice.
#[must_use]
pub fn duplicate(names: &[String]) -> Option<&str> {
    let mut seen = std::collections::HashSet::new();
    names
        .iter()
        .find(|name| !seen.insert(name.as_str()))
        .map(String::as_str)
}

/// The date that is so many days after 1970-01-01, if it is one of our calendar's (years -9999 to 9999).
#[must_use]
pub fn date_of_day(day: i64) -> Option<jiff::civil::Date> {
    let midnight = jiff::Timestamp::from_second(day.checked_mul(86_400)?).ok()?;
    Some(jiff::tz::Offset::UTC.to_datetime(midnight).date())
}
