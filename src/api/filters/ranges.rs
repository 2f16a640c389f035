//! Ranges of times and other values, as filters write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// A range in milliseconds since 1970, both ends included.
pub(super) type Range = (i64, i64);

/// Returns whether a value is between two bounds, each optional.
pub(super) fn between<T: PartialOrd>(
    shown: &str,
    from: &str,
    to: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Option<bool> {
    let shown = read(shown)?;
    let end = |text: &str| {
        if text.is_empty() {
            Some(None)
        } else {
            read(text).map(Some)
        }
    };
    let (from, to) = (end(from)?, end(to)?);
    Some(from.is_none_or(|from| from <= shown) && to.is_none_or(|to| shown <= to))
}

pub(super) fn day(text: &str) -> Option<Date> {
    text.get(..10)?.parse().ok()
}

pub(super) fn range(text: &str) -> Option<Range> {
    let Some((from, to)) = text.split_once("..") else {
        return instant(text);
    };
    let end = |text: &str, open: i64, pick: fn(Range) -> i64| {
        if text.is_empty() {
            Some(open)
        } else {
            instant(text).map(pick)
        }
    };
    Some((
        end(from, i64::MIN, |instant| instant.0)?,
        end(to, i64::MAX, |instant| instant.1)?,
    ))
}

/// A tolerance of one second, since times may be written with more or fewer digits than are significant.
const PRECISION: i64 = 1_000;
/// The largest offset of a time zone from UTC.
const ZONES: i64 = 14 * 3_600_000;
const DAY: i64 = 24 * 3_600_000;

/// Returns the range of milliseconds that a time may refer to. A day, or a time without a zone, may be in any zone.
pub(super) fn instant(text: &str) -> Option<Range> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        let time = time.as_millisecond();
        return Some((time - PRECISION, time + PRECISION));
    }
    let time: DateTime = text.parse().ok()?;
    let length = if text.contains(':') { PRECISION } else { DAY };
    let utc = time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond();
    Some((utc - ZONES - PRECISION, utc + ZONES + length))
}
