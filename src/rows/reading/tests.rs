//! Texts as offices write them, with the options that read them.

use proptest::prelude::*;

use jiff::civil::{Date, DateTime};

use super::Reading;

fn with(decimal: char, thousands: Option<char>) -> Reading {
    Reading {
        decimal: Some(decimal),
        thousands,
        ..Reading::default()
    }
}

#[test]
fn numbers_are_read_with_their_separators() {
    for (decimal, thousands, text, number) in [
        ('.', None, "12.5", "12.5"),
        ('.', None, " +12.5 ", "12.5"),
        ('.', None, "1e3", "1e3"),
        (',', None, "12,5", "12.5"),
        (',', None, "-0,5", "-0.5"),
        (',', None, "1234", "1234"),
        (',', None, "1,5e3", "1.5e3"),
        (',', Some('.'), "1.234", "1234"),
        (',', Some('.'), "1.234.567,89", "1234567.89"),
        (',', Some('.'), "-1.234", "-1234"),
        (',', Some('.'), "1234,5", "1234.5"),
        ('.', Some(','), "1,234.5", "1234.5"),
        ('.', Some('\''), "1'234.5", "1234.5"),
        ('.', Some('\''), "1\u{2019}234", "1234"),
        (',', Some(' '), "1\u{a0}234,5", "1234.5"),
        (',', Some(' '), "1\u{202f}234 567", "1234567"),
    ] {
        assert_eq!(
            with(decimal, thousands).number(text).as_deref(),
            Ok(number),
            "{text}"
        );
    }
}

#[test]
fn unread_numbers_name_the_options_that_read_them() {
    for (decimal, thousands, text, fix) in [
        ('.', None, "12,5", "set decimal=\",\", or write"),
        (
            '.',
            None,
            "1.234,5",
            "set decimal=\",\" and thousands=\".\", or write",
        ),
        (
            '.',
            None,
            "1.234.567",
            "set decimal=\",\" and thousands=\".\", or write",
        ),
        (
            '.',
            None,
            "1,234",
            "set decimal=\",\" if the comma separates decimals, or thousands=\",\"",
        ),
        ('.', None, "1,234.5", "set thousands=\",\""),
        ('.', None, "1 234", "set thousands=\" \""),
        ('.', None, "1'234.5", "set thousands=\"'\""),
        (
            '.',
            None,
            "1 234,5",
            "set decimal=\",\" and thousands=\" \", or write",
        ),
        (',', None, "1.234", "set thousands=\".\""),
        (',', None, "1.234,5", "set thousands=\".\""),
        (',', None, "12.5", "write the number with a decimal comma"),
        (',', Some('.'), "12.5", "write the number with a decimal comma"),
        (',', Some('.'), "12.34,5", "write the number with a decimal comma"),
        (',', Some('.'), "1,234.5", "write the number with a decimal comma"),
        (',', Some('.'), ".234", "write the number with a decimal comma"),
        ('.', None, "0,500", "set decimal=\",\", or write"),
        ('.', Some(','), "0,500", "set decimal=\",\", or write"),
        (',', Some('.'), "0.500", "write the number with a decimal comma"),
        (',', None, "-0.250", "write the number with a decimal comma"),
        (',', Some('.'), "012.345", "write the number with a decimal comma"),
        ('.', None, "abc", ""),
        ('.', None, "", ""),
        ('.', Some(','), "1,23", "set decimal=\",\", or write"),
        ('.', Some(','), "1,,234", ""),
        ('.', Some(','), ",234", "set decimal=\",\", or write"),
    ] {
        let (reason, found) = with(decimal, thousands).number(text).unwrap_err();
        assert!(found.starts_with(fix), "{text}: {reason}: {found}");
        assert_eq!(found.is_empty(), fix.is_empty(), "{text}: {found}");
    }
}

#[test]
fn dates_are_read_only_in_one_way() {
    for (text, dayfirst, date) in [
        ("2026-03-05", None, "2026-03-05"),
        ("2026-3-5", None, "2026-03-05"),
        ("2026/3/5", None, "2026-03-05"),
        ("2026.3.5", None, "2026-03-05"),
        ("2026-3-5", Some(true), "2026-03-05"),
        ("15.03.2026", None, "2026-03-15"),
        ("15.3.2026", Some(true), "2026-03-15"),
        ("15/03/2026", None, "2026-03-15"),
        ("15-03-2026", None, "2026-03-15"),
        ("3/15/2026", None, "2026-03-15"),
        ("3/15/2026", Some(false), "2026-03-15"),
        ("3.15.2026", Some(false), "2026-03-15"),
        ("03.03.2026", None, "2026-03-03"),
        ("03.04.2026", Some(true), "2026-04-03"),
        ("3/4/2026", Some(true), "2026-04-03"),
        ("3/4/2026", Some(false), "2026-03-04"),
        ("29.02.2028", None, "2028-02-29"),
        (" 15. 3. 2026 ", None, ""),
    ] {
        let reading = Reading {
            dayfirst,
            ..Reading::default()
        };
        let read = reading.date(text).map(|moment| moment.date().to_string());
        assert_eq!(read.unwrap_or_default(), date, "{text} {dayfirst:?}");
    }
    let time = Reading::default().date("15.03.2026 14:30").unwrap();
    assert_eq!(time.to_string(), "2026-03-15T14:30:00");
    assert_eq!(Reading::default().date("2026-03-05T14:30:00").unwrap().hour(), 14);
}

#[test]
fn unread_dates_say_why() {
    for (text, dayfirst, reason) in [
        ("03.04.2026", None, "ambiguous date"),
        ("3/4/2026", None, "ambiguous date"),
        ("31.02.2026", None, "this date does not exist"),
        ("31.02.2026", Some(true), "this date does not exist"),
        ("29.02.2026", None, "this date does not exist"),
        ("2026-02-30", None, "this date does not exist"),
        ("2026-13-01", None, "this date does not exist"),
        ("32.13.2026", None, "this date does not exist"),
        ("3.15.2026", None, "there is no month 15, but the day comes first"),
        (
            "3/15/2026",
            Some(true),
            "there is no month 15, but the day comes first",
        ),
        (
            "15/3/2026",
            Some(false),
            "there is no month 15, but the month comes first",
        ),
        ("15.03.26", None, "date with a two-digit year"),
        ("15.03.", None, "not a date"),
        ("15.03.2026 25:00", None, "not a date"),
        ("March", None, "not a date"),
        ("", None, "not a date"),
        ("1.2.3.4", None, "not a date"),
        ("2026", None, "not a date"),
    ] {
        let reading = Reading {
            dayfirst,
            ..Reading::default()
        };
        let (found, _) = reading.date(text).unwrap_err();
        assert!(found.starts_with(reason), "{text}: {found}");
    }
}

#[test]
fn further_words_mean_true_and_false() {
    let reading = Reading {
        true_values: vec!["ja".into(), "Wahr".into()],
        false_values: vec!["nein".into(), "-".into()],
        ..Reading::default()
    };
    for (text, value) in [
        ("Ja", Some(true)),
        (" WAHR ", Some(true)),
        ("nein", Some(false)),
        ("-", Some(false)),
        ("yes", Some(true)),
        ("0", Some(false)),
        ("vielleicht", None),
    ] {
        assert_eq!(reading.boolean(text), value, "{text}");
    }
    assert_eq!(Reading::default().boolean("ja"), None);
}

#[test]
fn identity_differs_only_where_options_change_a_reading() {
    let usual = Reading::default();
    let comma = with(',', None);
    let grouped = with(',', Some('.'));
    let us = with('.', Some(','));
    let month_first = Reading {
        dayfirst: Some(false),
        ..Reading::default()
    };
    let day_first = Reading {
        dayfirst: Some(true),
        ..Reading::default()
    };
    for reading in [&usual, &comma, &grouped, &us, &month_first, &day_first] {
        for text in ["AHU-1", "42", "+5", "2026-03-05", "15.03.2026", ""] {
            for data_type in ["numeric", "date"] {
                assert_eq!(reading.identity(data_type, text), None, "{text}");
            }
        }
        for text in ["1.10", "1,234", "3/4/2026"] {
            assert_eq!(reading.identity("text", text), None, "{text}");
        }
    }
    let identities = |text: &str, readings: &[&Reading]| {
        let data_type = if text.contains('/') { "date" } else { "numeric" };
        let mut found: Vec<_> = readings
            .iter()
            .map(|reading| reading.identity(data_type, text))
            .collect();
        found.sort();
        found.dedup();
        found.len()
    };
    // A text that was invalid before may become valid.
    assert_eq!(identities("12,5", &[&usual, &comma, &grouped]), 1);
    assert_eq!(identities("3/4/2026", &[&usual, &day_first]), 1);
    // A text that is read in another way is another value.
    assert_eq!(identities("1.234", &[&usual, &comma, &grouped]), 3);
    assert_eq!(identities("1,234", &[&comma, &us]), 2);
    assert_eq!(identities("3/4/2026", &[&day_first, &month_first]), 2);
}

proptest! {
    #[test]
    fn readers_never_panic(text in "\\PC{0,24}", decimal in prop_oneof![Just('.'), Just(',')]) {
        for thousands in [None, Some('.'), Some(','), Some(' '), Some('\'')] {
            let reading = with(decimal, thousands);
            let _ = (reading.number(&text), reading.date(&text), reading.identity("numeric", &text));
        }
    }

    /// Rows of a run with the same identity have the same value, so that none is taken for another.
    #[test]
    fn different_texts_have_the_same_identity_only_if_they_have_the_same_value(
        one in "[-+]?[0-3.,' ]{1,8}|[0-9]{1,2}[./][0-9]{1,2}[./]202[0-9]",
        other in "[-+]?[0-3.,' ]{1,8}|[0-9]{1,2}[./][0-9]{1,2}[./]202[0-9]",
        comma in proptest::bool::ANY,
        dayfirst in proptest::option::of(proptest::bool::ANY),
    ) {
        for thousands in [None, Some('.'), Some(','), Some(' '), Some('\'')] {
            let reading = Reading { dayfirst, ..with(if comma { ',' } else { '.' }, thousands) };
            let both = |data_type| (reading.identity(data_type, &one), reading.identity(data_type, &other));
            if let (Some(a), Some(b)) = both("numeric") && a == b && one != other {
                prop_assert_eq!(reading.number(&one).ok(), reading.number(&other).ok());
                prop_assert!(reading.number(&one).is_ok());
            }
            if let (Some(a), Some(b)) = both("date") && a == b {
                prop_assert_eq!(reading.date(&one).ok(), reading.date(&other).ok());
            }
        }
    }

    /// Groups and a decimal comma never change the value.
    #[test]
    fn grouped_numbers_keep_their_value(number in -9_999_999_999_i64..9_999_999_999, cents in 0..100_u8) {
        let digits = number.unsigned_abs().to_string();
        let mut grouped = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                grouped.push('.');
            }
            grouped.push(digit);
        }
        let sign = if number < 0 { "-" } else { "" };
        let read = with(',', Some('.')).number(&format!("{sign}{grouped},{cents:02}")).unwrap().into_owned();
        prop_assert_eq!(read, format!("{sign}{digits}.{cents:02}"));
    }

    /// A date is read as one of the dates that it may mean, and without `dayfirst` only if there is just one.
    #[test]
    fn dates_have_one_meaning(first in 1..40_i8, second in 1..40_i8, year in 1900..2100_i16, sign in 0..3_usize) {
        let separator = ['.', '/', '-'][sign];
        let text = format!("{first}{separator}{second}{separator}{year}");
        let read = Reading::default().date(&text).ok().map(DateTime::date);
        let day_first = Date::new(year, second, first).ok();
        let month_first = Date::new(year, first, second).ok();
        match (day_first, month_first) {
            (Some(one), Some(other)) => prop_assert_eq!(read, (one == other).then_some(one)),
            (None, Some(date)) => prop_assert_eq!(read, (separator != '.' && second > 12).then_some(date)),
            (date, None) => prop_assert_eq!(read, date.filter(|_| first > 12)),
        }
    }
}
