//! A ledger as Arrow columns. The column types do not depend on the content, except for labels.

use std::sync::Arc;

use arrow_array::builder::{Int64Builder, StringBuilder};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, Field, Schema};

use super::View;
use crate::input::Label;
use crate::rows::OUTCOME_COLUMNS as COLUMNS;

impl View {
    /// Converts all rows to a record batch. Labels are numbers, or strings if any label is a string.
    ///
    /// # Errors
    /// Never in practice, since every column has one value per row.
    pub fn batch(&self) -> Result<RecordBatch, ArrowError> {
        let (mut rows, mut attempts) = (Int64Builder::new(), Int64Builder::new());
        let mut texts: [StringBuilder; 9] = std::array::from_fn(|_| StringBuilder::new());
        for outcome in self.outcomes() {
            rows.append_value(self.ledger.number_of(outcome.row).into());
            attempts.append_value(outcome.attempts.into());
            let fault = outcome.fault.as_ref();
            let said = [
                outcome.key.as_deref(),
                Some(outcome.status.as_str()),
                outcome.id.as_deref(),
                fault.map(|fault| fault.code.as_str()),
                fault.map(|fault| fault.message.as_str()),
                fault.and_then(|fault| fault.column.as_deref()),
                fault.and_then(|fault| fault.value.as_deref()),
                fault.and_then(|fault| fault.fix.as_deref()),
                outcome.request_id,
            ];
            for (column, text) in texts.iter_mut().zip(said) {
                column.append_option(text);
            }
        }
        let [key, status, id, code, message, column, value, fix, request_id] =
            texts.map(|mut texts| Arc::new(texts.finish()) as ArrayRef);
        let arrays: Vec<ArrayRef> = vec![
            Arc::new(rows.finish()),
            self.labels(),
            key,
            status,
            id,
            code,
            message,
            column,
            value,
            fix,
            Arc::new(attempts.finish()),
            request_id,
        ];
        let fields: Vec<Field> = COLUMNS
            .iter()
            .zip(&arrays)
            .map(|(name, array)| Field::new(*name, array.data_type().clone(), true))
            .collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
    }

    fn labels(&self) -> ArrayRef {
        let label = |row| match self.ledger.label(row) {
            Label::Number => Label::Int(self.ledger.number_of(row).into()),
            label => label,
        };
        if self.numbers().any(|row| matches!(label(row), Label::Text(_))) {
            let mut labels = StringBuilder::new();
            for row in self.numbers() {
                match label(row) {
                    Label::Text(text) => labels.append_value(text),
                    Label::Int(number) => labels.append_value(number.to_string()),
                    Label::Number => labels.append_null(),
                }
            }
            return Arc::new(labels.finish());
        }
        let mut labels = Int64Builder::with_capacity(self.len());
        for row in self.numbers() {
            match label(row) {
                Label::Int(number) => labels.append_value(number),
                _ => labels.append_null(),
            }
        }
        Arc::new(labels.finish())
    }
}
