//! The column names of a text file, and what is counted below them.

use std::collections::VecDeque;

use super::super::footer::FooterRow;
use super::records::Records;
use crate::input::totals::is_total;

/// The line with the column names, and the rows below it.
pub(super) struct Header {
    pub line: u32,
    pub is_table: bool,
    pub names: Vec<(u32, String)>,
    pub rows: usize,
    /// The line of the last row.
    pub last: u32,
    /// Whether each column has a cell below the header that is not blank.
    pub below: Vec<bool>,
    /// The lines read last: the footer, if the file ends here.
    pub footer: VecDeque<FooterRow>,
    /// The columns of the row above the footer. Empty without a footer.
    pub last_columns: Vec<u32>,
    skip_footer: usize,
}

impl Header {
    pub(super) fn of(line: u32, records: &Records, skip_footer: usize) -> Self {
        let names: Vec<(u32, String)> = records
            .cells()
            .map(|(column, text)| (column, text.to_owned()))
            .collect();
        Self {
            line,
            is_table: names.len() > 1,
            names,
            rows: 0,
            last: line,
            below: Vec::new(),
            footer: VecDeque::new(),
            last_columns: Vec::new(),
            skip_footer,
        }
    }

    pub(super) fn add(&mut self, line: u32, records: &Records) {
        if self.skip_footer == 0 {
            return self.add_row(line, records.cells().map(|(column, _)| column));
        }
        self.footer.push_back(FooterRow {
            row: line,
            columns: records.cells().map(|(column, _)| column).collect(),
            first: records.cells().next().map_or("", |(_, text)| text).to_owned(),
            is_total: records.cells().any(|(_, text)| is_total(text)),
        });
        if self.footer.len() > self.skip_footer
            && let Some(FooterRow { row, columns, .. }) = self.footer.pop_front()
        {
            self.add_row(row, columns.iter().copied());
            self.last_columns = columns;
        }
    }

    fn add_row(&mut self, line: u32, columns: impl Iterator<Item = u32>) {
        self.rows += 1;
        self.last = line;
        for column in columns {
            let column = column as usize;
            if self.below.len() <= column {
                self.below.resize(column + 1, false);
            }
            self.below[column] = true;
        }
    }
}
