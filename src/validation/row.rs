//! Checks a row and writes it into a request body in one pass.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use super::columns::{self, Meant, RowOfRun};
use super::current::{Ignored, OF_SERVICE};
use super::doubts::Doubts;
use super::fields::{
    self, BARCODE, CATEGORY, CLIENT_ASSET, CLIENT_ASSET_ID, CUSTOM_ATTRIBUTES, FIELDS, Kind, LOCATION, STATUS,
};
use super::identity::{self, Identity, Seed};
use super::json;
use super::notices::{Notice, Notices, in_rows};
use super::office::{Office, arrived_as_number};
use super::outcomes::OF_OUTCOMES;
use super::policy::{Names, Policy};
use super::reading::Reading;
use super::resolve::Resolver;
use super::rules::{
    ATTRIBUTE_VALUE, CLEAR, IMPORT_KEY, NOTHING_TO_CHANGE, NUMBER, Problem, REQUIRED, SET_BY_SERVICE, TWICE,
    UNKNOWN_ATTRIBUTE, UNKNOWN_COLUMN,
};
use super::typed;
use super::value::{self, Meaning, Refusal};
use crate::api::RowShape;
use crate::input::sheet::REQUIRED_MARK;
use crate::input::{Cell, Column, Owned, is_total, with_offset};
use crate::model::text::trimmed;

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
    /// Whether the rows have their own import keys. `None` before the end of the first row, or if there is no
    /// import key.
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
            current: None,
            version: None,
            key_is_exact: true,
            edited: Vec::new(),
            uncompared: Vec::new(),
            ignored_edits: Ignored::default(),
            held: Vec::new(),
            unchanged: false,
            numbered: None,
            key: String::new(),
            problems: Vec::new(),
        }
    }

    /// Turns off the digests of rows. Call this before adding the first column.
    pub fn without_digests(&mut self) {
        self.anonymous = true;
    }

    /// Returns the handle of a column. Equal names have equal handles, even for an unknown column.
    pub fn column(&mut self, name: &str) -> Column {
        if let Some(column) = self.handles.get(name) {
            return *column;
        }
        // A table of 2^32 columns does not fit in memory.
        let column = Column(u32::try_from(self.columns.len()).unwrap_or(u32::MAX));
        let slot = self.slot(name, column);
        let seed = self.seed(name, &slot);
        let reading = self.add_reading(name);
        self.columns.push(Named {
            name: name.to_owned(),
            slot,
            seed,
            reading,
            blanks: Blanks::default(),
        });
        self.handles.insert(name.to_owned(), column);
        column
    }

    /// Returns the index of how a column is read.
    fn add_reading(&mut self, column: &str) -> usize {
        let Names {
            mapping, settings, ..
        } = &self.policy.names;
        let own = self.readings[0].of_column(column, mapping, settings.as_deref());
        let Some(own) = own else { return 0 };
        let known = self.readings.iter().position(|known| *known == own);
        known.unwrap_or_else(|| {
            self.readings.push(own);
            self.readings.len() - 1
        })
    }

    /// Returns how a column is read.
    pub(super) fn reading_of(&self, column: Column) -> &Reading {
        let own = self
            .columns
            .get(column.0 as usize)
            .map_or(0, |named| named.reading);
        &self.readings[own]
    }

    /// Returns the seed for a column's cells in the identity of a row. `None` if the cells are excluded.
    ///
    /// Resumed calls use the columns' roles from the first call. The project's settings may change between
    /// calls, but the identity of a row must not.
    fn seed(&mut self, name: &str, slot: &Slot) -> Option<Seed> {
        match slot {
            _ if self.anonymous => return None,
            Slot::Number | Slot::Service(_) => return None,
            // A result may have been put beside the rows.
            Slot::Refused(problem, _) if problem.is_set_by_service() => return None,
            Slot::Ignored if self.policy.shape == RowShape::Id => return None,
            Slot::Id => return Some(Seed::field("id")),
            _ => {}
        }
        let now_read = !matches!(slot, Slot::Ignored) && self.headings_may_grow;
        if let Some(known) = self.headings.get(name)
            && (known.is_some() || !now_read)
        {
            return known.as_deref().map(Seed::of);
        }
        let field = match slot {
            Slot::Field(field) => Some(*field),
            // The meaning of the column is unknown without the project's settings.
            Slot::Refused(..) => columns::base_field(name),
            _ => None,
        };
        let meant = match field {
            Some(field) => identity::field(FIELDS[field].name),
            None => identity::heading(columns::bare(name)),
        };
        let counts =
            !matches!(slot, Slot::Ignored) || self.headings.values().flatten().any(|known| *known == meant);
        let seed = counts.then(|| Seed::of(&meant));
        self.headings.insert(name.to_owned(), counts.then_some(meant));
        seed
    }

    /// Returns each column's role in the identity of a row, or `None` for a column without a role. When a run
    /// is resumed, the roles are set before the first column is added.
    pub fn headings(&mut self) -> &mut BTreeMap<String, Option<String>> {
        &mut self.headings
    }

    /// Lets columns that were ignored in the first call identify rows from now on, because no row was sent.
    pub fn let_headings_grow(&mut self) {
        self.headings_may_grow = true;
    }

    /// Returns the field or custom attribute that a column sets, or `Some(None)` for an ignored column. Returns `None`
    /// for a column that no valid row of this call sends.
    pub fn field_of(&self, column: Column) -> Option<Option<String>> {
        let field = match &self.columns.get(column.0 as usize)?.slot {
            Slot::Id => "id",
            Slot::Ignored => return Some(None),
            Slot::Field(field) => FIELDS[*field].name,
            Slot::Attribute(attribute) => &self.attributes[*attribute].name,
            Slot::Attributes => CUSTOM_ATTRIBUTES,
            Slot::Number | Slot::Service(_) | Slot::Refused(..) => return None,
        };
        Some(Some(field.to_owned()))
    }

    /// Returns the heading of a field, or the display name of a custom attribute if it is known.
    pub fn title_of(&self, field: &str) -> String {
        let heading = FIELDS.iter().find(|known| known.name == field);
        let settings = self.policy.names.settings.as_deref();
        let attribute = settings.and_then(|settings| {
            let place = settings.attribute_of_name(field)?;
            Some(settings.content().attributes[place].display_name.as_str())
        });
        let title = heading.map(|field| field.heading).or(attribute);
        title.unwrap_or(field).to_owned()
    }

    /// Returns whether the rows have the columns of a file written by `write_fixes`, except the hidden one.
    pub fn are_of_report(&self) -> bool {
        let ignored = |title: &str| {
            let named = |column: &&Named| {
                column
                    .name
                    .strip_suffix(columns::OF_REPORT_MARK)
                    .unwrap_or(&column.name)
                    == title
            };
            self.columns
                .iter()
                .find(named)
                .is_some_and(|column| matches!(column.slot, Slot::Ignored))
        };
        ignored(columns::PROBLEM) && ignored(columns::FIX) && !self.handles.contains_key(columns::ROW_OF_RUN)
    }

    /// Compares the columns that identify rows with those of an earlier call. Returns the columns that were added, and
    /// those that are missing.
    pub fn column_changes(&self, before: &BTreeMap<String, Option<String>>) -> (Vec<&str>, Vec<String>) {
        let role = |name: &str| self.headings.get(name)?.as_deref();
        let roles: Vec<(&str, &str)> = self
            .columns
            .iter()
            .filter_map(|column| Some((column.name.as_str(), role(&column.name)?)))
            .collect();
        let is_new = |(name, role): &&(&str, &str)| {
            let others = || roles.iter().filter(|(_, other)| other == role).count() > 1;
            let known = before.values().flatten().any(|known| known == role);
            !before.contains_key(*name) && (!known || others())
        };
        let is_missing = |known: &str| !roles.iter().any(|(_, role)| *role == known);
        let missing = before
            .iter()
            .filter(|(_, role)| role.as_deref().is_some_and(is_missing));
        (
            roles.iter().filter(is_new).map(|(name, _)| *name).collect(),
            missing.map(|(name, _)| name.clone()).collect(),
        )
    }

    /// Returns the digest of the row that just ended, valid or not.
    pub fn digest(&self) -> u64 {
        self.identity.digest()
    }

    /// Returns the run of the row that just ended, and the row's number in that run, if the row comes from a
    /// file written by `write_fixes`.
    pub fn numbered(&self) -> Option<&RowOfRun> {
        self.numbered.as_ref()
    }

    fn slot(&mut self, name: &str, column: Column) -> Slot {
        if name == columns::ROW_OF_RUN {
            return Slot::Number;
        }
        if self.policy.shape != RowShape::NewAsset && name == self.policy.id_column {
            self.note_use(name, Some("id".to_owned()), "", None);
            return Slot::Id;
        }
        if self.policy.shape == RowShape::Id {
            return Slot::Ignored;
        }
        let mapped = self.policy.names.mapping.iter().find(|(from, _)| from == name);
        let meant = match mapped {
            Some((_, None)) => {
                self.note_use(name, None, "ignored by mapping=", None);
                return Slot::Ignored;
            }
            Some((_, Some(target))) => target.clone(),
            None if self.policy.names.outcomes.iter().any(|column| column == name) => {
                self.note_use(name, None, OF_OUTCOMES, None);
                return Slot::Ignored;
            }
            None => name.to_owned(),
        };
        let is_mapped = meant != name;
        let slot = match self.names.as_ref().map(|names| names.settings.clone()) {
            Some(settings) => match columns::meant(&meant, &settings) {
                Meant::Field(field) => Slot::Field(field),
                Meant::Attributes => Slot::Attributes,
                Meant::Attribute(place) => {
                    let name = settings.content().attributes[place].name.clone();
                    Slot::Attribute(self.attribute(&name))
                }
                Meant::SetByService => self.service_slot(name, &meant),
                Meant::Ignored(why) => {
                    self.note_use(name, None, why, None);
                    return Slot::Ignored;
                }
                // An attribute may have such a heading, too, so this comes last.
                Meant::Unknown(_)
                    if self.policy.shape == RowShape::AssetPatch && fields::of_service(&meant).is_some() =>
                {
                    self.service_slot(name, &meant)
                }
                Meant::Unknown(near) => {
                    self.note_use(name, None, columns::NOT_RECOGNIZED, near);
                    return Slot::Ignored;
                }
                Meant::Unclear(message, fix) => {
                    let attribute = settings.inactive_attribute(columns::bare(&meant));
                    let attribute = attribute.map(|place| &settings.content().attributes[place].name);
                    let problem = UNKNOWN_COLUMN.problem(name, "", message, &fix);
                    Slot::Refused(Box::new(problem), attribute.map(|name| name.as_str().into()))
                }
            },
            None => self.exact_slot(&meant),
        };
        match &slot {
            Slot::Field(field) => {
                self.field_columns[*field].get_or_insert(column);
                let field = &FIELDS[*field];
                self.note_use(
                    name,
                    Some(field.name.to_owned()),
                    mapped_note(is_mapped),
                    Some(field.heading.to_owned()),
                );
            }
            Slot::Attribute(attribute) => {
                let attribute = &mut self.attributes[*attribute];
                attribute.column.get_or_insert(column);
                let (field, known) = (attribute.name.clone(), attribute.known);
                let title = self.names.as_ref().and_then(|names| {
                    let attribute = names.settings.content().attributes.get(known?)?;
                    Some(attribute.display_name.clone())
                });
                self.note_use(name, Some(field), mapped_note(is_mapped), title);
            }
            Slot::Attributes => self.note_use(name, Some(CUSTOM_ATTRIBUTES.to_owned()), "", None),
            Slot::Refused(problem, _) => {
                let message = problem.message.clone();
                self.note_use(name, None, &message, None);
            }
            Slot::Service(_) => self.note_use(name, None, OF_SERVICE, None),
            Slot::Id | Slot::Ignored | Slot::Number => {}
        }
        slot
    }

    /// Returns the slot of a column with a field that only the service sets. In a patch, such a column shows that
    /// the rows were read from the service.
    fn service_slot(&self, name: &str, meant: &str) -> Slot {
        let is_patch = self.policy.shape == RowShape::AssetPatch;
        match fields::of_service(meant).filter(|_| is_patch) {
            Some(field) => Slot::Service(field),
            None => set_by_service(name),
        }
    }

    fn note_use(&mut self, column: &str, field: Option<String>, note: &str, title: Option<String>) {
        self.uses.push(ColumnUse {
            column: column.to_owned(),
            field,
            note: note.to_owned(),
            title,
        });
    }

    /// Returns the meaning of each column, in order of appearance.
    pub fn uses(&self) -> &[ColumnUse] {
        &self.uses
    }

    /// Returns the meaning of a column, determined without the project's settings. Only the API names of fields and
    /// attributes are recognized.
    fn exact_slot(&mut self, name: &str) -> Slot {
        if let Some(field) = FIELDS.iter().position(|field| field.name == name) {
            return Slot::Field(field);
        }
        if name == CUSTOM_ATTRIBUTES {
            return Slot::Attributes;
        }
        let attribute = columns::bare(name);
        if fields::is_attribute(attribute) {
            return Slot::Attribute(self.attribute(attribute));
        }
        if columns::is_of_report(name) {
            return Slot::Ignored;
        }
        if fields::is_set_by_the_service(name) {
            return self.service_slot(name, name);
        }
        let id_column = (self.policy.shape == RowShape::AssetPatch).then_some(self.policy.id_column.as_str());
        let (message, fix) = match fields::nearest(name, id_column) {
            Some(known) => (
                format!("unknown column `{name}`"),
                format!("did you mean `{known}`? Rename the column, or drop it"),
            ),
            None => (format!("unknown column `{name}`"), String::new()),
        };
        Slot::Refused(Box::new(UNKNOWN_COLUMN.problem(name, "", message, &fix)), None)
    }

    pub(super) fn attribute(&mut self, name: &str) -> usize {
        if let Some(index) = self.attribute_indexes.get(name) {
            return *index;
        }
        let index = self.attributes.len();
        let known = self
            .names
            .as_ref()
            .and_then(|names| names.settings.attribute_of_name(name));
        self.attributes.push(Attribute {
            name: name.to_owned(),
            known,
            column: None,
            opening: opening(name),
            last_given: 0,
        });
        self.attribute_indexes.insert(name.to_owned(), index);
        index
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
        self.numbered = None;
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

    /// Returns the import key generated for a row. `None` if keys are not generated.
    pub fn made_import_key(&self, row: u32) -> Option<String> {
        let key = self.policy.import_key.as_ref()?;
        key.is_generated.then(|| format!("{}{row}", key.prefix))
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
            (Some(seed), _) => self.identity.cell(seed, cell),
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

    fn id_cell(&mut self, seed: Option<Seed>, cell: &Cell<'_>, out: &mut Vec<u8>) {
        if matches!(cell, Cell::Null) {
            return;
        }
        let fix = match self.policy.shape {
            RowShape::AssetPatch => FIX_OF_PATCH,
            _ => "use the id assigned by the service",
        };
        let read = value::uuid(cell, fix);
        if let Some(seed) = seed {
            match &read {
                Ok(id) => self.identity.id(seed, *id),
                Err(_) => self.identity.cell(seed, cell),
            }
        }
        if self.id != Given::No {
            let column = &self.policy.id_column;
            return self.problems.push(given_twice(column, column, cell));
        }
        match read {
            Ok(uuid) => {
                self.id = Given::Yes;
                let mut buffer = uuid::Uuid::encode_buffer();
                let text = uuid.hyphenated().encode_lower(&mut buffer);
                self.key.push_str(text);
                if self.policy.shape == RowShape::AssetPatch {
                    // `begin` wrote the opening at `start`, with 36 bytes reserved for the id.
                    out[self.start + 1..self.start + 37].copy_from_slice(text.as_bytes());
                } else {
                    json::text(text, out);
                }
                let current = self.policy.names.current.as_ref();
                self.current = current.and_then(|current| current.get(&uuid));
                self.key_is_exact = self.has_exact_key();
                self.release_held(out);
            }
            Err(refusal) => {
                self.id = Given::Refused;
                self.problems
                    .push(refused(&self.policy.id_column, cell, &refusal));
            }
        }
    }

    /// Returns the name of a column in the user's data.
    pub(super) fn called(&self, column: Column) -> &str {
        called_of(&self.columns, column)
    }

    /// Returns the name of the column that sets a field, as in the user's data. Without such a column, returns
    /// the field's heading, or its API name if the other columns have API names.
    pub(super) fn field_called(&self, field: usize) -> String {
        if let Some(column) = self.field_columns[field] {
            return self.called(column).to_owned();
        }
        let are_api_names = self.names.is_none() || self.columns.iter().any(|named| is_api_name(&named.name));
        let field = &FIELDS[field];
        if are_api_names { field.name } else { field.heading }.to_owned()
    }

    /// Returns whether the current row has a value for a field, valid or not.
    pub(super) fn is_given(&self, field: usize) -> bool {
        self.given & 1 << field != 0
    }

    #[allow(clippy::too_many_lines)] // The steps of one cell, in order.
    pub(super) fn field_cell(
        &mut self,
        index: usize,
        column: Option<Column>,
        cell: &Cell<'_>,
        out: &mut Vec<u8>,
    ) {
        // `index` is a valid index in `FIELDS`.
        let field = &FIELDS[index];
        if self.is_unchanged(field.name, cell) || index == STATUS && self.keeps_status(cell) {
            return;
        }
        let trimmed = field.trims.then(|| without_blanks(cell)).flatten();
        let cell = trimmed.as_ref().unwrap_or(cell);
        let meaning = value::meaning(&self.policy, cell, field.required);
        if matches!(meaning, Ok(Meaning::Absent)) {
            return self.note_uncompared(column, field.name);
        }
        let called = |writer: &Self| {
            column.map_or_else(
                || field.name.to_owned(),
                |column| writer.called(column).to_owned(),
            )
        };
        if self.is_given(index) {
            let column = called(self);
            return self
                .problems
                .push(given_twice(&column, &self.field_called(index), cell));
        }
        self.given |= 1 << index;
        let start = out.len();
        out.extend_from_slice(self.openings[index].as_bytes());
        let value = out.len();
        let is_text = field.kind == Kind::Text;
        let lost = self.lost_zeros(field.name, cell).filter(|_| is_text);
        let meaning = meaning.and_then(|meaning| {
            if let Some(lost) = lost {
                return Err(lost);
            }
            let name = column
                .filter(|_| field.trims)
                .map(|column| called_of(&self.columns, column));
            self.office
                .check(name, cell, is_text, self.policy.is_workbook())?;
            Ok(meaning)
        });
        let has_ids = column.is_none_or(|column| called_of(&self.columns, column) == field.name);
        let written = meaning.and_then(|meaning| match (meaning, &mut self.names) {
            (Meaning::Value, Some(names)) if [CATEGORY, STATUS, LOCATION].contains(&index) => {
                names.field(index, has_ids, cell, out)
            }
            (Meaning::Value, _) => value::field(field, cell, out).map(|()| true),
            _ => {
                out.extend_from_slice(b"null");
                Ok(true)
            }
        });
        match written {
            Ok(true) if self.is_same(field.name, &out[value..]) => {
                self.given &= !(1 << index);
                if let Some(names) = &mut self.names {
                    names.forget(index);
                }
                return out.truncate(start);
            }
            Ok(true) => {}
            // A status label is resolved later, since its status depends on the category's status set.
            Ok(false) => return out.truncate(start),
            Err(refusal) => {
                out.truncate(start);
                let column = called(self);
                return self.problems.push(refused(&column, cell, &refusal));
            }
        }
        if self.names.is_some() && field.name == BARCODE && out.len() > value {
            self.notices.barcode(xxh3_64(&out[value..]), self.rows - 1);
        }
        if field.name == CLIENT_ASSET_ID && self.policy.shape == RowShape::NewAsset {
            match cell {
                Cell::Text(text) | Cell::Shown { text, .. } => self.key.push_str(text),
                // A number or a date is in quotes and has no escapes.
                _ => self
                    .key
                    .push_str(&String::from_utf8_lossy(&out[value + 1..out.len() - 1])),
            }
        }
        if self.is_import_key(field.name) {
            self.import_key_at = Some(value..out.len());
            self.office.key_is_number = is_number(cell);
        }
        // A number that is sent as text is in quotes.
        if is_text && self.compares_numbers(cell) {
            let text = out.get(value + 1..out.len() - 1).unwrap_or_default();
            self.office.note_text(field.name, text);
        }
        // The fields whose blanks are removed are identifiers.
        if field.trims && arrived_as_number(cell) {
            let name = column.map_or(field.name, |column| called_of(&self.columns, column));
            self.office.note_number(name, self.rows - 1);
        }
        out.push(b',');
        if trimmed.is_some() {
            self.note_trimmed(called(self));
        }
        if let Some(expected) = field.expected {
            let overlong = match cell {
                Cell::Text(text) => value::longer(text, expected),
                _ => value::longer_number(&out[value..out.len() - 1], expected),
            };
            if overlong {
                self.note_overlong(called(self), expected);
            }
        }
        if value::is_blank_as_text(cell) {
            self.note_blank(field.name.to_owned());
        }
    }

    /// Returns whether a cell is a number that is sent as text and may be compared with a text of the project.
    fn compares_numbers(&self, cell: &Cell<'_>) -> bool {
        self.policy.import_key.is_some() && self.policy.shape == RowShape::NewAsset && is_number(cell)
    }

    fn note_trimmed(&mut self, column: String) {
        match self.trimmed.iter_mut().find(|(known, ..)| *known == column) {
            Some((_, rows, _)) => *rows += 1,
            None => self.trimmed.push((column, 1, self.rows - 1)),
        }
    }

    fn note_overlong(&mut self, column: String, expected: usize) {
        match self.overlong.iter_mut().find(|(known, ..)| *known == column) {
            Some((_, _, rows, _)) => *rows += 1,
            None => self.overlong.push((column, expected, 1, self.rows - 1)),
        }
    }

    /// Records a column with a string such as "nan". The string is still sent, since it may be intended.
    fn note_blank(&mut self, column: String) {
        if self.blanks_as_text.iter().all(|(known, _)| *known != column) {
            self.blanks_as_text.push((column, self.rows - 1));
        }
    }

    /// Reads a dict of custom attributes as if each attribute had its own column.
    fn attribute_entries(&mut self, count: bool, entries: &[(&str, Cell<'_>)]) {
        for (place, (name, value)) in entries.iter().enumerate() {
            let Entry {
                seed,
                attribute,
                reading,
                ..
            } = *self.entry(place, name);
            if count {
                let known = attribute.and_then(|attribute| self.attributes[attribute].known);
                let own = &self.readings[reading];
                identify(&mut self.identity, (&self.policy, own), seed, known, value);
            }
            match attribute {
                Some(attribute) => self.attribute_cell(attribute, None, reading, value),
                None => self.unknown_entry(name, value),
            }
        }
    }

    /// Reads a cell that should be a dict of custom attributes.
    fn attributes_cell(&mut self, cell: &Cell<'_>) {
        let refusal = match value::meaning(&self.policy, cell, true) {
            Ok(Meaning::Absent) => return,
            Ok(_) => {
                let fix = "pass a dict, for example {'ca1': 'text'}";
                Refusal::new(&ATTRIBUTE_VALUE, ATTRIBUTE_VALUE.says, fix)
            }
            Err(refusal) if *refusal.rule == CLEAR && self.policy.shape == RowShape::AssetPatch => Refusal {
                fix: "name each attribute to clear, for example {'ca1': CLEAR}".into(),
                ..refusal
            },
            Err(refusal) => refusal,
        };
        self.problems.push(refused(CUSTOM_ATTRIBUTES, cell, &refusal));
    }

    /// Returns the meaning of an entry in a dict of custom attributes.
    fn entry(&mut self, place: usize, name: &str) -> &Entry {
        if self.entries.get(place).is_none_or(|entry| entry.name != name) {
            let attribute = self.attribute_named(name).ok();
            let reading = self.add_reading(name);
            let entry = Entry {
                reading,
                name: name.to_owned(),
                seed: Seed::heading(name),
                attribute: attribute.map(|name| self.attribute(&name)),
            };
            match self.entries.get_mut(place) {
                Some(last) => *last = entry,
                // Entries are read in order, so this is the next index.
                None => self.entries.push(entry),
            }
        }
        &self.entries[place]
    }

    /// Looks up a name in a dict of custom attributes. If the name is invalid, returns the problem and the fix.
    fn attribute_named(&self, name: &str) -> Result<String, (String, String)> {
        let Some(names) = &self.names else {
            return if fields::is_attribute(name) {
                Ok(name.to_owned())
            } else {
                let message = format!("`{name}` is not the name of a custom attribute");
                Err((message, String::new()))
            };
        };
        let settings = &names.settings;
        let of_name = settings.attribute_of_name(name).ok_or(());
        of_name
            .or_else(|()| settings.attribute(name))
            .map(|place| settings.content().attributes[place].name.clone())
            .map_err(|miss| {
                let what = "custom attribute";
                (format!("`{name}`: {}", miss.reason(what)), miss.fix(what))
            })
    }

    fn unknown_entry(&mut self, name: &str, cell: &Cell<'_>) {
        if self.is_unchanged(name, cell) {
            return;
        }
        if let Err((message, fix)) = self.attribute_named(name) {
            let column = format!("{CUSTOM_ATTRIBUTES}.{name}");
            let problem = UNKNOWN_ATTRIBUTE.problem(&column, &shown(cell), message, &fix);
            self.problems.push(problem);
        }
    }

    /// Adds the problem for a text that the asset has too, but that means another number with the options for reading.
    /// It may be unchanged, or written by the office.
    fn refuse_reading(&mut self, index: usize, column: Option<Column>, cell: &Cell<'_>, read: &str) {
        let name = column.map_or(&*self.attributes[index].name, |column| {
            called_of(&self.columns, column)
        });
        let (name, value) = (name.to_owned(), shown(cell));
        let message = format!(
            "`{name}` is '{value}', like the asset, but means {read} with decimal= and thousands=, so it is unclear \
             whether it was changed"
        );
        let fix = "leave out decimal= and thousands= if the file was written from a table of assets, or write the number \
                   without separators";
        self.problems.push(NUMBER.problem(&name, &value, message, fix));
    }

    /// Writes one custom attribute, from its own column or from a dict. `reading` is the index in `readings`.
    #[allow(clippy::too_many_lines)] // The steps of one cell, in order.
    fn attribute_cell(&mut self, index: usize, column: Option<Column>, reading: usize, cell: &Cell<'_>) {
        let name = &self.attributes[index].name;
        match self.reads_otherwise(name, &self.readings[reading], cell) {
            None if self.is_unchanged(name, cell) => return,
            // The rows of an office that a create has compared are read as by that create.
            Some(read) if self.policy.names.found_by.is_none() => {
                return self.refuse_reading(index, column, cell, &read);
            }
            _ => {}
        }
        let is_key = self.is_import_key(&self.attributes[index].name);
        let trimmed = is_key.then(|| without_blanks(cell)).flatten();
        let cell = trimmed.as_ref().unwrap_or(cell);
        let meaning = value::meaning(&self.policy, cell, false);
        if matches!(meaning, Ok(Meaning::Absent)) {
            return self.note_uncompared_attribute(column, index);
        }
        let lost = self.lost_zeros(&self.attributes[index].name, cell);
        // `index` was returned by `attribute`, and attributes are never removed.
        let attribute = &mut self.attributes[index];
        let known = attribute
            .known
            .zip(self.policy.names.settings.as_deref())
            .map(|(place, settings)| (place, &settings.content().attributes[place]));
        if known.is_some_and(|(_, known)| typed::is_blank(known, cell)) {
            return self.note_uncompared_attribute(column, index);
        }
        let twice = attribute.last_given == self.rows;
        attribute.last_given = self.rows;
        let start = self.attribute_body.len();
        self.attribute_body
            .extend_from_slice(attribute.opening.as_bytes());
        let value = self.attribute_body.len();
        let is_text = known.is_some_and(|(_, known)| known.data_type == "text");
        let meaning = meaning.and_then(|meaning| {
            if let Some(lost) = lost.filter(|_| is_text) {
                return Err(lost);
            }
            let name = column
                .filter(|_| is_key)
                .map(|column| called_of(&self.columns, column));
            self.office
                .check(name, cell, is_text, self.policy.is_workbook())?;
            Ok(meaning)
        });
        let body = &mut self.attribute_body;
        let written = meaning.and_then(|meaning| match (meaning, known, &mut self.names) {
            (Meaning::Value, Some((place, known)), Some(names)) => {
                names.given.insert(place);
                let reading = &self.readings[reading];
                let written = typed::write(known, place, cell, (&self.policy, reading), names, body);
                let (is_read, row) = (written.is_ok(), self.rows - 1);
                self.doubts
                    .add(column, &known.data_type, cell, reading, is_read, row);
                written
            }
            (Meaning::Value, ..) => value::attribute(cell, self.policy.dates, body),
            (_, Some((place, _)), Some(names)) => {
                names.cleared.insert(place);
                body.extend_from_slice(b"null");
                Ok(())
            }
            _ => {
                body.extend_from_slice(b"null");
                Ok(())
            }
        });
        let name = &self.attributes[index].name;
        if written.is_ok() && self.is_same(name, &self.attribute_body[value..]) {
            if !twice {
                self.attributes[index].last_given = 0;
            }
            if let (Some(place), Some(names)) = (self.attributes[index].known, &mut self.names) {
                names.given.set(place, twice && names.given.contains(place));
                names.cleared.set(place, twice && names.cleared.contains(place));
            }
            return self.attribute_body.truncate(start);
        }
        self.attribute_body.push(b',');
        if !twice && written.is_ok() {
            if is_key {
                self.import_key_at = Some(value..self.attribute_body.len() - 1);
                self.office.key_is_number = is_number(cell);
            }
            if self.compares_numbers(cell) {
                let text = self.attribute_body.get(value + 1..self.attribute_body.len() - 2);
                let field = &self.attributes[index].name;
                self.office.note_text(field, text.unwrap_or_default());
            }
            let attribute = &self.attributes[index];
            let name = column.map_or(&*attribute.name, |column| called_of(&self.columns, column));
            if is_key && arrived_as_number(cell) {
                self.office.note_number(name, self.rows - 1);
            } else if trimmed.is_some() {
                let name = name.to_owned();
                self.note_trimmed(name);
            }
            if value::is_blank_as_text(cell) {
                self.note_blank(self.attributes[index].name.clone());
            }
            return;
        }
        self.attribute_body.truncate(start);
        let written = written.map_err(|refusal| {
            let refusal = self.with_fix_of_date(column, cell, refusal);
            self.with_fix_of_placeholder(column, cell, refusal)
        });
        let column = match column.and_then(|column| self.columns.get(column.0 as usize)) {
            Some(named) => named.name.clone(),
            None => format!("{CUSTOM_ATTRIBUTES}.{}", self.attributes[index].name),
        };
        self.problems.push(match written {
            Err(refusal) => refused(&column, cell, &refusal),
            Ok(()) => given_twice(
                &column,
                &self.attribute_column(index).unwrap_or_else(|| column.clone()),
                cell,
            ),
        });
    }

    /// Returns the name of a custom attribute's column in the user's data, if there is such a column.
    pub(super) fn attribute_column(&self, attribute: usize) -> Option<String> {
        self.attributes[attribute]
            .column
            .map(|column| self.called(column).to_owned())
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
        if let Some(problem) = self.totals_row() {
            out.truncate(self.start);
            return Err(vec![problem]);
        }
        // A row without an id has no asset to compare its cells with.
        self.release_held(out);
        self.end_import_key(out);
        self.end_names(out);
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

    /// Returns the heading of the column that sets a field or custom attribute, or else its name.
    pub fn heading_of(&self, field: &str) -> String {
        if let Some(field) = FIELDS.iter().position(|known| known.name == field) {
            return self.field_called(field);
        }
        let attribute = self.attribute_indexes.get(field);
        let column = attribute.and_then(|attribute| self.attribute_column(*attribute));
        let entry = || {
            let mut entries = self.entries.iter();
            entries.find(|entry| entry.attribute.is_some() && entry.attribute == attribute.copied())
        };
        // No column has the attribute.
        let shown = || {
            let settings = self.names.as_ref()?.settings.content();
            let attribute = settings.attributes.iter().find(|known| known.name == field)?;
            Some(attribute.display_name.clone())
        };
        column
            .or_else(|| Some(entry()?.name.clone()))
            .or_else(shown)
            .unwrap_or_else(|| field.to_owned())
    }

    /// Returns the problem with a row of totals. A row with all required fields is an asset, whatever its name.
    fn totals_row(&self) -> Option<Problem> {
        // A column that is not recognized may be a required field, whose name the settings tell.
        if self
            .problems
            .iter()
            .any(|problem| problem.code == UNKNOWN_COLUMN.code)
        {
            return None;
        }
        let is_total = match self.policy.shape {
            RowShape::NewAsset => self.office.is_total(self.given),
            RowShape::AssetPatch => self.office.is_total_without_id(self.id == Given::No),
            RowShape::Id => false,
        };
        let left = self
            .policy
            .names
            .rows_of_file
            .map(|rows| rows.saturating_sub(self.rows - 1));
        is_total
            .then(|| self.office.totals_row(left, self.policy.names.skipped))
            .flatten()
    }

    /// Returns the names of the columns.
    pub(super) fn column_names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|named| named.name.as_str())
    }

    /// Returns the names in dicts of custom attributes.
    pub(super) fn entry_names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str())
    }

    fn is_import_key(&self, name: &str) -> bool {
        self.policy
            .import_key
            .as_ref()
            .is_some_and(|key| key.field == name)
    }

    /// Reads or generates the import key of the row.
    fn end_import_key(&mut self, out: &mut Vec<u8>) {
        let Some(key) = self.policy.import_key.clone() else {
            return;
        };
        let field = &key.field;
        let attribute = *field != BARCODE;
        let found = self.import_key_at.take();
        match found {
            Some(at) if !key.is_generated => {
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
                    Some(text) => {
                        self.office.note_key(&text);
                        self.import_key = text;
                    }
                    None => self.bad_import_key(field, "must be text to identify a row", ""),
                }
            }
            Some(_) => self.bad_import_key(
                field,
                "a key is generated for each row, but this row has one",
                "leave out the column, or do not use GeneratedKey",
            ),
            None if key.is_generated => {
                self.import_key = format!("{}{}", key.prefix, self.number);
                let json = format!("\"{field}\":\"{}\",", self.import_key);
                if attribute { &mut self.attribute_body } else { out }.extend_from_slice(json.as_bytes());
            }
            // If the row has another problem, the key cell may be invalid rather than blank, and has already
            // been reported.
            None if !self.problems.is_empty() => {}
            None if self.uses.iter().any(|used| used.field.as_ref() == Some(field)) => {
                self.bad_import_key(field, "blank", "");
            }
            None => {
                let fix = "name the column that has the keys with mapping=. Without import_key=, rows that the project has \
                           are created again";
                self.no_column(&self.heading_of(field), "it is the import_key", fix);
            }
        }
    }

    fn bad_import_key(&mut self, field: &str, why: &str, fix: &str) {
        let column = self.heading_of(field);
        let message = format!("the import key `{column}` is invalid: {why}");
        self.problems.push(IMPORT_KEY.problem(&column, "", message, fix));
    }

    /// Returns the import key of the row, or an empty string if the row has none.
    pub fn import_key(&self) -> &str {
        &self.import_key
    }

    /// Returns whether the rows have their own import keys, which an earlier run may have used as well.
    pub fn import_keys_are_given(&self) -> bool {
        self.policy
            .import_key
            .as_ref()
            .is_some_and(|key| !key.is_generated)
    }

    /// Adds the problem for a required field without a value. `fix` is the fix for a blank cell.
    fn missing_field(&mut self, field: usize, fix: &str) {
        const WHY: &str = "required for a new asset";
        let name = self.field_called(field);
        let of_template = if field == CATEGORY && self.row_title().is_none() {
            ". A template remembers its category: pass the file itself, not a table read from it"
        } else {
            ""
        };
        if self.field_columns[field].is_some() {
            let is_template = self.column_names().any(|name| name.ends_with(REQUIRED_MARK));
            let of_template = if is_template { of_template } else { "" };
            // Only the first of several merged cells has a value. Names are never merged, and sheets have no API names.
            let (given, blank) = self.given_and_blank[field];
            let are_merged = field != CLIENT_ASSET && 0 < given && given <= blank;
            let of_merged = if are_merged && !is_api_name(&name) && !self.is_filled(&name) {
                format!(", or set fill_down=[\"{name}\"] if its cells are merged")
            } else {
                String::new()
            };
            return self.blank(&name, WHY, &format!("{fix}{of_merged}{of_template}"));
        }
        let fix = format!("add it, or map a column to it with mapping={{'...': '{name}'}}{of_template}");
        self.no_column(&name, WHY, &fix);
    }

    /// Returns whether `fill_down` fills a column.
    fn is_filled(&self, column: &str) -> bool {
        let Names {
            mapping,
            settings,
            reading,
            ..
        } = &self.policy.names;
        let mapped = (&mapping[..], settings.as_deref());
        reading
            .fill_down
            .iter()
            .any(|name| columns::is_called(column, name, mapped))
    }

    /// Returns the columns of fields and custom attributes, each with the rows in which it is blank.
    pub(super) fn blank_columns(&self) -> impl Iterator<Item = (&str, Blanks)> {
        let is_read = |named: &&Named| matches!(named.slot, Slot::Field(_) | Slot::Attribute(_));
        let columns = self.columns.iter().filter(is_read);
        columns.map(|named| (named.name.as_str(), named.blanks))
    }

    /// Adds the problem for a row without an id.
    fn missing_id(&mut self) {
        const WHY: &str = "it identifies the asset";
        let name = self.policy.id_column.clone();
        if self.handles.contains_key(&name) {
            return self.blank(&name, WHY, "fill in the cell");
        }
        let fix = match self.policy.shape {
            RowShape::AssetPatch => {
                "add a column of asset ids, such as result.ids of the create, or pass its name as key="
            }
            _ => "pass the name of the id column as key=",
        };
        self.no_column(&name, WHY, fix);
    }

    fn blank(&mut self, name: &str, why: &str, fix: &str) {
        let message = format!("`{name}` is blank: {why}");
        self.problems.push(REQUIRED.problem(name, "", message, fix));
    }

    fn no_column(&mut self, name: &str, why: &str, fix: &str) {
        let is_known = |used: &ColumnUse| used.field.is_some();
        let too_low = self.too_low().filter(|_| !self.uses.iter().any(is_known));
        let fix = &too_low.map_or_else(|| fix.to_owned(), |too_low| format!("{fix}; {too_low}"));
        let mut message = format!("no column `{name}`: {why}. The columns are ");
        for (index, named) in self.columns.iter().enumerate().take(COLUMNS_SHOWN) {
            let comma = if index == 0 { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(message, "{comma}`{}`", named.name);
        }
        match self.columns.len() {
            0 => message.push_str("none"),
            count if count > COLUMNS_SHOWN => {
                let _ = write!(message, " and {} more", count - COLUMNS_SHOWN);
            }
            _ => {}
        }
        self.problems.push(REQUIRED.problem(name, "", message, fix));
    }

    /// Returns the fix for column names that were skipped.
    fn too_low(&self) -> Option<String> {
        let skipped = self.policy.names.skipped_above.as_ref()?;
        Some(format!(
            "if {skipped} has the column names, set skip_rows= to the number of rows above it"
        ))
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

    /// Forgets that the row that just ended has the same name or barcode as an earlier row: it is not sent.
    pub fn forget_repeats(&mut self) {
        self.notices.forget_repeats(self.rows - 1);
    }

    /// Returns the warnings, which make no row invalid. `named` returns the label of a row.
    pub fn warnings(&self, named: &dyn Fn(usize) -> String) -> Vec<String> {
        let (typos, unknown) = self.ignored();
        let blanks = self.blanks_as_text.iter().map(|(column, row)| {
            let first = named(*row);
            format!(
                "column '{column}' has text such as 'nan' (first: {first}), which looks like a blank cell \
                    and is sent unchanged. Remove astype(str), or replace the text with None"
            )
        });
        let trimmed = self.trimmed.iter().map(|(column, rows, first)| {
            let rows = in_rows(*rows, &named(*first));
            format!("leading or trailing spaces were removed from `{column}` {rows}")
        });
        let overlong = self.overlong.iter().map(|(column, expected, rows, first)| {
            let rows = in_rows(*rows, &named(*first));
            format!(
                "`{column}` is longer than {expected} characters {rows}. The service may reject it; \
                shorten it"
            )
        });
        let noticed = self.names.as_ref().map_or_else(Vec::new, |names| {
            self.notices
                .told(&names.settings, &self.field_called(CLIENT_ASSET), named)
        });
        typos
            .into_iter()
            .chain(self.doubts(named))
            .chain(self.numbers(named))
            .chain(blanks)
            .chain(trimmed)
            .chain(overlong)
            .chain(unknown)
            .chain(self.outcomes())
            .chain(self.compared())
            .chain(self.ignored_edits.warnings(named))
            .chain(self.notes_on_options())
            .chain(noticed)
            .collect()
    }

    /// Returns the warning about ignored columns of outcomes.
    fn outcomes(&self) -> Option<String> {
        let mut columns = self.uses.iter().filter(|used| used.note == OF_OUTCOMES);
        let first = &columns.next()?.column;
        let all: Vec<String> = std::iter::once(first)
            .chain(columns.map(|used| &used.column))
            .map(|column| format!("`{column}`"))
            .collect();
        Some(format!(
            "columns with the outcomes of an earlier call were ignored: {}. To import one, use mapping={{'{first}': ...}}",
            all.join(", ")
        ))
    }

    /// Returns the warnings about ignored columns: one per column whose name is probably a typo, and one for all
    /// other unknown columns.
    fn ignored(&self) -> (Vec<String>, Option<String>) {
        let unknown =
            |used: &&ColumnUse| used.field.is_none() && used.note.starts_with(columns::NOT_RECOGNIZED);
        let (typos, others): (Vec<&ColumnUse>, Vec<&ColumnUse>) = self
            .uses
            .iter()
            .filter(unknown)
            .partition(|used| used.title.is_some());
        let typos = typos.into_iter().map(|ColumnUse { column, title, .. }| {
            let title = title.as_deref().unwrap_or_default();
            format!(
                "did you mean `{title}`? Column '{column}' was ignored because its name is unknown. Rename it, or \
                ignore it with mapping={{'{column}': None}}"
            )
        });
        let others: Vec<&str> = others.iter().map(|used| used.column.as_str()).collect();
        let unknown = match others[..] {
            [] => None,
            [..] if others.len() == self.uses.len() && self.rows > 0 => Some(format!(
                "no column name is known: '{}'. Map them with mapping=, or {}",
                others.join("', '"),
                self.too_low().unwrap_or_else(|| {
                    "if the column names are in a lower row of the file, set skip_rows= to the number of rows above \
                    them"
                        .to_owned()
                })
            )),
            [one] => Some(format!(
                "column '{one}' was ignored: unknown column. To import it, use mapping={{'{one}': ...}}"
            )),
            [first, ..] => Some(format!(
                "{} columns were ignored: unknown columns '{}'. To import one, use mapping={{'{first}': ...}}",
                others.len(),
                others.join("', '")
            )),
        };
        (typos.collect(), unknown)
    }
}

/// The fix of a cell in the id column of a patch that is no id.
const FIX_OF_PATCH: &str = "use the id assigned by the service. If another column identifies the assets, pass the result of \
                         create(rows, import_key=...) to patch";

/// Returns whether a name is used only in the API. People also write "description" and "barcode".
fn is_api_name(name: &str) -> bool {
    name.ends_with("Id") && FIELDS.iter().any(|field| field.name == name)
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
        None => identity.cell(seed, cell),
    }
}

/// Returns the name of a column in the user's data.
fn called_of(columns: &[Named], column: Column) -> &str {
    columns
        .get(column.0 as usize)
        .map_or("", |named| named.name.as_str())
}

fn mapped_note(is_mapped: bool) -> &'static str {
    if is_mapped { "set by mapping=" } else { "" }
}

fn set_by_service(name: &str) -> Slot {
    let message = format!("`{name}` is set by the service and cannot be written");
    Slot::Refused(Box::new(SET_BY_SERVICE.problem(name, "", message, "")), None)
}

/// Returns the JSON before a value: `"name":`. The name must not need escapes.
fn opening(name: &str) -> String {
    format!("\"{name}\":")
}

/// The maximum number of columns named in a message.
const COLUMNS_SHOWN: usize = 20;

pub(super) fn refused(column: &str, cell: &Cell<'_>, refusal: &Refusal) -> Problem {
    let value = shown(cell);
    let message = match cell {
        Cell::Text(_) | Cell::Shown { .. } => format!("`{column}` is '{value}': {}", refusal.reason),
        Cell::Formula { cell, formula: "" } => {
            format!("`{column}` is a formula in cell {cell}: {}", refusal.reason)
        }
        Cell::Formula { cell, formula } => {
            let formula = shortened(formula, LONGEST_FORMULA);
            format!(
                "`{column}` is the formula `{formula}` in cell {cell}: {}",
                refusal.reason
            )
        }
        _ => format!("`{column}` is {value}: {}", refusal.reason),
    };
    refusal.rule.problem(column, &value, message, &refusal.fix)
}

/// Creates the problem for a field that was given twice. `first` is the earlier column with the same meaning.
fn given_twice(column: &str, first: &str, cell: &Cell<'_>) -> Problem {
    let message = if first == column {
        format!("`{column}` appears twice in this row")
    } else {
        format!("`{column}` and `{first}` set the same field, and both have a value in this row")
    };
    TWICE.problem(column, &shown(cell), message, "")
}

/// The maximum length of a formula in a message.
const LONGEST_FORMULA: usize = 40;

/// Returns the trimmed string. `None` if trimming would change nothing or leave nothing.
fn without_blanks<'c>(cell: &Cell<'c>) -> Option<Cell<'c>> {
    let (Cell::Text(text) | Cell::Shown { text, .. }) = cell else {
        return None;
    };
    let kept = trimmed(text);
    (kept.len() < text.len() && !kept.is_empty()).then_some(Cell::Text(kept))
}

fn is_blank(cell: &Cell<'_>) -> bool {
    match cell {
        Cell::Null => true,
        Cell::Text(text) => trimmed(text).is_empty(),
        _ => false,
    }
}

pub(super) fn is_number(cell: &Cell<'_>) -> bool {
    matches!(
        cell,
        Cell::Int(_) | Cell::Float(_) | Cell::Float32(_) | Cell::Digits(_)
    )
}

/// Formats and shortens a value for a message.
pub(super) fn shown(cell: &Cell<'_>) -> String {
    const LONGEST: usize = 60;
    let text = match cell {
        Cell::Null => "null".into(),
        Cell::Clear => "CLEAR".into(),
        Cell::Bool(value) => value.to_string(),
        Cell::Int(number) => number.to_string(),
        Cell::Float(number) => number.to_string(),
        Cell::Float32(number) => number.to_string(),
        Cell::Digits(text) | Cell::Text(text) | Cell::Shown { text, .. } => return shortened(text, LONGEST),
        Cell::Date(date) => date.to_string(),
        Cell::DateTime(moment) => moment.to_string(),
        Cell::Zoned(moment, offset) => with_offset(*moment, *offset),
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
        Cell::Formula { cell, formula: "" } => format!("a formula (cell {cell})"),
        Cell::Formula { cell, formula } => {
            format!("{} (cell {cell})", shortened(formula, LONGEST_FORMULA))
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
