//! The scanner reads what `serde_json` reads.

use serde_json::value::RawValue;

use super::*;

#[test]
fn strings_end_at_their_quote() {
    for (text, read) in [
        (r#""""#, Ok(("", false))),
        (r#""abc" "#, Ok(("abc", false))),
        (r#""12345678" "#, Ok(("12345678", false))),
        (r#""1234567890é\"x" "#, Ok((r#"1234567890é\"x"#, true))),
        (r#""\u00e9""#, Ok((r"\u00e9", true))),
        (r#""\u00g9""#, Err(Odd)),
        (r#""\x""#, Err(Odd)),
        ("\"a\nb\"", Err(Odd)),
        ("\"abcdefghijk\nb\"", Err(Odd)),
        (r#""abc"#, Err(Odd)),
        (r#""abc\"#, Err(Odd)),
    ] {
        assert_eq!(Scanner::new(text).string(), read, "{text}");
    }
}

#[test]
fn only_json_is_accepted() {
    for text in [
        "{}",
        "[]",
        " [ 1 , -0.5e+3 , 0 ] ",
        r#"{"a":{"b":[true,false,null,""]}}"#,
        r#""\"\\\/\b\f\n\r\t\u00fC\ud83d""#,
        r#"{"a" : 1}"#,
        "1E5",
        "\"\u{fc}\u{7f}\"",
    ] {
        let mut scanner = Scanner::new(text);
        assert!(scanner.skip(0).is_ok() && scanner.is_at_end(), "{text}");
    }
    for text in [
        "",
        "{",
        "{]",
        "[1,]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "[,1]",
        "tru",
        "nul",
        "\"a",
        "\"\u{1}\"",
        "\"a\nb\"",
        r#""\x""#,
        r#""\u12g4""#,
        r#""\u12"#,
        "-",
        "01",
        "1.",
        ".5",
        "1e",
        "+1",
        "[1 2]",
        "{\"a\" 1}",
        "\"\\",
        "NaN",
        "--1",
    ] {
        let mut scanner = Scanner::new(text);
        let taken = scanner.skip(0).is_ok() && scanner.is_at_end();
        assert!(!taken, "{text}");
        assert!(serde_json::from_str::<&RawValue>(text).is_err(), "{text}");
    }
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let deepest = DEEPEST as usize + 1;
    assert!(Scanner::new(&deep(deepest)).skip(0).is_ok());
    assert!(Scanner::new(&deep(deepest + 1)).skip(0).is_err());
}

#[test]
fn numbers_are_read_as_serde_json_reads_them() {
    for text in [
        "0",
        "-0",
        "7",
        "-7",
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
        "-9223372036854775809",
        "18446744073709551615",
        "18446744073709551616",
        "1.50",
        "1e3",
        "1E-3",
        "-0.0",
        "1e308",
        "123456789012345678901234567890",
        "0.1",
        "5e-324",
        "1e-400",
        "8.41e21",
        "9007199254740993.0",
        "01",
        "1.",
        ".5",
        "-",
        "1e",
        "1e+",
        "+1",
        "1e999",
        "-01",
    ] {
        let mut scanner = Scanner::new(text);
        let read = scanner.number().ok().filter(|_| scanner.at == text.len());
        let expected: Option<serde_json::Number> = serde_json::from_str(text).ok();
        let same = match (read, &expected) {
            (None, None) => true,
            (Some(Number::Int(read)), Some(number)) => number.as_i64() == Some(read),
            (Some(Number::Large), Some(number)) => number.is_u64() && !number.is_i64(),
            (Some(Number::Float(read)), Some(number)) => {
                number.is_f64() && number.as_f64().map(f64::to_bits) == Some(read.to_bits())
            }
            _ => false,
        };
        assert!(same, "{text}: {read:?}, not {expected:?}");
    }
}
