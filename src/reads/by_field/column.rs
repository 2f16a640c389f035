//! Reads the values to look for from one column of the rows.

use crate::error::{Error, shortened};
use crate::input::{Cell, Column, Label, More, Sink, Source};
use crate::ledger::OwnedLabel;
use crate::model::text::composed;
use crate::rows::lookup;

/// The maximum number of columns in a message.
const MOST_NAMES: usize = 20;

/// A value to look for, and whether it was given as a number.
pub struct InputValue {
    pub text: String,
    pub is_number: bool,
}

/// The rows without a value: their number, and the name of the first one.
#[derive(Default)]
pub struct BlankRows {
    pub count: u64,
    pub first: String,
}

/// Reads the values in a column. Rows without a value are only counted. `row_title` is the title of the row labels,
/// such as "line".
///
/// # Errors
/// [`Error::Input`] if the rows cannot be read, if they do not have the column, or if a value is neither a text nor a
/// number.
pub async fn read_column(
    mut source: Box<dyn Source>,
    column: &str,
    row_title: Option<&str>,
) -> Result<(Vec<InputValue>, BlankRows), Error> {
    let mut read = ColumnSink {
        column,
        row_title,
        label: OwnedLabel::Number,
        is_blank: false,
        blank: BlankRows::default(),
        has_column: false,
        names: Vec::new(),
        rows: 0,
        values: Vec::new(),
        invalid: None,
    };
    while source.fill(&mut read)? == More::Rows && read.invalid.is_none() {
        // Reading does not yield by itself, so let the driver of the call check for signals.
        tokio::task::yield_now().await;
    }
    if let Some(invalid) = read.invalid {
        return Err(Error::Input(invalid));
    }
    if read.rows > 0 && !read.has_column {
        let names: Vec<String> = read.names.iter().take(MOST_NAMES).cloned().collect();
        return Err(Error::Input(format!(
            "no column `{}`: pass the name of the column with the values as key=. The columns are `{}`{}. If the first \
             row is not column names, pass the values as a list",
            shortened(column, 100),
            names.join("`, `"),
            if read.names.len() > MOST_NAMES {
                ", ..."
            } else {
                ""
            },
        )));
    }
    Ok((read.values, read.blank))
}

/// A sink that keeps the values of one column.
struct ColumnSink<'c> {
    column: &'c str,
    row_title: Option<&'c str>,
    /// The label of the current row, and whether the row has no value so far.
    label: OwnedLabel,
    is_blank: bool,
    blank: BlankRows,
    /// Whether the rows have the column.
    has_column: bool,
    /// The names of the columns, one more than a message shows.
    names: Vec<String>,
    rows: usize,
    values: Vec<InputValue>,
    /// Why a row is invalid.
    invalid: Option<String>,
}

const WANTED: Column = Column(0);
const OTHER: Column = Column(1);

impl ColumnSink<'_> {
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

impl Sink for ColumnSink<'_> {
    fn column(&mut self, name: &str) -> Column {
        let wanted = composed(name) == composed(self.column);
        self.has_column |= wanted;
        let name = shortened(name, 100);
        if self.names.len() <= MOST_NAMES && !self.names.contains(&name) {
            self.names.push(name);
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
                    self.values.push(InputValue { text, is_number });
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
            if self.blank.count == 0 {
                self.blank.first = self.name();
            }
            self.blank.count += 1;
        }
        self.rows += 1;
    }

    fn full(&self) -> bool {
        self.rows.is_multiple_of(1024)
    }
}
