//! Estimates the memory for the cells of an `OpenDocument` sheet, where cells, rows and blanks may have repeat counts.

use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Bytes per cell: the library stores a value and a formula for each cell of the bounding rectangle.
const CELL: u64 = 56;

/// The library reads at most as many rows and columns as Excel has.
const MOST_ROWS: u64 = 1_048_576;
const MOST_COLUMNS: u64 = 16_384;

/// Estimates the bytes that the sheets in a `content.xml` need. Any result above `most` only means "too many".
pub(super) fn bytes_of_cells(content: impl BufRead, most: u64) -> u64 {
    let mut reader = Reader::from_reader(content);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.expand_empty_elements = true;
    let mut buffer = Vec::new();
    let (mut all, mut table, mut row) = (0_u64, Table::default(), Row::default());
    let mut cell: Option<Cell> = None;
    // The attributes are those of OpenDocument 1.3, part 3: 19.675, 19.679 and 19.765.
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => match (start.name().as_ref(), &mut cell) {
                ("table:table-row", _) => {
                    row = Row {
                        repeated: number(&start, "table:number-rows-repeated").min(MOST_ROWS),
                        ..Row::default()
                    };
                }
                ("table:table-cell" | "table:covered-table-cell", _) => {
                    let attributes = start.attributes_raw();
                    cell = Some(Cell {
                        repeated: number(&start, "table:number-columns-repeated").min(MOST_COLUMNS),
                        bytes: attributes.len() as u64,
                        is_filled: attributes.contains("office:") || attributes.contains("table:formula"),
                    });
                }
                ("text:s", Some(cell)) => cell.add(number(&start, "text:c")),
                // The library adds one character for each of these.
                ("text:p" | "text:tab" | "text:line-break", Some(cell)) => cell.add(1),
                _ => {}
            },
            Ok(Event::Text(text)) => {
                if let Some(cell) = &mut cell {
                    cell.add(text.len() as u64);
                }
            }
            Ok(Event::GeneralRef(reference)) => {
                if let Some(cell) = &mut cell {
                    // The character that an XML entity stands for is never longer than its name: `&#8364;` is
                    // three bytes.
                    cell.add(reference.len() as u64);
                }
            }
            Ok(Event::End(end)) => match end.name().as_ref() {
                "table:table-cell" | "table:covered-table-cell" => {
                    if let Some(cell) = cell.take() {
                        row.add(&cell);
                    }
                }
                "table:table-row" => table.add(&std::mem::take(&mut row)),
                "table:table" => all = all.saturating_add(std::mem::take(&mut table).bytes()),
                _ => {}
            },
            // The library reports the error in the file.
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
        let open = cell.as_ref().map_or(0, |cell| cell.bytes);
        if all
            .saturating_add(table.bytes())
            .saturating_add(row.bytes)
            .saturating_add(open)
            > most
        {
            break;
        }
    }
    let open = cell.map_or(0, |cell| cell.bytes);
    all.saturating_add(table.bytes())
        .saturating_add(row.bytes)
        .saturating_add(open)
}

struct Cell {
    repeated: u64,
    bytes: u64,
    is_filled: bool,
}

impl Cell {
    fn add(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.is_filled = true;
    }
}

#[derive(Default)]
struct Row {
    repeated: u64,
    /// The number of columns up to the last cell that is not blank. `blank` is the number of blank columns
    /// after that cell.
    columns: u64,
    blank: u64,
    /// Bytes of strings and formulas.
    bytes: u64,
}

impl Row {
    fn add(&mut self, cell: &Cell) {
        self.blank = self.blank.saturating_add(cell.repeated);
        if cell.is_filled {
            self.columns = (self.columns.saturating_add(self.blank)).min(MOST_COLUMNS);
            self.blank = 0;
            self.bytes = self
                .bytes
                .saturating_add(cell.bytes.saturating_mul(cell.repeated));
        }
    }
}

#[derive(Default)]
struct Table {
    /// The number of rows up to the last row that is not blank. `blank` is the number of blank rows after
    /// that row.
    rows: u64,
    blank: u64,
    columns: u64,
    texts: u64,
}

impl Table {
    fn add(&mut self, row: &Row) {
        self.blank = self.blank.saturating_add(row.repeated);
        if row.columns > 0 {
            self.rows = (self.rows.saturating_add(self.blank)).min(MOST_ROWS);
            self.blank = 0;
            self.columns = self.columns.max(row.columns);
            self.texts = self.texts.saturating_add(row.bytes.saturating_mul(row.repeated));
        }
    }

    fn bytes(&self) -> u64 {
        (self.rows * self.columns * CELL).saturating_add(self.texts)
    }
}

/// Reads a repeat count. Default: 1.
fn number(element: &BytesStart<'_>, attribute: &str) -> u64 {
    match element.try_get_attribute(attribute) {
        Ok(None) => 1,
        // The library rejects a value that is not a number.
        Ok(Some(given)) => given.value.parse().unwrap_or(u64::MAX),
        // The library may still read an element with malformed attributes.
        Err(_) => u64::MAX,
    }
}
