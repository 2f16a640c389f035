//! Parses and formats times as the service writes them: UTC with milliseconds, `2020-05-01T06:00:00.000Z`.

use jiff::Timestamp;

/// The length of a time in the service's form.
pub(super) const LENGTH: usize = 24;

pub(super) const DAY: i64 = 86_400_000;

/// Parses a time in exactly the service's form into milliseconds since 1970.
pub(super) fn printed(text: &str) -> Option<i64> {
    let (words, []) = text.as_bytes().as_chunks::<8>() else {
        return None;
    };
    let [one, two, three] = words else { return None };
    let (one, two, three) = (
        digits(*one, *b"0000-00-")?,
        digits(*two, *b"00T00:00")?,
        digits(*three, *b":00.000Z")?,
    );
    let digit = |word: u64, at: u32| ((word >> (8 * at)) & 0xff).cast_signed();
    let pair = |word, at| digit(word, at) * 10 + digit(word, at + 1);
    let (year, month, day) = (pair(one, 0) * 100 + pair(one, 2), pair(one, 5), pair(two, 0));
    let (hour, minute, second) = (pair(two, 3), pair(two, 6), pair(three, 1));
    let millisecond = pair(three, 4) * 10 + digit(three, 6);
    // No correct clock shows a time outside these years. The slow reader handles such times.
    let is_valid = (1..=9998).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let time = ((hour * 60 + minute) * 60 + second) * 1000 + millisecond;
    is_valid.then(|| days_since_1970(year, month, day) * DAY + time)
}

/// Parses a date such as 2031-02-28 into days since 1970.
pub(super) fn day(text: &str) -> Option<i32> {
    let (first, last) = (text.as_bytes().first_chunk::<8>()?, text.as_bytes().get(8..)?);
    let [ten, one] = last else { return None };
    let words = (
        digits(*first, *b"0000-00-")?,
        digits([*ten, *one, 0, 0, 0, 0, 0, 0], *b"00\0\0\0\0\0\0")?,
    );
    let digit = |word: u64, at: u32| ((word >> (8 * at)) & 0xff).cast_signed();
    let pair = |word, at| digit(word, at) * 10 + digit(word, at + 1);
    let (year, month, day) = (
        pair(words.0, 0) * 100 + pair(words.0, 2),
        pair(words.0, 5),
        pair(words.1, 0),
    );
    let is_valid = year >= 1 && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
    is_valid.then(|| i32::try_from(days_since_1970(year, month, day)).ok())?
}

/// Returns the digits of a string that has digits where the pattern has zeros, and otherwise equals the pattern.
fn digits(text: [u8; 8], pattern: [u8; 8]) -> Option<u64> {
    // Each byte becomes its digit, or zero.
    let digits = u64::from_le_bytes(text) ^ u64::from_le_bytes(pattern);
    // Adding this to a byte sets its highest bit if the byte is too large.
    let too_much = u64::from_le_bytes(pattern.map(|byte| if byte == b'0' { 0x76 } else { 0x7f }));
    let high = 0x8080_8080_8080_8080;
    ((digits | digits.wrapping_add(too_much)) & high == 0).then_some(digits)
}

/// Formats milliseconds since 1970 as a time in the service's form.
pub(super) fn print(time: i64) -> [u8; LENGTH] {
    let mut text = *b"0000-00-00T00:00:00.000Z";
    let (days, time) = (time.div_euclid(DAY), time.rem_euclid(DAY));
    let (year, month, day) = date(days);
    let mut put = |from: usize, to: usize, mut number: i64| {
        for at in (from..to).rev() {
            // The value is a single digit.
            text[at] = b'0' + u8::try_from(number % 10).unwrap_or(0);
            number /= 10;
        }
    };
    put(0, 4, year);
    put(5, 7, month);
    put(8, 10, day);
    put(11, 13, time / 3_600_000);
    put(14, 16, time / 60_000 % 60);
    put(17, 19, time / 1000 % 60);
    put(20, 23, time % 1000);
    text
}

/// Parses a time in any RFC 3339 form into milliseconds since 1970. Returns `None` if the string is not such
/// a time, or if the time is not a whole number of milliseconds.
pub(super) fn any(text: &str) -> Option<i64> {
    printed(text).or_else(|| {
        let time: Timestamp = text.parse().ok()?;
        let whole = time.subsec_nanosecond() % 1_000_000 == 0;
        whole.then(|| time.as_millisecond())
    })
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Years begin on March 1, so that a leap day is the last day of its year.
    let year = year - i64::from(month <= 2);
    let leap_days = (year >> 2) - year / 100 + year / 400;
    let before = usize::try_from(month - 1)
        .ok()
        .and_then(|month| BEFORE.get(month));
    year * 365 + leap_days + before.unwrap_or(&0) + day - 1 - 719_468
}

/// The number of days from March 1 to the first day of each month.
const BEFORE: [i64; 12] = [306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275];

// Counts in eras of 400 years that begin on March 1, for the same reason.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, days) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (days - days / 1460 + days / 36_524 - days / 146_096) / 365;
    let day_of_year = days - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_as_by_the_slow_reader() {
        for year in [0, 1, 4, 1900, 1970, 2000, 2023, 9999] {
            for (month, day_of_month) in [
                (0, 1),
                (1, 1),
                (2, 28),
                (2, 29),
                (4, 31),
                (12, 31),
                (13, 1),
                (1, 0),
            ] {
                let text = format!("{year:04}-{month:02}-{day_of_month:02}");
                let slow = text
                    .parse::<jiff::civil::Date>()
                    .ok()
                    .filter(|date| date.year() > 0);
                let slow =
                    slow.map(|date| date.duration_since(jiff::civil::date(1970, 1, 1)).as_hours() / 24);
                assert_eq!(day(&text).map(i64::from), slow, "{text}");
            }
        }
        for text in [
            "",
            "2031-02-2",
            "2031-02-280",
            "2031/02/28",
            "2031-02-2x",
            "-031-02-28",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn times_are_read_as_by_the_slow_reader() {
        for year in [
            1, 4, 100, 400, 1600, 1899, 1900, 1969, 1970, 1999, 2000, 2023, 2024, 2100, 9998,
        ] {
            for (month, day) in [
                (1, 1),
                (2, 28),
                (2, 29),
                (2, 30),
                (3, 1),
                (4, 31),
                (12, 31),
                (13, 1),
                (0, 1),
                (6, 0),
            ] {
                for time in [
                    "00:00:00.000",
                    "23:59:59.999",
                    "24:00:00.000",
                    "12:60:00.000",
                    "12:34:56.789",
                ] {
                    let text = format!("{year:04}-{month:02}-{day:02}T{time}Z");
                    let slow = text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond);
                    assert_eq!(printed(&text), slow, "{text}");
                    if let Some(time) = slow {
                        assert_eq!(std::str::from_utf8(&print(time)), Ok(&text[..]));
                    }
                }
            }
        }
        for text in [
            "2020-05-01T06:00:00Z",
            "2020-05-01 06:00:00.000Z",
            "2020-05-01T06:00:0x.000Z",
            "",
            "2020-05-01T06:00:00.000+",
        ] {
            assert_eq!(printed(text), None, "{text}");
        }
    }
}
