//! Options for writes.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use crate::api::Query;
use crate::columns::Table;
use crate::error::Error;
use crate::ledger::View;
use crate::ledger::journal::Header;
use crate::rows::columns::Naming;
use crate::rows::{
    CurrentAssets, Dates, ImportKey, KnownAsset, Names, Nulls, Policy, Reading, RowShape, columns,
};
use crate::run::job::Tolerance;
use crate::run::start::{Resume, Which};
use crate::settings::Settings;

/// The options shared by all write methods.
#[allow(clippy::struct_excessive_bools)] // The options are independent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteOptions {
    pub batch_size: usize,
    pub nulls: Nulls,
    pub dates: Dates,
    /// The column that contains the ids.
    pub id: String,
    pub on_error: OnError,
    pub max_errors: Option<f64>,
    pub dry_run: bool,
    pub returning: bool,
    pub reconcile: bool,
    /// The field or column that identifies each row across imports.
    pub import_key: Option<String>,
    /// Whether the import keys are generated. Otherwise, the rows have them.
    #[serde(default)]
    pub generate_keys: bool,
    /// Whether a patch compares its rows with the current assets: the rows were read from the service, or differ from
    /// the assets with their import keys.
    #[serde(default)]
    pub compared: bool,
    /// The import key by which a create found the assets that a patch changes.
    #[serde(default)]
    pub found_by: Option<String>,
    /// The path of the run's journal file.
    pub run: Option<PathBuf>,
    /// The name of the run. `None` if the call has the path of the journal file instead.
    #[serde(default)]
    pub run_name: Option<String>,
    /// Column names, each with the field that the column maps to. A column that maps to `None` is ignored.
    pub mapping: Vec<(String, Option<String>)>,
    /// The file with the mapping, for messages.
    #[serde(default)]
    pub mapping_file: Option<String>,
    /// The separator between the names in the path of a category or location.
    pub separator: String,
    /// How to read text.
    #[serde(default)]
    pub reading: Arc<Reading>,
}

/// The separators in paths. The name of a run has none.
pub(super) const SEPARATORS: [char; 2] = ['/', '\\'];

/// What a call does when rows fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// Return the result.
    Collect,
    /// Raise an exception at the end of the call.
    Raise,
    /// Stop the call.
    Stop,
}

/// The options of a mapping file whose names may be those of columns, too.
const OPTIONS: [&str; 7] = [
    "sheet",
    "separator",
    "nulls",
    "dates",
    "encoding",
    "decimal",
    "thousands",
];

impl WriteOptions {
    /// Returns the policy for reading rows.
    #[must_use]
    pub fn policy(&self, shape: RowShape, import_key: Option<ImportKey>, names: Names) -> Policy {
        Policy {
            shape,
            nulls: self.nulls,
            dates: self.dates,
            id_column: self.id.clone(),
            import_key,
            names,
        }
    }

    /// Returns the data for looking up names in rows: the settings and, for a patch, the current assets.
    pub fn names(
        &self,
        shape: RowShape,
        settings: Option<Arc<Settings>>,
        assets: Option<&Table>,
    ) -> Result<Names, Error> {
        let current = assets.filter(|_| self.compared);
        let current = current.map(|assets| Arc::new(CurrentAssets::new(assets.clone())));
        let assets = settings.as_ref().zip(assets).map(|(settings, assets)| {
            let assets = assets.rows();
            let known = assets.filter_map(|asset| KnownAsset::read(&asset.into(), settings));
            Arc::new(known.collect())
        });
        let mapping = self.mapped(shape, settings.as_deref())?;
        let naming = Naming {
            fields: shape.fields(),
            mapping: &mapping,
            settings: settings.as_deref(),
        };
        self.reading.check_columns(naming).map_err(Error::Option)?;
        let found_by = self.found_by.as_ref();
        let found_by =
            found_by.and_then(|named| ImportKey::field_of(named, &mapping, settings.as_deref()).ok());
        Ok(Names {
            mapping,
            found_by,
            settings,
            separator: self.separator.clone(),
            reading: Arc::clone(&self.reading),
            assets,
            current,
            ..Names::default()
        })
    }

    /// Returns the field that contains the import keys.
    ///
    /// # Errors
    /// [`Error::Option`] if the import key is unknown or cannot identify rows.
    pub fn key_field(&self, shape: RowShape, settings: Option<&Settings>) -> Result<Option<String>, Error> {
        let Some(named) = &self.import_key else {
            return Ok(None);
        };
        let mapping = self.mapped(shape, settings)?;
        let field = ImportKey::field_of(named, &mapping, settings).map_err(Error::Option)?;
        Ok(Some(field))
    }

    /// Returns the mapping with the names of fields and custom attributes as targets.
    fn mapped(
        &self,
        shape: RowShape,
        settings: Option<&Settings>,
    ) -> Result<Vec<(String, Option<String>)>, Error> {
        self.mapping
            .iter()
            .map(|(column, target)| {
                let target = target
                    .as_ref()
                    .map(|target| columns::target(column, target, shape, settings))
                    .transpose()
                    .map_err(|message| match &self.mapping_file {
                        Some(file) if OPTIONS.contains(&&**column) => Error::Option(format!(
                            "{file}: {message}. If `{column}` is the option and not a column, write it below the line [read]"
                        )),
                        Some(file) => Error::Option(format!("{file}: {message}")),
                        None => Error::Option(message),
                    })?;
                Ok((column.clone(), target))
            })
            .collect()
    }

    /// Returns whether a column contains identifiers, whose leading zeros matter.
    #[must_use]
    pub fn is_identifier(&self, column: &str, shape: RowShape, settings: Option<&Settings>) -> bool {
        let naming = Naming {
            fields: shape.fields(),
            mapping: &self.mapping,
            settings,
        };
        let identifiers = naming.fields.0.iter().filter(|field| field.trims);
        identifiers
            .map(|field| field.name)
            .chain(self.import_key.as_deref())
            .any(|field| columns::is_called(column, field, naming))
    }

    /// Returns the number of rows that may fail. `rows` is `None` if the total is unknown.
    pub fn tolerance(&self, rows: Option<usize>) -> Result<Tolerance, Error> {
        Ok(match (self.on_error, self.max_errors) {
            (OnError::Stop, _) => Tolerance::None,
            (_, None) => Tolerance::All,
            (_, Some(part)) if part > 0.0 && part < 1.0 => {
                let rows = rows.ok_or_else(|| {
                    Error::Option(format!(
                        "max_errors={part} is a fraction, but the number of rows in a stream is unknown: \
                            use a number of rows"
                    ))
                })?;
                #[allow(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss
                )]
                // The value is between 0 and the number of rows.
                let most = (part * rows as f64) as u64;
                Tolerance::Rows(most)
            }
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            // The cast turns negative numbers into 0.
            (_, Some(rows)) => Tolerance::Rows(rows as u64),
        })
    }

    /// Returns whether to look up rows whose response was lost.
    #[must_use]
    pub fn reconciles(&self, which: Which) -> bool {
        self.reconcile || which == Which::Reconcile
    }

    /// Returns what identifies the run in a later call: its name, or else the path of its file, which contains a
    /// separator.
    #[must_use]
    pub fn run_name(&self) -> Option<String> {
        let path = self.run.as_ref()?.to_string_lossy();
        Some(match &self.run_name {
            Some(name) => name.clone(),
            None if path.contains(SEPARATORS) => path.into_owned(),
            None => format!("./{path}"),
        })
    }

    /// Returns how a write with these options resumes an earlier call. `rows` contains the rows of an earlier
    /// result to process.
    #[must_use]
    pub fn resume<'c>(&'c self, header: &'c Header, rows: Option<&'c View>, which: Which) -> Resume<'c> {
        Resume {
            header,
            run: self.run.as_deref(),
            dry_run: self.dry_run,
            reconcile: self.reconcile,
            rows,
            which,
        }
    }
}

/// Options for a batch-get.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetOptions {
    /// The column that contains the ids.
    pub id: String,
    pub include_custom_attributes: bool,
    pub include_deleted: bool,
    pub batch_size: usize,
}

impl GetOptions {
    /// Returns the query parameters documented on the "POST assets:batch-get" reference page.
    #[must_use]
    pub fn query(&self) -> Query {
        [
            ("includeCustomAttributes", self.include_custom_attributes),
            ("includeDeleted", self.include_deleted),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_string()))
        .into()
    }

    /// Returns the policy for reading only the ids of rows.
    #[must_use]
    pub fn policy(self, shape: RowShape) -> Policy {
        Policy {
            shape,
            nulls: Nulls::Omit,
            dates: Dates::Strict,
            id_column: self.id,
            import_key: None,
            names: Names::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn options(on_error: &str, max_errors: Option<f64>) -> WriteOptions {
        serde_json::from_value(json!({
            "batch_size": 100, "nulls": "clear", "dates": "truncate", "id": "id", "on_error": on_error,
            "max_errors": max_errors, "dry_run": false, "returning": false, "reconcile": true,
            "import_key": null, "run": null, "mapping": [], "separator": ">",
        }))
        .unwrap()
    }

    #[test]
    fn max_errors_is_a_number_or_a_fraction() {
        let of = |on_error, most, rows| options(on_error, most).tolerance(rows).unwrap();
        assert_eq!(of("stop", Some(5.0), None), Tolerance::None);
        assert_eq!(of("collect", None, None), Tolerance::All);
        assert_eq!(of("raise", Some(0.0), None), Tolerance::Rows(0));
        assert_eq!(of("raise", Some(7.0), None), Tolerance::Rows(7));
        assert_eq!(of("raise", Some(0.25), Some(10)), Tolerance::Rows(2));
        let error = options("raise", Some(0.25)).tolerance(None).unwrap_err();
        assert!(error.to_string().contains("use a number of rows"), "{error}");
    }

    #[test]
    fn options_determine_how_rows_are_read() {
        let policy = options("stop", None).policy(RowShape::IdOfAsset, None, Names::default());
        assert_eq!((policy.nulls, policy.dates), (Nulls::Clear, Dates::Truncate));
        assert_eq!(policy.id_column, "id");
    }
}
