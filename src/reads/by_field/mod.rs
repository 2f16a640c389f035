//! Reads the assets that have one of the given values in a field other than their id.
//!
//! GET assets has no filter for the Asset ID or the barcode (tutorial "Retrieve assets data"). A search ignores case,
//! also finds parts of texts, and the pages do not say which fields it covers. So values are compared here, and a
//! search is trusted only for what it finds: the list of the project is read unless every value was found.

mod column;
mod wanted;

use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::Value;

use crate::api::assets::fields::LONGEST_ATTRIBUTE;
use crate::api::filters::Checks;
use crate::api::{Call, Query, assets};
use crate::call::Session;
use crate::columns::Table;
use crate::error::{Error, stopped};
use crate::http::{Phase, Stop, no_observer};
use crate::ids::ProjectId;
use crate::input::Source;
use crate::listing::{PER_PAGE, Values};
use crate::model::text::trimmed;
use crate::model::value;
use crate::reads::rest::ReadEnd;
use crate::rows::columns::CUSTOM_ATTRIBUTES;

use column::read_column;
use wanted::{MatchingAsset, Wanted};

/// The longest value to search for, which is the limit for text attributes.
const LONGEST: usize = LONGEST_ATTRIBUTE;

/// The options of a read by a field.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldOptions {
    /// The column with the values.
    pub column: String,
    /// The field, from [`field_of`](crate::rows::lookup::field_of).
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
        let table = wanted.table(found, read.is_ok(), &self.options.column);
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
        found: &mut Vec<MatchingAsset>,
        stop: &Stop,
    ) -> Result<(), Error> {
        let FieldOptions {
            column, row_title, ..
        } = &self.options;
        *wanted = Wanted::new(read_column(source, column, row_title.as_deref()).await?);
        if wanted.values().is_empty() {
            return Ok(());
        }
        let wanted = &*wanted;
        let extract = |row: &str| self.matching(row, wanted);
        let mut list = Values::new(self.session.clone(), self.call(None)?, &no_observer, &extract)?;
        let read = tokio::select! {
            read = self.read_list(&mut list, wanted) => read,
            () = stop.reached(Phase::Now) => Err(stopped()),
        };
        found.extend(list.end());
        read
    }

    async fn read_list(&self, list: &mut Values<'_, MatchingAsset>, wanted: &Wanted) -> Result<(), Error> {
        list.read_first().await?;
        let (rows, total) = list.progress();
        let left = total.map_or(0, |total| total.saturating_sub(rows));
        let pays = (wanted.values().len() as u64) < left.div_ceil(rows.max(1));
        // A search for 17 may not find 0017.
        let is_short = |value: &String| value.len() <= LONGEST;
        let searchable = !wanted.has_numbers() && wanted.values().iter().all(is_short);
        if pays && searchable && self.search(list, wanted).await? {
            return Ok(());
        }
        list.read().await
    }

    /// Searches for each value with one request. Returns whether all values were found, no search had a second
    /// page, and none was rejected, for example because of a value.
    async fn search(&self, list: &mut Values<'_, MatchingAsset>, wanted: &Wanted) -> Result<bool, Error> {
        let at_once = self.session.caller.options().max_in_flight;
        let values = wanted.values().to_vec();
        let searches = values.into_iter().map(|value| async move {
            let call = self.call(Some(&value))?;
            // The values are compared here, so it does not matter if the service ignores the filter.
            let checks = Checks::default();
            let page = self.session.turn_to(call, None, PER_PAGE, &checks, &no_observer);
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

    /// Returns the list of the project, or a search. Deleted assets are listed, too: `matching`
    /// decides whether they count.
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
    fn matching(&self, row: &str, wanted: &Wanted) -> Result<Option<MatchingAsset>, Error> {
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
        let index = value.as_deref().and_then(|value| wanted.index(value));
        if let (None, Some(value)) = (index, &value) {
            wanted.note_padded(value);
        }
        Ok(index.map(|index| MatchingAsset {
            index,
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
