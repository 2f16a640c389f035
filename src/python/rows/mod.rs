//! Rows from Python objects (dicts, columns, Arrow streams, lists of ids) and from Excel and CSV files.

mod cells;
mod dicts;
mod file;
mod frame;
mod items;
mod label;
mod origin;
mod problem;
mod source;
mod stream;
mod value_list;
mod walk;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyString;
use pythonize::depythonize;

use crate::input::sheet::encoding::named;
use crate::input::sheet::{Layout, Limits, Sheet};
use crate::input::{Padded, Selected, Selection, Source};
use crate::ledger::Ledger;
use crate::run::options::WriteOptions;

use frame::Frame;
use items::Items;
use origin::{Labels, Origin};
pub use source::PythonSource;
use stream::Stream;

/// Rows from any origin, ready to be read by the core.
#[pyclass(frozen, name = "Rows", module = "acc_assets._core")]
pub struct Rows {
    origin: Arc<Origin>,
    /// The number of rows in the origin, if known in advance. Rows whose number is known can be read again.
    length: Option<usize>,
    /// Which rows of the origin these are, if not all.
    selection: Option<Arc<Selection>>,
    /// The user's own index of the rows, returned unchanged.
    index: Option<Py<PyAny>>,
    /// The absolute path of the file that contains the rows.
    path: Option<PathBuf>,
}

#[pymethods]
impl Rows {
    /// Creates rows from dicts or other mappings. A list or tuple can be read again; other iterables can be read only
    /// once. `labels` contains one label per row, and is iterated along with the rows. `label_title` is the title of
    /// the labels, such as "line".
    #[staticmethod]
    #[pyo3(signature = (rows, /, labels=None, label_title=None))]
    fn from_dicts(
        rows: &Bound<'_, PyAny>,
        labels: Option<&Bound<'_, PyAny>>,
        label_title: Option<String>,
    ) -> PyResult<Self> {
        let (items, rows) = Items::new(rows)?;
        let length = labels.and_then(|labels| labels.len().ok());
        if let (Some(rows), Some(length)) = (rows, length)
            && rows != length
        {
            return Err(PyValueError::new_err(format!(
                "{length} labels for {rows} rows: pass one label per row"
            )));
        }
        let labels = labels.map(|labels| Labels {
            labels: labels.clone().unbind(),
            title: label_title,
        });
        Ok(Self::new(Origin::Dicts(items, labels), rows))
    }

    /// Creates rows from the columns in a frame. Each column is a sequence, a numpy array or the capsule of a
    /// single-column Arrow stream. A null mask has one byte per row, 1 for null; Arrow streams do not need one. `index`
    /// is the index of the frame, which `index` returns unchanged.
    #[staticmethod]
    #[pyo3(signature = (names, columns, nulls, labels, /, index=None))]
    #[allow(clippy::needless_pass_by_value)] // Arguments from Python are owned.
    fn from_columns(
        py: Python<'_>,
        names: Vec<Bound<'_, PyString>>,
        columns: Vec<Bound<'_, PyAny>>,
        nulls: Vec<Option<PyBackedBytes>>,
        labels: Option<Py<PyAny>>,
        index: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let frame = Frame::new(py, &names, &columns, nulls, labels)?;
        let rows = frame.rows;
        Ok(Self {
            index,
            ..Self::new(Origin::Columns(Arc::new(frame)), Some(rows))
        })
    }

    /// Creates rows from any object with `__arrow_c_stream__`. The rows can be read again if the object has a length.
    #[staticmethod]
    #[pyo3(signature = (stream, /))]
    fn from_stream(stream: &Bound<'_, PyAny>) -> PyResult<Self> {
        let origin = Origin::Stream(Stream::new(stream)?);
        Ok(Self::new(origin, stream.len().ok()))
    }

    /// Opens one sheet of an Excel or CSV file, by default the first. A workbook is read completely, a CSV file
    /// incrementally. `source` is a path or the bytes of a file. For bytes, `name` must be the name of the
    /// file, or only its extension, such as "xlsx".
    #[staticmethod]
    #[pyo3(signature = (
        source, sheet, max_workbook_bytes=None, max_line_bytes=None, /, name=None, encoding=None, skip_rows=0,
        skip_footer=0, is_footer_shared=false,
    ))]
    #[allow(clippy::needless_pass_by_value, clippy::too_many_arguments)] // Arguments from Python are owned.
    fn from_sheet(
        source: &Bound<'_, PyAny>,
        sheet: Option<String>,
        max_workbook_bytes: Option<u64>,
        max_line_bytes: Option<u64>,
        name: Option<String>,
        encoding: Option<String>,
        skip_rows: u32,
        skip_footer: usize,
        is_footer_shared: bool,
    ) -> PyResult<Self> {
        let unknown = |name: &str| PyValueError::new_err(format!("there is no encoding {name:?}"));
        let encoding = encoding
            .map(|name| named(&name).ok_or_else(|| unknown(&name)))
            .transpose()?;
        let usual = Limits::default();
        let layout = Layout {
            sheet: sheet.as_deref(),
            encoding,
            skip_rows,
            skip_footer,
            is_footer_shared,
            limits: Limits {
                workbook: max_workbook_bytes.unwrap_or(usual.workbook),
                line: max_line_bytes.unwrap_or(usual.line),
            },
        };
        let (sheet, path) = file::open(source, name, &layout)?;
        let rows = sheet.rows();
        Ok(Self {
            path,
            ..Self::new(Origin::Sheet(sheet), Some(rows))
        })
    }

    /// The title of the row labels: "sheet row" or "line" for a file, or the given title for dicts.
    #[getter]
    fn label_title(&self) -> Option<&str> {
        self.title()
    }

    /// The index that was passed with the columns, or None.
    #[getter]
    fn index(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.index.as_ref().map(|index| index.clone_ref(py))
    }

    /// The absolute path of the file that contains the rows, or None. For the bytes of a file, the path according to
    /// its name.
    #[getter]
    fn path(&self) -> Option<&PathBuf> {
        self.path.as_ref()
    }

    /// Notes for the user on how the file was read.
    #[getter]
    fn notes(&self) -> Vec<String> {
        self.sheet_notes()
    }

    /// The template's category, if the file is a filled-in template.
    #[getter]
    fn category(&self) -> Option<String> {
        self.template_category()
    }

    /// Creates rows from a column of values, such as a list of ids.
    #[staticmethod]
    #[pyo3(signature = (values, column, /))]
    fn from_values(values: &Bound<'_, PyAny>, column: String) -> PyResult<Self> {
        let (items, rows) = Items::new(values)?;
        Ok(Self::new(Origin::Values(items, column), rows))
    }

    /// Whether the rows can be read again.
    #[getter]
    fn replayable(&self) -> bool {
        self.length.is_some()
    }

    /// Whether the rows are values without a column name, such as a list of ids.
    #[getter]
    fn are_values(&self) -> bool {
        matches!(*self.origin, Origin::Values(..))
    }

    fn __len__(&self) -> PyResult<usize> {
        self.count()
            .ok_or_else(|| PyTypeError::new_err("the number of rows is not known before they are read"))
    }
}

impl Rows {
    fn new(origin: Origin, length: Option<usize>) -> Self {
        Self {
            origin: Arc::new(origin),
            length,
            selection: None,
            index: None,
            path: None,
        }
    }

    /// Returns the template's category, if the file is a filled-in template.
    pub fn template_category(&self) -> Option<String> {
        self.sheet().and_then(Sheet::category).map(str::to_owned)
    }

    /// Returns the name of the sheet in its workbook.
    pub fn sheet_name(&self) -> Option<&str> {
        self.sheet().and_then(Sheet::name)
    }

    /// Returns the columns that a template marked as required.
    pub fn required(&self) -> &[String] {
        self.sheet().map_or(&[], Sheet::required)
    }

    /// Returns notes for the user on how the file was read.
    pub fn sheet_notes(&self) -> Vec<String> {
        self.sheet().map_or_else(Vec::new, |sheet| sheet.notes().to_vec())
    }

    /// Returns the title of the row labels, such as "sheet row".
    pub fn title(&self) -> Option<&str> {
        self.origin.title()
    }

    /// Returns whether the rows have labels other than their numbers, and reading the labels does not consume
    /// the rows.
    pub fn has_labels(&self) -> bool {
        self.origin.has_labels()
    }

    /// Returns whether the rows have the index of a frame, which may number them.
    pub fn has_index(&self) -> bool {
        self.origin.has_index()
    }

    /// Returns the number of rows, if known in advance.
    pub fn count(&self) -> Option<usize> {
        match &self.selection {
            Some(selection) => Some(selection.len()),
            None => self.length,
        }
    }

    /// Returns the number of rows, if they are all rows of a sheet or text file.
    pub fn rows_of_file(&self) -> Option<usize> {
        let sheet = self.sheet().filter(|_| self.selection.is_none());
        sheet.map(Sheet::rows)
    }

    /// Returns only the rows with these ids, by their positions. `column` is the name of the column with the ids.
    pub fn select(&self, py: Python<'_>, ids: BTreeMap<u32, Box<str>>, column: String) -> Self {
        let selection = Selection::new(column, ids, self.length.unwrap_or(0));
        Self {
            origin: Arc::clone(&self.origin),
            length: self.length,
            selection: Some(Arc::new(selection)),
            index: self.index(py),
            path: self.path.clone(),
        }
    }

    /// Records in the ledger of a call which rows of the input these are, if not all.
    pub fn select_in(&self, ledger: &mut Ledger) {
        if let Some(selection) = &self.selection {
            ledger.set_selected(selection.positions().collect(), selection.of());
        }
    }

    /// Selects the rows of this object from `source`, which has all rows.
    pub fn selected<S: Source>(&self, source: S) -> Selected<S, Arc<Selection>> {
        Selected::new(source, self.selection.clone())
    }

    /// Returns the number of rows that were skipped at the end of a sheet or text file.
    pub fn skipped(&self) -> usize {
        self.sheet().map_or(0, Sheet::skipped)
    }

    /// Reads the options of a write of these rows. A file of rows to fix remembers what its texts mean.
    pub fn write_options(&self, options: &Bound<'_, PyAny>) -> PyResult<WriteOptions> {
        let mut given: WriteOptions = depythonize(options)?;
        if let Some(remembered) = self.sheet().and_then(Sheet::reading) {
            given.reading = Arc::new(given.reading.with_remembered(remembered));
        }
        Ok(given)
    }

    /// Returns the last row that was skipped above the column names of a sheet or text file.
    pub fn skipped_above(&self) -> Option<String> {
        self.sheet()?.skipped_above().map(str::to_owned)
    }

    /// Returns the columns that have both texts with leading zeros and numbers, if this takes little time to find out.
    /// In a frame, only the columns of identifiers are examined.
    pub fn padded(&self, py: Python<'_>, is_identifier: impl Fn(&str) -> bool) -> HashMap<String, Padded> {
        self.origin.padded(py, is_identifier)
    }

    /// Returns the names of the columns, as far as they are known before reading.
    pub fn names(&self, py: Python<'_>) -> Vec<String> {
        self.origin.names(py)
    }

    fn sheet(&self) -> Option<&Sheet> {
        self.origin.sheet()
    }

    /// Starts reading all rows at the first one, whether they are selected or not.
    ///
    /// # Errors
    /// If rows that can be read only once were already read, or if Python raises.
    pub fn source(&self, py: Python<'_>) -> PyResult<PythonSource> {
        PythonSource::new(py, Arc::clone(&self.origin), self.length)
    }
}
