//! Values in the forms in which the service may return them.

use serde_json::json;

use super::*;

#[test]
fn values_are_compared_by_the_type_of_their_field() {
    let attribute = Form::Attribute;
    for (form, new, old, expected) in [
        (Form::Text, json!("a "), json!("a"), false),
        (Form::Text, json!("1.50"), json!("1.5"), false),
        (Form::Trimmed, json!("a"), json!(" a "), true),
        (Form::Trimmed, json!("0086"), json!("86"), false),
        (Form::Trimmed, json!("42"), json!(42), true),
        (Form::Uuid, json!("AB"), json!("ab"), true),
        (Form::Text, Value::Null, json!(""), true),
        (Form::Text, json!("a"), Value::Null, false),
        (attribute("numeric"), json!("1.50"), json!("1.5"), true),
        (attribute("numeric"), json!("1.50"), json!(1.5), true),
        (attribute("numeric"), json!("-0"), json!(0), true),
        (attribute("numeric"), json!(".5"), json!("0.5"), true),
        (attribute("numeric"), json!("1e3"), json!("1000"), true),
        (
            attribute("numeric"),
            json!("9007199254740993"),
            json!("9007199254740992"),
            false,
        ),
        (attribute("numeric"), json!("1"), json!("-1"), false),
        (
            attribute("numeric"),
            json!("0.1234567890123456789"),
            json!(0.123_456_789_012_345_68),
            true,
        ),
        (attribute("text"), json!("1.50"), json!("1.5"), false),
        (attribute("text"), json!("1.5"), json!(1.5), true),
        (attribute(""), json!("1.50"), json!("1.5"), false),
        (attribute(""), json!("1.5"), json!(1.5), true),
        (
            attribute("date"),
            json!("2031-02-28"),
            json!("2031-02-28T00:00:00.000Z"),
            true,
        ),
        (
            attribute("date"),
            json!("2031-02-28"),
            json!("2031-02-28T10:00:00Z"),
            false,
        ),
        (attribute("boolean"), json!(true), json!("true"), true),
        (attribute("boolean"), json!(true), json!(false), false),
        (attribute("boolean"), json!(false), Value::Null, false),
        (
            attribute("multi_select"),
            json!(["a", "b"]),
            json!(["b", "a"]),
            true,
        ),
        (
            attribute("multi_select"),
            json!(["a", "a"]),
            json!(["b", "a"]),
            false,
        ),
        (attribute("multi_select"), json!([]), Value::Null, true),
        (attribute("select"), json!("a"), json!(["a"]), true),
    ] {
        assert_eq!(same(&new, &old, form), expected, "{form:?} {new} {old}");
        assert_eq!(same(&old, &new, form), expected, "{form:?} {old} {new}");
    }
}

#[test]
fn values_of_an_unknown_type_are_the_same_only_if_that_is_certain() {
    for (one, other, expected) in [
        (json!("1.50"), json!("1.5"), false),
        (json!("012"), json!("12"), false),
        (json!("012"), json!(12), true),
        (json!("1.50"), json!(1.5), true),
        (json!("a"), json!("a "), false),
        (json!("a"), json!("A"), false),
        (json!("true"), json!("TRUE"), false),
        (json!("true"), json!(true), true),
        (json!("true,"), json!(true), true),
        (json!("yes"), json!(true), false),
        (json!(1), json!(true), false),
        (json!(false), Value::Null, false),
        (json!("2031-02-28"), json!("2031-02-28T00:00"), true),
        (json!("2031-02-28"), json!("2031-02-28T00:00:00"), true),
        (json!("2031-02-28"), json!("2031-02-28T00:00:00Z"), true),
        (json!("2031-02-28"), json!("2031-02-28T00:00:00.000Z"), true),
        (
            json!("2031-02-28T00:00:00Z"),
            json!("2031-02-28T00:00:00.000Z"),
            true,
        ),
        (json!("2031-02-28"), json!("2031-03-01T00:00:00Z"), false),
        (json!("2031-02-28"), json!("2031-02-28T00:00:01Z"), false),
        (json!("2031-02-28"), json!("2031-02-28T00:00:00.001Z"), false),
        (json!("2031-02-28"), json!("2031-02-28T00:00:00+02:00"), false),
        (json!("2031-02-30"), json!("2031-02-30T00:00:00Z"), false),
        (json!("2031-02-28"), json!("20310228"), false),
        (json!("ABCDEFGHIJ"), json!("ABCDEFGHIJT00:00:00Z"), false),
        (json!(["a", "b"]), json!(["b", "a"]), true),
        (json!(["a"]), json!("a"), true),
        (json!(["a"]), json!("b"), false),
        (json!([]), Value::Null, true),
        (json!({"a": 1}), json!({"a": 2}), false),
    ] {
        assert_eq!(same(&one, &other, Form::UNKNOWN), expected, "{one} {other}");
        assert_eq!(same(&other, &one, Form::UNKNOWN), expected, "{other} {one}");
    }
}

#[test]
fn a_text_is_no_date() {
    let is_same = same(
        &json!("2031-02-28"),
        &json!("2031-02-28T00:00:00Z"),
        Form::Attribute("text"),
    );
    assert!(!is_same);
}
