//! Scans rows before a call, to determine what must be read to check them.

use uuid::Uuid;

use crate::api::RowShape;
use crate::error::Error;
use crate::input::{Cell, Column, Label, More, Sink, Source, SourceError};
use crate::rows::{Names, RowWriter};
use crate::run::options::WriteOptions;

/// The result of a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanResult {
    /// Whether the rows have names or custom attributes, which require the project's settings.
    pub names: bool,
    /// The ids of the assets that the checks for a patch depend on.
    pub assets: Vec<String>,
    /// Whether the rows of a patch are compared with their assets, for example because they were read from the service.
    /// `assets` then contains the ids of all rows.
    pub compared: bool,
}

/// The scan pauses after this many rows to let other Python threads run.
const PAUSE: usize = 1024;

/// Codes of problems that can be caused by a name used in place of an id.
const OF_NAMES: [&str; 5] = [
    "unknown_column",
    "unknown_attribute",
    "whole_number",
    "turned_to_text",
    "uuid",
];

/// Scans all rows of a write. `names` is the data for looking up names, or the reason why the settings are needed.
///
/// # Errors
/// If the source fails.
pub fn scan(
    source: &mut dyn Source,
    options: &WriteOptions,
    shape: RowShape,
    names: Result<Names, Error>,
) -> Result<ScanResult, SourceError> {
    // A mapping may contain attributes that are not known yet.
    let Ok(names) = names else {
        return Ok(ScanResult {
            names: true,
            ..ScanResult::default()
        });
    };
    let mut writer = RowWriter::new(options.policy(shape, None, names));
    writer.without_digests();
    let mut scanner = Scanner {
        shape,
        writer,
        body: Vec::new(),
        ids: Vec::new(),
        found: ScanResult::default(),
    };
    while source.fill(&mut scanner)? == More::Rows {}
    let Scanner {
        writer,
        ids,
        mut found,
        ..
    } = scanner;
    found.names |= writer.has_attributes();
    if options.compared || writer.are_of_service() {
        found.compared = true;
        found.assets = ids.iter().map(Uuid::to_string).collect();
    }
    Ok(found)
}

struct Scanner {
    shape: RowShape,
    writer: RowWriter,
    body: Vec<u8>,
    /// The ids of all rows of a patch.
    ids: Vec<Uuid>,
    found: ScanResult,
}

impl Sink for Scanner {
    fn column(&mut self, name: &str) -> Column {
        self.writer.column(name)
    }

    fn begin(&mut self, _: Label<'_>) -> bool {
        self.body.clear();
        self.writer.begin(&mut self.body);
        true
    }

    fn cell(&mut self, column: Column, value: &Cell<'_>) {
        self.writer.cell(column, value, &mut self.body);
    }

    fn broken(&mut self, _: Label<'_>, _: &str) {
        self.writer.skip();
    }

    fn end(&mut self) {
        let checked = self.writer.end(&mut self.body);
        if let Err(problems) = checked {
            self.found.names |= problems
                .iter()
                .any(|problem| OF_NAMES.contains(&problem.code.as_ref()));
        }
        if self.shape == RowShape::AssetPatch {
            self.ids.extend(Uuid::try_parse(self.writer.key()));
        }
        if self.writer.needs_its_asset() {
            self.found.assets.push(self.writer.key().to_owned());
        }
    }

    fn full(&self) -> bool {
        self.writer.rows_read().is_multiple_of(PAUSE)
    }
}
