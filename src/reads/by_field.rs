//! Reads the assets that have one of the given values in a field other than their id.
//!
//! GET assets has no filter for the Asset ID or the barcode (tutorial "Retrieve assets data"). A search ignores case,
//! also finds parts of texts, and the pages do not say which fields it covers. So values are compared here, and a
//! search is trusted only for what it finds: the list of the project is read unless every value was found.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;

use crate::api::filters::Checks;
use crate::api::{Call, Query, assets};
use crate::call::Session;
use crate::columns::{self, Table};
use crate::error::{Error, shortened, stopped};
use crate::http::{Phase, Stop, untold};
use crate::ids::ProjectId;
use crate::input::{Cell, Column, Label, More, Sink, Source};
use crate::ledger::OwnedLabel;
use crate::listing::{PER_PAGE, Values};
use crate::model::text::{composed, trimmed};
use crate::model::value;
use crate::reads::rest::ReadEnd;
use crate::rows::columns::CUSTOM_ATTRIBUTES;
use crate::rows::compare::as_number;
use crate::rows::{in_rows, lookup};

/// The longest value to search for, which is the limit for text attributes.
const LONGEST: usize = 250;

/// The options of a read by a field.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldOptions {
    /// The column with the values.
    pub column: String,
    /// The field, from [`lookup::field_of`].
    pub field: String,
    pub include_custom_attributes: bool,
    pub include_deleted: bool,
    /// The title of the row labels, such as "line".
    #[serde(skip)]
    pub row_title: Option<String>,
}

/// A read of assets by the values of a field.
pub struct ByField {
    pub session: Session,
    pub project: ProjectId,
    pub options: FieldOptions,
}

impl ByField {
    /// Reads all assets with one of the values. The table contains them in the order of the values, and the values
    /// without an asset. After an error, it contains the assets found so far.
    pub async fn read(self, source: Box<dyn Source>, stop: &Stop) -> ReadEnd {
        let (mut wanted, mut found) = (Wanted::default(), Vec::new());
        let read = self.find(source, &mut wanted, &mut found, stop).await;
        let table = wanted.table(found, read.is_ok(), &self.options);
        let (table, error) = match (table, read) {
            (Ok(table), read) => (table, read.err()),
            (Err(error), read) => (Table::default(), Some(read.err().unwrap_or(error))),
        };
        ReadEnd {
            table,
            rest: None,
            error,
        }
    }

    async fn find(
        &self,
        source: Box<dyn Source>,
        wanted: &mut Wanted,
        found: &mut Vec<Found>,
        stop: &Stop,
    ) -> Result<(), Error> {
        *wanted = Wanted::of(values(source, &self.options).await?);
        if wanted.values.is_empty() {
            return Ok(());
        }
        let wanted = &*wanted;
        let extract = |row: &str| self.found(row, wanted);
        let mut list = Values::new(self.session.clone(), self.call(None)?, &untold, &extract)?;
        let read = tokio::select! {
            read = self.read_list(&mut list, wanted) => read,
            () = stop.reached(Phase::Now) => Err(stopped()),
        };
        found.extend(list.end());
        read
    }

    async fn read_list(&self, list: &mut Values<'_, Found>, wanted: &Wanted) -> Result<(), Error> {
        list.read_first().await?;
        let (rows, total) = list.progress();
        let left = total.map_or(0, |total| total.saturating_sub(rows));
        let pays = (wanted.values.len() as u64) < left.div_ceil(rows.max(1));
        // A search for 17 may leave out 0017.
        let searchable =
            wanted.numbers.is_empty() && wanted.values.iter().all(|value| value.len() <= LONGEST);
        if pays && searchable && self.search(list, wanted).await? {
            return Ok(());
        }
        list.read().await
    }

    /// Searches for each value with one request. Returns whether all values were found, no search had a second
    /// page, and none was rejected, for example because of a value.
    async fn search(&self, list: &mut Values<'_, Found>, wanted: &Wanted) -> Result<bool, Error> {
        let at_once = self.session.caller.options().max_in_flight;
        let values = wanted.values.clone();
        let searches = values.into_iter().map(|value| async move {
            let call = self.call(Some(&value))?;
            // The values are compared here, so it does not matter if the service ignores the filter.
            let checks = Checks::default();
            let page = self.session.turn_to(call, None, PER_PAGE, &checks, &untold);
            match page.await {
                Err(Error::Service(refusal)) if [400, 414, 422].contains(&refusal.status) => Ok(None),
                page => page.map(Some),
            }
        });
        let mut searches = stream::iter(searches).buffer_unordered(at_once);
        let mut complete = true;
        while let Some(page) = searches.next().await {
            let page = page?;
            complete &= page.as_ref().is_some_and(|page| !page.next.more);
            if let Some(page) = page {
                list.add(&page)?;
            }
        }
        Ok(complete && wanted.missing(list.found()).is_empty())
    }

    /// Returns the list of the project, or a search. Deleted assets are listed, too: it is decided here whether they
    /// count.
    fn call(&self, value: Option<&str>) -> Result<Call, Error> {
        let options = &self.options;
        let custom = options.include_custom_attributes || !self.is_base_field();
        let mut query: Query = vec![("includeCustomAttributes".to_owned(), custom.to_string())];
        if let Some(value) = value {
            let filter = if self.is_base_field() {
                "filter[searchText]".to_owned()
            } else {
                format!("filter[{CUSTOM_ATTRIBUTES}][{}]", options.field)
            };
            query.push((filter, value.to_owned()));
            query.push(("includeDeleted".to_owned(), true.to_string()));
        }
        let call = self
            .session
            .to(&assets::LIST, &[("project", &self.project.to_string())])?;
        Ok(call.with_query(query))
    }

    fn is_base_field(&self) -> bool {
        assets::FIELDS.is_identifier(&self.options.field)
    }

    /// Reads an asset. Returns `None` if its value is not wanted, or it is deleted and such assets are not.
    fn found(&self, row: &str, wanted: &Wanted) -> Result<Option<Found>, Error> {
        let asset = value::read(row).filter(Value::is_object).ok_or_else(|| {
            Error::Input(
                "the project's assets cannot be read: the list contains an entry that is not an asset"
                    .to_owned(),
            )
        })?;
        if !value::is_active(asset.get("isActive"), asset.get("deletedAt")) && !self.options.include_deleted {
            return Ok(None);
        }
        let value = self.value(&asset);
        let place = value.as_deref().and_then(|value| wanted.place(value));
        if let (None, Some(value)) = (place, &value) {
            wanted.note_padded(value);
        }
        Ok(place.map(|place| Found {
            place,
            created: asset.get("createdAt").and_then(Value::as_str).map(str::to_owned),
            json: row.into(),
        }))
    }

    fn value(&self, asset: &Value) -> Option<String> {
        let field = self.options.field.as_str();
        let value = if self.is_base_field() {
            asset.get(field)?
        } else {
            asset.get(CUSTOM_ATTRIBUTES)?.get(field)?
        };
        match value {
            Value::String(text) => Some(trimmed(text).to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }
}

/// An asset with a wanted value. Sorts by value, then by creation time.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    /// The place of its value.
    place: usize,
    created: Option<String>,
    json: Box<str>,
}

/// The values to look for.
#[derive(Default)]
struct Wanted {
    /// The distinct values, in input order, and the place of each.
    values: Vec<String>,
    places: HashMap<String, usize>,
    /// The places of values that are numbers, by their usual text. Programs read texts such as 0017 as numbers.
    numbers: HashMap<String, usize>,
    /// The places of values that are digits without leading zeros, and the value of an asset with the same digits after
    /// leading zeros.
    padded: Mutex<BTreeMap<usize, String>>,
    blank: Blank,
}

/// The rows without a value: their number, and the name of the first one.
#[derive(Default)]
struct Blank {
    rows: u64,
    first: String,
}

impl Wanted {
    fn of((given, blank): (Vec<Given>, Blank)) -> Self {
        let mut wanted = Self {
            blank,
            ..Self::default()
        };
        for Given {
            text: value,
            is_number,
        } in given
        {
            let next = wanted.values.len();
            let place = *wanted.places.entry(value.clone()).or_insert(next);
            if let Some(number) = as_number(&value).filter(|_| is_number) {
                wanted.numbers.entry(number).or_insert(place);
            }
            if place == next {
                wanted.values.push(value);
            }
        }
        wanted
    }

    /// Returns the place of a value, if it is wanted.
    fn place(&self, value: &str) -> Option<usize> {
        let as_number = || self.numbers.get(&as_number(value)?);
        self.places.get(value).or_else(as_number).copied()
    }

    /// Notes a value of an asset that a wanted one may have been, before a program removed its leading zeros.
    fn note_padded(&self, value: &str) {
        let digits = value.trim_start_matches('0');
        if digits.len() < value.len()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && let Some(place) = self.places.get(digits)
        {
            let mut padded = self.padded.lock().unwrap_or_else(PoisonError::into_inner);
            padded.entry(*place).or_insert_with(|| value.to_owned());
        }
    }

    /// Returns the warnings about rows without a value, and about values that have lost leading zeros.
    fn warnings(&self, missing: &HashSet<&String>, column: &str) -> Vec<String> {
        let Blank { rows, first } = &self.blank;
        let blank = (*rows > 0).then(|| {
            format!(
                "`{column}` is blank {}. No assets were read for blank values",
                in_rows(*rows, first)
            )
        });
        let padded = self.padded.lock().unwrap_or_else(PoisonError::into_inner);
        let values = padded.iter().map(|(place, value)| (&self.values[*place], value));
        let lost: Vec<(&String, &String)> = values.filter(|(value, _)| missing.contains(value)).collect();
        let lost = lost.first().map(|(value, of_asset)| {
            format!(
                "`{column}`: {} may have lost leading zeros, for example {value}: the project has {of_asset}",
                match lost.len() {
                    1 => "1 value without an asset".to_owned(),
                    count => format!("{count} values without an asset"),
                }
            )
        });
        blank.into_iter().chain(lost).collect()
    }

    /// Returns the values without an asset.
    fn missing<'f>(&self, found: impl Iterator<Item = &'f Found>) -> Vec<String> {
        let found: HashSet<usize> = found.map(|found| found.place).collect();
        let values = self.values.iter().enumerate();
        let missing = values.filter(|(place, _)| !found.contains(place));
        missing.map(|(_, value)| value.clone()).collect()
    }

    /// Converts the assets to a table. Only after a complete read, the other values are known to be missing.
    fn table(&self, mut found: Vec<Found>, complete: bool, options: &FieldOptions) -> Result<Table, Error> {
        let mut table = Table::default();
        if complete {
            table.missing = self.missing(found.iter());
            table.warnings = self.warnings(&table.missing.iter().collect(), &options.column);
        }
        found.sort_unstable();
        let most = PER_PAGE as usize;
        for (rows, first) in found.chunks(most).zip((0..).step_by(most)) {
            let page = columns::Page::of(rows.iter().map(|found| &*found.json));
            let page = page.map_err(|error| assets::LIST.too_large(&error.to_string()))?;
            table.add(page, first..);
        }
        Ok(table)
    }
}

/// Reads the values in a column. Rows without a value are only counted.
async fn values(mut source: Box<dyn Source>, options: &FieldOptions) -> Result<(Vec<Given>, Blank), Error> {
    let column = &options.column;
    let mut read = GivenValues {
        column,
        row_title: options.row_title.as_deref(),
        label: OwnedLabel::Number,
        is_blank: false,
        blank: Blank::default(),
        known: false,
        columns: Vec::new(),
        rows: 0,
        texts: Vec::new(),
        invalid: None,
    };
    while source.fill(&mut read)? == More::Rows && read.invalid.is_none() {
        // Reading does not yield by itself, so let the driver of the call check for signals.
        tokio::task::yield_now().await;
    }
    if let Some(invalid) = read.invalid {
        return Err(Error::Input(invalid));
    }
    if read.rows > 0 && !read.known {
        let columns: Vec<String> = read.columns.iter().take(SHOWN).cloned().collect();
        return Err(Error::Input(format!(
            "no column `{}`: pass the name of the column with the values as key=. The columns are `{}`{}. If the first row \
             is not column names, pass the values as a list",
            shortened(column, 100),
            columns.join("`, `"),
            if read.columns.len() > SHOWN { ", ..." } else { "" },
        )));
    }
    Ok((read.texts, read.blank))
}

/// The maximum number of columns in a message.
const SHOWN: usize = 20;

/// A value to look for, and whether it was given as a number.
struct Given {
    text: String,
    is_number: bool,
}

struct GivenValues<'c> {
    column: &'c str,
    row_title: Option<&'c str>,
    /// The label of the current row, and whether the row has no value so far.
    label: OwnedLabel,
    is_blank: bool,
    blank: Blank,
    /// Whether the rows have the column.
    known: bool,
    columns: Vec<String>,
    rows: usize,
    texts: Vec<Given>,
    /// Why a row is invalid.
    invalid: Option<String>,
}

const WANTED: Column = Column(0);
const OTHER: Column = Column(1);

impl GivenValues<'_> {
    /// Returns the name of the current row.
    fn name(&self) -> String {
        match (self.row_title, self.label.as_label()) {
            (Some(title), Label::Int(number)) => format!("{title} {number}"),
            (_, Label::Int(label)) => format!("row {} (index {label})", self.rows),
            (_, Label::Text(label)) => format!("row {} (index {})", self.rows, shortened(label, 100)),
            (_, Label::Number) => format!("row {}", self.rows),
        }
    }
}

impl Sink for GivenValues<'_> {
    fn column(&mut self, name: &str) -> Column {
        let wanted = composed(name) == composed(self.column);
        self.known |= wanted;
        let name = shortened(name, 100);
        if self.columns.len() <= SHOWN && !self.columns.contains(&name) {
            self.columns.push(name);
        }
        if wanted { WANTED } else { OTHER }
    }

    fn begin(&mut self, label: Label<'_>) -> bool {
        self.label = label.into();
        self.is_blank = true;
        true
    }

    fn cell(&mut self, column: Column, value: &Cell<'_>) {
        if column != WANTED {
            return;
        }
        match lookup::text_of(value) {
            Ok(text) => {
                let is_number = matches!(
                    value,
                    Cell::Int(_) | Cell::Float(_) | Cell::Float32(_) | Cell::Digits(_)
                );
                if let Some(text) = text {
                    self.is_blank = false;
                    self.texts.push(Given { text, is_number });
                }
            }
            Err(lookup::NoText) => {
                self.invalid.get_or_insert_with(|| {
                    format!(
                        "row {}: `{}` is neither a text nor a number; correct or remove the row",
                        self.rows,
                        shortened(self.column, 100)
                    )
                });
            }
        }
    }

    fn broken(&mut self, _: Label<'_>, found: &str) {
        self.invalid
            .get_or_insert_with(|| format!("row {}: {found} is not a row; remove it", self.rows));
        self.rows += 1;
    }

    fn end(&mut self) {
        if self.is_blank {
            if self.blank.rows == 0 {
                self.blank.first = self.name();
            }
            self.blank.rows += 1;
        }
        self.rows += 1;
    }

    fn full(&self) -> bool {
        self.rows.is_multiple_of(1024)
    }
}
