//! Checks a row and writes it into a request body in one pass.

mod attribute;
mod field;
mod import_key;
mod meaning;
mod missing;
mod problem;
mod warnings;
mod zeros;

pub(super) use problem::{is_number, shown};

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use crate::api::RowShape;
use crate::input::{Cell, Column, Owned, is_total};
use crate::model::text::trimmed;
use crate::rows::columns::{self, RowOfRun};
use crate::rows::current::Ignored;
use crate::rows::doubts::Doubts;
use crate::rows::fields::{CATEGORY, FIELDS, STATUS};
use crate::rows::identity::{Identity, Seed};
use crate::rows::notices::{Notice, Notices};
use crate::rows::office::Office;
use crate::rows::policy::Policy;
use crate::rows::reading::Reading;
use crate::rows::resolve::{Resolver, SEVERAL};
use crate::rows::rules::{NOTHING_TO_CHANGE, Problem};
use meaning::opening;
use problem::is_blank;
use zeros::Digits;

/// Checks rows one by one and writes each into a request body.
#[allow(clippy::struct_excessive_bools)] // The flags are independent.
pub struct RowWriter {
    pub(super) policy: Policy,
    /// Looks up names in the project's settings, if the settings are known.
    pub(super) names: Option<Resolver>,
    pub(super) notices: Notices,
    /// The meaning of each column.
    pub(super) uses: Vec<ColumnUse>,
    /// The column that sets each field, for use in messages.
    field_columns: [Option<Column>; FIELDS.len()],
    /// Whether the current row cannot be checked without the asset that it changes, which was not read.
    pub(super) needs_asset: bool,
    /// The JSON before the value of each field.
    openings: [String; FIELDS.len()],
    columns: Vec<Named>,
    handles: HashMap<String, Column>,
    pub(super) attributes: Vec<Attribute>,
    attribute_indexes: HashMap<String, usize>,
    /// The meanings of the entries in the last dict, by position. Dicts usually have the same keys in the same order.
    entries: Vec<Entry>,
    /// The number of rows started or skipped, including the current one.
    pub(super) rows: usize,
    /// Columns with a string such as "nan", each with the first such row.
    blanks_as_text: Vec<(String, usize)>,
    /// Columns with trimmed strings, each with the number of such rows and the first such row.
    trimmed: Vec<(String, u64, usize)>,
    /// Columns with values longer than the service is known to accept, each with the accepted length, the number of
    /// such rows and the first such row.
    overlong: Vec<(String, usize, u64, usize)>,
    /// Each column's role in the identity of a row, as determined in the first call of the run.
    headings: BTreeMap<String, Option<String>>,
    /// Whether columns that had no role in the first call may get one.
    headings_may_grow: bool,
    /// Whether to skip the digests of rows.
    anonymous: bool,
    /// Whether the rows have values that only the service sets, so they come from the service.
    pub(super) are_of_service: bool,
    /// The edits that are not sent, because of what they are.
    pub(super) ignored_edits: Ignored,
    /// How to read text: in most columns, and then in each column that is read in another way.
    readings: Vec<Reading>,
    /// What the texts of the columns show together.
    pub(super) doubts: Doubts,
    /// The cells that `fill_down` filled, by column.
    pub(super) fills: BTreeMap<u32, Blanks>,
    /// The numbers of rows with and without a value, by required field of `FIELDS`.
    given_and_blank: [(u64, u64); FIELDS.len()],
    /// What is known of identifiers that were read as numbers, and of rows of totals.
    pub(super) office: Office,
    // The fields below belong to the current row.
    number: u32,
    start: usize,
    /// The range of the row's import key, as JSON, in `out` or `attribute_body`.
    import_key_at: Option<Range<usize>>,
    import_key: String,
    /// The entries of `customAttributes`, each followed by a comma.
    attribute_body: Vec<u8>,
    /// One bit per field of `FIELDS`, set if the field has a value or a problem.
    given: u32,
    id: Given,
    identity: Identity,
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
    held: Vec<(Column, Owned)>,
    /// Whether the row has nothing to send, because the asset already has its values.
    pub(super) unchanged: bool,
    /// The row's run and its number in that run, from a file written by `write_fixes`.
    numbered: Option<RowOfRun>,
    /// The numbers of the row that are sent as text, and the texts of digits, each with its column.
    digits: Vec<Digits>,
    /// Whether the rows may come from a file written by `write_fixes`.
    has_rows_of_run: bool,
    pub(super) key: String,
    pub(super) problems: Vec<Problem>,
}

/// The meaning of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnUse {
    /// The name of the column in the user's data.
    pub column: String,
    /// The field or custom attribute that the column sets. `None` if the column is ignored or invalid.
    pub field: Option<String>,
    /// Additional information, for example why the column is ignored.
    pub note: String,
    /// The heading of the field, or the attribute's display name. For an unknown column, the name that was
    /// probably meant.
    #[serde(default)]
    pub title: Option<String>,
}

struct Named {
    name: String,
    slot: Slot,
    /// The seed for the column's cells in the identity. `None` if the cells are excluded.
    seed: Option<Seed>,
    /// The index in `RowWriter::readings`.
    reading: usize,
    blanks: Blanks,
}

/// The rows in which a column is blank.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Blanks {
    pub(super) count: u64,
    /// A digest of the rows, in any order.
    digest: u64,
}

impl Blanks {
    fn add(&mut self, row: usize) {
        self.count += 1;
        self.digest = self.digest.wrapping_add(xxh3_64(&row.to_le_bytes()));
    }
}

/// How the cells in a column are handled.
#[derive(Clone)]
enum Slot {
    Id,
    Ignored,
    /// The run of a row and its number in that run, from a file written by `write_fixes`.
    Number,
    /// A field that only the service sets, in a patch.
    Service(&'static str),
    Field(usize),
    Attribute(usize),
    /// A column with dicts of custom attributes.
    Attributes,
    /// A column that makes every row invalid in which it has a new value, with this problem and the row's value, and the
    /// inactive custom attribute that it sets, if any.
    Refused(Box<Problem>, Option<Box<str>>),
}

pub(super) struct Attribute {
    pub(super) name: String,
    /// The attribute's index in the settings.
    known: Option<usize>,
    /// The attribute's own column, if there is one.
    pub(super) column: Option<Column>,
    opening: String,
    /// The value of `rows` at the last row that has a value for the attribute.
    last_given: usize,
}

/// An entry in a dict of custom attributes.
struct Entry {
    name: String,
    seed: Seed,
    /// The index in `RowWriter::attributes`. `None` if the name is not an attribute.
    attribute: Option<usize>,
    /// The index in `RowWriter::readings`.
    reading: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    No,
    Yes,
    Refused,
}

/// The JSON before the fields of a patch: `"<uuid>":{`. A UUID always has 36 characters, so its space is reserved
/// until the id column is read.
const PATCH_OPENING: &[u8; 40] = b"\"                                    \":{";

impl RowWriter {
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        let names = policy
            .names
            .settings
            .as_ref()
            .filter(|_| policy.shape != RowShape::Id)
            .map(|settings| Resolver::new(settings.clone(), &policy.names.separator));
        let office = Office::new(policy.names.padded.clone());
        let readings = vec![Reading::clone(&policy.names.reading)];
        Self {
            policy,
            names,
            notices: Notices::default(),
            uses: Vec::new(),
            field_columns: [None; FIELDS.len()],
            needs_asset: false,
            openings: FIELDS.each_ref().map(|field| opening(field.name)),
            columns: Vec::new(),
            handles: HashMap::new(),
            attributes: Vec::new(),
            attribute_indexes: HashMap::new(),
            entries: Vec::new(),
            rows: 0,
            blanks_as_text: Vec::new(),
            trimmed: Vec::new(),
            overlong: Vec::new(),
            headings: BTreeMap::new(),
            headings_may_grow: false,
            anonymous: false,
            are_of_service: false,
            readings,
            doubts: Doubts::default(),
            office,
            fills: BTreeMap::new(),
            given_and_blank: [(0, 0); FIELDS.len()],
            number: 0,
            start: 0,
            import_key_at: None,
            import_key: String::new(),
            attribute_body: Vec::new(),
            given: 0,
            id: Given::No,
            identity: Identity::default(),
            status_labels: None,
            current: None,
            version: None,
            key_is_exact: true,
            edited: Vec::new(),
            uncompared: Vec::new(),
            ignored_edits: Ignored::default(),
            held: Vec::new(),
            unchanged: false,
            numbered: None,
            digits: Vec::new(),
            has_rows_of_run: false,
            key: String::new(),
            problems: Vec::new(),
        }
    }

    /// Turns off the digests of rows. Call this before adding the first column.
    pub fn without_digests(&mut self) {
        self.anonymous = true;
    }

    /// Starts a row at the end of `out`. Pass the same `out` to every call until `end`.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        self.number = u32::try_from(self.rows).unwrap_or(u32::MAX);
        self.rows += 1;
        self.start = out.len();
        self.attribute_body.clear();
        self.given = 0;
        self.id = Given::No;
        self.key.clear();
        self.import_key_at = None;
        self.import_key.clear();
        self.identity.begin();
        self.status_labels = None;
        self.numbered = None;
        self.digits.clear();
        self.problems.clear();
        self.current = None;
        self.version = None;
        self.edited.clear();
        self.uncompared.clear();
        self.held.clear();
        self.unchanged = false;
        self.needs_asset = false;
        self.office.begin();
        if let Some(names) = &mut self.names {
            names.begin();
        }
        match self.policy.shape {
            RowShape::NewAsset => out.push(b'{'),
            RowShape::AssetPatch => out.extend_from_slice(PATCH_OPENING),
            RowShape::Id => {}
        }
    }

    /// Sets the number of the current row in its run. If an import key is generated for the row, the key
    /// contains this number. Default: the row's index in the input.
    pub fn set_number(&mut self, row: u32) {
        self.number = row;
    }

    /// Returns the number of rows read, including skipped rows.
    pub fn rows_read(&self) -> usize {
        self.rows
    }

    /// Counts a row that is skipped, or a list item that is not a row, so that warnings refer to the right
    /// rows.
    pub fn skip(&mut self) {
        self.rows += 1;
    }

    /// Records that the next cell of a column was blank, and has the value of the row above.
    pub fn filled(&mut self, column: Column) {
        self.fills.entry(column.0).or_default().add(self.rows);
    }

    /// Checks one cell of the row and writes it.
    pub fn cell(&mut self, column: Column, cell: &Cell<'_>, out: &mut Vec<u8>) {
        // Only `column` creates handles, and columns are never removed.
        let Some(named) = self.columns.get(column.0 as usize) else {
            return;
        };
        // Cells are compared with the asset, which is known only with the id.
        let is_first = matches!(named.slot, Slot::Id | Slot::Number | Slot::Ignored);
        if !is_first && self.id == Given::No && self.policy.names.current.is_some() {
            return self.held.push((column, Owned::of(cell)));
        }
        self.read_cell(column, cell, out);
    }

    /// Returns the text of a field or custom attribute, if its cell came before the id.
    pub(super) fn held_text(&self, field: &str) -> Option<&str> {
        let is_of_field = |column: &Column| {
            self.field_of(*column)
                .flatten()
                .is_some_and(|known| known == field)
        };
        let (_, held) = self.held.iter().find(|(column, _)| is_of_field(column))?;
        match held {
            Owned::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Checks the cells that came before the id.
    fn release_held(&mut self, out: &mut Vec<u8>) {
        for (column, held) in std::mem::take(&mut self.held) {
            self.read_cell(column, &held.cell(), out);
        }
    }

    fn read_cell(&mut self, column: Column, cell: &Cell<'_>, out: &mut Vec<u8>) {
        let fills = !self.policy.names.reading.fill_down.is_empty();
        if fills
            && is_blank(cell)
            && let Some(named) = self.columns.get_mut(column.0 as usize)
        {
            named.blanks.add(self.rows);
        }
        let Some(named) = self.columns.get(column.0 as usize) else {
            return;
        };
        let clear = Cell::Clear;
        let cell = match cell {
            Cell::Text(columns::CLEAR) => &clear,
            cell => cell,
        };
        let seed = named.seed;
        if let (Slot::Attributes, Cell::Map(entries)) = (&named.slot, cell) {
            return self.attribute_entries(seed.is_some(), entries);
        }
        match (seed, &named.slot) {
            // An id is added by `id_cell`, in its parsed form.
            (None, _) | (_, Slot::Id) => {}
            (Some(seed), Slot::Attribute(attribute)) => {
                let known = self.attributes[*attribute].known;
                let reading = &self.readings[named.reading];
                identify(&mut self.identity, (&self.policy, reading), seed, known, cell);
            }
            (Some(seed), Slot::Field(STATUS)) => match cell {
                // Which of several labels counts is known at the end of the row.
                Cell::Text(text) if self.names.is_some() && text.contains(SEVERAL) => {
                    self.status_labels = Some((seed, (*text).to_owned()));
                }
                cell => self.identity.cell(seed, cell),
            },
            // In a template, a blank cell means the same.
            (Some(_), Slot::Field(CATEGORY)) if self.is_category_of_template(cell) => {}
            (Some(seed), _) => self.identity.cell(seed, cell),
        }
        if !matches!(named.slot, Slot::Ignored | Slot::Number) && !is_blank(cell) {
            self.office.headings.note(cell, &named.name);
        }
        if let Cell::Text(text) = cell
            && is_total(text)
        {
            let field = match named.slot {
                Slot::Field(field) => Some(field),
                _ => None,
            };
            self.office
                .add_total(&named.name, text, field, matches!(named.slot, Slot::Id));
        }
        match &named.slot {
            Slot::Ignored => {}
            Slot::Number => self.numbered = RowOfRun::of(cell),
            Slot::Service(field) => {
                let (name, field) = (named.name.clone(), *field);
                self.service_cell(&name, field, cell);
            }
            Slot::Id => self.id_cell(seed, cell, out),
            Slot::Field(field) => self.field_cell(*field, Some(column), cell, out),
            Slot::Attribute(attribute) => self.attribute_cell(*attribute, Some(column), named.reading, cell),
            Slot::Attributes => self.attributes_cell(cell),
            Slot::Refused(problem, attribute) => {
                let is_blank = matches!(cell, Cell::Null) && problem.is_set_by_service();
                if !is_blank && !self.is_unchanged(attribute.as_deref().unwrap_or(&named.name), cell) {
                    self.problems.push(Problem {
                        value: shown(cell),
                        ..Problem::clone(problem)
                    });
                }
            }
        }
    }

    /// Returns whether the row that just ended cannot be checked without the asset that it changes, which was
    /// not read.
    pub fn needs_its_asset(&self) -> bool {
        self.needs_asset
    }

    /// Returns whether the rows involve any custom attribute.
    pub fn has_attributes(&self) -> bool {
        !self.attributes.is_empty()
    }

    /// Checks the row as a whole and ends it.
    ///
    /// # Errors
    /// Returns all problems with the row (at least one). `out` is restored to its length before `begin`.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Vec<Problem>> {
        if let Some(problem) = self.totals_row().or_else(|| self.office.heading_row()) {
            out.truncate(self.start);
            return Err(vec![problem]);
        }
        // A row without an id has no asset to compare its cells with.
        self.release_held(out);
        self.end_import_key(out);
        self.refuse_lost_zeros();
        if self.policy.shape == RowShape::AssetPatch
            && self.id == Given::No
            && let Some(names) = &mut self.names
        {
            // There is no asset to clear anything of.
            names.cleared.clear();
        }
        self.end_names(out);
        if let Some((seed, labels)) = self.status_labels.take() {
            self.identity.cell(seed, &Cell::Text(&labels));
        }
        let empty = out.len() == self.start + PATCH_OPENING.len() && self.attribute_body.is_empty();
        match self.policy.shape {
            RowShape::NewAsset => {
                for (index, field) in FIELDS.iter().enumerate().filter(|(_, field)| field.required) {
                    let (given, blank) = &mut self.given_and_blank[index];
                    if self.given & 1 << index == 0 {
                        *blank += 1;
                        self.missing_field(index, field.fix(self.names.is_some()));
                    } else {
                        *given += 1;
                    }
                }
                // The other columns of the service come with the id.
                if self.problems.iter().any(Problem::is_id_of_service) {
                    let others =
                        |problem: &Problem| problem.is_set_by_service() && !problem.is_id_of_service();
                    self.problems.retain(|problem| !others(problem));
                }
            }
            RowShape::AssetPatch | RowShape::Id => {
                if self.id == Given::No {
                    self.missing_id();
                }
                if self.id == Given::Yes {
                    self.note_edits();
                    self.check_asset();
                }
                if empty && self.current.is_some() && self.problems.is_empty() {
                    self.unchanged = true;
                    out.truncate(self.start);
                    return Ok(());
                }
                if !self.problems.iter().any(Problem::is_of_asset) {
                    self.check_version();
                }
                if self.policy.shape == RowShape::AssetPatch && empty && self.problems.is_empty() {
                    let message =
                        "nothing to change: all cells except the id are blank or missing".to_owned();
                    self.problems.push(NOTHING_TO_CHANGE.problem("", "", message, ""));
                }
            }
        }
        if !self.problems.is_empty() {
            if self.names.is_some() && self.problems.iter().any(Problem::is_of_settings) {
                self.notices.add(Notice::Outdated, self.rows - 1);
            }
            out.truncate(self.start);
            return Err(std::mem::take(&mut self.problems));
        }
        if self.policy.shape != RowShape::Id {
            if self.attribute_body.is_empty() {
                // A valid row has at least one field, so the last byte is a comma.
                out.pop();
            } else {
                self.attribute_body.pop();
                out.extend_from_slice(b"\"customAttributes\":{");
                out.extend_from_slice(&self.attribute_body);
                out.push(b'}');
            }
            out.push(b'}');
        }
        Ok(())
    }

    /// Returns the names of the columns.
    pub(super) fn column_names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|named| named.name.as_str())
    }

    /// Returns the names in dicts of custom attributes.
    pub(super) fn entry_names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    /// Returns the name of the row in a report: the clientAssetId of a new asset, or else the id of the
    /// asset. Empty if the row has neither.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Returns the title of the row labels, if they are positions in a file.
    pub fn row_title(&self) -> Option<&str> {
        self.policy.names.row_title.as_deref()
    }

    /// Returns whether the rows come from a text file such as CSV.
    pub fn are_of_text_file(&self) -> bool {
        self.policy.is_text_file()
    }

    /// Forgets that the row that just ended has the same name or barcode as an earlier row: it is not sent.
    pub fn forget_repeats(&mut self) {
        self.notices.forget_repeats(self.rows - 1);
    }
}

/// Adds the cell of an attribute to the digest of a row, as the options read it. `known` is the index of the attribute in
/// the settings.
fn identify(
    identity: &mut Identity,
    (policy, reading): (&Policy, &Reading),
    seed: Seed,
    known: Option<usize>,
    cell: &Cell<'_>,
) {
    let read = match (known.zip(policy.names.settings.as_deref()), cell) {
        (Some((place, settings)), Cell::Text(text)) => {
            let data_type = &settings.content().attributes[place].data_type;
            reading.identity(data_type, trimmed(text))
        }
        _ => None,
    };
    match read {
        Some(read) => identity.read(seed, &read),
        None => match at_midnight(known, policy, cell) {
            Some(date) => identity.cell(seed, &Cell::Text(date)),
            None => identity.cell(seed, cell),
        },
    }
}

/// Returns the date of a text with a date and a time of midnight, in a column of dates: pandas writes a date cell like this.
fn at_midnight<'c>(known: Option<usize>, policy: &Policy, cell: &Cell<'c>) -> Option<&'c str> {
    let Cell::Text(text) = cell else { return None };
    let date = trimmed(text).strip_suffix("00:00:00")?.strip_suffix([' ', 'T'])?;
    let attribute = &policy.names.settings.as_deref()?.content().attributes[known?];
    (attribute.data_type == "date" && date.parse::<jiff::civil::Date>().is_ok()).then_some(date)
}

/// Returns the name of a column in the user's data.
fn called_of(columns: &[Named], column: Column) -> &str {
    columns
        .get(column.0 as usize)
        .map_or("", |named| named.name.as_str())
}
