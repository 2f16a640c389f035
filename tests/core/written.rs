//! Writes the rows of a source without sending them.

use acc_assets::input::{Cell, Column, Label, More, Sink, Source};
use acc_assets::rows::{Policy, Problem, RowWriter};

/// The rows of a source, each as its item in a request body or its problems.
pub struct Written {
    pub writer: RowWriter,
    pub rows: Vec<Result<String, Vec<Problem>>>,
    body: Vec<u8>,
}

impl Written {
    /// Writes all rows of a source. Reading pauses after every second row.
    pub fn of(policy: Policy, source: &mut dyn Source) -> Self {
        let mut written = Self {
            writer: RowWriter::new(policy),
            rows: Vec::new(),
            body: Vec::new(),
        };
        while source.fill(&mut written).unwrap() == More::Rows {}
        written
    }
}

impl Sink for Written {
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

    fn filled(&mut self, column: Column) {
        self.writer.filled(column);
    }

    fn broken(&mut self, _: Label<'_>, found: &str) {
        self.rows.push(Err(vec![Problem::not_a_row(found)]));
    }

    fn end(&mut self) {
        let ended = self.writer.end(&mut self.body);
        let body = String::from_utf8(self.body.clone()).unwrap();
        self.rows.push(ended.map(|()| body));
    }

    fn full(&self) -> bool {
        self.rows.len().is_multiple_of(2)
    }
}
