//! The ledger of a call that ended before its first request.

use crate::input::{Cell, Column, Label, More, Sink, Source};
use crate::ledger::Ledger;

/// After this many rows, reading labels pauses to let other Python threads run.
const PAUSE: usize = 1024;

/// Adds rows with the labels of a source. Rows that cannot be read have no labels: the call itself reports the error.
pub fn read_labels(source: &mut dyn Source, ledger: &mut Ledger) {
    let mut labels = Labels { ledger, read: 0 };
    while let Ok(More::Rows) = source.fill(&mut labels) {}
}

/// Marks all rows as not sent. `rows` is their number, as far as it is known.
pub fn leave_unsent(ledger: &mut Ledger, rows: usize) {
    ledger.fill_up(rows);
    ledger.leave_unread();
    ledger.not_sent = Some("the call ended before its first request".to_owned());
}

/// A sink that keeps only row labels.
struct Labels<'l> {
    ledger: &'l mut Ledger,
    read: usize,
}

impl Labels<'_> {
    fn push(&mut self, label: Label<'_>) {
        self.ledger.push(label);
        self.read += 1;
    }
}

impl Sink for Labels<'_> {
    fn column(&mut self, _: &str) -> Column {
        Column(0)
    }

    fn begin(&mut self, label: Label<'_>) -> bool {
        self.push(label);
        false
    }

    fn cell(&mut self, _: Column, _: &Cell<'_>) {}

    fn broken(&mut self, label: Label<'_>, _: &str) {
        self.push(label);
    }

    fn end(&mut self) {}

    fn full(&self) -> bool {
        self.read.is_multiple_of(PAUSE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::SourceError;
    use crate::ledger::Status;

    /// Two labeled rows. The second one is not a row.
    struct Rows;

    impl Source for Rows {
        fn fill(&mut self, sink: &mut dyn Sink) -> Result<More, SourceError> {
            assert!(!sink.begin(Label::Int(7)));
            sink.broken(Label::Text("total"), "None");
            Ok(More::End)
        }

        fn rows(&self) -> Option<usize> {
            None
        }
    }

    #[test]
    fn all_rows_are_not_sent_and_keep_their_labels() {
        let mut ledger = Ledger::default();
        read_labels(&mut Rows, &mut ledger);
        leave_unsent(&mut ledger, 3);
        assert_eq!(ledger.rows(), 3);
        assert_eq!(ledger.label(0), Label::Int(7));
        assert_eq!(ledger.label(1), Label::Text("total"));
        assert!((0..3).all(|row| ledger.status(row) == Status::NotSent));
    }
}
