//! Rows from Python objects (dicts, columns, Arrow streams, lists of ids) and from Excel and CSV files.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatchReader;
use arrow_array::ffi_stream::ArrowArrayStreamReader;
use pyo3::exceptions::{PyKeyboardInterrupt, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyCapsule, PyIterator, PyList, PyString, PyTuple};
use pythonize::depythonize;

use super::attached::{Held, attached};
use super::capsule;
use super::errors::exception;
use super::values::{Value, Values, entries, type_name};
use crate::input::arrow::{self, Batches, Chunks};
use crate::input::sheet::encoding::named;
use crate::input::sheet::{Layout, Limits, Sheet, SheetRows};
use crate::input::{
    Cell, Column, Label, More, Padded, Selected, Selection, Sink, Source, SourceError, duplicate,
};
use crate::ledger::Ledger;
use crate::run::options::WriteOptions;

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

enum Origin {
    Dicts(Items, Option<Labels>),
    Values(Items, String),
    Columns(Arc<Frame>),
    Sheet(Sheet),
    Stream {
        object: Py<PyAny>,
        names: Vec<String>,
        /// The reader opened when the rows were created, to check the columns. The first read uses this
        /// reader.
        first: Mutex<Option<ArrowArrayStreamReader>>,
    },
}

/// The labels of the rows, unless the rows are numbered.
struct Labels {
    /// Labels that are iterated along with the rows.
    labels: Py<PyAny>,
    /// The title of the labels, such as `line`.
    title: Option<String>,
}

enum Items {
    /// A list or tuple, which can be iterated again.
    Again(Py<PyAny>),
    Once(Mutex<Option<Py<PyIterator>>>),
}

struct Frame {
    names: Vec<String>,
    columns: Vec<Cells>,
    /// The null mask of each column: one byte per row, 1 for null.
    nulls: Vec<Option<PyBackedBytes>>,
    labels: Option<Py<PyAny>>,
    rows: usize,
}

/// The cells in one column.
enum Cells {
    List(Py<PyList>),
    /// Any other sequence.
    Objects(Py<PyAny>),
    /// Cells that are read in place, without creating a Python object per cell.
    Arrow(Chunks),
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
    fn from_columns(
        py: Python<'_>,
        names: Vec<Bound<'_, PyString>>,
        columns: Vec<Bound<'_, PyAny>>,
        nulls: Vec<Option<PyBackedBytes>>,
        labels: Option<Py<PyAny>>,
        index: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let names: Vec<String> = names
            .into_iter()
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        if let Some(name) = duplicate(&names) {
            return Err(input_error(py, &duplicate_columns(name)));
        }
        let columns: Vec<Cells> = columns
            .into_iter()
            .map(|column| Cells::new(&column))
            .collect::<PyResult<_>>()?;
        let mut lengths: Vec<usize> = columns
            .iter()
            .map(|cells| cells.rows(py))
            .collect::<PyResult<_>>()?;
        if let Some(labels) = &labels {
            lengths.push(labels.bind(py).len()?);
        }
        lengths.extend(nulls.iter().flatten().map(|nulls| nulls.len()));
        let rows = lengths.first().copied().unwrap_or(0);
        let even = names.len() == columns.len() && nulls.len() == columns.len();
        if !even || lengths.iter().any(|length| *length != rows) {
            return Err(PyValueError::new_err(
                "the columns, null masks and labels have different lengths",
            ));
        }
        let frame = Frame {
            names,
            columns,
            nulls,
            labels,
            rows,
        };
        Ok(Self {
            index,
            ..Self::new(Origin::Columns(Arc::new(frame)), Some(rows))
        })
    }

    /// Creates rows from any object with `__arrow_c_stream__`. The rows can be read again if the object has a length.
    #[staticmethod]
    #[pyo3(signature = (stream, /))]
    fn from_stream(stream: &Bound<'_, PyAny>) -> PyResult<Self> {
        let reader = capsule::reader(stream)?;
        let names: Vec<String> = reader
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().clone())
            .collect();
        if let Some(name) = duplicate(&names) {
            return Err(input_error(stream.py(), &duplicate_columns(name)));
        }
        let origin = Origin::Stream {
            object: stream.clone().unbind(),
            names,
            first: Mutex::new(Some(reader)),
        };
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
        py: Python<'_>,
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
        let path;
        let opened = if source.is_instance_of::<PyBytes>() {
            let bytes: PyBackedBytes = source.extract()?;
            let name = name.ok_or_else(|| {
                PyTypeError::new_err(
                    "the name of the file is missing: pass it, or only its extension, as name=\"xlsx\"",
                )
            })?;
            path = std::path::absolute(&name).ok();
            py.detach(|| Sheet::of_bytes(&name, bytes.to_vec(), &layout))
        } else {
            let given: PathBuf = source.extract()?;
            path = std::path::absolute(&given).ok();
            py.detach(|| Sheet::open(&given, &layout))
        };
        let opened = opened.map_err(|error| exception(py, &error.into()))?;
        let rows = opened.rows();
        Ok(Self {
            path,
            ..Self::new(Origin::Sheet(opened), Some(rows))
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
        match &*self.origin {
            Origin::Sheet(sheet) => Some(sheet.label_title()),
            Origin::Dicts(_, Some(labels)) => labels.title.as_deref(),
            _ => None,
        }
    }

    /// Returns whether the rows have labels other than their numbers, and reading the labels does not consume
    /// the rows.
    pub fn has_labels(&self) -> bool {
        match &*self.origin {
            Origin::Sheet(_) => true,
            Origin::Columns(frame) => frame.labels.is_some(),
            // An iterator's labels are consumed along with its rows.
            Origin::Dicts(Items::Again(_), labels) => labels.is_some(),
            Origin::Dicts(Items::Once(_), _) | Origin::Values(..) | Origin::Stream { .. } => false,
        }
    }

    /// Returns whether the rows have the index of a frame, which may number them.
    pub fn has_index(&self) -> bool {
        matches!(&*self.origin, Origin::Columns(frame) if frame.labels.is_some())
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

    /// Leaves out the rows that are not selected. `source` has all rows.
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
        match &*self.origin {
            Origin::Sheet(sheet) => py.detach(|| sheet.padded()),
            Origin::Columns(frame) => frame
                .names
                .iter()
                .zip(&frame.columns)
                .filter(|(name, _)| is_identifier(name))
                .filter_map(|(name, cells)| Some((name.clone(), cells.padded(py)?)))
                .collect(),
            _ => HashMap::new(),
        }
    }

    /// Returns the names of the columns, as far as they are known before reading.
    pub fn names(&self, py: Python<'_>) -> Vec<String> {
        match &*self.origin {
            Origin::Columns(frame) => frame.names.clone(),
            Origin::Sheet(sheet) => sheet.names().to_vec(),
            Origin::Stream { names, .. } => names.clone(),
            Origin::Dicts(Items::Again(items), _) => {
                let first = items.bind(py).get_item(0);
                let keys = first.and_then(|first| first.call_method0("keys")?.try_iter()?.collect());
                let keys: Vec<Bound<'_, PyAny>> = keys.unwrap_or_default();
                keys.iter().filter_map(|key| key.extract().ok()).collect()
            }
            Origin::Dicts(Items::Once(_), _) | Origin::Values(..) => Vec::new(),
        }
    }

    fn sheet(&self) -> Option<&Sheet> {
        match &*self.origin {
            Origin::Sheet(sheet) => Some(sheet),
            _ => None,
        }
    }

    /// Starts reading all rows at the first one, whether they are selected or not.
    ///
    /// # Errors
    /// If rows that can be read only once were already read, or if Python raises.
    pub fn source(&self, py: Python<'_>) -> PyResult<PythonSource> {
        let objects = |objects| Walk::Objects(Held::new(objects));
        let walk = match &*self.origin {
            Origin::Dicts(items, labels) => objects(Objects::Dicts(Dicts {
                items: items.iterate(py)?,
                labels: match labels {
                    Some(labels) => Some(labels.labels.bind(py).try_iter()?.unbind()),
                    None => None,
                },
                keys: Vec::new(),
                known: HashMap::new(),
            })),
            Origin::Values(items, name) => objects(Objects::Values {
                items: items.iterate(py)?,
                name: name.clone(),
                column: None,
            }),
            Origin::Columns(frame) => objects(Objects::Columns {
                frame: Arc::clone(frame),
                columns: Vec::new(),
                next: 0,
            }),
            Origin::Sheet(sheet) => Walk::Sheet(sheet.source()),
            Origin::Stream { object, first, .. } => {
                let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
                let reader = match first {
                    Some(reader) => reader,
                    None if self.length.is_some() => capsule::reader(object.bind(py))?,
                    None => return Err(read_before(py)),
                };
                let batches = Batches::new(Box::new(reader), self.length);
                Walk::Stream(batches.map_err(|error| input_error(py, error.message()))?)
            }
        };
        Ok(PythonSource {
            walk,
            values: Held::new(Values::default()),
            rows: self.length,
            error: Arc::default(),
        })
    }
}

impl Cells {
    fn new(column: &Bound<'_, PyAny>) -> PyResult<Self> {
        if column.is_instance_of::<PyCapsule>() {
            let mut reader = capsule::stream(column)?;
            let batches = std::iter::from_fn(|| arrow::next(&mut reader)).map(|batch| match batch {
                Ok(batch) if batch.num_columns() == 1 => Ok(Arc::clone(batch.column(0))),
                Ok(_) => Err(PyValueError::new_err(
                    "this Arrow stream does not have exactly one column",
                )),
                Err(error) => Err(input_error(column.py(), error.message())),
            });
            return Ok(Self::Arrow(Chunks::new(batches.collect::<PyResult<_>>()?)));
        }
        if let Ok(dtype) = column.getattr(intern!(column.py(), "dtype")) {
            let kind = dtype.getattr(intern!(column.py(), "str"))?;
            let bytes = column.call_method0(intern!(column.py(), "tobytes"))?;
            let bytes: PyBackedBytes = bytes.extract()?;
            if let Some(chunks) = Chunks::of_numpy(&kind.cast::<PyString>()?.to_string_lossy(), &bytes) {
                return Ok(Self::Arrow(chunks));
            }
        }
        Ok(match column.cast_exact::<PyList>() {
            Ok(list) => Self::List(list.clone().unbind()),
            Err(_) => Self::Objects(column.clone().unbind()),
        })
    }

    /// Returns the texts with leading zeros, if there are any. Only a list of objects may have numbers as well.
    fn padded(&self, py: Python<'_>) -> Option<Padded> {
        let Self::List(cells) = self else { return None };
        let mut padded = Padded::default();
        for cell in cells.bind(py) {
            if let Ok(text) = cell.cast::<PyString>() {
                padded.add(text.to_string_lossy().trim());
            }
        }
        (padded.longest > 0).then_some(padded)
    }

    fn rows(&self, py: Python<'_>) -> PyResult<usize> {
        match self {
            Self::List(cells) => Ok(cells.bind(py).len()),
            Self::Objects(cells) => cells.bind(py).len(),
            Self::Arrow(chunks) => Ok(chunks.rows()),
        }
    }
}

impl Items {
    fn new(rows: &Bound<'_, PyAny>) -> PyResult<(Self, Option<usize>)> {
        // A subclass may report a different length, so use only the length of the list itself.
        let list = rows.cast::<PyList>().map(PyListMethods::len).ok();
        let length = list.or_else(|| rows.cast::<PyTuple>().map(PyTupleMethods::len).ok());
        if length.is_some() {
            return Ok((Self::Again(rows.clone().unbind()), length));
        }
        Ok((Self::Once(Mutex::new(Some(rows.try_iter()?.unbind()))), None))
    }

    fn iterate(&self, py: Python<'_>) -> PyResult<Py<PyIterator>> {
        match self {
            Self::Again(rows) => Ok(rows.bind(py).try_iter()?.unbind()),
            Self::Once(rows) => {
                let rows = rows.lock().unwrap_or_else(PoisonError::into_inner).take();
                rows.ok_or_else(|| read_before(py))
            }
        }
    }
}

/// An iterator over rows from Python. The iterator attaches to Python only inside `fill`.
pub struct PythonSource {
    walk: Walk,
    values: Held<Values>,
    rows: Option<usize>,
    error: Arc<Mutex<Option<PyErr>>>,
}

enum Walk {
    Objects(Held<Objects>),
    Sheet(SheetRows),
    Stream(Batches),
}

enum Objects {
    Dicts(Dicts),
    Values {
        items: Py<PyIterator>,
        name: String,
        column: Option<Column>,
    },
    Columns {
        frame: Arc<Frame>,
        columns: Vec<Column>,
        next: usize,
    },
}

impl PythonSource {
    /// Returns the slot that receives an exception raised by the user's rows. Call this before moving the
    /// source.
    #[must_use]
    pub fn error(&self) -> Arc<Mutex<Option<PyErr>>> {
        Arc::clone(&self.error)
    }

    /// Stores the first exception raised by the rows.
    fn keep(&self, raised: PyErr) {
        let mut error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        let spare = match *error {
            Some(_) => Some(raised),
            None => error.replace(raised),
        };
        drop(error);
        attached(|_| drop(spare));
    }

    fn fill_some(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        // The Arrow reader itself needs no Python. A stream implemented in Python attaches on its own.
        let walk = match &mut self.walk {
            Walk::Stream(batches) => {
                return batches.fill(sink).inspect_err(|error| {
                    // For an exception raised inside a stream, the Arrow interface passes on only the message.
                    if error.message().contains("KeyboardInterrupt") {
                        self.keep(PyKeyboardInterrupt::new_err(()));
                    }
                });
            }
            Walk::Sheet(rows) => return rows.fill(sink),
            Walk::Objects(walk) => walk,
        };
        let values = &mut self.values;
        let filled = attached(|py| match &mut **walk {
            Objects::Dicts(dicts) => dicts.fill(py, values, sink),
            Objects::Values { items, name, column } => {
                let column = *column.get_or_insert_with(|| sink.column(name));
                fill_values(items.bind(py), column, values, sink)
            }
            Objects::Columns { frame, columns, next } => frame.fill(py, columns, next, values, sink),
        });
        match filled {
            Some(Ok(more)) => Ok(more),
            Some(Err(raised)) => {
                let text = format!("the rows raised {raised}");
                self.keep(raised);
                Err(SourceError::new(text))
            }
            None => Err(SourceError::new("Python is shutting down".to_owned())),
        }
    }
}

impl Source for PythonSource {
    fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
        let filled = self.fill_some(sink);
        if let Ok(More::End) = filled {
            // From here on, trust only the number of rows read, not the announced one.
            self.rows = None;
        }
        filled
    }

    fn rows(&self) -> Option<usize> {
        self.rows
    }
}

/// Iterates over dicts. Most rows have the same keys in the same order, and even the same key objects.
struct Dicts {
    items: Py<PyIterator>,
    labels: Option<Py<PyIterator>>,
    /// The keys of the previous row, by position.
    keys: Vec<(Py<PyAny>, Column)>,
    known: HashMap<String, Column>,
}

impl Dicts {
    fn fill(&mut self, py: Python<'_>, values: &mut Values, sink: &mut dyn Sink) -> PyResult<More> {
        let items = self.items.bind(py).clone();
        let mut labels = self.labels.as_ref().map(|labels| labels.bind(py).clone());
        let mut pairs = Vec::new();
        for item in items {
            let item = item?;
            let label = labels.as_mut().and_then(Iterator::next).transpose()?;
            let label = OwnedLabel::of(label.as_ref(), values)?;
            let label = label.label();
            if !values.is_mapping(&item) {
                sink.broken(label, &describe(&item));
            } else if !entries(&item, &mut pairs)? {
                let found = format!("{} whose items() are not pairs", describe(&item));
                sink.broken(label, &found);
            } else if sink.begin(label) {
                for (position, (key, value)) in pairs.iter().enumerate() {
                    let column = self.column(position, key, sink)?;
                    values.push(value, column, sink);
                }
                sink.end();
            }
            if sink.full() {
                return Ok(More::Rows);
            }
        }
        Ok(More::End)
    }

    fn column(&mut self, position: usize, key: &Bound<'_, PyAny>, sink: &mut dyn Sink) -> PyResult<Column> {
        if let Some((last, column)) = self.keys.get(position)
            && last.is(key)
        {
            return Ok(*column);
        }
        // A key that is not a string becomes an unknown column.
        let name = match key.cast::<PyString>() {
            Ok(name) => name.clone(),
            Err(_) => key.str()?,
        };
        let name = name.to_string_lossy();
        let column = if let Some(column) = self.known.get(name.as_ref()) {
            *column
        } else {
            let column = sink.column(&name);
            self.known.insert(name.into_owned(), column);
            column
        };
        let remembered = (key.clone().unbind(), column);
        match self.keys.get_mut(position) {
            Some(last) => *last = remembered,
            None => self.keys.push(remembered),
        }
        Ok(column)
    }
}

fn fill_values(
    items: &Bound<'_, PyIterator>,
    column: Column,
    values: &mut Values,
    sink: &mut dyn Sink,
) -> PyResult<More> {
    let items = items.clone();
    for item in items {
        let item = item?;
        if sink.begin(Label::Number) {
            values.push(&item, column, sink);
            sink.end();
        }
        if sink.full() {
            return Ok(More::Rows);
        }
    }
    Ok(More::End)
}

impl Frame {
    fn fill(
        &self,
        py: Python<'_>,
        columns: &mut Vec<Column>,
        next: &mut usize,
        values: &mut Values,
        sink: &mut dyn Sink,
    ) -> PyResult<More> {
        if columns.is_empty() {
            columns.extend(self.names.iter().map(|name| sink.column(name)));
        }
        while *next < self.rows {
            let row = *next;
            *next += 1;
            let label = self
                .labels
                .as_ref()
                .map(|labels| item(labels.bind(py), row))
                .transpose()?;
            if sink.begin(OwnedLabel::of(label.as_ref(), values)?.label()) {
                for ((column, cells), nulls) in columns.iter().zip(&self.columns).zip(&self.nulls) {
                    if nulls.as_ref().is_some_and(|nulls| nulls[row] != 0) {
                        sink.cell(*column, &Cell::Null);
                        continue;
                    }
                    match cells {
                        Cells::List(cells) => values.push(&cells.bind(py).get_item(row)?, *column, sink),
                        Cells::Objects(cells) => values.push(&cells.bind(py).get_item(row)?, *column, sink),
                        Cells::Arrow(chunks) => chunks.push(row, *column, sink),
                    }
                }
                sink.end();
            }
            if sink.full() {
                return Ok(More::Rows);
            }
        }
        Ok(More::End)
    }
}

/// A row label from Python, with an owned string.
enum OwnedLabel {
    Number,
    Int(i64),
    Text(String),
}

impl OwnedLabel {
    fn of(label: Option<&Bound<'_, PyAny>>, values: &mut Values) -> PyResult<Self> {
        let Some(label) = label else {
            return Ok(Self::Number);
        };
        Ok(match values.read(label.clone()) {
            Value::Cell(Cell::Int(number)) => Self::Int(number),
            _ => Self::Text(label.str()?.to_string_lossy().into_owned()),
        })
    }

    fn label(&self) -> Label<'_> {
        match self {
            Self::Number => Label::Number,
            Self::Int(number) => Label::Int(*number),
            Self::Text(text) => Label::Text(text),
        }
    }
}

fn item<'py>(sequence: &Bound<'py, PyAny>, index: usize) -> PyResult<Bound<'py, PyAny>> {
    match sequence.cast::<PyList>() {
        Ok(list) => list.get_item(index),
        Err(_) => sequence.get_item(index),
    }
}

fn describe(value: &Bound<'_, PyAny>) -> String {
    if value.is_none() {
        "None".to_owned()
    } else {
        format!("of type {}", type_name(value))
    }
}

fn duplicate_columns(name: &str) -> String {
    format!("duplicate column name `{name}`: rename or drop one of them")
}

fn read_before(py: Python<'_>) -> PyErr {
    input_error(
        py,
        "these rows can be read only once and were already read: pass a list or a frame instead",
    )
}

/// Creates an `acc_assets.errors.InputError`.
pub(super) fn input_error(py: Python<'_>, message: &str) -> PyErr {
    let raised = py
        .import("acc_assets.errors")
        .and_then(|errors| errors.getattr("InputError"))
        .and_then(|class| class.call1((message,)));
    match raised {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}
