//! A row, checked and written at once.

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

use super::fields::{self, BARCODE, CLIENT_ASSET_ID, CUSTOM_ATTRIBUTES, FIELDS};
use super::json;
use super::policy::{ImportKey, Policy, RowShape};
use super::rules::{
    ATTRIBUTE_VALUE, CLEAR, IMPORT_KEY, NOTHING_TO_CHANGE, Problem, REQUIRED, SET_BY_SERVICE, TWICE,
    UNKNOWN_ATTRIBUTE, UNKNOWN_COLUMN,
};
use super::value::{self, Meaning, Refusal};
use crate::input::{Cell, Column};

/// Checks rows, one after another, and writes each into a request body.
pub struct RowWriter {
    policy: Policy,
    /// What stands before the value of each field.
    openings: [String; FIELDS.len()],
    columns: Vec<Named>,
    handles: HashMap<String, Column>,
    attributes: Vec<Attribute>,
    attribute_indexes: HashMap<String, usize>,
    /// How many rows were begun or skipped; the row under way is the last of them.
    rows: usize,
    /// The row where the barcode first came as a number.
    barcode_as_number: Option<usize>,
    /// Columns of text where a cell says "nan" or the like, with the first such row.
    blanks_as_text: Vec<(String, usize)>,
    /// Whether the rows bring their import keys; not known before the first row.
    keys_are_given: Option<bool>,
    // What follows belongs to the row under way.
    start: usize,
    /// Where its import key stands, as JSON, in `out` or in `attribute_body`.
    import_key_at: Option<Range<usize>>,
    import_key: String,
    /// The entries of `customAttributes`, each with a comma behind it.
    attribute_body: Vec<u8>,
    /// One bit a field of `FIELDS`: it has a value, or a problem of its own.
    given: u32,
    id: Given,
    key: String,
    problems: Vec<Problem>,
}

struct Named {
    name: String,
    slot: Slot,
}

/// Where the cells of a column go.
#[derive(Clone)]
enum Slot {
    Id,
    Ignored,
    Field(usize),
    Attribute(usize),
    /// The whole map of custom attributes.
    Attributes,
    /// Makes every row invalid, with this problem but for the value.
    Refused(Box<Problem>),
}

struct Attribute {
    name: String,
    opening: String,
    /// The count of rows when it was last given.
    last_given: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    No,
    Yes,
    Refused,
}

/// What stands before the fields of a patch: `"<uuid>":{`. A UUID always has 36 characters, so its place is kept
/// until the id comes, in whichever column.
const PATCH_OPENING: &[u8; 40] = b"\"                                    \":{";

impl RowWriter {
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            policy,
            openings: FIELDS.each_ref().map(|field| opening(field.name)),
            columns: Vec::new(),
            handles: HashMap::new(),
            attributes: Vec::new(),
            attribute_indexes: HashMap::new(),
            rows: 0,
            barcode_as_number: None,
            blanks_as_text: Vec::new(),
            keys_are_given: None,
            start: 0,
            import_key_at: None,
            import_key: String::new(),
            attribute_body: Vec::new(),
            given: 0,
            id: Given::No,
            key: String::new(),
            problems: Vec::new(),
        }
    }

    /// The handle of a column: the same for the same name, also for one that nobody knows.
    pub fn column(&mut self, name: &str) -> Column {
        if let Some(column) = self.handles.get(name) {
            return *column;
        }
        // A table of 2^32 columns does not fit in memory.
        let column = Column(u32::try_from(self.columns.len()).unwrap_or(u32::MAX));
        let slot = self.slot(name);
        self.columns.push(Named {
            name: name.to_owned(),
            slot,
        });
        self.handles.insert(name.to_owned(), column);
        column
    }

    fn slot(&mut self, name: &str) -> Slot {
        if self.policy.shape != RowShape::NewAsset && name == self.policy.id_column {
            return Slot::Id;
        }
        if self.policy.shape == RowShape::Id {
            return Slot::Ignored;
        }
        if let Some(field) = FIELDS.iter().position(|field| field.name == name) {
            return Slot::Field(field);
        }
        if name == CUSTOM_ATTRIBUTES {
            return Slot::Attributes;
        }
        let attribute = name
            .strip_prefix(CUSTOM_ATTRIBUTES)
            .and_then(|rest| rest.strip_prefix('.'))
            .unwrap_or(name);
        if fields::is_attribute(attribute) {
            return Slot::Attribute(self.attribute(attribute));
        }
        if fields::is_set_by_the_service(name) {
            let message = format!("`{name}` is set by the service itself");
            return Slot::Refused(Box::new(SET_BY_SERVICE.problem(name, "", message, "")));
        }
        let id_column = (self.policy.shape == RowShape::AssetPatch).then_some(self.policy.id_column.as_str());
        let (message, fix) = match fields::nearest(name, id_column) {
            Some(known) => (
                format!("nobody knows a column `{name}`: did you mean `{known}`?"),
                format!("rename the column to `{known}`, or drop it"),
            ),
            None => (format!("nobody knows a column `{name}`"), String::new()),
        };
        Slot::Refused(Box::new(UNKNOWN_COLUMN.problem(name, "", message, &fix)))
    }

    fn attribute(&mut self, name: &str) -> usize {
        if let Some(index) = self.attribute_indexes.get(name) {
            return *index;
        }
        let index = self.attributes.len();
        self.attributes.push(Attribute {
            name: name.to_owned(),
            opening: opening(name),
            last_given: 0,
        });
        self.attribute_indexes.insert(name.to_owned(), index);
        index
    }

    /// Starts a row at the end of `out`, which the calls up to `end` must get too.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        self.rows += 1;
        self.start = out.len();
        self.attribute_body.clear();
        self.given = 0;
        self.id = Given::No;
        self.key.clear();
        self.import_key_at = None;
        self.import_key.clear();
        self.problems.clear();
        match self.policy.shape {
            RowShape::NewAsset => out.push(b'{'),
            RowShape::AssetPatch => out.extend_from_slice(PATCH_OPENING),
            RowShape::Id => {}
        }
    }

    /// Counts a row that is not read, or that is no row, so that warnings name the right ones.
    pub fn skip(&mut self) {
        self.rows += 1;
    }

    /// Checks one cell of the row and writes it.
    #[expect(clippy::needless_pass_by_value, reason = "a sink gets its cells by value")]
    pub fn cell(&mut self, column: Column, cell: Cell<'_>, out: &mut Vec<u8>) {
        // Only `column` makes handles, and columns are never dropped.
        let Some(named) = self.columns.get(column.0 as usize) else {
            return;
        };
        match &named.slot {
            Slot::Ignored => {}
            Slot::Id => self.id_cell(&cell, out),
            Slot::Field(field) => self.field_cell(*field, &cell, out),
            Slot::Attribute(attribute) => self.attribute_cell(*attribute, Some(column), &cell),
            Slot::Attributes => self.attributes_cell(&cell),
            Slot::Refused(problem) => self.problems.push(Problem {
                value: shown(&cell),
                ..Problem::clone(problem)
            }),
        }
    }

    fn id_cell(&mut self, cell: &Cell<'_>, out: &mut Vec<u8>) {
        if matches!(cell, Cell::Null) {
            return;
        }
        if self.id != Given::No {
            return self.problems.push(given_twice(&self.policy.id_column, cell));
        }
        match value::uuid(cell, "use the id that the service gave out") {
            Ok(uuid) => {
                self.id = Given::Yes;
                let mut buffer = uuid::Uuid::encode_buffer();
                let text = uuid.hyphenated().encode_lower(&mut buffer);
                self.key.push_str(text);
                if self.policy.shape == RowShape::AssetPatch {
                    // `begin` put the opening of the patch at `start`; 36 of its bytes wait for the id.
                    out[self.start + 1..self.start + 37].copy_from_slice(text.as_bytes());
                } else {
                    json::text(text, out);
                }
            }
            Err(refusal) => {
                self.id = Given::Refused;
                self.problems
                    .push(refused(&self.policy.id_column, cell, &refusal));
            }
        }
    }

    fn field_cell(&mut self, index: usize, cell: &Cell<'_>, out: &mut Vec<u8>) {
        // `index` is a position in this table.
        let field = &FIELDS[index];
        let meaning = value::meaning(&self.policy, cell, field.required);
        if matches!(meaning, Ok(Meaning::Absent)) {
            return;
        }
        if self.given & 1 << index != 0 {
            return self.problems.push(given_twice(field.name, cell));
        }
        self.given |= 1 << index;
        let start = out.len();
        out.extend_from_slice(self.openings[index].as_bytes());
        let value = out.len();
        let written = meaning.and_then(|meaning| {
            if let Meaning::Value = meaning {
                value::field(field, cell, out)
            } else {
                out.extend_from_slice(b"null");
                Ok(())
            }
        });
        if let Err(refusal) = written {
            out.truncate(start);
            return self.problems.push(refused(field.name, cell, &refusal));
        }
        if field.name == CLIENT_ASSET_ID && self.policy.shape == RowShape::NewAsset {
            match cell {
                Cell::Text(text) => self.key.push_str(text),
                // A number or a date: plain characters between quotes.
                _ => self
                    .key
                    .push_str(&String::from_utf8_lossy(&out[value + 1..out.len() - 1])),
            }
        }
        if self.is_import_key(field.name) {
            self.import_key_at = Some(value..out.len());
        }
        if field.name == BARCODE && self.barcode_as_number.is_none() && is_number(cell) {
            self.barcode_as_number = Some(self.rows - 1);
        }
        out.push(b',');
        if value::is_blank_as_text(cell) {
            self.note_blank(field.name.to_owned());
        }
    }

    /// Notes a column with text such as "nan". It is sent, since it may be meant.
    fn note_blank(&mut self, column: String) {
        if self.blanks_as_text.iter().all(|(known, _)| *known != column) {
            self.blanks_as_text.push((column, self.rows - 1));
        }
    }

    fn attributes_cell(&mut self, cell: &Cell<'_>) {
        let refusal = match value::meaning(&self.policy, cell, true) {
            Ok(Meaning::Absent) => return,
            Ok(_) => {
                if let Cell::Map(entries) = cell {
                    for (name, value) in entries {
                        self.attribute_entry(name, value);
                    }
                    return;
                }
                let fix = "give a dict such as {'ca1': 'text'}";
                Refusal {
                    rule: &ATTRIBUTE_VALUE,
                    reason: ATTRIBUTE_VALUE.says,
                    fix,
                }
            }
            Err(refusal) if *refusal.rule == CLEAR && self.policy.shape == RowShape::AssetPatch => Refusal {
                fix: "name each attribute to clear, as in {'ca1': CLEAR}",
                ..refusal
            },
            Err(refusal) => refusal,
        };
        self.problems.push(refused(CUSTOM_ATTRIBUTES, cell, &refusal));
    }

    fn attribute_entry(&mut self, name: &str, cell: &Cell<'_>) {
        if fields::is_attribute(name) {
            let attribute = self.attribute(name);
            return self.attribute_cell(attribute, None, cell);
        }
        let column = format!("{CUSTOM_ATTRIBUTES}.{name}");
        let message = format!("`{name}` is no name of a custom attribute");
        self.problems
            .push(UNKNOWN_ATTRIBUTE.problem(&column, &shown(cell), message, ""));
    }

    /// One custom attribute, from a column of its own or from the map.
    fn attribute_cell(&mut self, index: usize, column: Option<Column>, cell: &Cell<'_>) {
        let meaning = value::meaning(&self.policy, cell, false);
        if matches!(meaning, Ok(Meaning::Absent)) {
            return;
        }
        // `index` came from `attribute`, and attributes are never dropped.
        let attribute = &mut self.attributes[index];
        let twice = attribute.last_given == self.rows;
        attribute.last_given = self.rows;
        let start = self.attribute_body.len();
        self.attribute_body
            .extend_from_slice(attribute.opening.as_bytes());
        let value = self.attribute_body.len();
        let written = meaning.and_then(|meaning| {
            if let Meaning::Value = meaning {
                value::attribute(cell, self.policy.dates, &mut self.attribute_body)
            } else {
                self.attribute_body.extend_from_slice(b"null");
                Ok(())
            }
        });
        self.attribute_body.push(b',');
        if !twice && written.is_ok() {
            if self.is_import_key(&self.attributes[index].name) {
                self.import_key_at = Some(value..self.attribute_body.len() - 1);
            }
            if value::is_blank_as_text(cell) {
                self.note_blank(self.attributes[index].name.clone());
            }
            return;
        }
        self.attribute_body.truncate(start);
        let column = match column.and_then(|column| self.columns.get(column.0 as usize)) {
            Some(named) => named.name.clone(),
            None => format!("{CUSTOM_ATTRIBUTES}.{}", self.attributes[index].name),
        };
        self.problems.push(match written {
            Err(refusal) => refused(&column, cell, &refusal),
            Ok(()) => given_twice(&column, cell),
        });
    }

    /// Ends the row.
    ///
    /// # Errors
    /// All problems of the row, at least one; `out` is as it was before `begin`.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Vec<Problem>> {
        self.end_import_key(out);
        let empty = out.len() == self.start + PATCH_OPENING.len() && self.attribute_body.is_empty();
        match self.policy.shape {
            RowShape::NewAsset => {
                for (index, field) in FIELDS.iter().enumerate() {
                    if field.required && self.given & 1 << index == 0 {
                        self.missing(field.name, "every new asset needs it", field.fix);
                    }
                }
            }
            RowShape::AssetPatch | RowShape::Id => {
                if self.id == Given::No {
                    let name = self.policy.id_column.clone();
                    self.missing(
                        &name,
                        "it says which asset is meant",
                        "fill the cell, or name the column that holds the ids",
                    );
                }
                if self.policy.shape == RowShape::AssetPatch && empty && self.problems.is_empty() {
                    let message =
                        "nothing to change in this row: every cell but the id is blank or absent".to_owned();
                    self.problems.push(NOTHING_TO_CHANGE.problem("", "", message, ""));
                }
            }
        }
        if !self.problems.is_empty() {
            out.truncate(self.start);
            return Err(std::mem::take(&mut self.problems));
        }
        if self.policy.shape != RowShape::Id {
            if self.attribute_body.is_empty() {
                // A row without problems has at least one field, so the last byte is its comma.
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

    fn is_import_key(&self, name: &str) -> bool {
        self.policy
            .import_key
            .as_ref()
            .is_some_and(|key| key.field == name)
    }

    /// Reads the import key of the row, or makes one.
    fn end_import_key(&mut self, out: &mut Vec<u8>) {
        let Some(ImportKey { field, prefix }) = self.policy.import_key.clone() else {
            return;
        };
        let attribute = field != BARCODE;
        let found = self.import_key_at.take();
        // A column that stands there is meant, even where its first cell is blank.
        let column = [field.clone(), format!("{CUSTOM_ATTRIBUTES}.{field}")];
        let given = *self.keys_are_given.get_or_insert_with(|| {
            found.is_some() || column.iter().any(|name| self.handles.contains_key(name))
        });
        match found {
            Some(at) if given => {
                let json = if attribute {
                    &self.attribute_body[at]
                } else {
                    &out[at]
                };
                let text: Option<String> = serde_json::from_slice(json).ok();
                match text
                    .map(|text| text.trim().to_owned())
                    .filter(|text| !text.is_empty())
                {
                    Some(text) => self.import_key = text,
                    None => self.bad_import_key(&field, "it is no text, so it cannot tell rows apart"),
                }
            }
            Some(_) => {
                self.bad_import_key(&field, "the rows before brought none, so keys were made for them");
            }
            // A cell that was refused has its problem already.
            None if given && self.problems.is_empty() => {
                self.bad_import_key(&field, "it is blank in this row, and other rows bring theirs");
            }
            None if given => {}
            None => {
                self.import_key = format!("{prefix}{}", self.rows - 1);
                let json = format!("\"{field}\":\"{}\",", self.import_key);
                if attribute { &mut self.attribute_body } else { out }.extend_from_slice(json.as_bytes());
            }
        }
    }

    fn bad_import_key(&mut self, field: &str, why: &str) {
        let message = format!("the import key `{field}` is not usable: {why}");
        self.problems.push(IMPORT_KEY.problem(field, "", message, ""));
    }

    /// The import key of the row, where there is one.
    pub fn import_key(&self) -> &str {
        &self.import_key
    }

    /// Whether the rows bring their import keys, so that an earlier run may have used them.
    pub fn import_keys_are_given(&self) -> bool {
        self.keys_are_given == Some(true)
    }

    fn missing(&mut self, name: &str, why: &str, fix: &str) {
        let message = if self.handles.contains_key(name) {
            format!("`{name}` is missing in this row: {why}")
        } else {
            let mut message = format!("there is no column `{name}`: {why}; the columns are ");
            for (index, named) in self.columns.iter().enumerate().take(COLUMNS_SHOWN) {
                let comma = if index == 0 { "" } else { ", " };
                // Writing into a text cannot fail.
                let _ = write!(message, "{comma}`{}`", named.name);
            }
            match self.columns.len() {
                0 => message.push_str("none"),
                count if count > COLUMNS_SHOWN => {
                    let _ = write!(message, " and {} more", count - COLUMNS_SHOWN);
                }
                _ => {}
            }
            message
        };
        self.problems.push(REQUIRED.problem(name, "", message, fix));
    }

    /// What names the row in a report: the clientAssetId of a new asset, else its id; empty if it has none.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What a user should know though no row is invalid, once a column.
    pub fn warnings(&self) -> Vec<String> {
        let barcode = self.barcode_as_number.map(|row| {
            format!(
                "column '{BARCODE}' arrived as numbers (first: row {row}): leading zeros may be gone; read the sheet \
                 with dtype={{'{BARCODE}': str}}"
            )
        });
        let blanks = self.blanks_as_text.iter().map(|(column, row)| {
            format!(
                "column '{column}' holds a blank cell as text, such as 'nan' (first: row {row}): it is sent as it stands; \
                 leave out astype(str), or put None there"
            )
        });
        barcode.into_iter().chain(blanks).collect()
    }
}

/// What stands before a value: `"name":`, of a name with nothing to escape.
fn opening(name: &str) -> String {
    format!("\"{name}\":")
}

/// How many columns a message names.
const COLUMNS_SHOWN: usize = 20;

fn refused(column: &str, cell: &Cell<'_>, refusal: &Refusal) -> Problem {
    let value = shown(cell);
    let message = match cell {
        Cell::Text(_) => format!("`{column}` is '{value}': {}", refusal.reason),
        _ => format!("`{column}` is {value}: {}", refusal.reason),
    };
    refusal.rule.problem(column, &value, message, refusal.fix)
}

fn given_twice(column: &str, cell: &Cell<'_>) -> Problem {
    let message = format!("`{column}` is given twice in this row");
    TWICE.problem(column, &shown(cell), message, "")
}

fn is_number(cell: &Cell<'_>) -> bool {
    matches!(
        cell,
        Cell::Int(_) | Cell::Float(_) | Cell::Float32(_) | Cell::Digits(_)
    )
}

/// A value as a message shows it, shortened.
fn shown(cell: &Cell<'_>) -> String {
    const LONGEST: usize = 60;
    let text = match cell {
        Cell::Null => "null".into(),
        Cell::Clear => "CLEAR".into(),
        Cell::Bool(value) => value.to_string(),
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => number.to_string(),
        Cell::Float32(number) => number.to_string(),
        Cell::Digits(text) | Cell::Text(text) => return shortened(text, LONGEST),
        Cell::Date(date) => date.to_string(),
        Cell::DateTime(moment) => moment.to_string(),
        Cell::List(items) => {
            let items: Vec<String> = items.iter().take(3).map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Cell::Map(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .take(3)
                .map(|(name, value)| format!("{name}: {}", shown(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
        Cell::Other(kind) => format!("of type {kind}"),
    };
    shortened(&text, LONGEST)
}

fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text.to_owned(),
    }
}
