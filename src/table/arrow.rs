//! Columns as Arrow arrays.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, NullArray, RecordBatch, StringArray,
    TimestampMillisecondArray,
};
use arrow_schema::{ArrowError, Field, Schema};
use jiff::Timestamp;
use serde_json::Value;

/// A record batch of these columns. The type of a column is the narrowest that holds all of its values; where they
/// are mixed it is text.
///
/// # Errors
/// When the columns differ in length.
pub fn batch(columns: &[(String, Vec<Value>)], rows: usize) -> Result<RecordBatch, ArrowError> {
    let arrays: Vec<ArrayRef> = columns.iter().map(|(name, values)| array(name, values)).collect();
    let fields: Vec<Field> = columns
        .iter()
        .zip(&arrays)
        .map(|((name, _), array)| Field::new(name, array.data_type().clone(), true))
        .collect();
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
}

fn array(name: &str, values: &[Value]) -> ArrayRef {
    let all = |test: fn(&Value) -> bool| values.iter().all(|value| value.is_null() || test(value));
    if all(|_| false) {
        return Arc::new(NullArray::new(values.len()));
    }
    if all(Value::is_boolean) {
        return Arc::new(values.iter().map(Value::as_bool).collect::<BooleanArray>());
    }
    if all(Value::is_i64) {
        return Arc::new(values.iter().map(Value::as_i64).collect::<Int64Array>());
    }
    if all(Value::is_number) {
        return Arc::new(values.iter().map(Value::as_f64).collect::<Float64Array>());
    }
    if all(|value| {
        value
            .as_array()
            .is_some_and(|list| list.iter().all(Value::is_string))
    }) {
        let mut lists = ListBuilder::new(StringBuilder::new());
        for value in values {
            match value.as_array() {
                Some(list) => lists.append_value(list.iter().map(Value::as_str)),
                None => lists.append_null(),
            }
        }
        return Arc::new(lists.finish());
    }
    if name.ends_with("At") && all(|value| instant(value).is_some()) {
        let instants: TimestampMillisecondArray = values.iter().map(instant).collect();
        return Arc::new(instants.with_timezone("UTC"));
    }
    let texts = values.iter().map(|value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    });
    Arc::new(texts.collect::<StringArray>())
}

fn instant(value: &Value) -> Option<i64> {
    Some(value.as_str()?.parse::<Timestamp>().ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    use arrow_schema::DataType;
    use serde_json::json;

    use super::*;

    #[test]
    fn each_column_has_the_narrowest_type_that_holds_it() {
        for (name, values, kind) in [
            ("a", vec![json!(true), json!(null)], DataType::Boolean),
            ("a", vec![json!(1), json!(2)], DataType::Int64),
            ("a", vec![json!(1), json!(2.5)], DataType::Float64),
            ("a", vec![json!(1), json!("2")], DataType::Utf8),
            ("a", vec![json!(null)], DataType::Null),
            (
                "a",
                vec![json!(["x"]), json!(null)],
                DataType::new_list(DataType::Utf8, true),
            ),
            (
                "createdAt",
                vec![json!("2020-05-01T06:00:00.000Z")],
                DataType::Timestamp(arrow_schema::TimeUnit::Millisecond, Some("UTC".into())),
            ),
            ("createdAt", vec![json!("soon")], DataType::Utf8),
        ] {
            assert_eq!(*array(name, &values).data_type(), kind, "{values:?}");
        }
    }

    #[test]
    fn times_in_every_form_of_rfc_3339_are_instants() {
        let forms = [
            "2020-05-01T06:00:00.250Z",
            "2020-05-01T07:00:00.25+01:00",
            "2020-05-01T06:00:00.250000+00:00",
            "2020-05-01t00:30:00.25-05:30",
        ];
        let values: Vec<Value> = forms.iter().map(|form| json!(form)).collect();
        let column = array("createdAt", &values);
        let instants = column
            .as_any()
            .downcast_ref::<TimestampMillisecondArray>()
            .unwrap();
        assert_eq!(instants.values(), &[1_588_312_800_250; 4]);
    }

    #[test]
    fn numbers_that_come_as_int_float_and_text_stay_as_they_came() {
        let column = array("ca2", &[json!(110), json!(6.5), json!("110.50"), json!(null)]);
        let texts = column.as_any().downcast_ref::<StringArray>().unwrap();
        let texts: Vec<Option<&str>> = texts.iter().collect();
        assert_eq!(texts, [Some("110"), Some("6.5"), Some("110.50"), None]);
    }
}
