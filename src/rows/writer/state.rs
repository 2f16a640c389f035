//! The state of a writer, and what a kind of row adds to it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::api::field::Fields;
use crate::input::{Cell, Column};
use crate::rows::column_use::ColumnUse;
use crate::rows::columns;
use crate::rows::fields;
use crate::rows::identity::{Identity, Seed};
use crate::rows::json;
use crate::rows::office::Office;
use crate::rows::policy::Policy;
use crate::rows::reading::Reading;
use crate::rows::report::RowOfRun;
use crate::rows::rules::Problem;
use crate::rows::value::{self, Refusal};

/// Labels rows in messages.
pub(in crate::rows) type Label<'l> = &'l dyn Fn(usize) -> String;

/// A kind of row: its table of fields, and the checks that it plugs into the writer. All calls are resolved by the
/// compiler, because a cell takes less time than a call of an unknown function.
pub(in crate::rows) trait RowKind: Sized {
    /// What a column may be besides a field.
    type Slot: Copy;

    /// Without fields, only the column of the id has a meaning.
    const FIELDS: Fields;

    /// Whether columns that are ignored may identify the rows of a run.
    const IGNORED_IDENTIFY: bool = true;

    fn new(policy: &Policy) -> Self;

    /// Starts a row, and writes what comes before its fields.
    fn begin(writer: &mut Writer<Self>, out: &mut Vec<u8>);

    /// Checks the row as a whole and ends its body.
    ///
    /// # Errors
    /// Returns all problems with the row. `out` is then restored.
    fn end(writer: &mut Writer<Self>, out: &mut Vec<u8>) -> Result<(), Vec<Problem>>;

    /// Returns what a column is whose name is `meant` after the mapping.
    fn slot(writer: &mut Writer<Self>, name: &str, meant: &str) -> Slot<Self::Slot>;

    /// Returns what a column is mapped to in another spelling, unless it is recognized as it is.
    fn mapped_alike<'w>(writer: &'w Writer<Self>, name: &str) -> Option<&'w str> {
        let is_field = fields::field_called(Self::FIELDS, name).is_some();
        columns::mapped_alike(name, &writer.policy.names.mapping).filter(|_| !is_field)
    }

    /// Records the use of a column that is not a field.
    fn note_own(_writer: &mut Writer<Self>, _slot: Self::Slot, _name: &str, _column: Column, _note: &str) {}

    /// Returns what a column sets that is not a field. `None` if no valid row sends it.
    fn set_by(_writer: &Writer<Self>, _slot: Self::Slot) -> Option<&str> {
        None
    }

    /// Returns whether a column that is not a field has values of the rows.
    fn is_value(_slot: Self::Slot) -> bool {
        false
    }

    /// Returns whether an entry in a dict fits.
    fn has_entry(_writer: &Writer<Self>, _fits: &dyn Fn(&str) -> bool) -> bool {
        false
    }

    /// Returns the heading of the column that sets something other than a field.
    fn heading_of(_writer: &Writer<Self>, _name: &str) -> Option<String> {
        None
    }

    /// Returns the title of something other than a field.
    fn title_of(_writer: &Writer<Self>, _name: &str) -> Option<String> {
        None
    }

    /// Returns whether names replace ids.
    fn has_names(_writer: &Writer<Self>) -> bool {
        false
    }

    /// Keeps a cell until the id of the row is known, if that is necessary. Returns whether it was kept.
    fn hold(_writer: &mut Writer<Self>, _column: Column, _slot: Slot<Self::Slot>, _cell: &Cell<'_>) -> bool {
        false
    }

    /// Adds a cell to the identity of the row in its own way. Returns `false` if the cell counts as it is.
    fn identify(
        _writer: &mut Writer<Self>,
        _slot: Slot<Self::Slot>,
        _reading: usize,
        _seed: Seed,
        _cell: &Cell<'_>,
    ) -> bool {
        false
    }

    /// Reads a cell of a column that is not a field.
    fn own_cell(_writer: &mut Writer<Self>, _slot: Self::Slot, _column: Column, _cell: &Cell<'_>) {}

    /// Returns the fix for a cell in the id column that is no id.
    fn fix_of_id(_writer: &Writer<Self>) -> &'static str {
        "use the id assigned by the service"
    }

    /// Writes the id of the row.
    fn write_id(_writer: &mut Writer<Self>, _id: Uuid, _text: &str, _out: &mut Vec<u8>) {}

    /// Returns whether a cell has the value that the service has.
    fn is_unchanged(_writer: &Writer<Self>, _name: &str, _cell: &Cell<'_>) -> bool {
        false
    }

    /// Returns whether the cell of a field has the value that the service has, so that it is not sent.
    fn keeps(_writer: &mut Writer<Self>, _field: usize, _cell: &Cell<'_>) -> bool {
        false
    }

    /// Records a blank cell of a column. `name` is what the column sets.
    fn note_absent(_writer: &mut Writer<Self>, _column: Option<Column>, _name: &str) {}

    /// Returns why a text is not sent, if a program has probably changed it.
    fn lost_zeros(_writer: &Writer<Self>, _name: &str, _cell: &Cell<'_>) -> Option<Refusal> {
        None
    }

    /// Writes the value of a field as JSON. `has_ids` says that the column is called like the field in the API. Returns
    /// `false` if the value can be written only at the end of the row.
    fn value(
        _writer: &mut Writer<Self>,
        field: usize,
        _has_ids: bool,
        cell: &Cell<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, Refusal> {
        value::field(Self::FIELDS.at(field), cell, out).map(|()| true)
    }

    /// Returns whether JSON is the value that the service has. The field is then not given.
    fn drop_same(_writer: &mut Writer<Self>, _field: usize, _json: &[u8]) -> bool {
        false
    }

    /// Takes note of the written value of a field.
    fn written(_writer: &mut Writer<Self>, _field: &WrittenField, _cell: &Cell<'_>, _out: &mut Vec<u8>) {}

    /// Returns whether the row has a title of totals instead of values.
    fn is_total(_writer: &Writer<Self>) -> bool {
        false
    }

    /// Returns a hint for a required field without a value. `has_column` is whether it has a column.
    fn hint(_writer: &Writer<Self>, _field: usize, _has_column: bool) -> &'static str {
        ""
    }

    /// Returns whether the rows are those of a template that remembers the value of a field.
    fn is_remembered(_writer: &Writer<Self>) -> bool {
        false
    }

    /// Frees what is kept of the rows so far, once their warnings were given and their repeats are known.
    fn forget_rows(_writer: &mut Writer<Self>) {}

    /// Forgets that the row that just ended repeats an earlier one: it is not sent.
    fn forget_repeats(_writer: &mut Writer<Self>) {}

    /// Returns warnings about texts that were probably misread.
    fn misread(_writer: &Writer<Self>, _label: Label<'_>) -> Vec<String> {
        Vec::new()
    }

    /// Returns warnings about rows that were compared with the service.
    fn compared(_writer: &Writer<Self>, _label: Label<'_>) -> Vec<String> {
        Vec::new()
    }

    /// Returns warnings about valid rows whose data looks damaged.
    fn noticed(_writer: &Writer<Self>, _label: Label<'_>) -> Vec<String> {
        Vec::new()
    }
}

/// A value that was written as JSON.
pub(in crate::rows) struct WrittenField {
    /// The place of the field in its table.
    pub field: usize,
    /// Where the name of the field begins in the body. A comma follows the value.
    pub start: usize,
    pub json: Range<usize>,
}

/// Checks rows one by one and writes each into a request body.
#[allow(clippy::struct_excessive_bools)] // The flags are independent.
pub(in crate::rows) struct Writer<K: RowKind> {
    pub(in crate::rows) policy: Policy,
    /// What the kind of row adds.
    pub(in crate::rows) kind: K,
    /// The meaning of each column.
    pub(in crate::rows) uses: Vec<ColumnUse>,
    /// The column that sets each field, for use in messages.
    pub(super) field_columns: Vec<Option<Column>>,
    /// The JSON before the value of each field.
    pub(super) openings: Vec<String>,
    pub(in crate::rows) columns: Vec<Named<K::Slot>>,
    pub(super) handles: HashMap<String, Column>,
    /// The problems of columns that make every row invalid in which they have a new value.
    pub(super) refused: Vec<RefusedColumn>,
    /// The number of rows started or skipped, including the current one.
    pub(in crate::rows) rows: usize,
    /// Columns with a string such as "nan", each with the first such row.
    pub(super) blanks_as_text: Vec<(String, usize)>,
    /// Columns with trimmed strings, each with the number of such rows and the first such row.
    pub(super) trimmed: Vec<(String, u64, usize)>,
    /// Columns with values longer than the service is known to accept, each with the accepted length, the number of
    /// such rows and the first such row.
    pub(super) overlong: Vec<(String, usize, u64, usize)>,
    /// Each column's role in the identity of a row, as determined in the first call of the run.
    pub(super) headings: BTreeMap<String, Option<String>>,
    /// Whether columns that had no role in the first call may get one.
    pub(super) headings_may_grow: bool,
    /// Whether to skip the digests of rows.
    pub(super) anonymous: bool,
    /// How to read text: in most columns, and then in each column that is read in another way.
    pub(in crate::rows) readings: Vec<Reading>,
    /// The cells that `fill_down` filled, by column.
    pub(super) fills: BTreeMap<u32, Blanks>,
    /// The numbers of rows with and without a value, by required field.
    pub(super) given_and_blank: Vec<(u64, u64)>,
    /// What is known of identifiers that were read as numbers, and of rows of totals.
    pub(in crate::rows) office: Office,
    /// Whether the rows may come from a file written by `write_fixes`.
    pub(super) has_rows_of_run: bool,
    // The fields below belong to the current row.
    /// The number of the row in its run.
    pub(in crate::rows) number: u32,
    /// Where the row begins in the body.
    pub(in crate::rows) start: usize,
    /// One bit per field, set if the field has a value or a problem.
    pub(in crate::rows) given: u32,
    pub(in crate::rows) id: Given,
    pub(in crate::rows) identity: Identity,
    /// The row's run and its number in that run, from a file written by `write_fixes`.
    pub(super) numbered: Option<RowOfRun>,
    /// The numbers of the row that are sent as text, and the texts of digits, each with its column.
    pub(super) digits: Vec<NumberText>,
    pub(in crate::rows) key: String,
    pub(in crate::rows) problems: Vec<Problem>,
}

/// A column of the input.
pub(in crate::rows) struct Named<S> {
    pub(in crate::rows) name: String,
    pub(in crate::rows) slot: Slot<S>,
    /// The seed for the column's cells in the identity. `None` if the cells are excluded.
    pub(super) seed: Option<Seed>,
    /// The index in `Writer::readings`.
    pub(in crate::rows) reading: usize,
    pub(super) blanks: Blanks,
}

/// Returns the name of a column in the user's data.
pub(in crate::rows) fn called_of<S>(columns: &[Named<S>], column: Column) -> &str {
    let named = columns.get(column.0 as usize);
    named.map_or("", |named| named.name.as_str())
}

/// A column that makes every row invalid in which it has a new value.
pub(super) struct RefusedColumn {
    pub(super) problem: Problem,
    /// The inactive custom attribute that it sets, if any.
    pub(super) attribute: Option<Box<str>>,
}

/// A number, or a text that is one, in a field of text.
pub(super) struct NumberText {
    pub(super) column: Option<Column>,
    /// The field or custom attribute.
    pub(super) field: String,
    pub(super) text: String,
    pub(super) is_number: bool,
}

/// The rows in which a column is blank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::rows) struct Blanks {
    pub(super) count: u64,
    /// A digest of the rows, in any order.
    digest: u64,
}

impl Blanks {
    pub(super) fn add(&mut self, row: usize) {
        self.count += 1;
        self.digest = self.digest.wrapping_add(xxh3_64(&row.to_le_bytes()));
    }
}

/// How the cells in a column are handled.
#[derive(Clone, Copy)]
pub(in crate::rows) enum Slot<S> {
    Id,
    Ignored,
    /// The run of a row and its number in that run, from a file written by `write_fixes`.
    Number,
    /// A field, as its place in the table of fields.
    Field(usize),
    /// Something particular to the kind of row.
    Own(S),
    /// A column that makes every row invalid in which it has a new value, as an index in `Writer::refused`.
    Refused(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::rows) enum Given {
    No,
    Yes,
    Refused,
}

impl<K: RowKind> Writer<K> {
    #[must_use]
    pub(in crate::rows) fn new(policy: Policy) -> Self {
        let fields = K::FIELDS.0;
        Self {
            kind: K::new(&policy),
            uses: Vec::new(),
            field_columns: vec![None; fields.len()],
            openings: fields.iter().map(|field| json::opening(field.name)).collect(),
            columns: Vec::new(),
            handles: HashMap::new(),
            refused: Vec::new(),
            rows: 0,
            blanks_as_text: Vec::new(),
            trimmed: Vec::new(),
            overlong: Vec::new(),
            headings: BTreeMap::new(),
            headings_may_grow: false,
            anonymous: false,
            readings: vec![Reading::clone(&policy.names.reading)],
            fills: BTreeMap::new(),
            given_and_blank: vec![(0, 0); fields.len()],
            office: Office::new(policy.names.padded.clone()),
            has_rows_of_run: false,
            number: 0,
            start: 0,
            given: 0,
            id: Given::No,
            identity: Identity::default(),
            numbered: None,
            digits: Vec::new(),
            key: String::new(),
            problems: Vec::new(),
            policy,
        }
    }
}
