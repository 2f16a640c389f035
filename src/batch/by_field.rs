//! Reads the assets that have one of the given values in a field other than their id.
//!
//! GET assets has no filter for the Asset ID or the barcode (tutorial "Retrieve assets data"). A search ignores case,
//! also finds parts of texts, and the pages do not say which fields it covers. So values are compared here, and a
//! search is trusted only for what it finds: the list of the project is read unless every value was found.

use std::collections::{HashMap, HashSet};

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::api::{Query, assets};
use crate::batch::rest::ReadEnd;
use crate::call::{Page, Pages, Session};
use crate::columns::{self, Table};
use crate::error::{Error, shortened, stopped};
use crate::http::{Phase, Stop};
use crate::ids::ProjectId;
use crate::input::{Cell, Column, Label, More, Sink, Source};
use crate::model::text::trimmed;
use crate::model::value;
use crate::validation::columns::CUSTOM_ATTRIBUTES;
use crate::validation::compare::as_number;
use crate::validation::lookup;

/// The longest value to search for, which is the limit for text attributes.
const LONGEST: usize = 250;

/// Rows per page of the result, as many as the service returns.
const PAGE_ROWS: usize = 200;

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
        let mut found = Found::default();
        let read = tokio::select! {
            read = self.find(source, &mut found) => read,
            () = stop.reached(Phase::Now) => Err(stopped()),
        };
        let (table, error) = match (found.table(read.is_ok()), read) {
            (Ok(table), read) => (table, read.err()),
            (Err(error), read) => (Table::default(), Some(read.err().unwrap_or(error))),
        };
        ReadEnd {
            table,
            rest: None,
            error,
        }
    }

    async fn find(&self, source: Box<dyn Source>, found: &mut Found) -> Result<(), Error> {
        *found = Found::of(values(source, &self.options.column).await?);
        if found.values.is_empty() {
            return Ok(());
        }
        let mut list = self.pages(None)?;
        let Some(first) = list.next().await? else {
            return Ok(());
        };
        let rows = self.take(&first, found)?;
        if list.is_at_end() {
            return Ok(());
        }
        let left = first.total.map_or(0, |total| total.saturating_sub(rows));
        let pays = (found.values.len() as u64) < left.div_ceil(rows.max(1));
        // A search for 17 may leave out 0017.
        let searchable = found.numbers.is_empty() && found.values.iter().all(|value| value.len() <= LONGEST);
        if pays && searchable && self.search(found).await? {
            return Ok(());
        }
        while let Some(page) = list.next().await? {
            self.take(&page, found)?;
        }
        Ok(())
    }

    /// Searches for each value with one request. Returns whether all values were found, no search had a second
    /// page, and none was rejected, for example because of a value.
    async fn search(&self, found: &mut Found) -> Result<bool, Error> {
        let at_once = self.session.caller.options().max_in_flight;
        let values = found.values.clone();
        let searches = values.into_iter().map(|value| async move {
            let mut pages = self.pages(Some(&value))?;
            match pages.next().await {
                Err(Error::Service(refusal)) if [400, 414, 422].contains(&refusal.status) => {
                    Ok((None, false))
                }
                page => Ok::<_, Error>((page?, pages.is_at_end())),
            }
        });
        let mut searches = stream::iter(searches).buffer_unordered(at_once);
        let mut complete = true;
        while let Some(searched) = searches.next().await {
            let (page, at_end) = searched?;
            if let Some(page) = page {
                self.take(&page, found)?;
            }
            complete &= at_end;
        }
        Ok(complete && found.missing().is_empty())
    }

    /// Returns the list of the project, or a search. Deleted assets are listed too, and the oldest first, so that no
    /// change by other users shifts the pages.
    fn pages(&self, value: Option<&str>) -> Result<Pages<'_>, Error> {
        let options = &self.options;
        let custom = options.include_custom_attributes || !self.is_base_field();
        let mut query: Query = [
            ("includeCustomAttributes", custom.to_string()),
            ("includeDeleted", true.to_string()),
            ("sort", "createdAt asc".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        if let Some(value) = value {
            let filter = if self.is_base_field() {
                "filter[searchText]".to_owned()
            } else {
                format!("filter[{CUSTOM_ATTRIBUTES}][{}]", options.field)
            };
            query.push((filter, value.to_owned()));
        }
        let call = self
            .session
            .to(&assets::LIST, &[("project", &self.project.to_string())])?;
        // `take` compares the values, so it does not matter if the service ignores a filter.
        Ok(self.session.pages(call.with_query(query)).unchecked())
    }

    fn is_base_field(&self) -> bool {
        ["clientAssetId", "barcode"].contains(&self.options.field.as_str())
    }

    /// Keeps the assets of a page that have one of the values. Returns the number of rows on the page.
    fn take(&self, page: &Page, found: &mut Found) -> Result<u64, Error> {
        let mut rows = 0;
        for (text, id) in page.texts().zip(page.ids()) {
            rows += 1;
            let asset = value::read(text).filter(Value::is_object).ok_or_else(|| {
                assets::LIST.unreadable(&page.response, "it contains an entry that is not an asset")
            })?;
            let is_active = asset.get("isActive").and_then(value::flag) != Some(false);
            if (is_active || self.options.include_deleted)
                && let Some(value) = self.value(&asset)
            {
                found.add(&value, id, text);
            }
        }
        Ok(rows)
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

/// The assets found so far.
#[derive(Default)]
struct Found {
    /// The distinct values, in input order, and the place of each.
    values: Vec<String>,
    places: HashMap<String, usize>,
    /// The places of values that are numbers, by their usual text. Programs read texts such as 0017 as numbers.
    numbers: HashMap<String, usize>,
    /// The place of its value, and the JSON of each asset.
    assets: Vec<(usize, Box<str>)>,
    /// Digests of the ids of the assets.
    ids: HashSet<u64>,
}

impl Found {
    fn of(given: Vec<Given>) -> Self {
        let mut found = Self::default();
        for Given {
            text: value,
            is_number,
        } in given
        {
            let next = found.values.len();
            let place = *found.places.entry(value.clone()).or_insert(next);
            if let Some(number) = as_number(&value).filter(|_| is_number) {
                found.numbers.entry(number).or_insert(place);
            }
            if place == next {
                found.values.push(value);
            }
        }
        found
    }

    /// Keeps an asset, unless it was found before or its value is not wanted.
    fn add(&mut self, value: &str, id: Option<u64>, text: &str) {
        let as_number = || self.numbers.get(&as_number(value)?);
        let Some(place) = self.places.get(value).or_else(as_number) else {
            return;
        };
        let id = id.unwrap_or_else(|| xxh3_64(text.as_bytes()));
        if self.ids.insert(id) {
            self.assets.push((*place, text.into()));
        }
    }

    fn missing(&self) -> Vec<String> {
        let found: HashSet<usize> = self.assets.iter().map(|(place, _)| *place).collect();
        let values = self.values.iter().enumerate();
        let missing = values.filter(|(place, _)| !found.contains(place));
        missing.map(|(_, value)| value.clone()).collect()
    }

    /// Converts the assets to a table. Only after a complete read, the other values are known to be missing.
    fn table(mut self, complete: bool) -> Result<Table, Error> {
        let mut table = Table::default();
        if complete {
            table.missing = self.missing();
        }
        self.assets.sort_by_key(|(place, _)| *place);
        for (rows, first) in self.assets.chunks(PAGE_ROWS).zip((0..).step_by(PAGE_ROWS)) {
            let page = columns::Page::of(rows.iter().map(|(_, text)| &**text));
            let page = page.map_err(|error| assets::LIST.too_large(&error.to_string()))?;
            table.add(page, first..);
        }
        Ok(table)
    }
}

/// Reads the values in a column. Blank cells are left out.
async fn values(mut source: Box<dyn Source>, column: &str) -> Result<Vec<Given>, Error> {
    let mut read = Values {
        column,
        known: false,
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
        return Err(Error::Input(format!(
            "there is no column `{}`; pass the name of the column with the values as key=",
            shortened(column, 100)
        )));
    }
    Ok(read.texts)
}

/// A value to look for, and whether it was given as a number.
struct Given {
    text: String,
    is_number: bool,
}

struct Values<'c> {
    column: &'c str,
    /// Whether the rows have the column.
    known: bool,
    rows: usize,
    texts: Vec<Given>,
    /// Why a row is invalid.
    invalid: Option<String>,
}

const WANTED: Column = Column(0);
const OTHER: Column = Column(1);

impl Sink for Values<'_> {
    fn column(&mut self, name: &str) -> Column {
        let wanted = name == self.column;
        self.known |= wanted;
        if wanted { WANTED } else { OTHER }
    }

    fn begin(&mut self, _: Label<'_>) -> bool {
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
                self.texts.extend(text.map(|text| Given { text, is_number }));
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
        self.rows += 1;
    }

    fn full(&self) -> bool {
        self.rows.is_multiple_of(1024)
    }
}
